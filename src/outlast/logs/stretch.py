"""Stretches of one open log file: its lines in batches, where lines begin, and the record at or after a place.

Reads by position only, in blocks; memory is bounded by two blocks whatever is in the file.
"""

import os

from outlast.core.errors import SystemFault
from outlast.logs.cri import LONGEST, Record, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlast.logs.cri import Batch

BLOCK = 1 << 18
NEAR = 512  # enough to find most records


def read_at(fd: int, size: int, offset: int) -> bytes:
    """Return up to `size` bytes from `offset`. Raises SystemFault if the disk fails."""
    try:
        return os.pread(fd, size, offset)
    except OSError as error:
        raise SystemFault(f"cannot read a log file: {error.strerror}", "look at the disk; trying again may help") from error


def lines(fd: int, start: int, end: int) -> "Iterator[Batch]":
    """Yield the lines between `start` and `end` in batches. What has no newline in a whole block, or before the end, comes alone."""
    while start < end:
        data = read_at(fd, min(BLOCK, end - start), start)
        if not data:
            return
        cut = data.rfind(b"\n") + 1
        start += cut or len(data)
        if cut:
            batch = data.split(b"\n")
            rest = batch.pop()
            yield batch, True
            if rest and start + len(rest) >= end:
                yield [rest], False
                return
        else:
            yield [data], False


def line_start(fd: int, offset: int, end: int) -> int:
    """Return where the first line begins that begins at `offset` or later; `end` if none does before it."""
    if offset <= 0:
        return 0
    at, size = offset - 1, 1  # usually the byte before is a newline
    while at < end:
        data = read_at(fd, min(size, end - at), at)
        if not data:
            break
        found = data.find(b"\n")
        if found >= 0:
            return min(at + found + 1, end)
        at += len(data)
        size = min(size * 64, BLOCK)
    return end


def lines_end(fd: int, start: int, end: int) -> int:
    """Return where the last whole line ends, `start` if none does. What cannot be a record any more counts as whole."""
    data = read_at(fd, min(LONGEST + 1, end - start), max(start, end - LONGEST - 1))
    cut = data.rfind(b"\n") + 1
    if cut:
        return max(start, end - LONGEST - 1) + cut
    return end if len(data) > LONGEST else start


def first_record(fd: int, offset: int, end: int) -> "tuple[int, Record | None]":
    """Return where the first line at `offset` or later begins, and what record it is; (`offset`, None) if it is none."""
    start = max(0, offset - 1)
    for size in (NEAR, 2 * LONGEST + 4):
        data = read_at(fd, min(size, end - start), start)
        begin = data.find(b"\n") + 1 if offset > 0 else 0
        if begin or offset <= 0:
            line, newline, _ = data[begin:].partition(b"\n")
            if newline:
                record = parse(line)
                return (start + begin, record) if record else (offset, None)
    return offset, None


def last_record(fd: int, end: int) -> Record | None:
    """Return the last record before `end` that can be read, if there is one near."""
    data = read_at(fd, min(2 * LONGEST, end), max(0, end - 2 * LONGEST))
    for line in reversed(data.split(b"\n")):
        record = parse(line)
        if record is not None:
            return record
    return None
