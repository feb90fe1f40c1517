"""What changed since it last worked: gathers what is known of two runs for `core.fingerprint` to compare. No variable's value leaves it."""

from outlast.core.errors import NotFound
from outlast.core.fingerprint import Side, compare, notes
from outlast.core.job import SUCCEEDED, Job
from outlast.core.value import Value
from outlast.store.fingerprints import facts_of, last_good, mask_key, masked_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.core.fingerprint import Difference
    from outlast.core.job import Run
    from outlast.store.reading import Reading

GOOD = "good"


class Changes(Value):
    """What differs between `before` and `now`: `differences`, each with `what`, `text`, `before`, `now`; `notes`: what is not known."""

    _fields = ("before", "now", "differences", "notes", "usual")
    before: Side
    now: Side
    differences: "list[Difference]"
    notes: "list[str]"
    usual: int | None  # ns, the median of the last runs of this name that succeeded

    @property
    def same(self) -> bool:
        """Whether nothing differs as far as is known."""
        return not self.differences

    def lines(self, now: int) -> "list[str]":
        """Return it for people: which two, what differs, how long they took, and what is not known."""
        told = [f"{_called(self.now)}, against {_called(self.before)}:"]
        told += [f"  {difference.text}" for difference in self.differences] or ["  nothing that outlast knows of differs"]
        took = _took(self.before, self.now, self.usual, now)
        return told + ([took] if took else []) + [f"note: {note}" for note in self.notes]

    def shape(self, now: int) -> "dict[str, Any]":
        """Return its JSON."""
        from outlast.core.shape import SCHEMA, lasted, seconds
        from outlast.core.times import format_time_utc

        sides = {}
        for name, side in (("now", self.now), ("before", self.before)):
            run = side.run
            sides[name] = {
                "job": side.job.id, "run": None if run is None else run.run, "outcome": None if run is None else run.outcome,
                "started_at": None if run is None else format_time_utc(run.started_at),
                "duration": None if run is None else seconds(lasted(run, now)),
            }  # fmt: skip
        differences = [{name: _timed(held) for name, held in difference.items()} for difference in self.differences]
        return {
            "schema": SCHEMA, "same": self.same, **sides, "differences": differences, "notes": self.notes,
            "usual_duration": seconds(self.usual),
        }  # fmt: skip


def diff(jobs: "Jobs", which: "int | str | Job", good: "int | str | Job" = GOOD) -> Changes:
    """Return what differs between a job and another one, by default the last run of its key or name that succeeded before it.

    Of the job its last run counts, of the other one the last that succeeded; `42.1` names a run. Raises NotFound.
    """
    job, named = _named(jobs, which)
    reading = jobs.reading
    if reading is None:
        raise NotFound(f"no job `{which}`", "nothing was submitted yet")
    run = named or (job.runs[-1] if job.runs else None)
    other_run: Run | None
    if good == GOOD:
        other, other_run = _last_good(jobs, reading, job, run)
    else:
        other, other_run = _named(jobs, good)
        if other_run is None and other.runs:
            other_run = next((last for last in reversed(other.runs) if last.outcome == SUCCEEDED), other.runs[-1])
    key = mask_key(reading)
    before, now = _side(reading, other, other_run, key), _side(reading, job, run, key)
    return Changes(
        before=before, now=now, differences=compare(before, now), notes=notes(before, now), usual=reading.usual_duration(job.name)
    )


def ran_with(jobs: "Jobs", run: "Run") -> "dict[str, Any] | None":
    """Return the facts of a run's fingerprint as JSON has them; None if none was taken."""
    facts = facts_of(jobs.reading, run.fingerprint) if jobs.reading is not None else None
    return None if facts is None else {name: _timed(held) for name, held in facts.items()}


def _named(jobs: "Jobs", which: "int | str | Job") -> "tuple[Job, Run | None]":
    """Return the job that is meant, and its run if one is named, as in `42.1`."""
    number, dot, run = str(which).partition(".")
    if isinstance(which, Job) or not (dot and number.isascii() and number.isdigit() and run.isascii() and run.isdigit()):
        return jobs.one(which), None
    from outlast.client.output import numbered

    job = jobs.one(number)
    return job, numbered(job, int(run[:9]))


def _last_good(jobs: "Jobs", reading: "Reading", job: Job, run: "Run | None") -> "tuple[Job, Run]":
    """Return the last run before `run` that succeeded, of the job itself or of one with the same key, else name."""
    for earlier in reversed(job.runs):
        if run is not None and earlier.run < run.run and earlier.outcome == SUCCEEDED:
            return job, earlier
    found = last_good(reading, job, run.claimed_at if run is not None else 1 << 62)
    if found is None:
        what = f"named `{job.name[:60]}`" if job.key is None else f"with the key `{job.key[:60]}`"
        raise NotFound(f"no job {what} has succeeded before job {job.id}", f"name the one to compare with: `outlast diff {job.id} ID`")
    other = jobs.one(found[0])
    return other, next(good for good in other.runs if good.run == found[1])


def _side(reading: "Reading", job: Job, run: "Run | None", key: bytes) -> Side:
    from outlast.core.masking import masked

    environment: dict[str, str] | None = None
    around: Mapping[str, Any] | None = None
    found = reading.environment(job.environment) if job.environment else None
    if found is not None:
        environment, around = masked(found[0], key), found[1]
    else:
        environment, around = masked_environment(reading, job.environment) or (None, None)
    facts = facts_of(reading, run.fingerprint) if run is not None else None
    return Side(job=job, run=run, facts=facts, environment=environment, surroundings=limits_in_words(around))


def _timed(held: "Any") -> "Any":
    """Return what differs with its instant as JSON has it."""
    from outlast.core.times import format_time_utc

    return {**held, "mtime": format_time_utc(held["mtime"])} if isinstance(held, dict) and "mtime" in held else held


def _called(side: Side) -> str:
    from outlast.core.times import format_time_full

    run = side.run
    if run is None:
        return f"job {side.job.id} ({side.job.status})"
    how = run.outcome or run.status
    at = f" {format_time_full(run.started_at)}" if run.started_at is not None else ""
    return f"run {run.run} of job {side.job.id} ({how}{at})"


def _took(before: Side, now: Side, usual: int | None, at: int) -> str:
    """Return how long both took; empty if that is not known of this one."""
    from outlast.core.durations import format_duration
    from outlast.core.shape import lasted

    took, earlier = (None if side.run is None else lasted(side.run, at) for side in (now, before))
    if took is None or now.run is None:
        return ""
    against = f", the one before {format_duration(earlier)}" if earlier is not None else ""
    often = f"; usual {format_duration(usual)}" if usual is not None else ""
    return f"it {'has taken' if now.run.ended_at is None else 'took'} {format_duration(took)}{against}{often}"


def limits_in_words(around: "Mapping[str, Any] | None") -> "dict[str, str] | None":
    """Return surroundings with the names that people know: those of setrlimit(2)."""
    if around is None:
        return None
    import resource

    names = {str(getattr(resource, name)): name for name in sorted(dir(resource), reverse=True) if name.startswith("RLIMIT_")}
    told = {"umask": f"{around['umask']:03o}", "nice value": str(around["nice"])}
    if around.get("affinity") is not None:
        told["CPUs"] = ",".join(map(str, around["affinity"]))
    for number, (soft, hard) in (around.get("rlimits") or {}).items():
        told[names.get(number, f"limit {number}")] = " of at most ".join(
            "unlimited" if limit == -1 else str(limit) for limit in (soft, hard)
        )
    return told
