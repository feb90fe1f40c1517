"""What runs reported of themselves: read to its end when they are over, put into their record, and the file removed after the commit.

A small file is read at once. A large one is read between the cycles, a piece at a time, and the end of its run is recorded when that is
through. Only what a run has made itself is removed, and only a plain file of ours. That it is to be removed is part of the record:
should we be killed in between, the next supervisor does it.
"""

import os
import stat
from _functools import partial  # type: ignore[import-not-found]  # `functools` costs 2 ms

from outlast.core import feedback as f
from outlast.core.events import Noted
from outlast.logs.feedback import CACHE_SUFFIX, SUFFIX, WORTH_KEEPING, Reader, look, mark_at_claim, reader_of
from outlast.seams import failpoint
from outlast.store.spent import Spent, forget, spend, spent
from outlast.supervisor.context import Context, LiveRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.job import Ending, Job
    from outlast.logs.feedback import Mark

AT_ONCE = 1 << 17  # bytes of one file that are read within a cycle, while others wait for the database
IN_ALL = 1 << 20  # likewise, of all files
PIECE = 1 << 18  # bytes between two cycles: some 5 ms
MOST = 4 << 30  # bytes in all: of more, as of a sparse file, the end is enough
COARSE = 1_000_000_000  # by how much a file's time may be behind the clock
MOST_RESTARTS = 3  # of a file that is cut off again and again while it is read


def path_of(live: LiveRun) -> str:
    """Return the path of a run's feedback file."""
    return f.path_of(live.job.spec, live.job.cwd, live.id, live.path + SUFFIX)


class Reading:
    """A feedback file that is read for the last time."""

    __slots__ = ("busy", "left", "path", "reader", "through", "until", "whole")

    def __init__(self, path: str, reader: Reader, until: int) -> None:
        """`until`: its size; what a process that the run left behind may still write is of no concern."""
        self.path = path
        self.reader = reader
        self.until = until
        self.left = MOST
        self.through = False
        self.whole = False  # nothing was left out
        self.busy = False  # a call for its next piece is due

    def go_on(self, most: int) -> None:
        """Read up to `most` bytes."""
        self.whole = self.reader.read(self.path, most, self.until)
        self.left -= most
        self.through = self.whole or self.reader.restarts > MOST_RESTARTS or self.left <= 0
        if self.through and not self.whole:
            self.reader.parser = self.reader.latest(self.path)


