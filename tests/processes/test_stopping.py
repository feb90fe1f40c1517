"""The stop ladder on real processes: stopped means gone, and nobody else is harmed."""

import os
import resource
import select
import signal
from pathlib import Path

import pytest

from outlast.core.errors import SystemFault
from outlast.processes import lookout, procfs
from outlast.processes import stopping as ladder
from outlast.processes.identity import Identity, lives
from outlast.processes.stopping import Stopping, run_to_end, wait_readable
from outlast.processes.tree import Target, members, signal_members
from outlast.seams import monotonic
from processes.family import HOUR, MS, Family, actor, field, identity_of, sleepers, spawn, token
from support import eventually

STUBBORN = """
trap '' TERM INT HUP
sleep {0} &
setsid -f sleep {0}
setsid -f setsid -f sleep {0}
setsid -f env -i setsid -f sleep {0}
wait
"""


def stubborn():
    """A shell and four that ignore TERM: a child, two daemons, and one of cleared environment."""
    name = token()
    family = Family("sh", "-c", STUBBORN.format(name))
    eventually(lambda: 4 == len(sleepers(name)))
    return family, name


def step_until_over(stopping, at):
    """Drive with an invented clock: it goes forward as we are told to wait, and no faster than things happen."""
    while (due := stopping.step(at)) is not None:
        wait_readable(stopping.fileno(), min(due - at, 20 * MS))
        at = max(at, due)
    return at


def test_a_tree_that_obeys():
    name = token()
    family = Family("sh", "-c", f"sleep {name} & setsid -f sleep {name}; setsid -f env -i sleep {name}; wait")
    eventually(lambda: 3 == len(sleepers(name)))
    stopping = family.stop(grace=HOUR)
    assert (4, [], "") == (stopping.stopped, stopping.left, stopping.unknown)
    assert [] == sleepers(name)
    assert signal.SIGTERM == family.wait()
    family.assert_shim_lives()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_with_another_signal(number):
    name = token()
    family = Family("sleep", name)
    stopping = family.stop(signal=number, grace=HOUR)
    assert 1 == stopping.stopped
    assert number == family.wait()


def test_stubborn_ones_are_killed_after_the_grace():
    family, name = stubborn()
    stopping = family.stop(grace=50 * MS)
    assert (5, [], "") == (stopping.stopped, stopping.left, stopping.unknown)
    assert [] == sleepers(name)
    assert signal.SIGKILL == family.wait()
    family.assert_shim_lives()


def test_nobody_is_killed_before_the_grace_is_over():
    family, name = stubborn()
    grace = 100_000 * MS
    stopping = Stopping(family.target, set, signal.SIGTERM, grace)
    due, looks = stopping.step(0), 0
    while due < grace:
        looks += 1
        due = stopping.step(due)
    assert grace == due
    assert 100 <= looks < 110
    assert 4 == len(sleepers(name))
    assert 0 == stopping.stopped
    step_until_over(stopping, due)
    assert [] == sleepers(name)
    assert 5 == stopping.stopped


def test_kill_waits_for_nothing():
    family, name = stubborn()
    stopping = family.stop(grace=HOUR, at_once=True)
    assert 5 == stopping.stopped
    assert [] == sleepers(name)
    assert signal.SIGKILL == family.wait()


def test_all_stand_still_before_the_first_is_killed(monkeypatch):
    """Else the death of one would be another's call to start the next."""
    family, _ = stubborn()
    sent = []

    def send(pidfd, number, *, real=ladder.send):
        sent.append(number)
        return real(pidfd, number)

    monkeypatch.setattr(ladder, "send", send)
    assert 5 == family.stop(at_once=True).stopped
    assert [signal.SIGSTOP] * 5 + [signal.SIGKILL] * 5 == sent


