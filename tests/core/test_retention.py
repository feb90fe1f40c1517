"""What goes by which limit, the oldest first; a group's own limit makes a pool of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core import retention as r
from outlast.core.errors import UsageError

DAY = 86_400_000_000_000
NOW = 1000 * DAY


def judged(policy: r.Policy, items: list[tuple[str | None, int, int]]) -> list[str | None]:
    """Return the reasons of (group, age in days, bytes) by the limits of output, the oldest first."""
    totals: dict[str | None, int] = {None: 0}
    for group, _, size in items:
        totals[None] += size
        if group is not None:
            totals[group] = totals.get(group, 0) + size
    judge = r.Judge(policy, r.LOG_AGE, r.LOG_BYTES, totals, NOW)
    return [judge.reason(group, NOW - age * DAY, size) for group, age, size in sorted(items, key=lambda item: -item[1])]


def test_the_defaults() -> None:
    policy = r.Policy({})
    found = {name: (policy.limit(name).text, policy.limit(name).origin) for name in r.NAMES}
    assert {
        "retention.log-age": ("30d", "default"),
        "retention.log-bytes": ("10GiB", "default"),
        "retention.age": ("none", "default"),
        "retention.jobs": ("none", "default"),
        "log.job.max-runs": ("none", "default"),
        "log.job.max-bytes": ("none", "default"),
    } == found


def test_by_age() -> None:
    assert ["retention.log-age 30d", None] == judged(r.Policy({}), [(None, 31, 1), (None, 29, 1)])


def test_by_bytes_the_oldest_first_and_no_more_than_need_be() -> None:
    policy = r.Policy({"": {r.LOG_BYTES: 100}})
    told = judged(policy, [(None, 4, 50), (None, 3, 50), (None, 2, 60), (None, 1, 30)])
    assert ["retention.log-bytes 100", "retention.log-bytes 100", None, None] == told


def test_what_goes_by_age_counts_for_the_bytes() -> None:
    policy = r.Policy({"": {r.LOG_BYTES: 100}})
    assert ["retention.log-age 30d", None] == judged(policy, [(None, 40, 90), (None, 1, 100)])


def test_a_group_with_its_own_limit_is_a_pool_of_its_own() -> None:
    policy = r.Policy({"": {r.LOG_BYTES: 100}, "group:g": {r.LOG_BYTES: 10, r.LOG_AGE: None}})
    items = [("g", 400, 5), ("g", 300, 8), ("h", 3, 60), (None, 2, 50), ("g", 1, 2)]
    # g: 15 bytes, so the oldest goes and 10 stay; age is no matter to it. h has no limit of its own: it belongs to the rest.
    assert ["retention.log-bytes 10 of group `g`", None, "retention.log-bytes 100", None, None] == judged(policy, items)


def test_given_limits_take_the_place_of_all_others() -> None:
    policy = r.Policy({"": {r.LOG_AGE: 5 * DAY}, "group:g": {r.LOG_AGE: None}}, {r.LOG_AGE: DAY})
    assert ["retention.log-age 1d"] * 2 == judged(policy, [("g", 2, 1), (None, 2, 1)])
    assert [] == policy.groups(r.LOG_AGE)


def test_who_has_to_be_looked_at() -> None:
    policy = r.Policy({"": {}, "group:g": {r.AGE: DAY}, "group:h": {r.JOBS: None}})
    assert ["g"] == policy.scopes(r.AGE, r.JOBS)
    assert [None, "g"] == r.Policy({"": {r.JOBS: 5}, "group:g": {r.AGE: DAY}}).scopes(r.AGE, r.JOBS)
    assert [] == r.Policy({}).scopes(r.AGE, r.JOBS)


@given(
    st.lists(st.tuples(st.sampled_from([None, "g", "h"]), st.integers(0, 60), st.integers(1, 100)), max_size=30),
    st.integers(0, 500), st.integers(0, 500), st.integers(0, 60),
)  # fmt: skip
def test_afterwards_the_limits_hold_and_nothing_younger_went_for_room_than_what_stayed(
    items: list[tuple[str | None, int, int]], rest: int, own: int, age: int
) -> None:
    policy = r.Policy({"": {r.LOG_BYTES: rest, r.LOG_AGE: age * DAY}, "group:g": {r.LOG_BYTES: own}})
    ordered = sorted(items, key=lambda item: -item[1])
    reasons = judged(policy, items)
    stayed = [item for item, reason in zip(ordered, reasons, strict=True) if reason is None]
    assert rest >= sum(size for group, _, size in stayed if group != "g")
    assert own >= sum(size for group, _, size in stayed if group == "g")
    assert all(days <= age for _, days, _ in stayed)
    for pool in (("g",), (None, "h")):
        told = [reason for (group, _, _), reason in zip(ordered, reasons, strict=True) if group in pool]
        assert told == sorted(told, key=lambda reason: reason is None), "who is younger stays longer"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 100)), max_size=20), st.integers(0, 500), st.integers(0, 60))
def test_when_it_is_through_nothing_more_goes(items: list[tuple[int, int]], most: int, age: int) -> None:
    policy = r.Policy({"": {r.LOG_BYTES: most, r.LOG_AGE: age * DAY}})
    judge = r.Judge(policy, r.LOG_AGE, r.LOG_BYTES, {None: sum(size for _, size in items)}, NOW)
    through = False
    for days, size in sorted(items, reverse=True):
        through = through or judge.is_through(NOW - days * DAY)
        assert not (through and judge.reason(None, NOW - days * DAY, size))


@pytest.mark.parametrize(
    ("runs", "size", "goes"),
    [(None, None, []), (2, None, [1, 2]), (1, None, [1, 2, 3]), (None, 25, [1, 2]), (None, 1, [1, 2, 3]), (3, 25, [1, 2])],
)
def test_the_runs_of_one_job(runs: int | None, size: int | None, goes: list[int]) -> None:
    assert goes == sorted(r.over_the_limit([(4, 10), (3, 10), (2, 10), (1, 10)], runs, size))


def test_a_jobs_own_option_comes_first() -> None:
    policy = r.Policy({"": {r.JOB_RUNS: 5}, "group:g": {r.JOB_RUNS: 3}})
    assert (2, 3, 5) == (
        policy.for_job(r.JOB_RUNS, {r.JOB_RUNS: 2}, "g"),
        policy.for_job(r.JOB_RUNS, {}, "g"),
        policy.for_job(r.JOB_RUNS, {}, None),
    )


def test_keywords() -> None:
    assert {r.LOG_AGE: 7 * DAY, r.JOB_RUNS: 3} == r.given({"retention": {"log_age": "7d"}, "log.job.max-runs": 3})
    assert {r.LOG_BYTES: None} == r.given({"retention": {"log_bytes": "none"}})
    with pytest.raises(UsageError, match=r"there is no limit `retention.log-aeg`.*retention.log-age"):
        r.given({"retention": {"log_aeg": "7d"}})


@pytest.mark.parametrize("option", r.LIMITS, ids=lambda option: option.name)
def test_what_is_spelled_is_read_back(option: r.Option) -> None:
    value = option.read(option.example.split()[1])
    assert value == option.read(r.spelled(option.name, value))
    assert option.read(r.spelled(option.name, None)) is None


def test_ranges_of_removed_jobs() -> None:
    assert r.merged((3, 6, "x", NOW), 7, "x", NOW + 1)
    assert not r.merged((3, 6, "x", NOW), 8, "x", NOW)
    assert not r.merged((3, 6, "x", NOW), 7, "y", NOW)
    assert not r.merged((3, 6, "x", NOW), 7, "x", NOW + DAY)
    assert not r.merged(None, 7, "x", NOW)
