"""Which jobs are meant: selectors and filters become SQL here and nowhere else."""

from outlast.core import selectors as s
from outlast.core.errors import NotFound, Refused
from outlast.core.job import ENDED, STATUSES
from outlast.core.value import Value
from outlast.seams import now as clock
from outlast.store.rows import as_stored_text, as_text, column
from outlast.store.terms import HAS_ENDED, among, asked, glob, in_spans, with_outcome, with_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from outlast.core.filters import Node
    from outlast.core.job import Job
    from outlast.core.selectors import Selector
    from outlast.store.reading import Reading

COUNTED = 1000  # how many more there are is counted no further than that
# A partial index is used only where its condition stands in the query, and its first column only where that is compared.
_ACTIVE = "(status IN ('reserved', 'pending', 'queued', 'running') AND status <> 'ended' AND ended_at IS NULL)"
_ACTIVE_BY_WORD = (
    "id IN (SELECT id FROM jobs WHERE name = ? AND ended_at IS NULL UNION SELECT id FROM jobs WHERE key = ? AND ended_at IS NULL)"
)
_BEGUN = "coalesce(started_at, created_at)"
# No index holds the starts: whoever started after one that has ended is active, or ended after that start. So it is enough to look at
# those, from the latest start among the last 5 that ended.
_STARTED_LAST = (
    "id IN (SELECT id FROM jobs WHERE {0} = ? AND ended_at IS NULL"  # noqa: S608  # columns only
    f" UNION ALL SELECT id FROM jobs WHERE {{0}} = ? AND ended_at >= (SELECT max({_BEGUN}) FROM (SELECT started_at, created_at"
    " FROM jobs WHERE {0} = ? AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 5)))"
)


class Filter(Value):
    """What a listing shows. Texts are as given, times ns, `limit` None = all."""

    _fields = (
        "status", "outcome", "name", "group", "text", "since", "until", "during", "where", "last", "per", "slowest", "sort", "limit",
        "active", "ended", "among", "warned",
    )  # fmt: skip
    status: "tuple[str, ...]"
    outcome: "tuple[str, ...]"
    name: str | None  # a glob, or /RE/
    group: str | None
    text: str | None
    since: int | None
    until: int | None
    during: "tuple[int, int] | None"  # ended in it, or if it has not ended begun in it: from, up to
    where: "Node | None"  # a resolved filter, see `core.filters`
    last: bool  # only the last one of each `per`
    per: str
    slowest: bool
    sort: "tuple[str, ...]"
    limit: int | None
    active: bool
    ended: bool
    among: "tuple[Selector, ...]"
    warned: bool
    _defaults = {
        "status": (), "outcome": (), "name": None, "group": None, "text": None, "since": None, "until": None, "during": None, "where": None,
        "last": False, "per": "name", "slowest": False, "sort": (), "limit": None, "active": True, "ended": True, "among": (),
        "warned": False,
    }  # fmt: skip


def find(reading: "Reading", selectors: "Iterable[Selector]", *, to_end: bool = False, every: bool = False) -> "list[Job]":
    """Return the jobs that are meant, each once, in the order of the words.

    A bare word is one job: to read, the one that started last; `to_end`: the only active one, unless `every` allows several.
    Raises NotFound for one that is not there, Refused (with the jobs) for several.
    """
    found: dict[int, Job] = {}
    for selector in selectors:
        jobs = _by_word(reading, selector.value, every=every) if to_end and selector.kind == s.WORD else _read(reading, selector)
        if not jobs and selector.single:
            _refuse_removed(reading, selector)
            raise NotFound(f"no job `{selector.text[:80]}`", f"`outlast list` shows what there is in {reading.database.home.path}")
        found.update((job.id, job) for job in jobs)
    return list(found.values())


def _refuse_removed(reading: "Reading", selector: "Selector") -> None:
    """Raise NotFound that says when and why, if a job with that id was removed."""
    from outlast.core.times import format_time_utc
    from outlast.store.keeping import why_removed

    told = why_removed(reading, selector.value[0][0]) if selector.kind == s.IDS else None
    if told is not None:
        day = (format_time_utc(told[1]) or "")[:10]
        raise NotFound(f"job {selector.text[:80]} was removed on {day} by {told[0]}", "`outlast clean` says what is kept how long")


def find_ids(reading: "Reading", selectors: "Iterable[Selector]") -> "list[int]":
    """Return the ids of the jobs that are meant, as `find` does for verbs to which several may be meant by a word."""
    found: dict[int, None] = {}
    for selector in selectors:
        if selector.single:
            ids = [job.id for job in find(reading, [selector], to_end=True, every=True)]
        else:
            ids = reading.ids(*_condition(reading, selector))
        found.update(dict.fromkeys(ids))
    return list(found)


