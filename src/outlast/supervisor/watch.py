"""What one run is watched for beside its time: its output, files that grow, free space. Read and searched in slices.

How far was looked, with the counts up to there, lies in a file of its own: a cache, replaced now and then. Both belong together,
so a next supervisor counts the rest and comes to the same numbers, whatever of it was told already.
"""

import os

from outlast.conditions.mounts import is_remote
from outlast.core.durations import format_duration
from outlast.core.events import Noted
from outlast.core.jsontext import dumps, loads
from outlast.core.sizes import format_size
from outlast.core.warnings import FILE, OF_LINES, OF_SPACE, OUTPUT, SPACE, interval, is_due, of_match, of_space, told_of, wanted_of
from outlast.logs.files import Snapshot
from outlast.logs.follow import Follower
from outlast.logs.gaps import Gap
from outlast.logs.pieces import Pieces
from outlast.logs.tail import Tail
from outlast.seams import failpoint, monotonic
from outlast.supervisor.seeking import LIMIT, Finder, Units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.events import AnyEvent
    from outlast.core.job import Ending, Job
    from outlast.core.warnings import Wanted
    from outlast.supervisor.context import LiveRun

SAVE = OF_LINES  # between two times that the place is kept, while there is much to read


class Source:
    """Lines from somewhere, and what is looked for in them. `kept`: the place and the counts that belong together, for JSON."""

    __slots__ = ("finders", "kept", "units", "unseen")

    def __init__(self, finders: "list[Finder]", kept: "dict[str, Any]") -> None:
        self.finders = finders
        self.units = Units(finders)
        self.kept = kept
        self.unseen = 0  # bytes that were gone before they could be looked at

    def step(self, *, last: bool) -> str | None:
        """Read or search a little. Returns what a person should know of it, mostly nothing; None: there is no more now."""
        said = ""
        if len(self.units):
            finder = self.units.search_one()
            if finder is not None:
                what = f"`{finder.wanted.word[:80]}` takes more than {format_duration(int(LIMIT * 1e9))} for one line"
                said = f"--{finder.wanted.option}: {what}: it is not looked for any longer in this run"
        else:
            texts = self.read(last=last)
            if texts is None:
                return None
            self.units.add(texts)
        if not len(self.units) and self.is_settled():
            self.kept = {**self.place(), "counts": [finder.count for finder in self.finders]}
        return said

    def read(self, *, last: bool) -> "list[bytes] | None":
        """Return the next lines; None: there are no more now."""
        raise NotImplementedError

    def place(self) -> "dict[str, Any]":
        """Return how far was read."""
        raise NotImplementedError

    def is_settled(self) -> bool:
        """Tell whether going on from that place would miss nothing and count nothing twice."""
        return True

    def close(self) -> None:
        """Let go of the files."""


class Output(Source):
    """The run's own log."""

    __slots__ = ("_follower", "_last", "_parts", "_path", "_pieces", "_since")

    def __init__(self, finders: "list[Finder]", path: str, known: "Mapping[str, Any] | None") -> None:
        """`path`: of the run's files."""
        super().__init__(finders, dict(known or {"at": 0, "unseen": 0, "counts": [0] * len(finders)}))
        self._path = path
        self._since: int = self.kept["at"]
        self.unseen = self.kept["unseen"]
        self._last = False
        self._follower: Follower | None = None

    def read(self, *, last: bool) -> "list[bytes] | None":
        """Return the next lines of the output; what was removed before we came to it is counted as unseen."""
        self._last = last
        if self._follower is None:
            self._follower = Follower(Snapshot(self._path), self._since)
            self.unseen += self._follower.skipped
            self._pieces = Pieces(max(self._follower.place, self._since))
            self._parts = self._follower.batches(lambda: not self._last, lambda: None)
        try:
            part = next(self._parts)
        except StopIteration:
            return self._pieces.finish() or None
        if part is None:
            return None
        if isinstance(part, Gap):
            self.unseen += part.log if part.bytes is None else part.bytes
            return self._pieces.finish(part.offset + part.log if part.log else 0)
        return self._pieces.add(*part)

    def place(self) -> "dict[str, Any]":
        """Return how far was read."""
        return {"at": self._pieces.settled, "unseen": self.unseen}

    def is_settled(self) -> bool:
        """Tell whether no line is unfinished."""
        return self._pieces.is_settled

    def left(self, ending: "Ending | None") -> int:
        """Return about how much of the output was not read, given how the run ended."""
        if ending is None or not ending.log:
            return 0
        unread = max(ending.log - (0 if self._follower is None else self._follower.place), 0)
        return unread * ((ending.stdout or 0) + (ending.stderr or 0)) // ending.log

    def close(self) -> None:
        """Let go of the files."""
        if self._follower is not None:
            self._follower.close()


