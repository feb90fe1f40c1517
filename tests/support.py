"""What the tests share: waiting for a condition, running the installed command, finding and ending what a home has left."""

import json
import os
import select
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

COMMAND = Path(sysconfig.get_path("scripts")) / "outlast"
CHECKOUT = Path(__file__).resolve().parent.parent
SOURCE = CHECKOUT / "src" / "outlast"


def eventually(assertion: Callable[[], T], within: float = 20.0) -> T:
    """Call `assertion` until it neither fails nor raises, and return what it returns; after `within` seconds let it fail.

    The one place in the tests that sleeps. An assertion that returns False counts as failed, None as passed.
    """
    deadline = time.monotonic() + within
    pause = 0.002
    while True:
        try:
            told = assertion()
            if told is not False:
                return told
            if time.monotonic() > deadline:
                msg = f"still false after {within} s: {assertion}"
                raise AssertionError(msg)
        except Exception:
            if time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


class Finished(NamedTuple):
    """How a command ended: its exit status (-9: ended by SIGKILL) and what it wrote."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output without the last newline."""
        return self.stdout.decode().removesuffix("\n")

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.stdout)


class Process(NamedTuple):
    """A living process that belongs to a home. `proof`: what shows it."""

    pid: int
    argv: tuple[str, ...]
    proof: str


class Client(subprocess.Popen[bytes]):
    """A started command. A test that fails in its `with` block ends it at once instead of waiting for it."""

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:  # noqa: PYI036  # passed on as they are
        """Kill it if something was raised; then wait for it and close its streams."""
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


class Outlast:
    """The installed command with a home of its own: `outlast("run", "--", "true")` returns a `Finished`."""

    def __init__(self, folder: Path) -> None:
        """`folder` is short (a socket's path has 108 bytes) and the test's own; the home is made in it by the command."""
        self.folder = folder
        self.home = folder / "h"

    def environ(self, extra: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Return the clean environment of the command; a value None in `extra` leaves that variable out."""
        clean: dict[str, str | None] = {
            "PATH": f"{COMMAND.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "OUTLAST_HOME": str(self.home),
            **(extra or {}),
        }
        return {name: value for name, value in clean.items() if value is not None}

    def __call__(
        self,
        *args: str | bytes | Path,
        input: bytes | None = None,
        env: Mapping[str, str | None] | None = None,
        cwd: str | Path | None = None,
        status: int | None = None,
        timeout: float = 60,
    ) -> Finished:
        """Run `outlast ARGS` to its end. `status`: the exit status that it must have."""
        with self.start(*args, env=env, cwd=cwd, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE) as process:
            try:
                stdout, stderr = process.communicate(input, timeout)
            except BaseException:
                process.kill()
                raise
        finished = Finished(process.returncode, stdout, stderr)
        if status is not None:
            assert status == finished.status, finished
        return finished

    def start(
        self,
        *args: str | bytes | Path,
        env: Mapping[str, str | None] | None = None,
        cwd: str | Path | None = None,
        **popen: Any,
    ) -> Client:
        """Start `outlast ARGS` and return the process; the streams are pipes unless `popen` says otherwise."""
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        return Client([COMMAND, *args], env=self.environ(env), cwd=cwd or self.folder, **popen)

    def run(self, *args: str | bytes | Path, **options: Any) -> int:
        """Submit with `outlast run ARGS`, which must succeed, and return the job's id."""
        return int(self("run", *args, status=0, **options).text)

    def show(self, job: int | str) -> Any:
        """Return `outlast show JOB --json`."""
        return self("show", str(job), "--json", status=0).json

    def supervisor_pid(self) -> int | None:
        """Return the pid of the home's supervisor, None if there is none."""
        pid: int | None = self("supervisor", "status", "--json", status=0).json["pid"]
        return pid

    def processes(self) -> list[Process]:
        """Return every living process that is provably of this home."""
        return list(processes_of(self.home))

    def assert_nothing_left(self, within: float = 10.0) -> None:
        """Fail if a process of this home still lives after `within` seconds."""

        def nothing_left() -> None:
            assert [] == self.processes()

        eventually(nothing_left, within)

    def end(self, within: float = 20.0) -> list[Process]:
        """End every process of the home with SIGKILL, in rounds, and return those that were there."""
        ended: dict[int, Process] = {}
        (self.home / "start").unlink(missing_ok=True)  # else the shims start the next supervisor

        def all_ended() -> bool:
            found = self.processes()
            for process in found:
                ended[process.pid] = process
                kill(process.pid, self.home)
            return not found

        eventually(all_ended, within)
        return list(ended.values())


def processes_of(home: Path) -> Iterator[Process]:
    """Yield every living process that is provably of `home`; never this one."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            proof = proof_of(int(name), home)
            if proof:
                yield Process(int(name), tuple(os.fsdecode(word) for word in _words(int(name), "cmdline")), proof)


def proof_of(pid: int, home: Path) -> str:
    """Return what proves that the process `pid` belongs to `home`; empty if nothing does, or it is over."""
    path = os.fsencode(home)
    for word in _words(pid, "cmdline"):
        # the supervisor's last argument, a shim's `home=PATH` and `output=PATH/...`, a client's --home
        place = word.partition(b"=")[2] if word.startswith((b"home=", b"output=", b"--home=")) else word
        if place == path or place.startswith(path + b"/"):
            return f"argument {os.fsdecode(word)}"
    for variable in _words(pid, "environ"):
        key, _, value = variable.partition(b"=")
        if key in {b"OUTLAST_HOME", b"OUTLAST_FEEDBACK"} and (value == path or value.startswith(path + b"/")):
            return os.fsdecode(variable)
        if key == b"OUTLAST_MARK" and path in value:
            return os.fsdecode(variable)
    return ""


def kill(pid: int, home: Path) -> None:
    """End `pid` with SIGKILL if it is of `home`. The pidfd is opened first: what is proved is what is signalled."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if proof_of(pid, home) and not select.select([fd], [], [], 0)[0]:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(fd)


def _words(pid: int, name: str) -> Sequence[bytes]:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return [word for word in file.read().split(b"\0") if word]
    except OSError:  # over, or somebody else's
        return []
