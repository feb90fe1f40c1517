"""What stands for `processes.stopping.Stopping`, the guard and the loop: the same promises, on the simulated machine."""

import errno
import heapq
from collections.abc import Callable
from typing import Any

from simulation.machine import MS, SECOND, SIGCONT, SIGKILL, Machine

LOOK_FIRST, LOOK_LAST = 25 * MS, SECOND
PATIENCE = 5 * SECOND


class Ladder:
    """One run being stopped: asked, waited for, killed."""

    def __init__(
        self, machine: Machine, target: Any, spare: Callable[[], Any], signal: int, grace_ns: int, *, at_once: bool = False
    ) -> None:
        self.stopped = 0
        self.left: list[tuple[int, str]] = []
        self._machine = machine
        self._tried = machine.of_target(target)
        self._signal = signal
        self._grace = grace_ns
        self._stage = "kill" if at_once or signal == SIGKILL else "ask"
        self._until = 0
        self._pause = LOOK_FIRST
        self._signalled = 0
        self._fd = machine.open(self)
        if self._tried is not None:
            self._tried.ladder = self._fd

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        if self._stage != "over":
            self._stage = "over"
            self._machine.close(self._fd)

    def step(self, now: int) -> int | None:
        machine, tried = self._machine, self._tried
        self._machine.readable.discard(self._fd)
        if self._stage == "over":
            return None
        members = 0 if tried is None else machine.members(tried)
        if tried is None or not members:
            self.stopped = self._signalled
            self.close()
            return None
        if self._stage == "ask":
            self._stage, self._until = "wait", now + self._grace
            self._signalled = members
            machine.signal(tried, self._signal)
            machine.signal(tried, SIGCONT)
        if self._stage == "wait" and now < self._until:
            due = min(now + self._pause, self._until)
            self._pause = min(2 * self._pause, LOOK_LAST)
            return due
        if self._stage in ("ask", "wait", "kill"):
            self._stage, self._until = "end", now + PATIENCE
            self._signalled = members
            machine.signal(tried, SIGKILL)
        elif now >= self._until:
            self.left = [(1, "x")] * members
            self.close()
            return None
        return now + MS


class Guard:
    """Forks shims, or does not: as the odds are."""

    machine: Machine  # set by whoever installs it

    def __init__(self, context: Any) -> None:
        self._context = context

    def stand(self) -> None:
        pass

    def dismiss(self) -> None:
        pass

    def fork(self, words: list[str], lock: int, heard: Callable[[int, int], None]) -> bool:
        machine = self.machine
        if machine.rng.random() >= machine.odds.guarded:
            return False
        file = machine.fds[lock]
        file.holders += 1  # our descriptor is handed over
        machine.after(machine.rng.choice((0, MS, 30 * MS)), lambda: self._answer(words, file, machine.boot, heard))
        return True

    def _answer(self, words: list[str], file: Any, boot: str, heard: Callable[[int, int], None]) -> None:
        machine, context = self.machine, self._context
        if machine.boot != boot or machine.pidns != context.facts.pidns:
            return  # it went with its machine
        file.holders -= 1
        answer, pidfd, here = 0, -1, context.lives
        if machine.rng.random() >= machine.odds.guard_dies:
            if machine.rng.random() < machine.odds.spawn_refused:
                answer = -machine.rng.choice((errno.EAGAIN, errno.ENOENT))
            else:
                tried = machine.shim(words[1].removeprefix("run="), file)
                answer = tried.pid
                if here and machine.rng.random() >= machine.odds.no_descriptor:
                    pidfd = machine.pidfd(tried)
        if here:
            heard(answer, pidfd)


class Loop:
    """Deadlines and descriptors on the simulated machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._deadlines: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0

    def watch(self, fd: int, handler: Callable[[int], None], events: int = 1) -> None:
        self._handlers[fd] = handler

    def forget(self, fd: int) -> None:
        self._handlers.pop(fd, None)

    def call_after(self, delay: int, action: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._deadlines, (self._machine.clock.mono + delay, self._serial, action))

    def next_at(self) -> int | None:
        """Return when it has something to do."""
        if not self._handlers.keys().isdisjoint(self._machine.readable):
            return self._machine.clock.mono
        return self._deadlines[0][0] if self._deadlines else None

    def turn(self) -> None:
        """Handle all that is ready or due, as `wait` does."""
        for fd in sorted(self._machine.readable):
            handler = self._handlers.get(fd)
            if handler is not None:
                handler(fd)
        now = self._machine.clock.mono
        while self._deadlines and self._deadlines[0][0] <= now:
            heapq.heappop(self._deadlines)[2]()
