"""A pass is made of small slices, and costs what it takes away: not what stays."""

import os
from pathlib import Path

import pytest

from outlast.core import retention as r
from outlast.home import Home
from outlast.logs.removing import measure, remove
from outlast.store import keeping as k
from outlast.store.mending import Mending
from outlast.store.pruning import AT_ONCE, Pass, doomed, remove_now
from outlast.store.store import Store
from store.making import AT, claim, end, ended, fill, miscounted, start, submit

DAY = 86_400_000_000_000
FEW, MANY = 1000, 10_000


def filled(path: Path, count: int) -> Store:
    """Return a home with `count` ended jobs that keep 100 bytes of output each."""
    fill(path, count)
    store = Store(Home(str(path)))
    store.database.execute("UPDATE runs SET kept = 100, ended_at = (SELECT ended_at FROM jobs WHERE id = runs.job)")
    store.database.execute("UPDATE meta SET value = ? WHERE name = 'kept'", (100 * count,))
    return store


def whole_pass(store: Store, now: int, policy: r.Policy | None = None, told: list[str] | None = None) -> list[tuple[int, int]]:
    """Make a pass; return (steps of SQLite's machine, how many items went) of each slice."""
    slices = []
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    run = Pass(store, remove, measure, (told if told is not None else []).append, policy)
    store.database.connection.set_progress_handler(step, 1)
    more = True
    while more:
        count = 0
        more = run.step(now)
        slices.append((count, len(run.removed)))
    store.database.connection.set_progress_handler(None, 1)
    return slices


def test_ten_thousand_jobs_go_in_slices_of_the_same_size(tmp_path: Path) -> None:
    store = filled(tmp_path / "h", MANY)
    slices = whole_pass(store, AT + 31 * DAY)
    assert MANY == sum(went for _, went in slices)
    assert AT_ONCE == max(went for _, went in slices)
    working = [steps for steps, went in slices if went == AT_ONCE]
    assert MANY // AT_ONCE == len(working)
    assert 3 * min(working) > max(working), "the last slice costs what the first does"
    assert {None: 0} == {group: size for group, size in k.kept(store).items() if group is None}
    assert [] == miscounted(store)
    assert [] == k.leaving(store, (-1, -1), 1)
    store.close()


def test_records_go_in_slices_too(tmp_path: Path) -> None:
    store = filled(tmp_path / "h", 2000)
    slices = whole_pass(store, AT + DAY, r.Policy({"": {r.JOBS: 100}}))
    assert 1900 == sum(went for _, went in slices)
    assert (100, AT_ONCE) == (store.count_ended(), max(went for _, went in slices))
    ((count,),) = store.database.rows("SELECT count(*) FROM removed")
    assert 1 == count, "ids that follow each other share a row"
    assert ("retention.jobs 100", AT + DAY) == k.why_removed(store, 1)
    assert k.why_removed(store, 1901) is None
    store.close()


def test_a_pass_with_nothing_to_do_costs_the_same_however_much_is_kept(tmp_path: Path) -> None:
    costs = {}
    for count in (FEW, MANY):
        store = filled(tmp_path / str(count), count)
        costs[count] = sum(steps for steps, _ in whole_pass(store, AT + DAY))
        assert [] == [*doomed(store, k.policy(store), AT + DAY)]
        store.close()
    assert 0 < costs[FEW]
    assert 1.2 * costs[FEW] >= costs[MANY], costs


def test_a_groups_own_limit_does_not_make_it_look_at_all_others(tmp_path: Path) -> None:
    costs = {}
    for count in (FEW, MANY):
        store = filled(tmp_path / str(count), count)
        store.database.execute("""UPDATE jobs SET "group" = 'other' WHERE "group" = 'group1'""")
        policy = r.Policy({"group:group1": {r.AGE: DAY, r.JOBS: 5}})
        costs[count] = sum(steps for steps, _ in whole_pass(store, AT + 20 * DAY, policy))
        store.close()
    assert 1.2 * costs[FEW] >= costs[MANY], costs


def test_in_the_background_a_record_stays_for_a_moment(store: Store) -> None:
    job = ended(store)
    told = r.Policy({"": {r.AGE: 0}})
    assert 0 == sum(went for _, went in whole_pass(store, (job.ended_at or 0) + 59_000_000_000, told))
    assert 1 == sum(went for _, went in whole_pass(store, (job.ended_at or 0) + 61_000_000_000, told))


