"""What is asked for often costs the same however many jobs have ended: plans and steps of SQLite's machine, not time."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from outlast.core.filters import parse
from outlast.core.selectors import NAME, Selector, parse_selector, parse_selectors
from outlast.home import Home
from outlast.store import finding
from outlast.store.driver import load_queries
from outlast.store.finding import Filter, find, listing
from outlast.store.fingerprints import facts_of, last_good, mask_key, masked_environment
from outlast.store.reading import Reading
from outlast.store.statistics import ran
from store.making import AT, fill, submission

MADE = submission(name="name3").job.replace(id=99)
FEW, MANY = 100, 20_000
Question = Callable[[Reading], Any]


def shown(**wanted: Any) -> Question:
    return lambda reading: listing(reading, Filter(**wanted), AT)


def found(*words: str, **how: Any) -> Question:
    return lambda reading: find(reading, parse_selectors(words), **how)


SAME_COST: dict[str, Question] = {
    "list, what has ended": shown(active=False, limit=20),
    "list, what has not": shown(ended=False),
    "history": shown(active=False, limit=50),
    "list --name, what has not": shown(ended=False, name="name3"),
    "list --group, what has not": shown(ended=False, group="group3"),
    "history --since, nothing": shown(active=False, limit=50, since=2 * AT),
    "list --status running": shown(sort=("-id",), limit=20, status=("running",)),
    "list --where status != ended": shown(active=False, limit=20, where=parse("not status in (pending) and status != ended")),
    "list --where status = running": shown(sort=("-id",), limit=20, where=parse("status = running and name ~ n*")),
    "history --during": shown(active=False, limit=50, during=(2 * AT, 3 * AT)),
    "list 5-9": shown(sort=("-id",), limit=20, among=(parse_selector("5-9"),)),
    "show ID": lambda reading: [reading.job(50), reading.runs(50), reading.events_of(50)],
    "show last": found("last"),
    "show last~3": found("last~3"),
    "show NAME": found("name3"),
    "stop NAME": found("name3", to_end=True),
    "stop": found("status:reserved,pending,queued,running"),
    "1-3,7": found("1-3,7"),
    "dispatch": lambda r: [
        r.due(2 * AT),
        r.next_due(),
        r.ready(None, 9),
        r.queued_groups(),
        r.ready("group1", 9),
        r.to_stop(),
        r.running(),
    ],
    "groups": lambda r: [r.group("g"), r.groups(), r.queued_before(MADE.replace(group="group1"))],
    "any left": lambda r: [r.any_active(), r.count_active(), r.count_ended()],
    "overlap": lambda r: [
        r.database.one("active-key", "k", 0),
        r.database.one("active-name", "name3", 0),
        r.database.all("active-ids-key", "k", 0),
        r.database.all("active-ids-name", "name3", 0),
        r.database.one("fresh-key", "k", 2 * AT),
        r.database.one("fresh-name", "name3", 2 * AT),
        r.before_in_turn(MADE),
        r.before_in_turn(MADE.replace(key="k")),
    ],
    "needs": lambda r: [r.outlook(), r.needs_due(9), r.needs_of(7), r.waiting_for("turn:n:x")],
    "usual duration": lambda r: r.usual("n"),
    "stats NAME": lambda r: ran(r, Filter(active=False, among=(Selector(kind=NAME, text="n", value="n"),)), AT, 10_000),
    "stats": lambda r: ran(r, Filter(active=False), AT, 50),
    "deadlines": lambda r: [r.past_deadline(2 * AT), r.next_deadline(), r.paused()],
    "diff": lambda r: [
        last_good(r, MADE, 2 * AT),
        last_good(r, MADE.replace(key="k"), 2 * AT),
        facts_of(r, "x"),
        masked_environment(r, "x"),
        mask_key(r),
    ],
    "events": lambda r: [r.last_event(), r.last_events(9), r.events_after(5, 9)],
}
BOUNDED: dict[str, Question] = {  # how many more there are is counted, but not all of them
    "history --outcome": shown(active=False, limit=5, outcome=("failed",)),
    "history --outcome, two": shown(active=False, limit=5, outcome=("failed", "lost")),
    "history --name": shown(active=False, limit=3, name="name3"),
    "history --name --outcome": shown(active=False, limit=3, name="name10", outcome=("failed",)),
    "history --group --outcome": shown(active=False, limit=3, group="group0", outcome=("failed",)),
    "history --group": shown(active=False, limit=3, group="group3"),
    "history --since": shown(active=False, limit=3, since=AT),
    "history --where name": shown(active=False, limit=3, where=parse("name = name3 and exit_code = 0")),
    "history --where outcome": shown(active=False, limit=3, where=parse("outcome = failed and name = name10")),
    "history --where group": shown(active=False, limit=3, where=parse("group = group0 and outcome in (failed, lost)")),
    "history --where not": shown(active=False, limit=3, where=parse("not outcome = failed")),
    "history --text": shown(active=False, limit=3, text="true"),
    "usual duration": lambda r: r.usual_duration("name3"),
}


# An outcome that a name or a group never had is looked for in its index alone, without one row.
NEVER: dict[str, Question] = {
    "history --name --outcome": shown(active=False, limit=3, name="name3", outcome=("lost",)),
    "history --group --outcome": shown(active=False, limit=3, group="group3", outcome=("lost",)),
    "history --where": shown(active=False, limit=3, where=parse("outcome = lost and group = group3")),
}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reading, Reading]]:
    """Two homes, with few and with many ended jobs."""
    readings = []
    for count in (FEW, MANY):
        path = tmp_path_factory.mktemp("plans") / "h"
        fill(path, count)
        readings.append(Reading(Home(str(path))))
    yield readings[0], readings[1]
    for reading in readings:
        reading.close()


def steps(reading: Reading, question: Question) -> int:
    """Return how many steps SQLite's virtual machine takes for a question."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    reading.database.connection.set_progress_handler(step, 1)
    try:
        question(reading)
    finally:
        reading.database.connection.set_progress_handler(None, 1)
    return count


