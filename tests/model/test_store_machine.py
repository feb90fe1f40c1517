"""Whatever is done to the real store, in whatever order, by two writers, stale ones, and ones that are killed, it keeps its word."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.errors import Bug, Refused, Stale
from outlast.core.job import Ending, Job, Run
from outlast.core.lifecycle import NEW, TRANSITIONS, after, run_after
from outlast.home import Home
from outlast.store.reading import Reading
from outlast.store.rows import row_of_job
from outlast.store.store import _INSERT_JOB, Store
from store.making import AT, ENVIRONMENT, child, miscounted, submission, tick

ALLOWED = sorted(((status, kind) for status, row in TRANSITIONS.items() for kind in row), key=str)
CELLS = [cell for cell in ALLOWED if cell[0] != NEW]
KINDS = st.sampled_from(e.EVENTS)
NUMBERS = st.integers(0, 2**63 - 1)
TEXTS = st.sampled_from(["", "because", "ä\n", "\udcff", "x" * 300])
KEYS = st.sampled_from([None, None, "k1", "k2", "\udcff"])
OUTCOMES = st.sampled_from(j.OUTCOMES)
NEEDS = st.lists(st.sampled_from(["approval", "running:1", "running:7", "turn:k:k1", "turn:n:\udcfe"]), unique=True, max_size=3)
visited: Counter[tuple[str, type[e.Event]]] = Counter()

KILLED = """
    import os, sys
    from outlast.core.events import Held
    from outlast.home import Home
    from outlast.store.store import Store
    from store.making import submit

    store = Store(Home(sys.argv[1]))
    store.batch().__enter__()
    submit(store, name="never")
    for job in store.select("status <> 'ended'"):
        store.record(job, Held(by="never"), 1)
    os.kill(os.getpid(), 9)
