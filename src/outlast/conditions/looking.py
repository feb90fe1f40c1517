"""One look at a condition by a child: started, listened to, ended when it takes or prints too much.

Nothing here blocks, so whatever may block on a dead disk (changing the directory, finding and loading the program) is done by the
child after the fork, when it has closed every descriptor of ours: a lock that it held would be a life. What it leaves behind in the
background when it ends by itself is not waited for and lives on; it carries the mark.
"""

import _signal  # type: ignore[import-not-found]  # `signal` would load enum
import os
import sys

from outlast.conditions.answering import BROKEN, MET, NOT_MET
from outlast.conditions.kinds import HTTP, NONOPEN_FILE, SCRIPT
from outlast.core.command import command_line
from outlast.core.durations import format_duration
from outlast.core.errors import SystemFault
from outlast.core.ports import Seen, one_line
from outlast.core.signals import signal_name
from outlast.core.value import Value
from outlast.processes.identity import Identity, start_of
from outlast.processes.stopping import Stopping, run_to_end, wait_readable
from outlast.processes.tree import Target
from outlast.processes.witness import exit_status
from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never, Protocol

    class Loop(Protocol):
        """What is asked of the supervisor's loop."""

        def watch(self, fd: int, handler: Callable[[int], None], events: int = ...) -> None:
            """Call `handler(fd)` whenever `fd` is ready."""

        def forget(self, fd: int) -> None:
            """Watch `fd` no longer."""

        def call_after(self, delay: int, action: Callable[[], None]) -> None:
            """Call `action` once, `delay` nanoseconds from now."""


MOST_OUTPUT = 64 << 10
_KEPT = 4096  # bytes of the end, in which the last line is looked for
_MS = 1_000_000
_NOT_STARTED = 126
_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from outlast.conditions.answering import main; main()"
_WITHOUT_SITE = {NONOPEN_FILE, HTTP}  # they need the standard library only, and start in half the time
_CATCHABLE = [number for number in range(1, 32) if number not in (_signal.SIGKILL, _signal.SIGSTOP)]


class Probe(Value):
    """What is looked at, and in what surroundings. `limit`: nanoseconds that a look may take."""

    _fields = ("kind", "word", "cwd", "environment", "limit")
    kind: str
    word: str
    cwd: str
    environment: bytes  # NAME=VALUE, each ended by NUL
    limit: int

    def __hash__(self) -> int:  # type: ignore[override]
        """Words and a number: unlike most values this one can be in a set."""
        return tuple.__hash__(self)


