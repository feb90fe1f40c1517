"""Whole lines out of records: the pieces of one stream joined, what is missing in its place, the last lines without reading all."""

from outlast.logs.cri import STREAMS, Record, Torn, records
from outlast.logs.files import walk
from outlast.logs.gaps import Gap
from outlast.logs.seek import last_bytes
from outlast.logs.stretch import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Container, Iterable, Iterator
    from typing import TypeAlias

    from outlast.logs.files import Stretch
    from outlast.logs.sift import Sift

    Item: TypeAlias = "Record | Gap | Torn"
    Keep: TypeAlias = "Callable[[Iterable[Item]], Iterator[Item]]"

LONGEST_LINE = 1 << 20  # a longer one is told, and searched, in parts of about this size
WINDOW = 1 << 16  # of the end, for the last lines; eight times as much if that was not enough
BEFORE = 1 << 18  # how far before a window is looked for a line that goes on into it


class Line:
    """A line of one stream: `at` ns of its first piece, `text` without the newline, `whole`: the command ended it there.

    What follows a line that is not whole is, for the same stream, its continuation unless something was missing between.
    """

    __slots__ = ("at", "stream", "text", "whole")

    def __init__(self, at: int, stream: str, text: bytes, whole: bool) -> None:
        self.at = at
        self.stream = stream
        self.text = text
        self.whole = whole

    def raw(self) -> bytes:
        """Return the command's own bytes of this line."""
        return self.text + b"\n" if self.whole else self.text

    def __eq__(self, other: object) -> bool:
        if type(other) is not Line:
            return NotImplemented
        return (self.at, self.stream, self.text, self.whole) == (other.at, other.stream, other.text, other.whole)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Line({self.at}, {self.stream!r}, {self.text!r}, {self.whole})"


class Joiner:
    """Joins pieces to lines. `unsure`: streams whose first line here may have begun earlier; None is told in its place."""

    __slots__ = ("grep", "unsure", "_begun")

    def __init__(self, grep: "re.Pattern[bytes] | None" = None) -> None:
        self.grep = grep
        self.unsure: set[str] = set()
        self._begun: dict[str, tuple[int, list[bytes], int]] = {}  # when, pieces, their size

    def join(self, items: "Iterable[Item | None]") -> "Iterator[Line | Gap | Torn | None]":
        """Yield what `items` make. None in `items` means that nothing more is there yet: what is unfinished is shown."""
        begun = self._begun
        for item in items:
            if isinstance(item, Record):
                if item.final and self.grep is None and item.stream not in begun and not self.unsure:
                    yield Line(item.at, item.stream, item.text, whole=True)  # what nearly all are, at half the cost
                else:
                    yield from self._add(item)
            elif item is not None:
                yield from self.finish()
                yield item
            elif self.grep is None:
                yield from self.finish()

    def finish(self) -> "Iterator[Line | None]":
        """Yield what is unfinished, in the order in which it began."""
        for stream in list(self._begun):
            yield from self._end(stream, whole=False)
        if self.unsure:
            self.unsure.clear()
            yield None

    def is_amid(self) -> bool:
        """Tell whether a line of any stream has begun and not ended, or may have begun before what was read."""
        return bool(self._begun or self.unsure)

    def forget(self) -> None:
        """Drop what is unfinished."""
        self._begun.clear()

    def _add(self, record: Record) -> "Iterator[Line | None]":
        at, pieces, size = self._begun.get(record.stream) or (record.at, [], 0)
        pieces.append(record.text)
        size += len(record.text)
        self._begun[record.stream] = at, pieces, size
        if record.final or size >= LONGEST_LINE:
            yield from self._end(record.stream, whole=record.final)

    def _end(self, stream: str, *, whole: bool) -> "Iterator[Line | None]":
        at, pieces, _ = self._begun.pop(stream)
        if stream in self.unsure:
            self.unsure.discard(stream)
            yield None
            return
        text = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self.grep is None or self.grep.search(text):
            yield Line(at, stream, text, whole)


def read(stretches: "Iterable[Stretch]", missing: "list[Gap]", sift: "Sift | None" = None) -> "Iterator[Item]":
    """Yield the records of `stretches` with the gaps of `missing` in their places; takes those off the list. `sift` leaves some out."""
    for part in walk(stretches, missing):
        if isinstance(part, Gap):
            yield part
        else:
            file, start, end = part
            if sift is None:
                yield from records(lines(file.fd, start, end), file.start + start)
                continue
            for begin, batches in sift.runs(file.fd, start, end):
                yield from records(batches, file.start + begin)


def sieve(streams: "Container[str]", since: int | None, until: int | None) -> "Keep":
    """Return what lets records of `streams` at `since` or later and `until` or earlier through, and all that is no record."""
    low = -(1 << 80) if since is None else since
    high = 1 << 80 if until is None else until

    def keep(items: "Iterable[Item]") -> "Iterator[Item]":
        for item in items:
            if type(item) is not Record or (low <= item.at <= high and item.stream in streams):
                yield item

    return keep


def last_lines(
    parts: "list[Stretch]", missing: "list[Gap]", wanted: int, keep: "Keep", joiner: Joiner, sift: "Sift | None" = None, *, more: bool
) -> "list[Line | Gap | Torn]":
    """Return the last `wanted` lines of `parts` with what is missing between and behind them; `more`: the log will be followed.

    Reads the end, and more of it until the lines are certain: a line counts only if its beginning is known. A line of which the
    last `BEFORE` bytes of the log before that hold nothing is taken to begin with what is there.
    """
    window = WINDOW
    while wanted > 0:
        before, after = last_bytes(parts, window)
        joiner.unsure = _going_on(last_bytes(before, BEFORE)[1], keep) if before else set()
        begin = after[0][0].start + after[0][1] if before else -1
        rest = [gap for gap in missing if gap.offset >= begin]
        found: list[Line | Gap | Torn] = []
        count = 0
        for item in _joined(joiner, keep(_and_rest(after, rest, sift)), more=more):
            found.append(item) if item else found.clear()
            count = count + (type(item) is Line) if item else 0
            if count > 2 * wanted + 1000:
                found, count = _trim(found, wanted), wanted
        if count >= wanted or not before:
            return _trim(found, wanted)
        joiner.forget()
        window *= 8
    return []


def _joined(joiner: Joiner, items: "Iterable[Item]", *, more: bool) -> "Iterator[Line | Gap | Torn | None]":
    yield from joiner.join(items)
    if not more or joiner.grep is None:
        yield from joiner.finish()
    elif joiner.unsure:
        yield None


def _and_rest(parts: "list[Stretch]", missing: "list[Gap]", sift: "Sift | None") -> "Iterator[Item]":
    yield from read(parts, missing, sift)
    while missing:
        yield missing.pop()


def _going_on(parts: "list[Stretch]", keep: "Keep") -> set[str]:
    """Return the streams whose last record in `parts` does not end a line."""
    last = {item.stream: item.final for item in keep(read(parts, [])) if type(item) is Record}
    return {stream for stream in STREAMS if not last.get(stream, True)}


def _trim(found: "list[Line | Gap | Torn]", wanted: int) -> "list[Line | Gap | Torn]":
    """Return the end of `found` that begins with the `wanted`-th last line; all of it if there are fewer."""
    for index in range(len(found) - 1, -1, -1):
        wanted -= type(found[index]) is Line
        if wanted == 0:
            return found[index:]
    return found
