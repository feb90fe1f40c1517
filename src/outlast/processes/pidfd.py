"""Signals through pidfds (pidfd_open(2)): what was proved is what is signalled, whatever becomes of the pid meanwhile."""

import _signal  # type: ignore[import-not-found]  # `signal` would load enum
import errno
import os
import select

from outlast.core.errors import SystemFault
from outlast.processes.identity import lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.processes.identity import Identity

_PROCESS_GROUP = 1 << 2  # PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9
_NO_SUCH = (errno.ESRCH, errno.EINVAL, errno.ENOENT)  # the latter two: a thread that leads no process


def open_proved(identity: "Identity") -> int | None:
    """Return a pidfd of exactly this process, None if it has ended. Raises SystemFault if no pidfd can be had.

    The start time is read after the opening: the process then living under that pid was born before the pidfd was made, so it
    is the one that the pidfd refers to.
    """
    try:
        fd = os.pidfd_open(identity.pid)
    except OSError as error:
        if error.errno in _NO_SUCH:
            return None
        raise SystemFault(f"cannot open process {identity.pid} ({error.strerror})", "outlast needs Linux 5.4 and descriptors") from error
    try:
        proved = lives(identity)
    except SystemFault:
        os.close(fd)
        raise
    if proved:
        return fd
    os.close(fd)
    return None


def send(pidfd: int, signal: int) -> bool:
    """Signal the process; False if it has ended or we may not (then `has_ended` tells which)."""
    try:
        _signal.pidfd_send_signal(pidfd, signal)
    except OSError:  # ESRCH, EPERM
        return False
    return True


def send_to_group(pidfd: int, pgrp: int, signal: int) -> bool:
    """Signal the process group `pgrp` that the process of `pidfd` leads, all of it at one instant; False if nobody was signalled.

    A `fork` under way in the group is either over, and its child is signalled too, or is not made at all (kernel/fork.c). Before
    Linux 6.9 by number: a leader that has not been reaped keeps it, and it was proved an instant ago.
    """
    try:
        _signal.pidfd_send_signal(pidfd, signal, None, _PROCESS_GROUP)
    except OSError as error:
        if error.errno != errno.EINVAL:
            return False
    else:
        return True
    if has_ended(pidfd):
        return False
    try:
        os.killpg(pgrp, signal)
    except OSError:
        return False
    return True


def has_ended(pidfd: int) -> bool:
    """Tell whether the process has ended, reaped or not."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def reap(reaped: "Callable[[int, int], None]") -> None:
    """Let the kernel forget children that have ended, after `reaped` was told of each; a pidfd of theirs stays readable."""
    try:
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            reaped(*child)
    except ChildProcessError:
        pass
