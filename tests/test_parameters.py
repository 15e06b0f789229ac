"""Parameters as a table: nested ones, constraints and docstrings of the bases."""

import inspect
import re

import pytest
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, Real

from sklearn_ssl import FixMatchClassifier, MeanTeacherRegressor


class Child(FixMatchClassifier):
    """Summary.

    Parameters
    ----------
    depth : float in [0, 3], default=2
        Its own.
    """

    depth: float = 2
    lr = 0.5
    _parameter_constraints = {"depth": [Interval(Real, 0, 3, closed="both")]}


def test_nested_parameters():
    clf = FixMatchClassifier(module_params={"dropout": 0.5})
    clf.set_params(module__width=3, optimizer__weight_decay=0.1, lr=0.2)
    assert clf.module_params == {"dropout": 0.5, "width": 3}
    assert clf.optimizer_params == {"weight_decay": 0.1}
    assert clone(clf).get_params()["module__width"] == 3
    with pytest.raises(ValueError, match="Invalid parameter"):
        clf.set_params(modul__width=3)


@pytest.mark.parametrize(
    "params", [{"depth": 4}, {"threshold": 2.0}, {"lr": -1.0}, {"unlabeled_weight": -1}]
)
def test_constraints_of_all_bases_hold(params):
    with pytest.raises(ValueError, match=f"{next(iter(params))!r} parameter of Child"):
        Child(**params).fit([[0.0], [1.0]], [0, 1])


def test_docstrings_have_entries_of_all_bases_with_defaults_of_the_class():
    lines = Child.__doc__.splitlines()
    assert "depth : float in [0, 3], default=2" in lines
    assert "lr : float > 0, default=0.5" in lines
    assert "threshold : float in [0, 1], default=0.95" in lines
    assert any(line.startswith("class_weight : ") for line in lines)
    assert any(line.startswith("classes_ : ") for line in lines)
    assert "lr : float > 0, default=0.001" in MeanTeacherRegressor.__doc__.splitlines()


@pytest.mark.parametrize("cls", [FixMatchClassifier, MeanTeacherRegressor, Child])
def test_own_parameters_come_first_in_the_signature_and_in_the_docstring(cls):
    signature = list(inspect.signature(cls).parameters)
    section = re.split(r"^(?:Parameters|Attributes)\n-+\n", cls.__doc__, flags=re.MULTILINE)[1]
    entries = re.findall(r"^([a-z_, ]+) : ", section, re.MULTILINE)
    assert ", ".join(entries).split(", ") == signature
    assert signature.index("module") < signature.index("compile")  # a class keeps its own order
    own = {FixMatchClassifier: "threshold", MeanTeacherRegressor: "ramp_length", Child: "depth"}
    assert signature[0] == own[cls]
    assert set(signature) == set(cls.__dataclass_fields__)


def test_parameters_are_keywords_alone():
    with pytest.raises(TypeError, match="positional"):
        FixMatchClassifier(0.9)
