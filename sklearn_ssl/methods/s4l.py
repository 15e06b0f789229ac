"""S4L: a loss that needs no labels beside the loss of the labels; here, SimCLR's contrastive one.

Xiaohua Zhai, Avital Oliver, Alexander Kolesnikov, Lucas Beyer: "S4L: Self-Supervised
Semi-Supervised Learning", ICCV 2019, arXiv 1905.03670, equation 1. Ting Chen, Simon Kornblith,
Mohammad Norouzi, Geoffrey Hinton: "A Simple Framework for Contrastive Learning of Visual
Representations", ICML 2020, arXiv 2002.05709, equation 1.
"""

import torch
from scipy.stats import loguniform
from sklearn.utils._param_validation import Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from ..augment import CropColor, choose_views
from ..classifier import SSLClassifier
from ..networks.around import AroundNetwork

__all__ = ["S4LClassifier", "S4LLoss", "WithProjection", "nt_xent"]


def nt_xent(z_a, z_b, temperature):
    """Mean over all 2n rows i of -log softmax of z_i . z_j / temperature over j != i, at i's other.

    z_a and z_b, each (n, d), are two views of the same rows; they get length 1 here.
    """
    z = normalize(torch.cat([z_a, z_b]).float(), dim=1)
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    others = ((z @ z.T).float() / temperature).masked_fill(itself, -torch.inf)
    return cross_entropy(others, torch.arange(len(z), device=z.device).roll(len(z_a)))


class S4LLoss(nn.Module):
    """CE on labels + lambda_u * NT-Xent of two views of each unlabeled row.

    The network gives logits and projected features; all rows are in one pass.
    """

    def __init__(self, *, weak, view, temperature, unlabeled_weight):
        super().__init__()
        self.weak, self.view = weak, view
        self.temperature, self.lambda_u = temperature, unlabeled_weight

    def forward(self, model, batch):
        x_l, x_u, g = batch.x_l, batch.x_u, batch.generator
        x = torch.cat([self.weak(x_l, g), self.view(x_u, g), self.view(x_u, g)])
        logits, z = model.logits_and_projection(x)
        labeled = cross_entropy(logits[: len(x_l)], batch.y_l)
        unlabeled = nt_xent(*z[len(x_l) :].chunk(2), self.temperature)
        parts = {"labeled_loss": labeled, "unlabeled_loss": unlabeled}
        return labeled + self.lambda_u * unlabeled, parts


class WithProjection(AroundNetwork, nn.Module):
    """A network, and a head beside its last linear layer that projects the features before it.

    Parameters
    ----------
    network : nn.Module
        Rows (n, ...) -> logits (n, K). It stays as it is; what its last ``nn.Linear``, in the order
        of its parts, is given are its features.
    n_outputs : int
        Of the head.
    """

    def __init__(self, network, n_outputs=64):
        super().__init__()
        linear = [name for name, m in network.named_modules() if isinstance(m, nn.Linear)]
        if not linear:
            raise ValueError(
                "S4LClassifier contrasts what the last nn.Linear of the network is given, and "
                f"{type(network).__name__} has no nn.Linear. Let it end in one."
            )
        self.network, self.last = network, linear[-1]
        width = network.get_submodule(self.last).in_features
        self.projection = nn.Sequential(
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, n_outputs)
        )

    def forward(self, x):
        """Logits alone: (n, ...) -> (n, K)."""
        return self.network(x)

    def logits_and_projection(self, x):
        """(n, ...) -> (n, K), (n, n_outputs)."""
        seen = []
        layer = self.network.get_submodule(self.last)
        hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        try:
            logits = self.network(x)
        finally:
            hook.remove()
        shapes = [tuple(h.shape) for h in seen]
        if shapes != [(len(x), layer.in_features)]:
            raise ValueError(
                "S4LClassifier contrasts what the last nn.Linear of the network is given, one "
                f"vector a row; {self.last!r} of {type(self.network).__name__} got {shapes}."
            )
        return logits, self.projection(seen[0])


