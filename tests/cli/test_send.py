"""`outlast send`: a live standard input from outside."""

import os
import subprocess
import threading

import pytest

from cli.outside import assert_refused, on_terminal
from outlast import Jobs
from outlast.core.errors import Refused
from support import eventually, kill

ALL_BYTES = bytes(range(256)) * 1000
LIVE = ("run", "--stdin", "live")


def live(outlast, *command, options=()):
    return str(outlast.run("--stdin", "live", *options, "--", *(command or ("cat",))))


def raw(outlast, job):
    return outlast("logs", "--raw", job, status=0).stdout


def fifos(outlast):
    return sorted(path.name for path in (outlast.home / "runs").rglob("*.stdin*"))


def test_words_and_bytes_from_several_senders_and_the_end(outlast):
    job = live(outlast)
    assert b"10 bytes sent\n" == outlast("send", job, "hello", "you", status=0).stdout
    eventually(lambda: b"hello you\n" == raw(outlast, job))
    assert (0, b"256000 bytes sent\n", b"") == tuple(outlast("send", job, input=ALL_BYTES))
    outlast("send", job, "--no-newline", "--quiet", "--", "-x", status=0)
    assert ["1.1.stdin", "1.1.stdin.end"] == fifos(outlast)
    assert {"schema": 1, "sent": 0, "end": True} == outlast("send", job, "--end", "--json", input=b"", status=0).json
    outlast("wait", job, status=0)
    assert b"hello you\n" + ALL_BYTES + b"-x" == raw(outlast, job)
    assert [] == fifos(outlast)


def test_after_the_end_nobody_is_heard(outlast):
    gate = outlast.folder / "gate"
    os.mkfifo(gate)
    job = live(outlast, "sh", "-c", f"cat; read x < {gate}")
    with outlast.start("send", job, stdin=subprocess.PIPE) as first:
        first.stdin.write(b"one")
        first.stdin.flush()
        eventually(lambda: b"one" == raw(outlast, job))
        with outlast.start("send", "--end", job, "two") as second, outlast.start("send", "--end", job, "two") as third:
            eventually(lambda: waits_for_its_turn(second.pid) and waits_for_its_turn(third.pid))
            first.stdin.close()
            assert [0, 4] == sorted([second.wait(), third.wait()])  # who has waited finds it ended
    assert_refused(outlast("send", job, "late"), 4, f"job {job} reads no input any more")
    gate.write_bytes(b"\n")
    outlast("wait", job, status=0)
    assert b"onetwo\n" == raw(outlast, job)


def test_words_and_the_end_at_once(outlast):
    job = live(outlast)
    assert b"4 bytes sent, then the end of file\n" == outlast("send", "--end", job, "bye", status=0).stdout
    outlast("wait", job, status=0)
    assert b"bye\n" == raw(outlast, job)


def test_what_comes_is_sent_as_it_comes_and_nobody_comes_between(outlast):
    job = live(outlast)
    with outlast.start("send", job, stdin=subprocess.PIPE) as first:
        first.stdin.write(b"one ")
        first.stdin.flush()
        eventually(lambda: b"one " == raw(outlast, job))
        with outlast.start("send", job, "three") as second:
            eventually(lambda: waits_for_its_turn(second.pid))
            first.stdin.write(b"two ")
            first.stdin.close()
            assert 0 == first.wait()
            assert 0 == second.wait()
    outlast("send", job, "--end", input=b"", status=0)
    outlast("wait", job, status=0)
    assert b"one two three\n" == raw(outlast, job)


def waits_for_its_turn(pid):
    with open("/proc/locks") as locks:
        return any("->" in line and f" {pid} " in line for line in locks)


def test_it_outlives_the_supervisor(outlast):
    job = live(outlast)
    outlast("send", job, "one", status=0)
    first = outlast.supervisor_pid()
    kill(first, outlast.home)
    outlast("send", job, "two", status=0)
    eventually(lambda: outlast.supervisor_pid() not in {None, first})
    outlast("send", job, "three", "--end", status=0)
    outlast("wait", job, status=0)
    assert b"one\ntwo\nthree\n" == raw(outlast, job)


def test_every_run_has_its_own(outlast):
    script = "read word; echo $OUTLAST_RUN $word; test $word = right"
    job = live(outlast, "sh", "-c", script, options=("--retries", "2"))
    outlast("send", job, "wrong", status=0)
    outlast("wait", job, "--status", "running", status=0)
    eventually(lambda: 2 == outlast.show(job)["run"])
    outlast("send", job, "right", status=0)
    outlast("wait", job, status=0)
    assert b"2 right\n" in outlast("logs", "--raw", "--run", "all", job).stdout
    assert 2 == outlast.show(job)["run"]


def test_a_job_that_is_about_to_start_is_waited_for(outlast):
    job = live(outlast, options=("-g", "g"))
    outlast("group", "set", "g", "--slots", "1", status=0)
    later = live(outlast, options=("-g", "g"))
    with outlast.start("send", later, "--end", "x") as sender:
        outlast("send", job, "--end", input=b"", status=0)
        assert 0 == sender.wait()
    outlast("wait", later, status=0)
    assert b"x\n" == raw(outlast, later)


