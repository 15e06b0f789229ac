"""Losses of semi-supervised variational autoencoders.

Diederik P. Kingma, Danilo J. Rezende, Shakir Mohamed, Max Welling: "Semi-Supervised Learning with
Deep Generative Models", NeurIPS 2014, arXiv 1406.5298, equations 5 to 9.
"""

import math

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ...losses import (
    class_shares,
    entropy,
    gaussian_kl,
    gaussian_log_likelihood,
    masked_cross_entropy,
)

__all__ = ["JointLoss", "M1M2Loss", "M2Loss", "negative_elbo"]


def negative_elbo(model, x, y, noise, q=None):
    """-log p(x|y,z) + KL(q(z|x,y) || p(z)), one sample of z: nats, (n,), or (n, K) for y (1, K).

    ``q`` is mean and log variance of z, where they are known: of a view of x, say.
    """
    mean, log_var = model.encode(x, y) if q is None else q
    z = mean + noise(mean) * (0.5 * log_var).exp()
    x = x if z.ndim == 2 else x[:, None]
    return gaussian_kl(mean, log_var) - model.log_likelihood(x, model.decode(z, y))


class M2Loss(nn.Module):
    """J^alpha / (alpha * N) of eq. 9, with the generative part times lambda_u.

    Divided by alpha, so that lambda_u = 0 is plain cross-entropy: the supervised net. Until
    progress ``warm_up`` the bound does not move q(y|x) of unlabeled rows: a decoder that knows no
    classes yet would teach the classifier noise.
    """

    def __init__(self, *, prior, alpha, unlabeled_weight, warm_up=0.0):
        super().__init__()
        self.register_buffer("log_prior", prior.clamp_min(1e-6).log())  # a class may have no label
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
        x_l, x_u, noise = batch.x_l, batch.x_u, _noise(batch.generator)
        logits_l, logits_u = model(torch.cat([x_l, x_u])).split([len(x_l), len(x_u)])
        classify = cross_entropy(logits_l, batch.y_l)
        bounds = [self.L(model, x_l, batch.y_l, noise)]
        if len(x_u):
            q = logits_u.detach() if batch.t < self.warm_up else logits_u
            bounds.append(self.U(model, x_u, q, noise))
        J = batch.mean_over_rows(torch.cat(bounds))
        parts = {"labeled_loss": classify, "unlabeled_loss": J}
        return classify + self.lambda_u * J / self.alpha, parts  # eq. 9 / alpha


class M1M2Loss(M2Loss):
    """-ELBO of M1 (eq. 5) per feature; then `M2Loss` on samples of z1, with M1 as it is by then.

    While progress is below ``m1_share``, M1 learns, and q(y|z1) learns from labels alone without
    moving M1; until then no result counts for early stopping.
    """

    def __init__(self, *, m1_share=0.0, **kwargs):
        super().__init__(**kwargs)
        self.m1_share = self.counts_from = m1_share

    def bound(self, model, x, noise, noise_1):
        """log p(x|z1) - log q(z1|x) + the bound of M2 on log p(z1): (n,)."""
        mean, log_var = model.m1.encode(x)
        z1 = mean + noise_1(mean) * (0.5 * log_var).exp()
        prior = gaussian_log_likelihood(z1 * ~model.alive, 0 * mean, 0 * log_var)
        prior = prior + 0.5 * math.log(2 * math.pi) * model.alive.sum()  # of dead dimensions alone
        inside = super().bound(model.m2, z1 * model.alive, noise, None) + prior
        inside = inside - gaussian_log_likelihood(z1, mean, log_var)
        return inside + model.m1.log_likelihood(x, model.m1.decode(z1))

    def forward(self, model, batch):
        x, share = torch.cat([batch.x_l, batch.x_u]), self.m1_share
        first = batch.t < share
        with torch.set_grad_enabled(first):
            mean, log_var = model.m1.encode(x)
            z1 = mean + _noise(batch.generator)(mean) * (0.5 * log_var).exp()
        if first and model.training:
            model.observe(mean[-len(batch.x_u) :] if len(batch.x_u) else mean)
        z1_l, z1_u = (z1.detach() * model.alive).split([len(batch.x_l), len(batch.x_u)])
        if not first:
            t = (batch.t - share) / (1 - share)
            return super().forward(model.m2, batch._replace(x_l=z1_l, x_u=z1_u, t=t))
        elbo = model.m1.log_likelihood(x, model.m1.decode(z1)) - gaussian_kl(mean, log_var)
        unlabeled = -batch.mean_over_rows(elbo) / x[0].numel()
        labeled = cross_entropy(model.m2(z1_l), batch.y_l)
        parts = {"labeled_loss": labeled, "unlabeled_loss": unlabeled}
        return labeled + self.lambda_u * unlabeled, parts


class JointLoss(nn.Module):
    """Cross-entropy + lambda_u * (beta * -ELBO / D + cross-entropy on confident pseudo-labels).

    The encoder sees ``view(x)`` and the decoder gives back x, so the autoencoder denoises. With
    ``stacked`` the classifier does not move the encoder: M1 of Kingma et al.
    """

    def __init__(self, *, view, beta, unlabeled_weight, threshold=None, stacked=False):
        super().__init__()
        self.view, self.beta, self.stacked = view, beta, stacked
        self.lambda_u, self.threshold = unlabeled_weight, threshold

    @staticmethod
    def bound(model, x, noise, _):
        """The ELBO, a bound on log p(x): (n,)."""
        return -negative_elbo(model, x, None, noise)

    def classify_and_encode(self, model, x):
        """Logits (n, K), and mean and log variance of z; in one pass where the network can."""
        if hasattr(model, "classify_and_encode") and not self.stacked:
            return model.classify_and_encode(x)
        q = model.encode(x)
        return model.classifier(q[0].detach()) if self.stacked else model(x), q

    def forward(self, model, batch):
        x_l, x_u, g = batch.x_l, batch.x_u, batch.generator
        x = torch.cat([x_l, x_u])
        logits, q = self.classify_and_encode(model, self.view(x, g))
        logits_l, logits_u = logits.split([len(x_l), len(x_u)])
        classify = cross_entropy(logits_l, batch.y_l)
        elbo = -batch.mean_over_rows(negative_elbo(model, x, None, _noise(g), q))
        unlabeled = -self.beta * elbo / x[0].numel()
        parts = {"labeled_loss": classify}
        if self.threshold is not None and len(x_u):
            confidence, pseudo = torch.softmax(logits_u.detach(), -1).max(-1)
            mask = (confidence > self.threshold).float()
            unlabeled = unlabeled + masked_cross_entropy(logits_u, pseudo, mask)
            parts["mask_rate"] = mask.mean()
            parts["pseudo_label_shares"] = class_shares(pseudo, mask, logits_u.shape[1])
        return classify + self.lambda_u * unlabeled, {**parts, "unlabeled_loss": unlabeled}


def _noise(generator):
    def noise(like):
        return torch.randn(like.shape, generator=generator, device=like.device)

    return noise
