"""Which options fit together: what contradicts itself, or can never hold, is refused before anything is submitted."""

from typing import Any

import pytest

from outlast.core.combinations import check
from outlast.core.errors import UsageError
from outlast.core.options import TIMELESS, flatten, settle

SECOND = 1_000_000_000
MS = 1_000_000
NOW = 1_700_000_000 * SECOND

REFUSED = [
    ({"key": "k", "unique": True}, "--key and --unique exclude each other"),
    *(({name: ""}, f"--{name} is empty") for name in ("key", "group", "name", "pending")),
    # bounds
    ({"log.run.max-files": 1}, "--log.run.max-files: 1 is too small: it is at least 2; `none`"),
    ({"log.run.max-files": 1001}, "--log.run.max-files: 1001 is too large: it is at most 1000"),
    ({"log.file.max-bytes": 1023}, "is too small: it is at least 1KiB; `none`"),
    ({"leftovers.grace": 1_000_001 * SECOND}, "is too large"),
    ({"wait.poll-interval": 99 * MS}, "--wait.poll-interval: 99ms is too small: it is at least 100ms"),
    ({"wait.probe-timeout": 9 * MS}, "--wait.probe-timeout: 9ms is too small"),
    ({"unless-fresh": 0}, "--unless-fresh: 0s is too small: it is at least 1ms"),
    ({"retries.max-delay": 0}, "--retries.max-delay: 0s is too small: it is at least 1ms; `none`"),
    *(({f"timeout.{what}": 0}, f"--timeout.{what}: 0s is too small") for what in ("job", "heartbeat", "output")),
    *(({f"timeout.soft.{what}": 0}, f"--timeout.soft.{what}: 0s is too small") for what in ("job", "heartbeat", "output")),
    # retries
    ({"retries.success-codes": []}, "no code would mean success"),
    ({"retries.success-codes": [0, 3], "retries.failure-codes": [3]}, "exit code 3 cannot mean both"),
    ({"retries.failure-codes": [0]}, "exit code 0 cannot mean both"),
    ({"retries.num-successes": 2}, "it cannot succeed 2 times in 1 run: give --retries.num-runs 2"),
    ({"retries.num-successes": 4, "retries.num-runs": 3}, "it cannot succeed 4 times in 3 runs"),
    ({"retries.exponential-backoff-base": 0.0}, "0 would take every delay away"),
    ({"retries.abort-datetime": NOW}, "--retries.abort-datetime: 2023-11-1"),
    # waiting
    ({"wait.extra-delay": 5}, "--wait.extra-delay comes after a condition, and there is none"),
    *(({f"wait.{kind}": [""]}, f"--wait.{kind} is empty") for kind in ("file", "nonopen-file", "script", "http", "s3", "condition")),
    ({"wait.file": ["x", ""]}, "--wait.file is empty"),
    ({"wait.abort-datetime": NOW}, "is past: name a time that is to come"),
    ({"wait.abort-datetime": NOW + 5, "wait.datetime": NOW + 6}, "it could never start"),
    ({"wait.abort-datetime": NOW + 5, "wait.timedelta": 6}, "it could never start"),
    ({"wait.abort-datetime": NOW + 5, "wait.timedelta": 3, "wait.extra-delay": 3}, "it could never start"),
    ({"wait.abort-datetime": NOW + 5, "wait.timedelta": 6, "wait.file": ["x"]}, "it could never start"),
    ({"wait.abort-datetime": NOW + 5, "wait.timedelta": 6, "wait.datetime": NOW + 7, "wait.any": True}, "it could never start"),
    # limits
    *(
        ({f"timeout.{what}": 5 * SECOND, f"timeout.soft.{what}": soft}, f"--timeout.soft.{what} would come no sooner than --timeout.{what}")
        for what in ("run", "job", "heartbeat", "output") for soft in (5 * SECOND, 6 * SECOND)
    ),
    ({"timeout.warn-signal": 10}, "--timeout.warn-signal warns of a limit, and there is none"),
    ({"timeout.warn-signal": 10, "timeout.output": SECOND}, "--timeout.warn-signal warns of a limit, and there is none"),
    ({"log.stdout": False, "log.stderr": False, "timeout.output": SECOND}, "nothing of the output is kept"),
    ({"log.stdout": False, "log.stderr": False, "timeout.soft.output": SECOND}, "nothing of the output is kept"),
    # order
    ({"after.outcome": {"3": "sucess"}}, "--after.outcome 3: `sucess` is none of succeeded, failed, "),
    ({"after.outcome": {"3": "lost,"}}, "--after.outcome 3: `` is none of succeeded, failed, "),
    ({"slots": 2}, "--slots counts slots of a group"),
]  # fmt: skip

