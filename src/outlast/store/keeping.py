"""What is kept how long, as the database holds it: settings, totals, what is the oldest, and the verbs that take something away.

Nothing is deleted before its removal is recorded: the same transaction puts it on the list of what is `leaving`, whose files are
removed afterwards, and then it is struck off. Whoever dies in between is followed by somebody who reads the list.
"""

from outlast.core import retention as r
from outlast.core.errors import OutlastError
from outlast.core.events import Noted
from outlast.core.job import ENDED
from outlast.core.jsontext import dumps, loads
from outlast.core.value import Value
from outlast.store.rows import as_json, as_stored_text, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from outlast.core.job import Job
    from outlast.store.reading import Reading
    from outlast.store.store import Store

NO_JOB = 0
BEGIN = (-1, -1, -1)  # the place before everything


class Item(Value):
    """Something that may go: the output of run `run` of a job, or (0) the record of the job with all of its output."""

    _fields = ("job", "run", "ended_at", "size", "group", "name", "reason")
    job: int
    run: int
    ended_at: int
    size: int  # bytes of output
    group: str | None
    name: str
    reason: str


def settings(reading: "Reading") -> "dict[str, dict[str, Any]]":
    """Return scope -> name -> value of everything that was set about what is kept; what cannot be read is as if it was not set."""
    found: dict[str, dict[str, Any]] = {}
    for scope, name, value in reading.database.all("settings"):
        if name not in r.BY_NAME:
            continue
        try:
            held = loads(value)
            if held is None or (isinstance(held, int) and not isinstance(held, bool)):
                found.setdefault(as_text(scope), {})[name] = held
        except (TypeError, ValueError):
            continue  # `doctor --check` tells of it
    return found


def policy(reading: "Reading", given: "Mapping[str, Any] | None" = None) -> r.Policy:
    """Return the limits that hold, `given` ones in place of all others."""
    return r.Policy(settings(reading), given)


def put_settings(store: "Store", group: str | None, values: "Mapping[str, Any]", unset: "Iterable[str]" = ()) -> None:
    """Set limits of the home (`group` None) or of a group, and take others back, all or none."""
    scope = as_stored_text(r.scope_of(group))
    queries, execute = store.database.queries, store.database.execute
    with store.batch():
        for name, value in values.items():
            execute(queries["put-setting"], (scope, name, dumps(value)))
        for name in unset:
            execute(queries["delete-setting"], (scope, name))


def kept(reading: "Reading") -> "dict[str | None, int]":
    """Return how many bytes of output are kept: of all (None), and by group."""
    of_all = reading.database.one("meta", "kept")
    found: dict[str | None, int] = {None: max(of_all[0] if of_all else 0, 0)}
    for name, value in reading.database.all("kept-of-groups"):
        found[as_text(name).removeprefix("kept:")] = max(value, 0)
    return found


def ended(reading: "Reading", groups: "Iterable[str]") -> "dict[str | None, int]":
    """Return how many jobs have ended: of all (None), and of these groups."""
    found: dict[str | None, int] = {None: reading.count_ended()}
    for group in groups:
        found[group] = reading.database.one("count-ended-of", as_stored_text(group))[0]
    return found


def oldest_logs(reading: "Reading", after: "tuple[int, ...]", at_most: int) -> "list[tuple[Item, str]]":
    """Return (item, status of its job) of the runs with output that ended first, from the place `after`."""
    return [_item(row) for row in reading.database.all("oldest-kept", *after, at_most)]


def oldest_records(reading: "Reading", after: "tuple[int, ...]", at_most: int, group: str | None = None) -> "list[tuple[Item, str]]":
    """Return (item, status) of the jobs (of a group; None: of all) that ended first, from the place `after`."""
    if group is not None:
        return [_item(row) for row in reading.database.all("oldest-ended-of", as_stored_text(group), *after[:2], at_most)]
    return [_item(row) for row in reading.database.all("oldest-ended", *after[:2], at_most)]


def _item(row: "Sequence[Any]") -> "tuple[Item, str]":
    job, run, ended_at, size, group, status, name = row
    item = Item(job=job, run=run, ended_at=ended_at, size=size, group=as_text(group), name=str(as_text(name)), reason="")
    return item, status


