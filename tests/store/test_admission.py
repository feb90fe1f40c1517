"""What becomes of a submission beside the jobs that are there, decided with the insert: every rule, and what a job needs."""

from pathlib import Path
from typing import Any

import pytest

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.disabling import Rule
from outlast.core.errors import NotFound, Refused, UsageError
from outlast.core.job import Job
from outlast.core.needs import met, needs_of
from outlast.home import Home
from outlast.store.grouping import pause_group, set_group
from outlast.store.store import Environment, Front, Store
from store.making import AT, claim, dump, end, ended, miscounted, start, submission, submit, tick

BY = [{"name": "sync", "key": None}, {"name": "sync", "key": "k"}]
TURN = {None: "turn:n:sync", "k": "turn:k:k"}
SECOND = 1_000_000_000


def after(store: Store, *others: int, id: int = 0, **options: Any) -> Job:
    """Submit a job with the needs that its options say, `after.succeeded` of `others` among them."""
    spec = {name.replace("_", "."): given for name, given in options.items()}
    if others:
        spec["after.succeeded"] = list(others)
    made = submission(spec=spec)
    return store.submit([made.replace(job=made.job.replace(id=id), needs=tuple(needs_of(spec)))], tick())[0]


def reserve(store: Store, **fields: Any) -> Job:
    job = submission(**{"command": [], "cwd": "", **fields}).job
    return store.reserve(job, None, tick())


def needs(store: Store, job: Job | int) -> list[str]:
    return [need.name for need in store.needs_of(job if isinstance(job, int) else job.id)]


def as_it_is(store: Store, job: Job) -> Job:
    found = store.job(job.id)
    assert found is not None
    return found


def settle(store: Store) -> list[int]:
    """Look at the turns that are due, as the supervisor does. Returns the jobs that go on."""
    gone_on = []
    for number, need in store.needs_due(100):
        (job,) = store.jobs([number])
        if store.before_in_turn(job) is None:
            store.record_all(job, met(job, need.name, "its turn", None, tick()), tick())
            gone_on.append(number)
        else:
            store.still_waits(number, need.name)
    return gone_on


# Overlap


@pytest.mark.parametrize("by", BY, ids=str)
@pytest.mark.parametrize("rule", ["skip", "queue", "queue=1", "replace", "allow", "allow=1", "join"])
def test_the_first_one_starts_by_every_rule(store: Store, by: dict[str, Any], rule: str) -> None:
    ended(store, **by)
    assert j.QUEUED == submit(store, **by, overlap=rule).status
    assert [] == miscounted(store)


@pytest.mark.parametrize("by", BY, ids=str)
def test_queue_waits_for_its_turn_and_they_come_one_after_the_other(store: Store, by: dict[str, Any]) -> None:
    first = submit(store, **by)
    second, third = (submit(store, **by, overlap="queue") for _ in range(2))
    assert [(j.PENDING, 1), (j.PENDING, 1)] == [(job.status, job.waits) for job in (second, third)]
    assert [TURN[by["key"]]] == needs(store, second) == needs(store, third)
    assert [] == store.needs_due(9)
    assert (first.id, second.id) == (store.before_in_turn(second), store.before_in_turn(third))
    end(store, start(store, claim(store, first)))
    assert [second.id] == [number for number, _ in store.needs_due(9)]  # the others need not be looked at
    assert [second.id] == settle(store)
    assert [] == settle(store)
    end(store, as_it_is(store, second))
    assert [third.id] == settle(store)
    assert j.QUEUED == as_it_is(store, third).status
    assert [] == miscounted(store)


@pytest.mark.parametrize("by", BY, ids=str)
def test_one_that_waits_for_its_turn_and_ends_lets_the_next_one_go_on(store: Store, by: dict[str, Any]) -> None:
    first = claim(store, submit(store, **by))
    second, third = (submit(store, **by, overlap="queue") for _ in range(2))
    end(store, second, j.STOPPED)
    assert [] == settle(store)  # the first one still runs
    end(store, first)
    assert [third.id] == settle(store)


