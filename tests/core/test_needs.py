"""What a job needs before it may be queued, and whether that is met."""

from typing import Any

import pytest

from core.samples import NOW, job_in
from outlast.core import events as e
from outlast.core import job as j
from outlast.core.errors import UsageError
from outlast.core.lifecycle import after
from outlast.core.needs import MET, NEVER, Need, met, named, needs_of, turn, verdict, wanted

SUCCEEDED = (j.SUCCEEDED,)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"after.succeeded": [3]}, [Need(name="job:3", other=3, outcomes=SUCCEEDED)]),
        ({"after.failed": [3, 4]}, [Need(name="job:3", other=3, outcomes=j.FAILURES), Need(name="job:4", other=4, outcomes=j.FAILURES)]),
        ({"after.ended": [3]}, [Need(name="job:3", other=3, outcomes=j.OUTCOMES)]),
        ({"after.outcome": {"3": "neutral, lost"}}, [Need(name="job:3", other=3, outcomes=("neutral", "lost"))]),
        ({"while-running": [3]}, [Need(name="running:3", other=3)]),
        ({"approval": True}, [Need(name="approval")]),
        ({"approval": False}, []),
        *(({f"wait.{kind}": ["x"]}, [Need(name="conditions")]) for kind in ("file", "nonopen-file", "script", "http", "s3", "condition")),
        ({"wait.datetime": NOW, "wait.timedelta": 5}, []),  # times are no needs
        ({"after.succeeded": [3, 3]}, [Need(name="job:3", other=3, outcomes=SUCCEEDED)]),
        # what is asked of one job in several ways must all hold
        ({"after.succeeded": [3], "after.ended": [3]}, [Need(name="job:3", other=3, outcomes=SUCCEEDED)]),
        ({"after.failed": [3], "after.outcome": {"3": "lost,succeeded"}}, [Need(name="job:3", other=3, outcomes=(j.LOST,))]),
    ],
)
def test_the_needs_of_every_option(spec: dict[str, Any], expected: list[Need]) -> None:
    assert expected == needs_of(spec)


def test_several_needs_stand_beside_each_other() -> None:
    spec = {"after.succeeded": [3], "while-running": [4], "wait.file": ["x"], "wait.script": ["y"], "approval": True}
    assert ["job:3", "running:4", "conditions", "approval"] == [need.name for need in needs_of(spec)]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"after.succeeded": [3], "after.failed": [3]}, "job 3 cannot end in all these ways"),
        ({"after.succeeded": [3], "after.outcome": {"3": "lost"}}, "job 3 cannot end in all these ways"),
        ({"after.ended": [3], "while-running": [3]}, "job 3 cannot both have ended and run"),
    ],
)
def test_what_can_never_be_is_wrong_use(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        needs_of(spec)


AFTER = Need(name="job:42", other=42, outcomes=SUCCEEDED)
BESIDE = Need(name="running:42", other=42)
NO_END = [(status, None) for status in j.STATUSES if status != j.ENDED]


@pytest.mark.parametrize(("status", "outcome"), [*NO_END, *((j.ENDED, outcome) for outcome in j.OUTCOMES)])
def test_the_verdict_on_another_job(status: str, outcome: str | None) -> None:
    other = job_in(status, outcome=outcome)
    for outcomes in (SUCCEEDED, j.FAILURES, j.OUTCOMES, (j.NEUTRAL, j.LOST)):
        told, text = verdict(AFTER.replace(outcomes=outcomes), other.status, other.outcome)
        assert (None if outcome is None else MET if outcome in outcomes else NEVER) == told
        assert text.startswith("job 42 ")
        if told == NEVER:
            assert f"ended as `{outcome}`, and it was to start after " in text
    told, text = verdict(BESIDE, other.status, other.outcome)
    assert {j.RUNNING: MET, j.ENDED: NEVER}.get(status) == told
    assert "job 42" in text
    if told == NEVER:
        assert f"has ended ({outcome})" in text


def test_a_job_that_is_gone_can_never_be_what_was_wanted() -> None:
    for need in (AFTER, BESIDE):
        assert (NEVER, "job 42 is gone") == verdict(need, None, None)


def test_why_it_can_never_be() -> None:
    other = job_in(j.ENDED, outcome=j.STOPPED)
    texts = {
        outcomes: verdict(AFTER.replace(outcomes=outcomes), other.status, other.outcome)[1]
        for outcomes in (SUCCEEDED, j.FAILURES, (j.LOST, j.NEUTRAL))
    }
    assert [
        "job 42 ended as `stopped`, and it was to start after that had succeeded",
        "job 42 ended as `stopped`, and it was to start after that had failed",
        "job 42 ended as `stopped`, and it was to start after one of lost, neutral",
    ] == list(texts.values())


def test_how_it_is_to_end_in_words() -> None:
    words = [wanted(outcomes) for outcomes in (SUCCEEDED, j.FAILURES, j.OUTCOMES, (j.LOST, j.NEUTRAL))]
    assert ["to succeed", "to fail", "to end", "to end as lost or neutral"] == words


@pytest.mark.parametrize(
    ("waits", "until", "fields", "queued"),
    [
        (1, None, {}, True),
        (2, None, {}, False),  # there is another one
        (1, NOW, {}, True),
        (1, NOW + 1, {}, False),
        (1, None, {"next_run_at": NOW + 1}, False),
        (1, None, {"next_run_at": NOW}, True),
        (1, None, {"held": True}, False),
        (1, None, {"paused": True}, False),
    ],
)
def test_the_last_need_that_is_met_queues_it(waits: int, until: int | None, fields: dict[str, Any], queued: bool) -> None:
    job = job_in(j.PENDING, waits=waits, **{"next_run_at": None, **fields})
    events = met(job, "approval", "because", until, NOW)
    assert [e.Met(need="approval", text="because", until=until), *([e.Queued(because="because")] if queued else [])] == events
    for event in events:
        job = after(job, event, NOW)
    assert (j.QUEUED if queued else j.PENDING, waits - 1) == (job.status, job.waits)
    if not queued and waits == 1:
        assert job.next_run_at is not None  # else nobody would ever look at it again


def test_the_names_of_needs() -> None:
    assert "turn:n:n" == turn(job_in(j.PENDING))
    assert "turn:k:x" == turn(job_in(j.PENDING, key="x"))
    assert BESIDE == named("running:42")
    for name in ("turn:n:running:5", "approval", "turn:k:42"):
        assert Need(name=name) == named(name)
