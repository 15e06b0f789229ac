"""Warnings that point to the line of the user, however deep in the package they arise."""

import sys
import warnings

__all__ = ["warn"]

_LIBRARIES = ("sklearn_ssl", "sklearn", "skorch", "joblib", "contextlib", "functools")


def warn(message, category=UserWarning):
    """Warn of the innermost line that is neither in this package nor in a library around it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _package(frame) in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
