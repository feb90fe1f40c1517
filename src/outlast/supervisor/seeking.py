"""Searching lines for what somebody wants to be warned of: in small units, each of which can be given up when it takes too long."""

import _signal  # type: ignore[import-not-found]  # `signal` would load enum
from collections import deque

from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.core.warnings import Wanted

LIMIT = 0.2  # seconds of CPU time, for one unit: the cost of an expression can grow with the power of a line's length
QUICK, SLOW = 1_000_000, 4_000_000  # ns: units that take less grow, those that take more shrink
LEAST, MOST = 1 << 14, 1 << 18  # bytes of a unit


class TooSlow(Exception):
    """A search took too long."""


class Finder:
    """One expression, how often it matched, and the line that did last. `search` is None once it was given up."""

    __slots__ = ("count", "line", "search", "told", "wanted")

    def __init__(self, wanted: "Wanted", count: int, told: int) -> None:
        """`told`: the count that is recorded."""
        import re

        self.wanted = wanted
        self.count = count
        self.told = told
        self.line = b""
        self.search: Callable[[bytes], object] | None = re.compile(wanted.expression).search


class Units:
    """Texts to be searched by some finders, in small units.

    A unit that is too slow is halved; a finder that is too slow for one line gives up.
    """

    __slots__ = ("_finders", "_size", "_waiting")

    def __init__(self, finders: "list[Finder]") -> None:
        """Nothing waits yet."""
        self._finders = finders
        self._size = LEAST
        self._waiting: deque[tuple[Finder, list[bytes]]] = deque()

    def __len__(self) -> int:
        """Return how many units wait."""
        return len(self._waiting)

    def add(self, texts: "list[bytes]") -> None:
        """Have `texts` searched."""
        unit: list[bytes] = []
        size = 0
        for text in texts:
            unit.append(text)
            size += len(text) + 64
            if size >= self._size:
                self._put(unit)
                unit, size = [], 0
        if unit:
            self._put(unit)

    def _put(self, unit: "list[bytes]") -> None:
        self._waiting += ((finder, unit) for finder in self._finders)

    def search_one(self) -> Finder | None:
        """Search one unit. Returns the finder that gave up on it, if one did."""
        finder, texts = self._waiting.popleft()
        if finder.search is None:
            return None
        began = monotonic()
        hits = limited(finder.search, texts)
        took = monotonic() - began
        if hits is not None:
            self._size = min(self._size * 2, MOST) if took < QUICK else max(self._size // 2, LEAST) if took > SLOW else self._size
            if hits:
                finder.count += len(hits)
                finder.line = hits[-1]
        elif len(texts) > 1:
            self._size = LEAST
            half = len(texts) // 2
            self._waiting.extendleft([(finder, texts[half:]), (finder, texts[:half])])
        else:
            finder.search = None
            return finder
        return None


def limited(search: "Callable[[bytes], object]", texts: "list[bytes]") -> "list[bytes] | None":
    """Return those of `texts` that are found; None if that takes more than LIMIT. The engine of `re` lets signals through now and then."""
    if _signal.getsignal(_signal.SIGVTALRM) is not _expired:
        _signal.signal(_signal.SIGVTALRM, _expired)
    try:
        _seeking.append(True)
        _signal.setitimer(_signal.ITIMER_VIRTUAL, LIMIT)
        return [text for text in texts if search(text)]
    except TooSlow:
        return None
    finally:
        _seeking.clear()  # one that is under way comes to nothing
        _signal.setitimer(_signal.ITIMER_VIRTUAL, 0)


_seeking: "list[bool]" = []


def _expired(*_: object) -> None:
    if _seeking:
        _seeking.clear()
        raise TooSlow
