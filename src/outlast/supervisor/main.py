"""The supervisor's process: set up, cycle until there is nothing left to do, leave without losing a submission.

Each cycle is one transaction: wishes, ends, starts and claims go into one durable commit; then what was claimed is started.
"""

import _signal  # type: ignore[import-not-found]  # `signal` would load enum
import fcntl
import gc
import os
import sys

import outlast
from outlast import seams
from outlast.core.errors import SystemFault
from outlast.executors import local
from outlast.executors.lender import Lender
from outlast.home import Home
from outlast.processes.cgroups import Delegation
from outlast.processes.identity import boot_id, pid_namespace
from outlast.processes.pidfd import reap
from outlast.processes.starter import CLEAN, LOCK_FD, READY_FD, is_newer
from outlast.processes.surroundings import limits_of_others, raise_descriptor_limit, surroundings
from outlast.seams import failpoint, now
from outlast.store.store import Store
from outlast.supervisor.checkpoints import Checkpoints
from outlast.supervisor.collector import Collector
from outlast.supervisor.conditions import Conditions
from outlast.supervisor.context import Context, Facts, LiveRun, died, said
from outlast.supervisor.dispatcher import Dispatcher
from outlast.supervisor.door import Door, hang_bell, listen
from outlast.supervisor.enforcer import Enforcer
from outlast.supervisor.fronts import Fronts
from outlast.supervisor.guard import Guard, open_lifeline
from outlast.supervisor.indexer import Indexer
from outlast.supervisor.limiter import Limiter
from outlast.supervisor.loop import Loop
from outlast.supervisor.observer import Observer
from outlast.supervisor.pauser import Pauser
from outlast.supervisor.pruner import Pruner
from outlast.supervisor.reports import Reports
from outlast.supervisor.settler import Settler
from outlast.supervisor.stopper import Stopper
from outlast.supervisor.watcher import Watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.store.reading import Outlook

LINGER = int(os.environ.get("OUTLAST_LINGER_MS") or 5000) * 1_000_000  # idle for so long before it leaves: a shell loop finds it warm
WALL = 30_000_000_000  # a deadline on the wall clock is looked at again after this, should the clock have jumped
BACK_OFF = 1_000_000_000
LEAVE_SIGNALS = (1, 2, 15)


