"""Deadlines on the wall clock: which comes next, what happens then, and that a paused job has none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.samples import AT, ENDING, NOW, RUN, job_in
from outlast.core import events as e
from outlast.core import job as j
from outlast.core.deadlines import at_deadline, deadline, resumed_start, starts_at
from outlast.core.lifecycle import NEW, after

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
WISH = {"verb": j.STOP, "scope": "job", "at": AT}


@pytest.mark.parametrize(
    ("status", "run", "option", "outcome", "said"),
    [
        (j.PENDING, 0, "wait.abort-datetime", j.ABORTED, "it could not start before wait.abort-datetime, "),
        (j.QUEUED, 0, "wait.abort-datetime", j.ABORTED, "it could not start before wait.abort-datetime, "),
        (j.PENDING, RUN, "retries.abort-datetime", j.ABORTED, "run 4 could not start before retries.abort-datetime, "),
        (j.QUEUED, RUN, "retries.abort-datetime", j.ABORTED, "run 4 could not start before retries.abort-datetime, "),
        # it had its first run in time; and the next one only counts once there was a first
        (j.PENDING, RUN, "wait.abort-datetime", None, ""),
        (j.PENDING, 0, "retries.abort-datetime", None, ""),
        (j.RUNNING, RUN, "wait.abort-datetime", None, ""),
        (j.RUNNING, RUN, "retries.abort-datetime", None, ""),  # a run goes on
    ],
)
def test_times_before_which_it_must_start(status: str, run: int, option: str, outcome: str | None, said: str) -> None:
    job = job_in(status, run=run, spec={option: NOW})
    assert (None if outcome is None else NOW) == deadline(job)
    assert at_deadline(job, NOW - 1) is None
    event = at_deadline(job, NOW)
    if outcome is None:
        assert event is None
        return
    assert isinstance(event, e.Ended)
    assert outcome == event.outcome
    assert event.reason.startswith(said)
    assert NOW == deadline(job.replace(stop_requested=WISH))  # nobody has seen to the wish yet
    assert deadline(job.replace(paused=True)) is None
    assert j.ENDED == after(job, event, NOW).status


@pytest.mark.parametrize("status", [j.PENDING, j.QUEUED, j.RUNNING])
def test_the_time_of_the_whole_job(status: str) -> None:
    job = job_in(status, spec={"timeout.job": MINUTE})
    assert AT + MINUTE == deadline(job)
    assert AT + MINUTE + 7 == deadline(job.replace(paused_for=7))
    assert deadline(job.replace(paused=True)) is None
    assert deadline(job.replace(stop_requested=WISH)) is None
    assert AT + MINUTE == deadline(job.replace(stop_requested={**WISH, "scope": "run"}))
    assert at_deadline(job, AT + MINUTE - 1) is None
    event = at_deadline(job, AT + MINUTE)
    if status == j.RUNNING:
        assert e.StopRequested(verb=j.TIMEOUT, by="timeout.job", why="timeout.job of 1m 00s was reached") == event
    else:
        assert e.Ended(outcome=j.TIMED_OUT, reason="timed out: timeout.job of 1m 00s was reached while it waited") == event


def test_a_soft_limit_warns_once_and_the_hard_one_follows() -> None:
    job = job_in(j.RUNNING, spec={"timeout.soft.job": MINUTE, "timeout.job": 2 * MINUTE})
    assert AT + MINUTE == deadline(job)
    event = at_deadline(job, AT + MINUTE)
    assert e.Warned(warning="timeout.soft.job", text="timeout.soft.job of 1m 00s was reached") == event
    warned = after(job, event, AT + MINUTE)
    assert AT + 2 * MINUTE == warned.deadline
    assert at_deadline(warned, AT + MINUTE) is None
    stopped = after(warned, at_deadline(warned, AT + 2 * MINUTE), AT + 2 * MINUTE)
    assert (j.TIMEOUT, "job") == (stopped.stop_requested["verb"], stopped.stop_requested["scope"])
    assert stopped.deadline is None


def test_of_several_that_have_passed_the_earliest_comes_first() -> None:
    spec = {"timeout.soft.job": SECOND, "timeout.job": 2 * SECOND, "wait.abort-datetime": AT + 3 * SECOND}
    job = job_in(j.PENDING, run=0, spec=spec)
    assert isinstance(at_deadline(job, NOW), e.Warned)
    warned = after(job, at_deadline(job, NOW), NOW)
    told = at_deadline(warned, NOW)
    assert isinstance(told, e.Ended)
    assert j.TIMED_OUT == told.outcome
    told = at_deadline(warned.replace(spec={**spec, "timeout.job": 4 * SECOND}), NOW)
    assert isinstance(told, e.Ended)
    assert j.ABORTED == told.outcome


def test_a_reservation_lapses() -> None:
    job = after(job_in(NEW), e.Reserved(until=NOW), AT)
    assert (j.RESERVED, NOW) == (job.status, job.deadline)
    assert at_deadline(job, NOW - 1) is None
    assert e.Ended(outcome=j.ABORTED, reason="the reservation lapsed before a command came") == at_deadline(job, NOW)
    assert after(job, e.Submitted(), AT + 1).deadline is None
    for_ever = after(job_in(NEW), e.Reserved(), AT)
    assert for_ever.deadline is None
    assert at_deadline(for_ever, NOW) is None


def test_a_pause_shifts_what_is_counted_and_not_what_is_an_instant() -> None:
    spec = {"timeout.job": MINUTE, "wait.abort-datetime": AT + 90 * SECOND}
    job = job_in(j.PENDING, run=0, next_run_at=None, spec=spec)
    paused = after(job, e.Paused(), AT + 10 * SECOND)
    assert (True, AT + 10 * SECOND, None) == (paused.paused, paused.paused_at, paused.deadline)
    assert paused.replace(version=paused.version + 1) == after(paused, e.Paused(), AT + 15 * SECOND)  # since then, whoever asks again
    resumed = after(paused, e.Resumed(), AT + 30 * SECOND)
    assert (False, None, 20 * SECOND) == (resumed.paused, resumed.paused_at, resumed.paused_for)
    assert AT + 80 * SECOND == resumed.deadline
    twice = after(after(resumed, e.Paused(), AT + 40 * SECOND), e.Resumed(), AT + 60 * SECOND)
    assert (40 * SECOND, AT + 90 * SECOND) == (twice.paused_for, twice.deadline)
    assert after(twice, e.Resumed(), NOW).paused_for == twice.paused_for  # it goes on already


def test_a_clock_that_was_put_back_makes_no_pause_negative() -> None:
    paused = after(job_in(j.PENDING), e.Paused(), NOW)
    assert 0 == after(paused, e.Resumed(), AT).paused_for


@pytest.mark.parametrize(
    ("spec", "run", "before", "expected"),
    [
        # between two runs, and with a delay after a need: as much later as it was paused
        ({}, RUN, NOW, NOW + MINUTE),
        ({"wait.timedelta": SECOND}, RUN, NOW, NOW + MINUTE),
        ({"wait.datetime": NOW}, RUN, NOW, NOW + MINUTE),
        ({"wait.file": ["x"], "wait.timedelta": 9}, 0, NOW, NOW + MINUTE),
        # a delay from the submission on grows, an instant stays
        ({"wait.timedelta": 9 * SECOND}, 0, AT + 9 * SECOND, AT + 9 * SECOND + MINUTE),
        ({"wait.datetime": NOW}, 0, NOW, NOW),
        ({"wait.datetime": NOW, "wait.timedelta": SECOND}, 0, NOW, AT + SECOND + MINUTE),
        ({"wait.datetime": NOW, "wait.timedelta": SECOND, "wait.any": True}, 0, AT + SECOND, NOW),
        ({}, 0, None, None),
    ],
)
def test_when_a_job_that_was_paused_may_start(spec: dict[str, Any], run: int, before: int | None, expected: int | None) -> None:
    job = job_in(j.PENDING, run=run, next_run_at=before, spec=spec)
    if before is not None:
        assert expected == resumed_start(job, MINUTE)
    paused = after(job, e.Paused(), AT + SECOND)
    assert expected == after(paused, e.Resumed(), AT + SECOND + MINUTE).next_run_at


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, None),
        ({"wait.file": ["x"]}, None),
        ({"wait.datetime": NOW}, NOW),
        ({"wait.timedelta": 7}, AT + 7),
        ({"wait.timedelta": 0}, AT),
        ({"wait.datetime": NOW, "wait.timedelta": 7}, NOW),
        ({"wait.datetime": NOW, "wait.timedelta": 7, "wait.any": True}, AT + 7),
        ({"wait.datetime": NOW, "wait.extra-delay": 5}, NOW + 5),
        ({"wait.timedelta": 7, "wait.extra-delay": 5}, AT + 12),
    ],
)
def test_when_it_may_start_as_far_as_times_go(spec: dict[str, Any], expected: int | None) -> None:
    assert expected == starts_at(spec, AT)


def test_a_job_that_ended_has_no_deadline() -> None:
    spec = {"timeout.job": MINUTE, "timeout.soft.job": SECOND}
    for status in (j.PENDING, j.QUEUED, j.RUNNING):
        ending = {"run": RUN, "ending": ENDING} if status == j.RUNNING else {}
        over = after(job_in(status, spec=spec, deadline=NOW), e.Ended(outcome=j.LOST, reason="r", **ending), NOW)
        assert over.deadline is None
        assert deadline(over) is None
        assert at_deadline(over, 2 * NOW) is None


SPECS = st.fixed_dictionaries(
    {},
    optional={
        name: st.integers(0, 10**12) for name in ("timeout.job", "timeout.soft.job")
    } | {name: st.integers(AT, AT + 10**12) for name in ("wait.abort-datetime", "retries.abort-datetime")},
)  # fmt: skip


@given(SPECS, st.sampled_from([j.PENDING, j.QUEUED, j.RUNNING]), st.integers(0, 3), st.booleans(), st.integers(0, 10**12))
def test_something_happens_at_the_deadline_and_nothing_before(spec: dict[str, Any], status: str, run: int, paused: bool, off: int) -> None:
    job = job_in(status, run=run, spec=spec, paused=paused)
    at = deadline(job)
    if at is None:
        assert at_deadline(job, AT + 10**13) is None
        return
    assert at_deadline(job, at - 1 - off) is None
    steps = 0
    while job.status != j.ENDED and (event := at_deadline(job, at + off)) is not None:
        job = after(job, event, at + off)
        steps += 1
        assert steps < 4, "it comes again and again"
    assert steps
    assert job.deadline is None or job.deadline > at + off
