"""What a portfolio says of itself."""

from dataclasses import asdict, dataclass, field

import numpy as np
from scipy import stats

from .weights import mean_of

__all__ = ["MemberReport", "Report"]

FELL_OUT = "fell out: worse than the best plain member"


@dataclass
class MemberReport:
    """What is known of a member.

    Attributes
    ----------
    member : str
        Its name.
    rows : {"all", "labeled"}
        What it learned from.
    weight : float in [0, 1]
        In the mean; 0: it fell out, or was left out.
    log_loss, log_loss_se : float >= 0
        Of labeled rows out of fold, and standard error; NaN where it was not measured. Of
        probabilities that a uniform share of .05 is mixed into.
    accuracy, accuracy_se : float in [0, 1]
        Of the same rows.
    disagreement : float in [0, 1]
        Share of the unlabeled rows that it puts into another class than the mean does.
    seconds : float
        Of the fit on all labels.
    note : str
        Why it was left out, or cut short; or what it warned of.
    """

    member: str
    rows: str
    weight: float = 0.0
    log_loss: float = np.nan
    log_loss_se: float = np.nan
    accuracy: float = np.nan
    accuracy_se: float = np.nan
    disagreement: float = np.nan
    seconds: float = np.nan
    note: str = ""


@dataclass
class Report:
    """Members of an `AutoSSLClassifier`, best weight first; printing it gives a table.

    Attributes
    ----------
    members : list of MemberReport
    n_labels : int
        Labeled rows.
    gain : tuple (difference, low, high), or None
        Accuracy of the mean on labeled rows out of fold, less that of the mean of those members
        that learn from labeled rows alone, with a 95 % interval; None where that was not measured.
    """

    members: list = field(default_factory=list)
    n_labels: int = 0
    gain: tuple | None = None

    @classmethod
    def of(cls, members, results, told, codes, losses, weights):
        """Of members, what came of them, their probabilities (M, n, K), losses (M, n), weights."""
        report, place = cls(n_labels=len(codes)), 0
        for member in members:
            entry = MemberReport(member.name, "all" if member.knows else "labeled")
            report.members.append(entry)
            result = results[member.name]
            if isinstance(result, str):
                entry.note = result
                continue
            entry.seconds, entry.weight = result.seconds, float(weights[place])
            entry.note = result.note
            if result.cut_short:
                entry.note = "interrupted" if result.interrupted else "cut short by the time"
            if np.isfinite(losses[place]).all():
                right = told[place].argmax(1) == codes
                entry.log_loss, entry.log_loss_se = _mean_and_error(losses[place])
                entry.accuracy, entry.accuracy_se = _mean_and_error(right)
                if entry.weight == 0:
                    entry.note = "; ".join(filter(None, [FELL_OUT, entry.note]))
            place += 1
        plain = np.array([not m.knows for m in members if not isinstance(results[m.name], str)])
        report.gain = _gain(told, codes, np.isfinite(losses).all(1), weights, plain)
        return report

    def __getitem__(self, name):
        return next(entry for entry in self.members if entry.member == name)

    def frame(self):
        """A row a member, as a pandas DataFrame.

        Returns
        -------
        DataFrame
            Columns as in `MemberReport`, the members as index.

        Raises
        ------
        ImportError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("report_.frame() needs pandas: pip install pandas") from error
        return pd.DataFrame([asdict(entry) for entry in self.members]).set_index("member")

    def __str__(self):
        heads = ["member", "rows", "weight", "log-loss", "accuracy", "apart", "seconds"]
        lines = [heads, *map(_cells, sorted(self.members, key=lambda m: -m.weight))]
        widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
        table = [
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=False)).rstrip()
            + (f"  {line[-1]}" if len(line) > len(heads) and line[-1] else "")
            for line in lines
        ]
        return "\n".join([*table, "", self.sentence])

    @property
    def sentence(self):
        """Whether the unlabeled rows helped, as far as the labels can tell."""
        semi = [m for m in self.members if m.rows == "all"]
        if semi and all(m.note.startswith(FELL_OUT) for m in semi):
            return (
                "All members that use the unlabeled rows fell out: they are worse than the best "
                "plain one on labeled rows out of fold."
            )
        if self.gain is None:
            return (
                "Whether the unlabeled rows helped was not measured: it takes unlabeled rows, "
                "and members of both kinds that have a weight and were measured out of fold."
            )
        difference, low, high = self.gain
        if low == high:
            return (
                "Members that use the unlabeled rows change no decision of the mean on the "
                f"{self.n_labels} labels out of fold: whether they helped cannot be told."
            )
        verdict = "helped" if low > 0 else "hurt" if high < 0 else "cannot be told"
        found = "" if verdict != "cannot be told" else " whether they helped"
        return (
            f"Members that use the unlabeled rows change the accuracy of the mean by "
            f"{difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}, {self.n_labels} labels "
            f"out of fold):{found} {verdict}."
        )


def _cells(entry):
    loss = f"{entry.log_loss:.3f} +- {entry.log_loss_se:.3f}"
    accuracy = f"{entry.accuracy:.3f} +- {entry.accuracy_se:.3f}"
    measured = np.isfinite(entry.log_loss)
    return [
        entry.member, entry.rows, f"{entry.weight:.3f}", loss if measured else "",
        accuracy if measured else "",
        f"{entry.disagreement:.3f}" if np.isfinite(entry.disagreement) else "",
        f"{entry.seconds:.1f}" if np.isfinite(entry.seconds) else "", entry.note,
    ]  # fmt: skip


def _mean_and_error(values):
    """Mean and its standard error: ndarray (n,) -> float, float."""
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def _gain(told, codes, measured, weights, plain):
    """Accuracy of the mean less that of its plain members: difference, low, high; or None."""
    counted = measured & (weights > 0)
    if not (counted & plain).any() or not (counted & ~plain).any():
        return None
    right = [
        mean_of(told[some], weights[some] / weights[some].sum()).argmax(1) == codes
        for some in (counted, counted & plain)
    ]
    difference, error = _mean_and_error(right[0].astype(float) - right[1])
    reach = error * stats.t.ppf(0.975, len(codes) - 1)
    return difference, difference - reach, difference + reach