def test_one_that_stays_queued_is_refused(outlast):
    outlast("group", "set", "g", "--slots", "1", status=0)
    live(outlast, options=("-g", "g"))
    assert_refused(outlast("send", live(outlast, options=("-g", "g")), "x"), 4, "queued", "outlast wait 2 --status running")


def test_a_command_that_reads_no_more(outlast):
    gate = outlast.folder / "gate"
    os.mkfifo(gate)
    job = live(outlast, "sh", "-c", f"read x; exec </dev/null; echo shut; read x < {gate}")
    outlast("send", job, "x", status=0)
    eventually(lambda: b"shut\n" == raw(outlast, job))
    assert_refused(outlast("send", job, "y"), 4, f"job {job} reads no input any more")
    gate.write_bytes(b"\n")
    outlast("wait", job, status=0)


def test_a_command_that_ends_while_much_is_sent(outlast):
    job = live(outlast, "head", "-c", "100000")
    told = outlast("send", job, input=ALL_BYTES * 4)
    assert_refused(told, 4, f"job {job} reads no input any more", "bytes were sent before")
    outlast("wait", job, status=0)
    assert ALL_BYTES[:100000] == raw(outlast, job)


def test_a_sender_that_has_nothing_more_to_say_leaves_with_the_job(outlast):
    job = live(outlast, "sh", "-c", "read x; echo $x")
    with outlast.start("send", job, stdin=subprocess.PIPE) as sender:
        sender.stdin.write(b"quit\n")
        sender.stdin.flush()
        assert (0, b"5 bytes sent\n") == (sender.wait(), sender.stdout.read())
    assert b"quit\n" == raw(outlast, job)


def test_on_a_terminal_it_says_what_it_waits_for(outlast):
    job = live(outlast)
    status, shown = on_terminal(outlast, "send", job, typed=b"typed\n\x04")
    assert (0, True) == (status, b"Ctrl-D" in shown), shown
    eventually(lambda: b"typed\n" == raw(outlast, job))


def test_in_front(outlast):
    with outlast.start("run", "-w", "--stdin", "live", "--", "cat") as front:
        outlast("send", "1", "--end", "x", status=0) if eventually(lambda: outlast("show", "1").status == 0) else None
        assert (0, b"x\n") == (front.wait(), front.stdout.read())


def test_a_file_called_live(outlast):
    (outlast.folder / "live").write_bytes(b"a file")
    job = str(outlast.run("--stdin", "./live", "--", "cat"))
    outlast("wait", job, status=0)
    assert b"a file" == raw(outlast, job)
    assert_refused(outlast("send", job, "x"), 4, "--stdin live")


def test_refusals(outlast):
    assert_refused(outlast("send", "1", "x"), 3, "1")
    plain = str(outlast.run("--name", "n", "--", "sleep", "1000"))
    assert_refused(outlast("send", plain, "x"), 4, "--stdin live")
    assert_refused(outlast("send", "99", "x"), 3, "99")
    assert_refused(outlast("send", "nobody", "x"), 3, "nobody")
    assert_refused(outlast("send"), 2)
    assert_refused(outlast("send", plain, "x", "--nope"), 2, "--nope")
    outlast.run("--name", "n", "--", "sleep", "1000")
    told = outlast("send", "n", "x")
    assert (4, True) == (told.status, b"2 jobs" in told.stderr)
    ended = live(outlast, "true")
    outlast("wait", ended, status=0)
    assert_refused(outlast("send", ended, "x"), 4, "has ended")


def test_what_is_no_fifo_is_not_written_to(outlast):
    job = live(outlast)
    outlast("send", job, "x", status=0)
    place = outlast.home / "runs" / "00" / f"{job}.1.stdin"
    place.rename(place.with_suffix(".kept"))
    place.write_bytes(b"")
    assert_refused(outlast("send", job, "y"), 5, "no FIFO")
    place.unlink()
    place.symlink_to(place.with_suffix(".kept"))
    assert 5 == outlast("send", job, "y").status
    place.unlink()
    place.with_suffix(".kept").rename(place)
    outlast("send", job, "--end", "z", status=0)
    outlast("wait", job, status=0)
    assert b"x\nz\n" == raw(outlast, job)


def test_a_fifo_that_cannot_be_made_is_the_runs_ending(outlast):
    (outlast.home / "runs" / "00" / "1.1.stdin").mkdir(parents=True)
    outlast.home.chmod(0o700)
    job = live(outlast, "true")
    assert 1 == outlast("wait", job).status
    found = outlast.show(job)
    assert "not_started" == found["outcome"]
    assert "standard input" in found["reason"]


def test_from_python(outlast, monkeypatch):
    monkeypatch.setenv("PATH", outlast.environ()["PATH"])
    with Jobs(str(outlast.home)) as jobs:
        job = jobs.run(["cat"], stdin="live")
        assert 3 == jobs.send(job, b"one")
        assert 6 == jobs.send(job, iter([b" two", b"", b" 3"]))
        reader, writer = os.pipe()
        os.write(writer, b" four")
        os.close(writer)
        counts = []
        thread = threading.Thread(target=lambda: counts.append(jobs.send(job.id, reader, end=True)))
        thread.start()
        thread.join()
        os.close(reader)
        assert [5] == counts
        with pytest.raises(Refused):
            jobs.send(job, b"late")
        assert "succeeded" == jobs.wait(job, timeout=60)[0].outcome
        assert "one two 3 four" == jobs.logs(job).stdout
