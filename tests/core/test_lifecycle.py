"""Every status x event pair, in both directions: what the table allows happens, what it lacks is a bug."""

import subprocess
import sys
from collections.abc import Iterator  # of a quoted annotation
from pathlib import Path

import pytest

from core.samples import AT, ENDING, NOW, RUN, event_for, job_in, run_of
from outlast.core import events as e
from outlast.core import job as j
from outlast.core.errors import Bug
from outlast.core.lifecycle import NEW, TRANSITIONS, after, run_after
from support import CHECKOUT

ALL = (NEW, *j.STATUSES)
PAIRS = [(status, kind) for status in ALL for kind in e.EVENTS]
ALLOWED = [(status, kind) for status, kind in PAIRS if kind in TRANSITIONS[status]]
FORBIDDEN = [pair for pair in PAIRS if pair not in ALLOWED]


def test_the_table_has_every_status_and_only_known_ones() -> None:
    assert set(ALL) == set(TRANSITIONS)
    for row in TRANSITIONS.values():
        assert set(row) <= set(e.EVENTS)
        for to in row.values():
            assert to
            assert to <= set(j.STATUSES)


@pytest.mark.parametrize(("status", "kind"), ALLOWED, ids=str)
def test_what_the_table_allows_happens(status: str, kind: type[e.Event]) -> None:
    job = job_in(status)
    event = event_for(kind, status)
    new = after(job, event, NOW)
    assert new.status in TRANSITIONS[status][kind]
    assert job.version + 1 == new.version
    assert (job.id, job.name, job.command, job.cwd) == (new.id, new.name, new.command, new.cwd)
    run = run_after(job, run_of(job), event, NOW)
    if run is not None:
        assert new.run == run.run
        assert (j.RUNNING if new.status == j.RUNNING else j.ENDED) == run.status
    # what only belongs to some statuses is nowhere else
    assert (new.outcome is None) == (new.status != j.ENDED)
    assert (new.ended_at is None) == (new.status != j.ENDED)
    assert new.pid is None or new.status == j.RUNNING
    assert new.next_run_at is None or new.status == j.PENDING
    if new.status == j.ENDED:
        assert not new.paused
        assert not new.held


@pytest.mark.parametrize(("status", "kind"), FORBIDDEN, ids=str)
def test_what_the_table_lacks_is_a_bug(status: str, kind: type[e.Event]) -> None:
    for told_as in ALL:  # however the event is told
        with pytest.raises(Bug, match=kind.kind):
            after(job_in(status), event_for(kind, told_as), NOW)


@pytest.mark.parametrize(("status", "kind", "to"), [(s, k, to) for s, k in ALLOWED for to in sorted(TRANSITIONS[s][k])], ids=str)
def test_every_status_that_the_table_promises_is_reached(status: str, kind: type[e.Event], to: str) -> None:
    told = [event_for(kind, status)]
    if kind is e.Submitted:
        told = [e.Submitted(waits=0), e.Submitted(waits=1), e.Submitted(until=NOW + 1)]
    assert to in {after(job_in(status), event, NOW).status for event in told}


def reachable(start: str) -> set[str]:
    found, left = {start}, [start]
    while left:
        for to in TRANSITIONS[left.pop()].values():
            left.extend(to - found)
            found |= to
    return found


def test_every_status_but_ended_has_a_way_out_and_all_lead_to_the_end() -> None:
    for status in ALL:
        leaves = {to for kind, targets in TRANSITIONS[status].items() for to in targets} - {status}
        assert bool(leaves) == (status != j.ENDED), status
        assert j.ENDED in reachable(status)
    assert set(ALL) == reachable(NEW)


@pytest.mark.parametrize("outcome", j.OUTCOMES)
@pytest.mark.parametrize("status", [j.RESERVED, j.PENDING, j.QUEUED, j.RUNNING])
def test_every_outcome_can_be_reached(status: str, outcome: str) -> None:
    ending = ENDING.replace(outcome=outcome) if status == j.RUNNING else None
    event = e.Ended(outcome=outcome, reason="because", run=RUN if ending else None, ending=ending)
    job = after(job_in(status), event, NOW)
    assert (j.ENDED, outcome, "because") == (job.status, job.outcome, job.reason)
    assert job.ended_at == (NOW if ending is None else ENDING.ended_at)


def test_nothing_but_a_note_happens_to_a_job_that_has_ended() -> None:
    assert {e.Noted} == set(TRANSITIONS[j.ENDED])