def test_who_is_in_no_list_of_processes_is_found_below_the_shim(monkeypatch):
    """A process that forks and exits for ever is hardly ever in a list when it is read; here it never is."""
    family, name = stubborn()
    below = {family.command.pid, *sleepers(name)}

    def snapshot(*, real=lookout.snapshot):
        return {pid: process for pid, process in real().items() if pid not in below}

    monkeypatch.setattr(lookout, "snapshot", snapshot)
    assert 5 == family.stop(at_once=True).stopped
    assert [] == sleepers(name)


def test_who_was_born_while_we_looked_is_asked_as_well(monkeypatch):
    name = token()
    family = Family("sh", "-c", f"setsid -f sleep {name}; exec sleep {name}1")
    eventually(lambda: 1 == len(sleepers(name)) == len(sleepers(f"{name}1")))
    hidden = sleepers(name)

    def snapshot(*, real=lookout.snapshot):
        processes = real()
        missed = hidden.pop() if hidden else 0
        return {pid: process for pid, process in processes.items() if pid != missed}

    monkeypatch.setattr(lookout, "snapshot", snapshot)
    stopping = Stopping(family.target, set, signal.SIGTERM, HOUR)
    due = stopping.step(0)
    assert 1 == len(sleepers(name))
    assert step_until_over(stopping, due) < HOUR
    assert 2 == stopping.stopped


def test_sigkill_as_the_stop_signal_is_at_once():
    family, _ = stubborn()
    assert 5 == family.stop(signal=signal.SIGKILL, grace=HOUR).stopped


def test_a_stopped_process_is_let_run_to_take_the_signal(tmp_path):
    family = Family(*actor("catch", tmp_path / "asked"))
    eventually(lambda: "T" == field(family.command.pid, 3))
    stopping = family.stop(grace=HOUR)
    assert "asked" == (tmp_path / "asked").read_text()
    assert 1 == stopping.stopped
    assert 7 << 8 == family.wait()


def test_who_cleans_up_after_itself_is_let_do_so(tmp_path):
    name, path = token(), tmp_path / "told"
    family = Family(*actor("clean_up", name, path))
    eventually(Path(f"{path}.ready").exists)
    stopping = Stopping(family.target, set, signal.SIGTERM, HOUR)
    due = stopping.step(0)
    eventually(lambda: 1 == len(sleepers(name)))
    for _ in range(20):
        due = stopping.step(due)
    (child,) = sleepers(name)
    os.kill(child, signal.SIGUSR1)  # its work is done
    step_until_over(stopping, due)
    assert str(int(signal.SIGUSR1)) == path.read_text()  # and not SIGTERM
    assert 1 == stopping.stopped


def test_a_child_with_a_group_of_its_own():
    name = token()
    family = Family(*actor("regroup", name))
    eventually(lambda: 1 == len(sleepers(name)) and field(sleepers(name)[0], 5) == str(sleepers(name)[0]))
    stopping = family.stop(at_once=True)
    assert 2 == stopping.stopped
    assert [] == sleepers(name)


def test_zombies_count_as_ended(tmp_path):
    family = Family(*actor("zombies", 5, tmp_path / "ready"))
    eventually((tmp_path / "ready").exists)
    eventually(lambda: 5 == sum(field(pid, 3) == "Z" for pid in procfs.children_of(procfs.look(family.command.pid))))
    assert [family.command.pid] == [process.pid for process in members(family.target, ())]
    stopping = family.stop(grace=HOUR)
    assert (1, []) == (stopping.stopped, stopping.left)


def test_a_zombie_that_nobody_reaps_does_not_hold_it_up():
    """The shim is gone and its heir (we, like a pid 1 that is no init) reaps nothing."""
    name = token()
    family = Family("sh", "-c", f"sleep {name} & wait")
    eventually(lambda: 1 == len(sleepers(name)))
    family.kill_shim()
    stopping = family.stop(grace=HOUR)
    assert 2 == stopping.stopped
    assert "Z" == field(family.command.pid, 3)
    assert not lives(family.command)


