"""State files are lent to runs, one after the other; what one run left is never taken for another's."""

import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from outlast import Jobs
from outlast.client.truth import current
from outlast.executors import state
from outlast.executors.lender import Lender
from outlast.home import Home
from support import COMMAND, Outlast, eventually

STRACE = shutil.which("strace")


def files(outlast: Outlast) -> set[str]:
    return {path.name for path in (outlast.home / "states").iterdir()}


def lent_to(outlast: Outlast, job: int) -> int:
    with sqlite3.connect(f"file:{outlast.home}/outlast.db?mode=ro", uri=True) as connection:
        number: int = connection.execute("SELECT state_file FROM runs WHERE job = ?", (job,)).fetchone()[0]
    connection.close()
    return number


@contextmanager
def locked(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)


def test_there_are_as_many_as_runs_lived_at_once(outlast: Outlast) -> None:
    for _ in range(12):
        outlast("run", "--wait", "--", "true", status=0)
    assert len(files(outlast)) <= 2  # the next one may be claimed in the commit that records the end of the last
    outlast("run", "--group", "g", "--from", "-", input=b"sleep 0.2\n" * 12, status=0)
    outlast("wait", "group:g", status=0)
    assert 12 <= len(files(outlast)) <= 24


def test_one_that_somebody_still_locks_is_passed_over(outlast: Outlast) -> None:
    outlast("run", "--wait", "--", "true", status=0)
    (name,) = files(outlast)
    with locked(outlast.home / "states" / name):
        outlast("run", "--wait", "--", "sh", "-c", "exit 3", status=3)
        assert {name, str(lent_to(outlast, 2))} == files(outlast)
        assert str(lent_to(outlast, 2)) != name
    job = outlast.run("--", "true")
    outlast("wait", str(job), status=0)
    assert str(lent_to(outlast, job)) == name


def test_whoever_follows_an_ended_job_does_not_wait_for_the_next_one_of_its_file(outlast: Outlast) -> None:
    outlast("run", "--wait", "--", "echo", "text", status=0)
    (path,) = (outlast.home / "states").iterdir()
    fd = state.take(str(path))  # lent to a run that has not begun
    try:
        assert b"text" in outlast("logs", "-f", "1", status=0, timeout=10).stdout
    finally:
        os.close(fd)


def test_a_damaged_one_is_passed_over(outlast: Outlast) -> None:
    outlast("list", status=0)
    outlast.home.mkdir(0o700)
    (outlast.home / "states" / "1").mkdir(parents=True)
    outlast("run", "--wait", "--", "sh", "-c", "exit 3", status=3)
    assert 2 == lent_to(outlast, 1)


def test_the_folder_of_the_output_may_be_removed_at_any_time(outlast: Outlast) -> None:
    for text in ("one", "two"):
        job = outlast.run("--", "echo", text)
        outlast("wait", str(job), status=0)
        assert f"{text}\n" == outlast("logs", "--raw", str(job), status=0).stdout.decode()
        shutil.rmtree(outlast.home / "runs")


def test_a_run_that_was_alive_when_the_supervisor_died_keeps_its_own(outlast: Outlast) -> None:
    alive = outlast.run("--", "sleep", "1000")
    eventually(lambda: outlast.show(alive)["pid"] is not None)
    outlast("supervisor", "stop", status=0)
    others = [outlast.run("--", "true") for _ in range(3)]
    outlast("wait", *map(str, others), status=0)
    assert lent_to(outlast, alive) not in {lent_to(outlast, job) for job in others}
    outlast("kill", str(alive), status=0)
    assert "stopped" == outlast.show(alive)["outcome"]


def test_who_knows_an_old_record_is_not_told_of_the_next_run_of_its_file(outlast: Outlast, short_path: Path) -> None:
    gate = short_path / "gate"
    first = outlast.run("--", "sh", "-c", f"until [ -e {gate} ]; do sleep 0.02; done; exit 7")
    eventually(lambda: outlast.show(first)["pid"] is not None)
    with Jobs(outlast.home) as jobs:
        assert jobs.reading is not None
        old = jobs.reading.job(first)
        assert old is not None
        assert "running" == old.status
        gate.touch()
        outlast("wait", str(first))
        second = outlast.run("--", "sleep", "1000")
        eventually(lambda: outlast.show(second)["pid"] is not None)
        assert lent_to(outlast, first) == lent_to(outlast, second)
        job, run = current(jobs.home, jobs.reading, old)
        assert run is not None
        assert ("ended", "failed", 7, 7) == (job.status, job.outcome, job.exit_code, run.exit_code)
    outlast("kill", str(second), status=0)


def test_what_another_run_has_written_is_not_read(outlast: Outlast, tmp_path: Path) -> None:
    outlast("run", "--wait", "--", "true", status=0)
    (path,) = (outlast.home / "states").iterdir()
    told = state.read(str(path), "1.1")
    assert told.exists
    assert told.started
    assert told.result
    assert state.State(exists=False) == state.read(str(path), "1.2")
    torn = tmp_path / "torn"  # a power cut in the middle of a block: its beginning is new, the rest as it was
    torn.write_bytes(b"\n" * 1024 + path.read_bytes()[1024:])
    assert state.read(str(torn), "1.1").result
    assert state.State() == state.read(str(torn), "2.1")


def test_a_lender_gives_the_lowest_free_one(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "h"))
    home.make()
    lender = Lender(home, {1, 3})
    locks = {}
    for wanted in (2, 4, 5):
        number, locks[wanted] = lender.lend()
        assert wanted == number
    lender.give_back(2)  # its shim still holds the lock
    number, lock = lender.lend()
    assert 6 == number
    os.close(locks[2])
    number, other = lender.lend()
    assert 2 == number
    for fd in (locks[4], locks[5], lock, other):
        os.close(fd)


@pytest.mark.skipif(STRACE is None, reason="there is no strace on this machine")
def test_nobody_is_told_of_a_result_that_is_not_on_the_disk(outlast: Outlast, short_path: Path) -> None:
    gate = short_path / "gate"
    with gate_of(gate):
        job = outlast.run("--", "sh", "-c", f"read x < {gate}")
        eventually(lambda: outlast.show(job)["pid"] is not None)
        pid = outlast.supervisor_pid()
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # it lives, and will record the end, but not now
        try:
            with gate.open("wb") as file:
                file.write(b"x\n")
            result = f'"run":"{job}.1","at":'.encode()
            eventually(lambda: result in (outlast.home / "states" / str(lent_to(outlast, job))).read_bytes())
            calls = short_path / "calls"
            words = [str(STRACE), "-qq", "-o", str(calls), "-e", "trace=fsync,write", str(COMMAND), "show", str(job), "--json"]
            told = subprocess.run(words, env=outlast.environ(), capture_output=True, check=True)
        finally:
            os.kill(pid, signal.SIGCONT)
    assert b'"succeeded"' in told.stdout
    names = [line.split("(")[0] for line in calls.read_text().splitlines()]
    assert "fsync" in names
    assert names.index("fsync") < names.index("write")


@contextmanager
def gate_of(path: Path) -> Iterator[None]:
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    try:
        yield
    finally:
        os.close(fd)
