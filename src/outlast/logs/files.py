"""The files of one run's log as they are at one moment, opened, each with its place in the log stream.

Invariant: what a snapshot holds stays readable whatever the shim renames or removes afterwards, and nothing that is held is
told as missing too. The shim tells a `rotated` gap before it removes the file, so for a moment (for ever, if it is
ended there) the gap covers a file that still exists: such a file is read, and the gap made smaller by it.
"""

import errno
import os

from outlast.core.errors import SystemFault
from outlast.logs import cri, gaps
from outlast.logs.stretch import first_record, last_record, line_start, lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from outlast.logs.gaps import Gap

    Stretch: TypeAlias = "tuple[LogFile, int, int]"  # a file, from where, to where

MOST_OPEN = 64  # descriptors; with more files the older ones are opened when their turn comes
HOLES = 8  # numbers without a file before the last one is believed: a rotation leaves one, several may pass while we look
TRIES = 50


class LogFile:
    """One file: its number when it was seen, its identity, how much of it there was, and its place in the log stream."""

    __slots__ = ("path", "number", "fd", "inode", "size", "start", "lazy")

    def __init__(self, path: str, number: int, fd: int) -> None:
        told = os.fstat(fd)
        self.path, self.number, self.fd = path, number, fd
        self.inode, self.size, self.start, self.lazy = told.st_ino, told.st_size, 0, False

    def reopen(self) -> bool:
        """Make sure that the file is open, under whatever number it has now; False if it is gone."""
        number, misses = self.number, 0
        while self.fd < 0 and misses < HOLES:
            fd = _open(self.path, number)
            number += 1
            misses += fd < 0
            if fd >= 0 and os.fstat(fd).st_ino == self.inode:
                self.fd, self.lazy = fd, True
            elif fd >= 0:
                os.close(fd)
        return self.fd >= 0

    def close(self) -> None:
        """Let go of the file."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def name_of(path: str, number: int) -> str:
    """Return the name of log file `number` of the run whose state is at `path`."""
    return f"{path}.log.{number}" if number else f"{path}.log"


def identity(name: str) -> int:
    """Return the inode number of `name`, 0 if there is nothing."""
    try:
        return os.stat(name).st_ino
    except OSError:
        return 0


def _open(path: str, number: int) -> int:
    name = name_of(path, number)
    try:
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return -1
        raise SystemFault(f"cannot read {name}: {error.strerror}") from error


def _open_all(path: str) -> list[LogFile]:
    """Open every file, oldest first.

    We look from the newest on, so a rotation meanwhile moves files towards us: one that was seen is seen again, none slips by. But if we
    were slow, files that are newer than our first come between. Then our first comes again behind them, and we begin anew from there.
    """
    for _ in range(TRIES):
        first: LogFile | None = None
        found: dict[int, LogFile] = {}
        number = misses = 0
        while misses < HOLES:
            fd = _open(path, number)
            misses = misses + 1 if fd < 0 else 0
            if fd >= 0:
                file = LogFile(path, number, fd)
                first = first or file
                if file.inode == first.inode and file is not first:
                    _close(other for other in found.values() if other is not first)
                    found = {first.inode: first}
                if found.setdefault(file.inode, file) is not file or len(found) > MOST_OPEN:
                    file.close()
            number += 1
        if first is None or os.fstat(first.fd).st_nlink:
            break
        _close(found.values())  # even our newest is removed by now: that it did not come again says nothing
    return list(found.values())[::-1]


def _close(some: "Iterable[LogFile]") -> None:
    for file in some:
        file.close()


class Snapshot:
    """`files` (oldest first), `gaps` (in the order of the gaps file), `end`: the length of the log stream as far as it is known."""

    __slots__ = ("path", "files", "gaps", "end")

    def __init__(self, path: str) -> None:
        self.path = path
        self.files = _open_all(path)
        self.gaps: list[Gap] = []
        self._settle()
        self.end = self._place()

    def _settle(self) -> None:
        """Read the gaps, and let go of files that have been removed and are told there."""
        for attempt in range(1, 1000):
            self.gaps = gaps.parse(gaps.read(f"{self.path}.gaps"))
            told = [index for index, gap in enumerate(self.gaps) if gap.log]
            if len(self.files) < 2 or not told or not self.files[1].reopen():
                return
            second, gap = self.files[1], self.gaps[told[-1]]
            last = last_record(second.fd, second.size)
            if last is None or last.at > gap.until:
                return
            if os.fstat(second.fd).st_nlink == 0:
                second.close()
                del self.files[1]
                continue
            first = first_record(second.fd, 0, second.size)[1]
            if last.at < gap.until or first is None or gap.log < second.size:
                return
            if first.at < last.at:
                taken = None if gap.bytes is None else max(0, gap.bytes - raw_size(second))
                self.gaps[told[-1]] = gap.replace(log=gap.log - second.size, bytes=taken)
                return
            if attempt > TRIES:
                return  # one chunk filled several small files: nothing says whether this one is meant, so nothing is taken off

    def _place(self) -> int:
        """Give every file its place in the log stream, and return the stream's length."""
        removed = sorted((gap.offset, index) for index, gap in enumerate(self.gaps) if gap.log)
        position = 0
        for number, file in enumerate(self.files):
            while removed and (number or removed[0][0] <= position):
                offset, index = removed.pop(0)
                if offset > position:  # the machine went down and took the end of the oldest file
                    self.gaps[index] = self.gaps[index].replace(offset=position)
                position += self.gaps[index].log
            file.start = position
            position += file.size
        return position + sum(self.gaps[index].log for _, index in removed)

    def all(self) -> "list[Stretch]":
        """Return everything there is to read."""
        return [(file, 0, file.size) for file in self.files]

    def close(self) -> None:
        """Let go of the files."""
        _close(self.files)


def raw_size(file: LogFile) -> int:
    """Return how many of the command's own bytes are in `file`, which is open."""
    return sum(len(piece) for piece in cri.raw(lines(file.fd, 0, file.size), 0) if isinstance(piece, bytes))


def in_order(found: "Iterable[Gap]") -> "list[Gap]":
    """Return gaps last first, for `walk`. What never got into the log at a place was lost before what was removed behind it."""
    there = [gap for gap in found if gap.bytes != 0 or gap.log]
    return sorted(there, key=lambda gap: (gap.offset, gap.log > 0))[::-1]


def walk(stretches: "Iterable[Stretch]", missing: "list[Gap]") -> "Iterator[Gap | Stretch]":
    """Yield the stretches, cut where something is missing, and the gaps in their places; each file is open while it is its turn.

    Takes the gaps that it yields off the end of `missing`; what is left belongs behind the last stretch.
    """
    for file, start, end in stretches:
        if not file.reopen():
            yield gaps.Gap(offset=file.start + start, bytes=None, log=end - start, since=0, until=0, reason=gaps.ROTATED)
            continue
        at = start
        while missing and missing[-1].offset < file.start + end:
            cut = line_start(file.fd, max(at, missing[-1].offset - file.start), end)
            if cut > at:
                yield file, at, cut
                at = cut
            yield missing.pop()
        if end > at:
            yield file, at, end
        if file.lazy:
            file.close()
