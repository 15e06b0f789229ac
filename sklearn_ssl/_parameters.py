"""Parameters as a table: annotated fields become the signature, the constraints and `help`."""

import dataclasses
import inspect

try:
    from typing import dataclass_transform
except ImportError:  # Python 3.10

    def dataclass_transform(**_):
        return lambda cls: cls


__all__ = ["NestedParametersMixin", "ParameterTable"]


@dataclass_transform(kw_only_default=True, eq_default=False)
class ParameterTable:
    """Make each child a dataclass of keywords, whose ``__init__`` only assigns.

    Done when a child is defined, so that nothing can be forgotten: fields that a child assigns
    again without an annotation keep that of the base, ``_parameter_constraints`` of the bases are
    added to its own, and so are the entries of their docstrings, with the child's defaults. In the
    signature and in the docstring a child's own parameters come before those of its bases.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        annotations = inspect.get_annotations(cls)
        for name, field in getattr(cls, "__dataclass_fields__", {}).items():
            if name in cls.__dict__:
                annotations.setdefault(name, field.type)
        cls.__annotations__, written = annotations, cls.__doc__
        dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)
        cls.__init__.__signature__ = _own_parameters_first(cls)
        cls._parameter_constraints = _merged(cls, "_parameter_constraints")
        cls._search_space = _merged(cls, "_search_space")
        if written is not None:  # by `python -OO`
            cls.__doc__ = _whole_docstring(cls, written)


def _own_parameters_first(cls):
    """The signature of ``__init__``: what a class adds comes before what its bases have."""
    signature = inspect.signature(cls.__init__)
    home = {}  # position of the most distant base that has a parameter
    for i, base in enumerate(cls.__mro__):
        home.update(dict.fromkeys(inspect.get_annotations(base), i))
    own = sorted(signature.parameters.values(), key=lambda p: home.get(p.name, -1))
    return signature.replace(parameters=own)


def _merged(cls, name):
    """The dict of that name, entries of the bases included."""
    merged = {}
    for base in reversed(cls.__mro__):
        merged.update(base.__dict__.get(name, {}))
    return merged


def _whole_docstring(cls, written):
    """What a class says of itself, and what its bases say of parameters and attributes.

    Entries are kept in ``_entries``, by section and name, for the children.
    """
    parts, cls._entries = _sections(inspect.cleandoc(written)), {}
    for section, after in (("Parameters", 1), ("Attributes", None)):
        own = _read_entries(parts.get(section, []))
        for names, *rest in own:
            cls._entries.update({(section, name): (names, *rest) for name in names})
        said, missing = {name for names, *_ in own for name in names}, {}
        for base in cls.__mro__[1:]:  # what the nearest base adds comes first
            for (where, name), entry in base.__dict__.get("_entries", {}).items():
                if where == section and name not in said:
                    missing.setdefault(name, entry)
        entries = [(names, kind, body) for names, kind, body in own]
        for name in missing:
            _, kind, body = missing[name]
            last = entries[-1] if entries else None
            if last and last[1:] == (kind, body) and last[0][-1] in missing:
                last[0].append(name)
            else:
                entries.append(([name], kind, body))
        if section == "Parameters":
            order = list(inspect.signature(cls.__init__).parameters)
            entries.sort(key=lambda entry: order.index(entry[0][0]))
        if entries:
            lines = [line for entry in entries for line in _write_entry(cls, section, entry)]
            if section not in parts:
                parts = _insert(parts, section, after)
            parts[section] = lines
    heads = {title: [title, "-" * len(title)] if title else [] for title in parts}
    return "\n\n".join("\n".join(heads[title] + ls) for title, ls in parts.items()) + "\n"


def _insert(parts, section, after):
    """Add an empty section behind the parameters, or behind the text."""
    titles = list(parts)
    place = titles.index("Parameters") + 1 if after is None and "Parameters" in parts else 1
    titles.insert(place, section)
    return {title: parts.get(title, []) for title in titles}


def _sections(text):
    """Titles to lines; the text before the first title is that of ""."""
    parts, title, lines = {"": []}, "", text.splitlines()
    for i, line in enumerate(lines):
        underlined = i + 1 < len(lines) and lines[i + 1] == "-" * len(line) and line.strip()
        if underlined:
            title = line
            parts[title] = []
        elif not (title and lines[i - 1] == title and line == "-" * len(title)):
            parts[title].append(line)
    return {t: "\n".join(ls).rstrip().splitlines() for t, ls in parts.items()}


def _read_entries(lines):
    """[names], kind, body lines of each entry of a section."""
    entries = []
    for line in lines:
        if line and not line.startswith(" "):
            names, _, kind = line.partition(" : ")
            entries.append((names.split(", "), kind, []))
        elif entries:
            entries[-1][2].append(line)
    return entries


def _write_entry(cls, section, entry):
    """Lines of an entry; defaults are those of the class."""
    names, kind, body = entry
    if section == "Parameters":
        kind = kind.partition(", default=")[0]
        kind = f"{kind}, default={_default(cls, names[0])}"
    return [", ".join(names) + (f" : {kind}" if kind else ""), *body]


def _default(cls, name):
    default = cls.__dataclass_fields__[name].default
    return f'"{default}"' if isinstance(default, str) else repr(default)


class NestedParametersMixin:
    """``module__dropout`` and the like: entries of ``module_params`` as parameters of their own."""

    _nested = ("module", "optimizer")

    def get_params(self, deep=True):
        """Get the parameters, with ``module__*`` and ``optimizer__*`` if deep.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the nested ones.

        Returns
        -------
        dict
            Names and values.
        """
        params = super().get_params(deep=deep)
        if deep:
            for prefix in self._nested:
                nested = params[f"{prefix}_params"]
                nested = nested if isinstance(nested, dict) else {}
                params.update({f"{prefix}__{name}": value for name, value in nested.items()})
        return params

    def set_params(self, **params):
        """Set parameters; ``module__dropout=.1`` changes one entry of ``module_params``.

        Parameters
        ----------
        **params : dict
            Names and values; a misspelt name is an error.

        Returns
        -------
        self
            The estimator itself.

        Examples
        --------
        >>> from sklearn_ssl import FixMatchClassifier
        >>> FixMatchClassifier().set_params(module__dropout=0.1).module_params
        {'dropout': 0.1}
        """
        nested = {
            name: v
            for name, v in params.items()
            if name.split("__")[0] in self._nested and "__" in name
        }
        super().set_params(**{name: v for name, v in params.items() if name not in nested})
        for name, value in nested.items():
            prefix, _, key = name.partition("__")
            setattr(
                self, f"{prefix}_params", {**(getattr(self, f"{prefix}_params") or {}), key: value}
            )
        return self
