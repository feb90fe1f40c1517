"""The machine that the services believe to run on: clocks, state files, descriptors, shims, commands. Nothing of it is real.

It does what docs/shim-protocol.md promises and no more: a shim may be killed at any moment, a result may come late, a command may
ignore signals or be unkillable for a while, the machine may end. All chance comes from one generator, all time from one clock.
"""

import errno
import heapq
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

from outlast.executors.state import State

MS = 1_000_000
SECOND = 1000 * MS
TICK = 10 * MS  # of /proc's start times; the limiter asks the kernel for the same
SIGKILL, SIGTERM, SIGCONT, SIGSTOP = 9, 15, 18, 19
MOST_TAKEN = 100_000
EPOCH = 1_700_000_000 * SECOND


class Violation(AssertionError):
    """Something happened that must never happen."""


class Clock:
    """Three clocks, one time. `offset`: of the wall clock, which may jump; `booted`: when the machine began."""

    def __init__(self) -> None:
        self.mono = 1000 * SECOND
        self.offset = EPOCH
        self.booted = 0

    def now(self) -> int:
        return self.mono + self.offset

    def monotonic(self) -> int:
        return self.mono

    def boottime(self) -> int:
        return self.mono - self.booted


class Odds:
    """How likely mischief is in this episode, and how commands behave. Drawn anew for each: some episodes have none of a kind."""

    def __init__(self, rng: Random) -> None:
        some = lambda most: rng.choice((0.0, 0.0, most / 4, most))
        self.fails = rng.choice((0.02, 0.1, 0.3, 0.6))  # a command's exit code is not 0
        self.dies = some(0.1)  # it is ended by a signal of somebody else's
        self.cannot_start = some(0.03)
        self.spawn_refused = some(0.05)
        self.no_descriptor = some(0.05)
        self.shim_killed = some(0.05)
        self.stubborn = rng.choice((0.0, 0.2, 0.6))  # it ignores what asks it to end
        self.unkillable = some(0.1)
        self.leftovers = some(0.3)
        self.late = rng.choice((0.0, 0.1, 0.5))  # its result comes late
        self.guarded = rng.choice((0.0, 0.5, 1.0))  # a guard forks its shim
        self.guard_dies = some(0.05)
        self.slowly = rng.choice((5 * MS, 300 * MS, 3 * SECOND, 60 * SECOND))  # mean duration
        self.state_refused = some(0.03)


class StateFile:
    """One that is lent to runs. `holders`: of its lock."""

    __slots__ = ("holders", "result", "run", "started")

    def __init__(self) -> None:
        self.holders = 0
        self.run: str | None = None
        self.started: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None


class Proc:
    """A process."""

    __slots__ = ("alive", "fds", "pid", "start")

    def __init__(self, pid: int, start: int) -> None:
        self.pid = pid
        self.start = start
        self.alive = True
        self.fds: list[int] = []  # pidfds of it


class Tried(Proc):
    """A shim with its command: one try to start a run. The process itself is the shim."""

    __slots__ = (
        "begun_at",
        "by_us",
        "command",
        "due",
        "file",
        "frozen",
        "ladder",
        "left",
        "name",
        "paused_for",
        "rest",
        "serial",
        "status",
        "stood_at",
        "told",
        "unkillable",
        "ways",
    )

    def __init__(self, pid: int, start: int, name: str, file: StateFile) -> None:
        super().__init__(pid, start)
        self.name = name
        self.file = file
        self.command: Proc | None = None
        self.begun_at = 0  # monotonic
        self.frozen = False
        self.due: int | None = None  # when its command ends by itself (monotonic)
        self.rest = 0  # of its duration, while frozen
        self.serial = 0  # of the plan that holds for its end
        self.status: int | None = None  # raw, as it ended
        self.by_us: list[int] = []  # signals of ours that it got
        self.left = 0  # processes that it left behind and that live
        self.told = True  # the kernel tells how it ended if its shim cannot
        self.unkillable = False
        self.ladder = -1  # descriptor of who waits for its end
        self.ways = ""  # what it does when asked to end
        self.paused_for = 0
        self.stood_at = 0