@pytest.mark.parametrize("by", BY, ids=str)
def test_queue_with_a_bound_skips_the_rest(store: Store, by: dict[str, Any]) -> None:
    first = submit(store, **by)
    told = [submit(store, **by, overlap="queue=2") for _ in range(4)]
    assert [j.PENDING, j.PENDING, j.ENDED, j.ENDED] == [job.status for job in told]
    assert [j.SKIPPED] * 2 == [job.outcome for job in told[2:]]
    assert "2 jobs wait already behind the active one" in (told[3].reason or "")
    end(store, first)
    assert [told[0].id] == settle(store)
    assert j.PENDING == submit(store, **by, overlap="queue=2").status  # there is room again
    assert 3 == store.count_ended()
    assert [] == miscounted(store)


def test_a_burst_makes_exactly_one_more(store: Store) -> None:
    submit(store, key="k")
    jobs = store.submit([submission(key="k", overlap="queue=1") for _ in range(50)], AT)
    assert [j.PENDING, *[j.ENDED] * 49] == [job.status for job in jobs]


@pytest.mark.parametrize("by", BY, ids=str)
def test_replace_asks_exactly_the_active_ones_to_end(store: Store, by: dict[str, Any]) -> None:
    over = ended(store, **by)
    other = submit(store, name="other", key="other")
    running = claim(store, submit(store, **by))
    waiting = submit(store, **by, overlap="queue")
    asked = store.request(submit(store, **by, overlap="allow").id, e.StopRequested(verb=j.KILL), AT)
    new = submit(store, **by, overlap="replace", user="me")
    assert (j.PENDING, [TURN[by["key"]]]) == (new.status, needs(store, new))
    assert [running.id, waiting.id, asked.id] == store.to_stop()
    wish = as_it_is(store, running).stop_requested or {}
    assert ("stop", "job") == (wish["verb"], wish["scope"])
    event = store.events_of(running.id)[-1]
    assert "me: replaced by a newer job (--overlap replace)" == event["data"]["by"]
    assert asked == as_it_is(store, asked)  # it was to be ended already
    assert [over, other] == [as_it_is(store, job) for job in (over, other)]
    for job in (running, waiting, asked):
        end(store, as_it_is(store, job), j.STOPPED)
    assert [new.id] == settle(store)
    assert [] == miscounted(store)


def test_replace_asks_for_the_end_of_the_job_where_only_its_run_was_to_end(store: Store) -> None:
    running = claim(store, submit(store, key="k"))
    store.request(running.id, e.StopRequested(verb=j.STOP, scope="run"), AT)
    submit(store, key="k", overlap="replace")
    assert "job" == (as_it_is(store, running).stop_requested or {})["scope"]


@pytest.mark.parametrize("by", BY, ids=str)
def test_allow_with_a_bound(store: Store, by: dict[str, Any]) -> None:
    told = [submit(store, **by, overlap="allow=2") for _ in range(3)]
    assert [j.QUEUED, j.QUEUED, j.ENDED] == [job.status for job in told]
    assert "2 jobs with the same" in (told[2].reason or "")
    end(store, told[0])
    assert j.QUEUED == submit(store, **by, overlap="allow=2").status


