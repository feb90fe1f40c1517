"""Recording what was found out: a run's start, and its end with what follows it.

The end is written in the same commit as the claims that it makes room for. If the commit fails, the facts are still in the
state files and everything is found out again.
"""

import os

from outlast.core import events as e
from outlast.core.errors import Stale
from outlast.core.job import ENDED, NOT_STARTED, SUCCEEDED, Ending, Job
from outlast.core.retries import after_run
from outlast.seams import chance, failpoint
from outlast.supervisor.context import Context, LiveRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.supervisor.observer import Observer
    from outlast.supervisor.reports import Reports
    from outlast.supervisor.stopper import Stopper
    from outlast.supervisor.watcher import Watcher


class Collector:
    """Records starts and ends of runs."""

    __slots__ = ("_context", "_observer", "_stopper", "_watcher", "reports", "retried", "started")

    def __init__(self, context: Context, watcher: "Watcher", stopper: "Stopper", reports: "Reports", observer: "Observer") -> None:
        """`watcher` knows how a run ended, `reports` what it reported; `stopper` and `observer`, whether they are still busy with it."""
        self._context = context
        self._watcher = watcher
        self._stopper = stopper
        self.reports = reports
        self._observer = observer
        self.started = 0  # starts that the last `run_once` recorded
        self.retried = 0  # jobs that it made wait for another run

    def run_once(self, at: int) -> "list[LiveRun]":
        """Record all starts and ends that are known, within the current transaction. Returns the runs that are over."""
        ended = []
        self.started = self.retried = 0
        self.reports.run_once()
        for live in list(self._context.runs.values()):
            if live.id not in self._context.hopeless:
                with self._context.of(live.id):
                    if self._look_at(live, at):
                        ended.append(live)
        return ended

    def _look_at(self, live: LiveRun, at: int) -> bool:
        """Record what is known of a run and not recorded yet. Tells whether it is over."""
        if live.over and not self._stopper.holds(live):
            ending = live.ending or self._watcher.end_of(live)
            busy = ending is None or self._stopper.ends_leftovers(live, ending) or self._observer.holds(live, ending)
            if ending is not None and not busy:
                told = self.reports.of(live, ending)
                if told is None:
                    live.ending = ending  # until its feedback is read
                    return False
                self._record_end(live, told, at)
                return True
        notes, live.notes = live.notes, []
        if notes or (not live.started and live.told is not None):
            self._record(live, [*notes, *self._start_of(live)], at)
        return False

    def _start_of(self, live: LiveRun) -> "list[e.AnyEvent]":
        """Return the event of the run's start, unless it is recorded or not known."""
        told = live.told
        if told is None or live.started:
            return []
        failpoint("started.before-commit")
        live.started = True
        self.started += 1
        return [e.Started(run=live.run.run, pid=told["pid"], pid_start=told["start"], pidns=told["pidns"], started_at=told["at"])]

    def _record_end(self, live: LiveRun, ending: Ending, at: int) -> None:
        events: list[e.AnyEvent] = [*live.notes]
        if ending.outcome != NOT_STARTED:  # else there was a process, but never the command
            events += self._start_of(live)
        if live.unrestored:
            text = f"could not be restored for the command: {', '.join(live.unrestored)}"
            events.append(e.Noted(text=text, data={"unrestored": live.unrestored}))
        for stream, error in zip(("stdout", "stderr"), live.passed, strict=False):
            if error:
                text = f"{stream} could not be passed on to the client in front: {os.strerror(error)}"
                events.append(e.Noted(text=text, data={"stream": stream, "errno": error}))
        if ending.progress is None and ending.outcome != SUCCEEDED and (ending.stdout != 0 or ending.stderr != 0):
            ending = ending.replace(progress=_reached(live))
        failpoint("record.before-commit")
        if self._record(live, events, at, ending).status == ENDED:
            self._context.store.forget_front(live.id)
        else:
            self.retried += 1

    def _record(self, live: LiveRun, events: "list[e.AnyEvent]", at: int, ending: Ending | None = None) -> Job:
        """Record `events` and what follows `ending` on the job as it is: somebody's wish may have changed it meanwhile."""
        store = self._context.store
        for _ in range(2):
            last: list[e.AnyEvent] = (
                [] if ending is None else [after_run(live.job, ending, at, stopped=live.stopped, left=live.left, chance=chance())]
            )
            try:
                live.job = store.record_all(live.job, [*events, *last], at)
            except Stale:
                found = store.job(live.id)
                if found is None:
                    break
                live.job = found
            else:
                return live.job
        raise Stale(f"job {live.id} changes within our own transaction")


def _reached(live: LiveRun) -> "dict[str, Any] | None":
    """Return how far a run was by the end of its output, for the time when that is pruned; nobody asks it of one that succeeded."""
    from outlast.core.progress import as_progress
    from outlast.logs.newest import NEAR, newest

    found = newest(live.path, live.job.spec, over=True, most=NEAR).found
    return None if found is None else as_progress(found)
