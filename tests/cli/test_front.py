"""`outlast run --wait`: a wrapper that nobody notices. Streams, exit statuses, signals, and what may happen to each of the three."""

import hashlib
import os
import re
import signal
import subprocess
import sys

import pytest

from cli.outside import POLITE_WITH_DEAF_CHILD, assert_refused, count, has_result, none_called, on_terminal, sh
from support import COMMAND, eventually, kill

FIFTY_MB = """
import hashlib, os, random
random.seed(7)
sums = [hashlib.sha256(), hashlib.sha256()]
for i in range(400):
    for fd, size in ((1, 100_001), (2, 25_003)):
        part = random.randbytes(size)
        sums[fd - 1].update(part)
        while part:
            part = part[os.write(fd, part):]
with open("sums", "w") as file:
    file.write(" ".join(one.hexdigest() for one in sums))
"""


def front(outlast, *words, **options):
    return outlast("run", "--wait", *words, **options)


def test_streams_pass_through_apart(outlast):
    told = front(outlast, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (7, b"out\n", b"err\n") == tuple(told)
    assert (0, b"x\n", b"") == tuple(outlast("exec", "--", "echo", "x"))
    assert b"out\nerr\n" == b"".join(outlast("logs", "--raw", "--streams", s, "1").stdout for s in ("stdout", "stderr"))


def test_stdin_is_the_callers(outlast):
    assert b"a\nb\nc\n" == front(outlast, "--", "sort", input=b"c\nb\na\n", status=0).stdout
    (outlast.folder / "f").write_bytes(b"2\n1\n")
    assert b"1\n2\n" == sh("cat f | outlast run -w -- sort", outlast).stdout
    assert b"1\n2\n" == sh("outlast run -w -- sort < f", outlast).stdout


@pytest.mark.parametrize("cap", [["--log.file.max-bytes", "64KiB", "--log.run.max-files", "2"], ["--no-log.stdout", "--no-log.stderr"]])
def test_fifty_megabytes_whatever_the_log_keeps(outlast, cap):
    (outlast.folder / "write.py").write_text(FIFTY_MB)
    with outlast.start("run", "-w", *cap, "--", sys.executable, "write.py", stderr=subprocess.PIPE) as process:
        sums = [hashlib.sha256(), hashlib.sha256()]
        other = os.dup(process.stderr.fileno())
        pid = os.fork()
        if not pid:  # the one reads stdout, the other stderr
            while part := os.read(other, 1 << 16):
                sums[1].update(part)
            (outlast.folder / "second").write_text(sums[1].hexdigest())
            os._exit(0)
        while part := os.read(process.stdout.fileno(), 1 << 16):
            sums[0].update(part)
        os.waitpid(pid, 0)
        os.close(other)
        assert 0 == process.wait(60)
    assert f"{sums[0].hexdigest()} {(outlast.folder / 'second').read_text()}" == (outlast.folder / "sums").read_text()
    told = outlast.show(1)["runs"][0]
    assert (40_000_400, 10_001_200) == (told["stdout"], told["stderr"])


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 3"], 3),
        (["sh", "-c", "exit 255"], 255),
        (["sh", "-c", "exit 125"], 125),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["sh", "-c", "kill -SEGV $$"], 139),
        (["no-such-command-anywhere"], 127),
        (["./missing"], 127),
        (["./not-executable"], 126),
        (["./a-directory"], 126),
    ],
)
def test_the_status_is_the_commands(outlast, command, status):
    (outlast.folder / "not-executable").write_text("echo no\n")
    (outlast.folder / "a-directory").mkdir()
    told = front(outlast, "--", *command)
    assert (status, b"") == (told.status, told.stdout)
    if status in {126, 127}:
        assert re.fullmatch(rf"outlast: job 1 not started: [^\n]*{command[0]}[^\n]*\n", told.stderr.decode()), told
    else:
        assert b"" == told.stderr


def test_codes_that_mean_something_else(outlast):
    assert 0 == front(outlast, "--retries.success-codes", "0,3", "--", "sh", "-c", "exit 3").status
    assert 1 == front(outlast, "--retries.success-codes", "3", "--", "true").status
    assert 3 == front(outlast, "--retries.failure-codes", "1", "--", "sh", "-c", "exit 3").status


