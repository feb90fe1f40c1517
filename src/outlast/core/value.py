"""Frozen keyword-only values: what dataclasses give, for a hundredth of their import cost.

A subclass lists its fields in `_fields`, annotates them, and may give defaults in `_defaults`. Instances compare by
class and fields and cannot be changed; `replace` makes a changed copy. They are tuples, which nothing else can be
copied as fast as; that they can be indexed, too, is of use to the store only.
"""

from _collections import _tuplegetter  # type: ignore[import-not-found]  # what `namedtuple` reads its fields with

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, ClassVar, Self, TypeVar

    V = TypeVar("V", bound="Value")

_new = tuple.__new__


class Kind(type):
    """The class of all value classes: makes what reads a field."""

    def __new__(mcs, name: str, bases: "tuple[type, ...]", namespace: "dict[str, Any]") -> "Kind":
        """Add one reader for each of `_fields`; the instances have nothing beside them."""
        fields = namespace.get("_fields", ())
        namespace["__slots__"] = ()
        namespace["_positions"] = {field: position for position, field in enumerate(fields)}
        for position, field in enumerate(fields):
            namespace[field] = _tuplegetter(position, None)
        return super().__new__(mcs, name, bases, namespace)


class Value(tuple, metaclass=Kind):  # type: ignore[type-arg]  # noqa: SLOT001  # `Kind` says so
    """Base of all values."""

    _fields: "ClassVar[tuple[str, ...]]" = ()
    _defaults: "ClassVar[Mapping[str, Any]]" = {}
    _positions: "ClassVar[Mapping[str, int]]"

    def __new__(cls, **values: "Any") -> "Self":
        """Set every field. Raises TypeError for a field that is unknown or missing."""
        given = {**cls._defaults, **values} if cls._defaults else values
        try:
            made = _new(cls, [given[field] for field in cls._fields])
        except KeyError:
            missing = ", ".join(field for field in cls._fields if field not in given)
            raise TypeError(f"{cls.__name__} needs {missing}") from None
        if len(given) != len(cls._fields):
            unknown = ", ".join(field for field in given if field not in cls._positions)
            raise TypeError(f"{cls.__name__} has no {unknown}")
        return made

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: values do not change."""
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        """Refuse: values do not change."""
        raise AttributeError(f"{type(self).__name__} is frozen")

    def items(self) -> "Iterator[tuple[str, Any]]":
        """Return (field, value) pairs in the order of the fields."""
        return zip(self._fields, self, strict=True)

    def replace(self, **changes: "Any") -> "Self":
        """Return a copy with `changes` applied. Raises TypeError for an unknown field."""
        contents, positions = [*self], self._positions
        try:
            for name, content in changes.items():
                contents[positions[name]] = content
        except KeyError as error:
            raise TypeError(f"{type(self).__name__} has no {error.args[0]}") from None
        return _new(type(self), contents)

    def __eq__(self, other: object) -> bool:
        """Two values are equal if their class and all fields are; nothing else is equal to a value, not even such a tuple."""
        return type(other) is type(self) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        """Not equal: a tuple has an own idea of it."""
        return not self == other

    def __bool__(self) -> bool:
        """A value is true, even one without fields."""
        return True

    __hash__ = None  # type: ignore[assignment]  # some fields are lists and dicts

    def __reduce__(self) -> "tuple[Any, ...]":
        """Let `copy` and `pickle` make it anew: nothing can be set afterwards."""
        return made, (type(self), *self)

    def __repr__(self) -> str:
        """Show the fields that differ from their default."""
        shown = (f"{n}={v!r}" for n, v in self.items() if n not in self._defaults or self._defaults[n] != v)
        return f"{type(self).__name__}({', '.join(shown)})"


def made(kind: "type[V]", *contents: "Any") -> "V":
    """Return the value of that class with these contents, one for each field."""
    return _new(kind, contents)
