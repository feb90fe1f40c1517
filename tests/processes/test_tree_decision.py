"""Who is a member, decided on invented processes: every rule, and what holds for all of them."""

from hypothesis import given
from hypothesis import strategies as st

from outlast.processes.identity import Identity
from outlast.processes.procfs import Process
from outlast.processes.tree import Target, members_of

SHIM, COMMAND = Identity(10, 100), Identity(11, 101)
TARGET = Target(mark=b"h:1:1", command=COMMAND, shim=SHIM)


def process(pid, ppid, *, session=None, start=200, state="S", image=b"", pgrp=None):
    return Process(pid, ppid, pgrp or pid, session or pid, start, state=state, image=image)


def tree_of(*more, command=True, shim=True):
    found = [process(1, 0, start=0), *more]
    if shim:
        found.append(process(10, 1, start=100))
    if command:
        found.append(process(11, 10 if shim else 1, start=101))
    return {p.pid: p for p in found}


def chosen(processes, *, target=TARGET, spare=(), known=(), marks=None):
    marks = {10: b"h:1:1", 11: b"h:1:1"} | (marks or {})
    return [p.pid for p in members_of(processes, target, spare, known, lambda pid: marks.get(pid, b""))]


def test_the_command_and_never_its_shim():
    assert [11] == chosen(tree_of())
    assert [11] == chosen(tree_of(), spare=[10])


def test_a_spared_shim_still_leads_to_its_descendants():
    assert [11, 20] == chosen(tree_of(process(20, 10)), spare=[10])


def test_by_session_by_ancestry_by_mark():
    processes = tree_of(process(20, 1, session=11), process(21, 11), process(22, 21), process(23, 10), process(24, 1), process(25, 1))
    assert [11, 20, 21, 22, 23, 24] == chosen(processes, marks={24: b"h:1:1"})


def test_a_mark_must_be_exact():
    processes = tree_of(process(20, 1), process(21, 1), process(22, 1))
    assert [11] == chosen(processes, marks={20: b"h:1:11", 21: b"h:1:", 22: None})


def test_no_mark_is_nobodys_mark():
    assert [11] == chosen(tree_of(process(20, 1)), target=TARGET.replace(mark=b""), marks={11: b"h:1:1"})


def test_who_is_older_than_the_run_is_not_even_read():
    def mark_of(pid):
        assert pid != 20
        return b"h:1:1"

    found = members_of(tree_of(process(20, 1, start=99)), TARGET, (), (), mark_of)
    assert [11] == [p.pid for p in found]


def test_zombies_are_no_members():
    processes = tree_of(process(20, 11, state="Z"), process(21, 1, session=11, state="Z"), process(22, 1, state="X"))
    assert [11] == chosen(processes, marks={22: b"h:1:1"})


def test_the_command_under_another_start_is_somebody_else():
    processes = tree_of(process(11, 1, start=500), process(20, 11), process(21, 1, session=11), command=False)
    assert [] == chosen(processes, marks={11: b""})


def test_the_shim_under_another_start_is_somebody_else():
    processes = tree_of(process(10, 1, start=500), process(20, 10), shim=False)
    assert [11] == chosen(processes, marks={10: b""})


def test_a_session_without_its_leader_needs_another_proof():
    processes = tree_of(process(20, 1, session=11), process(21, 1, session=11), command=False)
    assert [] == chosen(processes)
    assert [20, 21] == chosen(processes, marks={21: b"h:1:1"})
    assert [20, 21] == chosen(processes, known=[(21, 200)])
    assert [] == chosen(processes, known=[(21, 199)])


def test_a_dead_leader_still_proves_its_session():
    processes = tree_of(process(11, 10, start=101, state="Z"), process(20, 1, session=11), command=False)
    assert [20] == chosen(processes)


def test_what_a_session_of_late_proof_leads_to_is_found():
    processes = tree_of(process(20, 10, session=11), process(21, 1, session=11), process(22, 21), command=False)
    assert [20, 21, 22] == chosen(processes)


def test_known_members_stay_members_with_what_they_start():
    processes = tree_of(process(20, 1), process(21, 20), shim=False)
    assert [11] == chosen(processes)
    assert [11, 20, 21] == chosen(processes, known=[(20, 200)])
    assert [11] == chosen(processes, known=[(20, 200)], spare=[20])
    assert [11] == chosen(processes, known=[(20, 200)], marks={20: b"h:2:1"})


