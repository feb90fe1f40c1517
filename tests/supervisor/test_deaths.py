"""Supervisors and shims are killed; what is left tells the truth and goes on."""

import json
import os
import signal
from pathlib import Path

import pytest

from support import Outlast, eventually, kill


def gated(gate: Path, then: str) -> list[str]:
    """Return a command that waits for `gate` and then does `then`."""
    return ["sh", "-c", f"until [ -e {gate} ]; do sleep 0.02; done; {then}"]


def running(outlast: Outlast, job: int) -> int:
    """Return the pid of the command once the job runs."""

    def started() -> int:
        pid = outlast.show(job)["pid"]
        assert pid
        return int(pid)

    return eventually(started)


def shim_of(outlast: Outlast, job: int) -> int:
    """Return the pid of the shim of the job's first run, from the state file."""

    def told() -> int:
        lines = [path.read_bytes().split(b"\n", 1)[0] for path in (outlast.home / "states").iterdir()]
        started = [json.loads(line[14:]) for line in lines if line]
        return int(next(told["shim"] for told in started if told["run"] == f"{job}.1"))

    return eventually(told)


def supervisor_starts(outlast: Outlast) -> int:
    """Return how many supervisors have started in this home."""
    return (outlast.home / "supervisor.log").read_text().count(" started, version ")


def freeze_and_kill(outlast: Outlast) -> None:
    """End the supervisor so that nobody starts the next: without `start` it left on purpose."""
    (outlast.home / "start").unlink()
    pid = outlast.supervisor_pid()
    assert pid is not None
    kill(pid, outlast.home)
    eventually(lambda: _assert(outlast.supervisor_pid() is None))


def test_a_stop_is_served_though_its_shim_was_killed_a_moment_before(outlast: Outlast) -> None:
    job = outlast.run("--", "sleep", "1000")
    eventually(lambda: "started" in [e["event"] for e in outlast("events", str(job), "--json", status=0).json["events"]])
    pid = outlast.supervisor_pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # so that it learns of both at once
    try:
        kill(shim_of(outlast, job), outlast.home)
        outlast("stop", "--no-wait", str(job), status=0)
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: _assert(outlast.show(job)["status"] == "ended"))
    assert outlast.show(job)["outcome"] in {"stopped", "lost"}


def test_a_shim_starts_the_next_supervisor(outlast: Outlast, short_path: Path) -> None:
    gate = short_path / "gate"
    job = outlast.run("--", *gated(gate, "exit 4"))
    running(outlast, job)
    pid = outlast.supervisor_pid()
    assert pid is not None
    kill(pid, outlast.home)
    eventually(lambda: _assert(supervisor_starts(outlast) == 2))
    gate.touch()
    assert outlast("wait", str(job)).status == 1
    assert outlast.show(job)["exit_code"] == 4


def test_the_guard_starts_the_next_supervisor_while_jobs_only_wait(outlast: Outlast) -> None:
    job = outlast.run("--retries", "1", "--retries.delay", "1h", "--", "false")
    eventually(lambda: _assert(outlast.show(job)["status"] == "pending"))
    eventually(lambda: _assert(any("guard" in process.argv for process in outlast.processes())))
    pid = outlast.supervisor_pid()
    assert pid is not None
    kill(pid, outlast.home)
    eventually(lambda: _assert(supervisor_starts(outlast) == 2 and outlast.supervisor_pid() not in (None, pid)))
    assert outlast.show(job)["status"] == "pending"


def test_the_guard_starts_the_next_supervisor_when_this_one_is_killed_before_its_first_run(outlast: Outlast) -> None:
    """The claim is durable, no shim lives, and no client comes again."""
    job = outlast.run("--", "sh", "-c", "exit 3", env={"OUTLAST_FAILPOINTS": "claim.after-commit=die"})
    eventually(lambda: _assert(outlast.show(job)["exit_code"] == 3))
    assert supervisor_starts(outlast) == 2