class Look:
    """A child that looks. `done(seen)` is called once, when it has ended or was ended."""

    def __init__(self, loop: "Loop", probe: Probe, mark: str, done: "Callable[[Seen], None]") -> None:
        """Start it. Raises OSError or SystemFault: there is no child then."""
        self.probe = probe
        self.forgotten = False  # nobody asks any more: for whoever started it
        self._loop = loop
        self._mark = mark
        self._done = done
        self._status: int | None = None  # the raw wait status
        self._printed = 0
        self._tail = b""
        self._verdict = ""  # why it is ended by us
        self._stopping: Stopping | None = None
        self._stopping_fd = -1
        self._step_at: int | None = None
        self._over = False
        self._pipe, writable = os.pipe()
        try:
            os.set_blocking(self._pipe, False)
            self.pid = os.fork()
            if not self.pid:
                _be_the_child(probe, mark, writable)
            self._pidfd, self._start = _hold(self.pid)
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(writable)
        loop.watch(self._pipe, self._readable)
        loop.watch(self._pidfd, self._ended)
        loop.call_after(probe.limit, self._late)

    def reaped(self, status: int) -> None:
        """Take the raw wait status from who has reaped it."""
        self._status = status

    def end(self, why: str) -> None:
        """End it, with all that it started. `done` hears `why` afterwards."""
        if self._over or self._stopping is not None:
            return
        self._verdict = why
        self._close_pipe()
        self._stopping = Stopping(self._target(), set, _signal.SIGKILL, 0, at_once=True)
        self._stopping_fd = self._stopping.fileno()
        self._loop.watch(self._stopping_fd, self._step)
        self._step()

    def close(self) -> None:
        """End it now, waiting for that. `done` is not called."""
        if self._over:
            return
        self._loop.forget(self._stopping_fd)
        run_to_end(self._stopping or Stopping(self._target(), set, _signal.SIGKILL, 0, at_once=True), monotonic, wait_readable)
        self._reap()
        self._let_go()

    def _target(self) -> Target:
        return Target(mark=self._mark.encode(), command=Identity(self.pid, self._start))

    def _late(self) -> None:
        self.end(f"no answer within {format_duration(self.probe.limit)}")

    def _readable(self, fd: int) -> None:
        """Keep the end of what it prints."""
        try:
            chunk = os.read(fd, 65536)
        except BlockingIOError:
            return
        self._printed += len(chunk)
        self._tail = (self._tail + chunk)[-_KEPT:]
        if self._printed > MOST_OUTPUT:
            self.end(f"printed more than {MOST_OUTPUT >> 10} KiB")
        elif not chunk:
            self._close_pipe()

    def _ended(self, _: int) -> None:
        """Take its exit status; what else it has printed is in the pipe already, whoever else may hold that."""
        if not self._reap():
            return
        self._loop.forget(self._pidfd)
        while self._stopping is None and self._pipe >= 0:
            before = self._printed
            self._readable(self._pipe)
            if before == self._printed:
                break
        if self._stopping is None:
            self._finish(self._seen())

    def _reap(self) -> bool:
        """Tell whether it has ended. Its status may have been told, or have been taken by somebody who told nobody."""
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self._status = exit_status(self._pidfd, self.pid, self._start)
            else:
                self._status = status if pid else None
                return bool(pid)
        return True

    def _seen(self) -> Seen:
        said = one_line(self._tail.decode("utf-8", "replace"))
        if self._status is None:
            return Seen(met=False, text="how it ended is not known")
        code = os.waitstatus_to_exitcode(self._status)
        if self.probe.kind != SCRIPT and code in (MET, NOT_MET):
            return Seen(met=code == MET, text=said)
        text = f"exit code {code}" if code >= 0 else f"ended by {signal_name(-code)}"
        if self.probe.kind != SCRIPT:
            return Seen(met=False, text=one_line(f"cannot be looked at: {said if said and code in (BROKEN, _NOT_STARTED) else text}"))
        return Seen(met=code == MET, text=one_line(f"{text}: {said}" if said else text))

    def _step(self, _: int = 0) -> None:
        """Go on with ending it."""
        if self._stopping is None or self._over:
            return
        at = monotonic()
        try:
            due = self._stopping.step(at)
        except SystemFault:
            due = at + 1000 * _MS
        if due is None:
            left = self._stopping.left
            self._reap()
            self._finish(Seen(met=False, text=f"{self._verdict}; process {left[0][0]} does not end" if left else self._verdict))
        elif self._step_at is None or self._step_at <= at or due < self._step_at:
            self._step_at = due
            self._loop.call_after(max(due - at, _MS), self._due)

    def _due(self) -> None:
        self._step_at = None
        self._step()

    def _finish(self, seen: Seen) -> None:
        self._let_go()
        self._done(seen)

    def _let_go(self) -> None:
        self._over = True
        self._loop.forget(self._stopping_fd)
        self._loop.forget(self._pidfd)
        os.close(self._pidfd)
        self._close_pipe()
        self._tail = b""

    def _close_pipe(self) -> None:
        if self._pipe >= 0:
            self._loop.forget(self._pipe)
            os.close(self._pipe)
            self._pipe = -1


def _hold(pid: int) -> tuple[int, int]:
    """Return a pidfd of our new child, and its start. If that cannot be had it is ended: nobody else could."""
    try:
        start = start_of(pid)
        return os.pidfd_open(pid), start or 0
    except BaseException:
        os.kill(pid, _signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _be_the_child(probe: Probe, mark: str, output: int) -> "Never":
    """Become what looks. Does not return, whatever happens."""
    try:
        for number in _CATCHABLE:
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, [])
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:
                try:
                    os.close(int(name))
                except OSError:  # that of the listing
                    pass
        _execute(probe, mark)
    except BaseException as error:  # noqa: BLE001  # nothing of ours may go on in the child
        os.write(2, f"{error}\n".encode("utf-8", "backslashreplace"))
    finally:
        os._exit(_NOT_STARTED)


def _execute(probe: Probe, mark: str) -> "Never":
    """Execute what looks. Raises OSError with a sentence."""
    entries = (entry.partition(b"=") for entry in probe.environment.split(b"\0") if entry.find(b"=") > 0)
    environment = {name: value for name, _, value in entries}
    environment[b"OUTLAST_MARK"] = mark.encode()
    try:
        os.chdir(probe.cwd)
    except OSError as error:
        raise OSError(f"cannot change to {probe.cwd} ({error.strerror})") from None
    try:
        if probe.kind == SCRIPT:
            from outlast.conditions.script import execute

            execute(probe.word, environment)
        flags = ["-I", "-S"] if probe.kind in _WITHOUT_SITE else ["-I"]
        os.execve(sys.executable, [sys.executable, *flags, "-c", _RUN, _PACKAGE_ROOT, probe.kind, probe.word], environment)
    except OSError as error:
        raise OSError(f"cannot start {command_line([probe.word])} ({error.strerror})") from None
