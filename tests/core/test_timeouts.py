"""The time limits of one run, by its own clock."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.samples import NOW, RUN, job_in
from outlast.core import job as j
from outlast.core.events import Signalled, StopRequested, Warned
from outlast.core.lifecycle import after
from outlast.core.timeouts import TIMES, WHAT, Clocks, has_percentage, limits_of, next_look, reached

SECOND = 1_000_000_000
MS = 1_000_000


def running(**spec: Any) -> Any:
    return job_in(j.RUNNING, spec={name.replace("_", "."): given for name, given in spec.items()})


def clocks(**fields: int) -> Clocks:
    return Clocks(**{"run": 0, **fields})


@pytest.mark.parametrize(
    ("spec", "usual", "expected"),
    [
        ({}, None, {}),
        ({"timeout.run": 5 * SECOND}, None, {"run": 5 * SECOND}),
        ({"timeout.run": 5 * SECOND, "timeout.soft.run": SECOND}, 7, {"run": 5 * SECOND, "soft_run": SECOND}),
        ({"timeout.run": "300%"}, 2 * SECOND, {"run": 6 * SECOND, "usual": 2 * SECOND}),
        ({"timeout.soft.run": "150%"}, 2 * SECOND, {"soft_run": 3 * SECOND, "usual": 2 * SECOND}),
        ({"timeout.run": "300%"}, None, {"usual": None}),  # it never ran: nothing is usual
        ({"timeout.run": "1%"}, 9, {"run": 1, "usual": 9}),  # never no time at all
        ({"timeout.run": "1%"}, 0, {"run": 1, "usual": 0}),
    ],
)
def test_what_holds_for_the_next_run(spec: dict[str, Any], usual: int | None, expected: dict[str, int]) -> None:
    job = job_in(j.QUEUED, spec=spec, paused_for=11)
    assert {"paused_before": 11, **expected} == limits_of(job, usual)
    assert has_percentage(spec) == ("usual" in expected)


@pytest.mark.parametrize("what", WHAT)
def test_the_hard_limit_ends_the_run_and_not_the_job(what: str) -> None:
    job = running(**{f"timeout_{what}": SECOND})
    limits = limits_of(job, None)
    at = clocks(**{what: SECOND - 1})
    assert (1, []) == (next_look(job, limits, at), reached(job, limits, at))
    (event,) = reached(job, limits, clocks(**{what: SECOND}))
    assert isinstance(event, StopRequested)
    assert (j.TIMEOUT, f"timeout.{what}", "run") == (event.verb, event.by, event.scope)
    said = {"run": "was reached", "heartbeat": "passed without a heartbeat", "output": "passed without output"}
    assert f"timeout.{what} of 1s {said[what]}" == event.why
    asked = after(job, event, NOW)
    assert ([], None) == (reached(asked, limits, clocks(**{what: 9 * SECOND})), next_look(asked, limits, at))  # it is being ended


@pytest.mark.parametrize("what", WHAT)
def test_the_soft_limit_warns_once_in_every_run(what: str) -> None:
    job = running(**{f"timeout_soft_{what}": SECOND})
    limits = limits_of(job, None)
    assert SECOND == next_look(job, limits, clocks())
    (event,) = reached(job, limits, clocks(**{what: SECOND}))
    assert isinstance(event, Warned)
    assert (f"timeout.soft.{what}", RUN) == (event.warning, event.run)
    assert event.text.startswith(f"timeout.soft.{what} of 1s ")
    warned = after(job, event, NOW)
    assert ([], None) == (reached(warned, limits, clocks(**{what: 9 * SECOND})), next_look(warned, limits, clocks()))
    again = warned.replace(run=RUN + 1)
    assert [RUN + 1] == [told.run for told in reached(again, limits, clocks(**{what: SECOND})) if isinstance(told, Warned)]


def test_a_percentage_says_of_what() -> None:
    job = running(timeout_run="300%")
    (event,) = reached(job, limits_of(job, 2 * SECOND), clocks(run=6 * SECOND))
    assert isinstance(event, StopRequested)
    assert "timeout.run of 6s (300% of the usual 2s) was reached" == event.why
    assert next_look(job, limits_of(job, None), clocks(run=10**18)) is None


def test_a_signal_warns_before_the_end() -> None:
    job = job_in(j.RUNNING, spec={"timeout.run": 10 * SECOND, "timeout.warn-signal": 10, "timeout.warn-before": 4 * SECOND})
    limits = limits_of(job, None)
    assert 6 * SECOND == next_look(job, limits, clocks())
    assert [Signalled(signal=10, by="warning")] == reached(job, limits, clocks(run=6 * SECOND))
    warned = after(job, Warned(warning="timeout.warn-signal", text="t", run=RUN), NOW)
    assert (4 * SECOND, []) == (next_look(warned, limits, clocks(run=6 * SECOND)), reached(warned, limits, clocks(run=6 * SECOND)))
    late = reached(job, limits, clocks(run=11 * SECOND))  # it could not be looked at before
    assert [Signalled, StopRequested] == [type(event) for event in late]


def test_a_signal_that_should_come_before_the_beginning_comes_at_once() -> None:
    job = job_in(j.RUNNING, spec={"timeout.run": 10 * SECOND, "timeout.warn-signal": 10, "timeout.warn-before": 60 * SECOND})
    assert 0 == next_look(job, limits_of(job, None), clocks())
    assert [Signalled(signal=10, by="warning")] == reached(job, limits_of(job, None), clocks())


def test_a_signal_warns_of_the_end_of_the_job_too() -> None:
    job = job_in(j.RUNNING, spec={"timeout.job": 60 * SECOND, "timeout.warn-signal": 12, "timeout.warn-before": 5 * SECOND})
    limits = limits_of(job, None)
    assert 15 * SECOND == next_look(job, limits, clocks(run=3 * SECOND, job_left=20 * SECOND))
    assert [Signalled(signal=12, by="warning")] == reached(job, limits, clocks(run=3 * SECOND, job_left=5 * SECOND))
    assert [] == reached(job, limits, clocks(run=3 * SECOND, job_left=5 * SECOND + 1))


def test_of_several_limits_only_one_ends_it_and_all_warnings_are_told() -> None:
    spec = {f"timeout.{what}": SECOND for what in WHAT} | {f"timeout.soft.{what}": SECOND // 2 for what in WHAT}
    job = job_in(j.RUNNING, spec=spec)
    events = reached(job, limits_of(job, None), clocks(run=9 * SECOND, heartbeat=9 * SECOND, output=9 * SECOND))
    assert [Warned, Warned, Warned, StopRequested] == [type(event) for event in events]
    assert "timeout.run" == events[-1].by


def test_nothing_limits_a_job_without_limits() -> None:
    job = running()
    assert (None, []) == (next_look(job, limits_of(job, None), clocks(run=10**18)), reached(job, limits_of(job, None), clocks(run=10**18)))
    assert {"timeout.run", "timeout.soft.heartbeat", "timeout.output", "timeout.warn-signal"} <= TIMES
    assert "timeout.job" not in TIMES  # of that the wall clock is asked


LIMITS = st.integers(1, 10**12)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        **{f"timeout.{soft}{what}": LIMITS for what in WHAT for soft in ("", "soft.")},
        "timeout.warn-signal": st.integers(1, 31), "timeout.warn-before": LIMITS,
    },
)  # fmt: skip


@given(SPECS, LIMITS, LIMITS, LIMITS, st.none() | LIMITS)
def test_something_is_reached_just_when_it_is_to_be_looked_at(
    spec: dict[str, Any], run: int, beat: int, output: int, left: int | None
) -> None:
    job = job_in(j.RUNNING, spec=spec)
    limits = limits_of(job, None)
    at = Clocks(run=run, heartbeat=beat, output=output, job_left=left)
    wait = next_look(job, limits, at)
    assert (wait == 0) == bool(reached(job, limits, at))
    if wait:
        later = Clocks(run=run + wait, heartbeat=beat + wait, output=output + wait, job_left=None if left is None else left - wait)
        assert reached(job, limits, later)
        sooner = Clocks(
            run=run + wait - 1, heartbeat=beat + wait - 1, output=output + wait - 1, job_left=None if left is None else left - wait + 1
        )
        assert [] == reached(job, limits, sooner)
