"""Does another run follow, and when? The rules in their order, and the formula of the delay."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.samples import AT, ENDING, NOW, job_in
from outlast.core import job as j
from outlast.core.events import Ended, Retried
from outlast.core.retries import USUAL_MOST, after_run, delay
from outlast.core.times import LATEST

SECOND = 1_000_000_000
MINUTE = 60 * SECOND

# Rule by rule: what has to be so that it applies. RUN is 3, the run that ended failed unless a rule says otherwise.
APPLIES: dict[int, dict[str, Any]] = {
    1: {"stop_requested": {"verb": j.STOP, "scope": "job"}},
    2: {"outcome": j.LOST},
    3: {"successes": 5, "spec": {"retries.num-successes": 5}},
    4: {"failures": 4, "spec": {"retries.num-failures": 4}},
    5: {"spec": {"retries.num-runs": 2}},
    6: {"spec": {"retries.abort-datetime": NOW - 1}},
    7: {"spec": {"timeout.job": NOW - AT - 1}},
}
MARKS = {3: "(5 of 5 successes)", 4: "failures)", 5: " of 2", 6: "retries.abort-datetime", 7: "timeout.job"}
FEW = [rules for size in (0, 1, 2) for rules in combinations(APPLIES, size)]


def decided_by(rules: tuple[int, ...]) -> tuple[int, Ended | Retried]:
    """Return (the rule that decided, what follows) of a run for which all of `rules` apply."""
    spec: dict[str, Any] = {"retries.num-runs": None}
    fields: dict[str, Any] = {}
    for rule in rules:
        fields |= APPLIES[rule]
        spec |= APPLIES[rule].get("spec", {})
    outcome = fields.pop("outcome", j.FAILED)
    event = after_run(job_in(j.RUNNING, **{**fields, "spec": spec}), ENDING.replace(outcome=outcome), NOW)
    if isinstance(event, Retried):
        return 8, event
    found = [rule for rule, mark in MARKS.items() if mark in event.reason]
    assert len(found) < 2, event
    return found[0] if found else 2 if event.outcome == j.LOST and 1 not in rules else 1, event


@pytest.mark.parametrize("rules", FEW, ids=str)
def test_the_first_rule_that_applies_decides(rules: tuple[int, ...]) -> None:
    rule, event = decided_by(rules)
    assert min(rules, default=8) == rule
    if isinstance(event, Ended):
        assert {6: j.ABORTED, 7: j.TIMED_OUT}.get(rule, j.LOST if 2 in rules else j.FAILED) == event.outcome
        assert event.reason.startswith(f"{'timed out: ' if rule == 7 else ''}exit code 7")
        assert event.reason == "exit code 7" or rule > 2


def test_the_first_rule_decides_however_many_apply() -> None:
    for size in range(3, len(APPLIES) + 1):
        for rules in combinations(APPLIES, size):
            assert rules[0] == decided_by(rules)[0], rules


@pytest.mark.parametrize(
    ("outcome", "spec", "counts", "expected"),
    [
        # enough successes: this run counts if it succeeded
        (j.SUCCEEDED, {"retries.num-successes": 3}, {"successes": 2}, "exit code 7 (3 of 3 successes)"),
        (j.SUCCEEDED, {"retries.num-successes": 3}, {"successes": 1}, None),
        (j.SUCCEEDED, {"retries.num-successes": None}, {"successes": 99}, None),
        (j.SUCCEEDED, {}, {}, "exit code 7"),
        (j.FAILED, {"retries.num-successes": 3}, {"successes": 2}, None),
        # enough failures: every failure that is charged
        (j.FAILED, {"retries.num-failures": 2}, {"failures": 1}, "exit code 7 (2 of 2 failures)"),
        (j.TIMED_OUT, {"retries.num-failures": 2}, {"failures": 1}, "exit code 7 (2 of 2 failures)"),
        (j.NOT_STARTED, {"retries.num-failures": 2}, {"failures": 1}, "exit code 7 (2 of 2 failures)"),
        (j.NEUTRAL, {"retries.num-failures": 2}, {"failures": 1}, None),
        (j.STOPPED, {"retries.num-failures": 2}, {"failures": 1}, None),
        (j.SUCCEEDED, {"retries.num-failures": 2, "retries.num-successes": None}, {"failures": 1}, None),
        (j.LOST, {"retries.num-failures": 2, "retries.after-interrupt": True}, {"failures": 1}, None),
        # what is lost or interrupted by the machine's end stays so, unless it may run again; then it is not charged
        (j.LOST, {}, {}, "exit code 7"),
        (j.INTERRUPTED, {}, {}, "exit code 7"),
        (j.LOST, {"retries.after-interrupt": True}, {}, None),
        (j.INTERRUPTED, {"retries.after-interrupt": True, "retries.num-runs": 3}, {}, None),
        (j.INTERRUPTED, {"retries.after-interrupt": True, "retries.num-runs": 1}, {"uncharged": 2}, None),
        (j.LOST, {"retries.after-interrupt": True, "retries.num-runs": 2}, {}, "exit code 7 (run 3, 2 of 2 charged)"),
        (j.FAILED, {"retries.after-interrupt": True, "retries.num-runs": 1}, {"uncharged": 2}, "exit code 7"),
    ],
)
def test_what_counts(outcome: str, spec: dict[str, Any], counts: dict[str, int], expected: str | None) -> None:
    job = job_in(j.RUNNING, spec={"retries.num-runs": None, **spec}, **counts)
    event = after_run(job, ENDING.replace(outcome=outcome), NOW)
    assert (expected, Retried if expected is None else Ended) == (getattr(event, "reason", None), type(event))


def test_the_instant_of_the_next_run_itself_is_not_too_late() -> None:
    for name, limit in (("retries.abort-datetime", NOW + MINUTE), ("timeout.job", NOW + MINUTE - AT)):
        for more, expected in ((0, Retried), (-1, Ended)):
            job = job_in(j.RUNNING, spec={"retries.num-runs": None, "retries.delay": MINUTE, name: limit + more})
            assert expected is type(after_run(job, ENDING, NOW)), name


def test_what_a_job_was_paused_for_is_no_time_of_it() -> None:
    spec = {"retries.num-runs": None, "retries.delay": MINUTE, "timeout.job": NOW - AT}
    assert isinstance(after_run(job_in(j.RUNNING, spec=spec), ENDING, NOW), Ended)
    assert isinstance(after_run(job_in(j.RUNNING, spec=spec, paused_for=MINUTE), ENDING, NOW), Retried)


def test_a_run_that_is_not_charged_does_not_raise_the_delay() -> None:
    spec = {"retries.num-runs": None, "retries.delay": SECOND, "retries.exponential-backoff-base": 2.0, "retries.after-interrupt": True}
    for uncharged, outcome, expected in ((0, j.FAILED, 4), (1, j.FAILED, 2), (2, j.FAILED, 1), (0, j.LOST, 2), (2, j.LOST, 1)):
        event = after_run(job_in(j.RUNNING, spec=spec, uncharged=uncharged), ENDING.replace(outcome=outcome), NOW)
        assert isinstance(event, Retried)
        assert NOW + expected * SECOND == event.next_run_at, (uncharged, outcome)


@pytest.mark.parametrize(
    ("base", "first", "most", "expected"),
    [
        (1.0, 10, None, [10, 10, 10, 10]),
        (1.0, 3600, None, [3600, 3600]),  # no limit acts without a base
        (1.0, 10, 5, [10, 10]),
        (2.0, 1, None, [1, 2, 4, 8, 16]),
        (1.5, 4, None, [4, 6, 9, 13.5]),
        (0.5, 8, None, [8, 4, 2, 1]),
        (0.5, 3600, 5, [3600, 1800]),  # what shrinks has no limit
        (10.0, 60, None, [60, 600, 600, 600]),  # 10 minutes unless said otherwise
        (2.0, 900, None, [900, 900]),  # the delay itself, if that is longer
        (2.0, 60, 100, [60, 100, 100]),
        (2.0, 60, 30, [30, 30]),
        (10.0, 60, "none", [60, 600, 6000, 60_000]),
    ],
)
def test_the_delays_one_after_the_other(base: float, first: int, most: int | str | None, expected: list[float]) -> None:
    spec: dict[str, Any] = {"retries.delay": first * SECOND, "retries.exponential-backoff-base": base}
    if most is not None:
        spec["retries.max-delay"] = None if most == "none" else int(most) * SECOND
    assert [seconds * SECOND for seconds in expected] == [delay(spec, charged) for charged in range(1, len(expected) + 1)]


def test_after_a_success_it_may_be_another_one() -> None:
    spec = {"retries.delay": 5 * SECOND, "retries.success-delay": 90 * SECOND, "retries.exponential-backoff-base": 2.0}
    assert (90, 5) == tuple(delay(spec, 1, succeeded=succeeded) // SECOND for succeeded in (True, False))
    assert 180 * SECOND == delay(spec, 2, succeeded=True)
    assert 0 == delay({**spec, "retries.success-delay": 0}, 2, succeeded=True)
    assert 5 * SECOND == delay({"retries.delay": 5 * SECOND}, 1, succeeded=True)
    several = {"retries.num-runs": None, "retries.num-successes": None, **spec}
    for outcome, expected in ((j.SUCCEEDED, 90 * 4), (j.FAILED, 5 * 4), (j.NEUTRAL, 5 * 4)):
        event = after_run(job_in(j.RUNNING, spec=several), ENDING.replace(outcome=outcome), NOW)
        assert isinstance(event, Retried)
        assert NOW + expected * SECOND == event.next_run_at


@pytest.mark.parametrize(("chance", "expected"), [(0, 8), (0.25, 9), (0.5, 10), (0.75, 11), (1, 12)])
def test_jitter_lies_around_the_delay_over_its_full_width(chance: float, expected: int) -> None:
    spec = {"retries.delay": 10 * SECOND, "retries.jitter-range": 4 * SECOND}
    assert expected * SECOND == delay(spec, 1, chance)
    event = after_run(job_in(j.RUNNING, spec={**spec, "retries.num-runs": None}), ENDING, NOW, chance=chance)
    assert isinstance(event, Retried)
    assert NOW + expected * SECOND == event.next_run_at


def test_jitter_comes_after_the_limit_and_makes_no_delay_negative() -> None:
    spec = {
        "retries.delay": 10 * SECOND, "retries.exponential-backoff-base": 2.0, "retries.max-delay": 15 * SECOND,
        "retries.jitter-range": 10 * SECOND,
    }  # fmt: skip
    assert (10, 15, 20) == tuple(delay(spec, 9, chance) // SECOND for chance in (0, 0.5, 1))
    wide = {"retries.delay": SECOND, "retries.jitter-range": 10 * SECOND}
    assert (0, 0, 1, 6) == tuple(delay(wide, 1, chance) // SECOND for chance in (0, 0.3, 0.5, 1))
    assert (0, 5) == tuple(delay({"retries.jitter-range": 10 * SECOND}, 1, chance) // SECOND for chance in (0, 1))


def test_what_overflows_is_for_ever() -> None:
    spec = {"retries.delay": SECOND, "retries.exponential-backoff-base": 999_999.0, "retries.max-delay": None, "retries.num-runs": None}
    for charged in (4, 50, 51, 52, 53, 54, 10**9):
        assert LATEST == delay(spec, charged), charged
        assert USUAL_MOST == delay({**spec, "retries.max-delay": 0}, charged)
    assert 0 == delay({**spec, "retries.delay": 0}, 10**9)
    assert 0 == delay({**spec, "retries.exponential-backoff-base": 1e-6}, 10**9)
    event = after_run(job_in(j.RUNNING, run=10**9, spec={**spec, "retries.jitter-range": LATEST}), ENDING, NOW, chance=1)
    assert isinstance(event, Retried)
    assert LATEST == event.next_run_at


SPECS = st.fixed_dictionaries(
    {"retries.num-runs": st.none() | st.integers(1, 5)},
    optional={
        "retries.num-successes": st.none() | st.integers(1, 5), "retries.num-failures": st.none() | st.integers(1, 5),
        "retries.delay": st.integers(0, LATEST), "retries.success-delay": st.integers(0, LATEST),
        "retries.exponential-backoff-base": st.floats(1e-9, 1e6, exclude_max=True), "retries.max-delay": st.none() | st.integers(0, LATEST),
        "retries.jitter-range": st.integers(0, LATEST), "retries.after-interrupt": st.booleans(),
        "retries.abort-datetime": st.integers(0, LATEST), "timeout.job": st.none() | st.integers(1, LATEST),
    },
)  # fmt: skip
WISHES = st.none() | st.builds(
    lambda verb, scope: {"verb": verb, "scope": scope}, st.sampled_from(j.STOP_VERBS), st.sampled_from(["job", "run"])
)


@given(SPECS, st.sampled_from(j.OUTCOMES), WISHES, st.floats(0, 1), st.integers(1, 10**9), st.data())
def test_always_an_end_or_an_instant_that_is_not_past(
    spec: dict[str, Any], outcome: str, wish: dict[str, Any] | None, chance: float, run: int, data: Any
) -> None:
    uncharged = data.draw(st.integers(0, run - 1))
    job = job_in(j.RUNNING, run=run, spec=spec, stop_requested=wish, uncharged=uncharged)
    ending = ENDING.replace(outcome=outcome)
    event = after_run(job, ending, NOW, chance=chance)
    assert (run, ending) == (event.run, event.ending)
    if isinstance(event, Ended):
        assert event.outcome in {outcome, j.ABORTED, j.TIMED_OUT}
        assert event.reason
        return
    assert NOW <= event.next_run_at <= LATEST
    assert wish is None or wish["scope"] == "run"
    charged = run - uncharged - (outcome in j.UNCHARGED)
    assert spec["retries.num-runs"] is None or charged < spec["retries.num-runs"]
    assert event.next_run_at <= spec.get("retries.abort-datetime", LATEST)


@given(st.integers(0, LATEST), st.floats(1, 1e6, exclude_max=True), st.integers(1, 10**6), st.floats(0, 1), st.integers(0, LATEST))
def test_with_jitter_it_stays_within_half_of_it(first: int, base: float, charged: int, chance: float, jitter: int) -> None:
    spec = {"retries.delay": first, "retries.exponential-backoff-base": base}
    plain, shifted = delay(spec, charged), delay({**spec, "retries.jitter-range": jitter}, charged, chance)
    assert max(0, plain - jitter // 2 - 1024) <= shifted <= plain + jitter // 2 + 1024  # floats are that exact
    assert delay(spec, charged) <= delay(spec, charged + 1) <= max(first, USUAL_MOST)
