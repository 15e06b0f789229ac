"""Semi-supervised variational autoencoders.

Diederik P. Kingma, Danilo J. Rezende, Shakir Mohamed, Max Welling: "Semi-Supervised Learning with
Deep Generative Models", NeurIPS 2014, arXiv 1406.5298, equations 5 to 9.
"""

from dataclasses import dataclass

import torch
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from .augment import GaussianNoise, choose_views
from .classifier import SSLClassifier
from .latent import LatentVariablesMixin
from .lazy import in_unit_range
from .losses import (
    class_balance,
    class_shares,
    entropy,
    gaussian_kl,
    gaussian_log_likelihood,
    masked_cross_entropy,
)
from .networks.vae import M1M2VAE, M2VAE, JointVAE
from .validation import check_device

__all__ = ["JointLoss", "M1M2Loss", "M2Loss", "VAEClassifier"]


def negative_elbo(model, x, y, noise, seen=None):
    """-log p(x|y,z) + KL(q(z|x,y) || p(z)), one sample of z: nats, (n,), or (n, K) for y (1, K).

    The encoder reads ``seen``, a view of x, where it is given.
    """
    mean, log_var = model.encode(x if seen is None else seen, y)
    z = mean + noise(mean) * (0.5 * log_var).exp()
    x = x if z.ndim == 2 else x[:, None]
    return gaussian_kl(mean, log_var) - model.log_likelihood(x, model.decode(z, y))


class M2Loss(nn.Module):
    """J^alpha / (alpha * N) of eq. 9, with the generative part times lambda_u.

    Divided by alpha, so that lambda_u = 0 is plain cross-entropy: the supervised net. Until
    progress ``warm_up`` the bound does not move q(y|x) of unlabeled rows: a decoder that knows no
    classes yet would teach the classifier noise.
    """

    def __init__(self, prior, n_labeled, n_rows, alpha, unlabeled_weight, warm_up=0.0):
        super().__init__()
        self.register_buffer("log_prior", prior.clamp_min(1e-6).log())  # a class may have no label
        self.share_l, self.share_u = n_labeled / n_rows, 1 - n_labeled / n_rows
        self.alpha, self.lambda_u, self.warm_up = alpha, unlabeled_weight, warm_up

    def L(self, model, x, y, noise):
        """-L is the bound of eq. 6 on log p(x, y): (n,), or (n, K) for y = every class."""
        return negative_elbo(model, x, y, noise) - self.log_prior[y]

    def U(self, model, x, logits, noise):
        """-U is the bound of eq. 7 on log p(x): y marginalised with q(y|x), entropy kept: (n,)."""
        q = torch.softmax(logits, -1)
        every = torch.arange(len(self.log_prior), device=x.device)[None]
        return (q * self.L(model, x, every, noise)).sum(-1) - entropy(logits)

    def bound(self, model, x, noise, _):
        """The bound of eq. 7 on log p(x): (n,)."""
        return -self.U(model, x, model(x), noise)

    def forward(self, model, batch):
        x_l, y_l, x_u, _, t, g, *_ = batch
        logits_l, logits_u = model(torch.cat([x_l, x_u])).split([len(x_l), len(x_u)])
        classify = cross_entropy(logits_l, y_l)
        loss, parts = classify, {"labeled_loss": classify.detach()}
        if self.lambda_u > 0:
            L = self.L(model, x_l, y_l, _noise(g)).mean()
            J = self.share_l * L
            if len(x_u):
                q = logits_u.detach() if t < self.warm_up else logits_u
                U = self.U(model, x_u, q, _noise(g)).mean()
                J = J + self.share_u * U
            loss = classify + self.lambda_u * J / self.alpha  # eq. 9 / alpha
            parts["unlabeled_loss"] = J.detach()
        return loss, parts


class M1M2Loss(M2Loss):
    """-ELBO of M1 (eq. 5) per feature, and `M2Loss` on samples of z1, which M1 does not feel."""

    def bound(self, model, x, noise, noise_1):
        """log p(x|z1) - log q(z1|x) + the bound of M2 on log p(z1): (n,)."""
        mean, log_var = model.m1.encode(x)
        z1 = mean + noise_1(mean) * (0.5 * log_var).exp()
        inside = super().bound(model.m2, z1, noise, None) - gaussian_log_likelihood(
            z1, mean, log_var
        )
        return inside + model.m1.log_likelihood(x, model.m1.decode(z1))

    def forward(self, model, batch):
        if self.lambda_u == 0:
            return super().forward(model, batch)
        x, B = torch.cat([batch.x_l, batch.x_u]), len(batch.x_l)
        mean, log_var = model.m1.encode(x)
        z1 = mean + _noise(batch.generator)(mean) * (0.5 * log_var).exp()
        elbo = model.m1.log_likelihood(x, model.m1.decode(z1)) - gaussian_kl(mean, log_var)
        z1 = z1.detach()
        loss, parts = super().forward(model.m2, batch._replace(x_l=z1[:B], x_u=z1[B:]))
        first = -elbo.mean() / x[0].numel()
        return loss + first, {**parts, "first_loss": first.detach()}


