"""Which blocks of a log can hold a line that a regular expression matches: the others are looked at as a whole, not line by line.

A block is left out only if nothing can be overlooked by that: all of it is whole records that end their lines, no line goes on into
it, and the expression is one that matches the block wherever it matches a line in it.
"""

import re

from outlast.logs.stretch import BLOCK, lines, read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outlast.logs.cri import Batch

_RECORD = rb"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)\.\d{9}Z std(?:out|err) F [^\n]*\n"
_RECORDS = re.compile(rb"(?:" + _RECORD + rb")*+")
_PLACES = re.compile(r"[\^$]|\\[AZbB]|\(\?")  # in a pattern: what looks at more than the characters that it matches


class Sift:
    """Knows what a search may leave out."""

    __slots__ = ("_between", "_is_amid", "_pattern")

    def __init__(self, pattern: "re.Pattern[bytes]", is_amid: "Callable[[], bool]", between: "Callable[[], object]") -> None:
        """Of a search for `pattern` in each line.

        `is_amid` tells whether a line that was begun in what was read so far goes on; `between` is called now and then while nothing is
        found.
        """
        self._is_amid = is_amid
        self._pattern = pattern if _PLACES.search(pattern.pattern.decode("latin-1")) is None else None
        self._between = between

    def runs(self, fd: int, start: int, end: int) -> "Iterator[tuple[int, Iterator[Batch]]]":
        """Yield (where it begins, its lines in batches) of each run of blocks of a stretch of a file that has to be read, in order."""
        parts = self._parts(fd, start, end)
        part = next(parts, None)

        def batches() -> "Iterator[Batch]":
            nonlocal part
            at = None if part is None else part[0]
            while part is not None and part[0] == at:
                at = part[1]
                yield from lines(fd, *part)
                part = next(parts, None)

        while part is not None:
            yield part[0], batches()

    def _parts(self, fd: int, start: int, end: int) -> "Iterator[tuple[int, int]]":
        """Yield (start, end) of what has to be read, from whole lines to whole lines."""
        while start < end:
            data = read_at(fd, min(BLOCK, end - start), start)
            cut = data.rfind(b"\n") + 1
            if not cut:
                yield start, end
                return
            self._between()
            whole = _RECORDS.match(data, 0, cut)
            may_skip = whole is not None and whole.end() == cut
            if self._is_amid() or not may_skip or self._pattern is None or self._pattern.search(data, 0, cut) is not None:
                yield start, start + cut
            start += cut
