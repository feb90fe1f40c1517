"""Submitting: what becomes of a job beside those that are there is decided in the transaction that makes it.

It may be accepted, to start or to wait; skipped, disabled or aborted, which leaves a record; be another one that is there already
(`join`); or be refused, which leaves nothing.
"""

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.errors import NotFound, Refused, UsageError
from outlast.core.lifecycle import after
from outlast.store.rows import as_stored_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.job import Job
    from outlast.core.needs import Need
    from outlast.store.store import Store, Submission

# Options for which there is something to decide here beyond the key.
_DECIDED = frozenset({"overlap", "unless-fresh", "wait.datetime", "wait.timedelta"})


def admit(store: "Store", submission: "Submission", now: int) -> "Job":
    """Make the job durable within the present transaction, or return the one that it joins. Raises Refused, UsageError, NotFound."""
    job = submission.job
    if job.group is not None and (job.group != store.open_group or "slots" in job.spec):
        _check_group(store, job)
        store.open_group = job.group
    ended: e.Ended | None = None
    needs: list[Need] = []
    joined: Job | None = None
    if job.key is not None or submission.needs or not _DECIDED.isdisjoint(job.spec) or store.any_rules():
        ended, needs, joined = _decide(store, submission, now)
    if joined is not None:
        store.joined.add(joined.id)
        return joined
    if ended is not None:
        submission = submission.replace(front=None)  # whoever is in front gets its descriptors back
    until = None if _DECIDED.isdisjoint(job.spec) else _starts_at(job, now)
    event = e.Submitted(waits=len(needs), until=until)
    made = fill(store, submission, event, now) if job.id else store.insert(submission, now, event)
    if submission.held:
        made = store.record(made, e.Held(by=job.user), now)
    if ended is not None:
        return store.record(made, ended, now)
    if needs:
        store.add_needs(made.id, needs)
    return made


def _decide(store: "Store", submission: "Submission", now: int) -> "tuple[e.Ended | None, list[Need], Job | None]":
    """Return (how the job ends at once or None, what it has to wait for, the job that it joins or None)."""
    job = submission.job
    disabled = store.why_disabled(job.name, now) if store.any_rules() else None
    if disabled is not None:
        return e.Ended(outcome=j.DISABLED, reason=disabled), [], None
    fresh = _fresh(store, job, now)
    if fresh is not None:
        return e.Ended(outcome=j.SKIPPED, reason=fresh), [], None
    needs, never = _unmet(store, submission)
    if never is not None:
        return e.Ended(outcome=j.ABORTED, reason=never), [], None
    rule = job.spec.get("overlap")
    if job.key is None and rule is None:
        return None, needs, None
    from outlast.core.needs import Need, turn
    from outlast.core.overlap import JOIN, QUEUE, REPLACE, SKIP, Others, overlap

    word = as_stored_text(job.name if job.key is None else job.key)
    which = "name" if job.key is None else "key"
    count, newest = store.database.one(f"active-{which}", word, job.id)
    if count and lapse(store, now):
        count, newest = store.database.one(f"active-{which}", word, job.id)
    (waiting,) = store.database.one("count-waiting", as_stored_text(turn(job)))
    what, why = overlap(Others(active=count, newest=newest, waiting=waiting), key=job.key, rule=rule, name=job.name)
    if what == SKIP:
        return e.Ended(outcome=j.SKIPPED, reason=why), [], None
    if what == JOIN:
        return None, [], _joined(store, job, newest, submission.environment.variables)
    if what == REPLACE:
        _ask_to_end(store, [number for (number,) in store.database.all(f"active-ids-{which}", word, job.id)], job, now)
    if what in (QUEUE, REPLACE):
        needs = _behind(store, job, needs, which, word) if job.id else [*needs, Need(name=turn(job))]
    return None, needs, None


