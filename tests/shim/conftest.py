"""What the conformance suite of the shim protocol needs: both shims, a run to start with them, and the readers of its files."""

import binascii
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support import SOURCE, eventually

RECORD = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout|stderr) ([FP]) ([^\n]*)\n")
WITHIN = 60.0  # generous: two noisy cores


class Record(NamedTuple):
    at: str
    stream: str
    whole: bool
    text: bytes

    @property
    def raw(self) -> bytes:
        return self.text + b"\n" * self.whole


def slot(content: bytes) -> Any:
    """What a slot of the state file says; None if it is empty. A reader would take a damaged one for empty: here it fails."""
    if content[:1] == b"\n":
        assert not content.strip(b"\n")
        return None
    head = re.match(rb"(\d{4}) ([0-9a-f]{8}) ", content)
    assert head, content
    text = content[14 : 14 + int(head[1])]
    assert content[14 + len(text) :].strip(b"\n") == b""
    assert content[14 + len(text) : 15 + len(text)] == b"\n"
    assert binascii.crc32(text) == int(head[2], 16)
    assert text.isascii()
    return json.loads(text)


class Job:
    """One run of a shim and the files that it writes."""

    def __init__(self, state: Path, mark: str, pid: int) -> None:
        self.state, self.mark, self.pid = state, mark, pid
        self.pidfd = os.pidfd_open(pid)
        self.status: int | None = None

    @property
    def over(self) -> bool:
        return bool(select.select([self.pidfd], [], [], 0)[0])

    def wait(self) -> "Job":
        """Wait for the shim, which must exit 0."""
        assert 0 == self.wait_status()
        return self

    def wait_status(self) -> int:
        if self.status is None:
            assert select.select([self.pidfd], [], [], WITHIN)[0], "the shim does not end"
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.pidfd)
        return self.status

    @property
    def started(self) -> Any:
        return slot(self.state.read_bytes()[:1024])

    @property
    def result(self) -> Any:
        return slot(self.state.read_bytes()[1024:3072])

    def wait_started(self) -> Any:
        return eventually(lambda: self.started or False, WITHIN)

    def wait_result(self) -> Any:
        return eventually(lambda: self.result or False, WITHIN)

    @property
    def locked(self) -> bool:
        fd = os.open(self.state, os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def path(self, suffix: str) -> Path:
        return Path(f"{self.state}{suffix}")

    @property
    def files(self) -> list[Path]:
        """The log files, oldest first."""
        found = [path for path in self.state.parent.iterdir() if re.fullmatch(re.escape(self.state.name) + r"\.log(\.\d+)?", path.name)]
        return sorted(found, key=lambda path: -int(path.suffix[1:]) if path.suffix != ".log" else 0)

    @property
    def records(self) -> list[Record]:
        return [record for path in self.files for record in read_records(path)]

    def raw(self, stream: str = "stdout") -> bytes:
        return b"".join(record.raw for record in self.records if record.stream == stream)

    @property
    def gaps(self) -> list[dict[str, Any]]:
        path = self.path(".gaps")
        content = path.read_bytes() if path.exists() else b""
        assert len(content) % 256 == 0
        lines = [content[at : at + 256] for at in range(0, len(content), 256)]
        assert all(line.endswith(b"\n") for line in lines)
        return [json.loads(line) for line in lines]


def read_records(path: Path) -> list[Record]:
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        match = RECORD.match(content, at)
        assert match, content[at : at + 200]
        found.append(Record(match[1].decode(), match[2].decode(), match[3] == b"F", match[4]))
        assert len(match[4]) <= 16384
        at = match.end()
    return found


class Shim:
    """One implementation, and all that a test has started with it."""

    def __init__(self, argv: Sequence[str], folder: Path) -> None:
        self.argv, self.folder = list(argv), folder
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        self.jobs: list[Job] = []
        self.mounts: list[Path] = []
        self.null = os.open(os.devnull, os.O_RDWR)

    def call(self, *words: str | bytes, pass_fds: Sequence[int] = ()) -> "subprocess.CompletedProcess[bytes]":
        """Run the program itself, with descriptor 3 closed unless it is passed."""
        return subprocess.run([*self.argv, *words], capture_output=True, pass_fds=pass_fds, timeout=WITHIN, check=False)

    def new_state(self, folder: Path | None = None) -> tuple[Path, int]:
        """A state file as the supervisor makes it, and its locked descriptor."""
        path = (folder or self.folder) / f"{len(self.jobs) + 1}.1"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, b"\n" * 4096)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return path, fd

    def start(
        self,
        *command: str | bytes | Path,
        options: Sequence[str | bytes] = (),
        env: Mapping[Any, Any] | None = None,
        fds: Mapping[int, int] | None = None,
        lifeline: int = -1,
        folder: Path | None = None,
        verb: str = "run",
        wrapper: Sequence[str] = (),
        block: bool = True,
    ) -> Job:
        """Start the shim as a supervisor would. `fds`: what descriptors 0, 1, 2 (and others) are; `wrapper`: argv put before it."""
        path, state = self.new_state(folder)
        mark = f"{self.folder}/{len(self.jobs)}"
        words: list[Any] = [*wrapper, *self.argv, verb]
        if verb == "run":
            words += [b"output=" + os.fsencode(path), b"run=42.1", *options, "--", *command]
        else:
            words += options
        wanted = {0: self.null, 1: self.null, 2: self.null, 3: state, **({4: lifeline} if lifeline >= 0 else {}), **(fds or {})}
        sources = {target: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for target, fd in wanted.items()}
        actions: list[Any] = [(os.POSIX_SPAWN_CLOSE, 4)] if 4 not in wanted else []
        actions += [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in sources.items()]
        environment = {"PATH": os.environ["PATH"], "OUTLAST_MARK": mark} if env is None else {"OUTLAST_MARK": mark, **env}
        program = shutil.which(words[0])
        assert program
        blocked = signal.valid_signals() if block else ()
        pid = os.posix_spawn(program, words, environment, file_actions=actions, setsigmask=blocked)
        for fd in (*sources.values(), state):
            os.close(fd)
        job = Job(path, mark, pid)
        self.jobs.append(job)
        return job

    def run(self, *command: str | bytes | Path, **kwargs: Any) -> Job:
        """Start, and wait for the end."""
        return self.start(*command, **kwargs).wait()

    def fifo(self, name: str) -> Path:
        path = self.folder / name
        os.mkfifo(path)
        return path

    def small_disk(self, size: str = "256k") -> Path:
        """A directory on a disk of its own that is soon full."""
        path = self.folder / "disk"
        path.mkdir()
        if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], check=False).returncode:
            pytest.skip("a small disk can be mounted by root only")
        self.mounts.append(path)
        return path

    def mine(self) -> list[int]:
        """Living processes that this test has started: they carry its folder in their arguments or environment."""
        wanted = os.fsencode(self.folder) + b"/"
        return [pid for name in os.listdir("/proc") if name.isdigit() and (pid := int(name)) != os.getpid() and carries(pid, wanted)]

    def end(self) -> None:
        """End whatever is left."""
        (self.home / "start").unlink(missing_ok=True)

        def nothing_lives() -> bool:
            found = self.mine()
            for pid in found:
                try:
                    fd = os.pidfd_open(pid)
                except ProcessLookupError:
                    continue
                if pid in self.mine():
                    try:
                        signal.pidfd_send_signal(fd, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                os.close(fd)
            return not found

        eventually(nothing_lives, WITHIN)
        for job in self.jobs:
            job.wait_status()
        for path in self.mounts:
            subprocess.run(["umount", "-l", path], check=True)
        os.close(self.null)


def carries(pid: int, wanted: bytes) -> bool:
    for name in ("cmdline", "environ"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if wanted in file.read():
                    return True
        except OSError:
            pass
    return False


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sequence[str] | str]:
    """How to run each implementation, or why it cannot be."""
    source = SOURCE / "shim"
    found: dict[str, Sequence[str] | str] = {"python": [os.environ.get("SHIM_PYTHON", sys.executable), "-I", "-S", str(source / "shim.py")]}
    for name, compiler in (("c", os.environ.get("CC", "cc")), ("musl", "musl-gcc")):
        if shutil.which(compiler):
            program = tmp_path_factory.mktemp("shim") / "outlast-shim"
            linked = ["-static"] if name == "musl" else []
            subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", *linked, "-o", program, source / "shim.c"], check=True)
            found[name] = [str(program)]
        else:
            found[name] = f"there is no {compiler}: the shim in C is not tested with it"
    return found


@pytest.fixture(params=["python", "c", "musl"])
def shim(request: pytest.FixtureRequest, programs: dict[str, Sequence[str] | str]) -> Iterator[Shim]:
    """Each implementation in turn."""
    argv = programs[request.param]
    if isinstance(argv, str):
        pytest.skip(argv)
    folder = Path(tempfile.mkdtemp(prefix="shim-")).resolve()
    one = Shim(argv, folder)
    yield one
    one.end()
    shutil.rmtree(folder)