class Supervisor:
    """The services and the cycle."""

    def __init__(self, home: Home, lock: int) -> None:
        """Open the store, the lifeline and the socket; adopt what earlier supervisors left. `lock` is the home's, held."""
        store, loop = Store(home), Loop()
        lifeline, self._write_end = open_lifeline(home)
        facts = Facts(
            home_id=store.home_id(), host=os.uname().nodename, boot=os.environ.get("OUTLAST_BOOT_ID") or boot_id(),
            pidns=pid_namespace(), shim=local.shim_argv(os.environ.get("OUTLAST_SHIM")), lifeline=lifeline,
            null=os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC), keep_free=local.room_for_records(home.path),
        )  # fmt: skip
        own = surroundings()
        raise_descriptor_limit()
        # The delegation first: whatever we start from now on is to live in a leaf beside it.
        self._assemble(Context(home, store, loop, facts), lock, own | {"rlimits": limits_of_others(own)}, Delegation.find())
        self.guard.stand()  # before anybody can tell us of a job
        self.door = Door(listen(home), hang_bell(home), self.loop, self.fronts, self._wake, self._leave)
        self.context.log(f"started, version {outlast.__version__}, shim {facts.shim[0]}")
        self._adopt()
        self.conditions.start()
        self.context.poke = self.door.poke
        self.pruner.start()

    def _assemble(self, context: Context, lock: int, own: "Mapping[str, Any]", delegation: Delegation | None) -> None:
        """Make the services, and tell each of those that it needs. `own`: our surroundings; `delegation`: the cgroup that we may divide."""
        self.context = context
        self.home, self.store, self.loop = context.home, context.store, context.loop
        self.lock = lock
        self.leaving = False
        self.upgrade = False
        self.idle_since: int | None = None
        self.next_due: int | None = None  # when the next pending job is (ns), as of the last cycle
        self.checkpoints = Checkpoints(context)
        self._not_before = 0  # the next cycle, on the monotonic clock: after one that failed
        self.fronts = Fronts(self.store)
        self.watcher = Watcher(context)
        self.stopper = Stopper(context)
        self.limiter = Limiter(context, self.stopper.target)
        self.pauser = Pauser(context, self.stopper.target)
        self.pauser.resumed = self.limiter.resumed
        self.pruner = Pruner(context, self._checkpoint)
        self.conditions = Conditions(context)
        self.settler = Settler(context, self.conditions.begin)
        self.guard = Guard(context)
        self.observer = Observer(context)
        self.collector = Collector(context, self.watcher, self.stopper, Reports(context), self.observer)
        self.enforcer = Enforcer(context, delegation)
        self.watcher.told, self.watcher.gone = self.enforcer.told, self.enforcer.over
        self.dispatcher = Dispatcher(
            context, self.fronts, self.watcher, self.guard, self.enforcer, self.collector.reports, self.observer, own
        )
        self.indexer = Indexer(context, self._is_idle, self._checkpoint)
        self.watcher.restart = self.dispatcher.start
        self.watcher.began = self.limiter.began

    def _adopt(self) -> None:
        """Take over every run that was claimed and whose end is not recorded."""
        failpoint("adopt.before")
        runs = self.context.runs
        for number in self.store.running_ids():
            live = self._live(number)
            if live is not None:
                runs[number] = live
        self.context.lender = Lender(self.home, {live.run.state_file for live in runs.values()})
        for live in list(runs.values()):
            self.pauser.adopted(live)
            self.enforcer.adopted(live)
            self.watcher.adopt(live)
        self.enforcer.sweep()
        self.observer.adopt()
        failpoint("adopt.after")

    def _live(self, number: int) -> LiveRun | None:
        """Return the present run of a running job; None if what the record says of it cannot be read."""
        try:
            job = self.store.job(number)
            run = None if job is None else self.store.run(number, job.run)
        except SystemFault as error:
            error.job = error.job or number
            if number not in self.context.hopeless:
                self.context.blame(error)
                self.context.hopeless.add(number)
            return None
        if job is None or run is None:
            self.context.log(f"job {number}: running without a run")
            return None
        return LiveRun(job, run, self.home.run_path(number, job.run))

    def listen_to_signals(self) -> None:
        """Take SIGTERM, SIGINT and SIGHUP, by which service managers, terminals and shutdowns end a process, as wishes that we leave."""
        ready, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        _signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in LEAVE_SIGNALS:
            _signal.signal(number, lambda *_: self._leave())
        self.loop.watch(ready, _drain)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, LEAVE_SIGNALS)

    def _wake(self, version: str) -> None:
        self.context.touch()
        if is_newer(version, outlast.__version__):
            self.upgrade = True

    def _leave(self) -> None:
        self.leaving = True

    def run(self) -> None:
        """Cycle until there is nothing left to do, or somebody wants us to leave, or a newer version is to take over."""
        while True:
            if self._may_cycle():
                self._cycle()
            if self.upgrade:
                self._become_newer()
            self.indexer.consider()
            if (self.leaving or self._may_leave()) and self._gone():
                return
            self.loop.wait(self._patience())

    def _may_cycle(self) -> bool:
        """Tell whether there may be something to do, and the last failure is long enough ago."""
        return self.context.dirty and seams.monotonic() >= self._not_before

    def _cycle(self) -> None:
        context = self.context
        context.dirty = False
        at = now()
        ended: list[LiveRun] = []
        try:
            with self.store.batch():
                outlook = self.store.outlook()
                late = self.limiter.run_once(at)
                if outlook.next_deadline is not None and outlook.next_deadline <= at:
                    late += self.settler.end_late(at)
                if late:
                    outlook = self.store.outlook()
                self.stopper.run_once(at, wished=outlook.stops)
                self.pauser.run_once(at, any_paused=outlook.paused)
                outlook, started = self._collect_and_claim(outlook, ended, at)
                if ended and self._have_more_ended():
                    at = now()
                    outlook, more = self._collect_and_claim(self.store.outlook(), ended, at)
                    started += more
        except Exception as error:  # noqa: BLE001  # whatever it is, all other jobs go on
            if not context.blame(error):
                self._not_before = seams.monotonic() + BACK_OFF
            context.log(f"cycle failed: {said(error)}")
            self._forget_unwritten(ended)
            context.touch()
            return
        self.next_due = self._next_due(outlook, at)
        if ended:
            failpoint("record.after-commit")
        if started:
            failpoint("started.after-commit")
        self.collector.reports.committed()  # before the next run may begin to write there
        claimed, context.claimed = context.claimed, []
        if claimed:
            failpoint("claim.after-commit")
        for live in claimed:
            self.dispatcher.start(live)
        self.stopper.committed()
        self.pauser.committed()
        self.limiter.committed()
        for live in ended:
            self.watcher.forget(live)
        self.observer.recorded(ended)
        self.conditions.committed(self.store.changed)
        self.fronts.tidy()
        self.door.poke(self.store.changed)
        reap(self.conditions.reaped)
        self.pruner.committed()
        self._checkpoint()

    def _collect_and_claim(self, outlook: "Outlook", ended: "list[LiveRun]", at: int) -> "tuple[Outlook, int]":
        """Record what is known, and claim what may start. Adds to `ended`. Returns (the outlook, recorded starts)."""
        over = self.collector.run_once(at)
        for live in over:
            del self.context.runs[live.id]  # its slot is free for the claims of this commit
        ended += over
        settled = 0
        if self.store.any_needs() or self.conditions.has_news:
            settled = self.settler.run_once(at) + self.conditions.run_once(at)
        if settled or self.collector.retried:
            outlook = self.store.outlook()
        self.dispatcher.run_once(at, outlook)
        return outlook, self.collector.started

    def _next_due(self, outlook: "Outlook", at: int) -> int | None:
        """Return when the wall clock next gives us something to do."""
        due, deadline = outlook.next_due, outlook.next_deadline
        if due is not None and due <= at:
            due = self.store.next_due()
        if deadline is not None and deadline <= at:
            deadline = self.store.next_deadline()
        return min((instant for instant in (due, deadline) if instant is not None), default=None)

    def _have_more_ended(self) -> bool:
        """Tell whether more shims have ended since the cycle began: the sooner they are recorded, the sooner their slots are used."""
        dirty = self.context.dirty
        ended = self.watcher.take_ends()
        self.context.dirty = dirty
        return ended > 0

    def _forget_unwritten(self, ended: "list[LiveRun]") -> None:
        """Drop what the failed transaction put into memory, and find out again; make room in the database if that is what lacks."""
        self.pauser.drop()
        self.collector.reports.drop()
        for live in [*self.context.runs.values(), *ended]:
            self.stopper.drop(live)
            self.observer.drop(live)
            self.watcher.forget(live)
        self.context.runs.clear()
        self.context.claimed.clear()
        self._checkpoint(idle=True)
        self._adopt()
        self.conditions.close()
        self.conditions.start()

    def _checkpoint(self, *, idle: bool = False) -> None:
        self.checkpoints.committed(idle=idle)

    def _patience(self) -> int | None:
        """Return how long the loop may wait (ns): until the next pending job is due, or until idleness has lasted long enough."""
        if self.context.dirty:
            return max(self._not_before - seams.monotonic(), 0)
        if self.next_due is not None:
            left = self.next_due - now()
            if left <= 0 and self.context.bad:
                return BACK_OFF  # what is due may be due for ever
            if left <= 0:
                self.context.touch()
            return max(0, min(left, WALL))
        return None if self.idle_since is None else max(self.idle_since + LINGER - seams.monotonic(), 0)

    def _is_idle(self) -> bool:
        return not self.context.dirty and not self.context.runs and not len(self.fronts)

    def _may_leave(self) -> bool:
        """Tell whether nothing has been left to do for long enough."""
        if not self._is_idle() or self.indexer.busy or self.door.is_watched or self.store.any_active():
            self.idle_since = None
            return False
        at = seams.monotonic()
        if self.idle_since is None:
            self.idle_since = at
            self._checkpoint(idle=True)
        return at - self.idle_since >= LINGER

    def _gone(self) -> bool:
        """Leave. Who submits after our last look finds neither socket nor lock, and starts the next supervisor. False: stay."""
        failpoint("leave.before")
        with self.store.database.write():
            if not self.leaving and self.store.any_active():
                self.context.touch()
                return False
            self.door.shut()
            if self.context.runs:
                _unlink(self.home.at("start"))  # on purpose: no shim is to start another
            _unlink(self.home.at("supervisor.sock"))
            self.conditions.close()
            self.guard.dismiss()
            os.close(self.lock)
        failpoint("leave.after")
        self.context.log("left")
        self.store.close()
        return True

    def _become_newer(self) -> None:
        """Become the newer version in place: same process, same lock, so that our shims stay our children."""
        with open(self.home.at("start"), "rb") as file:
            argv = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
        self.context.log(f"making way for a newer version: {argv[0]}")
        self.conditions.close()
        self.store.close()
        failpoint("upgrade.before-exec")
        os.dup2(self.lock, LOCK_FD)
        os.set_inheritable(LOCK_FD, True)
        environment = {**CLEAN, **{n: v for n, v in os.environ.items() if n not in CLEAN}}
        os.execve(argv[0], argv, environment)


