"""What is appended to a log while we look: new stretches, new gaps, and the next file after a rotation.

Files are told apart by identity, not by name or place: each one seen is held open until it has been read, so only files that came
and went between two looks are missing. How much that was follows from how far the `rotated` gap grew beyond the files that
we held ourselves.
"""

import os

from outlast.logs import gaps
from outlast.logs.cri import raw
from outlast.logs.files import MOST_OPEN, Snapshot, identity, in_order, name_of, raw_size, walk
from outlast.logs.gaps import Gap
from outlast.logs.stretch import lines, lines_end, read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from outlast.logs.cri import Batch
    from outlast.logs.files import LogFile, Stretch

    Told: TypeAlias = "tuple[int, Batch]"  # position of the first line in the log stream, lines

TAIL = 1 << 17  # of what has been told; more than a chunk of usual lines


class Follower:
    """Goes on where a snapshot ends. `at`: how much of `held[turn]` has been told; `told`: which gaps, by index, and their size.

    `exact`: how much was removed unseen is counted; else, where that means to read whole files, it is estimated by their size.
    """

    __slots__ = ("path", "exact", "skipped", "held", "turn", "at", "told", "_removed", "_tail", "_told_too_much")

    def __init__(self, snapshot: Snapshot, position: int | None = None) -> None:
        """Take over the files of `snapshot`, of which all whole lines, and the gaps before their end, have been told.

        `position`: of the log stream, at the beginning of a line; only what is before it has been told. What of the rest was removed
        before the first file that is left goes untold: `skipped` is about how many of the command's bytes that were.
        """
        self.path = snapshot.path
        self.exact = position is None
        self.held = snapshot.files if position is None else _from(snapshot, position)
        self.turn = len(self.held) - 1
        self.at, self._tail, self._told_too_much = 0, b"", 0
        if self.held and self._file().reopen():
            file = self._file()
            self.at = lines_end(file.fd, 0, file.size) if position is None else min(max(position - file.start, 0), file.size)
            self._tail = read_at(self._file().fd, min(TAIL, self.at), max(0, self.at - TAIL))
        end = self._file().start + self.at if self.held else 0
        self.told = {index: gap.bytes or 0 for index, gap in enumerate(snapshot.gaps) if gap.offset <= end and not gap.log}
        self._removed = _removed(snapshot, None if position is None else end)
        log, size, _ = _removed(snapshot, None)
        self.skipped = 0 if position is None or end <= position or not log else (end - position) * size // log

    @property
    def place(self) -> int:
        """Return the position in the log stream up to which everything has been told."""
        return self._file().start + self.at if self.held else 0

    def batches(self, alive: "Callable[[], bool]", pause: "Callable[[], object]") -> "Iterator[Gap | Told | None]":
        """Yield what comes, lines with the position of the first, and None before each `pause()`.

        Ends when `alive()` was false and everything after that has been told.
        """
        while True:
            living = alive()
            found = False
            for part in self._look(last=not living):
                found = True
                yield part
            if not living:
                return
            if not found:
                yield None
                pause()

    def close(self) -> None:
        """Let go of the files."""
        for file in self.held:
            file.close()

    def _file(self) -> "LogFile":
        return self.held[self.turn]

    def _look(self, *, last: bool) -> "Iterator[Gap | Told]":
        if not self.held:
            self._begin()
        if not self.held:
            yield from reversed(self._fresh_gaps(0, last=last))
        while self.held:
            file = self._file()
            over = self.turn + 1 < len(self.held) or identity(name_of(self.path, 0)) != file.inode
            # In this order: nothing is written to a file after it has lost its name, and a gap is told before what follows it.
            if file.reopen():
                file.size = os.fstat(file.fd).st_size
            if self.at > file.size:  # a chunk that the disk had no room for is taken back
                self._take_back(file.size)
            end = file.size if over or last or file.fd < 0 else lines_end(file.fd, self.at, file.size)
            fresh = self._fresh_gaps(file.start + end, last=last and not over)
            if any(0 <= gap.offset - file.start < self.at for gap in fresh) and self._tail != read_at(
                file.fd, len(self._tail), self.at - len(self._tail)
            ):
                self._take_back(min(gap.offset for gap in fresh) - file.start)  # and other output is there by now
            fresh = [gap for gap in map(self._less_what_was_told, fresh) if gap.bytes != 0]
            for part in walk([(file, self.at, end)], fresh):
                if isinstance(part, Gap):
                    yield part
                else:
                    yield from self._tell(part)
            yield from reversed(fresh)
            if over:
                yield from self._next()
            if self._file() is file:
                return

    def _tell(self, stretch: "Stretch") -> "Iterator[Told]":
        """Yield the lines of `stretch`, and remember those and no others as told: it may be cut off while it is read."""
        file, start, end = stretch
        for batch in lines(file.fd, start, end):
            text = b"\n".join(batch[0]) + b"\n" * batch[1]
            position = file.start + self.at
            self.at += len(text)
            self._tail = (self._tail + text)[-TAIL:]
            yield position, batch

    def _take_back(self, at: int) -> None:
        """Go back to `at`: what was told of what comes behind it is in no log any more, and will be counted as missing."""
        kept = len(self._tail) - (self.at - at)
        if kept >= 0:
            back = self._tail[kept:].split(b"\n")[:-1]
            self._told_too_much += sum(len(piece) for piece in raw([(back, True)], 0) if isinstance(piece, bytes))
        self.at, self._tail = at, self._tail[: max(0, kept)]

    def _less_what_was_told(self, gap: Gap) -> Gap:
        if gap.bytes is None or not self._told_too_much or gap.offset != self._file().start + self.at:
            return gap
        told = min(gap.bytes, self._told_too_much)
        self._told_too_much -= told
        return gap.replace(bytes=gap.bytes - told)

    def _fresh_gaps(self, end: int, *, last: bool) -> list[Gap]:
        """Return what gaps before `end` have grown by since they were told, for `walk`; with `last` those behind it too."""
        fresh: list[Gap] = []
        for index, gap in enumerate(gaps.parse(gaps.read(f"{self.path}.gaps"))):
            told = self.told.get(index, -1)
            size = gap.bytes or 0
            if gap.log or size <= told or (gap.offset > end and not last) or (gap.bytes is None and not last):
                continue  # one that cannot be read may be half written just now
            self.told[index] = size
            fresh.append(gap if told < 0 or gap.bytes is None else gap.replace(bytes=size - told))
        return in_order(fresh)

    def _begin(self) -> bool:
        """Take the oldest file, if there is one by now: what was removed behind it is found when it has been read."""
        snapshot = Snapshot(self.path)
        for file in snapshot.files[1:]:
            file.close()
        self.held, self.turn = snapshot.files[:1], 0
        return bool(self.held)

    def _next(self) -> "Iterator[Gap]":
        """Go to the file after this one, if there is one, and tell what was removed between them."""
        if self.turn + 1 == len(self.held):
            yield from self._look_again()
        if self.turn + 1 < len(self.held):
            for old in self.held[: max(0, self.turn - MOST_OPEN)]:
                old.close()
            self.turn += 1
            self.at, self._tail = 0, b""

    def _look_again(self) -> "Iterator[Gap]":
        snapshot = Snapshot(self.path)
        known = {file.inode for file in self.held if file.fd >= 0}  # of a closed one the number may be another file's by now
        first_new = max((index + 1 for index, file in enumerate(snapshot.files) if file.inode in known), default=0)
        for file in snapshot.files[:first_new]:
            file.close()
        newer = snapshot.files[first_new:]
        if not newer:
            return
        there = {(file.inode, file.size) for file in snapshot.files[:first_new]}
        gone = [file for file in self.held if (file.inode, file.size) not in there]
        removed = _removed(snapshot, None)
        log = removed[0] - self._removed[0] - sum(file.size for file in gone)
        if log > 0:
            position = self._file().start + self._file().size
            counted = all(file.fd >= 0 for file in gone)
            size: int | None = None
            if gone and not self.exact:
                size = removed[1] * log // removed[0]
            elif counted:
                size = max(0, removed[1] - self._removed[1] - sum(raw_size(file) for file in gone))
            yield Gap(offset=position, bytes=size, log=log, since=0, until=removed[2], reason=gaps.ROTATED)
        if log >= 0:  # else the disk had no room yet to tell of a removal: those files are needed for the next look
            self._removed = removed
            for file in gone:
                file.close()
            self.held = [file for file in self.held if file not in gone]
        self.turn = len(self.held) - 1
        self.held += newer


def _from(snapshot: Snapshot, position: int) -> "list[LogFile]":
    """Return the file that holds `position`, else the next one, else the last one; let go of the others.

    But for the first one: it stays whatever is removed, and would be taken for a new one once the other is gone.
    """
    if not snapshot.files:
        return []
    first = snapshot.files[0]
    chosen = next((file for file in snapshot.files if file.start + file.size > position), snapshot.files[-1])
    for file in snapshot.files[1:]:
        if file is not chosen:
            file.close()
    first.reopen()
    return [first] if first is chosen else [first, chosen]


def _removed(snapshot: Snapshot, before: int | None) -> tuple[int, int, int]:
    """Return how much of the log stream (before that position), and of the command's bytes, was removed, and the time up to which."""
    removed = [gap for gap in snapshot.gaps if gap.log and (before is None or gap.offset < before)]
    return sum(gap.log for gap in removed), sum(gap.bytes or 0 for gap in removed), max((gap.until for gap in removed), default=0)