"""


def ending_of(draw: Any) -> Ending:
    signal, code = draw(st.sampled_from([(None, 0), (None, 255), (11, None), (None, None)]))
    return Ending(outcome=draw(OUTCOMES), reason=draw(TEXTS), exit_code=code, signal=signal, ended_at=tick(), cpu=draw(st.none() | NUMBERS))


def event_of(draw: Any, kind: type[e.Event], job: Job, needs: Iterable[str] = ()) -> "e.AnyEvent":
    """Return an event of `kind` as somebody might tell it of `job`, which has `needs`."""

    def ended() -> dict[str, Any]:
        told = {"outcome": draw(OUTCOMES), "reason": draw(TEXTS)}
        if job.status != j.RUNNING:
            return told
        return {**told, "run": job.run, "ending": ending_of(draw), "stopped": draw(st.none() | st.integers(0, 9))}

    fields: dict[type[e.Event], Callable[[], dict[str, Any]]] = {
        e.Reserved: lambda: {"until": draw(st.none() | NUMBERS)},
        e.Submitted: lambda: {"until": draw(st.none() | NUMBERS)},  # with needs: see `submits`
        e.Met: lambda: {"need": draw(st.sampled_from(sorted(needs) or ["approval"])), "until": draw(st.none() | NUMBERS)},
        e.Queued: lambda: {"because": draw(TEXTS)},
        e.Postponed: lambda: {"until": draw(st.none() | NUMBERS), "needs": draw(NEEDS)},
        e.Claimed: lambda: {"run": job.run + 1, "host": "h", "boot": "b"},
        e.Started: lambda: {"run": job.run, "pid": draw(st.integers(1, 2**22)), "pid_start": 1, "started_at": tick()},
        e.Retried: lambda: {"run": job.run, "ending": ending_of(draw), "next_run_at": draw(NUMBERS)},
        e.Ended: ended,
        e.StopRequested: lambda: {"verb": draw(st.sampled_from(j.STOP_VERBS)), "scope": draw(st.sampled_from(["job", "run"]))},
        e.Signalled: lambda: {"signal": draw(st.integers(1, 64)), "by": draw(st.sampled_from(["signal", *j.STOP_VERBS]))},
        e.Warned: lambda: {"warning": "w", "text": draw(TEXTS), "run": draw(st.none() | st.just(job.run))},
        e.WarningOver: lambda: {"warning": "w", "text": draw(TEXTS), "run": draw(st.none() | st.just(job.run))},
        e.Noted: lambda: {"text": draw(TEXTS), "data": {"n": draw(NUMBERS)}},
    }
    event: e.AnyEvent = kind(**fields.get(kind, dict)())  # type: ignore[assignment]
    return event


def may_happen(job: Job) -> list[type[e.Event]]:
    """Return what may be told of `job`: a need is met only where there is one, and who needs anything is not queued."""
    never = {e.Queued} if job.waits else {e.Met}
    return [kind for kind in e.EVENTS if kind in TRANSITIONS[job.status] and kind not in (never if job.status == j.PENDING else ())]


def needs_after(needs: set[str], event: "e.AnyEvent") -> set[str]:
    """Return what a job needs after `event`."""
    match event:
        case e.Postponed():
            return set(event.needs)
        case e.Met():
            return needs - {event.need}
        case e.Ended():
            return set()
        case _:
            return needs


class StoreMachine(RuleBasedStateMachine):
    """Two writers on one home; `jobs`, `runs` and `needs` are what must be in it, `past` what was."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="ol-model-")
        self.home = Home(f"{self.folder}/h")
        self.stores = [Store(self.home), Store(self.home)]
        self.reading = Reading(self.home)
        self.jobs: dict[int, Job] = {}
        self.runs: dict[tuple[int, int], Run] = {}
        self.needs: dict[int, set[str]] = {}  # by job
        self.past: list[Job] = []
        self.allowed: set[int] = set()  # submitted with --overlap allow or queue
        self.last_id = 0
        self.killings = 0
        self.toured = False

    def teardown(self) -> None:
        self.reading.close()
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)

    def remember(self, job: Job) -> None:
        if job.id in self.jobs:
            self.past.append(self.jobs[job.id])
        self.jobs[job.id] = job

    def active(self, field: str, text: str | None) -> list[int]:
        return [job.id for job in self.jobs.values() if getattr(job, field) == text and job.status != j.ENDED]

    def new_ids(self, jobs: list[Job]) -> None:
        for job in jobs:
            assert job.id > self.last_id  # never one that was given out before
            self.last_id = job.id

    # Submitting

    @initialize(data=st.data())
    def one_in_every_status(self, data: Any) -> None:
        self.reserves(data, 0, None)
        jobs = self.stores[1].submit([submission(waits=True), *(submission() for _ in range(4))], tick())
        self.new_ids(jobs)
        for job in jobs:
            self.remember(job)
        self.needs[jobs[0].id] = {"approval"}
        for job in jobs[3:]:
            self.happens(job, [e.Claimed(run=1, host="h", boot="b")], 0)
        self.happens(self.jobs[jobs[4].id], [event_of(data.draw, e.Ended, self.jobs[jobs[4].id])], 0)

    @rule(data=st.data(), writer=st.integers(0, 1), count=st.integers(1, 3))
    def submits(self, data: Any, writer: int, count: int) -> None:
        submissions, predicted, needs = [], [], []
        active = {("key", job.key) for job in self.jobs.values() if job.status != j.ENDED}
        active |= {("name", job.name) for job in self.jobs.values() if job.status != j.ENDED}
        refused = False
        for _ in range(count):
            key, name = data.draw(KEYS), data.draw(st.sampled_from(["a", "b", "\udcfe"]))
            overlap, waits = data.draw(st.sampled_from([None, "skip", "allow", "queue"])), data.draw(st.booleans())
            group = data.draw(st.sampled_from([None, "g"]))
            submissions.append(submission(key=key, name=name, overlap=overlap, waits=waits, group=group))
            taken = ("name", name) in active if key is None else ("key", key) in active
            refused = refused or (taken and key is not None and overlap is None)
            wanted = {"approval"} if waits else set()
            if taken and overlap == "queue":
                wanted.add(f"turn:n:{name}" if key is None else f"turn:k:{key}")
            predicted.append(j.ENDED if taken and overlap == "skip" else j.PENDING if wanted else j.QUEUED)
            needs.append(wanted if predicted[-1] == j.PENDING else set())
            if predicted[-1] != j.ENDED:
                active |= {("key", key), ("name", name)}
        try:
            jobs = self.stores[writer].submit(submissions, tick())
        except Refused:
            assert refused
            return
        assert not refused
        assert predicted == [job.status for job in jobs]
        self.new_ids(jobs)
        for job, wanted in zip(jobs, needs, strict=True):
            visited[NEW, e.Submitted] += 1
            self.remember(job)
            self.needs[job.id] = wanted
            if job.spec.get("overlap") in {"allow", "queue"}:
                self.allowed.add(job.id)

    @rule(data=st.data(), writer=st.integers(0, 1), key=KEYS)
    def reserves(self, data: Any, writer: int, key: str | None) -> None:
        """As the verb `reserve` will; what the store has of it now is the table and the row."""
        if key is not None and self.active("key", key):
            return
        store, now = self.stores[writer], tick()
        event = e.Reserved(until=data.draw(st.sampled_from([None, 2 * AT])))  # what has lapsed is ended by the next submission
        with store.batch():
            job = after(submission(key=key).job.replace(environment=ENVIRONMENT.hash), event, now)
            job = job.replace(id=store.database.execute(_INSERT_JOB, [None, *row_of_job(job)[1:]]).lastrowid)
            store._add_event(job, event, now)
        visited[NEW, e.Reserved] += 1
        self.new_ids([job])
        self.remember(job)

    # Recording

    def pick(self, data: Any) -> Job:
        statuses = sorted({job.status for job in self.jobs.values()})
        status = data.draw(st.sampled_from(statuses), label="status")
        job: Job = data.draw(st.sampled_from([job for job in self.jobs.values() if job.status == status]), label="job")
        return job

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), writer=st.integers(0, 1), cell=st.sampled_from(CELLS), more=st.integers(0, 2))
    def records(self, data: Any, writer: int, cell: tuple[str, type[e.Event]], more: int) -> None:
        """An event of a job that is in the right status for it, and perhaps some more in the same go."""
        status, kind = cell
        there = [job for job in self.jobs.values() if job.status == status and kind in may_happen(job)]
        job = data.draw(st.sampled_from(there), label="job") if there else self.pick(data)
        new, events, now = job, list["e.AnyEvent"](), tick()
        needs = self.needs.get(job.id, set())
        for number in range(more + 1):
            kinds = may_happen(new)
            events.append(event_of(data.draw, kind if there and not number else data.draw(st.sampled_from(kinds)), new, needs))
            new, needs = after(new, events[-1], now), needs_after(needs, events[-1])
        self.happens(job, events, writer)

    @precondition(lambda self: not self.toured)
    @rule(data=st.data(), writer=st.integers(0, 1))
    def everything_happens(self, data: Any, writer: int) -> None:
        """One event of every cell: what is drawn freely comes back to a few of them again and again."""
        self.toured = True
        for status, kind in CELLS:
            if not any(job.status == status and kind in may_happen(job) for job in self.jobs.values()):
                self.one_in_every_status(data)
                if (status, kind) == (j.PENDING, e.Queued):
                    queued = next(job for job in self.jobs.values() if job.status == j.QUEUED)
                    self.happens(queued, [e.Postponed()], writer)
            job = next(job for job in self.jobs.values() if job.status == status and kind in may_happen(job))
            self.happens(job, [event_of(data.draw, kind, job, self.needs.get(job.id, ()))], writer)

    def happens(self, job: Job, events: "list[e.AnyEvent]", writer: int) -> None:
        """Record `events`, and expect what the table says."""
        new, now = job, tick()
        for event in events:
            visited[new.status, type(event)] += 1
            made = after(new, event, now)
            run = run_after(new, self.runs.get((new.id, new.run)), event, now)
            if run is not None:
                self.runs[new.id, run.run] = run
            self.needs[new.id] = needs_after(self.needs.get(new.id, set()), event)
            new = made
        assert new == self.stores[writer].record_all(job, events, now)
        self.remember(new)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), writer=st.integers(0, 1), kind=KINDS)
    def tells_what_cannot_be(self, data: Any, writer: int, kind: type[e.Event]) -> None:
        job = self.pick(data)
        if kind in TRANSITIONS[job.status]:
            return
        with pytest.raises(Bug):
            self.stores[writer].record(job, event_of(data.draw, kind, job), tick())

    @precondition(lambda self: self.past)
    @rule(data=st.data(), writer=st.integers(0, 1))
    def comes_too_late(self, data: Any, writer: int) -> None:
        """Somebody who decided on what was true before loses, whatever it is, and whatever has happened since."""
        old = data.draw(st.sampled_from(self.past), label="old")
        kinds = [kind for kind in e.EVENTS if kind in TRANSITIONS[old.status]]
        with pytest.raises(Stale):
            self.stores[writer].record(old, event_of(data.draw, data.draw(st.sampled_from(kinds)), old), tick())

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), writer=st.integers(0, 1))
    def changes_its_mind(self, data: Any, writer: int) -> None:
        """What was not committed was never so."""
        store = self.stores[writer]
        with pytest.raises(ZeroDivisionError), store.batch():
            store.submit([submission()], tick())
            for job in [self.pick(data) for _ in range(2)]:
                found = store.job(job.id)
                if found is not None:
                    needs = [need.name for need in store.needs_of(found.id)]
                    store.record(found, event_of(data.draw, data.draw(st.sampled_from(may_happen(found))), found, needs), tick())
            raise ZeroDivisionError

    @precondition(lambda self: self.killings < 1)
    @rule()
    def is_killed(self) -> None:
        self.killings += 1
        process = child(KILLED, self.home.path)
        assert (b"", b"") == process.communicate(timeout=60)
        assert -9 == process.returncode

    @rule(writer=st.integers(0, 1))
    def comes_again(self, writer: int) -> None:
        self.stores[writer].close()
        self.stores[writer] = Store(self.home)

    @rule(mode=st.sampled_from(["PASSIVE", "TRUNCATE"]))
    def checkpoints(self, mode: str) -> None:
        self.stores[0].database.checkpoint(mode)

    # What always holds

    @invariant()
    def what_is_there_is_what_was_told(self) -> None:
        assert list(self.jobs.values()) == self.reading.select("1")
        found = [run for number in self.jobs for run in self.reading.runs(number)]
        assert [self.runs[place] for place in sorted(self.runs)] == found
        assert [] == miscounted(self.stores[1])  # versions are the numbers of events, `waits` those of needs
        assert {number: sorted(needs) for number, needs in self.needs.items() if needs} == {
            number: sorted(need.name for need in self.reading.needs_of(number)) for number, job in self.jobs.items() if job.waits
        }
        for job in self.jobs.values():
            assert list(range(1, job.version + 1)) == [event["version"] for event in self.reading.events_of(job.id)]

    @invariant()
    def every_row_makes_sense(self) -> None:
        for job in self.reading.select("1"):
            runs = self.reading.runs(job.id)
            assert job.status in j.STATUSES
            assert (job.outcome in j.OUTCOMES) == (job.status == j.ENDED)
            assert (job.ended_at is not None) == (job.status == j.ENDED)
            assert list(range(1, job.run + 1)) == [run.run for run in runs]
            assert [run.run for run in runs if run.status == j.RUNNING] == ([job.run] if job.status == j.RUNNING else [])
            assert all((run.outcome in j.OUTCOMES) == (run.status == j.ENDED) for run in runs)
            assert job.pid is None or job.status == j.RUNNING

    @invariant()
    def what_is_counted_and_listed_is_right(self) -> None:
        statuses = Counter(job.status for job in self.jobs.values())
        assert statuses[j.ENDED] == self.reading.count_ended()
        assert {status: count for status, count in statuses.items() if status != j.ENDED} == self.reading.count_active()
        ready = [job.id for job in self.jobs.values() if job.status == j.QUEUED and not job.paused and not job.held and job.group is None]
        assert ready == [job.id for job in self.reading.ready(None, 1000)]
        wanted = [job.id for job in self.jobs.values() if job.status != j.ENDED and job.stop_requested is not None]
        assert wanted == self.reading.to_stop()
        waits = [job for job in self.jobs.values() if job.status == j.PENDING and not job.paused and not job.held]
        due = [job.id for job in waits if job.next_run_at is not None and not job.waits]
        assert due == sorted(self.reading.due(2**63 - 1))
        assert sorted(job.id for job in self.jobs.values() if job.deadline is not None) == sorted(self.reading.past_deadline(2**63 - 1))

    @invariant()
    def a_key_has_one_active_job_that_did_not_allow_others(self) -> None:
        for key in {job.key for job in self.jobs.values()} - {None}:
            active = self.active("key", key)
            strict = [number for number in active if number not in self.allowed]
            assert strict in ([], active[:1]), (key, active)


def explore(examples: int, steps: int) -> None:
    visited.clear()
    run_state_machine_as_test(StoreMachine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None))
    missed = sorted(f"{status} x {kind.kind}" for status, kind in set(ALLOWED) - set(visited))
    share = 1 - len(missed) / len(ALLOWED)
    print(f"\n{sum(visited.values())} events in {share:.0%} of {len(ALLOWED)} cells status x event; missed: {', '.join(missed) or 'none'}")
    assert set(visited) <= set(ALLOWED)
    assert 0.95 <= share, missed


@pytest.mark.timeout(400)  # a failure is made small, which takes its time
def test_the_store_keeps_its_word() -> None:
    explore(20, 30)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_store_keeps_its_word_for_long() -> None:
    explore(400, 80)
