"""What a job waits for that has to be looked at: the conditions that its options name, and whether they are met by what was seen."""

from outlast.core.deadlines import PROBED
from outlast.core.options import value
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from outlast.core.job import Job

OTHER = "wait.condition"  # whose words name their kind


class Wanted(Value):
    """One condition of a job: a kind and the word that it is about, as `conditions.kinds` know them."""

    _fields = ("kind", "word")
    kind: str
    word: str


def wanted(spec: "Mapping[str, Any]") -> "list[Wanted]":
    """Return the conditions that the options name, in their order."""
    found = []
    for option in PROBED:
        for word in spec.get(option, ()):
            kind, about = word.split(":", 1) if option == OTHER and ":" in word else (option.removeprefix("wait."), word)
            found.append(Wanted(kind=kind, word=about))
    return found


def key(condition: Wanted, job: "Job", *, alone: bool) -> str:
    """Return the name under which a condition is shared: `alone` if its word is all that it depends on, else with the surroundings."""
    if alone:
        return f"{condition.kind} {condition.word}"
    limit = value(job.spec, "wait.probe-timeout")
    return f"{condition.kind} {condition.word}\0{job.cwd}\0{job.environment}\0{limit}"


def times(job: "Job") -> "list[int]":
    """Return the instants (ns) that the job waits for beside its conditions."""
    given = [job.spec.get("wait.datetime")]
    if job.spec.get("wait.timedelta") is not None:
        given.append(job.created_at + job.spec["wait.timedelta"] + job.paused_for)
    return [instant for instant in given if instant is not None]


def are_met(job: "Job", seen: "Iterable[bool]", now: int) -> bool:
    """Tell whether the job has what it waits for: everything at once, or with `wait.any` one thing."""
    told = [*seen, *(now >= instant for instant in times(job))]
    return any(told) if value(job.spec, "wait.any") else all(told)


def next_instant(job: "Job", now: int) -> int | None:
    """Return when the passing of time alone may change that; None: never."""
    return min((instant for instant in times(job) if instant > now), default=None)


def said(texts: "Sequence[str]") -> str:
    """Return what was seen of the conditions when they were met, in one line."""
    return "; ".join(texts)[:500]
