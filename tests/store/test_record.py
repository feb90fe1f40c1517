"""`record` is the one writer: it writes only if the row is what the writer thinks, and all or nothing."""

import copy
from pathlib import Path

import pytest

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.errors import Bug, NotFound, Refused, Stale, SystemFault
from outlast.home import Home
from outlast.store.grouping import remove_group, set_group
from outlast.store.reading import Reading
from outlast.store.store import Store
from store.making import AT, claim, dump, end, ended, ending, miscounted, start, submit, tick


def test_a_life_is_written_as_it_happens(store: Store) -> None:
    job = submit(store, spec={"retries.num-runs": 2})
    job = start(store, claim(store, job))
    told = ending(job, j.FAILED, reason="exit code 3", exit_code=3, cpu=5, max_rss=6, stdout=7, stderr=8, log=9, missing=10, leftovers=11)
    job = store.record(job, e.Retried(run=1, ending=told, next_run_at=AT * 2), tick())
    assert job == store.job(job.id)
    assert [job.id] == store.due(AT * 2)
    assert (j.PENDING, 3, AT * 2) == (job.status, job.exit_code, store.next_due())
    job = end(store, start(store, claim(store, store.record(job, e.Queued(because="its time has come"), tick()))))
    assert job == store.job(job.id)
    first, second = store.runs(job.id)
    assert (j.ENDED, j.FAILED, 3) == (first.status, first.outcome, first.exit_code)
    assert dict(told.items()) == {name: getattr(first, name) for name, _ in told.items() if name in j.Run._fields} | {
        "feedback": None,
        "progress": None,
    }
    assert (j.ENDED, j.SUCCEEDED, 2, 4711, 99) == (second.status, second.outcome, second.run, second.pid, second.pid_start)
    assert second == store.run(job.id, 2)
    kinds = ["submitted", "claimed", "started", "retried", "queued", "claimed", "started", "ended"]
    events = store.events_of(job.id)
    assert kinds == [event["kind"] for event in events]
    assert list(range(1, 9)) == [event["version"] for event in events]
    assert dict(told.items()) == events[3]["data"]["ending"]
    assert events == store.events_after(0, 100) == store.last_events(100)
    assert events[-1]["id"] == store.last_event()
    assert 1 == store.count_ended()


@pytest.mark.parametrize("later", ["record", "end"])
def test_a_stale_writer_loses_and_nothing_changes(store: Store, home_path: Path, later: str) -> None:
    old = claim(store, submit(store))
    other = Store(Home(str(home_path)))
    found = other.job(old.id)
    assert found == old
    if later == "record":
        other.record(found, e.Held(by="other"), tick())
    else:
        end(other, found)
    before = dump(home_path)
    for event in (
        e.Held(by="me"), e.Started(run=1, pid=1, pid_start=1, started_at=AT), e.Noted(text="x"),
        e.Ended(outcome=j.LOST, reason="", run=1, ending=ending(old)), e.Retried(run=1, ending=ending(old), next_run_at=AT),
    ):  # fmt: skip
        with pytest.raises(Stale, match=f"job 1 has changed since version {old.version}"):
            store.record(old, event, tick())
    assert before == dump(home_path)
    other.close()


def test_a_job_that_is_not_there_is_stale_too(store: Store) -> None:
    job = submit(store).replace(id=99)
    with pytest.raises(Stale):
        store.record(job, e.Held(), tick())


def test_what_cannot_happen_changes_nothing(store: Store, home_path: Path) -> None:
    job = submit(store)
    running = claim(store, submit(store))
    over = ended(store)
    before = dump(home_path)
    for found, event in (
        (job, e.Started(run=1, pid=1, pid_start=1, started_at=1)), (job, e.Claimed(run=2, host="", boot="")),
        (running, e.Ended(outcome=j.LOST, reason="")), (running, e.Retried(run=2, ending=ending(running), next_run_at=1)),
        (over, e.Held()), (over, e.Ended(outcome=j.LOST, reason="")),
    ):  # fmt: skip
        with pytest.raises(Bug):
            store.record(found, event, tick())
    assert before == dump(home_path)


