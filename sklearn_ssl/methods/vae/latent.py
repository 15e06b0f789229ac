"""What a classifier with latent variables does besides classifying: encode, decode, sample."""

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state, check_scalar
from sklearn.utils._param_validation import Integral
from sklearn.utils.validation import check_is_fitted

__all__ = ["LatentVariablesMixin"]


class LatentVariablesMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Methods of a fitted `VAEClassifier`, to be named before `SSLClassifier` among the bases.

    The estimator has ``latent_dim``; ``_knows_classes``, whether encoder and decoder are given the
    class; and ``_bound()``, the evidence lower bound as ``(model, x, noise, noise_1) -> (n,)``. Its
    network has ``encode``, ``decode`` and ``to_input`` as ``networks.vae`` describes.
    """

    def _train(self, rows, seed, previous):
        vars(self).pop("_class_shares", None)
        super()._train(rows, seed, previous)
        X, codes = rows.X, rows.y
        self._class_shares = rows.class_prior.double().numpy()
        self._class_shares /= self._class_shares.sum()
        if not self._knows_classes:  # z of each class, since the decoder does not know classes
            p, z = self._probabilities(X), self._latent(X)
            p[codes >= 0] = np.eye(len(self.classes_))[codes[codes >= 0]]
            weight = p / p.sum(0)
            self._z_means = weight.T @ z
            factors = []
            for w, mean in zip(weight.T, self._z_means, strict=True):
                covariance = ((z - mean) * w[:, None]).T @ (z - mean) + 1e-6 * np.eye(z.shape[1])
                factors.append(np.linalg.cholesky(covariance))
            self._z_factors = np.stack(factors)

    def _call(self, X, function):
        """Apply ``function(model, x)`` to slices of X with the predicting weights."""
        model = self.net_.predicting_module_
        return self.net_.collect(X, call=lambda x: function(model, x))

    def _latent(self, X):
        def m2(model, x):
            every = torch.arange(len(self.classes_), device=x.device)[None]
            q = torch.softmax(model(x), -1)
            return torch.cat([(q[..., None] * model.encode(x, every)[0]).sum(1), q], 1)

        def joint(model, x):
            return model.encode(x)[0]

        return self._call(X, m2 if self._knows_classes else joint)

    def transform(self, X):
        """Mean of the latent variables given x.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.

        Returns
        -------
        float32 ndarray of shape (n, latent_dim), or (n, latent_dim + K)
            E[z | x]; for m2 and m1+m2, where the class is a latent variable too, followed by
            q(y | x).
        """
        check_is_fitted(self)
        return self._latent(self._check_X(X)).astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # whatever comes in, the network is float32
        return tags

    @property
    def _n_features_out(self):
        return self.latent_dim + (len(self.classes_) if self._knows_classes else 0)

    def inverse_transform(self, X):
        """Decode latent variables.

        Parameters
        ----------
        X : array-like of shape (n, n_latent)
            As `transform` returns them.

        Returns
        -------
        ndarray of shape (n, ...)
            Mean of p(x | z), in the units of the X given to `fit`; images in [0, 1] where they
            were uint8. For m2 and m1+m2 the decoded classes are mixed by the last K columns.
        """
        check_is_fitted(self)
        Z = check_array(X, dtype=np.float32)
        if Z.shape[1] != self._n_features_out:
            raise ValueError(f"X has {Z.shape[1]} columns, expected {self._n_features_out}.")

        def m2(model, z):
            every = torch.arange(len(self.classes_), device=z.device)[None]
            z, q = z[:, None, : self.latent_dim], z[:, self.latent_dim :]
            z = z.expand(-1, len(self.classes_), -1)
            x = model.to_input(model.decode(z, every))
            return (q.reshape(*q.shape, *[1] * (x.ndim - 2)) * x).sum(1)

        def joint(model, z):
            return model.to_input(model.decode(z))

        X = self._summary.in_units_of_x(self._call(Z, m2 if self._knows_classes else joint))
        return X if self.input_shape is None else X.reshape(len(X), -1)

    def sample(self, n_samples=1, y=None, random_state=None):
        """Draw new rows from the model.

        Parameters
        ----------
        n_samples : int >= 1, default=1
            Number of rows.
        y : label, array-like of shape (n_samples,), or None, default=None
            Classes of the rows; None draws them with the shares of the labeled rows.
        random_state : int, RandomState or None, default=None
            Seeds the draw: the same int gives the same rows.

        Returns
        -------
        X : ndarray of shape (n_samples, ...)
            Means of p(x | z), without the noise of x. For m2 and m1+m2, z is drawn from N(0, I);
            else from the Gaussian that the training rows of the class form in the latent space.
        y : ndarray of shape (n_samples,)
            Their classes.
        """
        check_is_fitted(self, "_class_shares")  # a fit that failed has none
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        rng = check_random_state(random_state)
        if y is None:
            codes = rng.choice(len(self.classes_), size=n_samples, p=self._class_shares)
        else:
            y = np.broadcast_to(np.asarray(y), (n_samples,))
            if not np.isin(y, self.classes_).all():
                raise ValueError(f"y must hold classes among {self.classes_}, got {np.unique(y)}.")
            codes = np.searchsorted(self.classes_, y)
        z = rng.standard_normal((n_samples, self.latent_dim))
        if self._knows_classes:
            z = np.concatenate([z, np.eye(len(self.classes_))[codes]], 1)
        else:
            factors = self._z_factors[codes]
            z = self._z_means[codes] + np.einsum("nij,nj->ni", factors, z)
        return self.inverse_transform(z), self.classes_[codes]

    def score_samples(self, X, n_draws=8):
        """Evidence lower bound of each row, low for unusual rows.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows, of the kind that ``fit`` was given.
        n_draws : int, default=8
            Samples of z to average over. They are the same for every row and every call.

        Returns
        -------
        ndarray of shape (n,)
            In nats: a bound on log p(x), a density in the units of X where the likelihood is
            Gaussian.
        """
        check_is_fitted(self, "_class_shares")
        X = self._check_X(X)
        shape = (2, n_draws, self.latent_dim)  # the second half is for z1 of m1+m2
        draws = np.random.default_rng(0).standard_normal(shape)
        bound, total = self._bound(), 0
        for pair in torch.from_numpy(draws).float().transpose(0, 1):
            noises = [lambda like, d=d: d.to(like.device).expand_as(like) for d in pair]
            total = total + self._call(X, lambda model, x, noises=noises: bound(model, x, *noises))
        return total / n_draws
