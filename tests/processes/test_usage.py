"""What processes use, by the kernel's accounting, and which of them are a run's: one look for many runs finds what `tree` finds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from outlast.processes.identity import Identity, start_of
from outlast.processes.tree import Target, members
from outlast.processes.usage import Census, used

MIB = 1 << 20
BURN = """
import os, sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
# uses 0.3 s itself, had a child that used 0.3 s, and has another that holds 30 MiB
KNOWN = (
    BURN
    + """
burn(0.3)
if not os.fork():
    burn(0.3)
    os._exit(0)
os.wait()
if not os.fork():
    held = bytearray(b"x") * (30 << 20)
    print("up", flush=True)
    time.sleep(100)
time.sleep(100)
"""
)
AWAY = 'import os, time\nif not os.fork():\n    os.setsid()\n    if os.fork(): os._exit(0)\n    print("up", flush=True)\ntime.sleep(100)'


class Started:
    """A command with a mark, in a session of its own, and all that it starts."""

    def __init__(self, code: str, mark: str) -> None:
        """Wait until it says that it is up."""
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code],
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={"OUTLAST_MARK": mark},
        )
        assert self.process.stdout is not None
        assert b"up\n" == self.process.stdout.readline()
        me = Identity(self.process.pid, start_of(self.process.pid) or 0)
        self.target: Target = Target(mark=mark.encode(), session=me.pid, session_start=me.start, command=me)

    def end(self) -> None:
        """End all of it."""
        for process in members(self.target, ()):
            os.kill(process.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture(scope="module")
def several() -> Iterator[list[Started]]:
    """Three of them, the second one with a daemon."""
    home = f"usage-{os.getpid()}"
    started = [Started(code, f"{home}:{number}:1") for number, code in enumerate((KNOWN, AWAY, KNOWN), 1)]
    yield started
    for one in started:
        one.end()


def test_what_is_used_is_told_of_processes_and_of_those_they_waited_for(several: list[Started]) -> None:
    told = used(members(several[0].target, ()))
    assert 2 == told.processes
    assert 0.55 <= told.cpu / 1e9 <= 5
    assert 30 * MIB <= told.rss <= 120 * MIB


def test_one_look_finds_the_same_as_one_for_each(several: list[Started]) -> None:
    census = Census(0)
    for one in several:
        expected = [process.key for process in members(one.target, ())]
        assert 2 == len(expected)
        assert expected == [process.key for process in census.members(one.target)]


def test_nobody_older_is_asked_for_a_mark(several: list[Started]) -> None:
    """The daemon of the second one is found by its mark alone, unless it is older than what can carry one."""
    old = max(process.start for process in members(several[1].target, ())) + 1
    by_mark: Target = several[1].target.replace(session=None, command=None)
    assert 2 == len(Census(0).members(by_mark))
    assert [] == Census(old).members(by_mark)


def test_who_has_ended_meanwhile_is_left_out() -> None:
    one = Started(AWAY, f"usage-{os.getpid()}:9:1")
    found = members(one.target, ())
    one.process.kill()
    one.process.wait()
    assert (2, 1) == (len(found), used(found).processes)
    one.end()