class Epoll:
    """What the watcher asks for the ends of shims."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine
        self._watched: set[int] = set()
        self._fd = machine.open(self)

    def fileno(self) -> int:
        return self._fd

    def register(self, fd: int, _: int) -> None:
        self._watched.add(fd)
        if self._machine.is_over(fd):
            self._machine.readable.add(self._fd)

    def unregister(self, fd: int) -> None:
        self._watched.remove(fd)

    def tell(self, fd: int) -> None:
        if fd in self._watched:
            self._machine.readable.add(self._fd)

    def poll(self, _: float, at_most: int) -> list[tuple[int, int]]:
        self._machine.readable.discard(self._fd)
        found = sorted(fd for fd in self._watched if self._machine.is_over(fd))
        return [(fd, 1) for fd in found[:at_most]]


class Machine:
    """All of it. `pid` and `start` of a process never come again on one boot."""

    def __init__(self, rng: Random, odds: Odds, note: Callable[[str], None]) -> None:
        self.rng = rng
        self.odds = odds
        self.note = note
        self.clock = Clock()
        self.boot = "boot-1"
        self.pidns = 1
        self.files: dict[int, StateFile] = {}
        self.fds: dict[int, Any] = {}
        self.readable: set[int] = set()
        self.taken = 0  # tries to take a state file since anything happened last
        self.procs: dict[int, Proc] = {}  # that live, and dead ones that a pidfd is open of
        self.tried: dict[str, Tried] = {}  # run -> its last try
        self.begun: dict[str, int] = {}  # run -> how often its command began
        self.alive: dict[int, Tried] = {}  # by pid of the shim: of which anything lives
        self.epolls: list[Epoll] = []
        self._fd = 1000
        self._pid = 100
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0

    # Time

    def after(self, delay: int, action: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._plans, (self.clock.mono + delay, self._serial, action))

    def next_plan(self) -> int | None:
        return self._plans[0][0] if self._plans else None

    def happen(self) -> int:
        """Let all happen that is due. Returns how much that was."""
        done = self.taken = 0
        while self._plans and self._plans[0][0] <= self.clock.mono:
            heapq.heappop(self._plans)[2]()
            done += 1
        return done

    # Descriptors: what a supervisor has open, and loses when it dies

    def open(self, thing: object) -> int:
        self._fd += 1
        self.fds[self._fd] = thing
        return self._fd

    def close(self, fd: int) -> None:
        thing = self.fds.pop(fd, None)
        if thing is None:
            raise Violation(f"descriptor {fd} is closed twice")
        self.readable.discard(fd)
        if isinstance(thing, StateFile):
            thing.holders -= 1
        elif isinstance(thing, Proc):
            thing.fds.remove(fd)

    def close_all(self) -> None:
        for fd in list(self.fds):
            self.close(fd)
        self.epolls.clear()

    def epoll(self) -> Epoll:
        made = Epoll(self)
        self.epolls.append(made)
        return made

    def is_over(self, fd: int) -> bool:
        thing = self.fds[fd]
        return isinstance(thing, Proc) and not thing.alive

    def pidfd(self, proc: Proc) -> int:
        fd = self.open(proc)
        proc.fds.append(fd)
        if not proc.alive:
            self.readable.add(fd)
        return fd

    def pidfd_open(self, pid: int) -> int:
        proc = self.procs.get(pid)
        if proc is None or self.rng.random() < self.odds.no_descriptor:
            raise OSError(errno.EMFILE, "no descriptor")
        return self.pidfd(proc)

    def find(self, pid: int, start: int) -> Proc | None:
        proc = self.procs.get(pid)
        return proc if proc is not None and proc.start == start else None

    def lives(self, identity: Any) -> bool:
        proc = self.find(identity.pid, identity.start)
        return proc is not None and proc.alive

    def open_proved(self, identity: Any) -> int | None:
        proc = self.find(identity.pid, identity.start)
        return self.pidfd(proc) if proc is not None and proc.alive else None

    def open_witness(self, pid: int, start: int, shim_pid: int) -> int | None:
        proc = self.find(pid, start)
        if proc is None or self.rng.random() < self.odds.no_descriptor:
            return None
        return self.pidfd(proc)

    def exit_status(self, fd: int, pid: int, start: int) -> int | None:
        for tried in self.tried.values() if fd >= 0 else ():
            if tried.command is not None and (tried.command.pid, tried.command.start) == (pid, start):
                return tried.status if tried.told else None
        return None

    # State files

    def take(self, path: str) -> int:
        """As `executors.state.take`."""
        self.taken += 1
        if self.taken > MOST_TAKEN:
            raise Violation("a state file is looked for without end")
        file = self.files.setdefault(int(path.rpartition("/")[2]), StateFile())
        if file.holders:
            raise BlockingIOError(errno.EWOULDBLOCK, "locked")
        if self.rng.random() < self.odds.state_refused:
            raise OSError(errno.ENOSPC, "no space")
        file.run = file.started = file.result = None
        file.holders = 1
        return self.open(file)

    def to_record(self, home: Any, run: Any) -> State:
        """As `executors.state.to_record`."""
        file = self.files.get(run.state_file)
        if file is None:
            return State(exists=False)
        name = f"{run.job}.{run.run}"
        if file.started is not None and file.run != name:
            return State(exists=False)
        return State(locked=file.holders > 0, started=file.started, result=file.result if file.run == name else None)

    # Shims and commands

    def proc(self) -> Proc:
        self._pid += 1
        made = self.procs[self._pid] = Proc(self._pid, self.clock.boottime() // TICK)
        return made

    def spawn(self, words: list[str], lock: int) -> int:
        """Start a shim on the state file `lock`. Raises OSError."""
        if self.rng.random() < self.odds.spawn_refused:
            number = self.rng.choice((errno.EAGAIN, errno.ENOMEM, errno.ENOENT, errno.EACCES))
            raise OSError(number, "refused")
        return self.shim(words[1].removeprefix("run="), self.fds[lock]).pid

    def shim(self, name: str, file: StateFile) -> Tried:
        self._pid += 1
        tried = Tried(self._pid, self.clock.boottime() // TICK, name, file)
        self.procs[tried.pid] = tried
        self.alive[tried.pid] = tried
        file.holders += 1
        self.tried[name] = tried
        self.after(self.rng.choice((0, MS, 4 * MS, 40 * MS)), lambda: self._begin(tried))
        if self.rng.random() < self.odds.shim_killed:
            self.after(self.rng.randrange(1 + self.rng.choice((6 * MS, 2 * self.odds.slowly))), lambda: self.kill_shim(tried))
        return tried

    def _begin(self, tried: Tried) -> None:
        if not tried.alive:
            return
        rng, odds, file = self.rng, self.odds, tried.file
        if rng.random() < odds.cannot_start:
            told = {"status": None, "stage": rng.choice(("exec", "cwd", "fork")), "error": rng.choice((2, 13))}
            self._result(tried, told)
            return
        command = tried.command = self.proc()
        self.begun[tried.name] = self.begun.get(tried.name, 0) + 1
        if self.begun[tried.name] > 1:
            raise Violation(f"the command of run {tried.name} began {self.begun[tried.name]} times")
        tried.begun_at = self.clock.mono
        tried.told = rng.random() < 0.5
        tried.unkillable = rng.random() < odds.unkillable
        tried.ways = "ignores" if rng.random() < odds.stubborn else rng.choice(("dies", "dies", "exits", "slowly"))
        file.run = tried.name
        file.started = {
            "run": tried.name, "pid": command.pid, "start": command.start, "pidns": self.pidns, "shim": tried.pid,
            "shim_start": tried.start, "at": self.clock.now(),
        }  # fmt: skip
        status = rng.choice((1, 1, 2, 3, 7)) << 8 if rng.random() < odds.fails else 0
        if rng.random() < odds.dies:
            status = rng.choice((6, 9, 11, 15))
        self._plan_end(tried, int(rng.expovariate(1 / odds.slowly)), status)

    def _plan_end(self, tried: Tried, delay: int, status: int) -> None:
        """Let the command end after `delay`, and not as was planned before."""
        tried.serial += 1
        tried.status = status
        tried.due = self.clock.mono + delay
        serial = tried.serial
        self.after(delay, lambda: tried.serial == serial and self._ended(tried))

    def _ended(self, tried: Tried) -> None:
        command = tried.command
        if command is None or not command.alive:
            return
        tried.due = None
        tried.serial += 1
        if self.rng.random() < self.odds.leftovers and tried.status != SIGKILL:
            tried.left = self.rng.randrange(1, 4)
        self._dead(command)
        if tried.ladder in self.fds:
            self.readable.add(tried.ladder)
        if not tried.alive:
            tried.left = 0
            self.alive.pop(tried.pid, None)
            return
        delay = 0
        if tried.left:
            delay = 2 * SECOND
        elif self.rng.random() < self.odds.late:
            delay = self.rng.choice((MS, 20 * MS, SECOND))
        self.after(delay, lambda: tried.alive and self._result(tried, {"status": tried.status}))

    def _result(self, tried: Tried, told: dict[str, Any]) -> None:
        """Let the shim write its result and end."""
        tried.file.run = tried.name
        tried.file.result = {
            "run": tried.name, "at": self.clock.now(), "utime": 1, "stime": 1, "max_rss": 1, "stdout": 0, "stderr": 0, "log": 0,
            "missing": 0, "leftovers": tried.left, **told,
        }  # fmt: skip
        self.alive.pop(tried.pid, None)
        self._dead(tried)
        tried.file.holders -= 1

    def kill_shim(self, tried: Tried) -> None:
        """Somebody kills the shim; its command lives on."""
        if not tried.alive:
            return
        self.note(f"shim of {tried.name} killed")
        self._dead(tried)
        tried.file.holders -= 1
        if tried.command is None or not tried.command.alive:
            self.alive.pop(tried.pid, None)

    def _dead(self, proc: Proc) -> None:
        proc.alive = False
        for fd in proc.fds:
            self.readable.add(fd)
            for epoll in self.epolls:
                epoll.tell(fd)
        if not proc.fds:
            self.procs.pop(proc.pid, None)

    def members(self, tried: Tried) -> int:
        """Return how many processes of a run live, its shim apart."""
        return (tried.command is not None and tried.command.alive) + tried.left

    def signal(self, tried: Tried, number: int) -> None:
        """Send a signal to all members."""
        command = tried.command
        if number == SIGKILL or (tried.left and tried.ways != "ignores"):
            tried.left = 0
        if command is None or not command.alive:
            return
        if number == SIGSTOP:
            self._freeze(tried)
        elif number == SIGCONT:
            self._thaw(tried)
        elif number == SIGKILL:
            if tried.unkillable:
                tried.unkillable = False
                self._plan_end(tried, self.rng.choice((SECOND, 20 * SECOND)), SIGKILL)
            elif tried.status != SIGKILL or (tried.due or 0) <= self.clock.mono:
                self._plan_end(tried, 0, SIGKILL)
            tried.frozen = False
        elif tried.ways != "ignores" and not tried.by_us:
            tried.by_us.append(number)
            delay = {"dies": 0, "exits": MS, "slowly": 3 * SECOND}[tried.ways]
            self._plan_end(tried, delay, number if tried.ways == "dies" else self.rng.choice((0, 1, 130)) << 8)
            if tried.frozen:
                tried.rest = delay
                tried.serial += 1

    def _freeze(self, tried: Tried) -> None:
        if not tried.frozen:
            tried.frozen = True
            tried.stood_at = self.clock.mono
            tried.rest = max((tried.due or self.clock.mono) - self.clock.mono, 0)
            tried.serial += 1

    def _thaw(self, tried: Tried) -> None:
        if tried.frozen:
            tried.frozen = False
            tried.paused_for += self.clock.mono - tried.stood_at
            self._plan_end(tried, tried.rest, tried.status or 0)

    def of_target(self, target: Any) -> Tried | None:
        """Return the run that is meant by a target, if its command is proved to be the one."""
        tried = self.tried.get(".".join(target.mark.decode().split(":")[1:]))
        if tried is None or tried.command is None or target.command is None:
            return None
        return tried if (tried.command.pid, tried.command.start) == (target.command.pid, target.command.start) else None

    def signal_members(self, target: Any, _: object, number: int) -> int:
        tried = self.of_target(target)
        if tried is None:
            return 0
        count = self.members(tried)
        self.signal(tried, number)
        return count

    def freeze(self, target: Any, _: object) -> int:
        tried = self.of_target(target)
        if tried is None or tried.frozen or not self.members(tried):
            return 0
        self.signal(tried, SIGSTOP)
        return 1

    def stat(self, path: str) -> Any:
        """Return when a file of a run was changed last: commands write and touch their feedback in a rhythm of their own."""
        name, _, suffix = path.rpartition("/")[2].rpartition(".")
        tried = self.tried.get(name)
        if tried is None or tried.command is None or suffix == "gaps":
            raise FileNotFoundError(errno.ENOENT, "none")
        rhythm = (tried.pid % 5) * 3 * SECOND + 10 * MS
        until = self.clock.mono if tried.command.alive and not tried.frozen else min(self.clock.mono, tried.stood_at or self.clock.mono)
        beats = max(until - tried.begun_at, 0) // rhythm * rhythm
        return SimpleNamespace(st_mode=0o100600, st_mtime_ns=tried.begun_at + beats + self.clock.offset)

    # The end of everything

    def end_all(self, *, container: bool = False) -> None:
        """Let the machine end and begin again (`container`: only the container, with all processes)."""
        self.note("the container ends" if container else "the machine ends")
        self.close_all()
        for tried in list(self.alive.values()):
            tried.alive = False
            tried.serial += 1
            tried.left = 0
            if tried.command is not None:
                tried.command.alive = False
            if self.rng.random() < 0.2 and not container:
                tried.file.started = tried.file.result = None  # it was not synced
        self.alive.clear()
        self.procs.clear()
        for file in self.files.values():
            file.holders = 0
        self.pidns += 1
        if not container:
            self.boot = f"boot-{int(self.boot[5:]) + 1}"
            self.clock.booted = self.clock.mono
            self._pid = 100
