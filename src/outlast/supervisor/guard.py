"""The guard: a shim that owns no run and stands beside every supervisor.

It starts the next supervisor should this one be killed. The shims of runs do that as well; but a supervisor can be killed when
none of them lives: while all jobs wait, or after a claim is durable and before its run is started. So the guard is there before
anybody can reach us, and goes when we leave on purpose.

And it forks shims at our word. It is small, so that costs a fraction of an `exec`, and we need not stand still for it.
"""

import _socket
import os

from outlast.executors import local
from outlast.processes.handing import packed, unpacked
from outlast.processes.pidfd import send
from outlast.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.home import Home

    Heard = Callable[[int, int], None]

SIGTERM = 15
RETRY = 1_000_000_000
REQUEST = 65536  # bytes, by protocol; who asks for more is started by ourselves


class Guard:
    """At most one guard; whenever it ends, or cannot be started, another one is tried."""

    __slots__ = ("_asked", "_context", "_control", "_fd", "_listens", "_serial")

    def __init__(self, context: Context) -> None:
        """No guard yet."""
        self._context = context
        self._fd = -1  # pidfd
        self._control: _socket.socket | None = None
        self._listens = False
        self._asked: dict[int, Heard] = {}
        self._serial = 0

    def stand(self) -> None:
        """Start the guard, unless there is one."""
        context = self._context
        if self._fd >= 0:
            return
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        try:
            pid = local.start_guard(context.facts.shim, context.home, context.facts.lifeline, context.facts.null, theirs.fileno())
            self._fd = os.pidfd_open(pid)
        except OSError as error:
            context.log(f"no guard: {error.strerror}")
            context.loop.call_after(RETRY, self.stand)
            ours.close()
            return
        finally:
            theirs.close()
        ours.setblocking(False)
        self._control = ours
        context.loop.watch(self._fd, self._ended)
        context.loop.watch(ours.fileno(), self._hear)

    def fork(self, wanted: local.Start, lock: int, heard: "Heard") -> bool:
        """Ask for a shim. True: `heard(answer, pidfd)` is called when it is there, and the pidfd is the callee's.

        The answer is the pid; less than 0: -errno, nothing was started; 0: the guard ended, and nobody knows. False: it cannot be asked.
        """
        if self._control is None or not self._listens:
            return False
        words = ["run", *wanted.words, "--", *wanted.command]
        self._serial += 1
        text = os.fsencode(f"{self._serial} {len(words)}\0" + "\0".join(words) + "\0") + wanted.environment
        if len(text) >= REQUEST:
            return False
        try:
            self._control.sendmsg([text], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed((*wanted.streams, lock)))])
        except OSError:
            return False  # it is busy, or has just ended
        self._asked[self._serial] = heard
        return True

    def _hear(self, _: int = -1) -> None:
        """Take all answers that are there. The first word of all says that it listens."""
        while self._control is not None:
            try:
                data, ancillary, _, _ = self._control.recvmsg(64, _socket.CMSG_SPACE(4), _socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return
            except OSError:
                data, ancillary = b"", []
            if not data:
                self._hang_up()
            elif data == b"ready":
                self._listens = True
            else:
                serial, answer = data.split()
                pidfd = unpacked(ancillary[0][2])[0] if ancillary else -1
                self._asked.pop(int(serial))(int(answer), pidfd)

    def _hang_up(self) -> None:
        if self._control is not None:
            self._context.loop.forget(self._control.fileno())
            self._control.close()
            self._control = None
        self._listens = False

    def _ended(self, fd: int) -> None:
        """Put another one in its place; not at once, or a shim that cannot run would keep us busy."""
        self._context.loop.forget(fd)
        os.close(fd)
        self._fd = -1
        self._hear()  # its last words
        self._hang_up()
        self._context.loop.call_after(RETRY, self.stand)
        asked, self._asked = self._asked, {}
        for heard in asked.values():
            heard(0, -1)

    def dismiss(self) -> None:
        """End the guard: we leave on purpose."""
        if self._fd >= 0:
            self._context.loop.forget(self._fd)
            send(self._fd, SIGTERM)
            os.close(self._fd)
            self._fd = -1


def open_lifeline(home: "Home") -> "tuple[int, int]":
    """Return (read end, write end) of the lifeline. The read end is opened while a writer is there: only so does it report our end."""
    path = home.at("lifeline")
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass
    write_end = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), write_end
