"""The house: what may import what, how large rooms are, what an author has to know."""

import ast
import inspect
from pathlib import Path

import pytest
from sklearn.utils._param_validation import Interval, Real

import sklearn_ssl
from sklearn_ssl import FixMatchClassifier, SSLClassifier
from sklearn_ssl.base import SSLEstimator
from sklearn_ssl.methods.fixmatch import FixMatchLoss

ROOT = Path(sklearn_ssl.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
HOOKS = {
    "_make_loss", "_make_view", "_make_network", "_optimizer_settings", "_train", "_transduce",
    "_labeled_rows_in_pool", "_supervised_without_pool",
}  # fmt: skip


def imported(path):
    """Modules that a file imports, as dotted names of this package."""
    package = ["sklearn_ssl", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            start = package[: len(package) - node.level + 1]
            base = [*start, *(node.module or "").split(".")] if node.module else start
            yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names)


def rooms(names):
    """First folder or file below the package of each name."""
    return {name.split(".")[1] for name in names if name.count(".")}


def test_the_rooms_are_small():
    entries = [p.name for p in ROOT.iterdir() if p.name != "__pycache__"]
    assert len(entries) <= 18, entries
    lengths = {p.name: len(p.read_text().splitlines()) for p in FILES}
    assert max(lengths.values()) <= 400, lengths


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_dependencies_run_one_way(path):
    room, seen = path.relative_to(ROOT).parts[0], rooms(imported(path))
    if room in ("engine", "inputs", "networks", "augment", "losses.py", "schedules.py"):
        assert not seen & {"methods", "base", "classifier", "regressor"}
    if room == "inputs":
        assert "engine" not in seen
    if room == "methods":
        assert "engine" not in seen
    if room in ("base.py", "classifier.py", "regressor.py", "model_selection", "plotting"):
        assert "methods" not in seen


def test_an_author_overrides_these_and_no_more():
    own = {name for name in vars(SSLEstimator) if name in HOOKS}
    assert own == HOOKS
    documented = {name for name in HOOKS if f"``{name}" in SSLEstimator.__doc__}
    assert documented == HOOKS
    bases = set(vars(SSLEstimator)) | set(vars(SSLClassifier))
    for cls in map(sklearn_ssl.__dict__.get, sklearn_ssl.__all__):
        if isinstance(cls, type) and issubclass(cls, SSLClassifier) and cls is not SSLClassifier:
            for step in cls.__mro__[: cls.__mro__.index(SSLClassifier)]:
                if step.__module__.startswith("sklearn_ssl"):
                    overridden = {n for n in vars(step) if n in bases and n.startswith("_")}
                    overridden = {n for n in overridden if not n.startswith("__")}
                    allowed = HOOKS | {"_parameter_constraints", "_entries", "_search_space"}
                    assert overridden <= allowed, (cls, overridden - allowed)


def test_a_fitted_estimator_hides_two_attributes(blobs):
    X, y, _ = blobs
    clf = FixMatchClassifier(max_steps=2).fit(X, y)
    assert sorted(n for n in vars(clf) if n.startswith("_")) == ["_summary", "_targets"]


def test_the_way_from_fit_to_the_loss_is_short(blobs, monkeypatch):
    X, y, _ = blobs
    forward, seen = FixMatchLoss.forward, []

    def spy(self, model, batch):
        names = [frame.function for frame in inspect.stack()]
        seen.append(names.index("fit") + 1)
        return forward(self, model, batch)

    monkeypatch.setattr(FixMatchLoss, "forward", spy)
    FixMatchClassifier(max_steps=1).fit(X, y)
    assert seen[0] <= 9


def test_parameters_need_neither_decorator_nor_annotation():
    class Child(FixMatchClassifier):
        depth: int = 2
        threshold = 0.5
        _parameter_constraints = {"depth": [Interval(Real, 0, 3, closed="both")]}

    class Grandchild(Child):
        depth = 3

    assert Child().threshold == 0.5
    assert Grandchild(lr=0.1).get_params()["depth"] == 3
    assert Grandchild().threshold == 0.5
    assert {"depth", "threshold", "lr"} <= Grandchild._parameter_constraints.keys()
    assert "depth" not in FixMatchClassifier._parameter_constraints
    with pytest.raises(ValueError, match="'depth' parameter of Grandchild"):
        Grandchild(depth=9).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match="dept"):
        Child(dept=2)
