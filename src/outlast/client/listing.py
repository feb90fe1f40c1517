"""Listings that are true without a supervisor: the record is filtered by SQL, and what it does not know yet is put right here."""

from outlast.core import selectors as s
from outlast.core.columns import SORTS
from outlast.core.errors import UsageError
from outlast.core.job import ENDED, OUTCOMES, PENDING, QUEUED, RUNNING, STATUSES
from outlast.core.shape import lasted
from outlast.store.finding import Filter, listing, matching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.core.filters import Node
    from outlast.core.job import Job
    from outlast.core.selectors import Selector
    from outlast.store.reading import Reading


def true_listing(jobs: "Jobs", reading: "Reading", wanted: "Filter", at: int) -> "tuple[list[Job], int]":
    """Return (jobs, how many more there are) of a filter, each as it is now (`at`)."""
    found, more = listing(reading, wanted, at)
    changed = {job.id: job for job in unrecorded(jobs, reading)}
    if not changed:
        return jobs.as_they_are(found), more
    kept = [job for job in jobs.as_they_are(found) if job.id not in changed]
    kept += [job for job in _meant(reading, wanted, changed, at) if _fits(job, wanted, at)]
    if wanted.last:
        kept = list({getattr(job, wanted.per): job for job in sorted(kept, key=lambda job: job.id)}.values())
    ordered = _in_order(kept, wanted, at)
    cut = len(ordered) if wanted.limit is None else wanted.limit
    return ordered[:cut], more + max(len(ordered) - cut, 0)


def as_filter(wanted: "dict[str, Any]", at: int) -> "Filter":
    """Return the filter of keywords: texts of times, windows and filters as what they mean at `at`. Raises UsageError."""
    for name, known in (("status", STATUSES), ("outcome", OUTCOMES)):
        if isinstance(wanted.get(name), str):
            wanted[name] = (wanted[name],)
        for word in wanted.get(name) or ():
            if word not in known:
                raise UsageError(f"there is no {name} `{word}`", f"choose from {', '.join(known)}")
    for name in ("since", "until", "during", "where", "warning"):
        if isinstance(wanted.get(name), str):
            try:
                wanted[name] = _READERS[name](wanted[name], at)
            except UsageError as error:
                raise UsageError(f"{name}: {error.what}", error.hint) from None
    if "warning" in wanted:
        from outlast.core.filters import with_all

        wanted["where"] = with_all(wanted.get("where"), wanted.pop("warning"))
    try:
        return Filter(**wanted)
    except TypeError as error:
        raise UsageError(str(error)) from None


def _time(text: str, at: int) -> int:
    from outlast.core.times import parse_time

    return parse_time(text, at)


def _window(text: str, at: int) -> "tuple[int, int]":
    from outlast.core.windows import parse_window

    return parse_window(text, at)


def _where(text: str, at: int) -> "Node":
    from outlast.core.filters import parse, resolved

    return resolved(parse(text), at)


def _warning(pattern: str, _: int) -> "Node":
    from outlast.core.fields import Term

    return Term(field="warning", name="", op="~", value=pattern)


_READERS: "dict[str, Callable[[str, int], Any]]" = {
    "since": _time, "until": _time, "during": _window, "where": _where, "warning": _warning,
}  # fmt: skip


def unrecorded(jobs: "Jobs", reading: "Reading") -> "list[Job]":
    """Return, as they are, the jobs that run by the record only.

    A supervisor's record is true but for some milliseconds. Without one every job that is recorded as running is looked at.
    """
    if jobs.home.is_supervised():
        return []
    return [job for job in jobs.as_they_are(reading.running()) if job.status != RUNNING]


def true_counts(jobs: "Jobs", reading: "Reading") -> "dict[str, int]":
    """Return how many jobs there are of each status, ended ones left out."""
    counts = reading.count_active()
    for job in unrecorded(jobs, reading):
        counts[RUNNING] -= 1
        counts[job.status] = counts.get(job.status, 0) + 1
    counts.pop(ENDED, None)
    return counts


def true_groups(jobs: "Jobs", reading: "Reading") -> "list[dict[str, Any]]":
    """Return all groups: see `Reading.groups`. One that was never set is there only as long as it has jobs that have not ended."""
    groups = {group["name"]: group for group in reading.groups()}
    for job in unrecorded(jobs, reading):
        group = groups.get(job.group)
        if group is not None:
            group[RUNNING] -= 1
            if job.status in group:
                group[job.status] += 1
            elif not (group[RUNNING] or group[QUEUED] or group[PENDING] or reading.group(group["name"])):
                del groups[group["name"]]
    return [*groups.values()]


def _meant(reading: "Reading", wanted: "Filter", changed: "dict[int, Job]", at: int) -> "list[Job]":
    """Return those of `changed` that the filter means, its words about what may have changed left aside."""
    by_state = [selector for selector in wanted.among if selector.kind in (s.STATUS, s.OUTCOME, s.WHERE)]
    others = tuple(selector for selector in wanted.among if selector not in by_state)
    loose = wanted.replace(
        status=(), outcome=(), active=True, ended=True, since=None, until=None, during=None, where=None, last=False, among=others
    )  # fmt: skip
    ids = set(matching(reading, loose, list(changed), at)) if others or not by_state else set()
    all_but_among = set(matching(reading, loose.replace(among=()), list(changed), at)) if by_state else set()
    for job in changed.values():
        if job.id in all_but_among and any(_is_selected(job, selector, at) for selector in by_state):
            ids.add(job.id)
    return [changed[number] for number in sorted(ids)]


def _is_selected(job: "Job", selector: "Selector", at: int) -> bool:
    if selector.kind == s.WHERE:
        from outlast.core.filters import means, resolved

        return means(resolved(selector.value, at), job, at)
    return job.status in selector.value or job.outcome in selector.value


def _fits(job: "Job", wanted: "Filter", at: int) -> bool:
    over = job.status == ENDED
    begun = job.started_at or job.created_at
    if wanted.where is not None:
        from outlast.core.filters import means

        if not means(wanted.where, job, at):
            return False
    return (
        (wanted.ended if over else wanted.active)
        and (not wanted.status or job.status in wanted.status)
        and (not wanted.outcome or job.outcome in wanted.outcome)
        and (wanted.since is None or (job.ended_at or begun) >= wanted.since)
        and (wanted.until is None or begun < wanted.until)
        and (wanted.during is None or wanted.during[0] <= (job.ended_at or begun) < wanted.during[1])
    )


def _in_order(jobs: "list[Job]", wanted: "Filter", at: int) -> "list[Job]":
    words = ("-duration",) if wanted.slowest else wanted.sort
    return sort(jobs, words or (("-ended", "-id") if not wanted.active else ("id",)), at)


def sort(jobs: "list[Job]", words: "Sequence[str]", at: int) -> "list[Job]":
    """Return jobs in the order that `words` (`core.columns.SORTS`, `-` in front turns one round) ask for; those without a value first."""
    for word in reversed(words):  # sorting is stable: the first word decides last
        name = word.removeprefix("-")

        def key(job: "Job", name: str = name) -> "tuple[bool, Any]":
            value = lasted(job, at) if name == "duration" else len(job.warnings) if name == "warnings" else getattr(job, SORTS[name])
            return value is not None, value if value is not None else 0

        jobs = sorted(jobs, key=key, reverse=word.startswith("-"))
    return jobs
