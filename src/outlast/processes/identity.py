"""Which process is meant: a pid alone says nothing once it was used again; pid and start time, on one boot, are one process for ever."""

import os

from outlast.core.errors import SystemFault
from outlast.core.value import Value, made
from outlast.processes.procfs import look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Identity(Value):
    """One process of this boot. `start`: field 22 of /proc/PID/stat, in clock ticks since boot."""

    _fields = ("pid", "start")
    pid: int
    start: int

    def __new__(cls, pid: int, start: int) -> "Self":
        """Set both fields."""
        return made(cls, pid, start)

    def __hash__(self) -> int:  # type: ignore[override]
        """Two integers: unlike most values this one can be in a set."""
        return hash((self.pid, self.start))


def boot_id() -> str:
    """Return the identifier of this boot (random(4)). Raises SystemFault where there is none."""
    return _contents("/proc/sys/kernel/random/boot_id").strip()


def pid_namespace() -> int | None:
    """Return the inode number of our pid namespace (pid_namespaces(7)), None if it cannot be told."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


def start_of(pid: int) -> int | None:
    """Return the start time of `pid` in clock ticks since boot; zombies have one too. None if there is no such process."""
    process = look(pid)
    return process.start if process else None


def state_of(pid: int) -> str | None:
    """Return the letter of the state of `pid` (proc_pid_stat(5)), None if there is no such process."""
    process = look(pid)
    return process.state if process else None


def lives(identity: Identity) -> bool:
    """Tell whether this very process still runs. A zombie does not."""
    process = look(identity.pid)
    return process is not None and process.start == identity.start and process.alive


def me() -> Identity:
    """Return our own identity. Raises SystemFault where /proc is not mounted."""
    pid = os.getpid()
    start = start_of(pid)
    if start is None:
        raise SystemFault("cannot tell which process this is", "/proc must be mounted, and of this pid namespace")
    return Identity(pid, start)


def _contents(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError as error:
        raise SystemFault(f"cannot read {path} ({error.strerror})", "/proc must be mounted") from error
