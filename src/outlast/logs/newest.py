"""The newest output of a run: what its log ends with, looked at in two steps, never more than `MOST` bytes of it.

Reads the ends of the last files by position: it costs the same whatever the size of the log, and holds up nobody. Gaps are not asked for.
"""

import os

from outlast.core import printed
from outlast.core.progress import newest as progress_of
from outlast.core.progress import rules
from outlast.core.value import Value
from outlast.logs.cri import parse_stamp
from outlast.logs.files import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.meters import Found
    from outlast.core.progress import Piece

NEAR = 1 << 12  # bytes of the log; what says something usually says it here
MOST = 1 << 15
_MARKS = (b"%", b"/", b" of ", b"=", b": ", b'":', b"]9;4;")  # without any of these nothing is a progress
_TAGS = {b"Z stdout F ": (0, True), b"Z stdout P ": (0, False), b"Z stderr F ": (1, True), b"Z stderr P ": (1, False)}
_STAMP, _HEADER = 29, 40  # bytes
_HOLES = 2  # numbers without a file before there is no older one: a rotation leaves one for a moment


class Newest(Value):
    """What the output says last: its last line; the progress, and when (ns) it was printed."""

    _fields = ("last_line", "found", "at")
    last_line: str | None
    found: "Found | None"
    at: int | None
    _defaults = {"last_line": None, "found": None, "at": None}


def newest(path: str, spec: "Mapping[str, Any]", *, over: bool, most: int = MOST) -> Newest:
    """Return what the log beside the state file `path` says last, by a job's spec. `over`: the run has ended.

    What cannot be read says nothing.
    """
    by = rules(spec)
    last_line: str | None = None
    for size in (NEAR, most) if most > NEAR else (NEAR,):
        try:
            data, whole = _end(path, size)
        except OSError:
            break
        if size == NEAR or last_line is None or (by is not None and (by.patterns or any(mark in data for mark in _MARKS))):
            found = _pieces(data, whole=whole)
            last_line = last_line or next((line for _, text, _ in reversed(found) if (line := printed.shown(text))), None)
            told = None if by is None else progress_of(found, by, over=over)
            if told is not None:
                return Newest(last_line=last_line, found=told[1], at=parse_stamp(told[0]))
        if whole or (by is None and last_line is not None):
            break
    return Newest(last_line=last_line)


def _end(path: str, size: int) -> "tuple[bytes, bool]":
    """Return about the last `size` bytes of the log, from the beginning of a record on, and whether that is all of it. Raises OSError."""
    blocks: list[bytes] = []
    seen: set[int] = set()
    number = misses = 0
    cut = False
    while size > 0 and misses < _HOLES:
        try:
            fd = os.open(name_of(path, number), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            misses += 1
        else:
            try:
                told = os.fstat(fd)
                if told.st_ino not in seen:  # else it was renamed meanwhile
                    seen.add(told.st_ino)
                    cut = told.st_size > size
                    blocks.append(os.pread(fd, min(size, told.st_size), max(0, told.st_size - size)))
                    size -= len(blocks[-1])
            finally:
                os.close(fd)
        number += 1
    data = b"".join(reversed(blocks))
    return (data[data.find(b"\n") + 1 :], False) if cut else (data, size > 0)


def _pieces(data: bytes, *, whole: bool) -> "list[Piece]":
    """Return the pieces of both streams in the order printed. `whole`: nothing came before, else the first lines may have begun earlier."""
    found: list[Piece] = []
    begun: tuple[list[bytes], list[bytes]] = ([], [])
    stamps = [b"", b""]
    sure = [whole, whole]
    for line in data.split(b"\n"):
        tag = _TAGS.get(line[_STAMP:_HEADER])
        if tag is None:
            continue
        stream, final = tag
        text = line[_HEADER:]
        stamps[stream] = stamp = line[:_STAMP]
        if not sure[stream]:
            _, sign, text = text.partition(b"\r")
            sure[stream] = final or bool(sign)
            if not sign:
                continue
        open_ = begun[stream]
        if final:
            if open_:
                open_.append(text)
                text = b"".join(open_)
                open_.clear()
            found += ((stamp, piece, True) for piece in printed.pieces(text) if piece)
        elif b"\r" in text:
            ended, _, rest = text.rpartition(b"\r")
            found += ((stamp, piece, True) for piece in printed.pieces(b"".join([*open_, ended])) if piece)
            open_[:] = [rest]
        else:
            open_.append(text)
    for stream in sorted((0, 1), key=stamps.__getitem__):
        *whole_ones, last = printed.pieces(b"".join(begun[stream]))
        found += ((stamps[stream], piece, True) for piece in whole_ones if piece)
        if last:
            found.append((stamps[stream], last, False))
    return found
