"""How a command ended, and what is told of it."""

import errno
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from support import eventually

KEYS = "v run at status error stage utime stime max_rss stdout stderr log missing leftovers drained unrestored passed".split()


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 128, 137, 255])
def test_exit_codes(shim, code):
    result = shim.run("sh", "-c", f"exit {code}").result
    assert KEYS == list(result)
    assert (1, code << 8, 0, "") == tuple(result[key] for key in ("v", "status", "error", "stage"))
    assert (0, 0, 0, 0, 0, True, [], [0, 0]) == tuple(result[key] for key in KEYS[9:])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGHUP, signal.SIGRTMAX], ids=str)
def test_signals(shim, number):
    assert number == shim.run("sh", "-c", f"kill -{int(number)} $$").result["status"]


def test_a_core_dump_is_in_the_raw_status(shim):
    job = shim.run("sh", "-c", "kill -SEGV $$", options=[f"rlimit={int(resource.RLIMIT_CORE)}:0:0"])
    assert signal.SIGSEGV == job.result["status"] & 0x7F


def test_usage_is_that_of_the_command(shim):
    work = "import os, time\nkept = bytearray(60_000_000)\nwhile time.process_time() < 0.2: os.stat('/')"
    result = shim.run(sys.executable, "-I", "-S", "-c", work).result
    assert result["utime"] + result["stime"] >= 200_000
    assert 60_000_000 <= result["max_rss"] <= 200_000_000
    assert result["stime"] > 0


def test_the_end_is_after_the_start(shim):
    job = shim.run("true")
    assert job.started["at"] <= job.result["at"]


@pytest.mark.parametrize("number", sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP}), ids=str)
def test_the_shim_survives(shim, number):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}; echo over")
    job.wait_started()
    os.kill(job.pid, number)
    gate.write_bytes(b"")
    assert 0 == job.wait().result["status"]
    assert b"over\n" == job.raw()


def test_the_shim_blocks_signals_by_itself(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}; exit 0", block=False)
    job.wait_started()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE):
        os.kill(job.pid, number)
    gate.write_bytes(b"")
    assert 0 == job.wait().result["status"]


def test_the_shim_leads_its_own_session(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}")
    started = job.wait_started()
    assert job.pid == os.getsid(job.pid) != os.getsid(started["pid"])
    gate.write_bytes(b"")
    job.wait()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_what_the_command_leaves_becomes_a_child_of_the_shim_and_is_reaped(shim):
    gate, note = shim.fifo("gate"), shim.folder / "note"
    script = f"(setsid sh -c 'echo $$ > {note}.new; mv {note}.new {note}; read x < {gate}' </dev/null >/dev/null 2>&1 &) ; read x < {gate}2"
    os.mkfifo(f"{gate}2")
    job = shim.start("sh", "-c", script)
    pid = eventually(lambda: int(note.read_text()), 60)
    eventually(lambda: job.pid == parent_of(pid), 60)
    gate.write_bytes(b"")
    eventually(lambda: not Path(f"/proc/{pid}").exists(), 60)  # not even a zombie
    assert job.result is None
    Path(f"{gate}2").write_bytes(b"")
    assert 0 == job.wait().result["leftovers"]


def test_leftovers_are_counted_by_their_mark(shim):
    # the shells in brackets are gone at once; what they leave is sleep, three times with the mark, once without, and one zombie
    script = "exec >/dev/null 2>&1; for x in 1 2; do (sleep 1000 &); done; setsid sleep 1001 & env -u OUTLAST_MARK sleep 1.5 &"
    script += " until [ $(pgrep -c -s 0 -x sleep) -ge 3 ]; do :; done"
    job = shim.run("sh", "-c", script)
    eventually(lambda: 3 == len([pid for pid in shim.mine() if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()]), 60)
    assert 3 == job.result["leftovers"]
    assert job.result["drained"]


def test_marks_that_only_begin_alike_are_not_ours(shim):
    gate = shim.fifo("gate")
    other = shim.start("sh", "-c", f"read x < {gate}", env={"OUTLAST_MARK": f"{shim.folder}/10"})
    other.wait_started()
    job = shim.run(
        "sh",
        "-c",
        "sleep 1000 >/dev/null 2>&1 & until [ $(pgrep -c -s 0 -x sleep) -ge 1 ]; do :; done",
        env={"OUTLAST_MARK": f"{shim.folder}/1"},
    )
    assert 1 == job.result["leftovers"]
    gate.write_bytes(b"")
    other.wait()