class Reports:
    """Sees to the feedback of runs that are over."""

    __slots__ = ("_caches", "_context", "_forgotten", "_left", "_removed", "_swept", "_to_remove")

    def __init__(self, context: Context) -> None:
        """See the module."""
        self._context = context
        self._to_remove: dict[str, Spent] = {}  # once the present transaction is durable
        self._removed: list[str] = []  # and the record still says that they are to be
        self._forgotten: list[str] = []  # likewise, if the present transaction fails
        self._caches: list[str] = []  # of no use once the present transaction is durable
        self._left = IN_ALL  # bytes that may be read in this cycle
        self._swept = False  # what a supervisor before us left is removed

    def mark(self, job: "Job") -> "Mark | None":
        """Return where the feedback of the job's next run begins; None: there is no such file yet. For jobs that name their file."""
        path = f.path_of(job.spec, job.cwd, job.id, "")
        return None if path in self._to_remove else mark_at_claim(path)

    def run_once(self) -> None:
        """Forget what is removed, within the current transaction; at first, remove what a supervisor before us was to remove."""
        if not self._swept:
            self._swept = True
            for file in spent(self._context.store):
                self._remove(file, unchanged=True)
        if self._removed:
            forget(self._context.store, self._removed)
            self._forgotten += self._removed
            self._removed = []

    def of(self, live: LiveRun, ending: "Ending") -> "Ending | None":
        """Return how a run ended with what it reported at last, within the current transaction; None: it is still being read."""
        reading = live.report
        if reading is None:
            path = path_of(live)
            told = look(path)
            if told is None:
                return ending
            since = (live.run.limits or {}).get("feedback")
            reader = reader_of(path, live.path + CACHE_SUFFIX, since)
            if reader is None:
                return ending
            reading = live.report = Reading(path, reader, told.st_size)
            most = min(AT_ONCE, self._left)
            reading.go_on(most)
            self._left -= min(told.st_size, most)
        if not reading.through:
            if not reading.busy:
                reading.busy = True
                self._context.loop.call_after(0, partial(self._go_on, live, reading))
            return None
        return self._with(live, reading, ending)

    def _go_on(self, live: LiveRun, reading: Reading) -> None:
        """Read the next piece; have the end recorded after the last one."""
        if self._context.runs.get(live.id) is not live:
            return  # everything was found out anew meanwhile
        reading.go_on(PIECE)
        if reading.through:
            self._context.touch()
        else:
            self._context.loop.call_after(0, partial(self._go_on, live, reading))

    def _with(self, live: LiveRun, reading: Reading, ending: "Ending") -> "Ending":
        reader = reading.reader
        reader.parser.finish()
        faults, facts = reader.parser.faults, reader.parser.facts
        if reader.error is not None:
            text = f"its feedback could not be read: {os.strerror(reader.error.errno or 0)} ({reading.path})"
            live.notes.append(Noted(text=text, data={"errno": reader.error.errno}))
        if not reading.whole:
            text = f"its feedback could not be read in full ({reader.size} bytes): what its end says is recorded, and what was read before"
            live.notes.append(Noted(text=text, data={"size": reader.size}))
        if faults:
            text = f"in its feedback: {f.sentence(faults, more=reader.parser.more_faults)}"
            live.notes.append(Noted(text=text, data={"feedback": faults}))
        if reader.size >= WORTH_KEEPING:
            self._caches.append(live.path + CACHE_SUFFIX)
        if reader.error is None and reader.identity is not None and self._made_it(live, reader.changed or 0):
            identity = _identity(reading.path)
            if identity is not None and identity.startswith("{}:{}:".format(*reader.identity)):
                file = Spent(path=reading.path, job=live.id, run=live.run.run, identity=identity)
                spend(self._context.store, file)
                self._to_remove[file.path] = file
        return ending.replace(feedback=facts, progress=f.progress(facts) or ending.progress) if facts else ending

    def _made_it(self, live: LiveRun, changed: int) -> bool:
        """Tell whether there was nothing at the place of the file before the run, and it was not moved there from somewhere else."""
        if not f.is_elsewhere(live.job.spec):
            return True
        limits = live.run.limits or {}
        return "feedback" in limits and limits["feedback"] is None and changed > live.run.claimed_at - COARSE

    def committed(self) -> None:
        """Remove what the record has by now."""
        self._left = IN_ALL
        self._forgotten = []
        caches, self._caches = self._caches, []
        for cache in caches:
            _unlink(cache)
        if not self._to_remove:
            return
        files, self._to_remove = self._to_remove, {}
        failpoint("feedback.before-remove")
        for file in files.values():
            self._remove(file, unchanged=False)
        failpoint("feedback.after-remove")

    def _remove(self, file: Spent, *, unchanged: bool) -> None:
        """Remove a file that is still the same; `unchanged`: and only if nobody wrote to it since."""
        identity = _identity(file.path)
        if identity is not None and (identity == file.identity or (not unchanged and _same(identity, file.identity))):
            try:
                os.unlink(file.path)
            except OSError as error:
                self._context.log(f"job {file.job}: {file.path} could not be removed: {os.strerror(error.errno or 0)}")
        if unchanged:  # else its cache is removed already
            _unlink(self._context.home.run_path(file.job, file.run) + CACHE_SUFFIX)
        self._removed.append(file.path)

    def drop(self) -> None:
        """Forget what the failed transaction would have made durable."""
        self._to_remove.clear()
        self._caches.clear()
        self._removed += self._forgotten
        self._forgotten, self._left = [], IN_ALL


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # nobody has made it


def _same(one: str, other: str) -> bool:
    return one.split(":")[:2] == other.split(":")[:2]


def _identity(path: str) -> str | None:
    """Return what tells that a file is still the same and unchanged; None unless it is a plain file of ours."""
    try:
        told = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(told.st_mode) or told.st_uid != os.geteuid():
        return None
    return f"{told.st_dev}:{told.st_ino}:{told.st_size}:{told.st_mtime_ns}"
