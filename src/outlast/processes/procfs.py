"""One process as /proc tells it (proc_pid_stat(5), proc_pid_environ(5)). What is not there is None; what the world refuses is raised.

A process that cannot be looked at for want of descriptors or memory must never pass for one that has ended: hence SystemFault.
"""

import errno
import os

from outlast.core.errors import SystemFault

_GONE = (errno.ENOENT, errno.ESRCH)
_HIDDEN = (errno.EACCES, errno.EPERM)
_MARK = b"\0OUTLAST_MARK="


class Process:
    """What one read of /proc/PID/stat told.

    `start`: field 22, clock ticks since boot. `key`: pid and start, its identity. `image`: where its arguments and environment lie in
    memory, empty if hidden; with randomized addresses two processes have the same only if one `exec` made both.
    """

    __slots__ = ("comm", "image", "key", "pgrp", "pid", "ppid", "session", "start", "state", "threads")

    def __init__(
        self,
        pid: int,
        ppid: int,
        pgrp: int,
        session: int,
        start: int,
        *,
        state: str = "S",
        threads: int = 1,
        comm: str = "",
        image: bytes = b"",
    ) -> None:
        self.pid = pid
        self.ppid = ppid
        self.pgrp = pgrp
        self.session = session
        self.start = start
        self.state = state
        self.threads = threads
        self.comm = comm
        self.image = image
        self.key = (pid, start)

    @property
    def alive(self) -> bool:
        """Whether it can still run anything: not a zombie, unless only its first thread has ended (pthread_exit(3) in `main`)."""
        return self.state not in "ZXx" or (self.state == "Z" and self.threads > 1)

    def __repr__(self) -> str:
        """Show what a failed test needs."""
        return f"<{self.pid} {self.comm} {self.state} ppid={self.ppid} pgrp={self.pgrp} session={self.session} start={self.start}>"


def look(pid: int) -> Process | None:
    """Return what /proc says of `pid` now, None if it says nothing. Raises SystemFault if nothing at all can be read."""
    raw = stat_line(pid)
    return parse(pid, raw) if raw else None


def parse(pid: int, raw: bytes) -> Process:
    """Return a stat line as a Process. The name ends at the last parenthesis: it may itself hold blanks and parentheses."""
    end = raw.rindex(b")")
    fields = raw[end + 2 :].split()  # the first is field 3
    return Process(
        pid,
        int(fields[1]),
        int(fields[2]),
        int(fields[3]),
        int(fields[19]),
        state=fields[0].decode("ascii"),
        threads=int(fields[17]),
        comm=raw[raw.index(b"(") + 1 : end].decode("utf-8", "replace"),
        image=b" ".join(fields[45:49]) if fields[47] != b"0" else b"",
    )


def stat_line(pid: int) -> bytes | None:
    """Return the line of /proc/PID/stat, None if there is no such process or it is hidden. Raises SystemFault."""
    return _read(f"/proc/{pid}/stat")


def children_of(process: Process) -> list[int] | None:
    """Return the pids of its children, zombies too, read within microseconds. None if it is gone or the kernel does not tell."""
    threads = [process.pid]
    if process.threads > 1:
        try:
            threads = [int(name) for name in os.listdir(f"/proc/{process.pid}/task")]
        except OSError:
            return None
    told = [_read(f"/proc/{process.pid}/task/{thread}/children") for thread in threads]
    return None if None in told else [int(pid) for words in told for pid in (words or b"").split()]


def mark_of(pid: int) -> bytes | None:
    """Return the value of `OUTLAST_MARK` in the environment that `pid` was started with.

    Empty if it has none or is over, None if it may not be read (another user's, or a process that is not dumpable).
    """
    environment = _read(f"/proc/{pid}/environ", gone=b"")
    if environment is None:
        return None
    at = (b"\0" + environment).find(_MARK)
    return environment[at + len(_MARK) - 1 :].partition(b"\0")[0] if at >= 0 else b""


def status_field(pid: "int | str", name: bytes) -> list[bytes]:
    """Return the words of the line `name` of /proc/PID/status, none if there is no such process or line. Raises SystemFault."""
    for line in (_read(f"/proc/{pid}/status") or b"").splitlines():
        if line.startswith(name + b":"):
            return line.split()[1:]
    return []


def _read(path: str, gone: bytes | None = None) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = chunk = os.read(fd, 65536)
            while len(chunk) == 65536:  # only an environment is ever that long
                chunk = os.read(fd, 65536)
                data += chunk
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in _GONE:
            return gone
        if error.errno in _HIDDEN:
            return None
        raise SystemFault(f"cannot read {path} ({error.strerror})", "it is tried again") from error
    return data