@pytest.mark.parametrize("by", BY, ids=str)
def test_join_returns_the_active_one(store: Store, by: dict[str, Any]) -> None:
    same = Environment(hash="e2", variables=b"A=1\0X=new\0", surroundings="{}")  # what is not set by --env may differ
    first = submit(store, **by, overlap="join")
    before = dump(Path(store.database.home.path))
    assert first == submit(store, **by, overlap="join", environment=same)
    assert before == dump(Path(store.database.home.path))
    assert {first.id} == store.joined
    running = start(store, claim(store, first))
    assert running == submit(store, **by, overlap="join")
    end(store, running)
    assert first.id != submit(store, **by, overlap="join").id


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"command": ["false"]}, "command"),
        ({"cwd": "/tmp"}, "directory"),
        ({"spec": {"env": ["B"]}}, "--env"),
        ({"spec": {"unset-env": ["B"]}}, "--env"),
    ],
    ids=str,
)
def test_join_is_refused_to_whoever_does_something_else(store: Store, home_path: Path, change: dict[str, Any], what: str) -> None:
    submit(store, key="k")
    before = dump(home_path)
    environment = Environment(hash="e2", variables=b"A=1\0B=2\0", surroundings="{}")
    with pytest.raises(Refused, match=rf"^job 1 is active with another {what}: .*--overlap allow"):
        submit(store, **{"key": "k", **change}, overlap="join", environment=environment)
    assert before == dump(home_path)


def test_join_compares_what_env_sets(store: Store) -> None:
    def like(value: bytes) -> Environment:
        return Environment(hash=value.decode(), variables=b"A=1\0B=%s\0" % value, surroundings="{}")

    first = submit(store, key="k", spec={"env": ["B"]}, environment=like(b"2"))
    assert first == submit(store, key="k", spec={"env": ["B"]}, environment=like(b"2"), overlap="join")
    with pytest.raises(Refused, match="--env"):
        submit(store, key="k", spec={"env": ["B"]}, environment=like(b"3"), overlap="join")


def test_a_reserved_id_is_nothing_to_join(store: Store) -> None:
    reserve(store, key="k")
    with pytest.raises(Refused, match="job 1 is only reserved"):
        submit(store, key="k", overlap="join")


# Freshness and disabling


@pytest.mark.parametrize("by", BY, ids=str)
def test_unless_fresh(store: Store, by: dict[str, Any]) -> None:
    long_ago = end(store, start(store, claim(store, submit(store, **by))), ended_at=AT)
    spec = {"unless-fresh": 10 * SECOND}

    def told(at: int) -> Job:
        return store.submit([submission(**by, spec=spec)], at)[0]

    skipped = told(AT + 10 * SECOND)
    assert (j.ENDED, j.SKIPPED) == (skipped.status, skipped.outcome)
    which = "name" if by["key"] is None else "key"
    assert f"job {long_ago.id} with the same {which} succeeded 10s ago, which is fresh enough (unless-fresh is 10s)" == skipped.reason
    stale = told(AT + 10 * SECOND + 1)
    assert j.QUEUED == stale.status
    end(store, start(store, claim(store, stale)), j.FAILED, ended_at=AT + 11 * SECOND)
    assert j.QUEUED == told(AT + 12 * SECOND).status  # what failed is not fresh
    assert [] == miscounted(store)


@pytest.mark.parametrize(
    ("rule", "name", "disabled"),
    [
        ({"pattern": "backup"}, "backup", True),
        ({"pattern": "backup"}, "backups", False),
        ({"pattern": "back.*", "regex": True}, "backups", True),
        ({"pattern": "back.*"}, "backups", False),
        ({"pattern": "backup", "until": AT + 5}, "backup", True),
        ({"pattern": "backup", "until": AT}, "backup", False),
        ({"pattern": "\udcff"}, "\udcff", True),
    ],
    ids=str,
)
def test_disabled_by_name(store: Store, rule: dict[str, Any], name: str, disabled: bool) -> None:
    store.disable(Rule(**rule, note="disk", by="me", at=AT - 9))
    (job,) = store.submit([submission(name=name, waits=True, front=Front(token="t", pid=1, pid_start=1))], AT)  # no password
    assert ((j.ENDED, j.DISABLED) if disabled else (j.PENDING, None)) == (job.status, job.outcome)
    assert disabled == ("are disabled by me" in (job.reason or ""))
    assert ["submitted", "ended"][: 1 + disabled] == [event["kind"] for event in store.events_of(job.id)]
    assert disabled != store.any_front()
    assert ([] if disabled else ["approval"]) == needs(store, job)
    assert store.enable(rule["pattern"])
    assert not store.enable(rule["pattern"])
    assert j.PENDING == submit(store, name=name, waits=True).status
    assert [] == miscounted(store)


