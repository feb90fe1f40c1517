"""`run --overlap`, `--unless-fresh`: what becomes of a job while another one like it has not ended. Real processes."""

import re
import signal
import subprocess
from collections import Counter

import pytest

from cli.outside import assert_refused, count
from support import Client, eventually

GATED = ["--", "sh", "-c", "until test -e go; do sleep 0.02; done; echo done"]
BY = [["--name", "sync"], ["--key", "k"]]


def running(outlast, *words):
    job = outlast.run(*words, *GATED)
    outlast("wait", str(job), "--status", "running", status=0)
    return job


def opens(outlast):
    (outlast.folder / "go").touch()


def state(outlast, job):
    shown = outlast.show(job)
    return shown["outcome"] or shown["status"]


@pytest.mark.parametrize("by", BY, ids=str)
def test_skip(outlast, by):
    running(outlast, *by)
    told = outlast("run", *by, "--overlap", "skip", "--", "touch", "never", status=0)
    assert b"2\n" == told.stdout
    assert re.fullmatch(rb"outlast: job 2 was skipped: job 1 with the same (name `sync`|key `k`) is active\n", told.stderr)
    assert "made it needless" in outlast("why", "2").text
    assert (0, b"") == outlast("run", "-w", *by, "--overlap", "skip", "--", "true")[:2]
    assert 75 == outlast("run", "-w", "--fail-if-not-run", *by, "--overlap", "skip", "--", "true").status
    assert not (outlast.folder / "never").exists()


@pytest.mark.parametrize("by", BY, ids=str)
def test_queue(outlast, by):
    running(outlast, *by)
    jobs = [outlast.run(*by, "--overlap", "queue", "--", "sh", "-c", f"echo {n} >> order; sleep 0.05") for n in range(3)]
    assert ["pending"] * 3 == [state(outlast, job) for job in jobs]
    (waits,) = outlast.show(3)["waiting_for"]
    assert re.fullmatch(r"for its turn: job 2 with the same (name|key) is active \(--overlap\)", waits)
    assert waits in outlast("why", "3", status=0).text
    opens(outlast)
    outlast("wait", "1-4", status=0)
    assert ["0", "1", "2"] == (outlast.folder / "order").read_text().split()
    times = [outlast.show(job) for job in (1, *jobs)]
    assert all(first["ended_at"] <= second["started_at"] for first, second in zip(times, times[1:], strict=False))


def test_queue_with_a_bound(outlast):
    running(outlast, "--key", "k")
    told = [outlast("run", "--key", "k", "--overlap", "queue=1", "--", "sh", "-c", "echo x >> count", status=0) for _ in range(5)]
    assert ["pending", *["skipped"] * 4] == [state(outlast, job) for job in range(2, 7)]
    assert b"1 job waits already behind the active one with the same key `k`, the last is job 2" in told[-1].stderr
    opens(outlast)
    outlast("wait", "1-2", status=0)
    assert "x\n" == (outlast.folder / "count").read_text()  # exactly one more


def test_stopping_one_of_a_queue(outlast):
    running(outlast, "--key", "k")
    jobs = [outlast.run("--key", "k", "--overlap", "queue", "--", "true") for _ in range(2)]
    outlast("stop", str(jobs[0]), status=0)
    assert "pending" == state(outlast, jobs[1])
    outlast("stop", "1", status=0)
    assert 0 == outlast("wait", str(jobs[1])).status


@pytest.mark.parametrize("by", BY, ids=str)
def test_replace(outlast, by):
    running(outlast, *by)
    waiting = outlast.run(*by, "--overlap", "queue", "--", "touch", "never")
    new = outlast.run(*by, "--overlap", "replace", "--", "true")
    assert 0 == outlast("wait", str(new)).status
    assert ["stopped", "stopped", "succeeded"] == [state(outlast, job) for job in (1, waiting, new)]
    wishes = [e["data"] for e in outlast("events", "1", "--json").json["events"] if e["event"] == "stop_requested"]
    assert ["stop"] == [wish["verb"] for wish in wishes]
    assert "replaced by a newer job" in wishes[0]["by"]
    assert outlast.show(1)["ended_at"] <= outlast.show(new)["started_at"]
    assert not (outlast.folder / "never").exists()


def test_allow(outlast):
    jobs = [running(outlast, "--key", "k", "--overlap", "allow=2") for _ in range(2)]
    told = outlast("run", "--key", "k", "--overlap", "allow=2", "--", "true", status=0)
    assert b"2 jobs with the same key `k` are active, and no more are allowed" in told.stderr
    jobs.append(running(outlast, "--key", "k", "--overlap", "allow"))
    assert ["running"] * 3 == [state(outlast, job) for job in jobs]
    assert_refused(outlast("run", "--key", "k", "--", "true"), 4, "key `k` is in use by job 4")


# Join


