"""`outlast top` from outside: refused where it cannot be, and in a real terminal."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import outside
from cli.outside import assert_refused, on_terminal
from support import COMMAND, Outlast, Process, eventually

WITHOUT = "import sys; sys.modules['{}'] = None; sys.argv = ['outlast', 'top']; from outlast.cli.main import run; run()"
BROKEN = (
    "import sys; sys.argv = ['outlast', 'top']; from outlast.cli.top.app import Top; from outlast.cli.main import run\n"
    "def broken(*_): raise RuntimeError('put in')\n"
    "Top._show_head = broken; run()"
)


def test_without_a_terminal(outlast: Outlast) -> None:
    assert_refused(outlast("top"), 4, "needs a terminal", "`outlast list --follow`", "`outlast ps`")
    assert_refused(outlast("top", "--json"), 2, "`outlast list`", "--json")
    assert_refused(outlast("top", "--status", "nosuch"), 2, "nosuch")
    assert_refused(outlast("top", "--where", "nosuch = 1"), 2, "there is no field `nosuch`")
    assert_refused(outlast("top", "--where", "run = 1", "--during", "today"), 4, "needs a terminal")
    assert not outlast.home.exists()


def test_a_terminal_that_can_nothing(outlast: Outlast) -> None:
    status, seen = on_terminal(outlast, "top", env={"TERM": "dumb"})
    assert (4, True) == (status, b"needs a terminal" in seen)


def test_a_job_that_is_not_there(outlast: Outlast) -> None:
    outlast.run("--", "true")
    status, seen = on_terminal(outlast, "top", "77")
    assert (3, True) == (status, b"outlast: no job `77`" in seen)


@pytest.mark.parametrize("missing", ["textual", "rich"])
def test_without_the_extra(outlast: Outlast, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(outside, "COMMAND", sys.executable)
    status, seen = on_terminal(outlast, "-c", WITHOUT.format(missing))
    assert 5 == status, seen
    assert re.fullmatch(rb"outlast: [^\n]*textual[^\n]*: `pip install 'outlast\[top\]'`\r\n", seen)


def test_a_bug_is_told_in_a_line(outlast: Outlast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "COMMAND", sys.executable)
    status, seen = on_terminal(outlast, "-c", BROKEN)
    assert 70 == status, seen
    assert b"outlast: a bug of ours: RuntimeError: put in" in seen
    assert b"Traceback" not in seen


class Terminal:
    """A terminal of tmux with a server of its own."""

    def __init__(self, outlast: Outlast, columns: int, lines: int) -> None:
        self.outlast = outlast
        self.socket = outlast.folder / "tmux"
        self.size = ("-x", str(columns), "-y", str(lines))

    def __call__(self, *words: str | Path) -> str:
        done = subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *words], env=self.outlast.environ({"TERM": "xterm-256color"}),
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        return done.stdout

    def start(self, *command: str | Path) -> None:
        self("new-session", "-d", *self.size, *command)

    @property
    def is_there(self) -> bool:
        return any(process.argv[:1] == ("tmux",) for process in self.outlast.processes())

    def press(self, *keys: str) -> None:
        self("send-keys", *keys)

    def shows(self, *words: str, escapes: bool = False) -> str:
        """Wait for a line with all these words; returns the screen."""

        def seen() -> str:
            text = self("capture-pane", "-p", *(["-e"] if escapes else []))
            assert any(all(word in line for word in words) for line in text.splitlines()), text
            return text

        return eventually(seen)


def tops(outlast: Outlast) -> list[Process]:
    return [process for process in outlast.processes() if process.argv[-1:] == ("top",) and process.argv[0] != "tmux"]


@pytest.fixture
def terminal(outlast: Outlast) -> Iterator[Terminal]:
    made = Terminal(outlast, 80, 24)
    yield made
    if made.is_there:
        made("kill-server")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("colours", [True, False])
def test_in_a_real_terminal(outlast: Outlast, terminal: Terminal, colours: bool) -> None:
    outlast.run("--name", "broken", "--", "false")
    job = outlast.run("--name", "talks", "--", "sh", "-c", "printf '\\033[31mhello\\033[0m [bold]there\\n'; sleep 1000")
    terminal.start("sh", "-c", f"echo before; {'' if colours else 'NO_COLOR=1'} {COMMAND} top; echo ended with $?; exec cat")
    terminal.shows("broken", "failed")
    terminal.shows("hello [bold]there")
    painted = terminal.shows("talks", "running", escapes=True)
    assert colours is bool(re.search(r"\x1b\[[0-9;]*3[1-6]m", painted)), painted
    assert "\x1b[7m" in painted  # the chosen row is seen without colours
    terminal.press("s")
    terminal.shows(f"stop job {job} talks")
    terminal.press("y")
    terminal.shows("talks", "stopped")
    assert "stopped" == outlast.show(job)["outcome"]
    terminal.press("q")
    after = terminal.shows("ended with 0")
    assert ["before", "ended with 0"] == after.split("\n")[:2]  # the screen of before is back
    assert not tops(outlast)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_real_terminal_changes_its_size(outlast: Outlast, terminal: Terminal) -> None:
    outlast.run("--name", "talks", "--", "sh", "-c", "echo hello; sleep 1000")
    terminal.start(COMMAND, "top")
    terminal.shows(" hello")
    terminal("resize-window", "-x", "40", "-y", "12")
    terminal.shows("? help", "q quit")
    terminal.shows("talks", "running")
    terminal("resize-window", "-x", "160", "-y", "30")
    terminal.shows("talks", "running", "│")
    terminal.shows("supervisor", "~/h outlast")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_it_stands_still_and_goes_on(outlast: Outlast, terminal: Terminal) -> None:
    outlast.run("--name", "talks", "--", "sh", "-c", "echo hello; sleep 1000")
    terminal.start("bash", "--norc")
    terminal.press(f"{COMMAND} top", "Enter")
    terminal.shows(" hello")
    terminal.press("C-z")
    terminal.shows("Stopped", "top")
    terminal.press("fg", "Enter")
    for words in ("1 running", "talks  running", " output  details", " hello", "? help"):
        terminal.shows(words)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_it_ends_with_its_terminal(outlast: Outlast, terminal: Terminal) -> None:
    job = outlast.run("--name", "goes-on", "--", "sleep", "1000")
    terminal.start(COMMAND, "top")
    terminal.shows("goes-on", "running")
    assert 1 == len(tops(outlast))
    terminal("kill-server")
    eventually(lambda: not tops(outlast))
    assert "running" == outlast.show(job)["status"]
    assert os.path.exists(outlast.home)
