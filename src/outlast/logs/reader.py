"""`RunLog`: the log of one run, read from the outside: records, lines or the command's own bytes, once or as they come.

Everything is read from what the shim leaves on disk (docs/shim-protocol.md); nobody needs to live for that, and nothing is
locked. Yields `Gap` where output is missing and `Torn` where bytes are no record, each in its place. Raises SystemFault if the
disk fails or the files may not be read; files that vanish while they are read are a gap.
"""

import os

from outlast.logs import cri, gaps
from outlast.logs.cri import STREAMS, Record, Torn
from outlast.logs.files import HOLES, Snapshot, in_order, name_of, walk
from outlast.logs.follow import Follower
from outlast.logs.gaps import Gap, in_time
from outlast.logs.lines import Joiner, Line, last_lines, read, sieve
from outlast.logs.seek import stretches
from outlast.logs.stretch import last_record, lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterator

    from outlast.logs.files import Stretch
    from outlast.logs.sift import Sift

    Alive = Callable[[], bool]
    Pause = Callable[[], object]


class RunLog:
    """The log beside the state file `path` of a run. Times are ns since the epoch, both ends included."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def items(
        self, *, streams: "Collection[str]" = STREAMS, since: int | None = None, until: int | None = None
    ) -> "Iterator[Record | Gap | Torn]":
        """Yield the records of `streams` from `since` to `until`, and what is missing, as the log is now."""
        snapshot = Snapshot(self.path)
        try:
            missing = in_order(gap for gap in snapshot.gaps if in_time(gap, since, until))
            parts = stretches(snapshot.files, since, until)
            yield from sieve(streams, since, until)(read(parts, missing, _sift(since, until)))
            yield from reversed(missing)
        finally:
            snapshot.close()

    def raw(self, streams: "Collection[str]" = STREAMS) -> "Iterator[bytes | Gap | Torn]":
        """Yield exactly what the command wrote to `streams`, in blocks, and gaps where some of it is missing."""
        snapshot = Snapshot(self.path)
        try:
            missing = in_order(snapshot.gaps)
            for part in walk(snapshot.all(), missing):
                if isinstance(part, Gap):
                    yield part
                else:
                    file, start, end = part
                    yield from cri.raw(lines(file.fd, start, end), file.start + start, streams)
            yield from reversed(missing)
        finally:
            snapshot.close()

    def lines(
        self,
        *,
        streams: "Collection[str]" = STREAMS,
        since: int | None = None,
        until: int | None = None,
        grep: "re.Pattern[bytes] | None" = None,
        last: int | None = None,
        between: "Callable[[], object]" = lambda: None,
    ) -> "Iterator[Line | Gap | Torn]":
        """Yield lines in the order in which they end, those in which `grep` finds something, the last `last` of them only.

        `between` is called now and then while `grep` finds nothing.
        """
        snapshot = Snapshot(self.path)
        try:
            missing = in_order(gap for gap in snapshot.gaps if in_time(gap, since, until))
            parts, keep, joiner = stretches(snapshot.files, since, until), sieve(streams, since, until), Joiner(grep)
            if last is not None:
                yield from last_lines(parts, missing, last, keep, joiner, _sift(since, until, joiner, between), more=False)
                return
            yield from _told(joiner.join(keep(read(parts, missing, _sift(since, until, joiner, between)))))
            yield from _told(joiner.join(reversed(missing)))
            yield from _told(joiner.finish())
        finally:
            snapshot.close()

    def follow(
        self,
        alive: "Alive",
        pause: "Pause",
        *,
        streams: "Collection[str]" = STREAMS,
        since: int | None = None,
        until: int | None = None,
    ) -> "Iterator[Record | Gap | Torn]":
        """Yield what `items` does and then what comes, until `alive()` is false and all has been told; calls `pause()` to wait."""
        follower, parts, missing = self._attach(since, until)
        try:
            keep = sieve(streams, since, until)
            yield from keep(read(parts, missing, _sift(since, until)))
            yield from reversed(missing)
            for item in _appended(follower, alive, pause):
                if item is not None:
                    yield from keep([item])
        finally:
            follower.close()

    def follow_lines(
        self,
        alive: "Alive",
        pause: "Pause",
        *,
        streams: "Collection[str]" = STREAMS,
        since: int | None = None,
        until: int | None = None,
        grep: "re.Pattern[bytes] | None" = None,
        last: int | None = None,
    ) -> "Iterator[Line | Gap | Torn]":
        """Yield what `lines` does and then what comes, as `follow`. Without `grep` an unfinished line is shown before each pause."""
        follower, parts, missing = self._attach(since, until)
        try:
            keep, joiner = sieve(streams, since, until), Joiner(grep)
            if last is None:
                yield from _told(joiner.join(keep(read(parts, missing, _sift(since, until)))))
                yield from _told(joiner.join(reversed(missing)))
            else:
                yield from last_lines(parts, missing, last, keep, joiner, more=True)
            for item in _appended(follower, alive, pause):
                yield from _told(joiner.join([None] if item is None else keep([item])))
            yield from _told(joiner.finish())
        finally:
            follower.close()

    def _attach(self, since: int | None, until: int | None) -> "tuple[Follower, list[Stretch], list[Gap]]":
        """Return who tells what comes, and what is there before that: whole lines only, and gaps before their end."""
        snapshot = Snapshot(self.path)
        follower = Follower(snapshot)
        parts = stretches(snapshot.files, since, until)
        if parts and parts[-1][0] is snapshot.files[-1]:
            file, start, end = parts[-1]
            parts[-1] = (file, start, min(end, follower.at))
        told = (gap for index, gap in enumerate(snapshot.gaps) if gap.log or index in follower.told)
        return follower, parts, in_order(gap for gap in told if in_time(gap, since, until))

    def missing_tail(self, length: int) -> Gap | None:
        """Return what the machine took with it when it went down: `length` is the result's `log`. None if all is there."""
        snapshot = Snapshot(self.path)
        try:
            if length <= snapshot.end:
                return None
            last = None
            if snapshot.files and snapshot.files[-1].reopen():
                last = last_record(snapshot.files[-1].fd, snapshot.files[-1].size)
            at = 0 if last is None else last.at
            return Gap(offset=snapshot.end, bytes=None, log=length - snapshot.end, since=at, until=at, reason=gaps.LOST_WITH_MACHINE)
        finally:
            snapshot.close()

    def size(self) -> int:
        """Return how many bytes the log's files and its gaps file hold; 0 if there are none."""
        total, number, misses = _size(f"{self.path}.gaps"), 0, 0
        while misses < HOLES:
            held = _size(name_of(self.path, number))
            misses = 0 if held else misses + 1
            total += held
            number += 1
        return total


def _sift(
    since: int | None, until: int | None, joiner: Joiner | None = None, between: "Callable[[], object] | None" = None
) -> "Sift | None":
    grep = None if joiner is None else joiner.grep
    if since is None and until is None and grep is None:
        return None
    from outlast.logs.sift import Sift

    return Sift(since, until) if joiner is None or between is None else Sift(since, until, grep, joiner.is_amid, between)


def _size(name: str) -> int:
    try:
        return os.stat(name).st_size
    except OSError:
        return 0


def _appended(follower: Follower, alive: "Alive", pause: "Pause") -> "Iterator[Record | Gap | Torn | None]":
    for part in follower.batches(alive, pause):
        if part is None or isinstance(part, Gap):
            yield part
        else:
            position, batch = part
            yield from cri.records([batch], position)


def _told(items: "Iterator[Line | Gap | Torn | None]") -> "Iterator[Line | Gap | Torn]":
    for item in items:
        if item is not None:
            yield item
