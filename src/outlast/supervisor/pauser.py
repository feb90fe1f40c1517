"""Pausing: the processes of a running job stand still while its record says so, whoever dies in between.

What is to be done is recorded before it is done, and done again by the next supervisor; doing it twice does no harm.
"""

from outlast.core import events as e
from outlast.core.job import RUNNING
from outlast.processes.tree import freeze, signal_members
from outlast.seams import failpoint
from outlast.supervisor.context import Context, LiveRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.processes.tree import Target

SIGCONT, SIGSTOP = 18, 19
AGAIN = 5_000_000
MOST_ROUNDS = 50


class Pauser:
    """Freezes and thaws runs."""

    __slots__ = ("_begun", "_context", "_target", "resumed")

    def __init__(self, context: Context, target: "Callable[[LiveRun], Target]") -> None:
        """`target` tells which processes a run has; `resumed` is set by whoever wants to know of a run that goes on."""
        self._context = context
        self._target = target
        self._begun: list[LiveRun] = []
        self.resumed: Callable[[LiveRun], None] = lambda _: None

    def run_once(self, at: int, *, any_paused: bool) -> int:
        """Record the pauses and resumptions that are new, within the current transaction. Returns how many."""
        store, runs = self._context.store, self._context.runs
        paused = set(store.paused()) if any_paused else set()
        changed = 0
        for number in (paused | {live.id for live in runs.values() if live.frozen is not False}) - self._context.bad:
            live = runs.get(number)
            if live is not None and live.command_pid is not None and not live.over and live.frozen != (number in paused):
                with self._context.of(number):
                    changed += self._change(live, at)
        return changed

    def _change(self, live: LiveRun, at: int) -> bool:
        store = self._context.store
        job = store.job(live.id)
        if job is None or job.status != RUNNING or (job.paused and job.stop_requested is not None):
            return False  # it is over, or being ended, for which it has to move
        live.frozen = job.paused
        signal, by = (SIGSTOP, "pause") if job.paused else (SIGCONT, "resume")
        live.job = store.record(job, e.Signalled(signal=signal, by=by), at)
        self._begun.append(live)
        return True

    def adopted(self, live: LiveRun) -> None:
        """Take over a run: if it was ever paused, it is not known whether its processes stand still, whoever was killed in between."""
        live.frozen = None if live.job.paused or live.job.paused_for else False

    def committed(self) -> None:
        """Do what is durable now."""
        begun, self._begun = self._begun, []
        for live in begun:
            failpoint("pause.before-signal")
            if live.frozen:
                self._freeze(live, 0)
            else:
                signal_members(self._target(live), self._context.spare(), SIGCONT)
                self.resumed(live)
            failpoint("pause.after-signal")

    def drop(self) -> None:
        """Forget what was begun and not written."""
        self._begun.clear()

    def _freeze(self, live: LiveRun, rounds: int) -> None:
        """Stop all of its processes, in rounds: who is born while we look is stopped in the next one."""
        if not live.frozen or live.over or live.stopping is not None or self._context.runs.get(live.id) is not live:
            return
        if freeze(self._target(live), self._context.spare()) and rounds < MOST_ROUNDS:
            self._context.loop.call_after(AGAIN, lambda: self._freeze(live, rounds + 1))
