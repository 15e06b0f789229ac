"""One file to share a fitted estimator: safetensors for arrays, JSON for all else."""

import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ._warnings import warn
from .engine.checkpoint import write_whole
from .engine.generators import private_generators
from .engine.net import make_net
from .inputs.checks import check_device
from .inputs.summary import DataSummary
from .inputs.targets import ClassTargets, NumberTargets

__all__ = ["load", "save"]

FORMAT = 1
STATES = {cls.__name__: cls for cls in (DataSummary, ClassTargets, NumberTargets)}
# of the training rows, or of no use for prediction
LEFT_OUT = (
    "net_",
    "_metadata_request",
    "transduction_",
    "label_distributions_",
    "labeled_iter_",
    "pseudo_labels_",
)


def save(estimator, path):
    """Write a fitted estimator; see `SSLClassifier.save`."""
    import sklearn_ssl

    check_is_fitted(estimator)
    cls = type(estimator)
    if getattr(sklearn_ssl, cls.__name__, None) is not cls:
        raise ValueError(
            f"save writes estimators of sklearn_ssl, which load knows by name; {cls.__name__} is "
            "none. Use pickle for classes of your own."
        )
    params, needed = {}, {}
    for name, value in estimator.get_params(deep=False).items():
        try:
            params[name] = _plain(value)
        except TypeError:
            needed[name] = repr(value)
    attributes, tensors = {}, {}
    for name, value in vars(estimator).items():
        if name not in params and name not in needed and name not in LEFT_OUT:
            _pack(name, value, attributes, tensors)
    for name, value in estimator.net_.predicting_module_.state_dict().items():
        tensors[f"network/{name}"] = value.cpu().contiguous().clone()
    header = {
        "format": FORMAT,
        "class": cls.__name__,
        "version": sklearn_ssl.__version__,
        "params": params,
        "needed": needed,
        "attributes": attributes,
        "steps": estimator.net_.earlier_steps_ + estimator.net_.step_,
    }
    data = _safetensors().save(tensors, {"sklearn_ssl": json.dumps(header)})
    write_whole(path, data)


def load(path, **params):
    """Read an estimator that ``save`` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or path
        File that ``save`` wrote.
    **params
        Parameters that no file can hold, such as your own ``module`` or ``weak_augment``, and
        others to replace: ``device="cpu"`` where ``"cuda"`` was saved and there is none.

    Returns
    -------
    fitted estimator
        It predicts as the saved one did, and ``partial_fit`` goes on from its weights.

    Raises
    ------
    ValueError
        If the file is damaged or foreign, of a later format, or needs parameters that are missing.

    Warns
    -----
    UserWarning
        If another version of the package wrote the file.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import FixMatchClassifier, load
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     FixMatchClassifier(max_steps=5).fit(X, y).save(f"{folder}/iris.safetensors")
    ...     clf = load(f"{folder}/iris.safetensors", device="cpu")
    >>> clf.predict(X).shape
    (150,)
    """
    import sklearn_ssl

    try:
        data = Path(path).read_bytes()
        tensors = _safetensors().load(data)
        size = int.from_bytes(data[:8], "little")
        text = json.loads(data[8 : 8 + size])["__metadata__"]["sklearn_ssl"]
        header = json.loads(text, object_hook=_restored)
        known = header["format"], header["class"], header["version"], header["attributes"]
    except (FileNotFoundError, ImportError):
        raise
    except Exception as error:
        raise ValueError(f"{path} is damaged, or no file that save() wrote.") from error
    form, name, version, attributes = known
    if form > FORMAT or name not in sklearn_ssl.__all__:
        raise ValueError(
            f"{path} holds a {name} in format {form} of sklearn_ssl {version}; this is "
            f"{sklearn_ssl.__version__}. Upgrade to read it."
        )
    if version != sklearn_ssl.__version__:
        warn(
            f"{path} was written by sklearn_ssl {version}, and this is {sklearn_ssl.__version__}: "
            "compare some predictions before you rely on it.",
        )
    missing = {k: v for k, v in header["needed"].items() if k not in params}
    if missing:
        raise ValueError(
            f"{path} needs parameters that no file can hold; pass them to load(): "
            + ", ".join(f"{k} (was {v})" for k, v in missing.items())
        )
    estimator = getattr(sklearn_ssl, name)(**{**header["params"], **params})
    for key, value in attributes.items():
        setattr(estimator, key, _unpack(key, value, tensors))
    estimator.net_ = _network(estimator, tensors)
    estimator.net_.earlier_steps_, estimator.net_.step_ = header.get("steps", 0), 0
    return estimator


def _network(estimator, tensors):
    targets, device = estimator._targets, check_device(estimator.device)
    with private_generators(device, 0):
        network = estimator._make_network(estimator._summary)
        net = make_net(estimator, network, nn.Identity(), targets, device).initialize()
    state = {k.removeprefix("network/"): v for k, v in tensors.items() if k.startswith("network/")}
    for module in (net.module_, net.predicting_module_):
        try:
            module.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"The file does not fit the network: {error}") from None
    net._set_training(False)
    return net


def _pack(name, value, attributes, tensors):
    """Split a fitted attribute into JSON and tensors, under its name."""
    if type(value) in STATES.values():
        fields = {}
        for field in dataclasses.fields(value):
            _pack(f"{name}/{field.name}", getattr(value, field.name), fields, tensors)
        attributes[name] = {"state": type(value).__name__, "fields": fields}
    elif isinstance(value, torch.Tensor):
        tensors[name] = value.contiguous().clone()
        attributes[name] = {"tensor": name}
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        tensors[name] = torch.from_numpy(np.ascontiguousarray(value))
        attributes[name] = {"array": str(value.dtype)}
    elif isinstance(value, np.ndarray):
        attributes[name] = {"strings": value.tolist(), "dtype": str(value.dtype)}
    else:
        attributes[name] = {"json": _plain(value)}


def _unpack(name, packed, tensors):
    if "state" in packed:
        items = packed["fields"].items()
        fields = {key.split("/")[-1]: _unpack(key, item, tensors) for key, item in items}
        return STATES[packed["state"]](**fields)
    if "tensor" in packed:
        return tensors[name]
    if "array" in packed:
        return tensors[name].numpy().astype(packed["array"])
    if "strings" in packed:
        return np.array(packed["strings"], dtype=packed["dtype"])
    return packed["json"]


def _plain(value):
    """Return value as JSON can hold it, tuples marked; TypeError where it cannot."""
    if isinstance(value, tuple):
        return {"tuple": [_plain(v) for v in value]}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, dict):
        return {"pairs": [[_plain(k), _plain(v)] for k, v in value.items()]}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"no JSON for {value!r}")


def _restored(value):
    """Tuples and keys that are no strings: the ``object_hook`` of `_plain`."""
    if set(value) == {"tuple"}:
        return tuple(value["tuple"])
    return dict(value["pairs"]) if set(value) == {"pairs"} else value


def _safetensors():
    try:
        return importlib.import_module("safetensors.torch")
    except ImportError as error:
        raise ImportError(
            'save and load need safetensors: pip install "sklearn-ssl[share]"'
        ) from error
