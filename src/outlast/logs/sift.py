"""Which blocks of a log can hold a line that a regular expression matches: the others are looked at as a whole, not line by line.

A block is left out only if nothing can be overlooked by that: all of it is whole records that end their lines, no line goes on into
it, and the expression is one that matches the block wherever it matches a line in it.
"""

import re

from outlast.logs.stretch import BLOCK, read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RECORD = rb"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)\.\d{9}Z std(?:out|err) F [^\n]*\n"
_RECORDS = re.compile(rb"(?:" + _RECORD + rb")*+")
_PLACES = re.compile(r"[\^$]|\\[AZbB]|\(\?")  # in a pattern: what looks at more than the characters that it matches


class Sift:
    """Knows what a search may leave out. `between` is called now and then while nothing is found."""

    __slots__ = ("_between", "_pattern")

    def __init__(self, pattern: "re.Pattern[bytes]", between: "Callable[[], object]") -> None:
        """Of a search for `pattern` in each line."""
        self._pattern = pattern if _PLACES.search(pattern.pattern.decode("latin-1")) is None else None
        self._between = between

    def parts(self, fd: int, start: int, end: int) -> "Iterator[tuple[int, int]]":
        """Yield (start, end) of what has to be read of a stretch of a file, from whole lines to whole lines, in order."""
        goes_on = True  # nobody knows what came before
        while start < end:
            data = read_at(fd, min(BLOCK, end - start), start)
            cut = data.rfind(b"\n") + 1
            if not cut:
                yield start, end
                return
            self._between()
            whole = _RECORDS.match(data, 0, cut)
            may_skip = whole is not None and whole.end() == cut
            if goes_on or not may_skip or self._pattern is None or self._pattern.search(data, 0, cut) is not None:
                yield start, start + cut
            goes_on = not may_skip
            start += cut
