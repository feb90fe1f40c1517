"""The stop ladder: ask, wait, freeze, end; and what was ended, what is left, what could not be looked at.

It never blocks. Whoever drives it calls `step` when the instant has come that the last step returned, or earlier when `fileno()`
is readable: a process that was signalled has ended. The shim is never signalled: it goes on and writes the result.

Why freeze first: SIGKILL in rounds loses against processes that fork without end, because each death makes room for a birth (tried
with RLIMIT_NPROC=150: 900 killed and still going). SIGSTOP in rounds keeps the room occupied, and a `fork` under way while a signal
is pending is given up (kernel/fork.c), so each round has fewer new ones: after 2 to 8 the tree stands still, and one SIGKILL each
ends it (1,500 processes that fork into sessions of their own: 0.5 s as root, who may hurry; else as long as the scheduler lets us wait).
"""

import _signal  # type: ignore[import-not-found]  # `signal` would load enum
import os
import select

from outlast.processes.identity import Identity
from outlast.processes.lookout import Lookout
from outlast.processes.pidfd import open_proved, send, send_to_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from outlast.processes.procfs import Process
    from outlast.processes.tree import Target

_MS = 1_000_000
LOOK_FIRST, LOOK_LAST = 25 * _MS, 1000 * _MS  # between two looks while it is waited for: doubles from one to the other
END_FIRST, END_LAST = 1 * _MS, 50 * _MS  # likewise after SIGKILL
PATIENCE = 5000 * _MS  # after the last SIGKILL, for who does not end (uninterruptible, or frozen in a cgroup)
PATIENCE_REFUSED = 1000 * _MS  # for who may not be signalled at all: perhaps it ends with its parent
PATIENCE_ROUNDS = 10  # a machine under a fork bomb gives us no time: as many looks must have passed, too
LONGEST, LONGEST_ROUNDS = 60_000 * _MS, 100  # against what is born without end
FREEZES = 20  # rounds of SIGSTOP before SIGKILL is tried anyway
GLANCES, FEW = 50, 32  # within one round, at who is born faster than a look takes; not if they are many: then looks do
WATCHED = 64  # pidfds held at a time; more are found ended at the next look

_ASK, _WAIT, _END, _OVER = range(4)

Key = tuple[int, int]  # pid and start