def _behind(store: "Store", job: "Job", needs: "list[Need]", which: str, word: "str | bytes") -> "list[Need]":
    """Return `needs` and the ends of those that go before a job whose id was reserved: its number tells nothing of its turn.

    Who waits for its own turn since the reservation, or in any other way for this job, goes after it.
    """
    from outlast.core.needs import JOB, Need, turn

    before = [number for (number,) in store.database.all(f"active-ids-{which}", word, job.id)]
    after = {number for number in store.waiting_for(turn(job)) if number > job.id}
    known = {need.other for need in needs}
    behind = [number for number in before if number not in after and number not in known and not _waits_for(store, number, job)]
    return [*needs, *(Need(name=f"{JOB}:{number}", other=number, outcomes=j.OUTCOMES) for number in behind)]


def fill(store: "Store", submission: "Submission", event: "e.Submitted", now: int) -> "Job":
    """Let a submission become the job whose id was reserved. Raises NotFound, Refused if it is not reserved (any more)."""
    wanted = submission.job
    found = store.job(wanted.id)
    if found is None:
        raise NotFound(f"no job {wanted.id}", "`outlast reserve` gives an id out")
    if found.status != j.RESERVED or (found.deadline is not None and found.deadline <= now):
        how = "its reservation has lapsed" if found.status == j.RESERVED else f"it is {found.outcome or found.status}"
        raise Refused(f"job {wanted.id} is not reserved: {how}", "`outlast reserve` gives an id out")
    start = wanted.replace(
        version=found.version, status=found.status, deadline=found.deadline, created_at=found.created_at,
        paused=found.paused, paused_at=found.paused_at, held=found.held, stop_requested=found.stop_requested, warnings=found.warnings,
        environment=store.put_environment(submission, now),
    )  # fmt: skip  # what was wished of the reservation is wished of the job
    job = store.write(found, (event,), now, start)
    if (job.name, job.key) != (found.name, found.key):
        store.look_at_turns(found)
    store.database.execute(store.database.queries["text-changed"], (job.id,))
    store.put_front(job, submission)
    return job


def reserve(store: "Store", job: "Job", until: int | None, now: int) -> "Job":
    """Give an id out within the present transaction; see `Store.reserve`."""
    if job.key is not None:
        from outlast.core.overlap import Others, overlap

        lapse(store, now)
        count, newest = store.database.one("active-key", as_stored_text(job.key), 0)
        overlap(Others(active=count, newest=newest), key=job.key, rule=None, name=job.name)
    event = e.Reserved(until=until)
    return store.put(after(job, event, now), event, now)


def _check_group(store: "Store", job: "Job") -> None:
    row = store.database.one("group", as_stored_text(job.group or ""))
    if row is None:
        return
    _, slots, _, draining = row
    if draining:
        raise Refused(f"group `{job.group}` is draining: it takes no more jobs", f"`outlast group resume {job.group}` opens it again")
    if slots is not None and job.spec.get("slots", 1) > slots:
        raise Refused(
            f"--slots {job.spec['slots']}: group `{job.group}` has {slots}",
            f"take fewer, or give it more: `outlast group set {job.group} --slots N`",
        )


def _starts_at(job: "Job", now: int) -> int | None:
    """Return not before when it may start as far as its times go; None if they are past, or looked at with its conditions."""
    from outlast.core.deadlines import is_probed, starts_at

    at = None if is_probed(job.spec) else starts_at(job.spec, now)
    return at if at is not None and at > now else None


def _fresh(store: "Store", job: "Job", now: int) -> str | None:
    """Return why the job is needless: one like it succeeded a short while ago."""
    within = job.spec.get("unless-fresh")
    if within is None:
        return None
    which, word = ("name", job.name) if job.key is None else ("key", job.key)
    row = store.database.one(f"fresh-{which}", as_stored_text(word), now - within)
    if row is None:
        return None
    from outlast.core.durations import format_duration

    ago, limit = format_duration(max(now - row[1], 0)), format_duration(within)
    return f"job {row[0]} with the same {which} succeeded {ago} ago, which is fresh enough (unless-fresh is {limit})"