@pytest.mark.parametrize("name", SAME_COST)
def test_it_costs_the_same_with_many_ended_jobs(homes: tuple[Reading, Reading], name: str) -> None:
    few, many = (steps(reading, SAME_COST[name]) for reading in homes)
    assert 0 < few
    assert 1.5 * few >= many, (few, many)


@pytest.mark.parametrize("name", BOUNDED)
def test_its_cost_has_a_bound(homes: tuple[Reading, Reading], name: str) -> None:
    few, many = (steps(reading, BOUNDED[name]) for reading in homes)
    assert few + 40 * finding.COUNTED >= many, (few, many)


@pytest.mark.parametrize(
    "wanted",
    [{"ended": False, "outcome": ("failed",)}, {"ended": False, "status": ("ended",)}, {"active": False, "status": ("running",)}],
    ids=str,
)
def test_what_cannot_be_is_not_asked_for(homes: tuple[Reading, Reading], wanted: dict[str, Any]) -> None:
    question = shown(limit=20, **wanted)
    assert ([], 0) == question(homes[1])
    assert 0 == steps(homes[1], question)


@pytest.mark.parametrize("name", NEVER)
def test_what_never_was_is_not_looked_for_in_rows(homes: tuple[Reading, Reading], name: str) -> None:
    few, many = (steps(reading, NEVER[name]) for reading in homes)
    assert few + 8 * (MANY // 5) >= many, (few, many)


GROWS = re.compile(r"SCAN (jobs|runs|events|environments|j|p)\b(?! USING (COVERING )?INDEX jobs_(active|due|to_stop))")
ENDS_EARLY = re.compile(r"ORDER BY (id DESC|ended_at DESC, id DESC) LIMIT")


def full_scans(reading: Reading, sql: str, values: int = 0) -> list[str]:
    """Return the lines of the plan that go through a table that grows with what has ended.

    What goes through it in its own order, sorts nothing and ends early is none.
    """
    lines = [row[3] for row in reading.database.connection.execute(f"EXPLAIN QUERY PLAN {sql}", ["1"] * values)]
    if ENDS_EARLY.search(sql) and not any("TEMP B-TREE" in line for line in lines):
        return []
    return [line for line in lines if GROWS.match(line)]


# Queries that look at everything, for `doctor`.
THOROUGH = {"miscounted", "integrity"}


@pytest.mark.parametrize("name", sorted(set(load_queries()) - THOROUGH))
def test_no_named_query_goes_through_all_jobs(homes: tuple[Reading, Reading], name: str) -> None:
    sql = load_queries()[name]
    assert [] == full_scans(homes[1], sql, len(set(re.findall(r"\?\d+", sql))) or sql.count("?"))


@pytest.mark.parametrize("name", SAME_COST)
def test_no_question_goes_through_all_jobs(homes: tuple[Reading, Reading], name: str) -> None:
    reading = homes[1]
    asked: list[str] = []
    reading.database.connection.set_trace_callback(asked.append)
    try:
        SAME_COST[name](reading)
    finally:
        reading.database.connection.set_trace_callback(None)
    assert asked
    assert [] == [(sql, lines) for sql in asked if (lines := full_scans(reading, sql))]


def test_a_scan_would_be_seen(homes: tuple[Reading, Reading]) -> None:
    """The checks above can fail: a query without an index is both expensive and found."""

    def question(reading: Reading) -> Any:
        return reading.select("description = 'x'", ())

    few, many = (steps(reading, question) for reading in homes)
    assert 50 * few < many
    assert full_scans(homes[1], "SELECT id FROM jobs WHERE description = 'x' ORDER BY id")
    assert full_scans(homes[1], "SELECT id FROM jobs ORDER BY ended_at + 1 DESC, id DESC LIMIT 5")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_thousand_jobs(tmp_path: Path) -> None:
    counts = {}
    for count in (1000, 100_000):
        fill(tmp_path / str(count), count)
        reading = Reading(Home(str(tmp_path / str(count))))
        counts[count] = {name: steps(reading, question) for name, question in SAME_COST.items()}
        assert count == reading.count_ended() == reading.count("status = 'ended'")
        jobs, more = listing(reading, Filter(active=False, limit=50), AT)
        assert (50, count - 50) == (len(jobs), more)
        reading.close()
    assert [] == [name for name in SAME_COST if counts[100_000][name] > 1.5 * counts[1000][name]]
