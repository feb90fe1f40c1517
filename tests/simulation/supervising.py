"""The real supervisor on the simulated machine: what its services reach the world with is replaced, and nothing else of them.

It can be killed at every failpoint, at every statement that it sends to the database, and right after each commit.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import outlast.client.ending
import outlast.client.holding
import outlast.client.jobs
import outlast.client.reasons
import outlast.client.submitting
import outlast.client.wishes
import outlast.executors.lender
import outlast.executors.state
import outlast.processes.tree
import outlast.seams
import outlast.store.reading
import outlast.store.store
import outlast.supervisor.collector
import outlast.supervisor.dispatcher
import outlast.supervisor.fronts
import outlast.supervisor.limiter
import outlast.supervisor.main
import outlast.supervisor.pauser
import outlast.supervisor.settler
import outlast.supervisor.stopper
import outlast.supervisor.watcher
from outlast.home import Home
from outlast.store.batch import Batch
from outlast.store.driver import Database
from outlast.store.store import Store
from outlast.supervisor.context import Context, Facts
from outlast.supervisor.main import Supervisor
from simulation.ladder import Guard, Ladder, Loop
from simulation.machine import Machine

client, executors, supervisor = outlast.client, outlast.executors, outlast.supervisor
# Whoever reads a clock or passes a failpoint.
SEAMS: tuple[ModuleType, ...] = (
    outlast.seams, outlast.store.store, executors.lender, client.ending, client.holding, client.jobs, client.opened, client.wishes,
    supervisor.main,
    supervisor.dispatcher, supervisor.watcher, supervisor.stopper, supervisor.pauser, supervisor.limiter, supervisor.collector,
    supervisor.settler,
)  # fmt: skip
CHECKPOINT = 64


class Crash(BaseException):
    """The process is killed here: no code of it runs any more, but what the kernel and the database do."""


class Doom:
    """When whoever acts now is killed: at the N-th failpoint, the N-th statement, or after the N-th commit; or its disk fails it."""

    def __init__(self) -> None:
        self.passages = self.statements = self.commits = 0
        self.faulty = False  # not killed: the statement fails
        self.passed: dict[str, int] = {}

    def spare(self) -> None:
        self.passages = self.statements = self.commits = 0
        self.faulty = False

    def failpoint(self, name: str) -> None:
        self.passed[name] = self.passed.get(name, 0) + 1
        if self.passages:
            self.passages -= 1
            if not self.passages:
                raise Crash(name)

    @contextmanager
    def at_statements(self) -> Iterator[None]:
        """Count the statements of the database."""
        guarded = Database._guarded

        def counted(database: Database, what: Callable[..., Any], *given: Any) -> Any:
            if self.statements:
                self.statements -= 1
                if not self.statements:
                    if self.faulty:
                        return guarded(database, _disk_full)
                    crash = Crash("statement")
                    if database._writing:
                        database.spoil(crash)  # what a killed process has begun is never committed
                    raise crash
            return guarded(database, what, *given)

        Database._guarded = counted  # type: ignore[method-assign]
        try:
            yield
        finally:
            Database._guarded = guarded  # type: ignore[method-assign]


def _disk_full() -> None:
    raise sqlite3.OperationalError("database or disk is full")


class Committing(Batch):
    """A batch after whose commit the process may be killed."""

    __slots__ = ("_doom",)

    def __init__(self, store: Store, doom: Doom) -> None:
        super().__init__(store)
        self._doom = doom

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        if not self._outer and self._doom.commits:
            self._doom.commits -= 1
            if not self._doom.commits:
                raise Crash("after a commit")


class Shared(Database):
    """The one connection of an episode: who acts does so alone, and a process that is killed leaves no transaction open.

    Nothing is synced, since the machine is not real either.
    """

    __slots__ = ()

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        for pragma in ("synchronous=OFF", "locking_mode=EXCLUSIVE", "journal_mode=MEMORY", "temp_store=MEMORY"):
            self.connection.execute(f"PRAGMA {pragma}")

    def close(self) -> None:
        """Stay open: the next process has it, too."""

    def end(self) -> None:
        """Close it."""
        super().close()


class Records(Store):
    """The real store."""

    def __init__(self, home: Home, doom: Doom) -> None:
        self.doom = doom
        super().__init__(home)

    def batch(self) -> Batch:
        return Committing(self, self.doom) if self.doom.commits else Batch(self)


class World(Context):
    """The services' context. `lives`: until it is killed."""

    def __init__(self, home: Home, store: Store, loop: Any, facts: Facts, note: Callable[[str], None]) -> None:
        super().__init__(home, store, loop, facts)
        os.close(self._log_fd)
        self.note = note
        self.lives = True

    def log(self, text: str) -> None:
        self.note(f"log: {text}")


