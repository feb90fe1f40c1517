"""`run --dry-run`: what would happen, and nothing is left of it."""

import os
import re

import pytest

from cli.outside import assert_refused, count
from support import eventually


def trace(outlast):
    """Return all that is in the home, byte for byte."""
    return {
        str(path.relative_to(outlast.home)): path.read_bytes() if path.is_file() else path.stat().st_mode
        for path in sorted(outlast.home.rglob("*"))
        if path.suffix not in {".db-shm", ".log"} and not path.is_fifo()
    }


def dry(outlast, *words, status=0):
    return outlast("run", "--dry-run", *words, status=status).text


def test_no_home_is_made(outlast):
    text = dry(outlast, "--retries", "2", "--retries.delay", "1m", "--", "echo", "a b")
    assert not outlast.home.exists()
    assert [] == [name for name in os.listdir("/tmp") if name.startswith("outlast-dry-run-")]
    lines = text.splitlines()
    assert "would run   echo 'a b'" == lines[0]
    assert f"in          {outlast.folder}" == lines[1]
    assert "it would    be queued, and start as soon as there is room" == lines[2]
    assert "run 2       1m 00s after run 1 ended: not before " in text
    assert "then        run 3 failed (run 3 of 3)" == lines[-1]
    assert [] == outlast.processes()


def test_a_home_is_left_byte_by_byte_as_it_was(outlast):
    outlast.run("--key", "k", "--hold", "--", "true")
    outlast("group", "set", "g", "--slots", "1")
    outlast("supervisor", "stop")
    eventually(lambda: outlast.supervisor_pid() is None)
    outlast("list")
    before = trace(outlast)
    assert any(name.endswith(".db") for name in before)
    for words in (
        [], ["--key", "k", "--overlap", "skip"], ["--key", "k", "--overlap", "queue"], ["--key", "k", "--overlap", "replace"],
        ["--after", "1"], ["--approval"], ["--hold"], ["--delay", "1h"], ["-g", "g"],
    ):  # fmt: skip
        dry(outlast, *words, "--", "touch", "never")
    assert before == trace(outlast)
    assert outlast.supervisor_pid() is None
    assert [1] == [job["id"] for job in outlast("list", "--json").json["jobs"]]
    assert outlast.show(1)["stop_requested"] is None
    assert 2 == outlast.run("--hold", "--", "true")  # no id was used up
    assert not (outlast.folder / "never").exists()


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ([], "be queued, and start as soon as there is room"),
        (["--hold"], "be held until it is released"),
        (["--pending", "x"], "be held until it is released"),
        (["--approval"], r"wait for somebody's approval: .*"),
        (["--after", "1"], r"wait for job 1 \(`true`\) to succeed: it is queued"),
        (["--after", "1", "--delay", "1h"], r"wait for job 1 .*; and until .*"),
        (["--delay", "1h"], "wait until .*"),
        (["--key", "k", "--overlap", "skip"], "be skipped: job 1 with the same key `k` is active"),
        (["--key", "k", "--overlap", "queue"], "wait for its turn: job 1 with the same key is active .*"),
        (["--key", "k", "--overlap", "join"], "be job 1, which is queued"),
        (["--name", "off"], "be disabled: jobs called `off` are disabled .*"),
        (["--after.failed", "2"], "be aborted: job 2 ended as `succeeded`, .*"),
    ],
)
def test_the_verdict(outlast, words, verdict):
    outlast.run("--key", "k", "--name", "true", "--hold", "--", "true")
    outlast("wait", str(outlast.run("--", "true")), status=0)
    outlast("disable", "off")
    before = count(outlast)
    (line,) = [line for line in dry(outlast, *words, "--", "true").splitlines() if line.startswith("it would ")]
    assert re.fullmatch(rf"it would    {verdict}", line), line
    assert before == count(outlast)


def test_the_times_of_the_first_five_retries(outlast):
    words = ["--retries", "8", "--retries.delay", "1s", "--retries.exponential-backoff-base", "2", "--retries.jitter-range", "2s"]
    text = dry(outlast, *words, "--", "make")
    told = re.findall(r"^run (\d+) +(\S+) after run (\d+) ended, give or take 1s: not before \d{4}-", text, re.MULTILINE)
    assert [("2", "1s", "1"), ("3", "2s", "2"), ("4", "4s", "3"), ("5", "8s", "4"), ("6", "16s", "5")] == told
    told = outlast("run", "--dry-run", "--json", *words, "--", "make", status=0).json
    assert (True, False, None, None) == tuple(told[key] for key in ("dry_run", "joins", "id", "then"))
    assert [(2, 1.0, 1.0), (3, 2.0, 1.0)] == [(r["run"], r["delay"], r["jitter"]) for r in told["retries"]][:2]
    assert 5 == len(told["retries"])


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--retrys", "3", "--", "true"], 2, "--retries"), (["--after", "99", "--", "true"], 3, "99"), (["--", ""], 2, ""),
        (["--key", "k", "--", "true"], 4, "key `k` is in use"), (["--slots", "2", "--", "true"], 2, "--group"),
    ],
)  # fmt: skip
def test_what_would_be_refused_is_refused(outlast, words, status, said):
    outlast.run("--key", "k", "--hold", "--", "true")
    assert_refused(outlast("run", "--dry-run", *words), status, said)
    assert 1 == count(outlast)
