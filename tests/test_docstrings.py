"""Docstrings: every public name has one, and every parameter is explained where users look.

What is checked is what the site shows: grouped entries ("As in `SSLClassifier`.") are spelt out by
docs/_ext/common_parameters.py first.
"""

import ast
import builtins
import doctest
import importlib
import inspect
import pkgutil
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import ERROR_MSGS, Validator, validate

import sklearn_ssl
from sklearn_ssl import FixMatchClassifier, SSLClassifier, SSLRegressor
from sklearn_ssl.base import SSLEstimator
from sklearn_ssl.model_selection import Comparison, LabelBudgetCurve

from .helpers import PUBLIC as METHODS

DOCS = Path(__file__).parent.parent / "docs"
LEFT_OUT = {
    "ES01",  # an extended summary: one line is enough where it says all
    "SA01",  # see also: asked of estimators below
    "EX01",  # examples: asked of classes and functions below, not of methods
    "SS05",  # infinitives: "Logarithms of `predict_proba`." is no verb
    "PR08",  # capitals: "tau, the confidence ..." begins with a paper's symbol
    "RT02",  # names of returned values: "weak, strong : callables" names two in one line
    "RT04",  # capitals again: "uint8 images ..."
}
RESULTS = Comparison, LabelBudgetCurve  # returned, not made by users: attributes say all
BASES = SSLEstimator, SSLClassifier, SSLRegressor


def modules():
    """Every module of the package."""
    found = pkgutil.walk_packages(sklearn_ssl.__path__, "sklearn_ssl.")
    return [sklearn_ssl, *(importlib.import_module(module.name) for module in found)]


def public():
    """Names to objects: what users import, the bases, what functions return, and all methods."""
    names = "", ".augment", ".losses", ".networks", ".plotting", ".schedules"
    packages = [importlib.import_module(f"sklearn_ssl{name}") for name in names]
    found = {f"{p.__name__}.{n}": getattr(p, n) for p in packages for n in p.__all__}
    found |= {f"{c.__module__}.{c.__name__}": c for c in BASES + RESULTS}
    for cls in [value for value in found.values() if inspect.isclass(value)]:
        for name, value in inspect.getmembers(cls):
            function = value.fget if isinstance(value, property) else inspect.unwrap(value)
            home = getattr(function, "__module__", None) or ""
            if not name.startswith("_") and callable(function) and home.startswith("sklearn_ssl"):
                found[f"{home}.{function.__qualname__}"] = value
    return found


PUBLIC = public()
CALLABLES = {n: o for n, o in PUBLIC.items() if inspect.isclass(o) or inspect.isfunction(o)}
CLASSES = {n: o for n, o in PUBLIC.items() if inspect.isclass(o)}


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_everything_exported_has_a_docstring(module):
    assert module.__doc__
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert inspect.getdoc(value), name


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_are_numpydoc(name):
    obj, ignored = PUBLIC[name], set(LEFT_OUT)
    if obj in RESULTS:
        ignored.add("PR01")
    found = [(c, text) for c, text in validate(get_doc_object(obj))["errors"] if c not in ignored]
    assert not found


def test_the_checks_left_out_are_known():
    assert set(ERROR_MSGS) >= LEFT_OUT


@pytest.mark.parametrize(
    "name",
    [n for n, o in CALLABLES.items() if o not in BASES + RESULTS and "." not in o.__qualname__],
)
def test_classes_and_functions_have_an_example(name):
    assert ">>>" in CALLABLES[name].__doc__


@pytest.mark.parametrize("name", CLASSES)
def test_every_parameter_is_explained_once(name):
    cls = CLASSES[name]
    if cls not in RESULTS:
        entries = [names for names, *_ in get_doc_object(cls)["Parameters"]]
        counts = Counter(n for names in entries for n in names.split(", "))
        assert counts == Counter(Validator(get_doc_object(cls)).signature_parameters)


@pytest.mark.parametrize("name", CALLABLES)
def test_documented_defaults_are_those_of_the_signature(name):
    obj = CALLABLES[name]
    signature = inspect.signature(obj).parameters
    for names, kind, _ in get_doc_object(obj)["Parameters"]:
        default = re.search(r"default=(\S.*)$", kind)
        for parameter in names.split(", ") if default else []:
            assert ast.literal_eval(default[1]) == signature[parameter].default, parameter


def test_every_public_name_is_in_the_api_reference():
    pages = "\n".join(path.read_text() for path in (DOCS / "api").glob("*.rst"))
    for name, obj in PUBLIC.items():
        if "." not in obj.__qualname__ if hasattr(obj, "__qualname__") else False:
            entry = rf"^   (~\w+\.)?{obj.__name__}$"
            assert re.search(entry, pages, re.MULTILINE), f"{name}: add it to docs/api/*.rst"


def entries(cls, section):
    return {
        name: entry for entry in get_doc_object(cls)[section] for name in entry.name.split(", ")
    }


def test_help_has_the_common_parameters_with_the_defaults_of_the_class():
    parameters = entries(sklearn_ssl.MeanTeacherRegressor, "Parameters")
    assert parameters["lr"].type == "float > 0, default=0.001"
    assert parameters["optimizer"].type.endswith('default="adam"')
    assert entries(FixMatchClassifier, "Parameters")["lr"].type == "float > 0, default=0.03"
    assert "lr_schedule" in parameters
    assert "classes_" in entries(FixMatchClassifier, "Attributes")


def test_a_child_inherits_entries_and_says_its_own():
    class Child(FixMatchClassifier):
        """Summary.

        Parameters
        ----------
        depth : int >= 1, default=2
            Its own.
        lr : float > 0
            Said anew.

        Notes
        -----
        Stay.
        """

        depth: int = 2
        threshold = 0.5

    parameters = entries(Child, "Parameters")
    assert set(Child.__dataclass_fields__) == set(parameters)
    assert parameters["lr"].desc == ["Said anew."]
    assert parameters["threshold"].type == "float in [0, 1], default=0.5"
    assert get_doc_object(Child)["Notes"] == ["Stay."]
    assert Child.__doc__.count("Said anew.") == 1
    assert Child().threshold == 0.5  # without an annotation


@pytest.mark.parametrize("name", PUBLIC)
def test_examples_import_what_they_use(name):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(PUBLIC[name]))
    names = [n for e in examples for n in ast.walk(ast.parse(e.source))]
    bound = {a.asname or a.name for n in names for a in getattr(n, "names", [])}
    bound |= {n.id for n in names if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = {n.id for n in names if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    assert used <= bound | set(dir(builtins))


@pytest.mark.parametrize("cls", METHODS, ids=lambda cls: cls.__name__)
def test_estimators_name_others_that_are_related(cls):
    names = [name for links, _ in get_doc_object(cls)["See Also"] for name, _ in links]
    assert 2 <= len(names) <= 4
    assert cls.__name__ not in names
    assert set(names) <= set(sklearn_ssl.__all__)
    assert all(said for _, said in get_doc_object(cls)["See Also"])


@pytest.mark.parametrize("cls", METHODS, ids=lambda cls: cls.__name__)
def test_estimators_name_the_year_of_their_paper(cls):
    summary = cls.__doc__.split("Parameters\n")[0] + sys.modules[cls.__module__].__doc__
    assert re.search(r"\b(19|20)\d\d\b", summary)