def _by_word(reading: "Reading", word: str, *, every: bool) -> "list[Job]":
    text = as_stored_text(word)
    active = reading.select(_ACTIVE_BY_WORD, (text, text))
    if len(active) > 1 and not every:
        ids = ", ".join(str(job.id) for job in active[:10])
        what = f"`{word[:80]}` means {len(active)} active jobs: {ids}"
        raise Refused(what, "say which by id, or add `--all` for all of them", jobs=active)
    return active or _read(reading, s.Selector(kind=s.WORD, text=word, value=word))


def _read(reading: "Reading", selector: "Selector") -> "list[Job]":
    if selector.kind == s.LAST:
        return reading.select("1", (selector.value,), "ORDER BY id DESC LIMIT 1 OFFSET ?")
    if selector.kind == s.WORD:
        text = as_stored_text(selector.value)
        found = []
        for column in ("name", "key"):
            found += reading.select(_STARTED_LAST.format(column), (text,) * 3, f"ORDER BY {_BEGUN} DESC, id DESC LIMIT 1")
        return sorted(found, key=lambda job: (job.started_at or job.created_at, job.id))[-1:]
    where, values = _condition(reading, selector)
    return reading.select(where, values)


_EXACT = {s.NAME: "name", s.GROUP: '"group"'}


def _condition(reading: "Reading", selector: "Selector") -> "tuple[str, list[Any]]":
    kind, value = selector.kind, selector.value
    if kind == s.IDS:
        return in_spans(value), []
    if kind in _EXACT:
        return f"{_EXACT[kind]} = ?", [as_stored_text(value)]
    if kind == s.NAME_GLOB:
        return glob("name", value)
    if kind == s.NAME_REGEX:
        pattern = selector.pattern()
        return asked(reading, selector.text, "name", lambda name: pattern.search(as_text(name)) is not None)
    if kind == s.STATUS:
        return with_status(value)
    if kind == s.OUTCOME:
        return with_outcome(value)
    if kind == s.WHERE:
        from outlast.core.filters import resolved
        from outlast.store.filtering import condition

        at = clock()
        return condition(reading, resolved(value, at), at)
    jobs = _read(reading, selector)
    return among("id", [job.id for job in jobs]) if jobs else ("0", [])


def where(reading: "Reading", wanted: Filter, at: int) -> "tuple[str, list[Any]]":  # noqa: C901  # one term per field
    """Return the SQL condition of a (narrowed) filter at `at` and its values."""
    terms: list[str] = []
    values: list[Any] = []

    def add(term: str, *given: "Any") -> None:
        terms.append(term)
        values.extend(given)

    if not wanted.ended:
        add(_ACTIVE)
    if not wanted.active:
        add(HAS_ENDED)
    if wanted.status:
        term, listed = with_status(wanted.status)
        add(term, *listed)
    if wanted.name is not None:
        term, listed = _condition(reading, s.parse_selector(f"name:{wanted.name}"))
        add(term, *listed)
    if wanted.group is not None:
        add('"group" = ?', as_stored_text(wanted.group))
    if wanted.where is not None:
        from outlast.core.filters import parts_of
        from outlast.store.filtering import condition

        for part in parts_of(wanted.where):
            term, listed = condition(reading, part, at)
            add(term, *listed)
    if wanted.outcome:
        narrow = not {"name = ?", '"group" = ?'}.isdisjoint(terms)  # whose index knows the outcome: `+` keeps SQLite from another one
        term, listed = with_outcome(wanted.outcome, "+outcome" if narrow else "outcome")
        add(term, *listed)
    if wanted.text is not None:
        from outlast.store.filtering import mentioning

        term, listed = mentioning(reading, wanted.text)
        add(term, *listed)
    for term, instants in _in_time(wanted):
        add(term, *instants)
    if wanted.warned:
        add("warnings <> '[]'")
    if wanted.among:
        parts = [_condition(reading, selector) for selector in wanted.among]
        add("(" + " OR ".join(term for term, _ in parts) + ")", *(v for _, listed in parts for v in listed))
    spans = _narrow(reading, wanted, add)
    inner = " AND ".join(terms) or "1"
    if spans:
        inner = in_spans(spans, inner)
    if wanted.last:
        per = column(wanted.per)
        inner = f"{inner} AND {per} IS NOT NULL"
        return f"id IN (SELECT max(id) FROM jobs WHERE {inner} GROUP BY {per})", values  # noqa: S608  # terms of our own
    return inner, values


def _narrow(reading: "Reading", wanted: Filter, add: "Callable[..., None]") -> "list[tuple[int, int]]":
    """Have the index of texts say who alone can be meant: as a condition to `add`, or as ranges of ids, if they are few."""
    if wanted.text is None and wanted.where is None:
        return []
    from outlast.core.filters import Text, parts_of
    from outlast.store.texts import narrowing

    texts = [part.text for part in parts_of(wanted.where) if isinstance(part, Text)]
    for text in texts if wanted.text is None else [wanted.text, *texts]:
        spans, (term, values) = narrowing(reading, text.lower()) or ([], ("1", []))
        if spans:
            return spans
        add(term, *values)
    return []


