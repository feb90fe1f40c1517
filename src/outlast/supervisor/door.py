"""The supervisor's bell and socket: wake-ups, and the descriptors of clients in front. There is no RPC; the store is the protocol.

A byte into the bell, a FIFO, is a wake-up by a client of our own version.

One line per connection, by the client: `wake VERSION`; `front VERSION TOKEN` with three descriptors; `watch IDS|*`; `leave`.
A connection of `front` and `watch` stays open: one byte comes for every commit that concerns it, end of file when the supervisor ends.
"""

import _socket
import os
import stat

from outlast.home import Home
from outlast.processes.handing import unpacked
from outlast.supervisor.fronts import Fronts
from outlast.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BACKLOG = 1024
LINE = 65536
ALL: "frozenset[int]" = frozenset()  # of a watcher: every job


def listen(home: Home) -> "_socket.socket":
    """Return the listening socket of the home, private to the user. A socket file that is there is a dead supervisor's."""
    path = home.at("supervisor.sock")
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
    folder = -1
    try:
        if len(os.fsencode(path)) > 100:  # sun_path holds 108 bytes (unix(7))
            folder = os.open(home.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            path = f"/proc/self/fd/{folder}/supervisor.sock"
        listener.bind(path)
        listener.listen(BACKLOG)
    finally:
        if folder >= 0:
            os.close(folder)
    return listener


def hang_bell(home: Home) -> int:
    """Return the bell of the home, open. We are its writer too, so that it never reports an end."""
    path = home.at("bell")
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        if not stat.S_ISFIFO(os.stat(path, follow_symlinks=False).st_mode):
            os.unlink(path)
            os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


class Door:
    """Accepts connections and tells `on_wake(version)` and `on_leave()`; `poke` tells the watchers."""

    __slots__ = ("_bell", "_fronts", "_listener", "_loop", "_on_leave", "_on_wake", "_open", "_tokens", "_watchers")

    def __init__(
        self, listener: "_socket.socket", bell: int, loop: Loop, fronts: Fronts, on_wake: "Callable[[str], None]",
        on_leave: "Callable[[], None]",
    ) -> None:  # fmt: skip
        """Listen on `listener` and to `bell`."""
        self._listener = listener
        self._bell = bell
        self._loop = loop
        self._fronts = fronts
        self._on_wake = on_wake
        self._on_leave = on_leave
        self._open: dict[int, _socket.socket] = {}
        self._watchers: dict[int, frozenset[int]] = {}
        self._tokens: dict[int, str] = {}
        fronts.ask_again = self._ask_again
        loop.watch(listener.fileno(), self._accept)
        loop.watch(bell, self._rung)

    def _rung(self, _: int) -> None:
        os.read(self._bell, LINE)  # however often
        self._on_wake("")

    def _accept(self, _: int) -> None:
        for _attempt in range(BACKLOG):
            try:
                fd, _address = self._listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001  # what socket.accept calls
            except BlockingIOError:
                return
            except OSError:
                return  # out of descriptors: the backlog keeps it
            connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)
            connection.setblocking(False)
            self._open[fd] = connection
            self._loop.watch(fd, self._read)

    def _read(self, fd: int) -> None:
        connection = self._open[fd]
        try:
            data, ancillary, _, _ = connection.recvmsg(LINE, _socket.CMSG_SPACE(3 * 4))
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        received = _descriptors(ancillary)
        words = data.decode("utf-8", "replace").split()
        if not self._obey(fd, words, received):
            for descriptor in received:
                os.close(descriptor)
            self._close(fd)

    def _obey(self, fd: int, words: "list[str]", received: "list[int]") -> bool:
        """Do what a line says. Tells whether the connection stays open."""
        match words:
            case ["wake", version]:
                self._on_wake(version)
            case ["front", _version, token] if len(received) == 3:
                self._fronts.put(token, (received[0], received[1], received[2]))
                self._tokens[fd] = token
                self._watchers[fd] = frozenset({-1})
                return True
            case ["watch", *ids] if ids:
                self._watchers[fd] = ALL if ids == ["*"] else frozenset(int(i) for i in ids if i.isdigit())
                self._tell(fd)  # what was committed since the watcher last looked may have come before this line
                return True
            case ["leave"]:
                self._on_leave()
        return False

    def _close(self, fd: int) -> None:
        self._loop.forget(fd)
        self._watchers.pop(fd, None)
        self._open.pop(fd).close()
        token = self._tokens.pop(fd, None)
        if token is not None:
            self._fronts.left(token)

    def _ask_again(self, token: str | None) -> None:
        """Close the connection of a client in front, if it is here: it comes again and hands its descriptors over again."""
        for fd in [fd for fd, known in self._tokens.items() if known == token]:
            self._close(fd)

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches all jobs: they would only have the next supervisor started."""
        return any(watched is ALL for watched in self._watchers.values())

    def poke(self, changed: "Iterable[int]") -> None:
        """Send one byte to everyone who watches one of the jobs. Who has not read the last one yet needs no other."""
        if not self._watchers:
            return
        jobs = frozenset(changed)
        for fd, watched in list(self._watchers.items()):
            if watched is ALL or watched & jobs:
                self._tell(fd)

    def _tell(self, fd: int) -> None:
        try:
            self._open[fd].send(b".")
        except BlockingIOError:
            pass
        except OSError:
            self._close(fd)

    def shut(self) -> None:
        """Accept nothing more and tell everyone by end of file."""
        self._loop.forget(self._bell)
        os.close(self._bell)
        self._loop.forget(self._listener.fileno())
        self._listener.close()
        for fd in list(self._open):
            self._close(fd)


def _descriptors(ancillary: "list[tuple[int, int, bytes]]") -> "list[int]":
    found = []
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            found += unpacked(data)
    for fd in found:
        os.set_inheritable(fd, False)
    return found
