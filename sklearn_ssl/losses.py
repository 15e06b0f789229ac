"""Pure functions of tensors, each with its shapes; the methods are built from them.

n rows, K classes. Logits are unbounded, probabilities lie in [0, 1] and sum to 1 over classes.
"""

import math

import torch
from torch.nn import functional as F

__all__ = [
    "align_distribution",
    "bernoulli_log_likelihood",
    "class_shares",
    "entropy",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "kl_divergence",
    "masked_cross_entropy",
    "mixup",
    "sharpen",
    "soft_cross_entropy",
    "squared_difference",
    "squared_distance",
]


def masked_cross_entropy(logits, targets, weight):
    """Cross-entropy of each row times its weight, divided by *all* rows.

    Parameters
    ----------
    logits : tensor (n, K)
        Predictions.
    targets : tensor (n,) of int64
        Classes 0..K-1.
    weight : tensor (n,)
        A 0/1 mask, or soft weights in [0, 1].

    Returns
    -------
    tensor ()
        In nats. Dividing by n rather than by the weights that passed is what lets the unlabeled
        loss grow as the model becomes confident (FixMatch, eq. 4).

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import masked_cross_entropy
    >>> logits = torch.tensor([[0.0, 0.0], [9.0, -9.0]])
    >>> masked_cross_entropy(logits, torch.tensor([0, 1]), torch.tensor([1.0, 0.0]))
    tensor(0.3466)
    """
    return (F.cross_entropy(logits, targets, reduction="none") * weight).mean()


def align_distribution(probabilities, model, target, limit=math.inf):
    """Scale predictions by target / model per class and normalise each row.

    Parameters
    ----------
    probabilities : tensor (n, K)
        Predictions.
    model : tensor (K,)
        Mean prediction on unlabeled rows, all positive.
    target : tensor (K,)
        The class balance to move towards.
    limit : float >= 1
        No class is scaled by more than that or by less than its inverse.

    Returns
    -------
    tensor (n, K)
        Probabilities again.

    References
    ----------
    Berthelot et al. 2020, ReMixMatch, arXiv 1911.09785, section 3.1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import align_distribution
    >>> align_distribution(
    ...     torch.tensor([[0.6, 0.4]]), torch.tensor([0.75, 0.25]), torch.tensor([0.5, 0.5])
    ... )
    tensor([[0.3333, 0.6667]])
    >>> align_distribution(
    ...     torch.tensor([[0.5, 0.5]]), torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.5]), limit=2
    ... )
    tensor([[0.2174, 0.7826]])
    """
    aligned = probabilities * (target / model.clamp_min(1e-6)).clamp(1 / limit, limit)
    return aligned / aligned.sum(-1, keepdim=True)


def entropy(logits):
    """Entropy of softmax(logits).

    Parameters
    ----------
    logits : tensor (n, K)
        Predictions.

    Returns
    -------
    tensor (n,) in [0, log K]
        In nats.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import entropy
    >>> entropy(torch.zeros(1, 2))
    tensor([0.6931])
    """
    log_p = F.log_softmax(logits, -1)
    return -(log_p.exp() * log_p).sum(-1)