def _in_time(wanted: Filter) -> "Iterator[tuple[str, tuple[int, ...]]]":
    """Yield the conditions of a filter that are about time, each with its values."""
    if wanted.since is not None:
        ended, active = "ended_at >= ?", f"{_BEGUN} >= ?"
        if not wanted.active:
            yield ended, (wanted.since,)
        else:
            yield f"(({HAS_ENDED} AND {ended}) OR (ended_at IS NULL AND {active}))", (wanted.since, wanted.since)
    if wanted.until is not None:
        yield "coalesce(started_at, ended_at, created_at) < ?", (wanted.until,)
    if wanted.during is not None:
        ended, active = "ended_at >= ? AND ended_at < ?", f"{_BEGUN} >= ? AND {_BEGUN} < ?"
        if not wanted.active:
            yield ended, wanted.during
        else:
            yield f"(({HAS_ENDED} AND {ended}) OR (ended_at IS NULL AND {active}))", wanted.during * 2


def order(wanted: Filter, now: int) -> str:
    """Return the ORDER BY of a filter: newest ended first unless it says otherwise."""
    duration = f"(coalesce(ended_at, {now:d}) - started_at)"
    if wanted.slowest:
        return f"ORDER BY {duration} DESC"
    columns = {"duration": duration, "group": '"group"'}
    words = []
    for word in wanted.sort:
        name = word.removeprefix("-")
        field = columns.get(name) or _SORTED[name]
        words.append(f"{field} DESC" if word.startswith("-") else field)
    if words:
        return "ORDER BY " + ", ".join(words)
    return "ORDER BY ended_at DESC, id DESC" if not wanted.active else "ORDER BY id"


_SORTED = {
    "id": "id", "name": "name", "status": "status", "outcome": "outcome",
    "key": "key", "user": "user", "reason": "reason", "exit_code": "exit_code", "run": "run", "rerun_of": "rerun_of",
    "warnings": "(length(warnings) - length(replace(warnings, '\"warning\":', '')))",
    "priority": "priority", "created": "created_at", "queued": "queued_at", "started": "started_at", "ended": "ended_at",
}  # fmt: skip


def _contradicts_itself(wanted: Filter) -> bool:
    """Tell whether no job can be meant: one of the two halves of a listing that asks for the other one."""
    if wanted.ended == wanted.active:
        return False
    if wanted.ended:
        return bool(wanted.status) and ENDED not in wanted.status
    return bool(wanted.outcome) or set(wanted.status) == {ENDED}


def listing(reading: "Reading", wanted: Filter, now: int) -> "tuple[list[Job], int]":
    """Return (jobs, how many more there are) of a filter. COUNTED means so many or more, unless nothing but `ended` was asked for."""
    wanted = narrowed(wanted)
    if _contradicts_itself(wanted):
        return [], 0
    meant, values = where(reading, wanted, now)
    tail = order(wanted, now)
    limit = -1 if wanted.limit is None else wanted.limit
    jobs = reading.select(meant, [*values, limit], f"{tail} LIMIT ?")
    if wanted.limit is None or len(jobs) < wanted.limit:
        return jobs, 0
    total = reading.count_ended() if meant == HAS_ENDED else reading.count(meant, values, at_most=wanted.limit + COUNTED)
    return jobs, max(total - len(jobs), 0)


def narrowed(wanted: Filter) -> Filter:
    """Return the same filter with what its `where` says of status and outcome in the fields for that, which indexes serve."""
    if wanted.where is None:
        return wanted
    from outlast.core.filters import parts_of, with_all

    changes: dict[str, Any] = {}
    rest = []
    for part in parts_of(wanted.where):
        field, words = _as_words(part)
        if field and not (getattr(wanted, field) or field in changes):
            changes[field] = words
        else:
            rest.append(part)
    return wanted.replace(where=with_all(*rest), **changes) if changes else wanted


def _as_words(part: "Node") -> "tuple[str, tuple[str, ...]]":
    """Return the field and the words of which a part demands one, if it is about a status or an outcome; else an empty field."""
    from outlast.core.fields import Term
    from outlast.core.filters import Not

    term = part.part if isinstance(part, Not) else part
    if not isinstance(term, Term) or term.field not in {"status", "outcome"} or term.value is None:
        return "", ()
    words = term.value if isinstance(term.value, tuple) else (term.value,)
    inverted = isinstance(part, Not) != (term.op == "!=")
    if term.field == "outcome":  # unknown while a job has not ended; and of `!=` the index would serve nearly all
        return ("outcome", words) if part is term and not inverted else ("", ())
    return "status", tuple(word for word in STATUSES if word not in words) if inverted else words


def matching(reading: "Reading", wanted: Filter, ids: "Iterable[int]", at: int) -> "list[int]":
    """Return those of `ids` that a filter means at `at`."""
    meant, values = where(reading, narrowed(wanted), at)
    numbers, listed = among("id", ids)
    return [job.id for job in reading.select(f"({meant}) AND {numbers}", [*values, *listed])]
