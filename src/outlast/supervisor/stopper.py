"""Ending what somebody wants to be ended: waiting jobs at once, running ones by the ladder of `processes.stopping`.

That signals are about to be sent is recorded before they are: a run that ends after that was stopped by us, also if a
later supervisor is the one to find out.
"""

from _functools import partial  # type: ignore[import-not-found]  # `functools` costs 2 ms

from outlast.core import events as e
from outlast.core.job import KILL, RUNNING, Ending
from outlast.core.options import value
from outlast.core.policies import without_run
from outlast.executors import state
from outlast.executors.local import mark
from outlast.processes.identity import Identity
from outlast.processes.stopping import Stopping
from outlast.processes.tree import Target
from outlast.seams import failpoint, monotonic
from outlast.supervisor.context import Context, LiveRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOON = 10_000_000
SIGKILL = 9


class Stopper:
    """Serves stop, interrupt and kill."""

    __slots__ = ("_begun", "_context")

    def __init__(self, context: Context) -> None:
        """See the module."""
        self._context = context
        self._begun: list[LiveRun] = []

    def run_once(self, at: int, *, wished: bool = True) -> int:
        """Serve all wishes that are new, within the current transaction. Returns how many jobs ended without a run.

        `wished`: there is a wish at all.
        """
        store = self._context.store
        ended = 0
        for number in store.to_stop() if wished else ():
            if number not in self._context.hopeless:
                with self._context.of(number):
                    ended += self._see_to(number, at)
        for live in self._context.runs.values():
            if live.leftovers_due and live.stopping is None and not live.over:
                self._begin_leftovers(live)
        return ended

    def _see_to(self, number: int, at: int) -> bool:
        """Serve the wish of one job, if it is new. Tells whether it ended by that, without a run."""
        store = self._context.store
        job = store.job(number)
        if job is None or job.stop_requested is None:
            return False
        if job.status != RUNNING:
            store.record(job, without_run(job), at)
            store.forget_front(number)
            return True
        live = self._context.runs.get(number)
        if live is not None and live.wish_at != job.stop_requested["at"]:
            live.job = job
            self._serve(live, job.stop_requested, at)
        return False

    def _serve(self, live: LiveRun, wish: "dict[str, Any]", at: int) -> None:
        if self._is_past(live, wish):
            live.wish_at = wish["at"]
            return
        if live.command_pid is None or live.command_start is None:
            told = state.to_record(self._context.home, live.run)
            if live.lock < 0 and (told.locked or told.started or told.result):
                self._context.loop.call_after(SOON, self._context.touch)  # signals only when the watcher has seen `started`
                return
            instead = without_run(live.job)  # nobody but us could start it
            live.ending = Ending(outcome=instead.outcome, reason=instead.reason, ended_at=at)
            live.over = True
            return
        live.wish_at = wish["at"]
        spec = live.job.spec
        number = wish["signal"] or value(spec, "stop.signal")
        grace = wish["grace"] if wish["grace"] is not None else value(spec, "stop.grace")
        at_once = wish["verb"] == KILL and wish["signal"] is None
        if live.stopping is not None:
            live.stopped = (live.stopped or 0) + live.stopping.stopped
            self._let_go(live)
        live.stopping = Stopping(self.target(live), self._context.spare, SIGKILL if at_once else number, grace or 0, at_once=at_once)
        live.job = self._context.store.record(live.job, e.Signalled(signal=SIGKILL if at_once else number, by=wish["verb"]), at)
        self._begun.append(live)

    def _is_past(self, live: LiveRun, wish: "dict[str, Any]") -> bool:
        """Tell whether the run ended by itself before a signal reached it, or all that there was to be ended is: the wish comes too late.

        Not so while a ladder still climbs, which this wish may hurry, or if a supervisor before us was killed on one.
        """
        if live.stopping is not None or (live.ending is None and not state.to_record(self._context.home, live.run).result):
            return False  # `over` alone says only that its shim has ended: the command of a killed one may live on
        return live.tree_ended or "sent_at" not in wish or live.run.boot != self._context.facts.boot

    def committed(self) -> None:
        """Climb the ladders whose beginning is durable now."""
        begun, self._begun = self._begun, []
        for live in begun:
            failpoint("stop.before-signal")
            stopping = live.stopping
            if stopping is not None:
                live.stopping_fd = stopping.fileno()
                self._context.loop.watch(live.stopping_fd, partial(self._woken, live, stopping))
                self._step(live, stopping)
            failpoint("stop.after-signal")

    def drop(self, live: LiveRun) -> None:
        """Forget what was begun for a run and not written; it is begun anew."""
        self._begun.clear()
        self._let_go(live)

    def _step(self, live: LiveRun, stopping: Stopping) -> None:
        if stopping is not live.stopping:
            return  # another wish took its place
        at = monotonic()
        next_at = stopping.step(at)
        if next_at is None:
            live.stopped = (live.stopped or 0) + stopping.stopped
            live.left = len(stopping.left)
            live.tree_ended = True
            self._let_go(live)
            self._context.touch()
        elif live.step_at is None or live.step_at <= at or next_at < live.step_at:
            live.step_at = next_at
            self._context.loop.call_after(max(next_at - at, 1_000_000), lambda: self._due(live, stopping))

    def _woken(self, live: LiveRun, stopping: Stopping, _: int) -> None:
        self._step(live, stopping)

    def _due(self, live: LiveRun, stopping: Stopping) -> None:
        live.step_at = None
        self._step(live, stopping)

    def _let_go(self, live: LiveRun) -> None:
        if live.stopping is not None:
            self._context.loop.forget(live.stopping_fd)
            live.stopping.close()
            live.stopping = None
            live.step_at = None

    def holds(self, live: LiveRun) -> bool:
        """Tell whether the run's tree is still being ended: its end is recorded with what became of it."""
        return live.stopping is not None

    def ends_leftovers(self, live: LiveRun, ending: Ending) -> bool:
        """Begin to end what a run left behind, if its job wants that and there is something. Tells whether it began."""
        if not ending.leftovers or live.tree_ended or live.job.spec.get("leftovers.action") != "stop":
            return False
        if live.run.boot != self._context.facts.boot:
            return False  # they went with their machine; whoever has their pids now is somebody else
        self._begin_leftovers(live)
        return True

    def _begin_leftovers(self, live: LiveRun) -> None:
        spec = live.job.spec
        live.leftovers_due = False
        live.stopping = Stopping(self.target(live), self._context.spare, value(spec, "stop.signal"), value(spec, "stop.grace") or 0)
        self._begun.append(live)

    def target(self, live: LiveRun) -> Target:
        """Return which processes are of the run."""
        command = shim = None
        if live.command_pid is not None and live.command_start is not None:
            command = Identity(pid=live.command_pid, start=live.command_start)
        if live.shim_pid is not None and live.shim_start is not None:
            shim = Identity(pid=live.shim_pid, start=live.shim_start)
        name = mark(self._context.facts.home_id, live.id, live.run.run)
        return Target(mark=name.encode(), session=live.command_pid, session_start=live.command_start, command=command, shim=shim)
