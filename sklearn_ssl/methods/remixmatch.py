"""ReMixMatch: MixMatch with aligned guesses, and strong views anchored at a weak one.

David Berthelot, Nicholas Carlini, Ekin D. Cubuk, Alex Kurakin, Kihyuk Sohn, Han Zhang, Colin
Raffel: "ReMixMatch: Semi-Supervised Learning with Distribution Matching and Augmentation
Anchoring", ICLR 2020, arXiv 1911.09785, algorithm 1 and equation 3.
"""

import torch
from scipy.stats import loguniform, uniform
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from ..losses import align_distribution, mixup, sharpen, soft_cross_entropy
from .fixmatch import WeakStrongClassifier

__all__ = ["ReMixMatchClassifier", "ReMixMatchLoss"]


class ReMixMatchLoss(nn.Module):
    """H(X') + lambda_u H(U') + lambda_1 H(U_1) [+ lambda_r H(rotation)], eq. 3."""

    running = ("mean_q",)

    def __init__(
        self,
        *,
        weak,
        strong,
        target,
        n_classes,
        unlabeled_weight=1.5,
        temperature=0.5,
        n_strong=2,
        alpha=0.75,
        anchor_weight=0.5,
        rotation_weight=0.0,
    ):
        super().__init__()
        self.weak, self.strong, self.lambda_u = weak, strong, unlabeled_weight
        self.temperature, self.n_strong, self.alpha = temperature, n_strong, alpha
        self.lambda_1, self.lambda_r = anchor_weight, rotation_weight
        self.register_buffer("target", target)
        self.register_buffer("mean_q", None if target is None else target.clone())
        if rotation_weight > 0:
            self.rotation_head = nn.Linear(n_classes, 4)

    def rotation_loss(self, model, x, g):
        """Which of four quarter turns was made: x (n, C, H, H)."""
        turn = torch.randint(4, (len(x),), generator=g, device=x.device)
        turned = x
        for k in (1, 2, 3):
            turned = torch.where((turn == k)[:, None, None, None], x.rot90(k, (2, 3)), turned)
        return cross_entropy(self.rotation_head(model(turned).float()), turn)

    def forward(self, model, batch):
        x_u, g = batch.x_u, batch.generator
        weak = self.weak(x_u, g)
        with torch.no_grad():
            q = torch.softmax(model(weak).float(), -1)
            if self.target is not None:
                self.mean_q = self.mean_q.lerp(q.mean(0), 1 / 128)
                q = align_distribution(q, self.mean_q, self.target, limit=2)
            q = sharpen(q, self.temperature)
        strong = [self.strong(x_u, g) for _ in range(self.n_strong)]  # all have the weak view's q
        x_l = self.strong(batch.x_l, g)
        targets = torch.cat(
            [one_hot(batch.y_l, q.shape[1]).to(q.dtype), q.repeat(self.n_strong + 1, 1)]
        )
        mixed, targets = mixup(torch.cat([x_l, *strong, weak]), targets, self.alpha, g)
        logits, anchored = model(torch.cat([mixed, strong[0]])).split([len(mixed), len(x_u)])
        losses = soft_cross_entropy(logits, targets)
        labeled = losses[: len(x_l)].mean()
        unlabeled = losses[len(x_l) :].mean()
        unlabeled = unlabeled + self.lambda_1 / 1.5 * soft_cross_entropy(anchored, q).mean()
        if self.lambda_r > 0:
            unlabeled = unlabeled + self.lambda_r / 1.5 * self.rotation_loss(model, strong[0], g)
        parts = {"labeled_loss": labeled, "unlabeled_loss": unlabeled}
        return labeled + self.lambda_u * unlabeled, parts


class ReMixMatchClassifier(WeakStrongClassifier):
    r"""ReMixMatch: the aligned, sharpened guess of a weak view is the target of strong views.

    Berthelot et al. 2020, "ReMixMatch", arXiv 1911.09785, algorithm 1 and equation 3. The guess q
    on the weak view is scaled by the class shares p(y) of the labels over the running mean of the
    guesses (here by at most a factor of 2), and sharpened:

    .. math::

        q' \propto \left( q \, \frac{p(y)}{\bar q} \right)^{1/T}

    All views of a row have the target q'. All rows are mixed as in MixMatch, and the loss is the
    cross-entropy. The first strong view also counts unmixed. The weights of the extra terms are
    those of the paper at its lambda_u of 1.5, and scale with ``unlabeled_weight``.

    Parameters
    ----------
    temperature : float in (0, 1], default=0.5
        T, the temperature of the targets; lower values sharpen more.
    n_strong : int >= 1, default=2
        K, the number of strong views of a row (8 in the paper).
    alpha : float > 0, default=0.75
        Both parameters of the Beta distribution of the mixing coefficient.
    anchor_weight : float >= 0, default=0.5
        Weight of the unmixed first strong view.
    rotation_weight : float >= 0 or "auto", default="auto"
        Weight of the task to guess by how many quarter turns an image was rotated. A linear layer
        on the logits guesses (on the features in the paper). "auto": .5 for square images with 3
        channels, else 0, since a rotated digit or letter can be another one.
    unlabeled_weight : float >= 0, default=1.5
        lambda_u.

    See Also
    --------
    MixMatchClassifier : The method that it extends.
    FixMatchClassifier : The safer of the two on other tables than digits.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import ReMixMatchClassifier, hide_labels
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = ReMixMatchClassifier(max_steps=100, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    temperature: float = 0.5
    n_strong: int = 2
    alpha: float = 0.75
    anchor_weight: float = 0.5
    rotation_weight: float | str = "auto"
    unlabeled_weight: float = 1.5
    unlabeled_ratio: int = 1

    _labeled_rows_in_pool = False

    _parameter_constraints = {
        "temperature": [Interval(Real, 0, 1, closed="right")],
        "n_strong": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "anchor_weight": [Interval(Real, 0, None, closed="left")],
        "rotation_weight": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
    }
    _search_space = {
        "temperature": uniform(0.3, 0.7),
        "alpha": uniform(0.1, 0.9),
        "anchor_weight": loguniform(0.1, 2),
    }

    def _rotation_weight(self, X):
        rotation, square = self.rotation_weight, X.ndim == 4 and X.shape[2] == X.shape[3]
        if rotation == "auto":
            return 0.5 if square and X.shape[1] == 3 else 0.0
        if rotation > 0 and not square:
            raise ValueError(
                f"rotation_weight={rotation} turns square images, and X has shape {X.shape}."
            )
        return rotation

    def _make_loss(self, rows):
        return ReMixMatchLoss(
            **self._shared(rows),
            n_classes=rows.n_classes,
            temperature=self.temperature,
            n_strong=self.n_strong,
            alpha=self.alpha,
            anchor_weight=self.anchor_weight,
            rotation_weight=self._rotation_weight(rows.X),
        )
