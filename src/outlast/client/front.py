"""A job in front: the client hands its three descriptors over and waits; the shim passes everything through.

The client is not on the path of any byte, so that it may be killed at any time. SIGINT and SIGTERM to it interrupt the job
with that signal; a second one interrupts it with SIGKILL; at a third one the client leaves.
"""

import _signal  # type: ignore[import-not-found]  # `signal` costs 5 ms for its enumerations
import os
import select

from outlast import __version__
from outlast.client.waiting import SAFETY, BackOff
from outlast.core.errors import EXIT_WRAPPER, OutlastError, SystemFault
from outlast.core.events import Noted, StopRequested
from outlast.core.exits import SIGKILL, wrapper_status
from outlast.core.job import ENDED, FAILED, INTERRUPT, INTERRUPTED, NEUTRAL, PENDING, QUEUED, STOPPED, SUCCEEDED
from outlast.core.options import value
from outlast.executors import state
from outlast.processes import starter
from outlast.processes.handing import packed
from outlast.processes.identity import me
from outlast.seams import failpoint, now
from outlast.store.store import Front

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job
    from outlast.store.reading import Reading
    from outlast.store.store import Submission

SAFETY_MS = int(SAFETY * 1000)
TRIES = 20
SIGNALS = (2, 15)


class Signals:
    """SIGINT and SIGTERM as bytes on a descriptor while the client waits."""

    def __init__(self) -> None:
        """Take the signals over."""
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = _signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._handlers = [(number, _signal.signal(number, lambda *_: None)) for number in SIGNALS]
        self.first: int | None = None

    def taken(self) -> "list[int]":
        """Return the signals that have come since the last call."""
        try:
            numbers = [number for number in os.read(self.fd, 64) if number in SIGNALS]
        except BlockingIOError:
            return []
        if numbers and self.first is None:
            self.first = numbers[0]
        return numbers

    def give_back(self) -> None:
        """Let the signals do what they did before."""
        for number, handler in self._handlers:
            _signal.signal(number, handler)
        _signal.set_wakeup_fd(self._wakeup)
        os.close(self.fd)
        os.close(self._write)


class Detached(Exception):  # it is no error: we go, the job stays
    """The client was told by a signal to leave a job that is not its own, or whose end does not come."""

    def __init__(self, signal: int) -> None:
        super().__init__()
        self.signal = signal


class InFront:
    """One job and its client in front."""

    def __init__(self, jobs: "Jobs") -> None:
        """Hand our descriptors over, starting a supervisor if there is none."""
        self.jobs = jobs
        _ = jobs.store  # first: what is wrong with the home is told by us, not by a supervisor that does not come up
        self.token = os.urandom(8).hex()
        self.joined = False  # it is another one's job, which we only wait for
        self.signals = Signals()
        self.back_off = BackOff()
        self.connection: _socket.socket = self._hand_over()

    def _hand_over(self) -> "_socket.socket":
        import _socket

        given = packed([_usable(fd) for fd in range(3)])
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, given)]
        return self._connected(lambda c: c.sendmsg([f"front {__version__} {self.token}\n".encode()], rights))

    def _connected(self, say: "Callable[[_socket.socket], object]") -> "_socket.socket":
        """Return a connection on which `say` has said what it has to say, whoever dies meanwhile."""
        for _ in range(TRIES):
            connection = starter.ensure(self.jobs.home)
            try:
                say(connection)
            except OSError:
                connection.close()
                self.back_off.pause(SAFETY)
            else:
                self.back_off.connected()
                return connection
        raise SystemFault("the supervisor does not stay up", f"see {self.jobs.home.at('supervisor.log')}; `outlast doctor` says more")

    def front(self) -> Front:
        """Return what the store is to know of us."""
        own = me()
        parent = os.environ.get("OUTLAST_JOB", "")
        same = os.environ.get("OUTLAST_HOME") == self.jobs.home.path
        return Front(token=self.token, pid=own.pid, pid_start=own.start, parent=int(parent) if same and parent.isdigit() else None)

    def wait(self, job: "Job") -> "Job":
        """Return the job as it ended, when all of its output has been passed on."""
        watched = self._watch(job)
        asked = 0
        poller = select.poll()
        while True:
            recorded = self.jobs.reading and self.jobs.reading.job(job.id)
            if recorded and (recorded.status == ENDED or self._is_over(recorded)):
                return self.jobs.one(job.id)
            for fd in (self.signals.fd, watched.fileno(), self.connection.fileno()):
                if fd >= 0:
                    poller.register(fd, select.POLLIN)
            ready = dict(poller.poll(SAFETY_MS))
            if self.signals.fd in ready:
                for number in self.signals.taken():
                    asked += 1
                    if self.joined or asked > 2:
                        raise Detached(number)
                    self._interrupt(job, number if asked == 1 else SIGKILL)
            for connection in (watched, self.connection):
                if connection.fileno() in ready and not _told(connection):
                    poller.unregister(connection.fileno())
                    connection.close()
            if self.connection.fileno() < 0:
                self.back_off.pause(SAFETY)
                self.connection = self._hand_over()  # a supervisor ended: the next one may still need them
            if watched.fileno() < 0:
                watched = self._watch(job)

    def _watch(self, job: "Job") -> "_socket.socket":
        return self._connected(lambda connection: connection.send(f"watch {job.id}\n".encode()))

    def _is_over(self, job: "Job") -> bool:
        run = self.jobs.reading and self.jobs.reading.run(job.id, job.run)
        told = state.of(self.jobs.home, run) if run else state.State(exists=False)
        return told.result is not None and not told.locked and self.jobs.one(job.id).status == ENDED

    def _interrupt(self, job: "Job", number: int) -> None:
        event = StopRequested(verb=INTERRUPT, signal=number, by="the client in front")
        try:
            self.jobs.store.request(job.id, event, now())
            self.jobs.wake()
        except OutlastError:
            return  # it has ended meanwhile


