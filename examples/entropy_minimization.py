"""A method in one file: entropy minimisation. Copy it, and change what is marked.

    python examples/entropy_minimization.py

Yves Grandvalet, Yoshua Bengio: "Semi-supervised Learning by Entropy Minimization", NIPS 17, 2004,
equation 4. The common tests run over this class as over all others.
"""

from dataclasses import dataclass

import torch
from sklearn.utils._param_validation import StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from sklearn_ssl.augment import choose_views
from sklearn_ssl.classifier import SSLClassifier
from sklearn_ssl.losses import entropy


class EntropyMinimizationLoss(nn.Module):
    """CE on labels + lambda * mean entropy of p(y | x_u)."""  # 1: the paper's formula

    def __init__(self, view, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight

    def forward(self, model, batch):  # batch: see sklearn_ssl.data.Batch
        x_l, x_u = batch.x_l, batch.x_u
        logits = model(self.view(torch.cat([x_l, x_u]), batch.generator))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        loss = cross_entropy(logits_l, batch.y_l)
        parts = {"labeled_loss": loss.detach()}  # what history_ will show
        if len(x_u):  # 2: there are no unlabeled rows with unlabeled_weight=0
            unlabeled = entropy(logits_u).mean()
            loss = loss + self.lambda_u * unlabeled
            parts["unlabeled_loss"] = unlabeled.detach()
        return loss, parts


@dataclass(kw_only=True, eq=False, repr=False)
class EntropyMinimizationClassifier(SSLClassifier):
    """Entropy minimisation: decide on unlabeled rows, so that the boundary avoids them.

    Grandvalet and Bengio 2004, equation 4.

    Parameters
    ----------
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows; "auto": the weak view of `augment.default_views`.
    unlabeled_weight : float >= 0, default=0.3
        lambda.
    module, module_params, max_steps, batch_size, unlabeled_ratio, \
    optimizer, lr, optimizer_params, ema_decay, validation_fraction, early_stopping, callbacks, \
    device, precision, warm_start, verbose, random_state, class_weight, \
    unlabeled_label, checkpoint_dir, input_shape, temperature_scaling, compile
        As in `SSLClassifier`.

    Attributes
    ----------
    classes_, transduction_, label_distributions_, n_iter_, history_, net_, n_features_in_
        As in `SSLClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import hide_labels  # and your class
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = EntropyMinimizationClassifier(max_steps=200, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    augment: object = "auto"  # 3: own parameters, and other defaults of common ones
    unlabeled_weight: float = 0.3

    _parameter_constraints = {  # 4: what they may be; checked before training
        **SSLClassifier._parameter_constraints,
        "augment": [StrOptions({"auto"}), callable],
    }

    def _make_loss(self, X, codes):  # 5: X as validated, codes 0..K-1, -1 for unlabeled
        view, _ = choose_views(X, self.augment)
        return EntropyMinimizationLoss(view, self.unlabeled_weight)


def main():  # leave this out of a method of the package
    from sklearn.datasets import load_digits

    from sklearn_ssl import hide_labels

    X, y = load_digits(return_X_y=True)
    few = hide_labels(y, 50, "balanced", random_state=0)
    scores = {}
    for weight in (0.0, 0.3):
        clf = EntropyMinimizationClassifier(unlabeled_weight=weight, random_state=0).fit(X, few)
        scores[weight] = clf.score(X[few == -1], y[few == -1])
        print(f"unlabeled_weight {weight}: accuracy on unlabeled rows {scores[weight]:.3f}")
    return scores


if __name__ == "__main__":
    main()
