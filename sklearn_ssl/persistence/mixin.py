"""The methods of estimators with a network that write files."""

from .files import save
from .onnx import write_onnx
from .plain import revive

__all__ = ["FilesMixin"]


class FilesMixin:
    """``save`` and ``to_onnx``, and estimators that come from plain arrays."""

    def __setstate__(self, state):
        super().__setstate__(state)
        revive(self)

    def save(self, path):
        """Write the fitted estimator to one file that `sklearn_ssl.load` reads without executing.

        The training rows' labels, the state of the optimizer and callbacks are not in it. Needs
        safetensors.

        Parameters
        ----------
        path : str or path
            The file; one of that name is replaced.

        Examples
        --------
        >>> import tempfile
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_ssl import FixMatchClassifier, load
        >>> X, y = load_iris(return_X_y=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf = FixMatchClassifier(max_steps=20, random_state=0).fit(X, y)
        ...     clf.save(f"{folder}/iris.safetensors")
        ...     same = load(f"{folder}/iris.safetensors")
        >>> bool((same.predict(X) == clf.predict(X)).all())
        True
        """
        save(self, path)

    def to_onnx(self, path):
        """Write what the fitted estimator predicts as an ONNX model.

        The model has one input, ``X``, and one output. A classifier's is ``probabilities``, float32
        of shape (n, K): what ``predict_proba`` gives, with the temperature and the class prior. A
        regressor's is ``predictions``, float64 of shape (n,) or (n, T): what ``predict`` gives. The
        number of rows is free. Needs torch 2.6 and the packages of
        ``pip install "sklearn-ssl[interop]"``.

        Parameters
        ----------
        path : str or path
            The file; one of that name is replaced.

        Raises
        ------
        ImportError
            Without onnx and onnxscript.
        ValueError
            If X had columns of categories, which the model could not read, or if torch cannot
            export the network.

        Notes
        -----
        ``X`` has the shape that ``predict`` takes. It is uint8 for images of uint8; float64 where
        the estimator moves columns far from 0 before it rounds them to float32, and where columns
        have gaps, which are NaN; else float32. Sparse rows are made dense first. The metadata of
        the model hold ``classes``, ``classes_`` as a JSON list. The network runs in float32: an
        estimator that predicts in bfloat16 on a GPU differs from it by the rounding of bfloat16.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_ssl import FixMatchClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = FixMatchClassifier(max_steps=20, random_state=0).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf.to_onnx(f"{folder}/iris.onnx")
        """
        write_onnx(self, path)
