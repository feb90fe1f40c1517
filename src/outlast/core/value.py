"""Frozen keyword-only values with `__slots__`: what dataclasses give, for a hundredth of their import cost.

A subclass lists its fields in `__slots__`, annotates them, and may give defaults in `_defaults`. Instances compare by
class and fields and cannot be changed; `replace` makes a changed copy.
"""

from _operator import attrgetter  # `operator` without its Python half

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, ClassVar, Self

    Layout = tuple[Callable[[Any], tuple[Any, ...]], tuple[Callable[[Any, Any], None], ...], Mapping[str, Callable[[Any, Any], None]]]

_new = object.__new__
_layouts: "dict[type, Layout]" = {}


def _layout(kind: "type[Value]") -> "Layout":
    """Return (what reads all fields at once, what sets each, the latter by name) of a class, made when it is first used."""
    found = _layouts.get(kind)
    if found is None:
        names = kind.__slots__
        setters = {name: getattr(kind, name).__set__ for name in names}
        read = attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
        found = _layouts[kind] = (read, tuple(setters.values()), setters)
    return found


class Value:
    """Base of all values of the core."""

    __slots__: "tuple[str, ...]" = ()
    _defaults: "ClassVar[Mapping[str, Any]]" = {}

    def __init__(self, **values: "Any") -> None:
        """Set every field. Raises TypeError for a field that is unknown or missing."""
        setters = _layout(type(self))[2]
        given = {**self._defaults, **values}
        if given.keys() != setters.keys():
            wrong = f"needs {', '.join(missing)}" if (missing := [n for n in setters if n not in given]) else ""
            unknown = ", ".join(name for name in given if name not in setters)
            msg = f"{type(self).__name__} {wrong or f'has no {unknown}'}"
            raise TypeError(msg)
        for name, put in setters.items():
            put(self, given[name])

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: values do not change."""
        msg = f"{type(self).__name__} is frozen"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        """Refuse: values do not change."""
        msg = f"{type(self).__name__} is frozen"
        raise AttributeError(msg)

    def items(self) -> "Iterator[tuple[str, Any]]":
        """Return (field, value) pairs in the order of the fields."""
        return zip(self.__slots__, _layout(type(self))[0](self), strict=True)

    def replace(self, **changes: "Any") -> "Self":
        """Return a copy with `changes` applied. Raises TypeError for an unknown field."""
        kind = type(self)
        read, setters, by_name = _layout(kind)
        copy = _new(kind)
        for put, content in zip(setters, read(self), strict=True):
            put(copy, content)
        for name, content in changes.items():
            if name not in by_name:
                msg = f"{kind.__name__} has no {name}"
                raise TypeError(msg)
            by_name[name](copy, content)
        return copy

    def __eq__(self, other: object) -> bool:
        """Two values are equal if their class and all fields are."""
        if type(other) is not type(self):
            return NotImplemented
        read = _layout(type(self))[0]
        return bool(read(self) == read(other))

    __hash__ = None  # type: ignore[assignment]  # some fields are lists and dicts

    def __reduce__(self) -> "tuple[Any, ...]":
        """Let `copy` and `pickle` make it anew: nothing can be set afterwards."""
        return _made, (type(self), *(content for _, content in self.items()))

    def __repr__(self) -> str:
        """Show the fields that differ from their default."""
        shown = (f"{n}={v!r}" for n, v in self.items() if n not in self._defaults or self._defaults[n] != v)
        return f"{type(self).__name__}({', '.join(shown)})"


def _made(kind: "type[Value]", *contents: "Any") -> Value:
    return kind(**dict(zip(kind.__slots__, contents, strict=True)))