def test_another_guard_takes_the_place_of_one_that_was_killed(outlast: Outlast, short_path: Path) -> None:
    gate = short_path / "gate"
    job = outlast.run("--", *gated(gate, "exit 4"))
    running(outlast, job)
    (guard,) = (process.pid for process in outlast.processes() if "guard" in process.argv)
    kill(guard, outlast.home)
    assert outlast("run", "--wait", "--", "sh", "-c", "exit 7").status == 7  # started without a guard
    eventually(lambda: _assert(any("guard" in process.argv and process.pid != guard for process in outlast.processes())))
    gate.touch()
    assert outlast("wait", str(job)).status == 1
    assert outlast.show(job)["exit_code"] == 4


def test_readers_tell_the_truth_without_a_supervisor(outlast: Outlast, short_path: Path) -> None:
    gate, gate2 = short_path / "gate", short_path / "gate2"
    ends, lives = outlast.run("--", *gated(gate, "echo out; exit 5")), outlast.run("--", *gated(gate2, "exit 6"))
    for job in (ends, lives):
        running(outlast, job)
    freeze_and_kill(outlast)
    gate.touch()

    def told() -> None:
        assert (outlast.show(ends)["status"], outlast.show(ends)["exit_code"]) == ("ended", 5)

    eventually(told)
    assert outlast.supervisor_pid() is None
    listed = {job["id"]: job["status"] for job in outlast("list", "--json").json["jobs"]}
    assert listed == {ends: "ended", lives: "running"}
    assert outlast("wait", str(ends)).status == 1
    assert outlast.supervisor_pid() is None  # nobody was needed for that
    gate2.touch()
    assert outlast("wait", str(lives)).status == 1
    assert outlast.show(lives)["exit_code"] == 6


def test_counts_are_true_without_a_supervisor(outlast: Outlast, short_path: Path) -> None:
    outlast("group", "set", "g", "--slots", "2")
    gate = short_path / "gate"
    ends = outlast.run("--group", "g", "--", *gated(gate, "exit 5"))
    again = outlast.run("--group", "g", "--retries", "1", "--retries.delay", "1h", "--", *gated(gate, "exit 5"))
    waits = outlast.run("--group", "g", "--", "true")
    loner = outlast.run("--group", "unset", "--", *gated(gate, "exit 5"))
    for job in (ends, again, loner):
        running(outlast, job)
    assert "all 2 slots" in outlast("why", str(waits)).text
    outlast("supervisor", "stop")
    gate.touch()
    eventually(lambda: _assert(["ended", "pending", "ended"] == [outlast.show(job)["status"] for job in (ends, again, loner)]))
    counts = {"running": 0, "queued": 1, "pending": 1}
    status = outlast("supervisor", "status", "--json").json
    assert counts == {name: status[name] for name in counts}
    assert "0 running, 1 queued, 1 pending" in outlast("supervisor", "status").text
    group = {"name": "g", "slots": 2, "paused": False, "draining": False, **counts, "limits": {}}
    assert [group] == outlast("group", "list", "--json").json["groups"]  # a group that was never set is there as long as its jobs
    assert {"schema": 1, **group} == outlast("group", "show", "g", "--json").json
    assert "a free slot" in outlast("why", str(waits)).text
    assert outlast.supervisor_pid() is None  # nobody was needed for that


def test_the_kernel_tells_the_exit_of_a_command_whose_shim_was_killed(outlast: Outlast, short_path: Path) -> None:
    gate = short_path / "gate"
    job = outlast.run("--", *gated(gate, "exit 9"))
    command = running(outlast, job)
    eventually(lambda: _assert(any(event["event"] == "started" for event in outlast("events", str(job), "--json").json["events"])))
    kill(shim_of(outlast, job), outlast.home)
    assert outlast.show(job)["status"] == "running"  # it is followed
    os.kill(command, 0)
    gate.touch()
    outlast("wait", str(job))
    shown = outlast.show(job)
    assert shown["outcome"] in {"failed", "lost"}  # lost: a kernel without the witness whose pid 1 was quick to reap
    if shown["outcome"] == "failed":
        assert shown["exit_code"] == 9
        assert "shim was killed" in shown["reason"]
    said = outlast("logs", str(job)).stderr
    assert b"[outlast: output missing: whatever it wrote after its shim was killed]" in said