class File(Source):
    """A file that somebody writes."""

    __slots__ = ("tail",)

    def __init__(self, finders: "list[Finder]", path: str, known: "Mapping[str, Any] | None") -> None:
        """Open it if it is there. Without `known` what is in it now was there before."""
        self.tail = Tail(path, known)
        super().__init__(finders, dict(known or {**self.tail.place(), "counts": [0] * len(finders)}))

    def read(self, *, last: bool) -> "list[bytes] | None":
        """Return the next lines of it."""
        return self.tail.read(last=last)

    def place(self) -> "dict[str, Any]":
        """Return how far was read."""
        return self.tail.place()

    def close(self) -> None:
        """Let go of it."""
        self.tail.close()


class Watch:
    """All that is watched of one run. `last`: its command is over; `done`: everything was looked at."""

    __slots__ = (
        "_kept",
        "_path",
        "_said",
        "_saved_at",
        "_space",
        "_space_at",
        "_warned",
        "closed",
        "done",
        "every",
        "last",
        "ending",
        "live",
        "sources",
        "until",
    )

    def __init__(self, live: "LiveRun", folder: str) -> None:
        """Begin to watch, before its command starts; or go on where an earlier supervisor left off, by what it kept in `folder`."""
        job = live.job
        self.live = live
        self.last = self.done = self.closed = False
        self.until = 0  # when the last look is given up
        self.ending: Ending | None = None  # once it is known
        self._path = f"{folder}/{live.id}.{live.run.run}"
        self._said: set[str] = set()
        self._saved_at = self._space_at = 0
        known = _load(self._path)
        self._kept = known
        wanted = wanted_of(job.spec)
        self.sources: list[Output | File] = []
        lines = [one for one in wanted if one.option == OUTPUT]
        if lines:
            told = known["output"] if known else None
            self.sources.append(Output(_finders(lines, job, told), live.path, told))
        by_path: dict[str, list[Wanted]] = {}
        for one in wanted:
            if one.option == FILE and not self._is_remote(one):
                by_path.setdefault(os.path.join(job.cwd, one.path), []).append(one)
        for path, some in by_path.items():
            told = known["files"].get(path) if known else None
            self.sources.append(File(_finders(some, job, told), path, told))
        self._space = [one for one in wanted if one.option == SPACE and not self._is_remote(one)]
        self._warned = {one.name for one in self._space if (told_of(job, one.name) or {"over_at": 0}).get("over_at") is None}
        often = [interval(job.spec, OF_LINES)] if self.sources else []
        self.every = min([*often, interval(job.spec, OF_SPACE)])
        if known is None and by_path and live.run.started_at is not None:
            self.note("nothing tells how far its files were looked at: what they hold by now is not looked at")

    def _is_remote(self, one: "Wanted") -> bool:
        found = is_remote(os.path.join(self.live.job.cwd, one.path))
        if found:
            self.note(
                f"--{one.option}: `{one.word[:80]}` lies on a file system that may keep outlast waiting for ever: it is not looked at"
            )
        return found

    def note(self, text: str) -> None:
        """Have something said in the job's history, once."""
        if text not in self._said:
            self._said.add(text)
            self.live.notes.append(Noted(text=text, data={"run": self.live.run.run}))

    def step(self) -> bool:
        """Do a little of the work, each time for another one of the sources. False: there is no more now."""
        for _ in range(len(self.sources)):
            source = self.sources.pop(0)
            self.sources.append(source)
            said = source.step(last=self.last)
            if said:
                self.note(said)
            if isinstance(source, File) and source.tail.trouble:
                self.note(f"--{FILE}: {source.tail.path} cannot be looked at: {source.tail.trouble}")
            if said is not None:
                return True
        return False

    def look_at_space(self) -> "list[AnyEvent]":
        """Return what has changed about free space, if it is time to look."""
        job = self.live.job
        events: list[AnyEvent] = []
        at = monotonic()
        if not self._space or self.last or at < self._space_at:
            return []
        self._space_at = at + interval(job.spec, OF_SPACE)
        for one in self._space:
            path = os.path.join(job.cwd, one.path) if one.path else job.cwd
            try:
                told = os.statvfs(path)
            except OSError as error:
                self.note(f"--{SPACE}: {path} cannot be looked at: {error.strerror}")
                continue
            event = of_space(one, job.run, path, told.f_bavail * told.f_frsize, warned=one.name in self._warned)
            if event is not None:
                self._warned ^= {one.name}
                events.append(event)
        return events

    def news(self) -> "list[AnyEvent]":
        """Return the events that the counts are worth by now."""
        events: list[AnyEvent] = []
        for source in self.sources:
            for finder in source.finders:
                if is_due(finder.count, finder.told, last=self.done):
                    finder.told = finder.count
                    events.append(of_match(finder.wanted, self.live.run.run, finder.count, finder.line, source.unseen))
        return events

    def finish(self, *, given_up: bool) -> None:
        """Say what was not looked at."""
        self.done = True
        for source in self.sources:
            if isinstance(source, Output):
                unseen = source.unseen + (source.left(self.ending) if given_up else 0)
                if unseen:
                    self.note(f"about {format_size(unseen)} of the output of run {self.live.run.run} could not be looked at for warnings")
            elif given_up:
                self.note(f"--{FILE}: the end of {source.tail.path} was not looked at: it grew faster than it could be read")
            elif not source.tail.was_there and not source.tail.trouble:
                self.note(f"--{FILE}: {source.tail.path} was never there while run {self.live.run.run} ran")

    def save(self, *, now: bool) -> None:
        """Keep how far was looked, if that has changed; unless `now`, only if the last time was long enough ago."""
        at = monotonic()
        if not now and at < self._saved_at + SAVE:
            return
        self._saved_at = at
        kept: dict[str, Any] = {"output": None, "files": {}}
        for source in self.sources:
            if isinstance(source, Output):
                kept["output"] = source.kept
            else:
                kept["files"][source.tail.path] = source.kept
        if kept == self._kept or not self.sources:
            return
        failpoint("watch.before-save")
        try:
            with open(f"{self._path}.new", "wb", buffering=0) as file:
                file.write(dumps(kept).encode())
            os.replace(f"{self._path}.new", self._path)
        except OSError:
            return  # a full disk ends nobody's job: the next supervisor counts more of it again
        failpoint("watch.after-save")
        self._kept = kept

    def close(self) -> None:
        """Look no more."""
        self.closed = True
        for source in self.sources:
            source.close()


def _finders(wanted: "list[Wanted]", job: "Job", known: "Mapping[str, Any] | None") -> "list[Finder]":
    counts = known["counts"] if known else [0] * len(wanted)
    return [Finder(one, count, (told_of(job, one.name) or {"count": 0})["count"]) for one, count in zip(wanted, counts, strict=True)]


def _load(path: str) -> "Mapping[str, Any] | None":
    """Return what was kept; None if nothing was, or it cannot be used: then everything is counted again."""
    try:
        with open(path, "rb", buffering=0) as file:
            known: Mapping[str, Any] = loads(file.read().decode())
        numbers: list[Any] = []
        for told in filter(None, [known["output"], *known["files"].values()]):
            numbers += [told["at"], *told["counts"]]
            numbers += [told["device"], told["inode"], *bytes.fromhex(told["mark"])] if told is not known["output"] else [told["unseen"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return known if all(isinstance(number, int) for number in numbers) else None
