"""What is wrong with one job, or a wish that reaches far, keeps nobody else from running."""

import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from support import Outlast, kill

TRUE = ("--", "true")


def succeeds(outlast: Outlast, *options: str) -> None:
    job = outlast.run(*options, *TRUE)
    assert 0 == outlast("wait", str(job)).status


def log(outlast: Outlast) -> str:
    return (outlast.home / "supervisor.log").read_text()


def damage(outlast: Outlast, column: str, value: Any, job: int) -> None:
    with closing(sqlite3.connect(outlast.home / "outlast.db", timeout=30)) as database, database:
        database.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", (value, job))


@pytest.mark.parametrize("value", ["{", "[1]", b"\xff\xfe", "{" * 200_000], ids=["cut", "list", "bytes", "deep"])
def test_a_damaged_row_stops_nobody_else(outlast: Outlast, value: Any) -> None:
    outlast("group", "pause", "g", status=0)
    bad = outlast.run("-g", "g", *TRUE)
    good = outlast.run("-g", "g", *TRUE)
    damage(outlast, "spec", value, bad)
    outlast("group", "resume", "g", status=0)
    assert 0 == outlast("wait", str(good)).status
    succeeds(outlast)
    assert f"job {bad} is left alone from now on" in log(outlast)
    told = outlast("doctor")
    assert 0 != told.status
    assert f"job {bad}" in told.text


def test_a_running_job_whose_row_is_damaged_does_not_keep_the_next_supervisor_from_starting(outlast: Outlast) -> None:
    bad = outlast.run("--", "sleep", "1000")
    outlast("wait", str(bad), "--status", "running", status=0)
    damage(outlast, "spec", "{", bad)
    old = outlast.supervisor_pid()
    assert old is not None
    kill(old, outlast.home)
    succeeds(outlast)
    damage(outlast, "spec", "{}", bad)  # repaired
    new = outlast.supervisor_pid()
    assert new is not None
    kill(new, outlast.home)
    outlast("stop", str(bad), status=0)
    assert "stopped" == outlast.show(bad)["outcome"]


@pytest.mark.parametrize(
    "options",
    [
        ("--wait.file", "never", "--wait.extra-delay", "15200w"), ("--wait.file", "never", "--poll-interval", "300d"),
        ("--wait.timedelta", "15200w"), ("--wait.file", "never", "--wait.abort-timedelta", "15200w"),
    ],
    ids=lambda options: " ".join(options[-2:]),
)  # fmt: skip
def test_wishes_that_reach_far_are_served_or_refused(outlast: Outlast, options: tuple[str, ...]) -> None:
    outlast("run", *options, *TRUE)
    succeeds(outlast)
    assert "cycle failed" not in log(outlast)
    (outlast.folder / "never").touch()
    succeeds(outlast)
    assert "cycle failed" not in log(outlast)


def test_to_run_beside_a_job_that_is_named_twice(outlast: Outlast) -> None:
    outlast.run("--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    succeeds(outlast, "--while-running", "1", "--while-running", "1")


def test_a_group_that_shrinks_passes_over_who_takes_more_than_it_has(outlast: Outlast) -> None:
    outlast("group", "set", "g", "--slots", "3", status=0)
    outlast("group", "pause", "g", status=0)
    wide = outlast.run("-g", "g", "--slots", "3", *TRUE)
    outlast("group", "set", "g", "--slots", "2", status=0)
    outlast("group", "resume", "g", status=0)
    succeeds(outlast, "-g", "g")
    assert ("queued", 0) == tuple(outlast.show(wide)[key] for key in ("status", "run"))
    assert "it takes 3 slots, and its group `g` has 2, so it cannot start; `outlast group set g --slots N` gives it more" in (
        outlast("why", str(wide)).text
    )
    outlast("group", "set", "g", "--slots", "3", status=0)
    assert 0 == outlast("wait", str(wide)).status


def test_to_pause_and_to_drain_a_group_do_not_undo_one_another(outlast: Outlast) -> None:
    for verbs in (("drain", "pause"), ("pause", "drain")):
        for verb in verbs:
            outlast("group", verb, "g", status=0)
        shown = outlast("group", "show", "g", "--json").json
        assert (True, True) == (shown["paused"], shown["draining"])
        assert 4 == outlast("run", "-g", "g", *TRUE).status
        outlast("group", "resume", "g", status=0)
        shown = outlast("group", "show", "g", "--json").json
        assert (False, False) == (shown["paused"], shown["draining"])


def test_a_bug_that_one_job_brings_out_stops_nobody_else(outlast: Outlast) -> None:
    environ = {"OUTLAST_FAILPOINTS": "claim.before@1=raise"}
    bad = int(outlast("run", *TRUE, env=environ, status=0).text)
    succeeds(outlast)
    assert ("queued", 0) == tuple(outlast.show(bad)[key] for key in ("status", "run"))
    assert f"job {bad} is left alone from now on: Bug" in log(outlast)
    first = outlast.supervisor_pid()
    assert first is not None
    kill(first, outlast.home)
    succeeds(outlast)
    assert 0 == outlast("wait", str(bad)).status  # the next supervisor tries it anew


def test_a_supervisor_that_dies_at_once_is_not_started_in_a_tight_loop(outlast: Outlast) -> None:
    began = time.monotonic()
    told = outlast("run", "--wait", *TRUE, env={"OUTLAST_FAILPOINTS": "adopt.before=raise"})
    took = time.monotonic() - began
    assert 0 == told.status  # one that a guard starts, in its own environment, serves it
    assert 1 <= log(outlast).count("died of Bug: failpoint adopt.before") <= took  # each has kept the lock for a second


@pytest.mark.parametrize("surroundings", ["{", "[]", '{"umask": 18}', '{"umask": "x", "rlimits": 7}'], ids=["cut", "list", "half", "odd"])
def test_an_environment_that_cannot_be_read_stops_nobody_else(outlast: Outlast, surroundings: str) -> None:
    outlast("group", "pause", "g", status=0)
    bad = outlast.run("-g", "g", "--env", "BAD=1", *TRUE)
    good = outlast.run("-g", "g", *TRUE)
    with closing(sqlite3.connect(outlast.home / "outlast.db", timeout=30)) as database, database:
        told = "UPDATE environments SET surroundings = ? WHERE hash = (SELECT environment FROM jobs WHERE id = ?)"
        database.execute(told, (surroundings, bad))
    outlast("group", "resume", "g", status=0)
    assert 0 == outlast("wait", str(good)).status
    assert 1 == outlast("wait", str(bad)).status
    assert "not_started" == outlast.show(bad)["outcome"]
    succeeds(outlast)
    assert "its environment cannot be read" in log(outlast)
    assert "died" not in log(outlast)
