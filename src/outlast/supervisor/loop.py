"""Waiting: descriptors and deadlines, in one thread. Nothing here knows what it waits for."""

import heapq
import select

from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ = select.EPOLLIN
LONGEST = 3600_000_000_000  # of one wait: epoll takes no more than 2^31 ms


class Loop:
    """An epoll set with a handler per descriptor, and deadlines on the monotonic clock."""

    __slots__ = ("_deadlines", "_epoll", "_handlers", "_serial")

    def __init__(self) -> None:
        """Make an empty loop."""
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._deadlines: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = 0

    def watch(self, fd: int, handler: "Callable[[int], None]", events: int = READ) -> None:
        """Call `handler(fd)` whenever `fd` is ready."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def forget(self, fd: int) -> None:
        """Watch `fd` no longer. If it is closed already, the kernel has forgotten it."""
        if self._handlers.pop(fd, None) is not None:
            try:
                self._epoll.unregister(fd)
            except OSError:
                pass

    def call_after(self, delay: int, action: "Callable[[], None]") -> None:
        """Call `action` once, `delay` nanoseconds from now."""
        self._serial += 1
        heapq.heappush(self._deadlines, (monotonic() + delay, self._serial, action))

    def wait(self, at_most: int | None) -> None:
        """Wait until something is ready or due, at most `at_most` nanoseconds, and handle all that is."""
        if self._deadlines:
            until = max(self._deadlines[0][0] - monotonic(), 0)
            at_most = until if at_most is None else min(at_most, until)
        timeout = -1 if at_most is None else (min(at_most, LONGEST) + 999_999) // 1_000_000 / 1000
        for fd, _ in self._epoll.poll(timeout, 1024):
            handler = self._handlers.get(fd)
            if handler is not None:  # an earlier one of this round may have closed it
                handler(fd)
        now = monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            heapq.heappop(self._deadlines)[2]()