def test_a_loser_within_a_batch_may_look_again_and_go_on(store: Store) -> None:
    old = submit(store)
    store.record(old, e.Held(), tick())
    with store.batch():
        with pytest.raises(Stale):
            store.record(old, e.Paused(), tick())
        found = store.job(old.id)
        assert found is not None
        store.record(found, e.Paused(), tick())
    job = store.job(old.id)
    assert job is not None
    assert (True, True, 3) == (job.held, job.paused, job.version)
    assert [] == miscounted(store)


def test_a_batch_is_one_commit(store: Store, home_path: Path) -> None:
    reading = Reading(Home(str(home_path)))
    with store.batch():
        job = submit(store)
        job = store.record(job, e.Held(), tick())
        with store.batch():
            store.record(job, e.Noted(text="x"), tick())
        assert [] == reading.select("1")
    assert [3] == [job.version for job in reading.select("1")]
    assert [1, 1, 1] == store.changed
    with pytest.raises(ZeroDivisionError), store.batch():
        submit(store)
        raise ZeroDivisionError
    assert 1 == len(reading.select("1"))
    reading.close()


def refuse(home_path: Path, table: str, what: str = "INSERT") -> None:
    """Let the database itself refuse every change of a kind from now on, as a full disk or a damaged page does in the middle."""
    from sqlite3 import connect

    connection = connect(home_path / "outlast.db", isolation_level=None)
    connection.execute(f"CREATE TRIGGER no_{table} BEFORE {what} ON {table} BEGIN SELECT RAISE(ABORT, 'no more {table}'); END")
    connection.close()


def allow(home_path: Path, table: str) -> None:
    from sqlite3 import connect

    connection = connect(home_path / "outlast.db", isolation_level=None)
    connection.execute(f"DROP TRIGGER no_{table}")
    connection.close()


@pytest.mark.parametrize(("table", "what"), [("events", "INSERT"), ("runs", "INSERT"), ("meta", "UPDATE"), ("jobs", "UPDATE")])
def test_a_failure_in_the_middle_leaves_all_as_it_was(store: Store, home_path: Path, table: str, what: str) -> None:
    job = start(store, claim(store, submit(store)))
    before = dump(home_path)
    refuse(home_path, table, what)
    with pytest.raises(SystemFault, match=f"no more {table}"):
        end(store, job)
    with pytest.raises(SystemFault, match=f"no more {table}"), store.batch():
        end(store, job)
    allow(home_path, table)
    assert before == dump(home_path)
    assert j.ENDED == end(store, job).status  # neither lock nor transaction nor count was left behind
    assert 1 == store.count_ended()
    assert [] == miscounted(store)


def test_who_swallows_a_failure_does_not_commit_half_of_it(store: Store, home_path: Path) -> None:
    first, second = submit(store), submit(store)
    before = dump(home_path)
    refuse(home_path, "jobs", "UPDATE")
    swallowed = 0
    with pytest.raises(SystemFault, match="no more jobs"), store.batch():
        for job in (first, second):
            try:
                store.record(job, e.Held(), tick())
            except SystemFault:
                swallowed += 1
    assert swallowed
    allow(home_path, "jobs")
    assert before == dump(home_path)


def test_who_swallows_a_refusal_does_not_commit_half_of_a_submission(store: Store, home_path: Path) -> None:
    from store.making import submission

    submit(store, key="k")
    before = dump(home_path)
    with pytest.raises(Refused), store.batch():
        try:
            store.submit([submission(), submission(key="k")], tick())
        except Refused:
            submit(store)
    assert before == dump(home_path)


