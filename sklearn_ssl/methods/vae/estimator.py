"""Semi-supervised variational autoencoders.

Diederik P. Kingma, Danilo J. Rezende, Shakir Mohamed, Max Welling: "Semi-Supervised Learning with
Deep Generative Models", NeurIPS 2014, arXiv 1406.5298, equations 5 to 9.
"""

import torch
from scipy.stats import loguniform, randint
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions

from ...augment import GaussianNoise, choose_views, unchanged
from ...classifier import SSLClassifier
from ...inputs.checks import check_device
from ...inputs.lazy import in_unit_range
from .latent import LatentVariablesMixin
from .losses import JointLoss, M1M2Loss, M2Loss
from .networks import M1M2VAE, M1VAE, M2VAE, JointVAE

__all__ = ["VAEClassifier"]


class VAEClassifier(LatentVariablesMixin, SSLClassifier):
    r"""Semi-supervised variational autoencoder: it classifies, encodes, samples and scores rows.

    Kingma et al. 2014, "Semi-Supervised Learning with Deep Generative Models", arXiv 1406.5298,
    equations 5 to 9. ``objective`` chooses the model:

    - ``"joint"``, which is not from the paper: one encoder serves reconstruction, KL and a
      classifier, on the latent mean or, for images, on the features that z is made from. Unlabeled
      rows train the autoencoder and, if the classifier is confident, the classifier.
    - ``"m1"``: an autoencoder learns from all rows. A classifier on its latent means learns from
      the labels and does not change the autoencoder.
    - ``"m2"``: the class y is a latent variable beside z, and is summed out on unlabeled rows:

      .. math::

          \log p(x) \ge \sum_y q(y|x) \, (-L(x, y)) + H(q(y|x))

    - ``"m1+m2"``: m2 on the latent variables of m1. m1 learns first and is then kept fixed.

    Parameters
    ----------
    objective : {"joint", "m1", "m2", "m1+m2"}, default="joint"
        "m2" and "m1+m2" need ten thousand steps and more before their decoder knows the classes
        (``benchmarks/RESULTS_MNIST.md``); with fewer they may be worse than the supervised net.
    latent_dim : int >= 1, default=32
        Dimensions of z.
    likelihood : {"auto", "gaussian", "bernoulli"}, default="auto"
        Distribution of x given z. "gaussian" models the standardised x, with a learned variance for
        each feature. "bernoulli" needs X in [0, 1] (uint8 images are read so). "auto": Bernoulli
        for images in that range, else Gaussian.
    alpha : float > 0, default=1.0
        m2: weight of the classifier against the bound. The paper's .1 times N is ``alpha=.1`` here,
        because the loss is divided by N; .1 needs tens of thousands of steps.
    warm_up : float in [0, 1], default=0.2
        m2: share of the steps in which q(y|x) learns from the labels alone, while the decoder
        learns from its predictions. The paper has no warm-up; in a few thousand steps a few labels
        have too little effect without it. m1+m2: share of the steps after m1.
    m1_share : float in (0, 1), default=0.3
        m1+m2: share of the first steps, of each call that trains, in which m1 learns.
    beta : float >= 0, default=0.1
        joint: weight of the negative ELBO per input feature.
    pseudo_label_threshold : float in [0, 1] or None, default=0.8
        joint: unlabeled rows of a higher confidence train the classifier too. None: no unlabeled
        row trains it.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        joint: view of the rows for the encoder in training. "auto": the weak view of
        `augment.default_views`.
    module : "auto", nn.Module class or instance, default="auto"
        Your own network has ``forward(x)``, ``encode(x, y)``, ``decode(z, y)``,
        ``log_likelihood(x, decoded)`` and ``to_input(decoded)`` as ``networks.vae`` describes, and
        may ask for ``latent_dim`` and ``likelihood`` by name.
    unlabeled_weight : float >= 0, default=1.0
        Weight of everything but the loss on the labels. With 0 no generative part is trained.

    Attributes
    ----------
    history_ : list of dict
        One record for each epoch, as in `SSLClassifier`. With m1+m2 the ``unlabeled_loss`` is that
        of m1 while m1 learns, and that of m2 afterwards.

    See Also
    --------
    SGANClassifier : The other generative network.
    SemiSupervisedGaussianMixture : A generative model without a network.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import VAEClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> y_few = hide_labels(y, 100, random_state=0)
    >>> vae = VAEClassifier(max_steps=100, random_state=0).fit(X, y_few)
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
    m1_share: float = 0.3
    beta: float = 0.1
    pseudo_label_threshold: float | None = 0.8
    augment: object = "auto"
    unlabeled_ratio: int = 2
    optimizer: object = "adam"
    lr: float = 1e-3

    _parameter_constraints = {
        "objective": [StrOptions({"joint", "m1", "m2", "m1+m2"})],
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "likelihood": [StrOptions({"auto", "gaussian", "bernoulli"})],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "warm_up": [Interval(Real, 0, 1, closed="both")],
        "m1_share": [Interval(Real, 0, 1, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "pseudo_label_threshold": [Interval(Real, 0, 1, closed="both"), None],
        "augment": [StrOptions({"auto"}), callable],
    }
    _search_space = {
        "lr": loguniform(1e-4, 1e-2),
        "latent_dim": randint(8, 65),
        "alpha": loguniform(0.1, 10),
        "beta": loguniform(0.01, 1),
        "pseudo_label_threshold": [None, 0.8, 0.95],
    }

    @property
    def _supervised_without_pool(self):
        return self.unlabeled_weight == 0  # else labeled rows train the autoencoder too

    @property
    def _knows_classes(self):
        """Whether encoder and decoder are given the class."""
        return self.objective in ("m2", "m1+m2")

    def _make_network(self, summary):
        networks = {"joint": JointVAE, "m1": M1VAE, "m2": M2VAE, "m1+m2": M1M2VAE}
        likelihood = self._resolved_likelihood(summary)
        return super()._make_network(
            summary, networks[self.objective], latent_dim=self.latent_dim, likelihood=likelihood
        )

    def _resolved_likelihood(self, summary):
        if self.likelihood == "auto":
            images = len(summary.input_shape) > 1
            return "bernoulli" if images and summary.in_unit_range else "gaussian"
        return self.likelihood

    def _make_view(self, rows):
        if self._knows_classes:
            return unchanged
        still = isinstance(self.augment, str) and self.objective == "m1"
        return choose_views(rows.X, GaussianNoise(0.0) if still else self.augment)[0]

    def _make_loss(self, rows):
        likelihood = self._resolved_likelihood(rows.summary)
        if likelihood == "bernoulli" and not in_unit_range(rows.X):
            raise ValueError(
                "likelihood='bernoulli' needs X in [0, 1], and there are values beyond. Scale X, "
                "or use likelihood='gaussian'."
            )
        if self._knows_classes:
            return self._class_loss(rows.class_prior, self.unlabeled_weight)
        stacked = self.objective == "m1"
        return JointLoss(
            view=self._make_view(rows),
            beta=1.0 if stacked else self.beta,
            unlabeled_weight=self.unlabeled_weight,
            threshold=None if stacked else self.pseudo_label_threshold,
            stacked=stacked,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = False  # no likelihood for them
        return tags

    def _class_loss(self, prior, unlabeled_weight):
        """The loss where encoder and decoder are given the class."""
        given = {
            "prior": prior,
            "alpha": self.alpha,
            "unlabeled_weight": unlabeled_weight,
            "warm_up": self.warm_up,
        }
        return (
            M2Loss(**given) if self.objective == "m2" else M1M2Loss(**given, m1_share=self.m1_share)
        )

    def _bound(self):
        """The evidence lower bound, with the class shares of the fit as the prior of y."""
        if not self._knows_classes:
            return JointLoss.bound
        prior = torch.from_numpy(self._class_shares).float()
        return self._class_loss(prior, 1.0).to(check_device(self.device)).bound
