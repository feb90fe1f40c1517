"""`why` answers for every job there can be: a sentence with its id, and no exception."""

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.samples import AT, NOW, job_in
from outlast.core import job as j
from outlast.core.times import LATEST
from outlast.core.why import Around, why

times = st.none() | st.integers(0, LATEST)
wishes = st.none() | st.fixed_dictionaries(
    {"verb": st.sampled_from(j.STOP_VERBS), "signal": st.none(), "grace": st.none(), "scope": st.just("job"), "at": st.integers(0, LATEST)},
    optional={"sent_at": st.integers(0, LATEST)},
)
jobs = st.fixed_dictionaries(
    {
        "status": st.sampled_from(j.STATUSES), "reason": st.none() | st.text(), "exit_code": st.none() | st.integers(0, 255),
        "signal": st.none() | st.integers(1, 64), "run": st.integers(0, 2**40), "pid": st.none() | st.integers(1, 2**22),
        "queued_at": times, "started_at": times, "ended_at": times, "next_run_at": times, "paused": st.booleans(), "held": st.booleans(),
        "stop_requested": wishes, "group": st.none() | st.text(min_size=1),
        "spec": st.fixed_dictionaries({}, optional={
            "retries.num-runs": st.none() | st.integers(1, 2**40), "retries.delay": st.none() | st.integers(0, LATEST),
        }),
    }
)  # fmt: skip
arounds = st.builds(
    Around,
    slots=st.none() | st.integers(1, 99), running=st.integers(0, 99), before=st.integers(0, 99), group_paused=st.booleans(),
    supervised=st.booleans(),
)  # fmt: skip


@settings(deadline=None)
@given(jobs, st.sampled_from(j.OUTCOMES), arounds, st.integers(0, LATEST))
def test_it_always_has_an_answer(fields: dict[str, Any], outcome: str, around: Around, now: int) -> None:
    if fields["status"] == j.ENDED:
        fields["outcome"] = outcome
    text = why(job_in(**fields), around, now)
    assert text.startswith("Job 42 ")
    assert text.endswith(".")
    assert "None" not in text.replace(fields["reason"] or "", "").replace(fields["group"] or "", "")
    if fields["status"] == j.ENDED:
        assert outcome in text


def told(status: str, around: Around | None = None, **fields: Any) -> str:
    text = why(job_in(status, **fields), around or Around(), NOW)
    return re.sub(r"\b(at|since) (?:\w{3} +\d+ )?\d\d:\d\d(:\d\d)?", r"\1 TIME", text)


def test_a_job_that_waits_for_a_slot() -> None:
    full = Around(slots=2, running=2, before=1)
    assert "all 2 slots of its group `g` are taken, and 1 job stands before it" in told(j.QUEUED, full, group="g")
    assert "the only slot of its group `g` is taken, and 3 jobs stand" in told(j.QUEUED, Around(slots=1, running=1, before=3), group="g")
    assert "its group `g` is paused" in told(j.QUEUED, full.replace(group_paused=True), group="g")
    assert "starts as soon as the supervisor gets to it" in told(j.QUEUED)


def test_a_job_that_is_held_is_not_said_to_start_soon() -> None:
    assert "Job 42 has been queued since TIME. It is held: `outlast release 42` lets it start." == told(j.QUEUED, held=True)
    assert "Job 42 has been queued since TIME. It is paused: `outlast resume 42` lets it go on." == told(j.QUEUED, paused=True, group="g")


def test_a_job_between_its_runs() -> None:
    spec = {"retries.num-runs": 5, "retries.delay": 60_000_000_000}
    assert "waits for its run 4 of 5 at TIME: run 3 ended with exit code 1, and retries.delay is 1m 00s." in told(j.PENDING, spec=spec)
    assert "run 3 ended by SIGKILL" in told(j.PENDING, spec=spec, exit_code=None, signal=9)


def test_a_job_that_was_to_run_once_and_one_that_had_its_runs() -> None:
    assert "It was to run once (retries.num-runs is 1)" in told(j.ENDED)
    assert "It had its 3 runs" in told(j.ENDED, spec={"retries.num-runs": 3})
    assert "1 runs" not in told(j.ENDED, outcome=j.NEUTRAL)
    assert "in neither list" in told(j.ENDED, outcome=j.NEUTRAL, spec={"retries.num-runs": 3})


def test_a_wish_is_told_until_it_is_served() -> None:
    wish = {"verb": "stop", "at": AT}
    assert "Its end was asked for (`stop`) at TIME. The supervisor is to see to it." in told(j.RUNNING, stop_requested=wish)
    assert "SIGKILL follows" in told(j.RUNNING, stop_requested={**wish, "sent_at": NOW})
    assert "No supervisor lives" in told(j.RUNNING, Around(supervised=False))