def test_join_gives_the_caller_the_one_that_runs(outlast):
    job = running(outlast, "--key", "k")
    told = outlast("run", "--key", "k", "--overlap", "join", *GATED, status=0)
    assert (f"{job}\n".encode(), b"") == told[1:]
    assert 1 == count(outlast)


def test_join_in_front_exits_as_the_job_does(outlast):
    words = ["--key", "k", "--overlap", "join", "--", "sh", "-c", "until test -e go; do sleep 0.02; done; echo out; exit 7"]
    with outlast.start("run", "-w", *words) as first:
        eventually(lambda: count(outlast) == 1)
        with outlast.start("run", "-w", *words) as second:
            assert b"outlast: joined job 1, whose output is in `outlast logs -f 1`\n" == second.stderr.readline()
            opens(outlast)
            assert (b"", b"") == second.communicate(timeout=60)
            assert (b"out\n", b"") == first.communicate(timeout=60)
        assert (7, 7) == (first.returncode, second.returncode)
    assert 1 == count(outlast)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_joiner_that_is_told_to_go_leaves_it_running(outlast, number):
    job = running(outlast, "--key", "k")
    with outlast.start("run", "-w", "--key", "k", "--overlap", "join", *GATED) as joiner:
        assert b"joined job 1" in joiner.stderr.readline()
        joiner.send_signal(number)
        assert (b"", b"outlast: left job 1, which goes on\n") == joiner.communicate(timeout=60)
    assert 128 + number == joiner.returncode
    shown = outlast.show(job)
    assert ("running", None) == (shown["status"], shown["stop_requested"])
    opens(outlast)
    assert 0 == outlast("wait", str(job)).status


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--", "true"], "another command"), (["--cwd", "/", *GATED], "another directory"), (["-e", "A=2", *GATED], "another --env"),
        (["--unset-env", "HOME", *GATED], "another --env"),
    ],
    ids=str,
)  # fmt: skip
def test_join_is_refused_to_whoever_does_something_else(outlast, words, what):
    running(outlast, "--key", "k")
    assert_refused(outlast("run", "--key", "k", "--overlap", "join", *words), 4, f"job 1 is active with {what}", "--overlap allow")
    assert 125 == outlast("run", "-w", "--key", "k", "--overlap", "join", *words).status
    assert 1 == count(outlast)


def test_what_the_environment_happens_to_hold_does_not_matter(outlast):
    running(outlast, "--key", "k", "-e", "A=1")
    told = outlast("run", "--key", "k", "--overlap", "join", "-e", "A=1", *GATED, env={"OTHER": "x"}, status=0)
    assert b"1\n" == told.stdout


# Freshness


def test_unless_fresh(outlast):
    outlast("wait", str(outlast.run("--name", "n", "--", "false")))
    assert 0 == outlast("run", "-w", "--name", "n", "--unless-fresh", "1h", "--", "true").status
    told = outlast("run", "--name", "n", "--unless-fresh", "1h", "--", "touch", "never", status=0)
    assert re.fullmatch(
        rb"outlast: job 3 was skipped: job 2 with the same name succeeded .* ago, which is fresh enough \(unless-fresh is 1h 00m\)\n",
        told.stderr,
    )
    assert (0, b"") == outlast("run", "-w", "--name", "n", "--unless-fresh", "1h", "--", "true")[:2]
    assert "succeeded" == state(outlast, 2)

    def stale():
        return outlast("run", "-w", "--fail-if-not-run", "--name", "n", "--unless-fresh", "300ms", "--", "true").status == 0

    eventually(stale)
    assert_refused(outlast("run", "--unless-fresh", "0", "--", "true"), 2, "--unless-fresh")
    assert not (outlast.folder / "never").exists()


# Many at once

RACE = 30


def all_at_once(outlast, *words) -> Counter[int]:
    """Start many submissions at once. Returns how often each exit status came."""
    clients: list[Client] = [outlast.start("run", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(RACE)]
    return Counter(client.wait(60) for client in clients)


@pytest.mark.parametrize(
    ("rule", "statuses", "outcomes"),
    [
        ([], {0: 1, 4: RACE - 1}, {"succeeded": 1}),
        (["--overlap", "skip"], {0: RACE}, {"succeeded": 1, "skipped": RACE - 1}),
        (["--overlap", "queue=1"], {0: RACE}, {"succeeded": 2, "skipped": RACE - 2}),
        (["--overlap", "allow=3"], {0: RACE}, {"succeeded": 3, "skipped": RACE - 3}),
        (["--overlap", "join"], {0: RACE}, {"succeeded": 1}),
    ],
    ids=str,
)
def test_of_many_at_once_as_many_run_as_may(outlast, rule, statuses, outcomes):
    assert statuses == all_at_once(outlast, "--key", "k", *rule, *GATED)
    opens(outlast)
    jobs = outlast("list", "--json", "-n", "all", status=0).json["jobs"]
    outlast("wait", *(str(job["id"]) for job in jobs))
    assert outcomes == Counter(job["outcome"] for job in outlast("list", "--json", "-n", "all").json["jobs"])
