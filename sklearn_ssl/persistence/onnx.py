"""What an estimator predicts as an ONNX model: rows as users have them -> what users get."""

import copy
import importlib
import json
import logging
import warnings
from contextlib import contextmanager

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ..engine.checkpoint import write_whole
from ..engine.generators import single_precision

__all__ = ["write_onnx"]


class WithGaps(nn.Module):
    """Numbers with gaps as networks see them: less their center, 0 and a column that says so.

    Parameters
    ----------
    columns : Columns
        Without categories.
    """

    def __init__(self, columns):
        super().__init__()
        self.register_buffer("center", torch.from_numpy(columns.center))
        told = np.arange(len(columns.groups)) != columns.starts[columns.groups]
        self.register_buffer("order", torch.from_numpy(columns.groups + len(columns.gaps) * told))

    def forward(self, x):
        """(n, d) -> (n, D)."""
        missing = torch.isnan(x)
        numbers = torch.where(missing, 0.0, x - self.center)
        return torch.cat([numbers, missing.to(x.dtype)], dim=1).index_select(1, self.order)


class Predictor(nn.Module):
    """A fitted estimator as one function of rows.

    Parameters
    ----------
    estimator : SSLEstimator

    Attributes
    ----------
    example : tensor (2, ...)
        Rows of the dtype and shape that it takes.
    """

    def __init__(self, estimator):
        super().__init__()
        known = estimator._summary
        self.network = copy.deepcopy(estimator.net_.predicting_module_).cpu().eval()
        self.targets, self.shape, shape = estimator._targets, known.input_shape, known.input_shape
        self.prepare, dtype = nn.Identity(), torch.float32
        self.register_buffer("offset", torch.zeros(()))
        if known.columns is not None:
            self.prepare, dtype = WithGaps(known.columns), torch.float64
            shape = (len(known.columns.names),)
        elif known.offset is not None:
            self.offset, dtype = torch.from_numpy(known.offset), torch.float64
        elif known.is_bytes and len(shape) > 1:
            dtype = torch.uint8
        if estimator.input_shape is not None:
            shape = (int(np.prod(shape)),)
        self.example = torch.zeros((2, *shape), dtype=dtype)

    def forward(self, X):
        """Rows -> probabilities (n, K), or targets (n,) or (n, T)."""
        x = X / 255 if X.dtype == torch.uint8 else self.prepare(X)
        x = x.reshape(-1, *self.shape)
        return self.targets.told(self.network((x - self.offset).float()))


def write_onnx(estimator, path):
    """Write a fitted estimator as ONNX; see `SSLClassifier.to_onnx`."""
    check_is_fitted(estimator)
    name, columns = type(estimator).__name__, estimator._summary.columns
    if columns is not None and columns.is_category.any():
        found = [n for n, c in zip(columns.names, columns.is_category, strict=True) if c]
        raise ValueError(
            f"Columns {found} of X are categories, and the ONNX model of {name} would take numbers "
            "alone. Encode them before the estimator, with OneHotEncoder in a Pipeline, and export "
            "the estimator of that Pipeline."
        )
    try:
        for package in ("onnx", "onnxscript"):
            importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            'to_onnx needs onnx and onnxscript: pip install "sklearn-ssl[interop]"'
        ) from error
    classes = getattr(estimator, "classes_", None)
    model = Predictor(estimator)
    output = "predictions" if classes is None else "probabilities"
    try:
        with _quiet(), single_precision(), torch.no_grad():
            program = torch.onnx.export(
                model.eval(),
                (model.example,),
                dynamo=True,
                verbose=False,
                input_names=["X"],
                output_names=[output],
                dynamic_shapes=({0: torch.export.Dim("rows")},),
            )
    except Exception as error:
        raise ValueError(
            f"torch cannot export the network {type(model.network).__name__} of {name} as ONNX: "
            f"{error}"
        ) from error
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # where in this machine's files it comes from
    if classes is not None:
        program.model.metadata_props["classes"] = json.dumps(classes.tolist(), default=str)
    write_whole(path, program.model_proto.SerializeToString())


@contextmanager
def _quiet():
    """Without what torch says of its own parts while it exports."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