def place_of(item: Item) -> "tuple[int, int, int]":
    """Return the place of an item in its order."""
    return (item.ended_at, item.job, item.run)


def references(reading: "Reading") -> "set[int]":
    """Return the ids of the jobs that active ones name: what they are a rerun of, what they wait or waited for."""
    found: set[int] = set()
    for rerun_of, spec in reading.database.all("active-references"):
        found.add(rerun_of or 0)
        try:
            options = as_json(spec, "spec")
            for name, value in options.items():
                if name.startswith("after.") or name == "while-running":
                    found.update(int(number) for number in value)
        except (OutlastError, ValueError, TypeError):
            continue  # a damaged row refers to nothing that could be told
    return found


def prune_logs(store: "Store", items: "Sequence[Item]", now: int) -> "tuple[list[Item], list[str]]":
    """Record, in the present transaction, that the output of these runs goes. Returns (what went, what was left alone as sentences)."""
    by_job: dict[int, list[Item]] = {}
    for item in items:
        by_job.setdefault(item.job, []).append(item)
    went, told = [], []
    for number, listed in by_job.items():
        try:
            job = store.job(number)
        except OutlastError as error:
            told.append(f"job {number} is left alone: {error.args[0]}")
            continue
        if job is not None and job.status == ENDED:
            note_pruned(store, job, [(item.run, item.size, item.reason) for item in listed], now)
            went += listed
    return went, told


def note_pruned(store: "Store", job: "Job", runs: "Sequence[tuple[int, int, str]]", now: int) -> "Job":
    """Record that the output of (run, bytes, reason) of a job goes: an event, the runs' rows, the list of what is leaving."""
    queries, execute = store.database.queries, store.database.execute
    runs = [told for told in runs if execute(queries["unkeep"], (job.id, told[0])).rowcount]
    if not runs:
        return job  # somebody was faster
    for run, size, _ in runs:
        execute(queries["put-leaving"], (job.id, run))
        store.note_kept(job.group, -size)
    store.leaving = True
    numbers = [run for run, _, _ in runs]
    reasons = ", ".join(dict.fromkeys(reason for _, _, reason in runs))
    which = f"run {numbers[0]}" if len(numbers) == 1 else f"runs {', '.join(map(str, numbers))}"
    data = {"runs": numbers, "bytes": sum(size for _, size, _ in runs)}
    return store.record(job, Noted(text=f"the output of {which} was removed: {reasons}", data=data), now)


def hold_to_runs(store: "Store", job: "Job", now: int) -> "Job":
    """Let the output of a job's oldest runs go if it has more than it may, in the present transaction: a run of it has just ended."""
    rules = policy(store)
    most = [rules.for_job(name, job.spec, job.group) for name in (r.JOB_RUNS, r.JOB_BYTES)]
    if most == [None, None]:
        return job
    there = store.database.all("kept-runs", job.id)
    going = r.over_the_limit(there, *most)
    return note_pruned(store, job, [(run, size, going[run]) for run, size in there[::-1] if run in going], now) if going else job


def over_their_runs(reading: "Reading", rules: r.Policy) -> "list[Item]":
    """Return the output of runs of ended jobs that have more of it than they may; costs what all jobs with several runs keep."""
    found: list[Item] = []
    for (number,) in reading.database.all("kept-of-several-runs"):
        try:
            job = reading.job(number)
        except OutlastError:
            continue
        if job is None or job.status != ENDED:
            continue
        there = reading.database.all("kept-runs", number)
        going = r.over_the_limit(there, *(rules.for_job(name, job.spec, job.group) for name in (r.JOB_RUNS, r.JOB_BYTES)))
        found += [
            Item(job=number, run=run, ended_at=job.ended_at or 0, size=size, group=job.group, name=job.name, reason=going[run])
            for run, size in there[::-1]
            if run in going
        ]
    return found


