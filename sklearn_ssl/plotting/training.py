"""Losses and rates over the steps of a fit."""

import numpy as np

from .base import LINES, Display, innermost, legend_above

__all__ = ["TrainingDisplay"]


class TrainingDisplay(Display):
    """Losses, mask rate, validation accuracy and learning rate over the optimizer steps of a fit.

    Parameters
    ----------
    history : list of dict
        ``history_`` of an estimator with a network: one record an epoch. Rounds of self-training
        follow one another, with dotted lines between.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes, one for each of ``panels``
    figure_ : matplotlib Figure
    steps : ndarray of shape (n_epochs,)
        Steps since the start of the first round.
    panels : dict of str to dict of str to ndarray of shape (n_epochs,)
        What is drawn, by axes and curve; NaN where an epoch has no such value. The mask rate is the
        share of the rows that have a pseudo-label.

    Raises
    ------
    ValueError
        If the records hold no losses of steps.

    Examples
    --------
    >>> from sklearn_ssl.plotting import TrainingDisplay
    >>> history = [{"step": 10, "loss": 2.0, "lr": 0.03}, {"step": 20, "loss": 1.0, "lr": 0.02}]
    >>> list(TrainingDisplay(history).plot().panels)
    ['loss', 'learning rate']
    """

    def __init__(self, history):
        self.history = list(history)
        if not self.history or not all({"step", "loss"} <= r.keys() for r in self.history):
            raise ValueError(
                "history holds no losses of optimizer steps: TrainingDisplay draws the history_ of "
                "an estimator that trained a network."
            )
        rounds, steps = self._column("round"), self._column("step").astype(int)
        self._starts = np.flatnonzero(np.diff(rounds) > 0) + 1
        before = np.zeros(len(steps), dtype=int)
        before[self._starts] = steps[self._starts - 1]
        self.steps = steps + before.cumsum()
        names = list(dict.fromkeys(name for record in self.history for name in record))
        rate = self._column("mask_rate")
        if "mask_rate" not in names:
            rate = self._column("pseudo_label_shares")
        panels = {
            "loss": {
                name.removesuffix("_loss").replace("loss", "total"): self._column(name)
                for name in names
                if name == "loss" or name.endswith("_loss")
            },
            "mask rate": {"": rate},
            "valid. acc.": {"": self._column("valid_acc")},
            "learning rate": {"": self._column("lr")},
        }
        self.panels = {
            panel: curves
            for panel, curves in panels.items()
            if not all(np.isnan(values).all() for values in curves.values())
        }
        self._n_axes, self._height = len(self.panels), max(1, 0.5 * len(self.panels))

    def _column(self, name):
        return np.array([np.sum(record.get(name, np.nan)) for record in self.history], float)

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw how an estimator was trained.

        Parameters
        ----------
        estimator : fitted estimator, or a fitted Pipeline or search around one
            Its ``history_`` is drawn.
        ax : array of matplotlib Axes or None, default=None
            As many as ``panels`` has entries.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        ValueError
            If no network was trained, as with ``LabelPropagationClassifier``.
        """
        inner = innermost(estimator)
        if not hasattr(inner, "net_"):
            raise ValueError(f"{type(inner).__name__} trained no network: there are no losses.")
        return cls(inner.history_).plot(ax)

    def _draw(self):
        for axes, (panel, curves) in zip(self.ax_, self.panels.items(), strict=True):
            for i, (name, values) in enumerate(curves.items()):
                style = {"linestyle": LINES[i % 4], "marker": "." if len(values) < 20 else ""}
                axes.plot(self.steps, values, color=f"C{i}", label=name, **style)
            for start in self._starts:
                axes.axvline(self.steps[start - 1], color="grey", linestyle=":", linewidth=1)
            if len(curves) > 1:
                legend_above(axes)
            axes.set_ylabel(panel)
            axes.set_xlim(0, self.steps[-1])
            axes.tick_params(labelbottom=axes is self.ax_[-1])
        rounds = f", {len(self._starts) + 1} rounds" if len(self._starts) else ""
        self.ax_[-1].set_xlabel(f"optimizer steps{rounds}")
