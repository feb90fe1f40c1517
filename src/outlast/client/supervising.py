"""What is known of the supervisor, from its lock file; starting it, asking it to leave; being one in front (for service managers)."""

import os

from outlast.client.listing import true_counts
from outlast.core.errors import Refused, SystemFault
from outlast.processes import starter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.client.jobs import Jobs

_TRIES = 200
_BETWEEN = 0.05  # seconds


def status(jobs: "Jobs") -> "dict[str, Any]":
    """Return pid (None if none lives), version, since when (ns), and how many jobs run, are queued, are pending."""
    pid = version = since = None
    if jobs.home.is_supervised():
        words = starter.told(jobs.home)
        if words:
            pid, version, since = int(words[0]), words[1], int(words[2])
    counts = true_counts(jobs, jobs.reading) if jobs.reading is not None else {}
    return {"pid": pid, "version": version, "since": since, **{name: counts.get(name, 0) for name in ("running", "queued", "pending")}}


def start(jobs: "Jobs") -> None:
    """See to it that a supervisor lives and looks at the store. Raises SystemFault if there is no home."""
    if not jobs.home.exists() and not os.path.isdir(jobs.home.path):
        hint = "`outlast run` makes it; if it lies on a disk that is not mounted, mount that and try again"
        raise SystemFault(f"there is no home at {jobs.home.path}", hint)
    jobs.wake()


def leave(jobs: "Jobs") -> bool:
    """Ask the supervisor to leave and wait until it has. Jobs go on; False if none lived."""
    connection = starter.connect(jobs.home) if os.path.isdir(jobs.home.path) else None
    if connection is None:
        return False
    try:
        connection.send(b"leave\n")
        while connection.recv(1):
            pass
    except OSError:
        pass
    finally:
        connection.close()
    return True


def keep_out(jobs: "Jobs") -> int:
    """Ask the supervisor to leave and take its place in the lock, so that none lives until that is closed. Returns the descriptor.

    Jobs go on. Raises Refused if there is always one, or one does not leave.
    """
    import select

    for _ in range(_TRIES):  # it is just starting or ending, or one that died was followed by another
        leave(jobs)
        lock = jobs.home.take_lock("supervisor.lock")
        if lock is not None:
            return lock
        select.select([], [], [], _BETWEEN)
    raise Refused("a supervisor lives that does not leave", "`outlast supervisor status` names it; end it and try again")


def be_one(jobs: "Jobs") -> None:
    """Become the supervisor of the home in this very process, in front. Raises Refused if one lives."""
    jobs.home.make()
    lock = jobs.home.take_lock("supervisor.lock")
    if lock is None:
        raise Refused("a supervisor lives already", "`outlast supervisor status` says more")
    starter.keep_start_current(jobs.home)
    os.dup2(lock, starter.LOCK_FD)
    os.set_inheritable(starter.LOCK_FD, True)
    environment = {**starter.CLEAN, **{name: os.environ[name] for name in starter.KEPT if name in os.environ}}
    argv = starter.command_line(jobs.home)
    try:
        os.close(starter.READY_FD)
    except OSError:
        pass
    try:
        os.execve(argv[0], argv, environment)
    except OSError as error:
        raise SystemFault(f"cannot start {argv[0]} ({error.strerror})", "install outlast again") from error
