"""Short digests of values and of code: equal where a repeated fit would be equal."""

import functools
import hashlib
import inspect
import re
import types

import numpy as np
import torch
from scipy.sparse import issparse
from torch import nn

from ..inputs.lazy import LazyRows, TwoSources
from ..inputs.mixed import MixedRows
from ..inputs.tensors import rows_to_tensor

__all__ = ["digest", "fingerprint", "shared_data", "shared_parameters"]

_PLAIN = str | bytes | bool | int | float | complex | np.generic


def digest(*values):
    """A short hexadecimal digest.

    Of arrays, sparse matrices and tensors it is that of their values; of functions and classes
    that of their code, wherever it lies in memory; of other objects that of class and attributes.
    """
    h, seen = hashlib.blake2b(digest_size=8), {}
    for value in values:
        _add(h, value, seen)
    return h.hexdigest()


def _add(h, value, seen):
    if isinstance(value, LazyRows) and isinstance(value.dataset, TwoSources):
        for part in (value.index, value.dataset.first, value.dataset.second):
            _add(h, part, seen)
    elif isinstance(value, LazyRows):
        _add(h, value.index, seen)
        _add(h, value.thinned(100), seen)  # reading all would take as long as an epoch
    elif isinstance(value, MixedRows):
        for part in (value.values, value.columns.categories, value.columns.center):
            _add(h, part, seen)
    elif issparse(value):
        for part in (value.data, value.indices, value.indptr):
            _add(h, part, seen)
    elif isinstance(value, torch.Tensor):
        _add(h, value.detach().cpu().numpy(), seen)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        h.update(f"{value.dtype}{value.shape}".encode())
        for start in range(0, len(value) if value.ndim else 1, 4096):
            part = value[start : start + 4096] if value.ndim else value
            h.update(np.ascontiguousarray(part).tobytes())
    elif value is None or isinstance(value, _PLAIN):
        h.update(repr(value).encode())
    elif id(value) in seen:  # a function that names itself, a pair that holds each other
        h.update(b"again")
    else:
        seen[id(value)] = value  # kept, so that no other object gets its id meanwhile
        h.update(type(value).__qualname__.encode())
        for part in _parts(value):
            _add(h, part, seen)


def _parts(value):
    """What an object consists of."""
    if isinstance(value, dict):
        return [part for item in value.items() for part in item]
    if isinstance(value, list | tuple | np.ndarray):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, types.CodeType):
        return [value.co_code, value.co_consts, value.co_names]
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return [value.__code__, value.__defaults__, value.__kwdefaults__, cells]
    if isinstance(value, staticmethod | classmethod | property):
        return [getattr(value, "__func__", None), getattr(value, "fget", None)]
    if isinstance(value, type) or not hasattr(value, "__dict__"):
        return _parts_of_class(value) if isinstance(value, type) else [_without_address(value)]
    if isinstance(value, types.ModuleType | types.BuiltinFunctionType):
        return [_without_address(value)]
    state = value.state_dict() if isinstance(value, nn.Module) else {}
    plain = {k: v for k, v in vars(value).items() if not k.startswith("_")}
    return [type(value), state, plain if isinstance(value, nn.Module) else vars(value)]


def _parts_of_class(cls):
    """Its name; and the functions of classes that a user wrote."""
    name = f"{cls.__module__}.{cls.__qualname__}"
    if cls.__module__.partition(".")[0] in ("builtins", "torch", "numpy", "sklearn", "skorch"):
        return [name]
    own = {k: v for k, v in vars(cls).items() if inspect.isroutine(v) or isinstance(v, property)}
    return [name, own, [base for base in cls.__bases__ if base is not object]]


def _without_address(value):
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def fingerprint(estimator, net, rows, pool, n_processes):
    """What must be equal so that a fit can go on from a checkpoint: dict of str to str."""
    skip = {"callbacks", "verbose", "checkpoint_dir"}
    params = {k: v for k, v in estimator.get_params(deep=False).items() if k not in skip}
    known = {
        "version of sklearn_ssl": _version(),
        "threads of torch": str(torch.get_num_threads()),
        "version of torch": str(torch.__version__),
        "device": str(net.device),
        "X": digest(rows.X),
        "y or sample_weight": digest(rows.y, rows.y_held_out, rows.weight, pool),
        "method": digest(net.criterion_.state_dict()),
        "network": digest(net.module_.state_dict()),
        **{k: repr(v) if _is_short(v) else digest(v) for k, v in params.items()},
    }
    return known if n_processes == 1 else {**known, "number of processes": str(n_processes)}


def shared_parameters(estimator):
    """Parameters that must be equal on processes that train together: dict of str to str.

    Devices may differ, and so may weights of a ``module``: those of the first process count.
    """
    params = estimator.get_params(deep=False)
    for name in ("callbacks", "verbose", "device"):
        del params[name]
    if params["checkpoint_dir"] is not None:
        params["checkpoint_dir"] = "a folder"  # of which the first process knows the name
    told = {name: _without_address(value) for name, value in params.items()}
    told = {name: text if len(text) < 40 else digest(text) for name, text in told.items()}
    return {"estimator": type(estimator).__name__, **told}


def shared_data(net, rows, pool):
    """What else must be equal, of the data and of the network: dict of str to str.

    Of X that is its shape, and its first two rows.
    """
    shapes = [
        (name, tuple(value.shape), str(value.dtype))
        for module in (net.module_, net.criterion_)
        for name, value in module.state_dict().items()
    ]
    return {
        "X": f"{rows.X.dtype} {rows.X.shape} {digest(rows_to_tensor(rows.X[:2]))}",
        "y or sample_weight": digest(rows.y, rows.y_held_out, rows.weight, pool),
        "shapes of weights": digest(shapes),
        "steps of earlier fits": str(net.earlier_steps_),
    }


def _version():
    import sklearn_ssl

    return sklearn_ssl.__version__


def _is_short(value):
    return (value is None or isinstance(value, str | bool | int | float)) and len(repr(value)) < 40