def test_a_run_is_lost_when_nobody_saw_its_end(outlast: Outlast, short_path: Path) -> None:
    gate = short_path / "gate"
    job = outlast.run("--", *gated(gate, "exit 9"))
    command = running(outlast, job)
    freeze_and_kill(outlast)
    kill(shim_of(outlast, job), outlast.home)
    kill(command, outlast.home)

    def lost() -> None:
        shown = outlast.show(job)
        assert shown["status"] == "ended"
        assert shown["outcome"] in {"lost", "failed"}
        assert shown["outcome"] == "lost" or shown["signal"] == signal.SIGKILL

    eventually(lost)


def test_a_reboot_interrupts_what_ran_and_starts_what_waited(outlast: Outlast, short_path: Path) -> None:
    outlast("group", "set", "one", "--slots", "1")
    gate = short_path / "gate"
    ran = outlast.run("--group", "one", "--", *gated(gate, "exit 0"))
    waited = outlast.run("--group", "one", "--", "sh", "-c", "echo after the reboot")
    command = running(outlast, ran)
    freeze_and_kill(outlast)
    kill(shim_of(outlast, ran), outlast.home)
    kill(command, outlast.home)
    other_boot = {"OUTLAST_BOOT_ID": "00000000-0000-4000-8000-000000000000"}
    assert outlast("wait", str(waited), env=other_boot).status == 0
    shown = outlast.show(ran)
    assert (shown["outcome"], len(shown["runs"])) == ("interrupted", 1)
    assert "machine ended" in shown["reason"]
    assert outlast("logs", "--raw", str(waited)).stdout == b"after the reboot\n"


@pytest.mark.parametrize("action", ["keep", "stop"])
def test_leftovers(outlast: Outlast, action: str) -> None:
    job = outlast.run(
        "--leftovers", action, "--leftovers.grace", "200ms", "--", "sh", "-c", "sleep 987 & setsid sleep 987 & echo $! >&2; exit 3"
    )
    outlast("wait", str(job))
    shown = outlast.show(job)
    assert (shown["exit_code"], shown["runs"][0]["leftovers"]) == (3, 2)
    ended = outlast("events", str(job), "--json").json["events"][-1]["data"]
    assert ended["stopped"] == (2 if action == "stop" else None)
    marked = [process for process in outlast.processes() if "987" in process.argv]
    assert len(marked) == (0 if action == "stop" else 2)


def test_it_leaves_when_idle_and_a_submission_then_finds_another(outlast: Outlast) -> None:
    first = outlast.run("--", "true")
    outlast("wait", str(first))
    outlast("supervisor", "stop")
    assert outlast.supervisor_pid() is None
    second = outlast.run("--", "true")
    assert outlast("wait", str(second)).status == 0


def test_a_supervisor_that_leaves_on_purpose_is_not_started_again_by_shims(outlast: Outlast, short_path: Path) -> None:
    gate = short_path / "gate"
    job = outlast.run("--", *gated(gate, "exit 7"))
    running(outlast, job)
    outlast("supervisor", "stop")
    assert outlast.supervisor_pid() is None
    gate.touch()
    eventually(lambda: _assert(outlast.show(job)["exit_code"] == 7))
    assert supervisor_starts(outlast) == 1


def test_a_run_whose_shims_all_end_before_its_command_begins_is_not_started(outlast: Outlast) -> None:
    job = outlast.run("--", "true", env={"OUTLAST_FAILPOINTS": "shim.before-spawn=die"})
    outlast("wait", str(job))
    shown = outlast.show(job)
    assert ("not_started", 126, 1) == (shown["outcome"], shown["exit_code"], len(shown["runs"]))
    assert "outlast doctor" in shown["reason"]
    assert f"job {job}: run 1 was being started and never began" in (outlast.home / "supervisor.log").read_text()


def _assert(truth: object) -> None:
    assert truth
