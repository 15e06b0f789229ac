"""Spell out grouped entries of docstrings: every parameter is explained on its estimator's page.

Estimators share some twenty parameters. Their docstrings name them in one entry, "As in
`SSLClassifier`.", and this extension puts the entries of that class in its place, with the defaults
of the estimator at hand. What follows on "As in" goes to the entries that it names.
"""

import inspect
import re

from docutils import nodes
from sphinx.addnodes import pending_xref

import sklearn_ssl

_AS_IN = re.compile(r"As in `(?:\w+\.)*(\w+)`[.;,:]?\s*(.*)", re.DOTALL)
_SECTIONS = ("Parameters", "Attributes")
_BACKTICKS = re.compile(r"(?<!`)`([^`]+)`(?![`_])")
_ROLES = re.compile(r":(?:ref|term|class|func|meth|mod|obj):`~?([^`<]+?)(?:\s*<[^`]*>)?`")


def expand(cls, doc=None):
    """Return the docstring of an estimator's class with all grouped entries spelt out.

    Parameters
    ----------
    cls : type
    doc : str or None, default=None
        The docstring; None takes the class's own.

    Returns
    -------
    str

    Raises
    ------
    LookupError
        If an entry refers to a class or a name that is not there, or a remark names no entry.
    """
    doc = inspect.cleandoc(cls.__doc__) if doc is None else doc
    signature = inspect.signature(cls).parameters
    lines, section, out = doc.split("\n"), None, []
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and lines[i + 1] and set(lines[i + 1]) == {"-"}:
            section = line if line in _SECTIONS else None
        out.append((section, line))
    return "\n".join(_entries(cls, out, signature))


def _entries(cls, lines, signature):
    i = 0
    while i < len(lines):
        section, head = lines[i]
        i += 1
        if section is None or not head.strip() or head[0] in " -" or head == section:
            yield head
            continue
        body = []
        while i < len(lines) and (lines[i][1].startswith(" ") or not lines[i][1].strip()):
            body.append(lines[i][1])
            i += 1
        group = _AS_IN.match(" ".join(line.strip() for line in body))
        if group and " : " not in head:
            yield from _spelt_out(cls, section, head, *group.groups(), signature)
            yield from [""] * (not body[-1].strip())
        else:
            yield _with_default(head, signature)
            yield from body


def _spelt_out(cls, section, head, source, remark, signature):
    names = [name.strip() for name in head.split(",")]
    known, remarks, about = documented(_find(cls, source))[section], {}, []
    for sentence in re.split(r"(?<=\.)\s+(?=[A-Z`])", remark.strip()) if remark.strip() else []:
        about = [name for name in names if re.search(f"``{name}(=[^`]+)?``", sentence)] or about
        if not about:
            raise LookupError(f"{cls.__name__}: {sentence!r} names none of {names}.")
        for name in about:
            remarks.setdefault(name, []).append(f"    {sentence[0].upper()}{sentence[1:]}")
    for name in names:
        if name not in known:
            raise LookupError(f"{cls.__name__}: {source} does not explain {name}.")
        kind, body = known[name]
        yield _with_default(f"{name} : {kind}" if kind else name, signature)
        yield from (line for line in body if line.strip())
        yield from remarks.get(name, [])


def _with_default(head, signature):
    """Put the default of the signature into the entry, unless it is there in other words."""
    name, _, kind = head.partition(" : ")
    parameter = signature.get(name)
    if parameter is None or parameter.default is inspect.Parameter.empty or not kind:
        return head
    kind = re.sub(r",? default=.*$", "", kind)
    default = parameter.default
    default = f'"{default}"' if isinstance(default, str) else repr(default)
    return f"{name} : {kind}, default={default}"


def documented(cls):
    """Entries of a class's docstring: section -> name -> (type, lines)."""
    found, section, names = {name: {} for name in _SECTIONS}, None, []
    lines = expand(cls).split("\n")
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if after and set(after) == {"-"}:
            section = line if line in _SECTIONS else None
        elif section is None or not line.strip() or line[0] == "-":
            continue
        elif line[0] != " ":
            head, _, kind = line.partition(" : ")
            names = [name.strip() for name in head.split(",")]
            found[section].update({name: (kind, []) for name in names})
        else:
            for name in names:
                found[section][name][1].append(line)
    return found


def _find(cls, name):
    """The class of that name among the bases, or in the package."""
    named = {base.__name__: base for base in cls.__mro__}
    if name not in named and not hasattr(sklearn_ssl, name):
        raise LookupError(f"{cls.__name__} refers to {name}, which is neither a base nor public.")
    return named.get(name) or getattr(sklearn_ssl, name)


def process(app, what, name, obj, options, lines):
    """Expand the docstrings of classes; make plain text of the links that scikit-learn's hold."""
    if what == "class" and obj.__module__.startswith("sklearn_ssl"):
        lines[:] = expand(obj, "\n".join(lines)).split("\n")
    elif getattr(obj, "__module__", None) and obj.__module__.startswith("sklearn."):
        lines[:] = [_BACKTICKS.sub(r"``\1``", _ROLES.sub(r"\1", line)) for line in lines]


def resolve(app, env, node, content):
    """Find names that docstrings give relative to the package, as its users write them."""
    if node.get("refdomain") == "py":
        target = f"sklearn_ssl.{node['reftarget']}"
        return env.get_domain("py").resolve_xref(
            env, node["refdoc"], app.builder, "obj", target, node, content
        )


def link(app, doctree):
    """Make links of public names in code style, in pages too."""
    for node in list(doctree.findall(nodes.literal)):
        name = node.astext().split("(")[0]
        if name in sklearn_ssl.__all__ and not isinstance(node.parent, pending_xref):
            target = {"reftype": "obj", "reftarget": f"sklearn_ssl.{name}", "refwarn": True}
            about = {"refdomain": "py", "refdoc": app.env.docname, "refexplicit": True}
            reference = pending_xref("", **target, **about)
            node.replace_self(reference)
            reference += node


def skip(app, what, name, obj, skip, options):
    """Leave out what torch gives every network."""
    return True if (getattr(obj, "__module__", None) or "").startswith("torch.") else None


def setup(app):
    """Run before numpydoc, which reads the sections."""
    app.connect("autodoc-process-docstring", process, priority=400)
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", resolve)
    app.connect("doctree-read", link)
    return {"parallel_read_safe": True}
