"""Sending to the live standard input of a running job: straight into the FIFO that its shim holds open (docs/shim-protocol.md).

Bytes go as they are. Senders take turns; the end of file comes once and is for good.
"""

import errno
import fcntl
import os
import select
import stat
from _signal import SIG_BLOCK, SIG_SETMASK, SIGPIPE, pthread_sigmask, sigtimedwait  # type: ignore[import-not-found]  # as in `executors`

from outlast.core.errors import NotFound, Refused, SystemFault
from outlast.core.job import ENDED, RUNNING
from outlast.core.options import value
from outlast.executors import state
from outlast.executors.local import LIVE, LIVE_SUFFIX
from outlast.home import fault
from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job

PATIENCE = 5_000_000_000  # ns; a job that was just submitted, or is just tried again, has its input by then
PIECE = 65536
_PAUSE = 0.01
_GONE = (errno.ENOENT, errno.ENXIO)


def target(jobs: "Jobs", which: "int | str | Job") -> "Job":
    """Return the one job that is meant, with its runs: by a name the one that has not ended. Raises NotFound, Refused."""
    found = jobs.find([which], to_end=True, every=True)
    if not found:
        raise NotFound(f"no job `{which}`", f"`outlast list` shows what there is in {jobs.home.path}")
    if len(found) > 1:
        raise Refused(f"`{which}` means {len(found)} jobs", "name one by its id", jobs=found)
    return jobs.one(found[0])


def send(jobs: "Jobs", job: "Job", data: "Iterable[bytes] | int", *, end: bool) -> int:
    """Write `data` (pieces, or all that a descriptor gives, as it comes) to the input of the job's run, then with `end` its end of file.

    Waits for a run that is about to begin, and for other senders. Returns the number of bytes; a descriptor is left alone when nobody
    reads any more. Raises Refused: it has no such input, it is not running, or it reads no more.
    """
    path, fifo = _open(jobs, job)
    before = pthread_sigmask(SIG_BLOCK, [SIGPIPE])
    try:
        fcntl.flock(fifo, fcntl.LOCK_EX)
        if not _is(path, fifo):  # the one before us has ended it
            raise _reads_no_more(job)
        sent = 0
        for piece in _read(data, fifo) if isinstance(data, int) else data:
            left = memoryview(piece)
            while left:
                done = _write(job, fifo, left, sent)
                left = left[done:]
                sent += done
        if end:
            _end(path, fifo)
        return sent
    finally:
        os.close(fifo)
        if SIGPIPE not in before:
            sigtimedwait([SIGPIPE], 0)
        pthread_sigmask(SIG_SETMASK, before)


def _open(jobs: "Jobs", job: "Job") -> "tuple[str, int]":
    """Return path and descriptor of the FIFO of the job's present run."""
    if value(job.spec, "stdin") != LIVE:
        raise Refused(f"job {job.id} was not submitted with `--stdin live`", "only then it can be sent to")
    deadline = monotonic() + PATIENCE
    while True:
        begun = job.status == RUNNING and state.of(jobs.home, job.runs[-1]).started is not None
        path = jobs.home.run_path(job.id, job.run) + LIVE_SUFFIX
        try:
            return path, _opened(path)
        except OSError as error:
            if error.errno not in _GONE:
                raise fault(error, f"cannot open {path}") from error
        if job.status == ENDED:
            raise Refused(f"job {job.id} has ended", f"`outlast show {job.id}` says how")
        if begun:  # before we looked: it had its input then
            raise _reads_no_more(job)
        if monotonic() > deadline:
            raise Refused(f"job {job.id} is not running ({job.status})", f"`outlast wait {job.id} --status running` waits until it is")
        select.select([], [], [], _PAUSE)
        job = jobs.one(job.id)


def _opened(path: str) -> int:
    fifo = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(fifo)
    if not stat.S_ISFIFO(found.st_mode) or found.st_uid != os.geteuid():
        os.close(fifo)
        raise SystemFault(f"{path} is no FIFO of yours", "outlast did not make it; remove it")
    os.set_blocking(fifo, True)
    return fifo


def _is(path: str, fifo: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fifo))
    except OSError:
        return False


def _read(source: int, fifo: int) -> "Iterator[bytes]":
    """Yield what the descriptor gives, until its end or until nobody reads the FIFO."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    poll.register(fifo, 0)  # POLLERR is always reported
    while any(fd == source for fd, _ in poll.poll()):
        piece = os.read(source, PIECE)
        if not piece:
            return
        yield piece


def _write(job: "Job", fifo: int, data: memoryview, sent: int) -> int:
    try:
        return os.write(fifo, data)
    except BrokenPipeError:
        raise _reads_no_more(job, f"; {sent} bytes were sent before") from None


def _end(path: str, fifo: int) -> None:
    """Tell the shim that no more comes. Afterwards nobody finds the FIFO, unless the shim does not answer."""
    try:
        os.close(os.open(f"{path}.end", os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))
    except OSError as error:
        if error.errno not in _GONE:
            raise fault(error, f"cannot open {path}.end") from error
        return  # the run is over, or its shim was killed: then the input ends with us
    deadline = monotonic() + PATIENCE
    while _is(path, fifo) and monotonic() < deadline:
        select.select([], [], [], _PAUSE)


def _reads_no_more(job: "Job", also: str = "") -> Refused:
    return Refused(f"job {job.id} reads no input any more", f"`outlast show {job.id}` says more{also}")