def test_retries_in_front(outlast):
    told = front(outlast, "--retries", "2", "--", "sh", "-c", "echo run $OUTLAST_RUN; test $OUTLAST_RUN = 2", status=0)
    assert b"run 1\nrun 2\n" == told.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["run", "-w"], ["run", "-w", "--nonsense", "--", "true"], ["run", "-w", "--retries", "x", "--", "true"], ["exec"],
        ["run", "-w", ""], ["run", "-w", "--cwd", "no-such-place", "--", "true"], ["exec", "--from", "x"], ["rerun", "-w", "1"],
    ],
)  # fmt: skip
def test_wrong_use_is_125(outlast, words):
    assert_refused(outlast(*words), 125)
    assert 0 == count(outlast)


def test_refused_is_125(outlast):
    outlast.run("--key", "K", "--", "sleep", "1000")
    assert_refused(front(outlast, "--key", "K", "--", "true"), 125, "K")


def test_skipped_is_quiet_for_cron(outlast):
    outlast.run("--name", "N", "--", "sleep", "1000")
    told = front(outlast, "--name", "N", "--overlap", "skip", "--", "echo", "no")
    assert (0, b"") == (told.status, told.stdout)
    assert re.fullmatch(rb"outlast: job 2 skipped: [^\n]+\n", told.stderr)
    told = front(outlast, "--fail-if-not-run", "--name", "N", "--overlap", "skip", "--", "echo", "no")
    assert (75, b"") == (told.status, told.stdout)
    assert (0, b"", b"") == tuple(front(outlast, "-q", "--name", "N", "--overlap", "skip", "--", "echo", "no"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_interrupts_the_job(outlast, number, status):
    line = "trap 'echo got INT; exit 0' INT; trap 'echo got TERM; exit 0' TERM; echo up; while :; do sleep 0.1; done"
    with outlast.start("run", "-w", "--", "sh", "-c", line) as process:
        assert b"up\n" == process.stdout.readline()
        process.send_signal(number)
        rest, told = process.communicate(timeout=60)
        assert status == process.returncode
    assert f"got {number.name[3:]}\n".encode() in rest
    assert b"outlast" not in told
    job = outlast.show(1)
    assert "interrupted" == job["outcome"]
    assert "interrupt" == outlast("events", "1", "--json").json["events"][-2]["data"].get("verb", "interrupt")


def test_a_second_signal_kills(outlast):
    with outlast.start("run", "-w", "--stop.grace", "10m", "--", "sh", "-c", "trap '' INT TERM; echo up; while :; do sleep 0.1; done") as p:
        assert b"up\n" == p.stdout.readline()
        p.send_signal(signal.SIGINT)
        eventually(lambda: outlast.show(1)["stop_requested"] is not None)
        p.send_signal(signal.SIGINT)
        assert 130 == p.wait(60)
    job = outlast.show(1)
    assert ("interrupted", "interrupted, ended by SIGKILL", 9) == tuple(job[key] for key in ("outcome", "reason", "signal"))


def test_at_a_third_signal_the_client_leaves(outlast):
    def left():
        process.send_signal(signal.SIGTERM)
        assert process.poll() is not None

    with outlast.start("run", "-w", "--", "sh", "-c", "echo up; exec sleep 1000", stderr=subprocess.PIPE) as process:
        assert b"up\n" == process.stdout.readline()
        supervisor = outlast.supervisor_pid()
        os.kill(supervisor, signal.SIGSTOP)  # nobody serves what is wished
        try:
            eventually(left)
            assert 128 + signal.SIGTERM == process.wait(60)
            assert b"outlast: left job 1, whose end is asked for\n" == process.stderr.readline()
        finally:
            os.kill(supervisor, signal.SIGCONT)
    assert 0 != outlast("wait", "1").status
    assert "interrupted" == outlast.show(1)["outcome"]


def test_two_signals_before_it_starts(outlast):
    outlast("group", "set", "g", "--slots", "1", status=0)
    outlast.run("-g", "g", "--", "sleep", "1000")
    env = {"OUTLAST_FAILPOINTS": "front.handed-over=block", "OUTLAST_FAILPOINTS_DIR": str(outlast.folder)}
    with outlast.start("run", "-w", "-g", "g", "--", "echo", "on", env=env) as process:
        eventually((outlast.folder / "front.handed-over.reached").exists)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        (outlast.folder / "front.handed-over").touch()  # both are there before it looks once
        assert b"" == process.communicate(timeout=60)[0]
    assert ("interrupted", []) == tuple(outlast.show(2)[key] for key in ("outcome", "runs"))


def test_it_stays_until_the_whole_tree_is_gone(outlast):
    with outlast.start("run", "-w", "--stop.grace", "10m", *POLITE_WITH_DEAF_CHILD) as process:
        assert b"up\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        eventually(lambda: has_result(outlast, 1))
        assert "running" == outlast.show(1)["status"]
        process.send_signal(signal.SIGINT)
        assert 130 == process.wait(60)
        assert none_called(outlast, "sleep")
    assert "interrupted, exit code 42" == outlast.show(1)["reason"]


def test_control_c_on_a_terminal(outlast):
    status, seen = on_terminal(outlast, "run", "-w", "--", "sh", "-c", "echo up; exec sleep 1000",
                               watch=lambda seen, pid: b"\x03" if b"up" in seen else b"")  # fmt: skip
    assert 130 == status, seen
    assert "interrupted" == outlast.show(1)["outcome"]


def test_keys_reach_the_command(outlast):
    status, seen = on_terminal(outlast, "run", "-w", "--", "sh", "-c", "test -t 0 && stty size; echo ready; read x; echo got $x",
                               watch=lambda seen, pid: b"keys\r" if b"ready" in seen else b"")  # fmt: skip
    assert (0, b"25 80\r\nready\r\nkeys\r\ngot keys\r\n") == (status, seen)


def test_the_job_outlives_its_client(outlast):
    os.mkfifo(outlast.folder / "go")
    with outlast.start("run", "-w", "--", "sh", "-c", "echo before; read x < go; echo after; exit 5") as process:
        assert b"before\n" == process.stdout.readline()
        process.kill()
        process.wait()
    assert "running" == outlast.show(1)["status"]
    (outlast.folder / "go").write_text("x\n")
    assert 1 == outlast("wait", "1").status
    assert (5, "failed") == tuple(outlast.show(1)[key] for key in ("exit_code", "outcome"))
    assert b"before\nafter\n" == outlast("logs", "--raw", "1").stdout


def test_a_reader_that_leaves_harms_nobody(outlast):
    told = sh("set -o pipefail; outlast run -w -- sh -c 'seq 200000; echo end >&2; exit 3' | head -1; echo ${PIPESTATUS[0]}", outlast)
    assert b"1\n3\n" == told.stdout
    assert b"end\n" == told.stderr
    assert b"".join(b"%d\n" % i for i in range(1, 200001)) == outlast("logs", "--raw", "--streams", "stdout", "1").stdout
    assert 3 == outlast.show(1)["exit_code"]


def test_a_supervisor_that_is_killed(outlast):
    os.mkfifo(outlast.folder / "go")
    with outlast.start("run", "-w", "--", "sh", "-c", "echo before; read x < go; seq 50000; echo err >&2; exit 6") as process:
        assert b"before\n" == process.stdout.readline()
        kill(outlast.supervisor_pid(), outlast.home)
        eventually(lambda: outlast.supervisor_pid() is not None)
        (outlast.folder / "go").write_text("x\n")
        rest, told = process.communicate(timeout=60)
    assert 6 == process.returncode
    assert b"".join(b"%d\n" % i for i in range(1, 50001)) == rest
    assert b"err\n" == told


def test_a_supervisor_that_is_killed_between_two_runs(outlast):
    os.mkfifo(outlast.folder / "go")
    line = "echo $OUTLAST_RUN; test $OUTLAST_RUN = 2 && exit 0; read x < go; exit 1"
    with outlast.start("run", "-w", "--retries", "1", "--", "sh", "-c", line) as process:
        assert b"1\n" == process.stdout.readline()
        kill(outlast.supervisor_pid(), outlast.home)
        (outlast.folder / "go").write_text("x\n")
        rest, told = process.communicate(timeout=60)
    assert (0, b"2\n", b"") == (process.returncode, rest, told)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(outlast, closed):
    told = sh(f"outlast run -w -- sh -c 'read x; echo out; echo err >&2; exit 4' {closed}", outlast)
    assert 4 == told.status, told
    assert (b"" if ">&-" in closed.replace("2>&-", "") else b"out\n") == told.stdout
    assert (b"" if "2>&-" in closed else b"err\n") == told.stderr
    outlast("wait", "1")
    assert b"out\n" == outlast("logs", "--raw", "--streams", "stdout", "1").stdout


def test_nested_in_a_group_of_one_slot(outlast):
    """The outer job waits for the inner one, which borrows its slot: nobody waits for ever."""
    outlast("group", "set", "g", "--slots", "1", status=0)
    inner = f"{COMMAND} run -w -g g -- sh -c 'echo inner $OUTLAST_JOB; exit 3'; echo then $?"
    told = front(outlast, "-g", "g", "--", "sh", "-c", f"echo outer; {inner}", status=0)
    assert b"outer\ninner 2\nthen 3\n" == told.stdout


def test_waiting_for_a_slot_is_told(outlast):
    outlast("group", "set", "g", "--slots", "1", status=0)
    outlast.run("-g", "g", "--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    with outlast.start("run", "-w", "-g", "g", "--", "echo", "on") as process:
        assert re.fullmatch(rb"outlast: job 2 is queued: [^\n]*`g`[^\n]*\n", process.stderr.readline())
        outlast("stop", "1", status=0)
        assert (b"on\n", b"") == process.communicate(timeout=60)
    assert 0 == process.returncode


def test_interrupted_before_it_starts(outlast):
    outlast("group", "set", "g", "--slots", "1", status=0)
    outlast.run("-g", "g", "--", "sleep", "1000")
    with outlast.start("run", "-w", "-g", "g", "--", "echo", "on") as process:
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert b"" == process.communicate(timeout=60)[0]
    assert 130 == process.returncode
    assert ("interrupted", []) == tuple(outlast.show(2)[key] for key in ("outcome", "runs"))


def test_stopped_by_somebody_else(outlast):
    with outlast.start("run", "-w", "--", "sh", "-c", "echo up; exec sleep 1000") as process:
        process.stdout.readline()
        outlast("stop", "1", status=0)
        assert 143 == process.wait(60)
    with outlast.start("run", "-w", "--", "sh", "-c", "echo up; exec sleep 1000") as process:
        process.stdout.readline()
        outlast("kill", "2", status=0)
        assert 137 == process.wait(60)


@pytest.mark.parametrize(("command", "status"), [("head -c 5000000 /dev/zero", 125), ("echo hi", 125), ("echo hi; exit 3", 3)])
def test_a_full_disk_behind_stdout_is_told(outlast, command, status):
    told = sh(f"outlast exec -- sh -c '{command}' > /dev/full", outlast)
    assert (status, b"outlast: stdout: No space left on device: the whole output is in `outlast logs 1`\n") == (told.status, told.stderr)
    assert outlast.show(1)["outcome"] == ("failed" if status == 3 else "succeeded")
    assert b"stdout could not be passed on" in outlast("events", "1").stdout
    assert "head" not in command or 5_000_000 == len(outlast("logs", "--raw", "1").stdout)


def test_a_full_disk_behind_both_and_no_log(outlast):
    assert 125 == sh("outlast exec --no-log.stdout -- echo hi > /dev/full 2>&1", outlast).status
    said = sh("outlast exec --no-log.stdout -- echo hi > /dev/full", outlast).stderr
    assert b"outlast: stdout: No space left on device: the log does not keep it either\n" == said


def test_in_a_crontab_line(outlast):
    """No terminal, an almost empty environment, stdin at its end: nothing is said when all is well."""
    home = {"OUTLAST_HOME": None, "HOME": str(outlast.folder), "LANG": None, "PATH": "/usr/bin:/bin"}
    told = outlast("run", "-w", "--unique", "--name", "nightly", "--", "true", env=home)
    assert (0, b"", b"") == tuple(told)
    outlast("supervisor", "stop", env=home)
