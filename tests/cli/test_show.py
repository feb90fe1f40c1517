"""`outlast show`: everything known about a job or a run."""

import re
from pathlib import Path

import pytest

from cli.outside import ANSI, JOB_KEYS, RUN_KEYS, TIME, assert_refused, on_terminal


def test_json_has_every_key(past):
    told = past("show", "2", "--json", status=0)
    assert b"" == told.stderr
    job = told.json
    assert JOB_KEYS | {"spec", "runs"} == set(job)
    expected = {
        "schema": 1, "id": 2, "name": "two", "group": "g", "key": None, "cwd": str(past.folder), "status": "ended", "outcome": "failed",
        "reason": "exit code 3", "exit_code": 3, "signal": None, "run": 1, "pid": None, "info": ["", "", ""], "params": {}, "warnings": [],
        "command": ["sh", "-c", "echo out; echo err >&2; exit 3"], "paused": False, "held": False, "stop_requested": None, "spec": {},
    }  # fmt: skip
    assert expected == {key: job[key] for key in expected}
    times = [job[key] for key in ("created_at", "queued_at", "started_at", "ended_at")]
    assert all(TIME.fullmatch(time) for time in times)
    assert times == sorted(times)
    (run,) = job["runs"]
    assert set(run) >= RUN_KEYS
    assert (1, "ended", "failed", 3) == tuple(run[key] for key in ("run", "status", "outcome", "exit_code"))
    assert run["pid"] > 1
    assert run["cpu"] >= 0
    assert run["max_rss"] > 100_000
    assert 0 < run["duration"] <= job["duration"] < 60


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (4, {"outcome": "not_started", "exit_code": 127, "signal": None}),
        (5, {"outcome": "stopped", "exit_code": None, "signal": 15}),
        (6, {"outcome": "failed", "exit_code": 1, "run": 2}),
        (7, {"outcome": "failed", "exit_code": None, "signal": 11}),
    ],
)
def test_how_they_ended(past, job, expected):
    told = past.show(job)
    assert expected == {key: told[key] for key in expected}


def test_for_people(past):
    text = past("show", "7", status=0).text
    assert re.search(r"^job +7\nname +self\nstate +failed\nreason +ended by SIGSEGV[^\n]*\nwhy +Job 7 ended", text)
    assert re.search(r"^signal +SIGSEGV$", text, re.MULTILINE)
    assert re.search(r"^RUN  STATE", text, re.MULTILINE)
    text = past("show", "1", status=0).text
    assert re.search(r"^description +the first$", text, re.MULTILINE)
    assert re.search(r"^params +region=eu$", text, re.MULTILINE)


def test_it_fits_the_terminal(past):
    status, seen = on_terminal(past, "show", "6", columns=50)
    assert 0 == status
    assert 50 >= max(len(line) for line in ANSI.sub(b"", seen).decode().splitlines())


@pytest.mark.parametrize(("word", "job"), [("3", 3), ("two", 3), ("k", 3), ("last", 7), ("last~0", 7), ("last~6", 1), ("name:one", 1)])
def test_one_job_by_any_word(past, word, job):
    assert f"{job}\n".encode() == past("show", word, "--ids", status=0).stdout
    assert job == past("show", "job", word, "--json", status=0).json["id"]


def test_a_run(past):
    told = past("show", "run", "6", "--json", status=0).json
    assert (1, 6, 2, "failed") == tuple(told[key] for key in ("schema", "id", "run", "outcome"))
    assert [1, 2, 1, 2] == [past("show", "run", "6", n, "--json").json["run"] for n in ("1", "2", "-2", "-1")]
    assert re.match(r"job +6 again\nrun +1\nstate +failed\n", past("show", "run", "6", "1", status=0).text)


def test_what_is_not_there(past):
    assert_refused(past("show", "99"), 3, "99")
    assert_refused(past("show", "nobody"), 3, "nobody")
    assert_refused(past("show", "last~99"), 3, "last~99")
    assert_refused(past("show", "run", "6", "3"), 3, "3")
    assert_refused(past("show", "run", "6", "0"), 3, "0")
    assert_refused(past("show", "run", "6", "x"), 2, "x")
    assert_refused(past("show", "group:nobody"), 3, "group:nobody")
    assert_refused(past("show", "name:*"), 4, "7")
    assert_refused(past("show"), 2, "JOB")
    assert_refused(past("show", "1", "2"), 2)


def test_while_it_runs(outlast):
    outlast.run("--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    told = outlast.show(1)
    assert ("running", None, None, "running") == (told["status"], told["outcome"], told["ended_at"], told["runs"][0]["status"])
    assert told["pid"] == told["runs"][0]["pid"]
    assert [b"sleep", b"1000"] == Path(f"/proc/{told['pid']}/cmdline").read_bytes().split(b"\0")[:2]
    assert told["duration"] > 0
