"""skorch's callbacks in a fit of ours: which work, and what to use in place of the others."""

import copy
import signal
import threading
from contextlib import contextmanager

from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring

__all__ = ["check_callbacks", "copies", "noted_interrupts"]

_INSTEAD = {
    "BatchScoring": "scores batches of skorch's own loop; use EpochScoring",
    "InputShapeSetter": "is not needed; a module is told input_shape if its signature names it",
    "LRScheduler": "sets a rate that is set anew at every step; use lr_schedule",
    "LoadInitState": "is not needed; use warm_start or checkpoint_dir",
    "ProgressBar": "counts batches of skorch's own loop; use verbose=1",
}


def check_callbacks(callbacks, validates):
    """Refuse what is no skorch callback, or would fail in the middle of training.

    ``validates`` says whether rows are held out.
    """
    for callback in callbacks or []:
        name = type(callback).__name__
        if not isinstance(callback, Callback):
            raise ValueError(
                f"callbacks must be instances of skorch.callbacks.Callback, got {callback!r}."
            )
        for base in type(callback).__mro__:
            if base.__name__ in _INSTEAD and base.__module__.startswith("skorch."):
                raise ValueError(f"The callback {name} {_INSTEAD[base.__name__]}.")
        if isinstance(callback, EarlyStopping) and callback.load_best:
            raise ValueError(
                f"{name}(load_best=True) would not bring back the averaged weights, which predict: "
                "use the parameter early_stopping."
            )
        monitor = getattr(callback, "monitor", None)
        if isinstance(monitor, str) and monitor.startswith("train_loss"):
            raise ValueError(f"{name} monitors {monitor!r}, which is called 'loss' here.")
        on_valid = isinstance(monitor, str) and monitor.startswith("valid")
        on_valid &= isinstance(callback, EarlyStopping | Checkpoint)
        on_valid |= isinstance(callback, EpochScoring) and not callback.on_train
        if on_valid and not validates:
            raise ValueError(f"{name} needs rows to validate on: set validation_fraction.")


def copies(callbacks):
    """Instances of the fit's own, which share what they were given: sinks, trials, files."""
    return [copy.copy(callback) for callback in callbacks or []]


@contextmanager
def noted_interrupts():
    """Give a list that is not empty once SIGINT came.

    Ctrl-C raises KeyboardInterrupt, and so do callbacks of skorch that ask for a stop.
    """
    noted, before = [], signal.getsignal(signal.SIGINT)

    def handler(number, frame):
        noted.append(number)
        return before(number, frame)

    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield noted
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
