"""`why` answers for every job there can be: a sentence with its id, and no exception."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.samples import AT, NOW, job_in
from outlast.core import job as j
from outlast.core.times import LATEST
from outlast.core.why import Around, why

times = st.none() | st.integers(0, LATEST)
wishes = st.none() | st.fixed_dictionaries(
    {
        "verb": st.sampled_from([*j.STOP_VERBS, j.TIMEOUT]),
        "why": st.just("timeout.run of 5s was reached"),
        "signal": st.none(),
        "grace": st.none(),
        "scope": st.just("job"),
        "at": st.integers(0, LATEST),
    },
    optional={"sent_at": st.integers(0, LATEST)},
)
jobs = st.fixed_dictionaries(
    {
        "status": st.sampled_from(j.STATUSES), "reason": st.none() | st.text(), "exit_code": st.none() | st.integers(0, 255),
        "signal": st.none() | st.integers(1, 64), "run": st.integers(0, 2**40), "pid": st.none() | st.integers(1, 2**22),
        "queued_at": times, "started_at": times, "ended_at": times, "next_run_at": times, "paused": st.booleans(), "held": st.booleans(),
        "paused_at": times, "paused_for": st.integers(0, LATEST), "deadline": times, "waits": st.integers(0, 9),
        "successes": st.integers(0, 9), "failures": st.integers(0, 9), "uncharged": st.integers(0, 9),
        "warnings": st.lists(st.just({"warning": "w", "text": "it is late", "at": AT, "run": None, "count": 1}), max_size=2),
        "stop_requested": wishes, "group": st.none() | st.text(min_size=1),
        "spec": st.fixed_dictionaries({}, optional={
            "retries.num-runs": st.none() | st.integers(1, 2**40), "retries.delay": st.none() | st.integers(0, LATEST),
            "retries.num-failures": st.none() | st.integers(1, 9), "retries.exponential-backoff-base": st.floats(0.1, 1e5),
            "retries.abort-datetime": st.integers(0, LATEST), "wait.abort-datetime": st.integers(0, LATEST), "wait.any": st.booleans(),
            "timeout.job": st.none() | st.integers(1, LATEST), "slots": st.integers(1, 9), "pending": st.just("d7"),
        }),
    }
)  # fmt: skip
arounds = st.builds(
    Around,
    slots=st.none() | st.integers(1, 99), running=st.integers(0, 99), before=st.integers(0, 99), group_paused=st.booleans(),
    supervised=st.booleans(), waiting_for=st.lists(st.just("for job 3 to end"), max_size=12).map(tuple),
    mutex=st.none() | st.just((7, "tape")), limits=st.none() | st.just({"run": 5}) | st.just({"run": None}),
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


# Every status, reason, outcome and policy: true, and with a way out

MINUTE = 60_000_000_000


@pytest.mark.parametrize("outcome", j.OUTCOMES)
@pytest.mark.parametrize("run", [0, 3])
def test_every_outcome_has_its_meaning_and_a_way_to_run_it_again(outcome: str, run: int) -> None:
    text = told(j.ENDED, outcome=outcome, run=run, reason="because of it", started_at=AT if run else None)
    assert f"{outcome}: because of it." in text
    assert text.endswith("`outlast rerun 42` runs it again.")
    if outcome != j.SUCCEEDED and (run or outcome in {j.ABORTED, j.DISABLED, j.SKIPPED, j.STOPPED, j.LOST}):
        assert 3 <= len([part for part in re.split(r"\. |: ", text) if part]), text  # there is a sentence about the outcome


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (j.TIMED_OUT, "It was to run once (retries.num-runs is 1), so it was not tried again."),
        (j.ABORTED, "It could not start any more"),
        (j.DISABLED, "`outlast enable` takes it back"),
        (j.SKIPPED, "(`--overlap` or `--unless-fresh`)"),
        (j.STOPPED, "which is not a failure"),
        (j.INTERRUPTED, "not charged to the retries. It is run again only with `--retries.after-interrupt`."),  # nobody asked for it
        (j.LOST, "What cannot be known is not guessed"),
        (j.NEUTRAL, "in neither list"),
        (j.NOT_STARTED, "It was to run once"),
    ],
)
def test_what_an_outcome_means(outcome: str, said: str) -> None:
    assert said in told(j.ENDED, outcome=outcome)


def test_a_limit_of_the_usual_that_is_not_known_is_said_to_be_none() -> None:
    spec = {"timeout.run": "300%"}
    assert "its limit of 300% of the usual is none" in told(j.RUNNING, Around(limits={"usual": None}), spec=spec)
    assert "A run of it may take 3s (timeout.run)." in told(j.RUNNING, Around(limits={"usual": 1, "run": 3_000_000_000}), spec=spec)


def test_a_person_who_interrupts_is_not_told_how_to_have_it_run_again() -> None:
    assert "after-interrupt" not in told(j.ENDED, outcome=j.INTERRUPTED, stop_requested={"verb": j.INTERRUPT, "scope": "job", "at": AT})


def test_why_no_other_run_follows() -> None:
    assert "It had its 3 runs (retries.num-runs)." in told(j.ENDED, spec={"retries.num-runs": 3})
    assert "runs (retries" not in told(j.ENDED, spec={"retries.num-runs": 3}, uncharged=1)
    few = {"retries.num-runs": None, "retries.num-failures": 2}
    assert "It failed 2 times, no more are allowed (retries.num-failures)." in told(j.ENDED, spec=few, failures=2)
    assert "no more are allowed" not in told(j.ENDED, spec=few, failures=1)
    assert "It had its 3 runs" in told(j.ENDED, outcome=j.TIMED_OUT, spec={"retries.num-runs": 3})


def test_what_a_pending_job_waits_for() -> None:
    first = {"run": 0, "exit_code": None, "next_run_at": None}
    around = Around(waiting_for=("for job 3 (`a`) to succeed: it is running", "for somebody's approval: `outlast approve 42`"))
    assert (
        "Job 42 waits for job 3 (`a`) to succeed: it is running; and for somebody's approval: `outlast approve 42`."
        == told(j.PENDING, around, **first)
    )  # fmt: skip
    assert re.fullmatch(r"Job 42 waits until .*\d\d:\d\d:\d\d\.", told(j.PENDING, **{**first, "next_run_at": NOW + 5}))
    assert "Job 42 waits." == told(j.PENDING, **first)
    some = told(j.PENDING, Around(waiting_for=("for its conditions",)), **first, spec={"wait.any": True, "wait.file": ["x"]})
    assert "One of its conditions is enough (wait.any)." in some
    many = told(j.PENDING, Around(waiting_for=tuple(f"for job {number} to end" for number in range(1000))), **first)
    assert "for job 9 to end; and 990 more." in many
    assert "for job 10 to end" not in many


def test_a_reserved_job() -> None:
    assert "Job 42 is a reserved id; its command is still to come." == told(j.RESERVED)
    assert "still to come. The reservation lapses at TIME." in told(j.RESERVED, deadline=NOW + 5)


def test_who_stands_in_the_way_of_a_queued_job() -> None:
    barred = Around(mutex=(7, "tape"))
    assert "job 7, which runs, has the mutex `tape`. It starts when that has ended." in told(j.QUEUED, barred)
    many = Around(slots=5, running=3, before=0)
    text = told(j.QUEUED, many, group="g", spec={"slots": 3})
    assert "3 of the 5 slots of its group `g` are taken, and 0 jobs stand before it. It takes 3 slots itself." in text
    assert "has a free slot" in told(j.QUEUED, many, group="g", spec={"slots": 2})
    assert "`outlast group resume g` lets it go on" in told(j.QUEUED, many.replace(group_paused=True), group="g")


def test_what_limits_a_job_that_waits_or_runs() -> None:
    assert "A run of it may take 1m 00s (timeout.run)." in told(j.RUNNING, Around(limits={"run": MINUTE}))
    assert "timeout.run" not in told(j.PENDING, Around(limits={"run": MINUTE}))
    assert "All of it may take until " in told(j.QUEUED, spec={"timeout.job": MINUTE})
    assert "timeout.job" not in told(j.QUEUED, spec={"timeout.job": MINUTE}, paused=True, paused_at=AT)
    first = told(j.QUEUED, run=0, spec={"wait.abort-datetime": NOW + MINUTE, "retries.abort-datetime": NOW + MINUTE})
    assert "it is aborted (wait.abort-datetime)." in first
    assert "retries.abort" not in first
    later = told(j.PENDING, spec={"wait.abort-datetime": NOW + MINUTE, "retries.abort-datetime": NOW + MINUTE})
    assert "it is aborted (retries.abort-datetime)." in later
    assert "wait.abort" not in later
    assert "abort" not in told(j.RUNNING, spec={"retries.abort-datetime": NOW + MINUTE})


def test_what_was_warned_of() -> None:
    warning = {"warning": "timeout.soft.run", "text": "timeout.soft.run of 1m 00s was reached", "at": AT, "run": 3, "count": 1}
    assert "Warned at TIME: timeout.soft.run of 1m 00s was reached." in told(j.RUNNING, warnings=[warning])


def test_a_limit_that_ends_it_is_said_by_its_name() -> None:
    wish = {"verb": j.TIMEOUT, "scope": "run", "at": AT, "why": "timeout.run of 5s was reached"}
    assert "It is being ended since TIME: timeout.run of 5s was reached. The supervisor is to see to it." in told(
        j.RUNNING, stop_requested=wish
    )
    assert "SIGKILL follows" in told(j.RUNNING, stop_requested={**wish, "sent_at": NOW})


def test_how_a_held_or_paused_job_goes_on() -> None:
    for status in (j.RESERVED, j.PENDING, j.QUEUED, j.RUNNING):
        assert "`outlast release 42`" in told(status, held=True)
        assert "`outlast release --pending d7` lets it and all like it start." in told(status, held=True, spec={"pending": "d7"})
        text = told(status, paused=True, paused_at=AT)
        assert "It is paused since TIME, and its clocks stand still: `outlast resume 42` lets it go on." in text
        assert "pending with" not in told(status, held=False, spec={"pending": "d7"})


def test_the_growing_delay_between_runs() -> None:
    spec = {"retries.num-runs": None, "retries.delay": 1_000_000_000, "retries.exponential-backoff-base": 2.0}
    text = told(j.PENDING, spec=spec)
    assert "Job 42 waits for its run 4 at TIME: run 3 ended with exit code 1, and retries.delay is 1s, times 2 after each run." in text
    assert "without an exit code" in told(j.PENDING, spec=spec, exit_code=None)


def test_which_run_of_how_many_runs() -> None:
    for spec, uncharged, said in (
        ({}, 0, "running for 5s,"),
        ({"retries.num-runs": 5}, 0, "running for 5s (run 3 of 5),"),
        ({"retries.num-runs": None}, 0, "running for 5s (run 3 of as many as it takes),"),
        ({"retries.num-runs": 2}, 1, "running for 5s (run 3),"),
    ):
        assert said in told(j.RUNNING, spec=spec, uncharged=uncharged)
    assert "is being started." in told(j.RUNNING, pid=None)
