"""The lifeline: when the last supervisor has ended, exactly one shim starts the next."""

import fcntl
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from support import eventually

STRACE = shutil.which("strace")

# `ignored` leaves out the signals of the C library and those that Python ignores by itself.
# What a starter starts: it notes what it finds, takes the lifeline unless it is told to die, and stays.
SUPERVISOR = """
import fcntl, json, os, signal, sys
home, behaviour = sys.argv[1:3]
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
note = {
    "pid": os.getpid(), "sid": os.getsid(0), "cwd": os.getcwd(), "umask": status["Umask"].strip(),
    "ignored": int(status["SigIgn"], 16) & ~(3 << 31 | 1 << 12 | 1 << 24), "blocked": int(status["SigBlk"], 16), "argv": sys.argv[1:],
    "environ": open("/proc/self/environ").read().split(chr(0))[:-1],
    "fds": {fd: os.readlink("/proc/self/fd/" + fd) for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)},
}
try:
    fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)
    other = os.open(home + "/supervisor.lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    note["lock"] = "is not mine"
except BlockingIOError:
    note["lock"] = "is mine"
count = len(os.listdir(home + "/notes"))
path = home + "/notes/" + str(os.getpid())
open(path + ".new", "w").write(json.dumps(note))
os.rename(path + ".new", path)
if behaviour == "dies-twice" and count < 2:
    os._exit(1)
fd = os.open(home + "/lifeline", os.O_WRONLY)
while True:
    signal.pause()
"""


