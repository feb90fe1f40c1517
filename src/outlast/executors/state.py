"""The state file that is lent to a run (docs/shim-protocol.md): emptying it, and reading the truth from it.

Anybody may read it at any time, with or without a supervisor: the lock tells whether the run lives, the slots what it told.
"""

import errno
import fcntl
import os
from binascii import crc32

from outlast.core.jsontext import loads
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.core.job import Run
    from outlast.home import Home

SIZE = 4096
_RESULT = 1024
_RESERVE = b"\n" * SIZE
_HEAD = 14  # "LLLL CCCCCCCC "


class State(Value):
    """What a state file tells of a run. `exists`: there is one, of no other run; `locked`: its shim (or its command, before exec) lives."""

    _fields = ("exists", "locked", "started", "result")
    exists: bool
    locked: bool
    started: "dict[str, Any] | None"
    result: "dict[str, Any] | None"
    _defaults = {"exists": True, "locked": False, "started": None, "result": None}


def take(path: str) -> int:
    """Open a state file, make it if need be, and empty it, with its room really written. Returns the descriptor, which holds its lock.

    Raises OSError: BlockingIOError if somebody else holds the lock.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.pwrite(fd, _RESERVE, 0) != SIZE:
            raise OSError(28, os.strerror(28))
    except OSError:
        os.close(fd)
        raise
    return fd


def name(job: int, run: int) -> str:
    """Return the name of a run, as its shim repeats it in the state file."""
    return f"{job}.{run}"


def of(home: "Home", run: "Run") -> State:
    """Return what the state file that was lent to the run tells of it now, to be told: nothing, if it was lent to another since."""
    return read(home.state_path(run.state_file), name(run.job, run.run))


def to_record(home: "Home", run: "Run") -> State:
    """Return likewise what is told to nobody before it is recorded. With no descriptor to be had it lives: ask again later."""
    try:
        return read(home.state_path(run.state_file), name(run.job, run.run), durable=False)
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        return State(locked=True)


def read(path: str, run: str, *, durable: bool = True) -> State:
    """Return what a state file tells of `run` now. The lock is asked first: a run that ends meanwhile is then seen with its result.

    What another run has written, before or since, is not of this one. `durable`: a result is on the disk by then. The shims of short
    runs leave that to the record of a living supervisor, and who looks before that is not to be told what a power cut takes back.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return State(exists=False)
    try:
        locked = False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            locked = True
        content = os.pread(fd, SIZE, 0)
        started, result = _slot(content, 0), _slot(content, _RESULT)
        if started is not None and started.get("run") != run:
            return State(exists=False)
        if result is not None and result.get("run") != run:
            result = None
        if durable and result is not None and not _is_synced(fd):
            return State(locked=True, started=started)  # until it is on the disk nobody knows
    finally:
        os.close(fd)
    return State(locked=locked, started=started, result=result)


def _is_synced(fd: int) -> bool:
    try:
        os.fsync(fd)
    except OSError as error:  # a file system that has no such thing, or that is read-only by now: it is as true as it can be
        return error.errno in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EROFS)
    return True


def _slot(content: bytes, offset: int) -> "dict[str, Any] | None":
    """Return the object of a slot, or None unless the line is whole: length, newline, checksum."""
    head = content[offset : offset + _HEAD]
    if not head[:4].isdigit():
        return None
    end = offset + _HEAD + int(head[:4])
    text = content[offset + _HEAD : end]
    if content[end : end + 1] != b"\n" or b"%08x" % crc32(text) != head[5:13]:
        return None
    told: dict[str, Any] = loads(text.decode("ascii", "replace"))
    return told
