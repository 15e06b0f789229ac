"""Optimizers: groups of parameters, weight decay on weights alone, errors that name the keyword."""

from fnmatch import fnmatch
from inspect import signature

import torch

__all__ = ["OPTIMIZERS", "groups_within", "make_optimizer", "set_learning_rate"]

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def make_optimizer(optimizer, parameters, lr, settings, device):
    """Make an optimizer.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer class
    parameters : list of (str, Parameter)
        Those that learn, by name. Weight decay leaves out biases and BatchNorm.
    lr : float
    settings : dict
        Its other keywords; ``param_groups`` as in `SSLEstimator`.
    device : torch.device

    Returns
    -------
    torch.optim.Optimizer
        Each group remembers its first learning rate for `set_learning_rate`.
    """
    settings = dict(settings)
    own = settings.pop("param_groups", [])
    _check_groups(own, optimizer)
    groups = _groups(parameters, own)
    if optimizer in OPTIMIZERS.values():
        settings.setdefault("fused", device.type in ("cpu", "cuda"))
    try:
        made = optimizer(groups, lr=lr, **settings)
    except TypeError as error:
        name, known = optimizer.__name__, list(signature(optimizer).parameters)[1:]
        raise ValueError(
            f"optimizer_params do not fit {name}: {error}. It takes {known}."
        ) from error
    for group in made.param_groups:
        group["base_lr"] = group["lr"]
    return made


def set_learning_rate(optimizer, factor):
    """Set the rate of every group to that share of its first one."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


def groups_within(parts, own):
    """Give the patterns of ``own`` for the parts of a network, by name; without parts as they are.

    Parameters
    ----------
    parts : sequence of str
    own : list of (str, dict)
        Patterns of names within each part.

    Returns
    -------
    list of (str, dict)
    """
    if not all(len(g) == 2 and isinstance(g[0], str) and isinstance(g[1], dict) for g in own):
        raise ValueError(
            f"param_groups must be a list of pairs (pattern, dict of settings), got {own!r}."
        )
    prefixes = [f"{part}." for part in parts] or [""]
    return [(prefix + pattern, settings) for prefix in prefixes for pattern, settings in own]


def _check_groups(own, optimizer):
    known = signature(optimizer).parameters
    for _, settings in own:
        if settings.get("lr", 0) < 0 or not settings.keys() <= known.keys():
            raise ValueError(
                f"param_groups: {settings} does not fit {optimizer.__name__}, which takes "
                f"{list(known)[1:]}, lr of at least 0."
            )


def _groups(parameters, own):
    """Two groups a pattern, with weight decay and without; what no pattern names comes last."""
    patterns = [*own, ("*", {})]
    groups = [[{**own, "params": []}, {**own, "params": []}] for _, own in patterns]
    for name, parameter in parameters:
        first = next(i for i, (pattern, _) in enumerate(patterns) if fnmatch(name, pattern))
        groups[first][parameter.ndim <= 1]["params"].append(parameter)
    for (pattern, _), (decayed, plain) in zip(patterns[:-1], groups, strict=False):
        if not decayed["params"] + plain["params"]:
            names = sorted({name.split(".")[0] for name, _ in parameters})
            raise ValueError(
                f"param_groups: no parameter of the network matches {pattern!r}; their names "
                f"begin with {names}."
            )
    for _, plain in groups:
        plain["weight_decay"] = 0.0
    return [group for pair in groups for group in pair if group["params"]]