def _unmet(store: "Store", submission: "Submission") -> "tuple[list[Need], str | None]":
    """Return (the needs that are not met yet, why one never will be or None). Raises NotFound, UsageError for a cycle."""
    unmet: list[Need] = []
    never = None
    for need in submission.needs:
        if need.other is None:
            unmet.append(need)
            continue
        from outlast.core.needs import MET, NEVER, verdict

        status, outcome = store.state(need.other)
        if status is None:
            raise NotFound(f"no job `{need.other}`", f"`outlast list` shows what there is in {store.database.home.path}")
        if submission.job.id and _waits_for(store, need.other, submission.job):
            raise UsageError(f"job {need.other} waits for job {submission.job.id}, which would wait for it", "leave one of the two out")
        told, text = verdict(need, status, outcome)
        if told == NEVER:
            never = text
        elif told != MET:
            unmet.append(need)
    return unmet, never


def _waits_for(store: "Store", number: int, job: "Job") -> bool:
    """Tell whether job `number` waits for `job`, whose id was reserved and is to be filled now, or for one that waits for it."""
    seen, left = {number}, [number]
    while left:
        number = left.pop()
        if number == job.id:
            return True
        left += (others := _waited_for(store, number, job) - seen)
        seen |= others
    return False


def _waited_for(store: "Store", number: int, job: "Job") -> "set[int]":
    """Return the ids of the jobs for which job `number` waits, once `job` is called as it is to be."""
    from outlast.core.needs import TURN, turn

    others: set[int] = set()
    waiter = None
    for need in store.needs_of(number):
        if need.other is not None:
            others.add(need.other)
        elif need.name.startswith(f"{TURN}:") and (waiter := waiter or store.job(number)) is not None:  # after all with lower ids
            which, word = ("name", waiter.name) if waiter.key is None else ("key", waiter.key)
            alike = {other for (other,) in store.database.all(f"active-ids-{which}", as_stored_text(word), number)}
            others |= {other for other in alike | ({job.id} if need.name == turn(job) else set()) if other < number}
    return others


def lapse(store: "Store", now: int) -> int:
    """End the reservations that have lapsed: no supervisor lives only for them. Returns how many."""
    from outlast.core.deadlines import at_deadline

    lapsed = store.jobs([number for (number,) in store.database.all("lapsed", now)])
    for job in lapsed:
        event = at_deadline(job, now)
        if event is not None:
            store.record(job, event, now)
    return len(lapsed)


def _joined(store: "Store", job: "Job", newest: int | None, variables: bytes) -> "Job":
    """Return the active job that a submission with these `variables` joins. Raises Refused if that does something else."""
    found = store.job(newest) if newest is not None else None
    if found is None or found.status == j.RESERVED:
        raise Refused(f"job {newest} is only reserved: there is nothing to join yet", "submit it with `outlast run --id`")
    ours, theirs = _explicit(store, job, variables), _explicit(store, found, None)
    for what, own, other in (("command", job.command, found.command), ("directory", job.cwd, found.cwd), ("--env", ours, theirs)):
        if own != other:
            raise Refused(
                f"job {found.id} is active with another {what}", f"`outlast show {found.id}` shows it; to run both say `--overlap allow`"
            )
    return found


def _explicit(store: "Store", job: "Job", variables: bytes | None) -> "tuple[list[bytes], list[str]]":
    """Return what a job sets of its environment and leaves out by its own options; `variables` None: as they are stored."""
    names = [name.encode("utf-8", "surrogateescape") for name in job.spec.get("env", ())]
    if names and variables is None:
        found = store.environment(job.environment or "")
        variables = found[0] if found is not None else b""
    set_ = [entry for entry in (variables or b"").split(b"\0") if entry.partition(b"=")[0] in names]
    return sorted(set_), sorted(job.spec.get("unset-env", ()))


def _ask_to_end(store: "Store", numbers: "list[int]", job: "Job", now: int) -> None:
    for number in numbers:
        found = store.job(number)
        if found is not None and (found.stop_requested is None or found.stop_requested["scope"] == "run"):
            store.record(found, e.StopRequested(verb=j.STOP, by=f"{job.user}: replaced by a newer job (--overlap replace)"), now)