def test_who_is_needed_by_an_active_one_stays(store: Store) -> None:
    first, second, third, fourth = (ended(store) for _ in range(4))
    submit(store, rerun_of=first.id, waits=True)
    submit(store, spec={"after.ended": [second.id]}, waits=True)
    submit(store, spec={"after.outcome": {str(third.id): ["failed"]}}, waits=True)
    whole_pass(store, AT + DAY, r.Policy({"": {r.AGE: 0}}))
    assert [first.id, second.id, third.id] == store.ids("ended_at IS NOT NULL")
    assert k.why_removed(store, fourth.id) is not None


def test_what_was_never_counted_is_measured(store: Store) -> None:
    """A run of which nobody could tell, or that a supervisor of an earlier version has recorded."""
    running = start(store, claim(store, submit(store, group="g")))
    path = store.database.home.run_path(running.id, 1)
    os.makedirs(os.path.dirname(path))
    for suffix, size in ((".log", 30), (".log.1", 12)):
        Path(path + suffix).write_bytes(b"x" * size)
    end(store, running, "lost")
    run = store.run(running.id, 1)
    assert run is not None
    assert run.kept is None
    whole_pass(store, AT + DAY)
    run = store.run(running.id, 1)
    assert run is not None
    assert 42 == run.kept
    assert {None: 42, "g": 42} == k.kept(store)


def test_two_passes_at_once_take_no_more_than_one(tmp_path: Path) -> None:
    store = filled(tmp_path / "h", 1000)
    other = Store(store.database.home)
    policy = r.Policy({"": {r.LOG_BYTES: 50_000}})
    passes = [Pass(opened, remove, measure, print, policy) for opened in (store, other)]
    while passes:
        passes = [run for run in passes if run.step(AT + DAY)]
    assert 50_000 == k.kept(store)[None] == store.database.row("SELECT sum(kept) FROM runs")[0]
    other.close()
    store.close()


def test_who_removes_by_name_passes_by_what_somebody_else_has_removed(tmp_path: Path) -> None:
    store = filled(tmp_path / "h", 30)
    items = [item for item, _ in k.oldest_records(store, k.BEGIN, 30)]
    assert (30, []) == (len(items), remove_now(store, items[:10], AT, records=True)[1])
    gone, told = remove_now(store, items, AT, records=True)
    assert ([item.job for item in items[10:]], []) == ([item.job for item in gone], told)
    assert [] == miscounted(store)


def test_removal_of_what_is_not_there_and_of_what_cannot_be(tmp_path: Path) -> None:
    path = str(tmp_path / "1.1")
    assert remove(path) is None
    (tmp_path / "1.1.log.3").touch()
    (tmp_path / "1.1.gaps").touch()
    (tmp_path / "1.1.feedback-cache").touch()  # of somebody who looked as the run ended
    assert remove(path) is None
    assert [] == os.listdir(tmp_path)
    (tmp_path / "1.1.log.1").mkdir()
    (tmp_path / "1.1.log").touch()
    told = remove(path)
    assert told is not None
    assert told.startswith(f"cannot remove {path}.log.1 (")
    assert ["1.1.log.1"] == os.listdir(tmp_path)


@pytest.mark.parametrize("group", [None, "g", "g\udcff"])
def test_settings(store: Store, group: str | None) -> None:
    k.put_settings(store, group, {r.LOG_AGE: DAY, r.JOBS: None})
    policy = k.policy(store)
    assert (DAY, None) == (policy.limit(r.LOG_AGE, group).value, policy.limit(r.JOBS, group).value)
    k.put_settings(store, group, {}, [r.LOG_AGE])
    assert 30 * DAY == k.policy(store).limit(r.LOG_AGE, group).value
    store.database.execute("UPDATE settings SET value = '[['")
    assert "default" == k.policy(store).limit(r.JOBS, group).origin


def test_the_last_use_of_an_environment_is_noted_once_a_day(store: Store) -> None:
    def used() -> int:
        value: int = store.database.row("SELECT used_at FROM environments")[0]
        return value

    first = submit(store).created_at
    submit(store)
    assert first == used()
    from store.making import submission

    store.submit([submission()], first + 2 * DAY)
    assert first + 2 * DAY == used()


def test_ids_of_events_do_not_come_again(store: Store) -> None:
    """Whoever listens goes on behind the last event that was seen."""
    jobs = [ended(store) for _ in range(3)]
    last = store.last_event()
    whole_pass(store, AT + DAY, r.Policy({"": {r.AGE: 0}}))
    assert last == store.last_event()
    assert ["the records of 3 jobs were removed"] == [event["data"]["text"] for event in store.last_events(9)]
    made = submit(store)
    assert jobs[-1].id + 1 == made.id
    assert [made.id] == [event["job"] for event in store.events_after(last, 9)]
    assert [] == store.problems()
    assert [] == Mending(store, print, AT).mend()
