"""Watching runs: what a shim's pidfd, the state file and the second witness tell becomes a run's ending.

A run is over when its shim has ended. It wrote `result` before; if it could not (somebody killed it), the command is
followed to its end, and the kernel's own record of the exit is taken where it has one. Else the run is `lost`.
"""

import os
import select

from outlast.core.errors import Bug
from outlast.core.events import Noted
from outlast.core.job import Ending
from outlast.core.policies import judge, lost, machine_ended, never_began, of_status, was_stopped
from outlast.executors import state
from outlast.processes import witness
from outlast.processes.identity import Identity, lives
from outlast.processes.pidfd import open_proved
from outlast.seams import failpoint, now
from outlast.supervisor.context import Context, LiveRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.executors.state import State

LOOK = 50_000_000  # after a start: `started` is read and the second witness opened, only for runs that still live
SOON = 20_000_000
LATER = 1_000_000_000
MOST_VAIN = 10
MOST_ENDS = 1024  # at once


class Watcher:
    """Knows of every live run how to learn of its end."""

    __slots__ = ("_context", "_ends", "_shims", "began", "gone", "restart", "told")

    def __init__(self, context: Context) -> None:
        """`restart` is set by whoever can start a claimed run that never began."""
        self._context = context
        self._ends = select.epoll()  # of shims; apart from all else, so that it can be asked in the middle of a cycle
        self._shims: dict[int, LiveRun] = {}  # by pidfd
        context.loop.watch(self._ends.fileno(), self._some_ended)
        self.restart: Callable[[LiveRun], None]
        self.told: Callable[[LiveRun, Ending], Ending] = lambda _, ending: ending  # set by whoever knows more of how a run ended
        self.gone: Callable[[LiveRun], None] = lambda _: None  # set by whoever has more to give back
        self.began: Callable[[LiveRun], None] = lambda _: None  # set by whoever measures its time

    def started(self, live: LiveRun, pid: int, pidfd: int) -> None:
        """Watch a run whose shim has just been started."""
        live.shim_pid = pid
        self._watch_shim(live, pidfd)
        self._context.loop.call_after(LOOK, lambda: self._look(live, LOOK))

    def adopt(self, live: LiveRun) -> None:
        """Watch a run that an earlier supervisor started, or find out how it ended, or start it if it never began."""
        if self._context.runs.get(live.id) is not live:
            return  # its end was recorded, or everything was found out anew, before this call was due
        told = state.to_record(self._context.home, live.run)
        if not told.locked and told.result is None:
            self._settle(live, told)
            return
        self._read_started(live, told)
        if told.result is not None:
            self._over(live)
        elif live.shim_fd < 0 and not self._follow_shim(live):
            self._context.loop.call_after(SOON, lambda: self.adopt(live))  # it is just starting, or just ending

    def _follow_shim(self, live: LiveRun) -> bool:
        if live.shim_pid is None or live.shim_start is None:
            return False
        fd = open_proved(Identity(pid=live.shim_pid, start=live.shim_start))
        if fd is None:
            return False
        self._watch_shim(live, fd)
        self._look(live, LOOK)
        return True

    def _watch_shim(self, live: LiveRun, pidfd: int) -> None:
        live.shim_fd = pidfd
        self._shims[pidfd] = live
        self._ends.register(pidfd, select.EPOLLIN)

    def _some_ended(self, _: int) -> None:
        self.take_ends()

    def take_ends(self) -> int:
        """Note whose shims have ended. Returns how many."""
        ended = self._ends.poll(0, MOST_ENDS)
        for fd, _ in ended:
            live = self._shims[fd]
            self._let_go(live)
            self._over(live)
        return len(ended)

    def _let_go(self, live: LiveRun) -> None:
        """Watch the run's shim no longer."""
        if live.shim_fd >= 0:
            self._ends.unregister(live.shim_fd)
            del self._shims[live.shim_fd]
            os.close(live.shim_fd)
            live.shim_fd = -1

    def _look(self, live: LiveRun, delay: int) -> None:
        """Read `started` of a run that still lives and open the second witness."""
        if live.over or self._context.runs.get(live.id) is not live or live.shim_fd < 0:
            return
        if live.command_pid is None:
            self._read_started(live, state.to_record(self._context.home, live.run))
        if live.command_pid is None or live.command_start is None or live.shim_pid is None:
            self._context.loop.call_after(min(delay * 2, LATER), lambda: self._look(live, min(delay * 2, LATER)))
            return
        if live.command_fd < 0:
            fd = witness.open_witness(live.command_pid, live.command_start, live.shim_pid)
            if fd is not None:
                live.command_fd = fd
                if live.job.spec.get("leftovers.action") == "stop":
                    self._context.loop.watch(fd, lambda _: self._command_ended(live))
        self._context.touch()

    def _read_started(self, live: LiveRun, told: "State") -> None:
        if told.started is not None:
            live.command_pid, live.command_start = told.started["pid"], told.started["start"]
            live.shim_pid, live.shim_start = told.started["shim"], told.started["shim_start"]
            live.told = told.started
            if live.run.limits is not None:
                self.began(live)

    def _command_ended(self, live: LiveRun) -> None:
        """Note that the command is over while its shim still reads: what is left of its tree is to be ended."""
        self._context.loop.forget(live.command_fd)
        live.leftovers_due = True
        self._context.touch()

    def _over(self, live: LiveRun) -> None:
        live.over = True
        self._context.touch()

    def end_of(self, live: LiveRun) -> Ending | None:
        """Return how the run ended, as far as it can be known now; None if that must still be waited for."""
        failpoint("result.before-read")
        told = state.to_record(self._context.home, live.run)
        self._read_started(live, told)
        if told.result is not None:
            failpoint("result.after-read")
            live.unrestored = told.result.get("unrestored") or []
            live.passed = told.result.get("passed") or []
            return self.told(live, judge(live.job, told.result, stopped_by_us=was_stopped(live.job, told.result["at"])))
        live.over = False
        self._settle(live, told)
        return live.ending

    def _settle(self, live: LiveRun, told: "State") -> None:
        """Find out about a run without result whose shim does not live: see SHIM.md's four cases in docs/on-disk.md."""
        self._read_started(live, told)
        context = self._context
        if told.locked:
            context.loop.call_after(SOON, lambda: self.adopt(live))  # between fork and exec of the command
        elif live.run.boot != context.facts.boot:
            self._ended(live, machine_ended(now(), started=told.started is not None))
        elif told.started is None:
            self._never_began(live)
        elif told.started["pidns"] != context.facts.pidns:
            self._ended(live, lost(now(), "its shim is gone, and so is the container it ran in"))
        else:
            self._settle_by_witness(live)

    def _never_began(self, live: LiveRun) -> None:
        """Start the run, for the first time: at once, or with a growing pause if shim after shim ends before it can, up to a limit.

        How they ended is not known: they are the guard's children.
        """
        if live.vain == MOST_VAIN:
            self._ended(live, never_began(now(), live.vain))
            return
        said = f"run {live.run.run} was being started and never began; it is started again"
        self._context.log(f"job {live.id}: {said}")
        if not live.vain:  # once is enough, however often its shim ends
            live.notes.append(Noted(text=said, data={"run": live.run.run}))
            self._context.touch()
        self._context.loop.call_after(min((1 << live.vain) // 2 * SOON, LATER), lambda: self.restart(live))
        live.vain += 1

    def _settle_by_witness(self, live: LiveRun) -> None:
        pid, start = live.command_pid, live.command_start
        if pid is None or start is None:
            raise Bug(f"job {live.id}: started without a pid")
        if lives(Identity(pid=pid, start=start)):
            if live.command_fd < 0:
                fd = open_proved(Identity(pid=pid, start=start))
                live.command_fd = -1 if fd is None else fd
            if live.command_fd >= 0:
                self._context.log(f"job {live.id}: its shim was killed; following the command, pid {pid}")
                self._context.loop.forget(live.command_fd)
                self._context.loop.watch(live.command_fd, lambda fd: self._followed_ended(live, fd))
                return
        status = witness.exit_status(live.command_fd, pid, start)
        if status is None:
            self._ended(live, lost(now(), "its shim was killed, and nobody saw how the command ended"))
            return
        ending = of_status(live.job, status, stopped_by_us=was_stopped(live.job, now()), ended_at=now())
        self._ended(live, ending.replace(reason=f"{ending.reason} (its shim was killed; told by the kernel)"))

    def _followed_ended(self, live: LiveRun, fd: int) -> None:
        self._context.loop.forget(fd)
        self._over(live)

    def _ended(self, live: LiveRun, ending: Ending) -> None:
        live.ending = ending
        self._over(live)

    def forget(self, live: LiveRun) -> None:
        """Close what is held of a run whose end is recorded, and give its state file back."""
        if live.lock >= 0:
            os.close(live.lock)
            live.lock = -1
        self._context.lender.give_back(live.run.state_file)
        self.gone(live)
        self._let_go(live)
        if live.command_fd >= 0:
            self._context.loop.forget(live.command_fd)
            os.close(live.command_fd)
            live.command_fd = -1
