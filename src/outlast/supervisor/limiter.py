"""The time limits of runs: each that has any is looked at when the next of them may be reached, and not in between.

A run's clock is the kernel's clock since boot, of which the start of its command is a tick: no jump of the wall clock ends anybody.
A heartbeat and output are seen by their files' times, and silence is never taken for longer than we have seen it last.
"""

import os
import stat

from outlast.core import events as e
from outlast.core.job import RUNNING
from outlast.core.options import value
from outlast.core.signals import signal_name
from outlast.core.timeouts import HEARTBEAT, OUTPUT, Clocks, next_look, reached
from outlast.processes.tree import signal_members
from outlast.seams import boottime, failpoint, now
from outlast.supervisor.context import Context, LiveRun
from outlast.supervisor.reports import path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.processes.tree import Target

_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_WATCHED = (HEARTBEAT, OUTPUT)
LATER = 1_000_000  # a look is no use before the clock has gone on
MOST = 3600_000_000_000  # of one wait: the wall clock may jump, and timeout.job is by that


class Clock:
    """What is known of one run's time."""

    __slots__ = ("at", "serial", "silent_since", "times")

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self.serial = 0  # of the last timer: earlier ones are void
        self.at = 0  # when its files were last looked at (ns since boot)
        self.times: dict[str, int] = {}  # of its files, as last seen
        self.silent_since: dict[str, int] = {}  # ns since boot


class Limiter:
    """Sees to it that runs keep to their time."""

    __slots__ = ("_context", "_reached", "_target")

    def __init__(self, context: Context, target: "Callable[[LiveRun], Target]") -> None:
        """`target` tells which processes a run has."""
        self._context = context
        self._target = target
        self._reached: list[LiveRun] = []

    def began(self, live: LiveRun) -> None:
        """Look after a run whose command is known to have begun; it may have begun long ago."""
        if live.run.limits is None or live.clock is not None:
            return
        live.clock = Clock()
        self._look(live)

    def resumed(self, live: LiveRun) -> None:
        """Go on with a run that was paused: what was silent meanwhile is counted anew."""
        if live.clock is not None:
            live.clock.silent_since = dict.fromkeys(live.clock.silent_since, boottime())
            self._look(live)

    def _look(self, live: LiveRun) -> None:
        """Have what was reached recorded in the next commit, and look again when there may be more."""
        if live.over or live.job.paused or self._context.runs.get(live.id) is not live or live.run.limits is None:
            return
        clocks = self._clocks(live)
        if reached(live.job, live.run.limits, clocks):
            self._reached.append(live)
            self._context.touch()
            return
        wait = next_look(live.job, live.run.limits, clocks)
        if wait is not None:
            self._look_after(live, min(wait, MOST) + LATER)

    def _look_after(self, live: LiveRun, delay: int) -> None:
        """Look again after `delay`; an earlier timer of the run is void by that."""
        clock = live.clock
        if clock is not None:
            clock.serial += 1
            serial = clock.serial
            self._context.loop.call_after(delay, lambda: self._look(live) if clock.serial == serial else None)

    def _clocks(self, live: LiveRun) -> Clocks:
        at, job, limits = boottime(), live.job, live.run.limits or {}
        began = ((live.command_start or 0) + 1) * _TICK  # the kernel tells the tick that was begun: nobody is ended before its time
        paused = job.paused_for - limits.get("paused_before", 0)
        run = max(at - began - paused, 0)
        whole = value(job.spec, "timeout.job")
        left = None if whole is None else job.created_at + job.paused_for + whole - now()
        silent = {what: self._silence(live, what, at, began) for what in _WATCHED if f"timeout.{what}" in job.spec or
                  f"timeout.soft.{what}" in job.spec}  # fmt: skip
        if live.clock is not None:
            live.clock.at = at
        return Clocks(run=run, job_left=left, **silent)

    def _silence(self, live: LiveRun, what: str, at: int, began: int) -> int:
        """Return for how long (ns) nothing was seen of the run: since it began, or since its file was last changed."""
        clock = live.clock
        if clock is None:
            return 0
        since = clock.silent_since.setdefault(what, began)
        changed = max(map(_changed, _files(live, what)))
        if changed != clock.times.get(what, 0):
            clock.times[what] = changed
            since = max(at - max(now() - changed, 0), clock.at, since)  # it changed since we last looked, whatever the wall clock says
            clock.silent_since[what] = since
        return max(at - since, 0)

    def run_once(self, at: int) -> int:
        """Record what was reached, within the current transaction. Returns how many runs that was."""
        found, self._reached = self._reached, []
        for live in found:
            if not live.over and self._context.runs.get(live.id) is live and live.id not in self._context.bad:
                with self._context.of(live.id):
                    self._record(live, at)
        return len(found)

    def _record(self, live: LiveRun, at: int) -> None:
        job = self._context.store.job(live.id)
        if live.run.limits is not None and job is not None and job.status == RUNNING and job.run == live.run.run:
            live.job = job
            events: list[e.AnyEvent] = [*reached(job, live.run.limits, self._clocks(live))]
            signals = [event for event in events if isinstance(event, e.Signalled)]
            for event in signals:
                text = f"{signal_name(event.signal)} was sent before its time is over"
                events.append(e.Warned(warning="timeout.warn-signal", text=text, run=job.run))
                live.to_warn = event.signal
            failpoint("limit.before")
            live.job = self._context.store.record_all(job, events, at)
            self._look_after(live, LATER)

    def committed(self) -> None:
        """Send the warnings that are durable now."""
        for live in self._context.runs.values():
            if live.to_warn:
                number, live.to_warn = live.to_warn, 0
                signal_members(self._target(live), self._context.spare(), number)


def _files(live: LiveRun, what: str) -> "tuple[str, ...]":
    """Return the files whose change shows that a run is not silent."""
    return (path_of(live),) if what == HEARTBEAT else (f"{live.path}.log", f"{live.path}.gaps")


def _changed(path: str) -> int:
    """Return when a plain file was changed last (ns); 0: there is none."""
    try:
        told = os.stat(path)
    except OSError:
        return 0
    return told.st_mtime_ns if stat.S_ISREG(told.st_mode) else 0