def test_a_wish_changes_no_status() -> None:
    for kind in (e.StopRequested, e.Paused, e.Resumed, e.Held, e.Released, e.Signalled, e.Warned, e.WarningOver, e.Noted):
        for status in j.STATUSES:
            assert TRANSITIONS[status].get(kind, {status}) == {status}
    for kind in (e.StopRequested, e.Paused, e.Resumed, e.Held, e.Released, e.Warned, e.WarningOver, e.Noted):
        for status in set(j.STATUSES) - {j.ENDED}:
            assert kind in TRANSITIONS[status]


def begin_or_end(number: int) -> "Iterator[tuple[str, e.AnyEvent]]":
    yield j.QUEUED, e.Claimed(run=number, host="h", boot="b")
    yield j.RUNNING, e.Started(run=number, pid=1, pid_start=1, started_at=NOW)
    yield j.RUNNING, e.Retried(run=number, ending=ENDING, next_run_at=NOW)
    yield j.RUNNING, e.Ended(outcome=j.LOST, reason="", run=number, ending=ENDING)


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_an_event_of_another_run_is_a_bug(off: int) -> None:
    for status, event in begin_or_end(RUN + off):
        job = job_in(status)
        right = off == (1 if isinstance(event, e.Claimed) else 0)
        if right:
            assert after(job, event, NOW).run == RUN + off
            continue
        with pytest.raises(Bug, match="run"):
            after(job, event, NOW)
        if not isinstance(event, e.Claimed):
            with pytest.raises(Bug, match="run"):
                run_after(job, run_of(job), event, NOW)


def test_a_running_job_does_not_end_without_its_run() -> None:
    with pytest.raises(Bug, match="run"):
        after(job_in(j.RUNNING), e.Ended(outcome=j.STOPPED, reason=""), NOW)


@pytest.mark.parametrize("status", [j.RESERVED, j.PENDING, j.QUEUED])
def test_a_job_that_is_not_running_has_no_run_that_could_end(status: str) -> None:
    with pytest.raises(Bug, match="no run"):
        after(job_in(status), e.Ended(outcome=j.STOPPED, reason="", run=RUN, ending=ENDING), NOW)


def test_a_run_that_is_over_stays_as_it_is() -> None:
    job = job_in(j.RUNNING)
    over = run_of(job).replace(status=j.ENDED)
    for _, event in list(begin_or_end(RUN))[1:]:
        for run in (over, None):
            with pytest.raises(Bug, match="not its running one"):
                run_after(job, run, event, NOW)


def test_what_a_run_told_is_kept_in_the_run_and_its_codes_in_the_job() -> None:
    job = job_in(j.RUNNING)
    for event in (e.Retried(run=RUN, ending=ENDING, next_run_at=NOW + 7), e.Ended(outcome=j.FAILED, reason="r", run=RUN, ending=ENDING)):
        run = run_after(job, run_of(job), event, NOW)
        assert run is not None
        of_the_run = {name: content for name, content in ENDING.items() if name in j.Run._fields}
        assert of_the_run == {name: getattr(run, name) for name in of_the_run}
        new = after(job, event, NOW)
        assert (7, None) == (new.exit_code, new.signal)


def test_a_life() -> None:
    """From reservation to the end of the second run, field by field."""
    job = after(job_in(NEW), e.Reserved(until=AT + 9), AT)
    assert (j.RESERVED, 1, AT, AT + 9, None) == (job.status, job.version, job.created_at, job.deadline, job.next_run_at)
    job = after(job, e.Submitted(waits=1), AT + 1)
    assert (j.PENDING, AT + 1, 1) == (job.status, job.created_at, job.waits)
    assert job.deadline is None  # nothing happens when the reservation would have lapsed
    job = after(job, e.Met(need="approval"), AT + 2)
    assert (j.PENDING, 0, AT + 2) == (job.status, job.waits, job.next_run_at)  # it is due at once
    job = after(job, e.Queued(), AT + 2)
    assert (j.QUEUED, AT + 2, None) == (job.status, job.queued_at, job.next_run_at)
    job = after(job, e.Postponed(until=AT + 20), AT + 3)
    assert (j.PENDING, AT + 20) == (job.status, job.next_run_at)
    job = after(job, e.Queued(), AT + 20)
    job = after(job, e.Claimed(run=1, host="h", boot="b"), AT + 21)
    assert (j.RUNNING, 1, None, None, None) == (job.status, job.run, job.pid, job.started_at, job.next_run_at)
    job = after(job, e.Started(run=1, pid=11, pid_start=5, started_at=AT + 22), AT + 23)
    assert (11, AT + 22) == (job.pid, job.started_at)
    job = after(job, e.StopRequested(verb=j.STOP, scope="run", signal=2, grace=3), AT + 24)
    assert {"verb": "stop", "signal": 2, "grace": 3, "scope": "run", "at": AT + 24} == job.stop_requested
    job = after(job, e.Signalled(signal=10, by="signal"), AT + 25)
    assert "sent_at" not in (job.stop_requested or {})
    job = after(job, e.Signalled(signal=2, by=j.STOP), AT + 25)
    assert AT + 25 == (job.stop_requested or {})["sent_at"]
    job = after(job, e.Retried(run=1, ending=ENDING, next_run_at=AT + 30), AT + 26)
    assert (j.PENDING, None, 7, None, AT + 30) == (job.status, job.pid, job.exit_code, job.stop_requested, job.next_run_at)
    job = after(after(job, e.Queued(), AT + 30), e.Claimed(run=2, host="h", boot="b"), AT + 31)
    assert (2, None, AT + 22) == (job.run, job.exit_code, job.started_at)  # the first run's start; no code of another run
    job = after(job, e.Ended(outcome=j.LOST, reason="gone", run=2, ending=ENDING.replace(exit_code=None)), AT + 32)
    assert (j.ENDED, j.LOST, "gone", None, NOW - 1) == (job.status, job.outcome, job.reason, job.exit_code, job.ended_at)
    assert 15 == job.version