def test_ancestry_ends_at_the_spared():
    processes = tree_of(process(30, 11), process(31, 30), process(32, 31), process(33, 31))
    assert [11, 33] == chosen(processes, spare=[30], marks={33: b"h:1:1"})


def test_ancestry_ends_at_another_mark():
    processes = tree_of(process(30, 10), process(31, 30), process(32, 31), process(33, 31))
    assert [11, 33] == chosen(processes, marks={30: b"h:2:1", 33: b"h:1:1"})


def test_the_session_counts_also_under_another_mark_but_not_what_that_one_starts():
    processes = tree_of(process(30, 11, session=11), process(31, 30))
    assert [11, 30] == chosen(processes, marks={30: b"h:2:1"})


def test_unreadable_is_by_ancestry_only():
    processes = tree_of(process(20, 11), process(21, 1))
    assert [11, 20] == chosen(processes, marks={20: None, 21: None})


def test_pid_1_is_never_a_member():
    processes = {1: process(1, 0, session=1, start=1)}
    target = Target(mark=b"m", command=Identity(1, 1), shim=None)
    assert [] == chosen(processes, target=target, known=[(1, 1)], marks={1: b"m"})


def test_one_exec_is_read_once():
    read = []

    def mark_of(pid):
        read.append(pid)
        return b""

    processes = tree_of(*(process(pid, 10, image=b"a b c d") for pid in range(20, 40)), process(50, 10, image=b"e"), process(51, 10))
    found = members_of(processes, TARGET, (), (), mark_of)
    assert [11, *range(20, 40), 50, 51] == [p.pid for p in found]
    assert 3 == len(read)  # one of twenty, 50 and 51


def test_a_session_may_be_given_without_a_command():
    target = Target(mark=b"h:1:1", session=11, session_start=101)
    assert [11, 20] == chosen(tree_of(process(20, 1, session=11), shim=False), target=target)


PIDS = st.integers(2, 14)
MARKS = st.sampled_from([None, b"", b"h:1:1", b"h:2:1"])


@st.composite
def worlds(draw):
    processes = {1: process(1, 0, start=0)}
    for pid in draw(st.lists(PIDS, unique=True)):
        processes[pid] = process(
            pid,
            draw(st.sampled_from(sorted(processes))),
            session=draw(st.sampled_from([pid, *processes])),
            start=draw(st.integers(99, 102)),
            state=draw(st.sampled_from("SSSRTZ")),
        )
    return processes, {pid: draw(MARKS) for pid in processes}, draw(st.sets(PIDS, max_size=3))


@given(worlds())
def test_members_are_proved_and_nobody_else_is(world):
    """The rules again, one process at a time, from it upward instead of from the shim downward."""
    processes, marks, spare = world
    target = Target(mark=b"h:1:1", command=Identity(3, 101), shim=Identity(2, 100))
    shim_lives = 2 in processes and processes[2].start == 100 and processes[2].alive
    never = {1, *spare} | ({2} if shim_lives else set())
    found = set(chosen(processes, target=target, spare=spare, marks=marks))

    def foreign(pid):
        return marks[pid] == b"h:2:1"

    for pid in found:
        assert processes[pid].alive
        assert pid not in never
    otherwise = set()
    for pid, each in processes.items():
        parent = processes.get(each.ppid)
        below_shim = parent is not None and shim_lives and parent.pid == 2
        below = below_shim or (parent is not None and parent.pid in found and not foreign(parent.pid))
        marked = marks[pid] == b"h:1:1" and each.start >= 100
        if (pid, each.start) == (3, 101) or marked or (below and not foreign(pid)):
            otherwise.add(pid)
    leader = processes.get(3)
    led = leader is not None and leader.session == 3
    session = leader.start == 101 if led else any(processes[pid].session == 3 for pid in otherwise & found)
    for pid, each in processes.items():
        proved = pid in otherwise or (session and each.session == 3)
        proved = proved and each.alive and pid not in never
        assert proved == (pid in found), (pid, processes, marks, spare)