def _drain(fd: int) -> None:
    os.read(fd, 64)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def main() -> None:
    """Be a supervisor: argv is (code, package root, home); descriptor 3 is the home's lock, 4 (perhaps) whom to tell when ready."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, LEAVE_SIGNALS)  # whoever reads our pid in the lock may ask us to leave at once
    failpoint("supervisor.start")
    gc.set_threshold(50_000)  # values come and go without cycles: looking for them costs a tenth
    os.closerange(READY_FD + 1, 1 << 20)  # whatever the starter had open is none of ours
    home = Home(sys.argv[2])
    lock = fcntl.fcntl(LOCK_FD, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(LOCK_FD)
    try:
        ready = fcntl.fcntl(READY_FD, fcntl.F_DUPFD_CLOEXEC, 10)
        os.close(READY_FD)
    except OSError:
        ready = -1  # a shim started us and does not wait
    local.occupy_low_descriptors()
    os.umask(0o077)
    os.chdir("/")
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()} {outlast.__version__} {now()} {pid_namespace()}\n".encode(), 0)
    try:
        supervisor = Supervisor(home, lock)
    except BaseException as error:
        died(home, error)
        raise
    serve(supervisor, ready)


def serve(supervisor: Supervisor, ready: int) -> None:
    """Tell `ready` (a descriptor, or -1) that we are here, and cycle to the end. What ends us unforeseen is logged."""
    if ready >= 0:
        try:
            os.write(ready, b".")
        except BrokenPipeError:
            pass  # who started us did not wait
        os.close(ready)
    failpoint("supervisor.ready")
    supervisor.listen_to_signals()
    try:
        supervisor.run()
    except BaseException as error:
        died(supervisor.home, error)
        raise