def test_a_later_wish_takes_nothing_back() -> None:
    job = after(job_in(j.RUNNING), e.StopRequested(verb=j.INTERRUPT), AT)
    job = after(job, e.StopRequested(verb=j.STOP, scope="run"), AT + 1)  # before anything was sent: the last one is served
    assert {"verb": "stop", "scope": "job", "at": AT + 1}.items() <= (job.stop_requested or {}).items()
    job = after(job, e.Signalled(signal=15, by=j.STOP), AT + 2)
    job = after(job, e.StopRequested(verb=j.KILL), AT + 3)
    job = after(job, e.Signalled(signal=9, by=j.KILL), AT + 4)
    wish = {"verb": "kill", "signal": None, "grace": None, "scope": "job", "at": AT + 3, "sent_at": AT + 2, "sent_verb": "stop"}
    assert wish == job.stop_requested


def test_every_event_is_in_the_union_that_types_check() -> None:
    """`AnyEvent` exists for type checkers only; it has exactly the events of EVENTS."""
    text = (CHECKOUT / "src/outlast/core/events.py").read_text().partition("AnyEvent = (")[2].partition(")")[0]
    assert [event.__name__ for event in e.EVENTS] == text.replace("|", " ").split()
    assert len(e.EVENTS) == len(e.BY_KIND)


def test_an_event_that_is_added_and_not_handled_is_a_type_error(tmp_path: Path) -> None:
    """A copy of the package with one more event does not pass the type checker."""
    for name in ("__init__", "value", "errors", "job", "events", "lifecycle"):
        target = tmp_path / "outlast" / "core" / f"{name}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((CHECKOUT / f"src/outlast/core/{name}.py").read_text())
    (tmp_path / "outlast" / "__init__.py").touch()

    def errors() -> list[str]:
        argv = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file", "/dev/null", "outlast/core/lifecycle.py"]
        told = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        return [line for line in told.splitlines() if "error:" in line]

    assert [] == errors()
    events = tmp_path / "outlast" / "core" / "events.py"
    events.write_text(
        events.read_text()
        .replace("\n\nEVENTS:", '\n\nclass Approved(Event):\n    kind = "approved"\n\n\nEVENTS:')
        .replace("| Noted\n", "| Noted | Approved\n")
    )
    found = errors()
    assert 2 == len(found), found
    assert all("Approved" in line and "_no_rule" in line for line in found)


def test_what_is_met_while_a_job_is_paused_lets_it_go_on_when_it_is_resumed() -> None:
    waits = job_in(j.PENDING, run=0, waits=1, next_run_at=None, paused=True, paused_at=NOW - 100)
    met = after(waits, e.Met(need="job:1"), NOW)
    assert NOW + 50 == after(met, e.Resumed(), NOW + 50).next_run_at


def test_a_delay_that_begins_while_a_job_is_paused_is_not_longer_for_the_time_before() -> None:
    runs = job_in(j.RUNNING, paused=True, paused_at=NOW - 100)
    between = after(runs, e.Retried(run=RUN, ending=ENDING, next_run_at=NOW + 10), NOW)
    assert NOW + 50 + 10 == after(between, e.Resumed(), NOW + 50).next_run_at


def test_the_clocks_of_a_paused_reservation_begin_with_its_command() -> None:
    job = after(job_in(j.RESERVED, paused=True, paused_at=AT), e.Submitted(), NOW)
    assert (NOW, 0) == (job.paused_at, job.paused_for)
