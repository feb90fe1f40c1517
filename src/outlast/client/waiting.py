"""Waiting for what others do: on the supervisor's socket, which sends a byte for every change, never by polling a living one."""

import select

from outlast.core.errors import SystemFault
from outlast.processes import starter
from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from outlast.home import Home
    from outlast.store.store import Store

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

    def pause(self, at_most: float, bell: "tuple[_socket.socket, ...]" = ()) -> bool:
        """Return when something has changed, after `at_most` seconds, or when a `bell` can be read. Tells if something may have changed."""
        if self._connection is None:
            select.select(bell, [], [], min(at_most, BLIND))
            self._connect()
            return True
        ready, _, _ = select.select([self._connection, *bell], [], [], min(at_most, SAFETY))
        if self._connection not in ready:
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


def listen(home: "Home", store: "Store", after: int | None) -> "Iterator[dict[str, Any]]":
    """Yield events after the one with the id `after` (None: the last one) as they happen, for ever."""
    if after is None:
        after = store.last_event()
    watch = Watch(home, None)
    try:
        while True:
            for event in store.events_after(after, 1000):
                after = event["id"]
                yield event
            watch.pause(SAFETY)
    finally:
        watch.close()


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
