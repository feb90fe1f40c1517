"""Submitting: durable before the id is known, all or none, ids never given out twice, overlap decided with the insert."""

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.errors import Bug, Refused
from outlast.core.job import Job
from outlast.home import Home
from outlast.seams import arm
from outlast.store.reading import Reading
from outlast.store.store import Environment, Front, Store
from store.making import AT, ENVIRONMENT, child, dump, end, ended, miscounted, submission, submit, tick


def test_a_submitted_job_is_there_with_all_its_fields(store: Store) -> None:
    made = submit(
        store, name="näme", description="d\nd", group="g", key="k", command=["a", "b\udcff", "ü", ""], cwd="/\udce4", user="me",
        info=["1", "", "\u2028"], params={"x": "\udcff", "ü": ""}, rerun_of=7, spec={"retries.num-runs": None, "stop.signal": 2},
    )  # fmt: skip
    assert made == store.job(made.id)
    assert (1, 1, j.QUEUED, "e1") == (made.id, made.version, made.status, made.environment)
    assert [("submitted", {"waits": 0, "until": None})] == [(event["kind"], event["data"]) for event in store.events_of(made.id)]
    assert made.created_at == made.queued_at


def test_a_job_that_waits_is_pending(store: Store) -> None:
    job = submit(store, waits=True)
    assert (j.PENDING, None) == (job.status, job.queued_at)


def test_all_or_none(store: Store) -> None:
    submit(store, key="taken")
    before = dump(Path(store.database.home.path))
    with pytest.raises(Refused, match="key `taken` is in use by job 1"):
        store.submit([submission(name="a"), submission(name="b", key="taken"), submission(name="c")], tick())
    with pytest.raises(Refused, match="key `twice` is in use by job 2"):
        store.submit([submission(key="twice"), submission(key="twice")], tick())
    with pytest.raises(ValueError, match="JSON"):
        store.submit([submission(), submission(spec={"x": float("nan")})], tick())
    assert before == dump(Path(store.database.home.path))
    assert 2 == submit(store).id


def test_many_at_once_get_ids_in_their_order(store: Store) -> None:
    jobs = store.submit([submission(name=f"n{number}") for number in range(500)], AT)
    assert [(number + 1, f"n{number}") for number in range(500)] == [(job.id, job.name) for job in jobs]
    assert jobs == store.select("1")
    assert [] == miscounted(store)


def test_a_failure_in_between_leaves_nothing(store: Store) -> None:
    arm("submit.after-insert=raise")
    try:
        with pytest.raises(Bug):
            submit(store)
    finally:
        arm("")
    assert [] == store.select("1")
    assert 1 == submit(store).id


def test_ids_are_never_given_out_twice(store: Store, home_path: Path) -> None:
    assert 3 == store.submit([submission() for _ in range(3)], AT)[-1].id
    with store.batch():  # as a later `clean` does
        for table, column in (("jobs", "id"), ("events", "job")):
            store.database.execute(f"DELETE FROM {table} WHERE {column} >= 2")
    assert 4 == submit(store).id
    store.close()
    again = Store(Home(str(home_path)))
    with again.batch():
        again.database.execute("DELETE FROM jobs")
    assert 5 == submit(again).id
    again.close()


def test_environments_are_stored_once_each(store: Store) -> None:
    other = Environment(hash="e2", variables=b"C=3\0", surroundings="{}")
    store.submit([submission(), submission(), submission(environment=other)], AT)
    submit(store)
    assert [("e1",), ("e2",)] == store.database.rows("SELECT hash FROM environments ORDER BY hash")
    assert (b"A=1\0B=\xff\0", {"umask": 18}) == store.environment("e1")
    assert store.environment("gone") is None
    assert ["e1", "e1", "e2", "e1"] == [job.environment for job in store.select("1")]


# Overlap and keys


def test_a_key_is_free_again_when_its_job_has_ended(store: Store) -> None:
    first = submit(store, key="k")
    for overlap in (None, None):
        with pytest.raises(Refused):
            submit(store, key="k", overlap=overlap)
    end(store, first)
    assert j.QUEUED == submit(store, key="k").status


