"""`outlast pause`, `resume`: a tree that stands still, waits whose clocks stand still, and a stop that wins."""

import os
import time

import pytest

from cli.outside import assert_refused
from support import eventually, kill

FORKING = """
import os, time
for _ in range(3):
    if not os.fork():
        break
os.setsid() if os.getpid() % 2 and os.getpgrp() != os.getpid() else None
print("up", flush=True)
while True:
    pid = os.fork()
    if not pid:
        time.sleep(0.01)
        os._exit(0)
    os.waitpid(pid, 0)
    with open(f"count.{os.getpid()}", "a") as file:
        file.write("x")
"""
TICKS = ["--", "sh", "-c", "while :; do echo x >> ticks; sleep 0.02; done"]


def started(outlast, *words):
    job = outlast.run(*words)
    outlast("wait", str(job), "--status", "running", status=0)
    eventually(lambda: outlast.show(job)["pid"] is not None)
    return job


def command_states(outlast):
    """Return {pid: state} of the processes of the home that are neither supervisor nor shim."""
    found = {}
    for process in outlast.processes():
        if any("shim" in word or "outlast" in word for word in process.argv):
            continue
        try:
            with open(f"/proc/{process.pid}/stat") as file:
                found[process.pid] = file.read().rpartition(")")[2].split()[0]
        except OSError:
            pass  # it is over
    return {pid: state for pid, state in found.items() if state not in "ZX"}


def all_stand(outlast, least=1):
    """Each stands still. Who is within vfork(2) waits in the kernel (`D`) for its child, which stands still."""
    states = command_states(outlast)
    assert len(states) >= least, states
    assert {"T"} == set(states.values()) - {"D"}, states


def size(outlast):
    return sum(path.stat().st_size for path in outlast.folder.iterdir() if path.name.startswith(("ticks", "count.")))


def goes_on(outlast):
    before = size(outlast)
    eventually(lambda: size(outlast) > before)


def stands_still(outlast):
    """Nothing more is written, though another process has had time to write much."""
    before = size(outlast)
    outlast("run", "-w", "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.02; done", status=0)
    assert before == size(outlast)


def events(outlast, job):
    return [event["event"] for event in outlast("events", str(job), "--json", "-n", "all").json["events"]]


def test_a_tree_with_forking_children_stands_still(outlast):
    (outlast.folder / "fork.py").write_text(FORKING)
    job = started(outlast, "--", "python3", "fork.py")
    eventually(lambda: outlast("logs", "--raw", str(job)).stdout.count(b"up") == 4)
    for _ in range(3):
        goes_on(outlast)
        assert f"job {job}: paused; it is running\n".encode() == outlast("pause", str(job), status=0).stdout
        eventually(lambda: all_stand(outlast, 4))
        stands_still(outlast)
        all_stand(outlast, 4)
        shown = outlast.show(job)
        assert (True, "running") == (shown["paused"], shown["status"])
        assert f"job {job}: goes on; it is running\n".encode() == outlast("resume", str(job), status=0).stdout
        assert not outlast.show(job)["paused"]
    goes_on(outlast)
    outlast("stop", str(job), status=0)
    assert {} == command_states(outlast)


def test_it_is_told(outlast):
    job = started(outlast, *TICKS)
    outlast("pause", str(job), status=0)
    assert f"`outlast resume {job}` lets it go on" in outlast("why", str(job), status=0).text
    assert "its clocks stand still" in outlast("why", str(job)).text
    outlast("pause", str(job), status=0)  # it is already
    outlast("resume", str(job), status=0)
    outlast("resume", str(job), status=0)
    assert ["paused", "signalled", "resumed", "signalled"] == [kind for kind in events(outlast, job) if kind not in
                                                              {"submitted", "claimed", "started"}]  # fmt: skip


def test_json_and_quiet(outlast):
    job = started(outlast, *TICKS)
    assert [(job, True)] == [(one["id"], one["paused"]) for one in outlast("pause", str(job), "--json", status=0).json["jobs"]]
    assert (0, b"", b"") == tuple(outlast("resume", "-q", str(job)))
    assert b"1\n" == outlast("pause", "--ids", "--no-wait", str(job), status=0).stdout


# Stop wins


@pytest.mark.parametrize(("verb", "outcome"), [("stop", "stopped"), ("interrupt", "interrupted"), ("kill", "stopped")])
def test_a_stop_wins(outlast, verb, outcome):
    job = started(outlast, *TICKS)
    outlast("pause", str(job), status=0)
    eventually(lambda: all_stand(outlast))
    outlast(verb, "--no-wait", str(job), status=0)
    outlast("wait", str(job))
    shown = outlast.show(job)
    assert (outcome, False) == (shown["outcome"], shown["paused"])
    assert "ended by SIGKILL" in shown["reason"] or verb != "kill"
    assert {} == command_states(outlast)


