"""What the tests of the installed command share: how an error looks, a real terminal, words for the shell."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping

from support import COMMAND, Finished, Outlast

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")  # RFC 3339, UTC
ANSI = re.compile(rb"\x1b\[[0-9;]*m")
JOB_KEYS = set(
    "schema id name description key group command cwd user status outcome reason exit_code signal run pid duration created_at queued_at "
    "started_at ended_at next_run_at waiting_for priority mutex paused held stop_requested activity heartbeat_at heartbeat_timeout "
    "info params feedback progress last_line usual_duration usage warnings rerun_of schedule trigger automatic".split()
)
RUN_KEYS = set("run status outcome reason exit_code signal pid host started_at ended_at duration cpu max_rss".split())

# It ends politely; a child of it is deaf, so that the ladder goes on after it. Its output is not waited for.
POLITE_WITH_DEAF_CHILD = (
    "--leftovers.grace", "0", "--", "sh", "-c", "trap 'exit 42' TERM INT; (trap '' TERM INT; echo up; exec sleep 1000) & wait",
)  # fmt: skip


def has_result(outlast: Outlast, job: int) -> bool:
    """Tell whether the first run of a job has ended, whatever anybody says of it."""
    result = f'"run":"{job}.1","at":'.encode()
    return any(result in path.read_bytes()[1024:] for path in (outlast.home / "states").iterdir())


def none_called(outlast: Outlast, name: str) -> bool:
    """Tell whether no process of the home is called `name`."""
    return not [process for process in outlast.processes() if process.argv[:1] == (name,)]


def assert_refused(finished: Finished, status: int, *said: str) -> str:
    """An error is one line on stderr, `outlast: what is wrong: what to do`, and nothing on stdout. Returns the line."""
    text = finished.stderr.decode("utf-8", "surrogateescape")
    assert (status, b"") == (finished.status, finished.stdout), finished
    assert re.fullmatch(r"outlast: [^\n]+?: [^\n]+\n", text), text
    assert not re.search(r"Traceback|a bug of ours", text), text
    for word in said:
        assert word in text, text
    return text


def on_terminal(
    outlast: Outlast, *args: str, columns: int = 80, env: Mapping[str, str | None] | None = None, typed: bytes = b"",
    watch: Callable[[bytes, int], bytes] = lambda seen, pid: b"",
) -> tuple[int, bytes]:  # fmt: skip
    """Run `outlast ARGS` on a terminal of its own. Returns (exit status, all that was shown).

    `typed`: keys pressed at once; `watch(seen, pid)` returns keys to press when it has seen enough, once.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    process = subprocess.Popen(
        ["setsid", "--ctty", COMMAND, *args], env=outlast.environ({"TERM": "xterm", **(env or {})}), cwd=outlast.folder,
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    seen = b""
    pressed = False
    try:
        os.write(master, typed)
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # EIO: the terminal is gone with its last process (tty(4))
                part = b""
            if not part:
                break
            seen += part
            keys = b"" if pressed else watch(seen, process.pid)
            if keys:
                os.write(master, keys)
                pressed = True
        return process.wait(60), seen
    finally:
        process.kill()
        process.wait()
        os.close(master)


def sh(line: str, outlast: Outlast, *, env: Mapping[str, str | None] | None = None, timeout: float = 60) -> Finished:
    """Run a line of bash in which `outlast` is the installed command."""
    done = subprocess.run(
        ["bash", "-c", line], env=outlast.environ(env), cwd=outlast.folder, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=timeout, check=False,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


def count(outlast: Outlast) -> int:
    """Return how many jobs there are."""
    if not outlast.home.exists():
        return 0
    return len(outlast("list", "--ids", "-n", "all", status=0).stdout.split())