def test_a_value_that_the_store_cannot_hold_changes_nothing(store: Store, home_path: Path) -> None:
    job = submit(store)
    before = dump(home_path)
    for event in (e.Postponed(until=2**63), e.Noted(text="x", data={"x": float("nan")}), e.Noted(text="x", data={"x": {1}})):
        with pytest.raises((OverflowError, ValueError, TypeError)):
            store.record(job, event, tick())
    assert before == dump(home_path)
    assert 2 == store.record(job, e.Noted(text="\udcff ü \0"), tick()).version
    assert "\udcff ü \0" == store.events_of(job.id)[-1]["data"]["text"]


def test_the_given_job_is_left_alone(store: Store) -> None:
    job = submit(store)
    before = copy.copy(job)
    store.record(job, e.StopRequested(verb=j.STOP), tick())
    assert before == job


def test_several_events_are_written_as_if_one_after_the_other(store: Store) -> None:
    one, all_at_once = (claim(store, submit(store)) for _ in range(2))
    told = ending(one, j.FAILED, reason="ended by \udcff")
    events = (
        e.Started(run=1, pid=4, pid_start=9, pidns=1, started_at=AT), e.Noted(text="x"),
        e.Ended(outcome=j.FAILED, reason="\udcff", run=1, ending=told),
    )  # fmt: skip
    for event in events:
        one = store.record(one, event, AT)
    new = store.record_all(all_at_once, events, AT)
    assert one == new.replace(id=one.id, created_at=one.created_at, queued_at=one.queued_at)
    assert new == store.job(new.id)
    assert store.runs(one.id)[0].replace(claimed_at=0, job=0) == store.runs(new.id)[0].replace(claimed_at=0, job=0)
    assert [event["kind"] for event in store.events_of(one.id)] == [event["kind"] for event in store.events_of(new.id)]
    assert 2 == store.count_ended()
    assert new == store.record_all(new, (), AT)
    assert [] == miscounted(store)


def test_several_events_may_end_one_run_and_begin_the_next(store: Store) -> None:
    job = start(store, claim(store, submit(store)))
    again = (e.Retried(run=1, ending=ending(job, j.FAILED), next_run_at=AT), e.Queued(), e.Claimed(run=2, host="h", boot="b"))
    new = store.record_all(job, again, AT)
    assert [(1, j.ENDED, j.FAILED), (2, j.RUNNING, None)] == [(run.run, run.status, run.outcome) for run in store.runs(job.id)]
    assert store.runs(job.id)[1] == store.current_run(new)


def test_of_several_events_all_or_none_happen(store: Store, home_path: Path) -> None:
    job = claim(store, submit(store))
    before = dump(home_path)
    with pytest.raises(Bug):
        store.record_all(job, (e.Held(), e.Queued()), AT)
    store.record(job, e.Held(), AT)
    held = dump(home_path)
    assert before != held
    with pytest.raises(Stale):
        store.record_all(job, (e.Noted(text="x"), e.Paused()), AT)
    assert held == dump(home_path)


def test_a_run_that_was_rolled_back_is_not_remembered(store: Store) -> None:
    job = claim(store, submit(store))
    with pytest.raises(ZeroDivisionError), store.batch():
        start(store, job)
        raise ZeroDivisionError
    wished = store.request(job.id, e.StopRequested(verb=j.STOP), AT)  # has the version that the start would have made
    run = store.current_run(wished)
    assert run is not None
    assert run.pid is None
    with store.batch():
        assert 4711 == getattr(store.current_run(start(store, wished)), "pid", 0)


# Wishes


@pytest.mark.parametrize("verb", j.STOP_VERBS)
def test_a_wish_is_recorded_on_the_job_as_it_is_now(store: Store, verb: str) -> None:
    job = submit(store)
    claim(store, job)
    wished = store.request(job.id, e.StopRequested(verb=verb, signal=2, grace=5, by="me"), AT)
    assert {"verb": verb, "signal": 2, "grace": 5, "scope": "job", "at": AT} == wished.stop_requested
    assert wished == store.job(job.id)
    assert [job.id] == store.to_stop()
    end(store, wished, j.STOPPED)
    assert [] == store.to_stop()