def remove_records(store: "Store", items: "Sequence[Item]", now: int) -> "list[Item]":
    """Remove, in the present transaction, the records of these jobs and all that belongs to them. Returns those that went.

    Who is active, or needed by somebody who is, stays. A row that cannot be read goes as well.
    """
    queries, execute, one = store.database.queries, store.database.execute, store.database.one
    went: list[Item] = []
    last = store.last_event()
    for item in items:
        status, _ = one("state", item.job) or (None, None)  # None: somebody else has just removed it
        if status != ENDED or one("referred", item.job) is not None:
            continue
        (size,) = one("kept-of", item.job)
        store.note_kept(item.group, -size)
        execute(queries["put-leaving-all"], (item.job,))
        for name in ("delete-events", "delete-runs", "delete-job"):
            execute(queries[name], (item.job,))
        remember(store, item.job, item.reason, now)
        store.count_out()
        store.leaving = True
        went.append(item.replace(size=size))
    if went and store.last_event() < last:
        _hold_the_place(store, last, len(went), now)
    return went


def _hold_the_place(store: "Store", last: int, count: int, now: int) -> None:
    """Let an event of no job (0) stand where the last event was: else its id came again, and whoever listens from there missed one."""
    text = f"the {'records' if count > 1 else 'record'} of {count} job{'s' * (count > 1)} {'were' if count > 1 else 'was'} removed"
    store.database.execute(store.database.queries["delete-events"], (NO_JOB,))
    store.database.execute(store.database.queries["put-event"], (last, NO_JOB, last, Noted.kind, now, dumps({"text": text, "data": {}})))


def remember(store: "Store", job: int, reason: str, now: int) -> None:
    """Note that a job was removed, and why: ids that follow each other share a row if they went on the same day."""
    last = store.database.one("removed-before", job)
    first, at = (last[0], last[3]) if r.merged(last, job, reason, now) else (job, now)
    store.database.execute(store.database.queries["put-removed"], (first, job, reason, at))


def why_removed(reading: "Reading", job: int) -> "tuple[str, int] | None":
    """Return (reason, when) of the removal of a job, or None: it never was, or is there."""
    row = reading.database.one("removed-before", job)
    return (row[2], row[3]) if row and row[0] <= job <= row[1] else None


def leaving(reading: "Reading", after: "tuple[int, int]", at_most: int) -> "list[tuple[int, int]]":
    """Return (job, run) of output whose removal is recorded and whose files may still be there, from the place `after`."""
    return [(job, run) for job, run in reading.database.all("leaving", *after, at_most)]


def strike_off(store: "Store", gone: "Sequence[tuple[int, int]]") -> None:
    """Note that the files of these runs are gone."""
    if gone:
        with store.batch():
            store.database.execute_many(store.database.queries["left"], gone)


def uncounted(reading: "Reading", at_most: int) -> "list[tuple[int, int, str | None]]":
    """Return (job, run, group) of ended runs of which nobody knows how much output they have."""
    return [(job, run, as_text(group)) for job, run, group in reading.database.all("uncounted", at_most)]


def count(store: "Store", sizes: "Sequence[tuple[int, int, str | None, int]]") -> None:
    """Note how much output (job, run, group, bytes) is kept of runs that nobody had counted."""
    with store.batch():
        for job, run, group, size in sizes:
            if store.database.execute(store.database.queries["count-run"], (size, job, run)).rowcount and size:
                store.note_kept(group, size)


def lose(store: "Store", number: int, run: int, group: str | None, size: int, now: int) -> None:
    """Note, in the present transaction, that the output of a run, so many bytes by the record, is not there."""
    job = store.job(number)
    if job is not None and store.database.execute(store.database.queries["unkeep"], (number, run)).rowcount:
        store.note_kept(group, -size)
        store.record(job, Noted(text=f"the output of run {run} was not there when the home was repaired", data={"runs": [run]}), now)


def is_known(reading: "Reading", job: int, run: int) -> bool:
    """Tell whether there is such a run, or was and its files are about to be removed."""
    return reading.database.one("known-run", job, run) is not None


def begun_at(reading: "Reading") -> int:
    """Return when the last pass of the background ended (ns), 0 if there was none."""
    row = reading.database.one("meta", "pruned_at")
    return row[0] if row else 0


def note_pass(store: "Store", now: int) -> None:
    """Note that a pass of the background has ended."""
    with store.batch():
        store.database.execute(store.database.queries["set-meta"], ("pruned_at", now))