@pytest.mark.parametrize("by", ["key", "name"])
def test_skip_leaves_a_record(store: Store, by: str) -> None:
    fields = {"name": "sync", "key": "k" if by == "key" else None}
    first = submit(store, **fields, overlap="skip")
    front = Front(token="t", pid=1, pid_start=1)  # no password
    second = submit(store, **fields, overlap="skip", front=front)
    assert (j.QUEUED, j.ENDED, j.SKIPPED) == (first.status, second.status, second.outcome)
    assert f"job 1 with the same {by} `{'k' if by == 'key' else 'sync'}` is active" == second.reason
    assert second == store.job(second.id)
    assert ["submitted", "ended"] == [event["kind"] for event in store.events_of(second.id)]
    assert not store.any_front()
    assert 1 == store.count_ended()
    end(store, first)
    assert j.QUEUED == submit(store, **fields, overlap="skip").status
    assert [] == miscounted(store)


def test_skip_compares_the_key_where_there_is_one_and_else_the_name(store: Store) -> None:
    submit(store, name="a", key="k")
    assert j.QUEUED == submit(store, name="a", key="other", overlap="skip").status
    assert j.SKIPPED == submit(store, name="b", key="k", overlap="skip").outcome
    assert j.SKIPPED == submit(store, name="a", overlap="skip").outcome
    assert j.QUEUED == submit(store, name="k", overlap="skip").status


@pytest.mark.parametrize("name", ["ü", "\udcff", "a'b\"", "*", "%"])
def test_any_text_can_be_a_key_or_a_name(store: Store, name: str) -> None:
    submit(store, name=name, key=name)
    with pytest.raises(Refused):
        submit(store, key=name)
    assert j.SKIPPED == submit(store, name=name, overlap="skip").outcome


def test_allow_lets_both_run(store: Store) -> None:
    assert [j.QUEUED] * 3 == [submit(store, key="k", overlap="allow").status for _ in range(3)]
    with pytest.raises(Refused, match="job 3"):
        submit(store, key="k")


def test_within_one_batch_the_second_one_is_skipped(store: Store) -> None:
    jobs = store.submit([submission(key="k", overlap="skip") for _ in range(4)], AT)
    assert [j.QUEUED, j.ENDED, j.ENDED, j.ENDED] == [job.status for job in jobs]
    assert 3 == store.count_ended()


def test_fronts_are_kept_until_they_are_forgotten(store: Store) -> None:
    front = Front(token="secret", pid=12, pid_start=34, parent=1)
    job = submit(store, front=front)
    assert front == store.front(job.id)
    assert store.any_front()
    store.forget_front(job.id)
    assert store.front(job.id) is None
    assert not store.any_front()


def test_a_job_in_front_may_borrow_the_slot_of_the_job_it_was_submitted_from(store: Store) -> None:
    from store.making import claim

    front = Front(token="t", pid=1, pid_start=1, parent=1)
    outer = submit(store, group="g")
    inner = submit(store, group="g", front=front)
    submit(store, group="other", front=front)
    assert [] == store.borrowers("g")
    claim(store, outer)
    assert [inner.id] == store.borrowers("g")


# Several processes

SUBMIT = """
    import os, sys
    from store.making import submit
    from outlast.core.errors import Refused
    from outlast.home import Home
    from outlast.store.store import Store

    home, overlap = sys.argv[1], sys.argv[2] or None
    gate, opener = os.pipe()
    pids = []
    for _ in range(int(sys.argv[3])):
        pid = os.fork()
        if pid:
            pids.append(pid)
            continue
        os.close(opener)
        os.read(gate, 1)  # the end of the file, for all at once
        try:
            store = Store(Home(home))
            try:
                told = submit(store, key="only", overlap=overlap).status
            except Refused as refused:
                told = "refused" if "is in use by job" in str(refused) else str(refused)
            store.close()
            os.write(1, told.encode() + b"\\n")
        except BaseException as error:
            os.write(1, repr(error).encode() + b"\\n")
        finally:
            os._exit(0)
    os.close(gate)
    os.close(opener)
    for pid in pids:
        os.waitpid(pid, 0)
"""


@pytest.mark.parametrize("overlap", ["", "skip", "allow"])
def test_a_hundred_processes_at_once_with_one_key(home_path: Path, overlap: str) -> None:
    """They also all open a home that is not there yet."""
    process = child(SUBMIT, home_path, overlap, 100)
    stdout, stderr = process.communicate(timeout=100)
    assert (0, b"") == (process.returncode, stderr)
    expected = {"": {"queued": 1, "refused": 99}, "skip": {"queued": 1, "ended": 99}, "allow": {"queued": 100}}[overlap]
    assert expected == Counter(stdout.decode().split("\n")[:-1])
    reading = Reading(Home(str(home_path)))
    jobs = reading.select("1")
    assert {"": 1, "skip": 100, "allow": 100}[overlap] == len(jobs)
    assert list(range(1, len(jobs) + 1)) == [job.id for job in jobs]
    assert {"": 0, "skip": 99, "allow": 0}[overlap] == reading.count_ended() == sum(job.outcome == j.SKIPPED for job in jobs)
    assert [] == reading.database.all("miscounted")
    assert [("ok",)] == reading.database.all("integrity")
    reading.close()