class JointLoss(nn.Module):
    """Cross-entropy + lambda_u * (beta * -ELBO / D + cross-entropy on confident pseudo-labels).

    The encoder sees ``view(x)`` and the decoder gives back x, so the autoencoder denoises. With
    ``stacked`` the classifier does not move the encoder: M1 of Kingma et al.
    """

    def __init__(self, view, beta, unlabeled_weight, threshold, stacked=False):
        super().__init__()
        self.view, self.beta, self.stacked = view, beta, stacked
        self.lambda_u, self.threshold = unlabeled_weight, threshold

    @staticmethod
    def bound(model, x, noise, _):
        """The ELBO, a bound on log p(x): (n,)."""
        return -negative_elbo(model, x, None, noise)

    def classify(self, model, x):
        """Logits (n, K)."""
        if self.stacked and self.lambda_u > 0:
            return model.classifier(model.encode(x)[0].detach())
        return model(x)

    def forward(self, model, batch):
        x_l, y_l, x_u, _, _, g, *_ = batch
        x = torch.cat([x_l, x_u])
        seen = self.view(x, g)
        logits_l, logits_u = self.classify(model, seen).split([len(x_l), len(x_u)])
        classify = cross_entropy(logits_l, y_l)
        loss, parts = classify, {"labeled_loss": classify.detach()}
        if self.lambda_u > 0:
            elbo = -negative_elbo(model, x, None, _noise(g), seen).mean()
            unlabeled = -self.beta * elbo / x[0].numel()
            if self.threshold is not None and len(x_u):
                confidence, pseudo = torch.softmax(logits_u.detach(), -1).max(-1)
                mask = (confidence > self.threshold).float()
                unlabeled = unlabeled + masked_cross_entropy(logits_u, pseudo, mask)
                parts["mask_rate"] = mask.mean()
                parts["pseudo_label_shares"] = class_shares(pseudo, mask, logits_u.shape[1])
            loss = classify + self.lambda_u * unlabeled
            parts["unlabeled_loss"] = unlabeled.detach()
        return loss, parts


def _noise(generator):
    def noise(like):
        return torch.randn(like.shape, generator=generator, device=like.device)

    return noise


