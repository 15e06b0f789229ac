"""EM for a mixture of Gaussians of which each belongs to a class, in log space."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import logsumexp

__all__ = ["EM", "log_joint", "whiten"]

_START_ROWS = 50  # of the identity, in the covariance that EM starts from


@dataclass
class EM:
    """EM steps for a mixture, given as (weights (C,), means (C, d), C covariances).

    With standardised rows Z (n, d), their ``weight`` w (n,), and ``barred`` (n, C), true where a
    row cannot come from a component, they maximise

    sum_i w_i log sum_{c not barred to i} pi_c N(z_i; mu_c, S_c)
    - shrinkage / 2 * sum over covariances of (log det S + trace(S^-1 S_0)).

    A covariance is a matrix (d, d), or a vector (d,) if diagonal; "tied" components share one.
    """

    covariance_type: str
    shrinkage: float
    reg_covar: float
    owners: np.ndarray  #: the class of each component, (C,)
    prior: np.ndarray | None = None  #: the shares of the classes (K,), where they are known

    def start(self, Z, codes, weight, n_classes):
        """Weights (K,) and means (K, d) of the labeled rows of each class; and S_0."""
        labeled, d = codes >= 0, Z.shape[1]
        shares = weight[labeled, None] * np.eye(n_classes)[codes[labeled]]
        totals = shares.sum(0)
        weights, means = totals / totals.sum(), shares.T @ Z[labeled] / totals[:, None]
        scatter = self._scatter(Z[labeled] - means[codes[labeled]], weight[labeled])
        identity = np.eye(d) if scatter.ndim == 2 else np.ones(d)
        S_0 = (scatter + _START_ROWS * identity) / (totals.sum() + _START_ROWS)
        return weights, means, self._feasible(S_0)

    def shares_of(self, totals):
        """Weights (C,) of the components: what fell to each, within what is known of classes."""
        totals = totals / totals.sum()
        if self.prior is None:
            return totals
        of_class = np.bincount(self.owners, totals)
        return (self.prior / of_class)[self.owners] * totals

    def run(self, Z, weight, barred, model, S_0, max_iter, tol):
        """The model after at most ``max_iter`` steps, the bound at each, whether it converged."""
        shares, bound = self.e_step(Z, weight, barred, model, S_0)
        bounds, converged = [bound], False
        while len(bounds) <= max_iter and not converged:
            model = self.m_step(Z, shares, S_0)
            shares, bound = self.e_step(Z, weight, barred, model, S_0)
            converged = bool(bound - bounds[-1] < tol)
            bounds.append(bound)
        return model, bounds, converged

    def e_step(self, Z, weight, barred, model, S_0):
        """Weighted shares (n, C) of the components in each row; and the bound, per weight."""
        joint = log_joint(Z, *model)
        joint[barred] = -np.inf  # a labeled row belongs to its own class
        density = logsumexp(joint, axis=1)
        shares = weight[:, None] * np.exp(joint - density[:, None])
        covariances = model[2][:1] if self.covariance_type == "tied" else model[2]
        root = np.diag(np.sqrt(S_0)) if S_0.ndim == 1 else cholesky(S_0)
        whitened = [whiten(root, covariance) for covariance in covariances]
        log_prior = -self.shrinkage / 2 * sum(log_det + (u**2).sum() for u, log_det in whitened)
        return shares, (weight @ density + log_prior) / weight.sum()

    def m_step(self, Z, shares, S_0):
        """Weights, means and covariances that maximise the bound, given weighted shares."""
        totals = shares.sum(0) + np.finfo(float).tiny
        means = shares.T @ Z / totals[:, None]
        scatters = [self._scatter(Z - m, share) for m, share in zip(means, shares.T, strict=True)]
        rows = totals
        if self.covariance_type == "tied":
            scatters, rows = [sum(scatters)], [totals.sum()]
        covariances = [
            self._feasible((scatter + self.shrinkage * S_0) / (n + self.shrinkage))
            for scatter, n in zip(scatters, rows, strict=True)
        ]
        if self.covariance_type == "tied":
            covariances *= len(means)
        return self.shares_of(totals), means, covariances

    def _scatter(self, around, weight):
        """Weighted sum of squares of centred rows: a matrix, or its diagonal if that is enough."""
        if self.covariance_type in ("diag", "spherical"):
            return weight @ around**2
        return (weight * around.T) @ around

    def _feasible(self, covariance):
        """The likeliest covariance of this type with variances of at least reg_covar."""
        if self.covariance_type == "spherical":
            covariance = np.full_like(covariance, covariance.mean())
        if covariance.ndim == 1:
            return np.maximum(covariance, self.reg_covar)
        variances, axes = np.linalg.eigh(covariance)
        if variances[0] >= self.reg_covar:
            return covariance
        return (axes * np.maximum(variances, self.reg_covar)) @ axes.T


def log_joint(X, weights, means, covariances):
    """log pi_c N(x; mu_c, S_c): rows (n, d) -> (n, C)."""
    joint = np.empty((len(X), len(means)))
    for c, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        whitened, log_det = whiten(X - mean, covariance)
        constant = X.shape[1] * np.log(2 * np.pi) + log_det
        joint[:, c] = np.log(weights[c]) - 0.5 * (constant + (whitened**2).sum(1))
    return joint


def whiten(rows, covariance):
    """Rows u (n, d) with u @ u.T = rows @ S^-1 @ rows.T, and log det S."""
    if covariance.ndim == 1:
        return rows / np.sqrt(covariance), np.log(covariance).sum()
    factor = cholesky(covariance, lower=True)
    log_det = 2 * np.log(np.diag(factor)).sum()
    return solve_triangular(factor, rows.T, lower=True).T, log_det