class S4LClassifier(SSLClassifier):
    r"""S4L with a contrastive loss: two views of a row are more alike than views of two rows.

    Zhai et al. 2019, "S4L: Self-Supervised Semi-Supervised Learning", arXiv 1905.03670, equation 1:
    the loss of the labels plus lambda_u times a loss that needs none. Theirs is to tell by how many
    quarter turns an image was rotated, or which image a view is of. Here it is that of SimCLR (Chen
    et al. 2020, arXiv 2002.05709, equation 1), in the place of both. With n unlabeled rows in a
    batch, two views of each, and z the projected features of a view, of length 1, it is the mean
    over all 2n views i of

    .. math::

        -\log \frac{e^{z_i \cdot z_{i'} / \tau}}{\sum_{j \ne i} e^{z_i \cdot z_j / \tau}}

    where i' is the other view of the same row. Views, network and optimizer are this package's too,
    not those of the papers.

    The contrastive loss needs no labels, so it can also be a *first* training: another method goes
    on from the network (see Examples).

    Parameters
    ----------
    temperature : float > 0, default=0.2
        tau. Lower values weigh the most similar other rows more.
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the unlabeled rows, drawn twice. "auto": `augment.CropColor` for images, the strong
        view of `augment.default_views` for all else.
    weak_augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the labeled rows. "auto": the weak one of `augment.default_views`.
    flip : bool or "auto", default="auto"
        Whether the automatic views of images may mirror them; "auto": only with 3 channels.
    unlabeled_weight : float >= 0, default=1.0
        lambda_u.
    unlabeled_ratio : int >= 1, default=2
        Unlabeled rows in each step for each labeled one, n / B. A view is compared with the other
        2n - 1 of its step, 255 by default.

    See Also
    --------
    FreeMatchClassifier : A method to go on with.
    ReMixMatchClassifier : With images, it guesses quarter turns beside its other losses.

    Notes
    -----
    The head that projects (Linear-BatchNorm-ReLU-Linear, 64 outputs) is given what the last
    ``nn.Linear`` of ``module`` is given. ``net_.module_.network`` is the ``module`` that was
    trained, and ``net_.module_.projection`` the head, which predictions do not use. In a pool of
    fewer rows than a step draws, some of the others are the same row. ``compile=True`` compiles
    predictions alone.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import FreeMatchClassifier, S4LClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> few = hide_labels(y, 100, random_state=0)
    >>> first = S4LClassifier(max_steps=100, random_state=0).fit(X, few)
    >>> first.score(X, y) > 0.85
    True
    >>> start = first.net_.copy_to_train().network
    >>> second = FreeMatchClassifier(module=start, max_steps=100, random_state=0).fit(X, few)
    >>> second.score(X, y) > 0.85
    True
    """

    temperature: float = 0.2
    augment: object = "auto"
    weak_augment: object = "auto"
    flip: object = "auto"
    unlabeled_weight: float = 1.0
    unlabeled_ratio: int = 2

    _labeled_rows_in_pool = True

    _parameter_constraints = {
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "augment": [StrOptions({"auto"}), callable],
        "weak_augment": [StrOptions({"auto"}), callable],
        "flip": ["boolean", StrOptions({"auto"})],
    }
    _search_space = {"temperature": loguniform(0.05, 1)}

    def _views(self, rows):
        """Of labeled rows, and of unlabeled ones."""
        X, view, flip = rows.X, self.augment, self.flip
        if view == "auto" and X.ndim == 4:
            view = CropColor(flip=X.shape[1] == 3 if flip == "auto" else flip)
        return choose_views(X, self.weak_augment, view, flip)

    def _make_view(self, rows):
        return self._views(rows)[0]

    def _make_network(self, summary):
        return WithProjection(super()._make_network(summary))

    def _optimizer_settings(self):
        return super()._optimizer_settings("network")

    def _make_loss(self, rows):
        weak, view = self._views(rows)
        return S4LLoss(
            weak=weak,
            view=view,
            temperature=self.temperature,
            unlabeled_weight=self.unlabeled_weight,
        )
