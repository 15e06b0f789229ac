"""The network of a fit: the automatic one, or the user's, told what the rows are."""

import copy
import inspect

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..inputs.tensors import rows_to_tensor, to_float
from ..networks import MLP, DocumentMLP, still_statistics
from ..networks.cnn import image_network

__all__ = ["automatic_network", "build_network", "check_learns", "check_network", "start_network"]

ROWS_TO_START_FROM = 500


def automatic_network(input_shape, documents=False):
    """Return the class that ``module="auto"`` stands for."""
    if len(input_shape) == 1:
        return DocumentMLP if documents else MLP
    if len(input_shape) == 3:
        return image_network(input_shape)
    raise ValueError(
        f"module='auto' knows tables (n, features) and images (n, channels, height, width); "
        f"X has rows of shape {input_shape}. Give grey images a channel, X[:, None], or pass "
        "your own network as module."
    )


def build_network(module, params, known, automatic=None, documents=False):
    """Make a new network.

    Parameters
    ----------
    module : "auto", nn.Module class or instance, or callable
        An instance is copied.
    params : dict or None
        Keywords of the user.
    known : dict
        What the data say; given as far as the signature names it.
    automatic : nn.Module class or None
        What "auto" stands for; None: `automatic_network`. Rows that are neither table nor image
        are refused all the same.
    documents : bool
        Whether the rows are bags of words.

    Returns
    -------
    nn.Module
    """
    if isinstance(module, nn.Module):
        if params:
            raise ValueError("module_params needs module to be a class, not an instance.")
        return copy.deepcopy(module)  # the user's own instance is never trained
    if isinstance(module, str):
        default = automatic_network(known["input_shape"], documents)
        module = automatic or default
    named, params = inspect.signature(module).parameters, params or {}
    known = {name: value for name, value in known.items() if name in named}
    free = any(p.kind is p.VAR_KEYWORD for p in named.values())
    unknown = [name for name in params if name not in named and not free]
    if unknown:
        raise ValueError(
            f"{unknown} in module_params: not a parameter of {module.__name__}, which takes "
            f"{[name for name in named if name not in known]}."
        )
    made = module(**{**known, **params})
    if not isinstance(made, nn.Module):
        raise ValueError(f"module must make an nn.Module, and {module!r} made a {type(made)}.")
    return made


def start_network(module, rows):
    """Give a network that has a method ``start_from`` the rows it sets its first weights from.

    Parameters
    ----------
    module : nn.Module
    rows : TrainingRows
        Up to 500 of them are drawn, always the same for a state of torch's global generator, which
        is not moved; held-out ones are left out.
    """
    if not hasattr(module, "start_from"):
        return
    known = torch.from_numpy((~rows.held_out).nonzero()[0])
    generator = torch.Generator().manual_seed(torch.initial_seed())
    drawn = torch.randperm(len(known), generator=generator)[:ROWS_TO_START_FROM]
    x = to_float(rows_to_tensor(rows.X[known[drawn].sort().values.numpy()]))
    module.start_from(x.to(next((p.device for p in module.parameters()), "cpu")))


def check_learns(module, learns):
    """Refuse a network in which nothing learns; ``learns`` says whether something does."""
    if not learns:
        raise ValueError(
            f"No parameter of the module {type(module).__name__} learns: none that its logits "
            "depend on has requires_grad. The averaged weights in net_.predicting_module_ of a "
            "fitted estimator are frozen; net_.copy_to_train() is a copy to go on from."
        )


def check_network(module, x, n_outputs, batch_size):
    """Run two rows through the network, so that a wrong one fails here and in words."""
    name = type(module).__name__
    if batch_size == 1 and any(isinstance(m, _BatchNorm) for m in module.modules()):
        raise ValueError(
            f"batch_size=1 cannot train {name}: BatchNorm needs at least two "
            "rows. Use batch_size=2 or more; a row may appear twice in a batch."
        )
    module.eval()
    try:
        out = module(x)
    except Exception as error:
        raise ValueError(
            f"The module {name} fails on rows of shape {tuple(x.shape[1:])}: {error}"
        ) from error
    expected = (len(x), n_outputs)
    if isinstance(out, torch.Tensor) and not out.is_floating_point():
        raise ValueError(f"The module {name} must return floating logits, got {out.dtype}.")
    if not isinstance(out, torch.Tensor) or tuple(out.shape) != expected:
        got = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
        raise ValueError(
            f"The module {name} must return one logit a class: for {len(x)} rows and {n_outputs} "
            f"classes a tensor of shape {expected}, got {got}."
        )
    check_learns(module, out.requires_grad or _learns_in_training(module, x))


def _learns_in_training(module, x):
    """Whether logits have a gradient in training, where a network keeps none for predictions."""
    if not any(p.requires_grad for p in module.parameters()):
        return False
    module.train()
    try:
        with still_statistics(module), torch.random.fork_rng(devices=[]):
            return module(x).requires_grad
    finally:
        module.eval()
