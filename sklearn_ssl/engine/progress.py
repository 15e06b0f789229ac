"""What ``verbose=1`` shows, and what notebooks show of a fitted estimator."""

import sys
import time

from skorch.callbacks import Callback

__all__ = ["Diagram", "Progress", "caption"]


class Progress(Callback):
    """A bar over all steps with the loss, the mask rate and the time left.

    Without tqdm, and where the output is neither a terminal nor a notebook but a log, a line for
    each tenth of the budget.

    Parameters
    ----------
    max_steps : int
    """

    def __init__(self, max_steps):
        self.max_steps = max_steps

    def on_train_begin(self, net, **kwargs):
        self.bar_, self.printed_, self.first_ = None, 0, None
        terminal = sys.stderr is not None and sys.stderr.isatty()
        if terminal or "ipykernel" in sys.modules:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self.bar_ = tqdm(total=self.max_steps, unit="step")

    def on_batch_begin(self, net, **kwargs):
        if self.first_ is None:  # not 0 where a checkpoint goes on
            self.first_, self.start_ = net.step_, time.perf_counter()

    def on_batch_end(self, net, **kwargs):
        if self.bar_ is not None:
            self.bar_.update(net.step_ - self.bar_.n)

    def on_epoch_end(self, net, **kwargs):
        record = net.history[-1]
        shown = {k: f"{record[k]:.4f}" for k in ("loss", "mask_rate", "valid_acc") if k in record}
        if self.bar_ is not None:
            self.bar_.set_postfix(shown)
            return
        tenth = 10 * net.step_ // self.max_steps
        if tenth > self.printed_:
            self.printed_ = tenth
            seconds = (time.perf_counter() - self.start_) / (net.step_ - self.first_)
            left = seconds * (self.max_steps - net.step_)
            parts = "  ".join(f"{k} {v}" for k, v in shown.items())
            print(f"step {net.step_}/{self.max_steps}  {parts}  {left:.0f} s left", flush=True)

    def on_train_end(self, net, **kwargs):
        if self.bar_ is not None:
            self.bar_.close()
            self.bar_ = None
        elif net.step_ < self.max_steps:
            print(f"ended after step {net.step_}: {net.stop_reason_}", flush=True)

    def __getstate__(self):
        return {**vars(self), "bar_": None}  # it holds a stream


def caption(estimator):
    """Say in one line what a fitted estimator learned from, how far and where; None if unfitted.

    Parameters
    ----------
    estimator : SSLEstimator

    Returns
    -------
    str or None
    """
    if not estimator.__sklearn_is_fitted__():
        return None
    parts = []
    rows = getattr(estimator, "_summary", None)
    if rows is not None:
        held = f" ({rows.n_held_out:,} of them held out)" if rows.n_held_out else ""
        parts.append(f"{rows.n_labeled:,} labeled{held} and {rows.n_unlabeled:,} unlabeled rows")
    if hasattr(estimator, "classes_"):
        names = [str(name)[:20] for name in estimator.classes_[:3]]
        more = ", ..." if len(estimator.classes_) > 3 else ""
        parts.append(f"{len(estimator.classes_)} classes ({', '.join(names)}{more})")
    history, net = estimator.history_, getattr(estimator, "net_", None)
    if net is not None and history:
        rounds = history[-1].get("round")
        steps = f"{history[-1]['step']:,} of {net.max_steps:,} steps"
        if rounds is not None:
            steps = f"{rounds + 1} round{'s' * (rounds > 0)}, in the last {steps}"
        parts.append(steps)
        valid = [r for r in history if r.get("round") == rounds and "valid_loss" in r]
        if valid:
            best = min(valid, key=lambda record: record["valid_loss"])
            ended = net.stop_reason_ != "interrupted"
            kept = ", kept" if ended and net.patience is not None else ""
            epochs = f"{best['epoch']} of {valid[-1]['epoch']}"
            parts.append(f"lowest validation loss in epoch {epochs}{kept}")
    return "; ".join(parts + ([] if net is None else [f"on {net.device}"]))


class Diagram:
    """What notebooks show of an estimator."""

    def _sk_visual_block_(self):
        """Return scikit-learn's own diagram, with a caption once there was a fit.

        Whatever fails here, scikit-learn shows the diagram without a caption.
        """
        from sklearn.pipeline import _VisualBlock  # whose own module moves between versions

        return _VisualBlock(
            "single",
            self,
            names=type(self).__name__,
            name_details=str(self),
            name_caption=caption(self),
        )