def test_without_the_shim_it_says_what_it_cannot_know():
    family, name = stubborn()
    family.kill_shim()
    stopping = family.stop(at_once=True)
    assert 4 == stopping.stopped  # by session and by mark
    assert "its shim is gone: processes that left its session and cleared their environment cannot be found" == stopping.unknown
    assert 1 == len(sleepers(name))


def test_who_was_seen_while_the_shim_lived_is_remembered():
    family, name = stubborn()
    stopping = Stopping(family.target, set, signal.SIGTERM, HOUR)
    stopping.step(0)
    family.kill_shim()
    step_until_over(stopping, HOUR)
    assert [] == sleepers(name)
    assert 5 == stopping.stopped
    assert stopping.unknown


def test_nothing_to_stop():
    family = Family("true")
    family.wait()
    stopping = family.stop()
    assert (0, [], "") == (stopping.stopped, stopping.left, stopping.unknown)
    family.assert_shim_lives()


def test_a_pid_that_was_used_again_is_never_signalled():
    """The run's command is long gone, and its pid (and session) are somebody else's."""
    innocent = spawn("sleep", "1000", start_new_session=True)
    born = identity_of(innocent.pid)
    for off in (-1, 1):
        target = Target(mark=b"nobody:1:1", command=Identity(born.pid, born.start + off))
        stopping = Stopping(target, set, signal.SIGKILL, 0)
        run_to_end(stopping, monotonic, wait_readable)
        assert 0 == stopping.stopped
    assert innocent.poll() is None


def test_one_descriptor_tells_of_every_end():
    name = token()
    family = Family("sh", "-c", f"trap '' TERM; sleep {name} & wait; wait")
    eventually(lambda: 1 == len(sleepers(name)))
    stopping = Stopping(family.target, set, signal.SIGTERM, HOUR)
    poll = select.epoll()
    poll.register(stopping.fileno())  # once
    due = stopping.step(0)
    assert due == stopping.step(1)
    assert [] == poll.poll(0)
    for pid in [family.command.pid, *sleepers(name)]:
        os.kill(pid, signal.SIGKILL)
        assert [(stopping.fileno(), select.EPOLLIN)] == poll.poll(60)
        due = stopping.step(2)
    eventually(lambda: stopping.step(2) is None)
    assert 2 == stopping.stopped
    poll.close()


def test_no_descriptor_is_left_open():
    before = len(os.listdir("/proc/self/fd"))
    family, _ = stubborn()
    held = len(os.listdir("/proc/self/fd")) - before
    family.stop(at_once=True)
    given_up = Stopping(family.target, set, signal.SIGTERM, HOUR)
    given_up.step(0)
    given_up.close()
    assert given_up.step(0) is None
    assert before + held == len(os.listdir("/proc/self/fd"))


def test_more_processes_than_are_watched():
    name = token()
    family = Family("sh", "-c", f"trap '' TERM; i=0; while [ $i -lt 150 ]; do sleep {name} & i=$((i+1)); done; wait")
    eventually(lambda: 150 == len(sleepers(name)))
    before = len(os.listdir("/proc/self/fd"))
    stopping = Stopping(family.target, set, signal.SIGTERM, HOUR)
    due = stopping.step(0)
    assert before + 65 >= len(os.listdir("/proc/self/fd"))
    step_until_over(stopping, max(due, HOUR))
    assert 151 == stopping.stopped
    assert [] == sleepers(name)


def test_want_of_descriptors_is_a_fault_and_not_the_end():
    family, name = stubborn()
    stopping = Stopping(family.target, set, signal.SIGTERM, HOUR, at_once=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(SystemFault):
            stopping.step(0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert 4 == len(sleepers(name))
    step_until_over(stopping, 0)
    assert 5 == stopping.stopped


def test_one_signal_for_all():
    family, name = stubborn()
    assert 5 == signal_members(family.target, (), signal.SIGUSR1)
    eventually(lambda: [] == sleepers(name))
    assert signal.SIGUSR1 == family.wait()
    family.assert_shim_lives()
    assert 0 == signal_members(family.target, (), signal.SIGUSR1)
