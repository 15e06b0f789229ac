"""What ``verbose=1`` shows."""

import time

from skorch.callbacks import Callback

__all__ = ["Progress"]


class Progress(Callback):
    """A bar over all steps with the loss, the mask rate and the time left.

    Without tqdm, a line for each tenth of the budget.

    Parameters
    ----------
    max_steps : int
    """

    def __init__(self, max_steps):
        self.max_steps = max_steps

    def on_train_begin(self, net, **kwargs):
        self.start_, self.printed_ = time.perf_counter(), 0
        try:
            from tqdm.auto import tqdm
        except ImportError:
            self.bar_ = None
        else:
            self.bar_ = tqdm(total=self.max_steps, unit="step")

    def on_batch_end(self, net, **kwargs):
        if self.bar_ is not None:
            self.bar_.update()

    def on_epoch_end(self, net, **kwargs):
        record = net.history[-1]
        shown = {k: f"{record[k]:.4f}" for k in ("loss", "mask_rate", "valid_acc") if k in record}
        if self.bar_ is not None:
            self.bar_.set_postfix(shown)
            return
        tenth = 10 * net.step_ // self.max_steps
        if tenth > self.printed_:
            self.printed_ = tenth
            left = (time.perf_counter() - self.start_) * (self.max_steps / net.step_ - 1)
            parts = "  ".join(f"{k} {v}" for k, v in shown.items())
            print(f"step {net.step_}/{self.max_steps}  {parts}  {left:.0f} s left")

    def on_train_end(self, net, **kwargs):
        if self.bar_ is not None:
            self.bar_.close()
            self.bar_ = None
