"""A method in one file: entropy minimisation. Copy it, and change what is marked.

    python examples/entropy_minimization.py

Yves Grandvalet, Yoshua Bengio: "Semi-supervised Learning by Entropy Minimization", NIPS 17, 2004,
equation 4. The common tests run over this class as over all others.
"""

import torch
from sklearn.utils._param_validation import StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from sklearn_ssl import SSLClassifier
from sklearn_ssl.augment import choose_views
from sklearn_ssl.losses import entropy


class EntropyMinimizationLoss(nn.Module):
    """CE on labels + lambda * mean entropy of p(y | x_u)."""  # 1: the paper's formula

    def __init__(self, *, view, unlabeled_weight):
        super().__init__()
        self.view, self.lambda_u = view, unlabeled_weight

    def forward(self, model, batch):  # batch: see sklearn_ssl.engine.batches.Batch
        x = torch.cat([batch.x_l, batch.x_u])
        logits = model(self.view(x, batch.generator))
        logits_l, logits_u = logits.split([len(batch.x_l), len(batch.x_u)])
        labeled = cross_entropy(logits_l, batch.y_l)
        unlabeled = entropy(logits_u).mean()
        parts = {"labeled_loss": labeled, "unlabeled_loss": unlabeled}  # what history_ will show
        return labeled + self.lambda_u * unlabeled, parts


class EntropyMinimizationClassifier(SSLClassifier):
    """Entropy minimisation: decide on unlabeled rows, so that the boundary avoids them.

    Grandvalet and Bengio 2004, equation 4.

    Parameters
    ----------
    augment : "auto" or callable ``(x, generator) -> x``, default="auto"
        View of the rows; "auto": the weak view of `augment.default_views`.
    unlabeled_weight : float >= 0, default=0.3
        lambda.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import hide_labels  # and your class
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = EntropyMinimizationClassifier(max_steps=200, random_state=0)
    >>> clf.fit(X, hide_labels(y, 100, random_state=0)).score(X, y) > 0.85
    True
    """

    augment: object = "auto"  # 2: parameters of its own, annotated
    unlabeled_weight = 0.3  # and other defaults of common ones

    _parameter_constraints = {"augment": [StrOptions({"auto"}), callable]}  # 3: what they may be

    def _make_view(self, rows):  # 4: what labeled rows pass through, with and without a pool
        return choose_views(rows.X, self.augment)[0]

    def _make_loss(self, rows):  # 5: the method; rows: see sklearn_ssl.inputs.rows.TrainingRows
        return EntropyMinimizationLoss(
            view=self._make_view(rows), unlabeled_weight=self.unlabeled_weight
        )


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