def run_in_front(
    jobs: "Jobs", make: "Callable[[Front], Submission]", *, quiet: bool = False, verbose: bool = False, fail_if_not_run: bool = False
) -> int:
    """Submit what `make` returns with us in front of it, wait, and return the exit status of a wrapper.

    Says on stderr why nothing runs (yet), unless `quiet`; `verbose`: the job's id as well.
    """
    in_front = InFront(jobs)
    failpoint("front.handed-over")
    job = jobs.submit([make(in_front.front())])[0]
    if job.status != ENDED:
        if verbose:
            _say(f"job {job.id}")
        if job.id in jobs.store.joined:
            in_front.joined = True
            if not quiet:
                _say(f"joined job {job.id}, whose output is in `outlast logs -f {job.id}`")
        elif not quiet:
            _say_waiting(jobs, job)
        try:
            job = in_front.wait(job)
        except Detached as detached:
            _say(f"left job {job.id}, {'which goes on' if in_front.joined else 'whose end is asked for'}")
            return 128 + detached.signal
    in_front.signals.give_back()
    if not quiet and job.outcome not in (SUCCEEDED, FAILED, NEUTRAL, STOPPED, INTERRUPTED):
        _say(f"job {job.id} {job.how}")
    status = wrapper_status(job, signal=in_front.signals.first, fail_if_not_run=fail_if_not_run)
    return EXIT_WRAPPER if _say_not_passed(jobs, job) and status == 0 else status


def _say_not_passed(jobs: "Jobs", job: "Job") -> bool:
    """Say which of our streams did not take all of the output, and why. True if there is one."""
    result = (state.of(jobs.home, job.runs[-1]).result if job.runs else None) or {}  # if its end is not recorded yet
    refused = {stream: error for stream, error in zip(("stdout", "stderr"), result.get("passed") or (), strict=False) if error}
    for event in jobs.reading.events_of(job.id) if jobs.reading else ():
        if event["kind"] == Noted.kind and "stream" in event["data"]["data"]:
            refused[event["data"]["data"]["stream"]] = event["data"]["data"]["errno"]
    for stream, error in refused.items():
        kept = "the output" if any(run.missing for run in job.runs) else "the whole output"
        where = f"{kept} is in `outlast logs {job.id}`" if value(job.spec, f"log.{stream}") else "the log does not keep it either"
        _say(f"{stream}: {os.strerror(error)}: {where}")
    return bool(refused)


def _say_waiting(jobs: "Jobs", job: "Job") -> None:
    """Say why nothing runs yet, if something keeps it from running."""
    reading = jobs.reading
    if reading is None:
        return
    if job.held:
        _say(f"job {job.id} is held: `outlast release {job.id}` lets it start")
    elif job.status == PENDING:
        from outlast.client.reasons import waiting_for

        waits = waiting_for(reading, job)
        if job.next_run_at is not None:
            from outlast.core.times import format_time_local

            waits.append(f"until {format_time_local(job.next_run_at, now())}")
        if waits:
            _say(f"job {job.id} waits {'; and '.join(waits)}")
    elif job.group is not None:
        _say_queued(reading, job)


def _say_queued(reading: "Reading", job: "Job") -> None:
    slots, _, _ = reading.group(job.group or "") or (None, False, False)
    running = next((group["running"] for group in reading.groups() if group["name"] == job.group), 0)
    now_ = reading.job(job.id)  # read after the count, which so cannot be its own
    if slots is not None and running >= slots and now_ is not None and now_.status == QUEUED:
        taken = "the only slot" if slots == 1 else f"all {slots} slots"
        _say(f"job {job.id} is queued: {taken} of group `{job.group}` {'is' if slots == 1 else 'are'} taken")


def _say(text: str) -> None:
    try:
        os.write(2, f"outlast: {text}\n".encode("utf-8", "replace"))
    except OSError:
        pass


def _told(connection: "_socket.socket") -> bool:
    """Read what came; False at end of file."""
    try:
        return bool(connection.recv(4096))
    except OSError:
        return False


def _usable(fd: int) -> int:
    """Return `fd`, or `/dev/null` if it is closed."""
    try:
        os.fstat(fd)
    except OSError:
        return os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    return fd
