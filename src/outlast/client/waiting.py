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
BLIND = 0.5  # look again after this where no supervisor can be had (a home that cannot be written to)


class Watch:
    """A subscription to the changes of some jobs, or of all. It survives the supervisor."""

    def __init__(self, home: "Home", jobs: "Iterable[int] | None") -> None:
        """Subscribe to `jobs` (None: all). A supervisor is started if there is none."""
        self._home = home
        self._line = f"watch {' '.join(map(str, jobs)) if jobs is not None else '*'}\n".encode()
        self._connection: _socket.socket | None = None
        self._connect()

    def _connect(self) -> None:
        try:
            self._connection = starter.ensure(self._home)
            self._connection.send(self._line)
        except (SystemFault, OSError):
            self._connection = None

    def pause(self, at_most: float) -> None:
        """Return when something has changed, or after `at_most` seconds."""
        if self._connection is None:
            select.select([], [], [], min(at_most, BLIND))
            self._connect()
            return
        ready, _, _ = select.select([self._connection], [], [], min(at_most, SAFETY))
        if ready:
            try:
                told = self._connection.recv(4096)
            except OSError:
                told = b""
            if not told:  # the supervisor ended
                self.close()
                self._connect()

    def close(self) -> None:
        """Unsubscribe."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def until(home: "Home", jobs: "Iterable[int] | None", reached: "Callable[[], Any]", timeout: int | None) -> "Any":
    """Wait until `reached()` returns something true and return that; None after `timeout` nanoseconds (None: for ever).

    It is asked once before anything is waited for or any supervisor started.
    """
    found = reached()
    if found:
        return found
    deadline = None if timeout is None else monotonic() + timeout
    watch = Watch(home, jobs)
    try:
        while True:
            found = reached()
            if found:
                return found
            left = SAFETY if deadline is None else (deadline - monotonic()) / 1_000_000_000
            if left <= 0:
                return None
            watch.pause(left)
    finally:
        watch.close()
