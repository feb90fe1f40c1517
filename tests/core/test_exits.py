"""The exit status of a job in front, for every outcome: a wrapper like `timeout` (CONTRACT)."""

from typing import Any

import pytest

from core.samples import job_in
from outlast.core import job as j
from outlast.core.exits import wrapper_status


@pytest.mark.parametrize(
    ("outcome", "fields", "expected"),
    [
        (j.SUCCEEDED, {"exit_code": 0}, 0),
        (j.SUCCEEDED, {"exit_code": 3}, 0),  # by success-codes
        (j.FAILED, {"exit_code": 7}, 7),
        (j.FAILED, {"exit_code": 255}, 255),
        (j.FAILED, {"exit_code": 0}, 1),  # 0 is not among its success-codes
        (j.FAILED, {"signal": 11}, 139),
        (j.NEUTRAL, {"exit_code": 9}, 9),
        (j.STOPPED, {"signal": 15}, 143),
        (j.STOPPED, {"signal": 9}, 137),  # it did not listen
        (j.STOPPED, {"exit_code": 0}, 143),  # it did, and tidied up
        (j.STOPPED, {"exit_code": 3}, 143),
        (j.STOPPED, {"exit_code": 0, "spec": {"stop.signal": 2}}, 130),
        (j.STOPPED, {"exit_code": 0, "stop_requested": {"verb": j.STOP, "signal": 1}}, 129),
        (j.STOPPED, {}, 143),  # before it started
        (j.STOPPED, {"stop_requested": {"verb": j.KILL, "signal": None}}, 137),
        (j.INTERRUPTED, {"signal": 2}, 130),
        (j.INTERRUPTED, {}, 143),  # the machine ended
        (j.NOT_STARTED, {"exit_code": 126}, 126),
        (j.NOT_STARTED, {"exit_code": 127}, 127),
        (j.NOT_STARTED, {}, 126),
        (j.TIMED_OUT, {"signal": 9}, 124),
        (j.LOST, {}, 125),
        (j.ABORTED, {}, 125),
        (j.SKIPPED, {}, 0),
        (j.DISABLED, {}, 0),
    ],
)
def test_wrapper_status(outcome: str, fields: dict[str, Any], expected: int) -> None:
    assert expected == wrapper_status(job_in(j.ENDED, **{"outcome": outcome, "exit_code": None, "signal": None, **fields}))


def test_a_signal_to_the_client_itself_is_what_it_exits_with() -> None:
    for outcome in (j.INTERRUPTED, j.STOPPED):
        assert 130 == wrapper_status(job_in(j.ENDED, outcome=outcome, exit_code=None, signal=15), signal=2)
    assert 7 == wrapper_status(job_in(j.ENDED, outcome=j.FAILED, exit_code=7), signal=2)  # it ended by itself first
    assert 0 == wrapper_status(job_in(j.ENDED, outcome=j.SUCCEEDED, exit_code=0), signal=2)


def test_what_did_not_run_can_be_told_apart() -> None:
    for outcome in j.OUTCOMES:
        job = job_in(j.ENDED, outcome=outcome, exit_code=None, signal=None)
        expected = 75 if outcome in {j.SKIPPED, j.DISABLED} else wrapper_status(job)
        assert expected == wrapper_status(job, fail_if_not_run=True)