def test_a_second_rule_of_the_same_name_takes_the_place_of_the_first(store: Store) -> None:
    for note in ("one", "two"):
        store.disable(Rule(pattern="n", note=note, by="me", at=AT))
    assert ["two"] == [rule.note for rule in store.disabled()]
    store.disable(Rule(pattern="n", regex=True, by="me", at=AT))
    assert 2 == len(store.disabled())
    assert store.enable("n")
    assert not store.any_disabled()


def test_disabled_comes_before_all_else(store: Store) -> None:
    submit(store, name="n", key="k")
    store.disable(Rule(pattern="n", at=AT))
    assert [j.DISABLED] * 3 == [submit(store, name="n", key="k", overlap=rule).outcome for rule in (None, "replace", "join")]
    assert [] == store.to_stop()


# Needs


@pytest.mark.parametrize(
    ("option", "outcome", "expected"),
    [
        ("after.succeeded", j.SUCCEEDED, j.QUEUED),
        ("after.succeeded", j.FAILED, j.ABORTED),
        ("after.failed", j.FAILED, j.QUEUED),
        ("after.failed", j.SUCCEEDED, j.ABORTED),
        ("after.ended", j.STOPPED, j.QUEUED),
        ("while-running", j.SUCCEEDED, j.ABORTED),
    ],
)
def test_what_is_met_already_and_what_is_impossible(store: Store, option: str, outcome: str, expected: str) -> None:
    first = ended(store, outcome)
    job = after(store, **{option: [first.id]})
    assert expected in {job.status, job.outcome}
    assert ([], 0) == (needs(store, job), job.waits)
    if expected == j.ABORTED:
        assert f"job {first.id}" in (job.reason or "")
        assert store.count_ended() == 2
    assert [] == miscounted(store)


def test_of_several_needs_only_those_that_are_not_met_are_kept(store: Store) -> None:
    over, active = ended(store), claim(store, submit(store))
    waiting = submit(store)
    job = after(store, over.id, waiting.id, **{"while-running": [active.id], "approval": True})
    assert (j.PENDING, 2, ["approval", f"job:{waiting.id}"]) == (job.status, job.waits, needs(store, job))
    told = store.needs_of(job.id)[1]
    assert (waiting.id, (j.SUCCEEDED,)) == (told.other, told.outcomes)


def test_one_that_is_impossible_ends_it_whatever_else_it_waits_for(store: Store) -> None:
    job = after(store, ended(store, j.FAILED).id, submit(store).id, approval=True)
    assert (j.ENDED, j.ABORTED, []) == (job.status, job.outcome, needs(store, job))


def test_what_it_waits_for_is_due_when_that_changes(store: Store) -> None:
    first = submit(store)
    behind, beside, both = after(store, first.id), after(store, **{"while-running": [first.id]}), after(store, first.id, approval=True)
    assert [] == store.needs_due(9)
    first = claim(store, first)
    wanted = [(behind.id, f"job:{first.id}"), (beside.id, f"running:{first.id}"), (both.id, f"job:{first.id}")]
    assert wanted == [(number, need.name) for number, need in store.needs_due(9)]
    for number, name in wanted:
        store.still_waits(number, name)
    assert [] == store.needs_due(9)
    start(store, first)
    assert [] == store.needs_due(9)  # it runs as before
    end(store, as_it_is(store, first))
    assert wanted == [(number, need.name) for number, need in store.needs_due(9)]
    job = as_it_is(store, both)
    job = store.record_all(job, met(job, f"job:{first.id}", "", None, AT), AT)
    assert (j.PENDING, 1, ["approval"]) == (job.status, job.waits, needs(store, job))
    end(store, job, j.STOPPED)
    assert [] == needs(store, job)
    assert [] == miscounted(store)


