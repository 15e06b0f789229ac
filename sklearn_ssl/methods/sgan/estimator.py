"""Semi-supervised GAN: a classifier that must also tell real rows from generated ones.

Tim Salimans, Ian Goodfellow, Wojciech Zaremba, Vicki Cheung, Alec Radford, Xi Chen: "Improved
Techniques for Training GANs", NeurIPS 2016, arXiv 1606.03498, sections 3.1 and 5; Augustus Odena:
"Semi-Supervised Learning with Generative Adversarial Networks", 2016, arXiv 1606.01583.
"""

import numpy as np
import torch
from scipy.stats import loguniform
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils._param_validation import Integral, Interval, Real
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn.functional import cross_entropy, softplus

from ...classifier import SSLClassifier
from ...networks import still_statistics
from .networks import GAN, Discriminator, Generator

__all__ = ["SGANClassifier", "SGANLoss"]


class SGANLoss(nn.Module):
    """Both players' losses; the gradient of each reaches its own parameters only."""

    def __init__(self, *, noise_dim, unlabeled_weight):
        super().__init__()
        self.noise_dim, self.lambda_u = noise_dim, unlabeled_weight

    def discriminate(self, logits_u, logits_f):
        """-E log D(x) - E log(1 - D(G(z))) with D = Z / (Z + 1), Z = sum of exp(logits)."""
        S_u, S_f = logits_u.float().logsumexp(-1), logits_f.float().logsumexp(-1)
        return (softplus(S_u) - S_u).mean() / 2 + softplus(S_f).mean() / 2

    def match(self, model, real, fake):
        """|| E f(x) - E f(G(z)) ||^2 / m over m features f: the generator's loss (section 3.1)."""
        frozen = [p for p in model.discriminator.parameters() if p.requires_grad]
        for p in frozen:
            p.requires_grad_(False)  # the generator must not move the discriminator
        try:
            with still_statistics(model.discriminator):
                difference = model.features(real).detach().mean(0) - model.features(fake).mean(0)
        finally:
            for p in frozen:
                p.requires_grad_(True)
        return difference.square().mean()

    def forward(self, model, batch):
        x_l, x_u, n = batch.x_l, batch.x_u, len(batch.x_u)
        z = torch.randn(n, self.noise_dim, generator=batch.generator, device=x_l.device)
        fake = model.generator(z)
        logits_l, logits_u = model(torch.cat([x_l, x_u])).split([len(x_l), n])
        labeled = cross_entropy(logits_l, batch.y_l)
        with still_statistics(model.discriminator):  # generated rows are not part of the data
            logits_f = model(fake.detach())
        adversarial = self.discriminate(logits_u, logits_f)
        generator = self.match(model, x_u, fake)
        parts = {
            "labeled_loss": labeled,
            "unlabeled_loss": adversarial,
            "generator_loss": generator,
        }
        return labeled + self.lambda_u * (adversarial + generator), parts


class SGANClassifier(SSLClassifier):
    r"""Semi-supervised GAN: the classifier also tells real rows from generated ones.

    Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv 1606.03498, section 5, and
    Odena 2016, arXiv 1606.01583. The classifier has one more class, "generated", whose logit is
    fixed at 0, so that K logits z remain. With S = logsumexp(z), the probability that a row is real
    is the sigmoid of S, and the discriminator adds to the labels' loss

    .. math::

        l_u = \frac{1}{2} \, \text{mean}_u (softplus(S_u) - S_u)
        + \frac{1}{2} \, \text{mean}_g \, softplus(S_g)

    over unlabeled rows u and generated rows g. The generator matches the mean features of real rows
    (section 3.1). Both networks take a step at once, each with its own learning rate.

    Parameters
    ----------
    noise_dim : int >= 1, default=100
        Dimensions of the generator's input.
    generator_lr : float > 0 or None, default=None
        Learning rate of the generator; None: ``lr``.
    module : "auto", nn.Module class or instance, default="auto"
        The discriminator: rows -> logits (n, K). The generator matches what its method ``features``
        returns, or its logits if it has no such method. "auto": ``networks.gan.Discriminator``,
        without BatchNorm.
    optimizer : {"sgd", "adam", "adamw"} or torch.optim.Optimizer class, default="adam"
        Optimizer of both networks. Adam has beta1 = .5 unless ``optimizer_params`` say otherwise.
    lr : float > 0, default=1e-3
        Learning rate at the first step.

    Attributes
    ----------
    history_ : list of dict
        One record for each epoch, as in `SSLClassifier`, with the losses of both networks.

    See Also
    --------
    VAEClassifier : A generative model that also encodes and scores rows.
    FixMatchClassifier : Fewer steps; for images too.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import SGANClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SGANClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    >>> clf.sample(5, random_state=0).shape
    (5, 64)
    """

    noise_dim: int = 100
    generator_lr: float | None = None
    unlabeled_ratio: int = 2
    optimizer: object = "adam"
    lr: float = 1e-3

    _parameter_constraints = {
        "noise_dim": [Interval(Integral, 1, None, closed="left")],
        "generator_lr": [Interval(Real, 0, None, closed="neither"), None],
    }
    _search_space = {"lr": loguniform(1e-4, 1e-2), "generator_lr": loguniform(1e-4, 1e-2)}

    def _make_network(self, summary):
        generator = Generator(
            summary.input_shape,
            mean=summary.mean,
            scale=summary.scale,
            unit=summary.in_unit_range,
            noise_dim=self.noise_dim,
        )
        discriminator = super()._make_network(summary, automatic=Discriminator)
        return GAN(discriminator=discriminator, generator=generator)

    def _optimizer_settings(self):
        settings = super()._optimizer_settings("discriminator")
        if self.optimizer == "adam":
            settings.setdefault("betas", (0.5, 0.999))
        settings["param_groups"].append(("generator.*", {"lr": self.generator_lr or self.lr}))
        return settings

    def _make_loss(self, rows):
        return SGANLoss(noise_dim=self.noise_dim, unlabeled_weight=self.unlabeled_weight)

    def sample(self, n_samples=1, random_state=None):
        """Generate rows, with the averaged weights where there are some.

        Parameters
        ----------
        n_samples : int >= 1, default=1
            Number of rows.
        random_state : int, RandomState or None, default=None
            Seeds the draw: the same int gives the same rows.

        Returns
        -------
        ndarray of shape (n_samples, ...)
            In the units of the X given to `fit`; images in [0, 1] where they were uint8.

        Raises
        ------
        ValueError
            If X had categories or gaps.
        """
        check_is_fitted(self)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        if self._summary.columns is not None:
            raise ValueError("sample makes numbers, and X had categories or gaps.")
        z = check_random_state(random_state).standard_normal((n_samples, self.noise_dim))
        generator = self.net_.predicting_module_.generator
        X = self.net_.collect(z.astype(np.float32), call=generator)
        X = self._summary.in_units_of_x(X)
        return X if self.input_shape is None else X.reshape(len(X), -1)
