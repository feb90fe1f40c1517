"""What the services share: the store, the loop, the runs that live, and what is to be done after the next commit."""

import os
import select

from outlast.core.errors import OutlastError, Stale, SystemFault
from outlast.core.value import Value
from outlast.executors.lender import Lender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from outlast.core.events import AnyEvent
    from outlast.core.job import Ending, Job, Run
    from outlast.home import Home
    from outlast.processes.stopping import Stopping
    from outlast.store.store import Store
    from outlast.supervisor.limiter import Clock
    from outlast.supervisor.loop import Loop
    from outlast.supervisor.reports import Reading
    from outlast.supervisor.watch import Watch


class LiveRun:
    """A run that was claimed and whose end is not recorded yet."""

    __slots__ = (
        "borrowed", "cgroup", "clock", "command_fd", "command_pid", "command_start", "ending", "frozen", "job", "left",
        "leftovers_due", "lock", "notes", "over", "path", "run", "shim_fd", "shim_pid", "shim_start", "started", "step_at", "stopped",
        "stopping", "stopping_fd", "to_warn", "told", "tree_ended",
        "passed", "report", "unrestored", "vain", "watch", "wish_at",
    )  # fmt: skip

    def __init__(self, job: "Job", run: "Run", path: str) -> None:
        """`job` and `run` as last written or read."""
        self.job = job
        self.run = run
        self.path = path  # of its files, without suffix
        self.lock = -1  # of its state file, until the shim gets it
        self.cgroup: str | None = None  # its own, if it has one
        self.clock: Clock | None = None  # of its time limits, once it has begun
        self.frozen: bool | None = False  # its processes were told to stand still; None: it is not known
        self.to_warn = 0  # the signal that warns it, to be sent once that is durable
        self.borrowed = bool(run.limits and run.limits.get("borrowed"))  # it runs in its parent's slot
        self.shim_pid: int | None = None
        self.shim_start: int | None = None
        self.shim_fd = -1  # pidfd
        self.command_pid: int | None = None
        self.command_start: int | None = None
        self.command_fd = -1  # pidfd, the second witness
        self.told: dict[str, Any] | None = None  # the `started` line
        self.started = run.started_at is not None  # recorded as such
        self.over = False  # its end is known, or to be found out
        self.ending: Ending | None = None  # known, not yet recorded
        self.stopping: Stopping | None = None
        self.stopping_fd = -1
        self.step_at: int | None = None  # when `stopping` is to be driven next (monotonic)
        self.wish_at = 0  # of the stop request that `stopping` serves
        self.leftovers_due = False  # the command ended, what it left behind is to be ended
        self.unrestored: list[str] = []
        self.passed: list[int] = []  # errnos that ended the pass-through of its streams
        self.tree_ended = False  # leftovers were dealt with
        self.vain = 0  # shims that ended before they could start the command
        self.report: Reading | None = None  # its feedback, while it is read for the last time
        self.notes: list[AnyEvent] = []  # what is to be recorded beside its start or end
        self.watch: Watch | None = None  # what it is looked at for, if its job wants to be warned
        self.stopped: int | None = None
        self.left: int | None = None

    @property
    def id(self) -> int:
        """Return the job's id."""
        return self.job.id


class Facts(Value):
    """What does not change while a supervisor lives."""

    _fields = ("home_id", "host", "boot", "pidns", "shim", "lifeline", "null", "keep_free")
    home_id: str
    host: str
    boot: str
    pidns: int | None
    shim: "list[str]"  # the beginning of a shim's command line
    lifeline: int  # the read end that shims get
    null: int
    keep_free: int  # bytes of the file system that are not for output


class Of:
    """What is done for one job: an exception that leaves it names the job, so that one cannot hold up all others."""

    __slots__ = ("_job", "_store")

    def __init__(self, store: "Store", job: int) -> None:
        """See `Context.of`."""
        self._store = store
        self._job = job

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: "type[BaseException] | None", error: BaseException | None, __: object) -> None:
        """Name the job, unless the database failed, or the row has changed meanwhile."""
        if isinstance(error, Exception) and not isinstance(error, Stale):
            of_the_world = isinstance(error, SystemFault) and error.job is None and self._store.database.has_failed
            if not of_the_world and getattr(error, "job", None) is None:
                error.job = self._job  # type: ignore[attr-defined]


class Context:
    """The shared state. `dirty`: something may have to be written; `claimed`: to be started once that is durable."""

    __slots__ = ("_log_fd", "bad", "claimed", "dirty", "facts", "home", "hopeless", "lender", "loop", "now", "poke", "runs", "store")

    def __init__(self, home: "Home", store: "Store", loop: "Loop", facts: Facts) -> None:
        """Make the context of a supervisor that has just started."""
        self.home = home
        self.store = store
        self.loop = loop
        self.facts = facts
        self.runs: dict[int, LiveRun] = {}
        self.lender = Lender(home, ())
        self.dirty = True
        self.claimed: list[LiveRun] = []
        self.poke: Callable[[Sequence[int]], None] = lambda _: None
        self.bad: set[int] = set()  # jobs that made a service fail: they are left alone, but for their end
        self.hopeless: set[int] = set()  # that failed once more: they are not even ended
        self._log_fd = open_log(home)

    def touch(self) -> None:
        """Have the services look at the store again."""
        self.dirty = True

    def of(self, job: int) -> "Of":
        """Return a context: what goes wrong in it is that job's fault, unless the world's."""
        return Of(self.store, job)

    def blame(self, error: Exception) -> bool:
        """Leave alone from now on whose fault it was. False: nobody's."""
        job = getattr(error, "job", None)
        if job is None or job in self.hopeless:
            return False
        (self.hopeless if job in self.bad else self.bad).add(job)
        self.log(f"job {job} is left alone from now on: {type(error).__name__}: {error}")
        return True

    def spare(self) -> "set[int]":
        """Return the pids that no stop may ever reach: ourselves and all shims."""
        pids = {live.shim_pid for live in self.runs.values() if live.shim_pid is not None}
        return {os.getpid(), *pids}

    def log(self, text: str) -> None:
        """Add a line to `supervisor.log`; a log that cannot be written is no reason to stop."""
        from outlast.core.times import format_time_utc
        from outlast.seams import now

        try:
            os.write(self._log_fd, f"{format_time_utc(now())} {os.getpid()} {text}\n".encode("utf-8", "backslashreplace"))
        except OSError:
            pass


LOG_BYTES = 1 << 20


def open_log(home: "Home") -> int:
    """Open `supervisor.log`, after moving a large one to `supervisor.log.1`."""
    path = home.at("supervisor.log")
    try:
        if os.stat(path).st_size > LOG_BYTES:
            os.replace(path, f"{path}.1")
    except OSError:
        pass
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)


def said(error: Exception) -> str:
    """Return what the log says of an error: those that are not ours with their type."""
    return str(error) if isinstance(error, OutlastError) else f"{type(error).__name__}: {error}"


def died(home: "Home", error: BaseException) -> None:
    """Log what ends us unforeseen, and keep the lock for a moment: whoever starts the next one shall not do so in a tight loop."""
    from outlast.core.times import format_time_utc
    from outlast.seams import now

    fd = open_log(home)
    os.write(fd, f"{format_time_utc(now())} {os.getpid()} died of {type(error).__name__}: {error}\n".encode("utf-8", "backslashreplace"))
    select.select([], [], [], 1.0)
