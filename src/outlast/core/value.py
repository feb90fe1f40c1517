"""Frozen keyword-only values with `__slots__`: what dataclasses give, for a hundredth of their import cost.

A subclass lists its fields in `__slots__`, annotates them, and may give defaults in `_defaults`. Instances compare by
class and fields and cannot be changed; `replace` makes a changed copy.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, ClassVar, Self

_set = object.__setattr__


class Value:
    """Base of all values of the core."""

    __slots__: "tuple[str, ...]" = ()
    _defaults: "ClassVar[Mapping[str, Any]]" = {}

    def __init__(self, **values: "Any") -> None:
        """Set every field. Raises TypeError for a field that is unknown or missing."""
        defaults = self._defaults
        for name in self.__slots__:
            if name in values:
                _set(self, name, values.pop(name))
            elif name in defaults:
                _set(self, name, defaults[name])
            else:
                msg = f"{type(self).__name__} needs {name}"
                raise TypeError(msg)
        if values:
            msg = f"{type(self).__name__} has no {', '.join(values)}"
            raise TypeError(msg)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: values do not change."""
        msg = f"{type(self).__name__} is frozen"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        """Refuse: values do not change."""
        msg = f"{type(self).__name__} is frozen"
        raise AttributeError(msg)

    def items(self) -> "Iterator[tuple[str, Any]]":
        """Yield (field, value) in the order of the fields."""
        for name in self.__slots__:
            yield name, getattr(self, name)

    def replace(self, **changes: "Any") -> "Self":
        """Return a copy with `changes` applied. Raises TypeError for an unknown field."""
        copy = object.__new__(type(self))
        for name in self.__slots__:
            _set(copy, name, changes.pop(name) if name in changes else getattr(self, name))
        if changes:
            msg = f"{type(self).__name__} has no {', '.join(changes)}"
            raise TypeError(msg)
        return copy

    def __eq__(self, other: object) -> bool:
        """Two values are equal if their class and all fields are."""
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

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
