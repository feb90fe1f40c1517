"""The shim killed at every failpoint, and what its files then mean; and every failpoint as a mere delay."""

import fcntl
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from support import CHECKOUT, eventually

TEXT = (CHECKOUT / "docs" / "shim-protocol.md").read_text()
POINTS = re.findall(r"`([a-z-]+)`", TEXT.partition("\nNames: ")[2].partition("\n\n")[0])


def die(shim, point, script="touch {note}; echo text", options=(), **kwargs):
    note = shim.folder / "note"
    job = shim.start("sh", "-c", script.format(note=note), options=[f"failpoint={point}:die", *options], **kwargs)
    assert -signal.SIGKILL == job.wait_status()
    eventually(lambda: not job.locked, 60)  # a child holds it until its exec
    assert job.result is None or point == "after-result"
    return job, note


def test_the_document_names_them():
    assert 15 == len(POINTS)
    assert "during-rotate" in POINTS


@pytest.mark.parametrize("point", POINTS)
def test_a_delay_changes_nothing(shim, point):
    script = "seq 1 3000; echo err >&2; seq 1 3000; exit 3"
    options = [f"failpoint={point}:delay=5", "max-bytes=40000", "max-files=4"]
    job = shim.run("sh", "-c", script, options=options)
    assert 3 << 8 == job.result["status"]
    kept = sum(len(record.raw) for record in job.records)
    assert job.result["stdout"] + job.result["stderr"] == kept + job.result["missing"]


def test_before_spawn_the_command_never_ran(shim):
    job, note = die(shim, "before-spawn")
    assert job.started is None
    assert not note.exists()


@pytest.mark.parametrize("point", ["before-started", "after-started"])
def test_the_child_goes_on_without_the_shim_and_has_its_started(shim, point):
    job, note = die(shim, point)
    eventually(note.exists, 60)
    assert job.started["shim"] == job.pid
    assert job.result is None


def test_the_child_holds_the_lock_until_its_exec(shim):
    """Between the death of the shim and `started` a prober must not think that the command never ran."""
    note = shim.folder / "note"
    job = shim.start("touch", note, options=["failpoint=before-started:die", "failpoint=after-started:delay=3000"])
    job.wait_status()
    job.wait_started()
    assert not note.exists()
    assert job.locked
    eventually(note.exists, 60)
    eventually(lambda: not job.locked, 60)


def test_after_spawn_started_is_there(shim):
    job, _ = die(shim, "after-spawn")
    eventually(lambda: job.started or False, 60)


def test_before_output_nothing_is_in_the_log(shim):
    job, note = die(shim, "before-output")
    assert note.exists()
    assert job.started
    assert [] == job.files


def test_after_output_the_chunk_is_in_the_log(shim):
    job, _ = die(shim, "after-output")
    assert b"text\n" == job.raw()


ROTATING = "echo 1; read x < {gate}1; echo 2; read x < {gate}2; echo 3; read x < {gate}3; echo 4"


def rotate(shim, point, options):
    """Four files of one record; the gates make each `echo` a chunk of its own. Returns the job, killed at `point`."""
    gate = shim.folder / "gate"
    for number in (1, 2, 3):
        os.mkfifo(f"{gate}{number}")
    job = shim.start("sh", "-c", ROTATING.format(gate=gate), options=["max-bytes=45", f"failpoint={point}:die", *options])
    for number in (1, 2, 3):
        eventually(lambda number=number: job.over or b"%d\n" % number in job.raw(), 60)
        if job.over:
            break
        Path(f"{gate}{number}").write_bytes(b"")
    assert -signal.SIGKILL == job.wait_status()
    assert job.result is None
    return job


def names(job):
    return [path.name.removeprefix("1.1.log") for path in job.files]


def test_before_rotate_all_is_where_it_was(shim):
    job = rotate(shim, "before-rotate", [])
    assert ([""], b"1\n") == (names(job), job.raw())


def test_during_rotate_there_is_a_hole_and_the_order_holds(shim):
    job = rotate(shim, "during-rotate", [])
    assert ([".2", ""], b"1\n2\n") == (names(job), job.raw())


def test_after_rotate_the_new_file_is_not_there_yet(shim):
    job = rotate(shim, "after-rotate", [])
    assert ([".1"], b"1\n") == (names(job), job.raw())


def test_before_gap_a_file_that_is_to_go_is_still_there(shim):
    job = rotate(shim, "before-gap", ["max-files=2"])
    assert ([".1", ""], b"1\n2\n", []) == (names(job), job.raw(), job.gaps)


def test_after_gap_the_loss_is_told_before_the_file_goes(shim):
    job = rotate(shim, "after-gap", ["max-files=2"])
    (gap,) = job.gaps
    assert ("rotated", 2, 42, 42) == (gap["reason"], gap["bytes"], gap["log"], gap["offset"])
    assert b"1\n2\n" == job.raw()


def test_before_result_the_run_has_started_and_no_result(shim):
    job, _ = die(shim, "before-result")
    assert job.started
    assert job.result is None
    assert b"text\n" == job.raw()


def test_after_result_the_run_is_over(shim):
    job, _ = die(shim, "after-result", script="echo text; exit 4")
    assert 4 << 8 == job.result["status"]


@pytest.mark.parametrize("point", ["before-start-supervisor", "after-start-supervisor"])
def test_killed_while_it_starts_a_supervisor_the_lock_is_with_the_supervisor_or_free(shim, point):
    home, note = shim.home, shim.home / "note"
    program = (
        f"import os, signal; open({str(note)!r}, 'w').close(); os.open({str(home / 'lifeline')!r}, os.O_WRONLY)\nwhile 1: signal.pause()"
    )
    words = [os.path.realpath(sys.executable), "-I", "-S", "-c", program]
    (home / "start").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in words))
    os.mkfifo(home / "lifeline")
    reader = os.open(home / "lifeline", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    writer = os.open(home / "lifeline", os.O_WRONLY)
    doomed = shim.start("sleep", "1000", options=[f"home={home}", f"failpoint={point}:die"], lifeline=reader)
    doomed.wait_started()
    os.close(writer)
    assert -signal.SIGKILL == doomed.wait_status()
    assert doomed.started
    assert doomed.result is None
    if point == "before-start-supervisor":
        assert not note.exists()
        lock = os.open(home / "supervisor.lock", os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(lock)
        guard = shim.start(options=[f"home={home}"], lifeline=reader, verb="guard")  # and the next one does it
        assert 0 == guard.wait_status()
    eventually(note.exists, 60)
    os.close(reader)
