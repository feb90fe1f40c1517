"""What a job needs before it may be queued, by name: other jobs, its turn, its conditions, an approval; and whether it is met.

Names are kept in the store's table `needs`, one row for each that is not met yet. What needs another job names it:
`job:41` (it has ended with one of the outcomes), `running:41` (it runs). The others are `turn:k:KEY`, `turn:n:NAME`,
`conditions`, `approval`.
"""

from outlast.core import job as j
from outlast.core.deadlines import is_probed
from outlast.core.errors import UsageError
from outlast.core.events import Met, Queued
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.events import AnyEvent
    from outlast.core.job import Job

JOB, RUNNING, TURN = "job", "running", "turn"
CONDITIONS, APPROVAL = "conditions", "approval"
MET, NEVER = "met", "never"


class Need(Value):
    """One need. `other`: the job that it is about, or None; `outcomes`: with which that must have ended."""

    _fields = ("name", "other", "outcomes")
    name: str
    other: int | None
    outcomes: "tuple[str, ...]"
    _defaults = {"other": None, "outcomes": ()}


def named(name: str) -> Need:
    """Return a need that has no outcomes by its name: what a job that was queued already has to wait for again."""
    kind, _, number = name.partition(":")
    return Need(name=name, other=int(number) if kind == RUNNING else None)


_BY_OPTION = {"after.succeeded": (j.SUCCEEDED,), "after.failed": j.FAILURES, "after.ended": j.OUTCOMES}


def needs_of(spec: "Mapping[str, Any]") -> "list[Need]":
    """Return what the options of a job, its jobs given as ids, say that it needs. Raises UsageError if nothing could meet it."""
    wanted: dict[int, tuple[str, ...]] = {}
    for option, outcomes in _BY_OPTION.items():
        for other in spec.get(option, ()):
            wanted[other] = _both(other, wanted.get(other), outcomes)
    for other, words in spec.get("after.outcome", {}).items():
        wanted[int(other)] = _both(int(other), wanted.get(int(other)), tuple(word.strip() for word in words.split(",")))
    needs = [Need(name=f"{JOB}:{other}", other=other, outcomes=outcomes) for other, outcomes in wanted.items()]
    for other in dict.fromkeys(spec.get("while-running", ())):
        if other in wanted:
            raise UsageError(f"job {other} cannot both have ended and run", "leave out one of --after and --while-running")
        needs.append(Need(name=f"{RUNNING}:{other}", other=other))
    if is_probed(spec):
        needs.append(Need(name=CONDITIONS))
    if spec.get("approval"):
        needs.append(Need(name=APPROVAL))
    return needs


def _both(other: int, before: "tuple[str, ...] | None", outcomes: "tuple[str, ...]") -> "tuple[str, ...]":
    both = outcomes if before is None else tuple(outcome for outcome in outcomes if outcome in before)
    if not both:
        raise UsageError(f"job {other} cannot end in all these ways", "leave out one of --after.succeeded, --after.failed, --after.outcome")
    return both


def turn(job: "Job") -> str:
    """Return the name of the need that a job's turn has come, among those of the same key, else name."""
    return f"{TURN}:n:{job.name}" if job.key is None else f"{TURN}:k:{job.key}"


def verdict(need: Need, status: str | None, outcome: str | None) -> "tuple[str | None, str]":
    """Return (MET, NEVER or None: not yet; a sentence) for a need that is about another job, which is so now (status None: it is gone)."""
    other = need.other
    if status is None:
        return NEVER, f"job {other} is gone"
    if need.name.startswith(RUNNING):
        if status == j.RUNNING:
            return MET, f"job {other} runs"
        if status == j.ENDED:
            return NEVER, f"it was to start only while job {other} runs, and that has ended ({outcome})"
        return None, f"job {other} does not run yet"
    if status != j.ENDED:
        return None, f"job {other} has not ended"
    if outcome in need.outcomes:
        return MET, f"job {other} {(outcome or '').replace('_', ' ')}"
    return NEVER, f"job {other} ended as `{outcome}`, and it was to start after {_in_words(need.outcomes)}"


def met(job: "Job", need: str, text: str, until: int | None, at: int) -> "list[AnyEvent]":
    """Return what happens to a job when a need of its is met: it is queued if that was the last one and nothing holds it."""
    events: list[AnyEvent] = [Met(need=need, text=text, until=until)]
    not_before = max(until or 0, job.next_run_at or 0)
    if job.waits == 1 and not_before <= at and not job.paused and not job.held:
        events.append(Queued(because=text))
    return events


def wanted(outcomes: "tuple[str, ...]") -> str:
    """Return how a job is to end, as in `it waits for job 41 to succeed`."""
    if outcomes == (j.SUCCEEDED,):
        return "to succeed"
    if outcomes == j.FAILURES:
        return "to fail"
    return "to end" if outcomes == j.OUTCOMES else f"to end as {' or '.join(outcomes)}"


def _in_words(outcomes: "tuple[str, ...]") -> str:
    if outcomes == (j.SUCCEEDED,):
        return "that had succeeded"
    return "that had failed" if outcomes == j.FAILURES else f"one of {', '.join(outcomes)}"