class Simulated(Supervisor):
    """The real services and the real cycle."""

    def __init__(self, home: Home, machine: Machine, doom: Doom, note: Callable[[str], None]) -> None:
        store = Records(home, doom)
        facts = Facts(home_id="home", host="here", boot=machine.boot, pidns=machine.pidns, shim=["shim"], lifeline=-1, null=-1, keep_free=0)
        self.lock = os.open("/dev/null", os.O_RDONLY)
        self._commits = 0
        self._assemble(World(home, store, Loop(machine), facts, note), self.lock, {}, None)
        self.door = SimpleNamespace(poke=lambda _: None, shut=lambda: None, is_watched=False)  # type: ignore[assignment]
        self._adopt()

    def turn(self) -> bool:
        """One round of `run`, without the wait. False: it has left."""
        if self._may_cycle():
            self._cycle()
        self.indexer.consider()
        if (self.leaving or self._may_leave()) and self._gone():
            return False
        self.loop.turn()  # type: ignore[attr-defined]
        return True

    def _checkpoint(self, *, idle: bool = False) -> None:
        self._commits += 1
        if idle or self._commits >= CHECKPOINT:
            self._commits = 0
            outlast.supervisor.main.failpoint("checkpoint.before")
            self.store.database.checkpoint("PASSIVE")
            outlast.supervisor.main.failpoint("checkpoint.after")

    def die(self) -> None:
        """Be gone as a killed process is: the kernel closes what it had open."""
        self.context.lives = False  # type: ignore[attr-defined]
        self.store.close()
        try:
            os.close(self.lock)
        except OSError:
            pass  # it was just leaving


def _start(machine: Machine, wanted: list[str], lock: int, fork: Callable[[Any, int], bool]) -> int | None:
    """As `executors.local.start`."""
    try:
        outlast.seams.failpoint("spawn.before")
        pid = None if fork(wanted, lock) else machine.spawn(wanted, lock)
    finally:
        machine.close(lock)
    outlast.seams.failpoint("spawn.after")
    return pid


def _replaced(machine: Machine, doom: Doom) -> Iterator[tuple[Any, str, Any]]:
    """Yield (module, name, what stands there instead)."""
    seams = {
        "now": machine.clock.now, "monotonic": machine.clock.monotonic, "boottime": machine.clock.boottime,
        "chance": machine.rng.random, "failpoint": doom.failpoint,
    }  # fmt: skip
    for module in SEAMS:
        yield from ((module, name, stand_in) for name, stand_in in seams.items() if hasattr(module, name))
    state = SimpleNamespace(take=machine.take, to_record=machine.to_record, name=lambda job, run: f"{job}.{run}")
    for service in (supervisor.dispatcher, supervisor.watcher, supervisor.stopper, executors.lender):
        yield service, "state", state
    local = SimpleNamespace(
        start=partial(_start, machine), Start=lambda **given: given["words"], inherited=lambda _: b"", restored=lambda *_: [],
        command_environment=lambda *_: b"", options=lambda *_, **__: [],
        own_words=lambda job, path: [f"output={path}", f"run={job.id}.{job.run}"],
    )  # fmt: skip
    system = SimpleNamespace(close=machine.close, pidfd_open=machine.pidfd_open, path=os.path, strerror=os.strerror, sysconf=os.sysconf)
    yield supervisor.dispatcher, "local", local
    yield supervisor.dispatcher, "os", system
    yield supervisor.dispatcher, "_have_folder", lambda _: None
    yield supervisor.watcher, "os", system
    yield supervisor.fronts, "os", system
    yield supervisor.watcher, "select", SimpleNamespace(epoll=machine.epoll, EPOLLIN=1)
    yield supervisor.watcher, "lives", machine.lives
    yield supervisor.fronts, "lives", machine.lives
    yield supervisor.watcher, "open_proved", machine.open_proved
    yield supervisor.watcher, "witness", SimpleNamespace(open_witness=machine.open_witness, exit_status=machine.exit_status)
    yield supervisor.stopper, "Stopping", partial(Ladder, machine)
    yield supervisor.pauser, "freeze", machine.freeze
    yield supervisor.pauser, "signal_members", machine.signal_members
    yield supervisor.limiter, "signal_members", machine.signal_members
    yield supervisor.limiter, "os", SimpleNamespace(stat=machine.stat)
    shared: list[Shared] = []

    def opened(home: Home, *, readonly: bool) -> Shared:
        if not shared:
            shared.append(Shared(home))
        return shared[0]

    yield outlast.store.reading, "Database", opened
    yield supervisor.main, "Guard", Guard
    yield supervisor.main, "reap", lambda _: None
    yield supervisor.main, "_unlink", lambda _: None
    yield Guard, "machine", machine
    yield executors.state, "of", machine.to_record
    yield outlast.processes.tree, "signal_members", machine.signal_members
    yield client.ending, "spared_shims", lambda _: set()
    yield client.ending, "by", lambda: "me"
    yield client.holding, "by", lambda: "me"
    yield client.submitting, "check_same_machine", lambda _: None


@contextmanager
def installed(machine: Machine, doom: Doom) -> Iterator[None]:
    """Put the machine in the place of the real one, for as long as the block lasts."""
    before = []
    for where, name, stand_in in _replaced(machine, doom):
        before.append((where, name, where.__dict__.get(name, _ABSENT)))
        setattr(where, name, stand_in)
    try:
        yield
    finally:
        for where, name, original in reversed(before):
            if original is _ABSENT:
                delattr(where, name)
            else:
                setattr(where, name, original)


_ABSENT = object()
