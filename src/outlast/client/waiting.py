"""Waiting for what others do: on the supervisor's socket, which sends a byte for every change, never by polling a living one."""

import select

from outlast.core.errors import SystemFault
from outlast.processes import starter
from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Iterable
    from typing import Any

    from outlast.home import Home

SAFETY = 5.0  # look again after this, whatever was told
CROWDED = 0.01  # pause after a change where several jobs are waited for
MANY = 1000  # more jobs than this are watched as all: the supervisor reads one line of 64 KiB
YOUNG = 2_000_000_000  # ns; a supervisor that ends sooner is not started again at once
BLIND = 0.5  # look again after this where no supervisor can be had (a home that cannot be written to)


class BackOff:
    """Patience with supervisors that die young: a broken one is started again ever more slowly, not in a tight loop."""

    def __init__(self) -> None:
        """None has died yet."""
        self._deaths = 0
        self._since = monotonic()

    def connected(self) -> None:
        """Note that a supervisor is there."""
        self._since = monotonic()

    def pause(self, at_most: float) -> None:
        """Wait before the next one is started: not at all if the last one lived for a while."""
        young = monotonic() - self._since < YOUNG
        self._deaths = self._deaths + 1 if young else 0
        if self._deaths > 1:
            select.select([], [], [], min(at_most, 0.02 * 2**self._deaths, SAFETY))


class Watch:
    """A subscription to the changes of some jobs, or of all. It survives the supervisor."""

    def __init__(self, home: "Home", jobs: "Iterable[int] | None", *, start: bool = True) -> None:
        """Subscribe to `jobs` (None: all). A supervisor is started if there is none, unless `start` is false."""
        self._home = home
        self._start = start
        ids = None if jobs is None else [*map(str, jobs)]
        self._line = f"watch {'*' if ids is None or len(ids) > MANY else ' '.join(ids)}\n".encode()
        self._connection: _socket.socket | None = None
        self._back_off = BackOff()
        self._connect()

    def _connect(self) -> None:
        try:
            self._connection = starter.ensure(self._home) if self._start else starter.connect(self._home)
            if self._connection is not None:
                self._connection.send(self._line)
                self._back_off.connected()
        except (SystemFault, OSError):
            self._connection = None

    def pause(self, at_most: float, bell: int = -1, out: int = -1) -> bool:
        """Return when something has changed, after `at_most` seconds, or when the descriptor `bell` can be read.

        Tells whether something may have changed. Raises BrokenPipeError when nobody reads `out` any more.
        """
        if self._connection is None:
            _wait(-1, bell, min(at_most, BLIND), out)
            self._connect()
            return True
        if not _wait(self._connection.fileno(), bell, min(at_most, SAFETY), out):
            return False
        try:
            told = self._connection.recv(4096)
        except OSError:
            told = b""
        if not told:  # the supervisor ended
            self.close()
            if self._start:
                self._back_off.pause(at_most)
            self._connect()
        return True

    def close(self) -> None:
        """Unsubscribe."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _wait(fd: int, bell: int, seconds: float, out: int) -> bool:
    """Wait until `fd` or `bell` can be read, and tell whether `fd` can. Raises BrokenPipeError when `out` has lost its reader."""
    poll = select.poll()
    for number in (fd, bell):
        if number >= 0:
            poll.register(number, select.POLLIN)
    if out >= 0:
        poll.register(out, 0)  # errors alone
    ready = poll.poll(max(0, -int(-seconds * 1000 // 1)))  # rounded up
    if any(number == out for number, _ in ready):
        raise BrokenPipeError
    return any(number == fd for number, _ in ready)


def until(home: "Home", jobs: "Iterable[int] | None", reached: "Callable[[], Any]", timeout: int | None) -> "Any":
    """Wait until `reached()` returns something true and return that; None after `timeout` nanoseconds (None: for ever).

    It is asked once before anything is waited for or any supervisor started.
    """
    found = reached()
    if found:
        return found
    deadline = None if timeout is None else monotonic() + timeout
    ids = None if jobs is None else [*jobs]
    crowd = ids is None or len(ids) > 1
    watch = Watch(home, ids)
    try:
        while True:
            found = reached()
            if found:
                return found
            left = SAFETY if deadline is None else (deadline - monotonic()) / 1_000_000_000
            if left <= 0:
                return None
            watch.pause(left)
            if crowd:
                select.select([], [], [], CROWDED)  # many end at once: look once for all of them
    finally:
        watch.close()