@dataclass(kw_only=True, eq=False, repr=False)
class VAEClassifier(LatentVariablesMixin, SSLClassifier):
    """Semi-supervised variational autoencoder: it classifies, encodes, samples and scores rows.

    Kingma et al. 2014, "Semi-Supervised Learning with Deep Generative Models", arXiv 1406.5298,
    equations 5 to 9. ``objective="m1"``: an autoencoder learns from all rows, a classifier on its
    latent means from the labels. ``"m2"``: the class is a latent variable beside z, marginalised on
    unlabeled rows. ``"m1+m2"``: m2 on the latent variables of m1. The paper trains one after the
    other; here all learn at once, and no part moves the one below it.

    ``objective="joint"``, which is ours: one encoder serves reconstruction, KL and a classifier
    on the latent mean; unlabeled rows train the autoencoder and, where the classifier is
    confident, the classifier.

    Parameters
    ----------
    objective : {"joint", "m1", "m2", "m1+m2"}, default="joint"
        "m2" needs ten thousand steps and more before its decoder knows the classes
        (``benchmarks/RESULTS_MNIST.md``); with fewer it may be worse than the supervised net.
    latent_dim : int >= 1, default=32
        Dimensions of z.
    likelihood : {"auto", "gaussian", "bernoulli"}, default="auto"
        Of x given z. "gaussian" of the standardised x with a learned variance a feature;
        "bernoulli" needs X in [0, 1] (uint8 images are read so). "auto": Bernoulli for images in
        that range, else Gaussian.
    alpha : float > 0, default=1.0
        m2: weight of the classifier against the bound. The paper's .1 times N is ``alpha=.1`` here,
        the loss being divided by N.
    warm_up : float in [0, 1], default=0.2
        m2: share of the steps in which q(y|x) learns from labels alone, while the decoder learns
        from what it says. Not in the paper; without it a few labels drown.
    beta : float >= 0, default=0.1
        joint: weight of the negative ELBO per input feature.
    pseudo_label_threshold : float in [0, 1] or None, default=0.8
        joint: unlabeled rows with a confidence above it train the classifier too; None: none do.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        joint: what the encoder sees in training. "auto": small noise on tables (the weak view of
        `augment.default_views`), images as they are.
    module : "auto", nn.Module class or instance, default="auto"
        A network of one's own has ``forward(x)``, ``encode(x, y)``, ``decode(z, y)``,
        ``log_likelihood(x, decoded)`` and ``to_input(decoded)`` as ``networks.vae`` describes, and
        may ask for ``latent_dim`` and ``likelihood`` by name.
    module_params, max_steps, batch_size, unlabeled_ratio, unlabeled_weight, \
    optimizer, lr, optimizer_params, ema_decay, validation_fraction, early_stopping, callbacks, \
    device, precision, warm_start, verbose, random_state, class_weight, \
    unlabeled_label, checkpoint_dir, input_shape, temperature_scaling, compile
        As in `SSLClassifier`. With ``unlabeled_weight=0`` nothing generative is trained.

    Attributes
    ----------
    classes_, transduction_, label_distributions_, n_iter_, history_, net_, n_features_in_
        As in `SSLClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import VAEClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> y_few = hide_labels(y, 100, random_state=0)
    >>> vae = VAEClassifier(max_steps=200, random_state=0).fit(X, y_few)
    >>> vae.transform(X).shape, vae.score_samples(X).shape
    ((1797, 32), (1797,))
    >>> images, labels = vae.sample(5, y=[3, 3, 7, 7, 7], random_state=0)
    >>> images.shape
    (5, 64)
    """

    objective: str = "joint"
    latent_dim: int = 32
    likelihood: str = "auto"
    alpha: float = 1.0
    warm_up: float = 0.2
    beta: float = 0.1
    pseudo_label_threshold: float | None = 0.8
    augment: object = "auto"
    unlabeled_ratio: int = 2
    optimizer: object = "adam"
    lr: float = 1e-3

    _parameter_constraints = {
        **SSLClassifier._parameter_constraints,
        "objective": [StrOptions({"joint", "m1", "m2", "m1+m2"})],
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "likelihood": [StrOptions({"auto", "gaussian", "bernoulli"})],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "warm_up": [Interval(Real, 0, 1, closed="both")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "pseudo_label_threshold": [Interval(Real, 0, 1, closed="both"), None],
        "augment": [StrOptions({"auto"}), callable],
    }

    def _auto_module(self, input_shape):
        super()._auto_module(input_shape)  # refuses shapes that are neither table nor image
        return {"m2": M2VAE, "m1+m2": M1M2VAE}.get(self.objective, JointVAE)

    @property
    def _knows_classes(self):
        """Whether encoder and decoder are given the class."""
        return self.objective in ("m2", "m1+m2")

    @property
    def _class_loss(self):
        """The loss where they are."""
        return M2Loss if self.objective == "m2" else M1M2Loss

    def _module_facts(self, X):
        facts = super()._module_facts(X)
        return {**facts, "latent_dim": self.latent_dim, "likelihood": self._resolve_likelihood(X)}

    def _kept_facts(self):
        return super()._kept_facts() + (["likelihood"] if self.likelihood == "auto" else [])

    def _resolve_likelihood(self, X):
        if self.likelihood == "auto":
            return "bernoulli" if X.ndim > 2 and in_unit_range(X) else "gaussian"
        return self.likelihood

    def _make_loss(self, X, codes):
        if self._facts["likelihood"] == "bernoulli" and not in_unit_range(X):
            raise ValueError(
                "likelihood='bernoulli' needs X in [0, 1], and there are values beyond. Scale X, "
                "or use likelihood='gaussian'."
            )
        if not self._knows_classes:
            stacked = self.objective == "m1"
            still = isinstance(self.augment, str) and (X.ndim > 2 or stacked)
            view, _ = choose_views(X, GaussianNoise(0.0) if still else self.augment)
            beta, threshold = self.beta, self.pseudo_label_threshold
            if stacked:
                beta, threshold = 1.0, None
            return JointLoss(view, beta, self.unlabeled_weight, threshold, stacked)
        prior = class_balance(torch.from_numpy(codes), len(self.classes_))
        n_labeled = int((codes >= 0).sum())
        weights = self.alpha, self.unlabeled_weight, self.warm_up
        return self._class_loss(prior, n_labeled, int((codes >= -1).sum()), *weights)

    def _bound(self):
        """The evidence lower bound, with the class shares of the fit as the prior of y."""
        if not self._knows_classes:
            return JointLoss.bound
        prior = torch.from_numpy(self._class_shares).float()
        loss = self._class_loss(prior, 1, 2, self.alpha, 1.0)
        return loss.to(check_device(self.device)).bound
