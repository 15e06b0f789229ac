"""What a portfolio says of itself."""

from dataclasses import asdict, dataclass, field

import numpy as np
from scipy import stats

from .stacking import squared_errors
from .weights import mean_of

__all__ = ["MemberReport", "NumberMemberReport", "NumberReport", "Report"]

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

    drawn = "log_loss"
    heads = "log-loss", "accuracy"

    def measured(self, losses, right):
        """Note the losses of rows (n,), and whether they are right (n,)."""
        self.log_loss, self.log_loss_se = _mean_and_error(losses)
        self.accuracy, self.accuracy_se = _mean_and_error(right)

    def cells(self):
        """What stands below ``heads``."""
        return [
            _with_error(self.log_loss, self.log_loss_se),
            _with_error(self.accuracy, self.accuracy_se),
        ]


@dataclass
class NumberMemberReport:
    """What is known of a member that predicts numbers.

    Attributes
    ----------
    member, rows, weight, seconds, note
        As in `MemberReport`.
    r2, r2_se : float <= 1
        Coefficient of determination of labeled rows out of fold, and standard error; NaN where it
        was not measured. Several outputs count equally.
    disagreement : float >= 0
        Root mean square of what it says of unlabeled rows less what the mean says, in standard
        deviations of the labels.
    """

    member: str
    rows: str
    weight: float = 0.0
    r2: float = np.nan
    r2_se: float = np.nan
    disagreement: float = np.nan
    seconds: float = np.nan
    note: str = ""

    drawn = "r2"
    heads = ("R2",)

    def measured(self, losses, scores):
        """Note the squared errors of rows (n,), of which ``scores`` are 1 less."""
        self.r2, self.r2_se = _mean_and_error(scores)

    def cells(self):
        """What stands below ``heads``."""
        return [_with_error(self.r2, self.r2_se)]


@dataclass
class Report:
    """Members of a portfolio, best weight first; printing it gives a table.

    Attributes
    ----------
    members : list of MemberReport
    n_labels : int
        Labeled rows.
    gain : tuple (difference, low, high), or None
        Accuracy, or R2, of the mean on labeled rows out of fold, less that of the mean of those
        members that learn from labeled rows alone, with a 95 % interval; None where that was not
        measured.
    """

    members: list = field(default_factory=list)
    n_labels: int = 0
    gain: tuple | None = None

    entry, measure = MemberReport, "accuracy"
    out, changes_nothing = FELL_OUT, "no decision of the mean"
    verdicts = "helped", "hurt", "whether they helped cannot be told"
    all_out = (
        "All members that use the unlabeled rows fell out: they are worse than the best plain one "
        "on labeled rows out of fold."
    )

    @staticmethod
    def scores(told, targets):
        """Whether rows are right: (n, K), (n,) -> (n,)."""
        return told.argmax(1) == targets

    @classmethod
    def of(cls, members, results, told, targets, losses, weights, plain_weights=None):
        """Of members and what came of them.

        Parameters
        ----------
        members : list of Member
        results : dict of str to Fitted or str
        told : ndarray of shape (M, n, width)
            What those that were fitted say of labeled rows out of fold.
        targets : ndarray of shape (n, ...)
        losses : ndarray of shape (M, n)
        weights : ndarray of shape (M,)
        plain_weights : ndarray of shape (M,), or None
            What the gain is taken to; None: the weights of the plain members.
        """
        report, place = cls(n_labels=len(targets)), 0
        for member in members:
            entry = cls.entry(member.name, "all" if member.knows else "labeled")
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
                entry.measured(losses[place], cls.scores(told[place], targets))
                if entry.weight == 0:
                    entry.note = "; ".join(filter(None, [cls.out, entry.note]))
            place += 1
        plain = np.array([not m.knows for m in members if not isinstance(results[m.name], str)])
        measured = np.isfinite(losses).all(1)
        alone = weights if plain_weights is None else plain_weights
        ours = measured & (weights > 0), weights
        theirs = measured & plain & (alone > 0), alone
        if (ours[0] & ~plain).any() and theirs[0].any():
            means = (mean_of(told[some], w[some] / w[some].sum()) for some, w in (ours, theirs))
            ours, theirs = (cls.scores(mean, targets).astype(float) for mean in means)
            report.gain = _difference(ours - theirs)
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
        heads = ["member", "rows", "weight", *self.entry.heads, "apart", "seconds"]
        lines = [
            [m.member, m.rows, _number(m.weight), *m.cells(), _number(m.disagreement),
             f"{m.seconds:.1f}" if np.isfinite(m.seconds) else "", m.note]
            for m in sorted(self.members, key=lambda m: -m.weight)
        ]  # fmt: skip
        lines.insert(0, heads)
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
        if semi and all(m.note.startswith(self.out) for m in semi):
            return self.all_out
        if self.gain is None:
            return (
                "Whether the unlabeled rows helped was not measured: it takes unlabeled rows, "
                "and members of both kinds that have a weight and were measured out of fold."
            )
        difference, low, high = self.gain
        if low == high:
            return (
                f"Members that use the unlabeled rows change {self.changes_nothing} on the "
                f"{self.n_labels} labels out of fold: whether they helped cannot be told."
            )
        verdict = self.verdicts[0 if low > 0 else 1 if high < 0 else 2]
        return (
            f"Members that use the unlabeled rows change the {self.measure} of the mean by "
            f"{difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}, {self.n_labels} labels "
            f"out of fold): {verdict}."
        )


@dataclass
class NumberReport(Report):
    """The same of a regressor."""

    entry, measure = NumberMemberReport, "R2"
    out, changes_nothing = "adds nothing to the others", "nothing of the mean"
    verdicts = "they add to it", "they take from it", "whether they add to it cannot be told"
    all_out = (
        "No member that uses the unlabeled rows has a weight: on labeled rows out of fold none "
        "adds anything to the others."
    )

    @staticmethod
    def scores(told, targets):
        """1 less the squared error of rows, whose mean is R2: (n, T), (n, T) -> (n,)."""
        return 1 - squared_errors(told, targets)


def _mean_and_error(values):
    """Mean and its standard error: ndarray (n,) -> float, float."""
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def _difference(values):
    """Mean difference, and the ends of a 95 % interval: ndarray (n,) -> three floats."""
    difference, error = _mean_and_error(values)
    reach = error * stats.t.ppf(0.975, len(values) - 1)
    return difference, difference - reach, difference + reach


def _number(value):
    return f"{value:.3f}" if np.isfinite(value) else ""


def _with_error(value, error):
    return f"{value:.3f} +- {error:.3f}" if np.isfinite(value) else ""