def test_what_is_not_needed_cannot_be_met(store: Store, home_path: Path) -> None:
    from outlast.core.errors import Bug

    job = submit(store, waits=True)
    before = dump(home_path)
    with pytest.raises(Bug, match="does not need `conditions`"):
        store.record(job, e.Met(need="conditions"), AT)
    assert before == dump(home_path)


def test_a_queued_job_that_has_to_wait_again(store: Store) -> None:
    job = submit(store)
    job = store.record(job, e.Postponed(because="x", needs=["running:7", "approval"]), AT)
    assert (j.PENDING, 2, ["approval", "running:7"]) == (job.status, job.waits, needs(store, job))
    assert [7, None] == [need.other for need in reversed(store.needs_of(job.id))]
    for name in ("approval", "running:7"):
        job = store.record_all(job, met(job, name, "", None, AT), AT)
    assert (j.QUEUED, []) == (job.status, needs(store, job))
    assert [] == miscounted(store)


def test_several_events_of_one_go_leave_no_need_behind(store: Store) -> None:
    events = (e.Postponed(needs=["approval"]), e.Met(need="approval"), e.Queued(), e.Claimed(run=1, host="h", boot="b"))
    job = store.record_all(submit(store), events, AT)
    assert (j.RUNNING, []) == (job.status, needs(store, job))
    job = store.record_all(submit(store), (e.Postponed(needs=["approval"]), e.Met(need="approval")), AT)
    assert (j.PENDING, []) == (job.status, needs(store, job))
    assert [] == miscounted(store)


def test_a_job_that_is_not_there_cannot_be_waited_for(store: Store, home_path: Path) -> None:
    submit(store)
    before = dump(home_path)
    for option in ("after.succeeded", "after.ended", "while-running"):
        with pytest.raises(NotFound, match="no job `99`"):
            after(store, **{option: [99]})
    assert before == dump(home_path)


@pytest.mark.parametrize("length", [1, 2, 3, 10])
@pytest.mark.parametrize("option", ["after.succeeded", "while-running", "after.ended"])
def test_cycles_through_reserved_ids_cannot_be_submitted(store: Store, home_path: Path, length: int, option: str) -> None:
    ids = [reserve(store).id for _ in range(length)]
    for job, other in zip(ids, ids[1:], strict=False):
        assert j.PENDING == after(store, id=job, **{option: [other]}).status
    before = dump(home_path)
    with pytest.raises(UsageError, match=f"job {ids[0]} waits for job {ids[-1]}, which would wait for it"):
        after(store, id=ids[-1], **{option: [ids[0]]})
    assert before == dump(home_path)
    assert j.QUEUED == after(store, id=ids[-1]).status  # without it there is no cycle
    assert [] == miscounted(store)


def test_a_cycle_through_a_turn_cannot_be_submitted(store: Store, home_path: Path) -> None:
    first = reserve(store, name="sync").id
    second = submit(store, name="sync", overlap="queue")  # after all with lower ids that are called so
    before = dump(home_path)
    with pytest.raises(UsageError, match=f"job {second.id} waits for job {first}, which would wait for it"):
        after(store, second.id, id=first)
    assert before == dump(home_path)


def test_a_cycle_through_a_turn_that_a_new_name_would_make_cannot_be_submitted(store: Store, home_path: Path) -> None:
    first = reserve(store, name="other").id
    submit(store, name="sync")
    second = submit(store, name="sync", overlap="queue")
    before = dump(home_path)
    made = submission(name="sync", spec={"after.succeeded": [second.id]})
    with pytest.raises(UsageError, match=f"job {second.id} waits for job {first}, which would wait for it"):
        store.submit([made.replace(job=made.job.replace(id=first), needs=tuple(needs_of(made.job.spec)))], tick())
    assert before == dump(home_path)