DIE = """
    import os, sys
    from outlast.home import Home
    from outlast.seams import arm
    from outlast.store.store import Store
    from store.making import submit

    store = Store(Home(sys.argv[1]))
    arm(sys.argv[2])
    submit(store, name="first")
    submit(store, name="second")
"""


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ("submit.after-commit@1=die", ["first"]),
        ("submit.after-insert@2=die", ["first"]),
        ("submit.after-commit@2=die", ["first", "second"]),
    ],
)
def test_what_was_committed_outlasts_the_one_who_did_it(home_path: Path, point: str, expected: list[str]) -> None:
    process = child(DIE, home_path, point)
    process.communicate(timeout=60)
    assert -signal.SIGKILL == process.returncode
    reading = Reading(Home(str(home_path)))
    assert expected == [job.name for job in reading.select("1")]
    reading.close()
    store = Store(Home(str(home_path)))
    assert len(expected) + 1 == submit(store).id
    assert [] == miscounted(store)
    store.close()


def test_a_commit_is_synced_before_it_is_told(store: Store) -> None:
    assert 2 == store.database.row("PRAGMA synchronous")[0]  # FULL
    assert "wal" == store.database.row("PRAGMA journal_mode")[0]
    assert 0 == store.database.row("PRAGMA wal_autocheckpoint")[0]  # only the supervisor checkpoints


def test_what_ended_is_counted_as_it_ends(store: Store) -> None:
    for number in range(5):
        assert number == store.count_ended()
        ended(store)
    with pytest.raises(ZeroDivisionError), store.batch():
        ended(store)
        raise ZeroDivisionError
    assert 5 == store.count_ended()
    with store.batch():
        ended(store)
        ended(store)
    assert 7 == store.count_ended() == store.count("status = 'ended'")
    assert ENVIRONMENT.hash == store.select("1")[0].environment
    assert os.path.exists(store.database.home.at("outlast.db"))


def reserve(store: Store, **fields: Any) -> Job:
    """Give an id out."""
    return store.reserve(Job(id=0, command=[], cwd="", created_at=0, **{"name": "", **fields}), None, tick())


def fill(store: Store, reserved: Job, **fields: Any) -> Job:
    """Submit the command of a reserved id."""
    made = submission(**fields)
    return store.submit([made.replace(job=made.job.replace(id=reserved.id))], tick())[0]


def test_what_was_wished_of_a_reservation_is_wished_of_its_job(store: Store) -> None:
    reserved = reserve(store)
    wishes = (e.Held(by="me"), e.Paused(by="me"), e.StopRequested(verb=j.STOP, by="me"), e.Warned(warning="w", text="t"))
    before = store.record_all(reserved, wishes, tick())
    job = fill(store, reserved)
    assert (True, True, before.stop_requested, before.warnings) == (job.held, job.paused, job.stop_requested, job.warnings)


def test_a_job_with_a_reserved_id_queues_behind_those_that_came_meanwhile(store: Store) -> None:
    reserved = reserve(store)
    runs = submit(store, name="n")
    job = fill(store, reserved, name="n", overlap="queue")
    assert [f"job:{runs.id}"] == [need.name for need in store.needs_of(job.id)]


def test_a_job_with_a_reserved_id_does_not_wait_for_those_that_wait_for_it(store: Store) -> None:
    reserved = reserve(store, name="n")
    behind = submit(store, name="n", overlap="queue")
    job = fill(store, reserved, name="n", overlap="queue")
    assert (j.QUEUED, j.PENDING) == (job.status, behind.status)


def test_who_waits_behind_a_reservation_is_looked_at_when_that_becomes_another_job(store: Store) -> None:
    reserved = reserve(store, name="n")
    behind = submit(store, name="n", overlap="queue")
    assert [] == store.needs_due(10)
    fill(store, reserved, name="other")
    assert [behind.id] == [number for number, _ in store.needs_due(10)]
