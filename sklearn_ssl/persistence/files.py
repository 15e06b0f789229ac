"""One file to share a fitted estimator: safetensors for arrays, JSON for all else."""

import dataclasses
import hashlib
import importlib
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._warnings import warn
from ..engine.checkpoint import write_whole
from ..engine.generators import private_state
from ..engine.net import make_net
from ..inputs.checks import check_device
from ..inputs.mixed import Columns
from ..inputs.pool import OF_POOL, OF_ROWS
from ..inputs.summary import DataSummary
from ..inputs.targets import ClassTargets, NumberTargets

__all__ = ["load", "network_of", "save"]

FORMAT = 2
# What is kept of the values that an estimator holds of its rows and targets.
STATES = {
    DataSummary: [field.name for field in dataclasses.fields(DataSummary)],
    Columns: ["names", "categories", "gaps", "center"],
    ClassTargets: ["classes", "temperature", "prior", "shift"],
    NumberTargets: ["mean", "scale", "is_flat"],
}
HIDDEN = ("_summary", "_targets", "_class_shares", "_z_means", "_z_factors")
# of the training rows, or of no use for prediction
LEFT_OUT = ("net_", "_metadata_request", "pseudo_labels_", *OF_ROWS, *OF_POOL)


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
    about = {"sklearn_ssl": json.dumps(header), "checksum": _NO_CHECKSUM}
    data = _safetensors().save(tensors, about)
    write_whole(path, data.replace(_field(_NO_CHECKSUM), _field(_checksum(data)), 1))


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
        If a byte of the file is not as it was written, if it is foreign or of another format, or
        needs parameters that are missing.
    FileNotFoundError
        If there is no such file.

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

    data = Path(path).read_bytes()
    safetensors = _safetensors()
    try:
        header = _checked_header(path, data)
        _check_class(path, header)
        missing = {k: v for k, v in header["needed"].items() if k not in params}
        if missing:
            raise ValueError(
                f"{path} needs parameters that no file can hold; pass them to load(): "
                + ", ".join(f"{k} (was {v})" for k, v in missing.items())
            )
        cls = getattr(sklearn_ssl, header["class"])
        estimator = cls(**{**header["params"], **params})
        estimator._validate_params()
        tensors = safetensors.load(data)
        for key, value in header["attributes"].items():
            if key not in HIDDEN and (not key.endswith("_") or hasattr(cls, key) or key[0] == "_"):
                raise ValueError(f"{key!r} is no attribute of a fitted {cls.__name__}")
            setattr(estimator, key, _unpack(key, value, tensors))
        estimator._summary.check()
        estimator._targets.check(estimator._summary)
        prefix = "network/"
        state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        estimator.net_ = network_of(estimator, state, state)
        estimator.net_.earlier_steps_, estimator.net_.step_ = int(header["steps"]), 0
    except ValueError as error:
        raise ValueError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    except Exception as error:
        raise ValueError(f"{path} is damaged, or no file that save() wrote: {error!r}.") from error
    if header["version"] != sklearn_ssl.__version__:
        warn(
            f"{path} was written by sklearn_ssl {header['version']}, and this is "
            f"{sklearn_ssl.__version__}: compare some predictions before you rely on it."
        )
    return estimator


def _checked_header(path, data):
    """What `save` wrote of the estimator, if every byte of the file is as it was then."""
    import sklearn_ssl

    size = int.from_bytes(data[:8], "little")
    try:
        about = json.loads(data[8 : 8 + size])["__metadata__"]
        header = json.loads(about["sklearn_ssl"], object_hook=_restored)
        form, version = header["format"], header["version"]
    except Exception as error:
        raise ValueError(f"{path} is damaged, or no file that save() wrote.") from error
    if form != FORMAT:
        raise ValueError(
            f"{path} is of format {form} of sklearn_ssl {version}; this is "
            f"{sklearn_ssl.__version__}, which reads format {FORMAT}."
        )
    checksum = about.get("checksum")
    if _checksum(data.replace(_field(checksum), _field(_NO_CHECKSUM), 1)) != checksum:
        raise ValueError(f"{path} is damaged: its checksum is not that of its bytes.")
    return header


def _check_class(path, header):
    import sklearn_ssl

    name = header["class"]
    cls = getattr(sklearn_ssl, name, None) if name in sklearn_ssl.__all__ else None
    if not (isinstance(cls, type) and hasattr(cls, "save")):
        raise ValueError(f"{path} holds a {name!r}, which is no estimator that save() writes.")


_NO_CHECKSUM = "0" * 64


def _checksum(data):
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def _field(checksum):
    """The bytes of the checksum in a file; within the text of the header quotes are escaped."""
    return f'"checksum":"{checksum}"'.encode()


def network_of(estimator, trained, predicting):
    """The net of an estimator, of the tensors of what was trained last and of what predicts."""
    targets, device = estimator._targets, check_device(estimator.device)
    if estimator.module == "auto":
        with torch.device("meta"):  # which has shapes alone: nothing is allocated for a wrong file
            _check_fits(estimator._make_network(estimator._summary).state_dict(), predicting)
    with private_state(device, 0):
        network = estimator._make_network(estimator._summary)
        for state in (trained, predicting):
            _check_fits(network.state_dict(), state)
        net = make_net(estimator, network, nn.Identity(), targets, device).initialize()
    net.module_.load_state_dict(trained)
    net.predicting_module_.load_state_dict(predicting)
    net._set_training(False)
    return net


def _check_fits(expected, state):
    wrong = [k for k in expected.keys() | state.keys() if k not in expected or k not in state]
    wrong += [k for k, v in expected.items() if k in state and v.shape != state[k].shape]
    if wrong:
        raise ValueError(f"The file does not fit the network: {sorted(wrong)}")
    if not all(v.isfinite().all() for v in state.values()):
        raise ValueError("The file holds weights that are not finite")


def _pack(name, value, attributes, tensors):
    """Split a fitted attribute into JSON and tensors, under its name."""
    if type(value) in STATES:
        fields = {}
        for field in STATES[type(value)]:
            _pack(f"{name}/{field}", getattr(value, field), fields, tensors)
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
        cls = {cls.__name__: cls for cls in STATES}[packed["state"]]
        items = packed["fields"].items()
        return cls(**{k.split("/")[-1]: _unpack(k, item, tensors) for k, item in items})
    if "tensor" in packed:
        return tensors[name]
    if "array" in packed:
        dtype = np.dtype(packed["array"])
        if dtype.kind not in "biuf":
            raise ValueError(f"{name} has dtype {dtype}")
        return tensors[name].numpy().astype(dtype)
    if "strings" in packed:
        return np.array(packed["strings"], dtype=object if packed["dtype"] == "object" else str)
    return packed["json"]


def _plain(value):
    """Return value as JSON can hold it, tuples marked; TypeError where it cannot."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = value.tolist()
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