class Stopping:
    """One run being stopped.

    `stopped`: processes that ended after a signal of ours; `left`: (pid, name) of those that are provably its own and did not end;
    `unknown`: a sentence on what could not be looked at, else empty. They are final when `step` has returned None.
    """

    def __init__(
        self, target: "Target", spare: "Callable[[], Collection[int]]", signal: int, grace_ns: int, *, at_once: bool = False
    ) -> None:
        """`spare`: asked before each look for the pids that live on, with all below them. `at_once`: straight to SIGKILL."""
        self.signal = signal
        self.grace_ns = grace_ns
        self.stopped = 0
        self.left: list[tuple[int, str]] = []
        self._lookout = Lookout(target, spare)
        self._stage = _END if at_once or signal == _signal.SIGKILL else _ASK
        self._epoll = select.epoll()
        self._watched: dict[Key, int] = {}  # pidfds of living members
        self._asked: set[Key] = set()
        self._frozen: set[Key] = set()
        self._killed: set[Key] = set()
        self._signalled: set[Key] = set()  # who took a signal and has not ended yet
        self._due = self._until = self._changed = self._began = 0
        self._pause = LOOK_FIRST
        self._rounds = self._freezes = self._quiet = 0

    @property
    def unknown(self) -> str:
        """What could not be looked at, a sentence; empty if everything was."""
        return self._lookout.unknown

    def fileno(self) -> int:
        """Return one descriptor, the same until the end, that is readable when a watched process has ended: then step at once."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Let go of all descriptors. Nothing is signalled any more."""
        self._stage = _OVER
        for pidfd in self._watched.values():
            os.close(pidfd)
        self._watched.clear()
        self._epoll.close()

    def step(self, now_ns: int) -> int | None:
        """Do what is due; return the instant of the next step, None when it is over. `now_ns`: any clock that only goes forward.

        Raises SystemFault if /proc or pidfds are refused (no descriptors, no memory); it may be called again.
        """
        if self._stage == _OVER:
            return None
        self._collect()
        if now_ns < self._due and self._watched:
            return self._due
        if not _hurry():
            return self._climb(now_ns)
        try:
            return self._climb(now_ns)
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    def _climb(self, now_ns: int) -> int | None:
        found = self._look()
        if not found:
            return self._finish(found)
        if self._stage == _ASK:
            self._until = now_ns + self.grace_ns
            self._stage = _WAIT
            self._ask(found)
        elif self._stage == _WAIT:
            self._ask(self._orphans(found))
        if self._stage == _WAIT and now_ns < self._until:
            return self._wait(now_ns, LOOK_LAST, self._until)
        if not self._rounds:
            self._stage = _END
            self._began = self._changed = now_ns
        return self._end(found, now_ns)

    def _ask(self, processes: "Iterable[Process]") -> None:
        """Send the stop signal to those not asked yet, parents first, and let them run to take it."""
        new = [process for process in processes if process.key not in self._asked]
        for process in new:
            self._send(process, self.signal)
            self._asked.add(process.key)
        for process in new:
            self._send(process, _signal.SIGCONT)

    def _orphans(self, found: "list[Process]") -> "list[Process]":
        """Return the members whose parent was not asked or is gone.

        They were born while we looked. Not so the children of a living parent that was asked: it may be them that clean up.
        """
        parents = {process.pid for process in found if process.key in self._asked}
        return [process for process in found if process.ppid not in parents]

    def _end(self, found: "list[Process]", now_ns: int) -> int | None:
        """Freeze whoever is new; if nobody is, kill them all; and give up when nothing has changed for long."""
        self._rounds += 1
        if self._freezes < FREEZES and self._freeze(found):
            self._freezes += 1
            self._due = now_ns
            return self._due
        new = [process for process in found if process.key not in self._killed]
        for process in new:
            self._send(process, _signal.SIGKILL)
            self._killed.add(process.key)
        if new:
            self._changed = now_ns
            self._freezes = self._quiet = 0
            self._pause = END_FIRST
        self._quiet += 1
        patience = PATIENCE if any(process.key in self._signalled for process in found) else PATIENCE_REFUSED
        if (now_ns - self._changed >= patience and self._quiet > PATIENCE_ROUNDS) or (
            now_ns - self._began >= LONGEST and self._rounds > LONGEST_ROUNDS
        ):
            return self._finish(found)
        return self._wait(now_ns, END_LAST, now_ns + END_LAST)

    def _freeze(self, found: "list[Process]") -> bool:
        """Send SIGSTOP to all who are new: to a whole process group at one instant where it is all theirs. Tells if anybody was new."""
        fresh = [process for process in found if process.key not in self._frozen]
        for process in fresh:
            if self._lookout.owns_group_of(process):
                self._send(process, _signal.SIGSTOP, group=True)
        anybody = bool(fresh)
        for _ in range(GLANCES if len(found) < FEW else 1):
            if not fresh:
                break
            for process in reversed(fresh):  # the youngest may be gone in a moment
                self._send(process, _signal.SIGSTOP)
                self._frozen.add(process.key)
            fresh = [process for process in self._lookout.glance() if process.key not in self._frozen]
        return anybody

    def _send(self, process: "Process", signal: int, *, group: bool = False) -> None:
        """Signal this very process, or the group that it leads, and watch for its end."""
        pidfd = self._watched.get(process.key)
        if pidfd is None:
            pidfd = open_proved(Identity(*process.key))
            if pidfd is None:
                return
            if len(self._watched) < WATCHED:
                self._watched[process.key] = pidfd
                self._epoll.register(pidfd, select.EPOLLIN)
        if send_to_group(pidfd, process.pgrp, signal) if group else send(pidfd, signal):
            self._signalled.add(process.key)
        if process.key not in self._watched:
            os.close(pidfd)

    def _look(self) -> "list[Process]":
        found = self._lookout.look()
        for key in self._signalled - self._lookout.living:
            self._ended(key)
        return found

    def _collect(self) -> None:
        """Count who has ended among the watched."""
        ready = {fd for fd, _ in self._epoll.poll(0)}
        for key in [key for key, pidfd in self._watched.items() if pidfd in ready]:
            self._ended(key)

    def _ended(self, key: Key) -> None:
        if key in self._signalled:
            self._signalled.remove(key)
            self.stopped += 1
        pidfd = self._watched.pop(key, None)
        if pidfd is not None:
            os.close(pidfd)

    def _wait(self, now_ns: int, longest: int, until: int) -> int:
        self._due = min(now_ns + self._pause, until)
        self._pause = min(self._pause * 2, longest)
        return self._due

    def _finish(self, found: "list[Process]") -> int | None:
        self.left = [(process.pid, process.comm) for process in found]
        self.close()
        return None


def run_to_end(stopping: Stopping, clock: "Callable[[], int]", pause: "Callable[[int, int], None]") -> None:
    """Drive it to its end. `pause(fd, ns)` returns when `fd` is readable, or after `ns` nanoseconds (`wait_readable` does)."""
    while (due := stopping.step(clock())) is not None:
        pause(stopping.fileno(), max(0, due - clock()))


def wait_readable(fd: int, longest_ns: int) -> None:
    """Block until `fd` is readable, but no longer than `longest_ns`."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.poll((longest_ns + _MS - 1) // _MS)


def _hurry() -> bool:
    """Become a real-time process, if that is allowed: a thousand forking processes leave an ordinary one a thousandth of the time.

    (Nice values weigh only within a session where the kernel groups by session, sched(7).) Only root may; nobody else's command can
    fork much further than its own limit.
    """
    try:
        if os.sched_getscheduler(0) != os.SCHED_OTHER:
            return False
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        return False
    return True
