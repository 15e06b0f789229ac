"""Parameters as a table: annotated fields become the signature, the constraints and `help`."""

import dataclasses
import inspect

try:
    from typing import dataclass_transform
except ImportError:  # Python 3.10

    def dataclass_transform(**_):
        return lambda cls: cls


__all__ = ["ParameterTable"]

_OPTIONS = {"kw_only": True, "eq": False, "repr": False}


@dataclass_transform(kw_only_default=True, eq_default=False)
class ParameterTable:
    """Make each child a dataclass of keywords, whose ``__init__`` only assigns.

    Done when a child is defined, so that nothing can be forgotten: fields that a child assigns
    again without an annotation keep that of the base, ``_parameter_constraints`` of the bases are
    added to its own, and so are the entries of their docstrings, with the child's defaults.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        annotations = inspect.get_annotations(cls)
        for name, field in getattr(cls, "__dataclass_fields__", {}).items():
            if name in cls.__dict__ and name not in annotations:
                annotations[name] = field.type
        cls.__annotations__ = annotations
        dataclasses.dataclass(**_OPTIONS)(cls)
        constraints = {}
        for base in reversed(cls.__mro__):
            constraints.update(base.__dict__.get("_parameter_constraints", {}))
        cls._parameter_constraints = constraints