class Home:
    """A home with a lifeline whose supervisor is this test."""

    def __init__(self, shim) -> None:
        self.shim, self.path = shim, shim.home
        (self.path / "notes").mkdir()
        os.mkfifo(self.path / "lifeline", 0o600)
        self.reader = os.open(self.path / "lifeline", os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self.reader, True)
        self.writer = os.open(self.path / "lifeline", os.O_WRONLY)

    def starter(self, behaviour: str = "stays", *more: str) -> None:
        program = self.path / "supervisor.py"
        program.write_text(SUPERVISOR)
        words = [os.path.realpath(sys.executable), "-I", "-S", str(program), str(self.path), behaviour, *more]
        (self.path / "start").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in words))

    def leave(self) -> None:
        """The supervisor ends."""
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1

    @property
    def notes(self):
        return [json.loads(path.read_text()) for path in (self.path / "notes").iterdir() if path.suffix != ".new"]

    def job(self, gate, **kwargs):
        options = [f"home={self.path}", *kwargs.pop("options", ())]
        return self.shim.start("sh", "-c", f"read x < {gate}; exit 0", options=options, lifeline=self.reader, **kwargs)

    def guard(self, **kwargs):
        return self.shim.start(options=[f"home={self.path}", *kwargs.pop("options", ())], lifeline=self.reader, verb="guard", **kwargs)

    @property
    def lock_is_free(self) -> bool:
        fd = os.open(self.path / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(fd)
        return True

    def attached(self) -> bool:
        """Some supervisor holds the write end: a reader sees no hangup."""
        import select

        poll = select.poll()
        poll.register(self.reader, 0)
        return not poll.poll(0)

    def close(self) -> None:
        self.leave()
        os.close(self.reader)


@pytest.fixture
def home(shim):
    one = Home(shim)
    yield one
    one.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(STRACE is None, reason="there is no strace on this machine")
def test_a_result_is_synced_unless_a_supervisor_lives_that_records_it_and_the_run_was_short(shim, home):
    calls = shim.folder / "calls"
    wrapper = [str(STRACE), "-qq", "-o", str(calls), "-e", "trace=fdatasync"]

    def syncs(*command: str, lifeline: int) -> int:
        job = shim.start(*command, options=[f"home={home.path}"], lifeline=lifeline, wrapper=wrapper)
        assert job.wait().result["status"] == 0
        return calls.read_text().count("fdatasync(3)")

    assert 0 == syncs("true", lifeline=home.reader)
    assert 1 == syncs("sleep", "1", lifeline=home.reader)
    assert 1 == syncs("true", lifeline=-1)
    home.leave()
    assert 1 == syncs("true", lifeline=home.reader)


def test_output_on_its_way_survives_the_supervisor(shim, home):
    """What was read and is not written yet when the lifeline breaks is not written over by what starts the next supervisor."""
    home.starter("stays", "x" * 3000)
    line = "y" * 119
    command = f"yes {line} | head -c 60000000"
    job = shim.start("sh", "-c", command, options=[f"home={home.path}", "max-bytes=0"], lifeline=home.reader)
    eventually(lambda: job.path(".log").exists(), 60)
    home.leave()
    assert 60_000_000 == job.wait().result["stdout"]
    assert 1 == len(home.notes)
    assert job.raw() == (line.encode() + b"\n") * 500_000


def test_a_new_supervisor_is_started_with_the_lock_and_clean_surroundings(shim, home):
    home.starter("stays", "third word", "")
    gate = shim.fifo("gate")
    job = home.job(gate, env={"PATH": os.environ["PATH"], "HOME": "/some/where", "SECRET": "x"}, fds={9: shim.null})
    job.wait_started()
    assert [] == home.notes
    home.leave()
    (note,) = eventually(lambda: home.notes or False, 60)
    assert [str(home.path), "stays", "third word", ""] == note["argv"]
    assert note["pid"] == note["sid"]
    assert ("/", "0077", 0, 0, "is mine") == tuple(note[key] for key in ("cwd", "umask", "ignored", "blocked", "lock"))
    assert {"PATH=/usr/local/bin:/usr/bin:/bin", "OUTLAST_MARK=supervisor", "HOME=/some/where"} == set(note["environ"])
    assert {"0": "/dev/null", "1": "/dev/null", "2": "/dev/null", "3": f"{home.path}/supervisor.lock"} == note["fds"]
    assert 0o600 == (home.path / "supervisor.lock").stat().st_mode & 0o777
    eventually(home.attached, 60)
    assert not home.lock_is_free
    os.kill(note["pid"], signal.SIGKILL)
    eventually(lambda: 2 == len(home.notes), 60)  # the next break is seen too; and the shim has not kept the lock
    gate.write_bytes(b"")
    assert 0 == job.wait().result["status"]
    eventually(home.attached, 60)
    assert not home.lock_is_free  # it outlives the shim that started it


def test_home_is_left_out_where_there_is_none(shim, home):
    home.starter()
    guard = home.guard()
    home.leave()
    (note,) = eventually(lambda: home.notes or False, 60)
    assert ["PATH=/usr/local/bin:/usr/bin:/bin", "OUTLAST_MARK=supervisor"] == note["environ"]
    guard.wait()


def test_of_twenty_shims_exactly_one_starts(shim, home):
    home.starter()
    gates = [shim.fifo(f"gate{number}") for number in range(20)]
    jobs = [home.job(gate) for gate in gates]
    for job in jobs:
        job.wait_started()
    home.leave()
    eventually(home.attached, 60)
    shim.run("sleep", "1.5")  # long enough for whoever looks again
    assert 1 == len(home.notes)
    for gate, job in zip(gates, jobs, strict=True):
        gate.write_bytes(b"")
        assert 0 == job.wait().result["status"]


def test_without_start_the_supervisor_left_on_purpose(shim, home):
    gate = shim.fifo("gate")
    job = home.job(gate)
    job.wait_started()
    home.leave()
    eventually((home.path / "supervisor.lock").exists, 60)
    eventually(lambda: home.lock_is_free, 60)
    home.starter()  # and one that comes back is found later
    eventually(lambda: home.notes or False, 60)
    gate.write_bytes(b"")
    assert 0 == job.wait().result["status"]


def test_a_supervisor_that_dies_at_once_is_started_again(shim, home):
    home.starter("dies-twice")
    gate = shim.fifo("gate")
    job = home.job(gate)
    job.wait_started()
    home.leave()
    eventually(lambda: 3 == len(home.notes), 60)
    eventually(home.attached, 60)
    dead = [note["pid"] for note in home.notes if not Path(f"/proc/{note['pid']}").exists()]
    assert 2 == len(dead)  # reaped
    gate.write_bytes(b"")
    assert 0 == job.wait().result["status"]


def test_who_does_not_get_the_lock_starts_nothing(shim, home):
    home.starter()
    lock = os.open(home.path / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    gate = shim.fifo("gate")
    job = home.job(gate)
    job.wait_started()
    home.leave()
    shim.run("sleep", "0.6")
    assert [] == home.notes
    os.close(lock)
    eventually(lambda: home.notes or False, 60)
    gate.write_bytes(b"")
    job.wait()


@pytest.mark.parametrize("start", [b"", b"\0", b"/no/such/program\0", b"unfinished"], ids=repr)
def test_a_damaged_start_file_harms_nobody(shim, home, start):
    (home.path / "start").write_bytes(start)
    gate = shim.fifo("gate")
    job = home.job(gate)
    job.wait_started()
    home.leave()
    eventually((home.path / "supervisor.lock").exists, 60)
    eventually(lambda: home.lock_is_free, 60)
    gate.write_bytes(b"")
    assert 0 == job.wait().result["status"]


def test_without_home_or_lifeline_nothing_is_done(shim, home):
    home.starter()
    gate = shim.fifo("gate")
    without_home = shim.start("sh", "-c", f"read x < {gate}", lifeline=home.reader)
    without_home.wait_started()
    home.leave()
    shim.run("true", options=[f"home={home.path}"])
    gate.write_bytes(b"")
    without_home.wait()
    assert [] == home.notes
    assert not (home.path / "supervisor.lock").exists()


def test_a_descriptor_4_that_is_no_lifeline_does_not_spin(shim):
    out, in_ = os.pipe()
    os.close(out)  # the write end of a pipe without reader: POLLERR for ever
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}", options=[f"home={shim.home}"], lifeline=in_)
    os.close(in_)
    job.wait_started()
    shim.run("sleep", "1")
    status = Path(f"/proc/{job.pid}/status").read_text()
    assert int(re.search(r"nonvoluntary_ctxt_switches:\s*(\d+)", status)[1]) < 200
    fields = Path(f"/proc/{job.pid}/stat").read_text().rpartition(")")[2].split()
    assert int(fields[11]) + int(fields[12]) < 40
    gate.write_bytes(b"")
    job.wait()


def test_the_lifeline_is_never_read(shim, home):
    os.write(home.writer, b"untouched")
    gate = shim.fifo("gate")
    job = home.job(gate)
    job.wait_started()
    gate.write_bytes(b"")
    job.wait()
    assert b"untouched" == os.read(home.reader, 100)


def test_it_is_watched_while_the_client_takes_its_time(shim, home):
    home.starter()
    reader, writer = os.pipe()
    options = [f"home={home.path}", "front=1"]
    job = shim.start("head", "-c", "100000", "/dev/zero", options=options, lifeline=home.reader, fds={1: writer})
    os.close(writer)
    job.wait_result()
    home.leave()
    eventually(lambda: home.notes or False, 60)
    os.close(reader)
    job.wait()


def test_guard_starts_a_supervisor_and_leaves(shim, home):
    home.starter()
    guard = home.guard()
    shim.run("true")
    assert not guard.over
    home.leave()
    assert 0 == guard.wait_status()
    assert home.attached()
    assert 1 == len(home.notes)


def test_guard_tries_again(shim, home):
    home.starter("dies-twice")
    guard = home.guard()
    home.leave()
    assert 0 == guard.wait_status()
    assert 3 == len(home.notes)


def test_guard_leaves_when_the_supervisor_left_on_purpose(shim, home):
    guard = home.guard()
    home.leave()
    assert 0 == guard.wait_status()
    assert [] == home.notes


def test_guard_leaves_when_somebody_else_is_attached(shim, home):
    home.starter()
    lock = os.open(home.path / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    guard = home.guard()
    home.leave()
    eventually(lambda: "sleep" in Path(f"/proc/{guard.pid}/wchan").read_text(), 60)  # it has looked, and will look again
    again = os.open(home.path / "lifeline", os.O_WRONLY)
    assert 0 == guard.wait_status()
    assert [] == home.notes
    os.close(again)
    os.close(lock)


@pytest.mark.parametrize("block", [True, False], ids=["blocked", "unblocked"])
def test_guard_keeps_sigterm_at_its_default_and_nothing_else(shim, home, block):
    guard = home.guard(block=block)
    eventually(lambda: guard.pid == os.getsid(guard.pid), 60)
    eventually(lambda: b"poll" in Path(f"/proc/{guard.pid}/wchan").read_bytes(), 60)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        os.kill(guard.pid, number)
    shim.run("true")
    assert not guard.over
    os.kill(guard.pid, signal.SIGTERM)
    assert -signal.SIGTERM == guard.wait_status()


def test_guard_without_lifeline_is_refused(shim, home):
    done = shim.call("guard", f"home={home.path}")
    assert 2 == done.returncode