def test_a_wish_that_cannot_be_is_refused(store: Store, home_path: Path) -> None:
    over, waiting = ended(store), submit(store)
    before = dump(home_path)
    with pytest.raises(NotFound, match="no job 99"):
        store.request(99, e.Held(), AT)
    with pytest.raises(Refused, match=f"job {over.id} has ended"):
        store.request(over.id, e.StopRequested(verb=j.STOP), AT)
    with pytest.raises(Refused, match=f"job {waiting.id} is queued"):
        store.request(waiting.id, e.Signalled(signal=1, by="signal"), AT)
    assert before == dump(home_path)


# Groups


def test_groups(store: Store) -> None:
    set_group(store, "g", 2, AT)
    set_group(store, "\udcff", None, AT)
    for name in ("g", "g", "unset", "g"):
        submit(store, group=name)
    submit(store, group="g", waits=True)
    ended(store, group="gone")
    claim(store, store.jobs([1])[0])
    assert (2, False, False) == store.group("g")
    assert (None, False, False) == store.group("\udcff")
    assert store.group("unset") is None
    assert {"name": "g", "slots": 2, "paused": False, "draining": False, "running": 1, "queued": 2, "pending": 1} == store.groups()[0]
    assert ["g", "unset", "\udcff"] == [group["name"] for group in store.groups()]
    assert [("g", 2, False), ("unset", None, False)] == store.queued_groups()
    told = [[job.id for job in store.ready(group, most)] for group, most in (("g", 9), ("g", 1), (None, 9))]
    assert [[2, 4], [2], []] == told
    assert 1 == store.queued_before(store.jobs([4])[0])
    set_group(store, "g", None, AT)
    assert (None, False, False) == store.group("g")
    with pytest.raises(Refused, match="group `g` has 4 active jobs"):
        remove_group(store, "g")
    with pytest.raises(Refused, match="group `unset` has 1 active"):
        remove_group(store, "unset")  # it was never set, and is there all the same
    with pytest.raises(NotFound):
        remove_group(store, "gone")
    remove_group(store, "\udcff")
    assert store.group("\udcff") is None


def test_held_and_paused_jobs_are_not_ready(store: Store) -> None:
    jobs = [submit(store, group=group) for group in (None, None, None, "g", "g", "g")]
    store.record(jobs[0], e.Held(), tick())
    store.record(jobs[1], e.Paused(), tick())
    store.record(jobs[3], e.Held(), tick())
    store.record(jobs[4], e.Paused(), tick())
    assert ([3], [6]) == tuple([job.id for job in store.ready(group, 9)] for group in (None, "g"))
    assert 0 == store.queued_before(store.jobs([6])[0])


def test_what_is_active_is_known(store: Store) -> None:
    assert not store.any_active()
    ended(store)
    assert not store.any_active()
    running, _ = claim(store, submit(store)), submit(store)
    assert store.any_active()
    assert {"queued": 1, "running": 1} == store.count_active()
    assert [running] == store.running()


def test_readers_never_wait_for_a_writer(store: Store, home_path: Path) -> None:
    job = submit(store)
    reading = Reading(Home(str(home_path)))
    reading.database.connection.execute("PRAGMA busy_timeout=0")  # whoever had to wait would fail
    with store.batch():
        store.record(job, e.Held(), tick())
        assert [1] == [found.version for found in reading.select("1")]
        late = Reading(Home(str(home_path)))
        assert [1] == [found.version for found in late.select("1")]
        late.close()
    assert [2] == [found.version for found in reading.select("1")]
    reading.close()


def test_a_reader_cannot_write(store: Store, home_path: Path) -> None:
    submit(store)
    reading = Reading(Home(str(home_path)))
    with pytest.raises(SystemFault, match="cannot write"):
        reading.database.execute("DELETE FROM jobs")
    reading.close()
