"""What would become of a job: the retries that would follow if every run failed at once."""

from typing import Any

import pytest

from core.samples import AT, NOW, job_in
from outlast.core import job as j
from outlast.core.rehearsal import FORESEEN, Retry, jitter, retries_ahead

SECOND = 1_000_000_000


def ahead(**spec: Any) -> tuple[list[float], str]:
    """Return (the delays in seconds, what would end it)."""
    job = job_in(j.QUEUED, run=0, spec={name.replace("_", "."): given for name, given in spec.items()})
    found, over = retries_ahead(job, NOW)
    assert list(range(2, len(found) + 2)) == [retry.run for retry in found]
    at = NOW
    for retry in found:
        at += retry.delay
        assert at == retry.at
    return [retry.delay / SECOND for retry in found], over


@pytest.mark.parametrize(
    ("spec", "delays", "over"),
    [
        ({}, [], ""),
        ({"retries.num-runs": 3}, [0, 0], "run 3 failed (run 3 of 3)"),
        ({"retries.num-runs": 6, "retries.delay": SECOND}, [1] * 5, "run 6 failed (run 6 of 6)"),
        ({"retries.num-runs": 7, "retries.delay": SECOND}, [1] * 5, ""),  # the five first ones
        ({"retries.num-runs": None, "retries.delay": SECOND, "retries.exponential-backoff-base": 2.0}, [1, 2, 4, 8, 16], ""),
        ({"retries.num-runs": None, "retries.delay": 9 * SECOND, "retries.success-delay": SECOND}, [9] * 5, ""),
        ({"retries.num-runs": None, "retries.delay": 100 * SECOND, "retries.exponential-backoff-base": 3.0}, [100, 300, 600, 600, 600], ""),
        ({"retries.num-runs": 9, "retries.num-failures": 2}, [0], "run 2 failed (2 of 2 failures)"),
        ({"retries.num-runs": 9, "retries.num-failures": 1}, [], ""),
        ({"retries.num-runs": 9, "retries.delay": 2 * SECOND, "retries.jitter-range": SECOND}, [2] * 5, ""),  # in its middle
    ],
)  # fmt: skip
def test_the_retries_ahead(spec: dict[str, Any], delays: list[float], over: str) -> None:
    assert (delays, over) == ahead(**spec)


def test_times_end_them_too() -> None:
    endless = {"retries.num-runs": None, "retries.delay": 10 * SECOND}
    delays, over = ahead(**endless, **{"retries.abort-datetime": NOW + 25 * SECOND})
    assert [10, 10] == delays
    assert over.startswith("run 3 failed; run 4 would start after retries.abort-datetime, ")
    delays, over = ahead(**endless, **{"timeout.job": NOW - AT + 15 * SECOND})
    assert ([10], "timed out: run 2 failed; run 3 would start after timeout.job of 20s") == (delays, over)


def test_the_job_is_left_alone_and_no_more_than_five_are_foreseen() -> None:
    job = job_in(j.QUEUED, run=0, spec={"retries.num-runs": None})
    before = job.replace()
    found, _ = retries_ahead(job, NOW)
    assert before == job
    assert (5, 5) == (FORESEEN, len(found))
    assert Retry(run=2, delay=0, at=NOW) == found[0]


def test_how_far_chance_may_shift_them() -> None:
    assert 2 * SECOND == jitter(job_in(j.QUEUED, spec={"retries.jitter-range": 4 * SECOND}))
    assert 0 == jitter(job_in(j.QUEUED))
