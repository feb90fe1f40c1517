"""Rows on pages that nothing leads to any more: the file is read page by page, past SQLite (sqlite.org/fileformat2.html).

A page that led to others is lost, and with it all that SQLite can reach through it; the rows themselves still lie on their pages. Which
table a row is of is told by its shape. Pages that are free hold earlier states of rows, so of several the latest is taken.
"""

import os

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Iterator
    from typing import Any

    Bytes = bytes | mmap.mmap

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_HEADERS = {_TABLE_LEAF: 8, _INDEX_LEAF: 8, _INDEX_INTERIOR: 12}
_PAGE_SIZES = {512 << power for power in range(8)}
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # serial type -> bytes
_REAL = 7
_FIRST_TEXT = 12
_USUAL = 4096


class Shape(Value):
    """What the rows of a table look like: `least` to `most` columns, the test `fits`, and which state of a row is `later` (by a number)."""

    _fields = ("table", "least", "most", "with_id", "fits", "key", "later")
    table: str
    least: int
    most: int
    with_id: bool  # its first column is the row's number
    fits: "Callable[[list[Any]], bool]"
    key: int  # how many columns say which row it is
    later: "Callable[[list[Any]], int]"


def _is(*kinds: "type | tuple[type, ...]") -> "Callable[[list[Any]], bool]":
    return lambda row: all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=False))


_TEXT = (str, bytes)
SHAPES: tuple[Shape, ...] = (
    Shape(table="jobs", least=42, most=48, with_id=True, fits=_is(int, int, _TEXT, _TEXT), key=1, later=lambda row: int(row[1])),
    Shape(table="events", least=6, most=6, with_id=True, fits=_is(int, int, int, str, int, _TEXT), key=1, later=lambda _: 0),
    Shape(table="runs", least=24, most=30, with_id=False, fits=_is(int, int, str), key=2, later=lambda row: int(row[15] is not None)),
    Shape(table="environments", least=4, most=5, with_id=False, fits=_is(str, bytes, str, int), key=1, later=lambda _: 0),
)  # fmt: skip


def salvage(path: str) -> "dict[str, dict[tuple[Any, ...], list[Any]]]":
    """Return table -> key -> row of everything that looks like a row of ours. A damaged page costs its own rows and no others."""
    import mmap

    found: dict[str, dict[tuple[Any, ...], list[Any]]] = {shape.table: {} for shape in SHAPES}
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return found
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _look_through(data, found)
    return found


def _look_through(data: "mmap.mmap", found: "dict[str, dict[tuple[Any, ...], list[Any]]]") -> None:
    size = int.from_bytes(data[16:18], "big")
    size = {1: 65536}.get(size, size)
    if size not in _PAGE_SIZES:
        size = _USUAL
    for start in range(0, len(data), size):
        for row, with_id in _rows(data, start, size):
            for shape in SHAPES:
                if shape.least <= len(row) <= shape.most and shape.with_id == with_id and shape.fits(row):
                    key = tuple(row[: shape.key])
                    there = found[shape.table].get(key)
                    if there is None or shape.later(row) >= shape.later(there):
                        found[shape.table][key] = row
                    break


def _rows(data: "Bytes", start: int, size: int) -> "Iterator[tuple[list[Any], bool]]":
    """Yield (row, whether its number came first) of one page; what is none is passed by."""
    head = start + (100 if start == 0 else 0)
    kind = data[head] if head < len(data) else 0
    if kind not in _HEADERS:
        return
    cells = int.from_bytes(data[head + 3 : head + 5], "big")
    pointers = head + _HEADERS[kind]
    if cells * 2 > size:
        return
    for index in range(cells):
        at = start + int.from_bytes(data[pointers + 2 * index : pointers + 2 * index + 2], "big")
        try:
            yield _cell(data, at, kind, size), kind == _TABLE_LEAF
        except (IndexError, ValueError, OverflowError):
            continue


def _cell(data: "Bytes", at: int, kind: int, size: int) -> "list[Any]":
    """Return the row of a cell, its number first if it has one. Raises IndexError, ValueError: it is none."""
    if kind == _INDEX_INTERIOR:
        at += 4  # the page to its left
    length, at = _varint(data, at)
    number = None
    if kind == _TABLE_LEAF:
        number, at = _varint(data, at)
    row = _record(_payload(data, at, length, size, table=kind == _TABLE_LEAF))
    if number is not None and row and row[0] is None:
        row[0] = number
    return row


def _payload(data: "Bytes", at: int, length: int, size: int, *, table: bool) -> bytes:
    """Return the bytes of a cell, from its own page and those that it goes on at (section 1.6 of the format, "cell payload overflow")."""
    if not 0 < length <= len(data):
        raise ValueError(length)
    most = size - 35 if table else (size - 12) * 64 // 255 - 23
    if length <= most:
        return _slice(data, at, length)
    least = (size - 12) * 32 // 255 - 23
    local = least + (length - least) % (size - 4)
    if local > most:
        local = least
    parts = [_slice(data, at, local)]
    page = int.from_bytes(_slice(data, at + local, 4), "big")
    left = length - local
    while left > 0:
        if page == 0:
            raise ValueError("it ends too early")
        start = (page - 1) * size
        parts.append(_slice(data, start + 4, min(left, size - 4)))
        left -= size - 4
        page = int.from_bytes(_slice(data, start, 4), "big")
    return b"".join(parts)


def _slice(data: "Bytes", at: int, length: int) -> bytes:
    part = data[at : at + length]
    if len(part) != length:
        raise IndexError(at)
    return part


def _varint(data: "Bytes", at: int) -> "tuple[int, int]":
    """Return (the number at a place, the place behind it)."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >> 63 else value, at + 9


def _record(payload: bytes) -> "list[Any]":
    """Return the values of a record (section 2.1 of the format). Raises ValueError: it is none."""
    head, at = _varint(payload, 0)
    types = []
    while at < head:
        told, at = _varint(payload, at)
        types.append(told)
    if at != head:
        raise ValueError(head)
    row: list[Any] = []
    for told in types:
        value, at = _value(payload, at, told)
        row.append(value)
    if at != len(payload):
        raise ValueError(at)
    return row


def _value(payload: bytes, at: int, told: int) -> "tuple[Any, int]":
    if told == 0:
        return None, at
    if told in _INTEGERS:
        return int.from_bytes(_slice(payload, at, _INTEGERS[told]), "big", signed=True), at + _INTEGERS[told]
    if told in (8, 9):
        return told - 8, at
    if told == _REAL:
        import struct

        return struct.unpack(">d", _slice(payload, at, 8))[0], at + 8
    if told < _FIRST_TEXT:
        raise ValueError(told)
    length = (told - _FIRST_TEXT) // 2
    raw = _slice(payload, at, length)
    if told % 2 == 0:
        return raw, at + length
    try:
        return raw.decode(), at + length
    except UnicodeDecodeError:
        return raw, at + length
