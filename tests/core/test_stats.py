"""Statistics of names on known lists, and against the standard library's on any."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core import job as j
from outlast.core.stats import SORTS, TREND, Ran, Stats, in_order, median, peak, percentile, stats, usual

NS = st.integers(min_value=0, max_value=2**62)


def ran(job: int, outcome: str = j.SUCCEEDED, took: int | None = 10, **changes: object) -> Ran:
    """Return one run of job `job` of `n`, which ended at second `job`."""
    run = {"run_outcome": outcome, "run_started_at": 1000 * job, "run_ended_at": 1000 * job + took} if took is not None else {}
    blank = dict.fromkeys(("run_outcome", "run_started_at", "run_ended_at", "cpu", "max_rss", "memory", "reason"))
    fields = {"name": "n", "outcome": outcome, "warned": False, "began_at": 1000 * job - 1, "ended_at": 1000 * job + 50}
    return Ran(**{**blank, "job": job, **fields, **run, **changes})


def one(*runs: Ran) -> Stats:
    (found,) = stats(runs)
    return found


@pytest.mark.parametrize(
    ("ordered", "middle", "p95"),
    [
        ([7], 7, 7),
        ([1, 3], 2, 3),
        ([1, 2, 9], 2, 9),
        ([1, 2, 4, 9], 3, 9),
        (list(range(1, 21)), 10, 19),
        (list(range(1, 22)), 11, 20),
        (list(range(1, 101)), 50, 95),
        ([5] * 10, 5, 5),
    ],
)
def test_known_lists(ordered: list[int], middle: int, p95: int) -> None:
    assert (middle, p95) == (median(ordered), percentile(ordered, 95)) == usual(reversed(ordered))


def test_of_nothing_nothing_is_usual() -> None:
    assert usual([]) is None


@given(st.lists(NS, min_size=1, max_size=60))
def test_any_list(took: list[int]) -> None:
    ordered = sorted(took)
    p95 = percentile(ordered, 95)
    assert int(statistics.median_low(took)) <= median(ordered) <= int(statistics.median_high(took))
    assert p95 in took, "it is one of them"
    assert 95 * len(took) <= 100 * sum(each <= p95 for each in took), "so many do not exceed it"
    assert 95 * len(took) > 100 * sum(each < p95 for each in took), "and no smaller one would do"


def test_a_name() -> None:
    found = one(
        ran(1, took=30, cpu=5, max_rss=100),
        ran(2, j.FAILED, took=1, cpu=1, max_rss=900, reason="exit code 3"),
        ran(3, took=10, warned=True, memory=500),
        ran(4, j.SKIPPED, took=None, reason="fresh enough"),
        ran(5, took=20, max_rss=50),
        ran(6, j.TIMED_OUT, took=999, reason="too long"),
    )
    assert {"succeeded": 3, "failed": 1, "skipped": 1, "timed_out": 1} == found.outcomes
    assert (6, 2, 1) == (found.jobs, found.failures, found.warnings)
    assert (10, 20, 30, 30) == (found.fastest, found.median, found.p95, found.slowest), "of those that succeeded"
    assert (6, 900, 500, 900) == (found.cpu, found.max_rss, found.memory, peak(found))
    assert (999, 6050, 6, "timed_out", "too long") == (
        found.first_at, found.last_at, found.last, found.last_outcome, found.last_reason
    )  # fmt: skip
    assert [(1, 30), (2, 1), (3, 10), (5, 20), (6, 999)] == [(took.job, took.duration) for took in found.trend], "4 had no run"


def test_a_job_with_several_runs_is_one_job() -> None:
    first = ran(1, took=500, run_outcome=j.FAILED, cpu=2, max_rss=7)
    found = one(first, ran(1, took=40, cpu=3, max_rss=5), ran(2, took=60))
    assert ({"succeeded": 2}, 40, 60, 5, 7) == (found.outcomes, found.fastest, found.slowest, found.cpu, found.max_rss)
    assert [40, 60] == [took.duration for took in found.trend], "its last run stands for it"


def test_what_was_never_measured_is_unknown() -> None:
    found = one(ran(1, j.DISABLED, took=None))
    assert (None,) * 7 == (found.fastest, found.median, found.p95, found.slowest, found.cpu, found.max_rss, peak(found))
    assert () == found.trend


def test_the_trend_is_of_the_last_ones() -> None:
    found = one(*(ran(job, took=job) for job in range(1, 5 * TREND)))
    assert list(range(4 * TREND, 5 * TREND)) == [took.duration for took in found.trend]
    assert (1, 5 * TREND - 1) == (found.fastest, found.jobs)


def test_names_are_apart_and_in_order() -> None:
    found = stats([ran(1, name="a"), ran(2, name="b", took=5), ran(3, name="a", outcome=j.FAILED), ran(4, name="c", took=None)])
    assert ["c", "a", "b"] == [each.name for each in in_order(found, ())], "the latest first"
    assert ["a", "b", "c"] == [each.name for each in in_order(found, ("name",))]
    assert ["b", "a", "c"] == [each.name for each in in_order(found, ("median",))], "what is not known stands last"
    assert ["a", "b", "c"] == [each.name for each in in_order(found, ("-median",))], "either way"
    assert ["a", "c", "b"] == [each.name for each in in_order(found, ("-count", "-name"))]
    assert all(3 == len(in_order(found, (word,))) for word in SORTS)