def test_its_trap_runs_when_it_is_stopped_while_paused(outlast):
    job = started(outlast, "--", "sh", "-c", "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    eventually(lambda: b"up" in outlast("logs", "--raw", str(job)).stdout)
    outlast("pause", str(job), status=0)
    outlast("stop", str(job), status=0)
    assert ("stopped", 5) == tuple(outlast.show(job)[key] for key in ("outcome", "exit_code"))
    assert b"bye" in outlast("logs", "--raw", str(job)).stdout


def test_a_pause_after_a_stop_does_not_keep_it(outlast):
    job = started(outlast, "--stop.grace", "500ms", "--", "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
    outlast("stop", "--no-wait", str(job), status=0)
    outlast("pause", "--no-wait", str(job))
    outlast("wait", str(job), "--timeout", "30s")
    assert "stopped" == outlast.show(job)["outcome"]


# Waits, queues, back-offs


def test_what_waits_does_not_start_while_it_is_paused(outlast):
    first = outlast.run("--hold", "--", "true")
    behind = outlast.run("--after", str(first), "--", "true")
    outlast("pause", str(behind), status=0)
    outlast("release", str(first), status=0)
    outlast("wait", str(first), status=0)
    eventually(lambda: outlast.show(behind)["waiting_for"] == [])  # it is met, and starts nothing
    assert ("pending", 0) == tuple(outlast.show(behind)[key] for key in ("status", "run"))
    outlast("resume", str(behind), status=0)
    outlast("wait", str(behind), status=0)


def test_a_queued_job_is_passed_over(outlast):
    outlast("group", "set", "g", "--slots", "1")
    running = started(outlast, "-g", "g", *TICKS)
    queued, other = (outlast.run("-g", "g", "--", "true") for _ in range(2))
    outlast("pause", str(queued), status=0)
    outlast("stop", str(running), status=0)
    outlast("wait", str(other), status=0)
    assert ("queued", 0) == tuple(outlast.show(queued)[key] for key in ("status", "run"))
    outlast("resume", str(queued), status=0)
    outlast("wait", str(queued), status=0)


def test_a_delay_is_as_much_longer_as_it_was_paused(outlast):
    jobs = [
        outlast.run("--delay", "2s", "--", "true"),
        outlast.run("--retries", "1", "--retries.delay", "2s", "--", "sh", "-c", "test $OUTLAST_RUN = 2"),
    ]
    eventually(lambda: outlast.show(jobs[1])["next_run_at"] is not None)
    due = [outlast.show(job)["next_run_at"] for job in jobs]
    outlast("pause", *map(str, jobs), status=0)
    eventually(lambda: max(due) < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1)))
    outlast("run", "-w", "--", "true", status=0)
    assert ["pending", "pending"] == [outlast.show(job)["status"] for job in jobs]
    outlast("resume", *map(str, jobs), status=0)
    assert all(outlast.show(job)["next_run_at"] > before for job, before in zip(jobs, due, strict=True))
    outlast("wait", *map(str, jobs), status=0)


def test_a_slot_is_kept_while_it_stands_still(outlast):
    outlast("group", "set", "g", "--slots", "1")
    running = started(outlast, "-g", "g", *TICKS)
    queued = outlast.run("-g", "g", "--", "true")
    outlast("pause", str(running), status=0)
    outlast("run", "-w", "--", "true", status=0)
    assert 0 == outlast.show(queued)["run"]


# Whoever dies


def test_the_supervisor_is_killed_while_it_is_paused(outlast):
    job = started(outlast, *TICKS)
    goes_on(outlast)
    outlast("pause", str(job), status=0)
    eventually(lambda: all_stand(outlast))
    old = outlast.supervisor_pid()
    kill(old, outlast.home)
    eventually(lambda: outlast.supervisor_pid() not in {None, old})
    stands_still(outlast)
    assert outlast.show(job)["paused"]
    outlast("resume", str(job), status=0)
    goes_on(outlast)


@pytest.mark.parametrize("point", ["pause.before-signal", "pause.after-signal"])
@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_the_supervisor_dies_in_between(outlast, point, verb):
    """What was recorded is done by the next one, whether the first one had done it or not."""
    count = 1 if verb == "pause" else 2
    environ = {"OUTLAST_FAILPOINTS": f"{point}@{count}=die"}
    job = int(outlast("run", *TICKS, env=environ, status=0).text)
    outlast("wait", str(job), "--status", "running", status=0)
    goes_on(outlast)
    first = outlast.supervisor_pid()
    outlast("pause", "--no-wait", str(job), status=0)
    if verb == "resume":
        eventually(lambda: all_stand(outlast))
        outlast("resume", "--no-wait", str(job), status=0)
    eventually(lambda: outlast.supervisor_pid() not in {None, first})
    if verb == "pause":
        eventually(lambda: all_stand(outlast))
        stands_still(outlast)
        outlast("resume", str(job), status=0)
    goes_on(outlast)
    outlast("stop", str(job), status=0)


# Refusals


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_what_is_not_there_or_over(past, verb):
    assert_refused(past(verb, "99"), 3, "99")
    assert_refused(past(verb, "1"), 4, "job 1 has ended", "outlast show 1")
    assert_refused(past(verb), 2, "--all")


def test_all_and_sets(outlast):
    jobs = [started(outlast, "-g", group, *TICKS) for group in ("a", "a", "b")]
    assert b"1\n2\n" == outlast("pause", "group:a", "--ids", status=0).stdout
    assert [True, True, False] == [outlast.show(job)["paused"] for job in jobs]
    outlast("pause", "--all", status=0)
    eventually(lambda: all_stand(outlast, 3))
    assert 3 == len(outlast("resume", "--all", status=0).stdout.splitlines())
    assert (0, b"") == outlast("resume", "-q", "--all")[:2]
    assert os.path.exists(outlast.folder / "ticks")