ACCEPTED: list[dict[str, Any]] = [
    {},
    {"key": "k", "unique": False},
    {"log.run.max-files": None},
    {"log.file.max-bytes": None},
    {"retries.max-delay": None, "timeout.job": None, "timeout.soft.job": None},
    {"wait.poll-interval": 100 * MS, "wait.probe-timeout": 10 * MS, "unless-fresh": MS, "wait.script": ["x"]},
    {"retries.num-successes": 3, "retries.num-runs": 3},
    {"retries.num-successes": 3, "retries.num-runs": None},
    {"retries.num-successes": None},
    {"retries.exponential-backoff-base": 1e-9},
    {"retries.abort-datetime": NOW + 1},
    {"wait.extra-delay": 0},
    {"wait.extra-delay": 5, "wait.file": ["x"]},
    {"wait.extra-delay": 5, "wait.timedelta": 5},
    {"wait.datetime": NOW - 5},  # a time that is past is met
    {"wait.abort-datetime": NOW + 5, "wait.datetime": NOW + 5},
    {"wait.abort-datetime": NOW + 5, "wait.datetime": NOW + 6, "wait.any": True, "wait.file": ["x"]},
    {"wait.abort-datetime": NOW + 5, "wait.datetime": NOW + 6, "wait.timedelta": 5, "wait.any": True},
    {"timeout.run": "300%", "timeout.soft.run": 5 * SECOND},  # nobody knows which comes first
    {"timeout.run": 5 * SECOND, "timeout.soft.run": "150%"},
    {"timeout.run": None, "timeout.soft.run": 5 * SECOND},
    {"timeout.run": 5 * SECOND, "timeout.warn-signal": 10},
    {"timeout.job": 5 * SECOND, "timeout.warn-signal": 10},
    {"timeout.run": "300%", "timeout.warn-signal": 10},
    {"timeout.output": SECOND, "log.stdout": False},
    {"after.outcome": {"3": "succeeded, lost"}},
    {"slots": 2, "group": "g"},
]


@pytest.mark.parametrize(("spec", "said"), REFUSED, ids=str)
def test_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(spec, NOW)
    assert said in str(caught.value)
    assert ": " in str(caught.value)  # what to do about it
    with pytest.raises(UsageError):
        settle(spec, NOW)  # whoever submits asks for it


@pytest.mark.parametrize("spec", ACCEPTED, ids=str)
def test_accepted(spec: dict[str, Any]) -> None:
    check(spec, NOW)
    assert settle(settle(spec, NOW), NOW) == settle(spec, NOW)


def test_two_percentages_are_compared() -> None:
    with pytest.raises(UsageError, match="would come no sooner"):
        check({"timeout.run": "150%", "timeout.soft.run": "150%"}, NOW)


def test_what_is_never_checked_is_never_refused() -> None:
    """Whoever gives no more than the timeless options pays for no checks: none of those above is among them alone."""
    for spec, said in REFUSED:
        named = {name for name in spec if spec[name] != ""}
        assert not (named and named <= TIMELESS), said


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"wait": {"datetime": "yesterdayish"}}, "--wait.datetime"),
        ({"wait": {"timedelta": "none"}}, "--wait.timedelta"),
        ({"timeout": 0}, "--timeout"),
        ({"timeout": "0%"}, "--timeout"),
        ({"timeout": "-5%"}, "--timeout"),
        ({"timeout": "1000001%"}, "--timeout"),
        ({"timeout": -5}, "--timeout"),
        ({"retries": {"exponential_backoff_base": "nan"}}, "--retries.exponential-backoff-base"),
        ({"retries": {"exponential_backoff_base": -1}}, "--retries.exponential-backoff-base"),
        ({"retries": {"exponential_backoff_base": 1e6}}, "--retries.exponential-backoff-base"),
        ({"retries": {"delay": -1}}, "--retries.delay"),
        ({"retries": {"jitter_range": "x"}}, "--retries.jitter-range"),
        ({"priority": 1.5}, "--priority"),
        ({"priority": 10**7}, "--priority"),
        ({"slots": 0}, "--slots"),
        ({"overlap": "queue=0"}, "--overlap"),
        ({"overlap": "skip=1"}, "`skip` takes no number"),
        ({"overlap": "allow="}, "--overlap"),
        ({"overlap": "queue=x"}, "--overlap"),
        ({"id": 0}, "--id"),
    ],
)
def test_values_that_are_none(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        flatten(keywords, NOW)
    assert said in str(caught.value)
