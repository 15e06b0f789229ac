"""References: as docstrings of this package write names, and none in scikit-learn's own."""

import re

from docutils import nodes
from sphinx.addnodes import pending_xref

import sklearn_ssl

_BACKTICKS = re.compile(r"(?<!`)`([^`]+)`(?![`_])")
_ROLES = re.compile(r":(?:ref|term|class|func|meth|mod|obj):`~?([^`<]+?)(?:\s*<[^`]*>)?`")


def process(app, what, name, obj, options, lines):
    """Make plain text of the links that scikit-learn's docstrings hold."""
    if getattr(obj, "__module__", None) and obj.__module__.startswith("sklearn."):
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