def test_a_long_environment_is_searched_to_its_end(shim):
    padding = {f"P{number:02}": "x" * 1000 for number in range(99)}
    names = ["A_FIRST", *padding]
    for order in (names, names[::-1]):
        environment = {**{name: padding.get(name, "1") for name in order}, "OUTLAST_MARK": f"{shim.folder}/x", "PATH": os.environ["PATH"]}
        for count in (0, 30):  # the mark at different distances from the pieces' ends
            script = "sleep 1000 >/dev/null 2>&1 & until [ $(pgrep -c -s 0 -x sleep) -ge 1 ]; do :; done; kill -9 $$"
            job = shim.run("sh", "-c", script, env={**environment, "Z": "z" * count})
            assert job.result["leftovers"] >= 1


def test_background_children_are_read_for_the_grace(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"(read x < {gate}; echo late) & echo early", options=["grace=600000"])
    eventually(lambda: b"early\n" == job.raw(), 60)
    eventually(lambda: not Path(f"/proc/{job.started['pid']}").exists(), 60)
    assert job.result is None
    gate.write_bytes(b"")
    result = job.wait().result
    assert b"early\nlate\n" == job.raw()
    assert (True, 0, 11) == (result["drained"], result["leftovers"], result["stdout"])


def test_after_the_grace_background_children_get_epipe(shim):
    gate, note = shim.fifo("gate"), shim.folder / "note"
    script = f"(trap '' PIPE; read x < {gate}; echo late || touch {note}) & echo early"
    job = shim.run("sh", "-c", script, options=["grace=50"])
    result = job.result
    assert (False, 1, 6, 0) == (result["drained"], result["leftovers"], result["stdout"], result["status"])
    gate.write_bytes(b"")
    eventually(note.exists, 60)
    assert b"early\n" == job.raw()


def test_a_child_that_never_stops_writing_does_not_hold_the_end(shim):
    job = shim.run("sh", "-c", "yes & exit 3", options=["grace=100", "streams=none"])
    assert (3 << 8, False) == (job.result["status"], job.result["drained"])
    assert job.result["leftovers"] <= 1  # its EPIPE may come before or after it is counted


def test_no_grace_loses_nothing_that_was_written(shim):
    for _ in range(10):
        job = shim.run("sh", "-c", "head -c 60000 /dev/zero; sleep 1000 >&2 & exit 0", options=["grace=0"])
        assert b"\0" * 60000 == job.raw()
        assert not job.result["drained"]
        job = shim.run("head", "-c", "60000", "/dev/zero", options=["grace=0"])
        assert (60000, True) == (job.result["stdout"], job.result["drained"])


def test_the_end_of_file_may_come_before_the_end_of_the_command(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"echo out; exec >/dev/null 2>&1; read x < {gate}; exit 4")
    eventually(lambda: b"out\n" == job.raw(), 60)
    assert job.result is None
    ticks = cpu_ticks(job.pid)
    gate.write_bytes(b"")
    assert 4 << 8 == job.wait().result["status"]
    assert ticks < 500


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def switches(pid: int) -> int:
    """How often the process has gone to sleep."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def test_a_waiting_shim_does_nothing(shim):
    """No timer: while the command waits, the shim does not wake. Another command's whole life is the yardstick of time."""
    gate = shim.fifo("gate")
    lifeline = os.open(shim.fifo("lifeline"), os.O_RDWR)
    job = shim.start("sh", "-c", f"exec >/dev/null; read x < {gate}", options=[f"home={shim.home}"], lifeline=lifeline)
    job.wait_started()
    eventually(lambda: "poll" in Path(f"/proc/{job.pid}/wchan").read_text(), 60)
    shim.run("sleep", "0.3")  # the end of stdout has been seen by then
    before = switches(job.pid), cpu_ticks(job.pid)
    shim.run("sleep", "1")
    assert before == (switches(job.pid), cpu_ticks(job.pid))
    os.close(lifeline)
    gate.write_bytes(b"")
    job.wait()


def test_a_result_that_cannot_be_written_is_written_later(shim):
    """RLIMIT_FSIZE makes the disk refuse: writes beyond it fail with EFBIG."""
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}; exit 5")
    job.wait_started()
    before = resource.prlimit(job.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (1000, before[1]))
    pid = job.started["pid"]
    gate.write_bytes(b"")
    eventually(lambda: not Path(f"/proc/{pid}").exists(), 60)
    shim.run("sleep", "0.3")
    assert job.result is None
    assert job.locked
    resource.prlimit(job.pid, resource.RLIMIT_FSIZE, before)
    assert 5 << 8 == job.wait().result["status"]


def test_an_error_is_no_status_and_a_status_no_error(shim):
    failed = shim.run("no-such-command").result
    exited = shim.run("sh", "-c", "exit 127").result
    assert (None, errno.ENOENT) == (failed["status"], failed["error"])
    assert (127 << 8, 0) == (exited["status"], exited["error"])
