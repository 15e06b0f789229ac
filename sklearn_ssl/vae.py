"""Semi-supervised variational autoencoders.

Diederik P. Kingma, Danilo J. Rezende, Shakir Mohamed, Max Welling: "Semi-Supervised Learning with
Deep Generative Models", NeurIPS 2014, arXiv 1406.5298, equations 6 to 9 (``objective="m2"``).
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Integral, Interval, Real, StrOptions
from torch import nn
from torch.nn.functional import cross_entropy

from .base import SSLClassifier
from .losses import class_balance, entropy, gaussian_kl, masked_cross_entropy
from .networks.vae import M2VAE, JointVAE

__all__ = ["JointLoss", "M2Loss", "VAEClassifier"]


def negative_elbo(model, x, y, noise):
    """-log p(x|y,z) + KL(q(z|x,y) || p(z)), one sample of z: nats, (n,), or (n, K) for y (K,)."""
    mean, log_var = model.encode(x, y)
    z = mean + noise(mean) * (0.5 * log_var).exp()
    x = x if z.ndim == 2 else x[:, None]
    return gaussian_kl(mean, log_var) - model.log_likelihood(x, model.decode(z, y))


class M2Loss(nn.Module):
    """J^alpha / (alpha * N) of eq. 9, with the generative part times lambda_u.

    Divided by alpha, so that lambda_u = 0 is plain cross-entropy: the supervised net.
    """

    def __init__(self, prior, n_labeled, n_rows, alpha, unlabeled_weight):
        super().__init__()
        self.register_buffer("log_prior", prior.log())
        self.share_l, self.share_u = n_labeled / n_rows, 1 - n_labeled / n_rows
        self.alpha, self.lambda_u = alpha, unlabeled_weight

    def L(self, model, x, y, noise):  # noqa: N802
        """-L is the bound of eq. 6 on log p(x, y): (n,), or (n, K) for y = every class."""
        return negative_elbo(model, x, y, noise) - self.log_prior[y]

    def U(self, model, x, logits, noise):  # noqa: N802
        """-U is the bound of eq. 7 on log p(x): y marginalised with q(y|x), entropy kept: (n,)."""
        q = torch.softmax(logits, -1)
        every = torch.arange(len(self.log_prior), device=x.device)
        return (q * self.L(model, x, every, noise)).sum(-1) - entropy(logits)

    def forward(self, model, batch):
        x_l, y_l, x_u, _, _, g = batch
        logits_l, logits_u = model(torch.cat([x_l, x_u])).split([len(x_l), len(x_u)])
        classify = cross_entropy(logits_l, y_l)
        loss, parts = classify, {"labeled_loss": classify.detach()}
        if self.lambda_u > 0:
            L = self.L(model, x_l, y_l, _noise(g)).mean()
            J = self.share_l * L
            if len(x_u):
                U = self.U(model, x_u, logits_u, _noise(g)).mean()
                J = J + self.share_u * U
            loss = classify + self.lambda_u * J / self.alpha  # eq. 9 / alpha
            parts["unlabeled_loss"] = J.detach()
        return loss, parts


class JointLoss(nn.Module):
    """Cross-entropy + lambda_u * (beta * -ELBO / D + cross-entropy on confident pseudo-labels)."""

    def __init__(self, beta, unlabeled_weight, threshold):
        super().__init__()
        self.beta, self.lambda_u, self.threshold = beta, unlabeled_weight, threshold

    def forward(self, model, batch):
        x_l, y_l, x_u, _, _, g = batch
        x = torch.cat([x_l, x_u])
        logits_l, logits_u = model(x).split([len(x_l), len(x_u)])
        classify = cross_entropy(logits_l, y_l)
        loss, parts = classify, {"labeled_loss": classify.detach()}
        if self.lambda_u > 0:
            unlabeled = self.beta * negative_elbo(model, x, None, _noise(g)).mean() / x[0].numel()
            if self.threshold is not None and len(x_u):
                confidence, pseudo = torch.softmax(logits_u.detach(), -1).max(-1)
                mask = (confidence > self.threshold).float()
                unlabeled = unlabeled + masked_cross_entropy(logits_u, pseudo, mask)
                parts["mask_rate"] = mask.mean()
            loss = classify + self.lambda_u * unlabeled
            parts["unlabeled_loss"] = unlabeled.detach()
        return loss, parts


def _noise(generator):
    def noise(like):
        return torch.randn(like.shape, generator=generator, device=like.device)

    return noise


@dataclass(kw_only=True, eq=False, repr=False)
class VAEClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, SSLClassifier):
    objective: str = "m2"
    latent_dim: int = 32
    likelihood: str = "auto"
    alpha: float = 0.1
    beta: float = 1.0
    pseudo_label_threshold: float | None = 0.8
    optimizer: object = "adam"
    lr: float = 1e-3

    _parameter_constraints = {
        **SSLClassifier._parameter_constraints,
        "objective": [StrOptions({"m2", "joint"})],
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "likelihood": [StrOptions({"auto", "gaussian", "bernoulli"})],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "pseudo_label_threshold": [Interval(Real, 0, 1, closed="both"), None],
    }

    def _auto_module(self, input_shape):
        super()._auto_module(input_shape)  # refuses shapes that are neither table nor image
        return M2VAE if self.objective == "m2" else JointVAE

    def _module_facts(self, X):
        facts = super()._module_facts(X)
        return {**facts, "latent_dim": self.latent_dim, "likelihood": self._resolve_likelihood(X)}

    def _resolve_likelihood(self, X):
        unit = (X.dtype == np.uint8 and X.ndim > 2) or (X.min() >= 0 and X.max() <= 1)
        if self.likelihood == "bernoulli" and not unit:
            raise ValueError(
                f"likelihood='bernoulli' needs X in [0, 1], got values from {X.min():.4g} to "
                f"{X.max():.4g}. Scale X, or use likelihood='gaussian'."
            )
        if self.likelihood == "auto":
            return "bernoulli" if unit and X.ndim > 2 else "gaussian"
        return self.likelihood

    def _make_loss(self, X, codes):
        if self.objective == "joint":
            return JointLoss(self.beta, self.unlabeled_weight, self.pseudo_label_threshold)
        prior = class_balance(torch.from_numpy(codes), len(self.classes_))
        n_labeled = int((codes >= 0).sum())
        return M2Loss(prior, n_labeled, len(codes), self.alpha, self.unlabeled_weight)
