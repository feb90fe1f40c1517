"""How far jobs are, seen from outside: programs that know nothing of outlast, as jobs."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from support import eventually, kill

RECORDED = Path(__file__).parent.parent / "core" / "meters"
WAITS = "; read x < fifo"  # it goes on when the test writes there


@pytest.fixture
def waiting(outlast):
    """Submit a shell line that waits at its end, and return its id once it has written what it writes."""
    (outlast.folder / "fifo").unlink(missing_ok=True)
    os.mkfifo(outlast.folder / "fifo")

    def submit(line, *options):
        return outlast.run(*options, "--", "sh", "-c", line + WAITS)

    return submit


def release(outlast):
    with open(outlast.folder / "fifo", "w") as fifo:
        fifo.write("\n")


def shows(outlast, job, expected):
    """Wait until the JSON of the job has `expected` of its progress, and return that."""

    def there():
        told = outlast.show(job)
        assert told["progress"] is not None
        assert expected == {name: told["progress"][name] for name in expected}
        return told

    return eventually(there)


def test_a_loop_that_counts(outlast, waiting):
    job = waiting("for i in 1 2 3; do echo $i/4 files; done")
    told = shows(outlast, job, {"percent": 75.0, "done": 3, "total": 4, "unit": "files", "text": None, "from": "output"})
    assert "3/4 files" == told["last_line"]
    assert set(told["progress"]) == {"percent", "done", "total", "unit", "text", "from", "eta"}
    (listed,) = outlast("list", "--json", status=0).json["jobs"]
    assert ("3/4 files", 75.0) == (listed["last_line"], listed["progress"]["percent"])
    lines = outlast("list", status=0).text.splitlines()
    assert ["ID", "NAME", "STATE", "STARTED", "DURATION", "PROGRESS"] == lines[0].split()
    assert lines[1].endswith("  3/4 files (75%)")
    assert "PROGRESS" in outlast("ps", status=0).text
    text = outlast("show", str(job), status=0).text
    assert re.search(r"^progress +3/4 files \(75%\)$", text, re.MULTILINE)
    assert re.search(r"^last line +3/4 files$", text, re.MULTILINE)
    assert "It is at 3/4 files (75%)" in outlast("why", str(job), status=0).text
    release(outlast)
    outlast("wait", str(job), status=0)
    told = outlast.show(job)
    assert (75.0, None, "3/4 files") == (told["progress"]["percent"], told["progress"]["eta"], told["last_line"])
    assert "PROGRESS" not in outlast("list", status=0).text


def test_the_time_left(outlast, waiting):
    job = waiting("echo 1%; sleep 1.1; echo 50%")
    shows(outlast, job, {"percent": 50.0})

    def said():
        left = outlast.show(job)["progress"]["eta"]
        assert left is not None

    eventually(said)
    outlast("pause", str(job), status=0)
    assert outlast.show(job)["progress"]["eta"] is None
    outlast("resume", str(job), status=0)
    release(outlast)


def test_columns(outlast, waiting):
    job = waiting("printf '\\033[32m 45%%|####    | 45/100 [00:10<10:12,  4.4it/s]\\033[0m'")
    shows(outlast, job, {"done": 45})
    lines = outlast("list", "--columns", "id,progress,eta,last_line", status=0).text.splitlines()
    assert re.fullmatch(r" 1  45/100 \(45%\)  10m \d\ds  45%\|####    \| 45/100 \[00:10<10:12,  4.4it/s\]", lines[1])
    release(outlast)
    outlast("wait", str(job), status=0)
    heading = outlast("list", "--columns", "id,progress,eta,last_line", status=0).text.splitlines()[0]
    assert ["ID", "PROGRESS", "ETA", "LAST LINE"] == re.split(" {2,}", heading)


@pytest.mark.parametrize(
    ("name", "stream", "expected"),
    [
        ("curl-meter.txt", "2", {"percent": 65.0, "unit": "B"}),
        ("wget-bar.txt", "2", {"percent": 65.0}),
        ("wget-dot.txt", "2", {"percent": 65.0}),
        ("rsync-progress2.txt", "1", {"percent": 66.0, "done": None}),
        ("rsync-progress.txt", "1", {"percent": 61.53, "done": 8, "total": 13, "unit": "files"}),
        ("pv.txt", "2", {"percent": 69.0}),
        ("tqdm.txt", "2", {"percent": 65.0, "done": 65, "total": 100, "text": "Epoch 1"}),
        ("git-clone.txt", "2", {"percent": 65.23, "done": 197, "total": 302}),
        ("ninja.txt", "1", {"percent": 62.5, "done": 5, "total": 8}),
        ("pytest.txt", "1", {"percent": 66.0}),
    ],
)
def test_what_programs_wrote(outlast, waiting, name, stream, expected):
    """Replay a recorded output up to where it first says so much, and as much of the next piece as a block may have."""
    output = (RECORDED / name).read_bytes()
    mark = {
        "rsync-progress2.txt": b" 66%", "rsync-progress.txt": b"to-chk=5/13)", "pv.txt": b"69%", "ninja.txt": b"[5/8]",
        "pytest.txt": b" 66%", "git-clone.txt": b" 65% (197/302)", "curl-meter.txt": b" 65 ",
    }.get(name, b" 65%")  # fmt: skip
    end = min(at for at in (output.find(sign, output.index(mark)) for sign in (b"\r", b"\n")) if at > 0)
    (outlast.folder / "output").write_bytes(output[: end + 4])
    job = waiting(f"cat output >&{stream}")
    shows(outlast, job, expected)
    release(outlast)


def test_of_a_run_that_was_stopped_it_is_kept(outlast):
    script = "import sys, time\nfor i in range(1, 51): print(f'{i}/50', end='\\r', file=sys.stderr, flush=True)\ntime.sleep(60)\n"
    job = outlast.run("--", sys.executable, "-c", script)
    shows(outlast, job, {"percent": 100.0, "done": 50})
    outlast("stop", str(job), status=0)
    assert 50 == outlast.show(job)["progress"]["done"]


def test_of_a_run_that_failed_it_is_kept(outlast):
    job = outlast.run("--", "sh", "-c", "echo 1/4; echo 2/4; exit 3")
    outlast("wait", str(job), status=1)
    for log in outlast.home.glob("runs/*/*.log"):
        log.unlink()
    told = outlast.show(job)
    assert ({"percent": 50.0, "done": 2, "total": 4, "unit": None, "text": None, "from": "output", "eta": None}, None) == (
        told["progress"], told["last_line"],
    )  # fmt: skip
    (listed,) = outlast("list", "--json", status=0).json["jobs"]
    assert 2 == listed["progress"]["done"]


def test_none_is_no_progress(outlast, waiting):
    job = waiting("echo 3/4 files", "--progress.from", "none")

    def written():
        assert "3/4 files" == outlast.show(job)["last_line"]

    eventually(written)
    assert outlast.show(job)["progress"] is None
    assert "PROGRESS" not in outlast("list", status=0).text
    release(outlast)


def test_patterns_and_aliases(outlast, waiting):
    job = waiting("echo frame 5 among 20", "--progress.pattern", r"frame (?P<done>\d+) among (?P<total>\d+)")
    shows(outlast, job, {"done": 5, "total": 20})
    release(outlast)
    outlast("wait", str(job), status=0)
    job = waiting("echo frames=6 count=20", "--progress.alias", "frames=done", "--progress.alias", "count=total")
    shows(outlast, job, {"done": 6, "total": 20})
    release(outlast)


@pytest.mark.parametrize(
    "words",
    [
        ("--progress.pattern", "("),
        ("--progress.pattern", "x"),
        ("--progress.pattern", r"(?P<done>(\d+)+)"),
        ("--progress.pattern", r"(?P<done>.*.*.*)"),
        ("--progress.alias", "frames"),
        ("--progress.alias", "frames=some"),
        ("--progress.from", "input"),
    ],
    ids=shlex.join,
)
def test_wrong_use_leaves_nothing(outlast, words):
    told = outlast("run", *words, "--", "true")
    assert (2, b"") == (told.status, told.stdout)
    assert told.stderr.startswith(b"outlast: --progress.")
    assert 1 == told.stderr.count(b"\n")
    assert [] == outlast("list", "--json").json["jobs"]


def test_it_is_seen_without_a_supervisor(outlast, waiting):
    job = waiting("echo 3/4")
    shows(outlast, job, {"done": 3})
    (outlast.home / "start").unlink()
    kill(outlast.supervisor_pid(), outlast.home)
    assert 3 == outlast.show(job)["progress"]["done"]
    release(outlast)