def test_a_reserved_id_takes_its_turn_before_those_that_wait_for_it(store: Store) -> None:
    first = reserve(store, name="sync").id
    second = submission(name="sync", spec={"after.succeeded": [first]})
    (waiting,) = store.submit([second.replace(needs=tuple(needs_of(second.job.spec)))], tick())
    made = submission(name="sync", spec={"overlap": "queue"})
    (job,) = store.submit([made.replace(job=made.job.replace(id=first))], tick())
    assert [] == needs(store, job)
    assert [f"job:{first}"] == needs(store, waiting)


def test_diamonds_are_no_cycles(store: Store) -> None:
    top = submit(store)
    sides = [after(store, top.id) for _ in range(2)]
    bottom = reserve(store)
    assert 2 == after(store, *(side.id for side in sides), id=bottom.id).waits


# Reservations


def test_a_reserved_id_becomes_the_job(store: Store) -> None:
    reserved = store.reserve(submission(name="import", key="k", command=[], cwd="").job, AT + SECOND, AT)
    assert (1, 1, j.RESERVED, AT + SECOND, 1) == (reserved.id, reserved.version, reserved.status, reserved.deadline, store.reserve(
        submission(command=[], cwd="").job, None, AT).id - 1)  # fmt: skip
    with pytest.raises(Refused, match="key `k` is in use by job 1"):
        submit(store, key="k")
    made = submission(name="import", key="k", command=["a"])
    job = store.submit([made.replace(job=made.job.replace(id=1))], tick())[0]
    assert (1, 2, j.QUEUED, ["a"], "k", None, "e1") == (
        job.id, job.version, job.status, job.command, job.key, job.deadline, job.environment)  # fmt: skip
    assert job == store.job(1)
    assert ["reserved", "submitted"] == [event["kind"] for event in store.events_of(1)]
    assert j.SUCCEEDED == end(store, start(store, claim(store, job))).outcome
    assert [] == miscounted(store)


def test_a_reservation_can_be_used_once(store: Store, home_path: Path) -> None:
    number = reserve(store).id
    job = after(store, id=number)
    assert number == job.id
    for what in ("queued", "stopped"):
        before = dump(home_path)
        with pytest.raises(Refused, match=f"job {number} is not reserved: it is {what}"):
            after(store, id=number)
        assert before == dump(home_path)
        if what == "queued":
            end(store, job, j.STOPPED)
    with pytest.raises(NotFound, match="no job 99: `outlast reserve`"):
        after(store, id=99)


def test_a_key_can_be_reserved_once(store: Store, home_path: Path) -> None:
    reserve(store, key="k")
    before = dump(home_path)
    with pytest.raises(Refused, match="key `k` is in use by job 1"):
        reserve(store, key="k")
    assert before == dump(home_path)


# Groups


def test_a_draining_group_takes_no_more(store: Store, home_path: Path) -> None:
    first = submit(store, group="g")
    pause_group(store, "g", AT, paused=False, draining=True)
    before = dump(home_path)
    for fields in ({}, {"waits": True}, {"overlap": "skip"}):
        with pytest.raises(Refused, match="^group `g` is draining: it takes no more jobs: `outlast group resume g`"):
            submit(store, group="g", **fields)
    assert before == dump(home_path)
    assert j.QUEUED == submit(store, group="other").status
    claim(store, first)  # those that it has go on
    pause_group(store, "g", AT, paused=False, draining=False)
    assert j.QUEUED == submit(store, group="g").status


def test_a_job_cannot_take_more_slots_than_there_are(store: Store) -> None:
    set_group(store, "g", 3, AT)
    assert j.QUEUED == submit(store, group="g", spec={"slots": 3}).status
    with pytest.raises(Refused, match=r"--slots 4: group `g` has 3: .*outlast group set g --slots N"):
        submit(store, group="g", spec={"slots": 4})
    set_group(store, "g", None, AT)
    assert j.QUEUED == submit(store, group="g", spec={"slots": 4}).status