def gaussian_kl(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, I)), the distance of a Gaussian from the standard one.

    Parameters
    ----------
    mean, log_var : tensors (n, d)
        Of independent Gaussians.

    Returns
    -------
    tensor (n,) >= 0
        In nats.

    References
    ----------
    Kingma and Welling 2014, arXiv 1312.6114, appendix B.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import gaussian_kl
    >>> gaussian_kl(torch.ones(1, 2), torch.zeros(1, 2))
    tensor([1.])
    """
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(-1)


def gaussian_log_likelihood(x, mean, log_var):
    """Log density of independent Gaussians in nats, summed over all but the first axis.

    Parameters
    ----------
    x, mean, log_var : tensors that broadcast to (n, ...)
        Values, their means and the logarithms of their variances.

    Returns
    -------
    tensor (n,)
        One number a row.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import gaussian_log_likelihood
    >>> gaussian_log_likelihood(torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1))
    tensor([-0.9189])
    """
    log_density = -0.5 * (math.log(2 * math.pi) + log_var + (x - mean).square() / log_var.exp())
    return log_density.flatten(1).sum(1)


def bernoulli_log_likelihood(x, logits):
    """Log probability of x in [0, 1] in nats, summed over all but the first axis.

    Parameters
    ----------
    x, logits : tensors (n, ...)
        Values, and logits of their means.

    Returns
    -------
    tensor (n,) <= 0
        One number a row.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import bernoulli_log_likelihood
    >>> bernoulli_log_likelihood(torch.ones(1, 2), torch.zeros(1, 2))
    tensor([-1.3863])
    """
    loss = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return -loss.flatten(1).sum(1)


def class_shares(codes, weight, n_classes):
    """Share of all rows that each class has, weighted.

    Parameters
    ----------
    codes : tensor (n,) of int64
        Classes 0..K-1.
    weight : tensor (n,)
        How much of each row counts, such as a 0/1 mask.
    n_classes : int
        The number of classes, K.

    Returns
    -------
    tensor (K,)
        They sum to the mean weight.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import class_shares
    >>> class_shares(torch.tensor([0, 1, 1, 1]), torch.tensor([1.0, 1.0, 0.0, 0.0]), 2)
    tensor([0.2500, 0.2500])
    """
    return weight.new_zeros(n_classes).index_add_(0, codes, weight) / len(codes)


def soft_cross_entropy(logits, targets):
    """Cross-entropy with probabilities as targets.

    Parameters
    ----------
    logits : tensor (n, K)
        Predictions.
    targets : tensor (n, K)
        Probabilities.

    Returns
    -------
    tensor (n,)
        In nats.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import soft_cross_entropy
    >>> soft_cross_entropy(torch.zeros(1, 2), torch.tensor([[0.3, 0.7]]))
    tensor([0.6931])
    """
    return -(targets * F.log_softmax(logits, -1)).sum(-1)


def squared_distance(p, q):
    """Mean over classes of (p - q)^2.

    Parameters
    ----------
    p, q : tensors (n, K)
        Probabilities.

    Returns
    -------
    tensor (n,) in [0, 2 / K]
        One number a row.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import squared_distance
    >>> squared_distance(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    tensor([1.])
    """
    return (p - q).square().mean(-1)


def squared_difference(logits, other):
    """Mean over classes of the squared difference of softmaxes.

    Parameters
    ----------
    logits, other : tensors (n, K)
        Predictions.

    Returns
    -------
    tensor (n,) in [0, 2 / K]
        `squared_distance` of the probabilities.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import squared_difference
    >>> squared_difference(torch.zeros(1, 2), torch.tensor([[50.0, 0.0]]))
    tensor([0.2500])
    """
    p, q = (torch.softmax(z.float(), -1) for z in (logits, other))
    return squared_distance(p, q)


def kl_divergence(logits, other):
    """KL(softmax(other) || softmax(logits)).

    Parameters
    ----------
    logits : tensor (n, K)
        Predictions.
    other : tensor (n, K)
        What they are to agree with.

    Returns
    -------
    tensor (n,) >= 0
        In nats.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import kl_divergence
    >>> kl_divergence(torch.zeros(1, 2), torch.tensor([[50.0, 0.0]]))
    tensor([0.6931])
    """
    log_p, log_q = (F.log_softmax(z.float(), -1) for z in (logits, other))
    return (log_q.exp() * (log_q - log_p)).sum(-1)


def sharpen(p, temperature):
    """Raise probabilities to the power of 1 / T and normalise them.

    Parameters
    ----------
    p : tensor (n, K)
        Probabilities.
    temperature : float > 0
        Rows become more certain for T < 1.

    Returns
    -------
    tensor (n, K)
        Probabilities again.

    References
    ----------
    Berthelot et al. 2019, MixMatch, arXiv 1905.02249, equation 7.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import sharpen
    >>> sharpen(torch.tensor([[0.75, 0.25]]), 0.5)
    tensor([[0.9000, 0.1000]])
    """
    return torch.softmax(p.clamp_min(1e-12).log() / temperature, -1)


def mixup(x, targets, alpha, generator):
    """Mix every row with another one: lambda' x_i + (1 - lambda') x_j, targets alike.

    Parameters
    ----------
    x : tensor (n, ...)
        Rows.
    targets : tensor (n, K)
        Their class probabilities.
    alpha : float > 0
        lambda is drawn from Beta(alpha, alpha) for each row, and lambda' = max(lambda, 1 - lambda).
    generator : torch.Generator
        Draws the partners and lambda.

    Returns
    -------
    x, targets : tensors as given
        Each row is nearer to the one in its place than to its partner.

    References
    ----------
    Berthelot et al. 2019, MixMatch, arXiv 1905.02249, equations 8 to 11.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.losses import mixup
    >>> x, targets = torch.tensor([[0.0], [1.0]]), torch.eye(2)
    >>> mixed, mixed_targets = mixup(x, targets, 0.75, torch.Generator().manual_seed(0))
    >>> bool(((mixed >= 0) & (mixed <= 1)).all()), mixed_targets.sum(1)
    (True, tensor([1., 1.]))
    """
    n = len(x)
    j = torch.randperm(n, generator=generator, device=x.device)
    lam = beta_samples(alpha, n, generator, x.device)
    lam = torch.maximum(lam, 1 - lam)
    mixed = x.lerp(x[j], (1 - lam).reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype))
    return mixed, targets.lerp(targets[j], (1 - lam)[:, None].to(targets.dtype))


def beta_samples(alpha, n, generator, device):
    """n draws from Beta(alpha, alpha), alpha > 0, from the generator given: (n,) in [0, 1]."""
    shape = torch.full((2, n), float(alpha), device=device)
    a, b = torch._standard_gamma(shape, generator=generator)
    return a / (a + b).clamp_min(1e-30)