def test_the_higher_the_priority_the_earlier(store: Store) -> None:
    jobs = [submit(store, priority=priority) for priority in (0, 5, -5, 5)]
    assert [2, 4, 1, 3] == [job.id for job in store.ready(None, 9)]
    assert [4, 1] == [job.id for job in store.ready(None, 2, after=store.job(2))]
    grouped = [submit(store, group="g", priority=priority) for priority in (0, 5, 0)]
    assert [1, 0, 2] == [store.queued_before(job) for job in grouped]
    assert 4 == len(jobs)


# Times


@pytest.mark.parametrize(
    ("spec", "until"),
    [
        ({"wait.datetime": AT + 50}, AT + 50),
        ({"wait.datetime": AT}, None),  # now
        ({"wait.datetime": AT - 50}, None),
        ({"wait.timedelta": 7}, AT + 7),
        ({"wait.timedelta": 0}, None),
        ({"wait.timedelta": 7, "wait.datetime": AT + 50, "wait.any": True}, AT + 7),
    ],
    ids=str,
)
def test_until_then_it_is_pending(store: Store, spec: dict[str, Any], until: int | None) -> None:
    (job,) = store.submit([submission(spec=spec)], AT)
    assert (j.QUEUED if until is None else j.PENDING, until, 0) == (job.status, job.next_run_at, job.waits)
    assert until == store.next_due()
    if until is not None:
        assert ([], [job.id]) == (store.due(until - 1), store.due(until))


def test_a_job_that_waits_for_a_time_and_for_another_job_is_not_due_before(store: Store) -> None:
    first = submit(store)
    spec = {"wait.datetime": AT + 50, "after.succeeded": [first.id]}
    (job,) = store.submit([submission(spec=spec).replace(needs=tuple(needs_of(spec)))], AT)
    assert (j.PENDING, 1, AT + 50, None) == (job.status, job.waits, job.next_run_at, store.next_due())
    job = store.record_all(job, met(job, f"job:{first.id}", "", None, AT + 60), AT + 60)
    assert j.QUEUED == job.status


def test_a_held_job_is_held_from_the_beginning(store: Store) -> None:
    (job,) = store.submit([submission().replace(held=True)], AT)
    assert (True, 2, []) == (job.held, job.version, store.ready(None, 9))
    assert ["submitted", "held"] == [event["kind"] for event in store.events_of(job.id)]


# All or none


def test_all_or_none_whatever_is_decided_in_between(store: Store, home_path: Path) -> None:
    active = submit(store, name="sync")
    store.disable(Rule(pattern="off", at=AT))
    before = dump(home_path)
    good = [
        submission(name="sync", overlap="replace"), submission(name="sync", overlap="queue"), submission(name="off"),
        submission(waits=True),
        submission(name="sync", overlap="skip"),
    ]  # fmt: skip
    bad = submission(spec={"after.succeeded": [99]})
    with pytest.raises(NotFound):
        store.submit([*good, bad.replace(needs=tuple(needs_of(bad.job.spec)))], AT)
    assert before == dump(home_path)
    assert [] == store.to_stop()
    told = store.submit(good, AT)
    assert [j.PENDING, j.PENDING, j.ENDED, j.PENDING, j.ENDED] == [job.status for job in told]
    assert [active.id] == store.to_stop()
    assert [] == miscounted(store)


def test_a_need_is_as_durable_as_its_job(store: Store, home_path: Path) -> None:
    job = after(store, submit(store).id)
    store.close()
    again = Store(Home(str(home_path)))
    assert [f"job:{job.id - 1}"] == needs(again, job)
    end(again, start(again, claim(again, again.jobs([1])[0])))
    assert [job.id] == [number for number, _ in again.needs_due(9)]
    assert [] == miscounted(again)
    again.close()
