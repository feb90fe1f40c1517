"""Which jobs are meant: selectors and filters become SQL here and nowhere else."""

from outlast.core import selectors as s
from outlast.core.errors import NotFound, Refused
from outlast.core.job import ENDED
from outlast.core.value import Value
from outlast.store.rows import as_json, as_stored_text, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from outlast.core.job import Job
    from outlast.core.selectors import Selector
    from outlast.store.reading import Reading

COUNTED = 1000  # how many more there are is counted no further than that
# A partial index is used only where its condition stands in the query, and its first column only where that is compared.
_ACTIVE = "(status IN ('reserved', 'pending', 'queued', 'running') AND status <> 'ended' AND ended_at IS NULL)"
_ENDED = "ended_at IS NOT NULL"
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
        "status", "outcome", "name", "group", "text", "since", "until", "last", "slowest", "sort", "limit", "active", "ended", "among",
    )  # fmt: skip
    status: "tuple[str, ...]"
    outcome: "tuple[str, ...]"
    name: str | None  # a glob, or /RE/
    group: str | None
    text: str | None
    since: int | None
    until: int | None
    last: bool
    slowest: bool
    sort: "tuple[str, ...]"
    limit: int | None
    active: bool
    ended: bool
    among: "tuple[Selector, ...]"
    _defaults = {
        "status": (), "outcome": (), "name": None, "group": None, "text": None, "since": None, "until": None, "last": False,
        "slowest": False, "sort": (), "limit": None, "active": True, "ended": True, "among": (),
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


def _condition(reading: "Reading", selector: "Selector") -> "tuple[str, list[Any]]":
    kind, value = selector.kind, selector.value
    if kind == s.IDS:
        return _in_spans(value), []
    if kind == s.NAME_GLOB:
        text = as_stored_text(value)
        if not any(sign in value for sign in "*?["):
            return "name = ?", [text]
        return "(name GLOB ? OR (name >= x'' AND CAST(name AS TEXT) GLOB CAST(? AS TEXT)))", [text, text]  # a blob: it is not UTF-8
    if kind == s.NAME_REGEX:
        _add_regex(reading, selector)
        return "matches(?, name)", [as_stored_text(selector.text)]
    if kind == s.GROUP:
        return '"group" = ?', [as_stored_text(value)]
    if kind == s.STATUS:
        return _with_status(value)
    if kind == s.OUTCOME:
        return _with_outcome(value)
    jobs = _read(reading, selector)
    return _in("id", [job.id for job in jobs]) if jobs else ("0", [])


def _add_regex(reading: "Reading", selector: "Selector") -> None:
    """Teach the connection `matches(text, name)` for the regular expressions of this and all earlier selectors."""
    patterns = reading.patterns
    patterns[selector.text] = selector.pattern()

    def matches(text: "str | bytes", name: "str | bytes") -> bool:
        return patterns[as_text(text)].search(as_text(name)) is not None

    reading.database.connection.create_function("matches", 2, matches)


def _in(column: str, values: "Iterable[Any]") -> "tuple[str, list[Any]]":
    listed = list(values)
    return f"{column} IN ({', '.join('?' * len(listed))})", listed


def _in_spans(spans: "Iterable[tuple[int, int]]") -> str:
    """Return the condition that an id lies in one of the ranges: as a table, since thousands of terms are too many for SQL."""
    rows = ", ".join(f"({first:d}, {last:d})" for first, last in spans)
    return f"id IN (SELECT j.id FROM (VALUES {rows}) AS span CROSS JOIN jobs AS j ON j.id BETWEEN span.column1 AND span.column2)"  # noqa: S608  # numbers only


def _with_status(words: "Sequence[str]") -> "tuple[str, list[Any]]":
    term, values = _in("status", words)
    if ENDED not in words:
        return f"({term} AND status <> 'ended')", values
    return (_ENDED, []) if set(words) == {ENDED} else (term, values)


def _with_outcome(words: "Sequence[str]", column: str = "outcome") -> "tuple[str, list[Any]]":
    term, values = _in(column, words)
    return f"({term} AND {_ENDED})", values


def _mentions(reading: "Reading", text: str) -> "tuple[str, list[Any]]":
    """Return the condition that `text` occurs in what --text looks at, whatever the case of its letters."""
    wanted = text.lower()

    def mentions(name: "str | bytes", description: "str | bytes", command: str, info: str, params: str) -> bool:
        told = [as_text(name), as_text(description), *as_json(command, "command"), *as_json(info, "info")]
        told += [word for pair in as_json(params, "params").items() for word in pair]
        return any(wanted in words.lower() for words in (*told, " ".join(as_json(command, "command"))))

    reading.database.connection.create_function("mentions", 5, mentions)
    exactly = "mentions(name, description, command, info, params)"
    if not wanted.isascii() or not wanted.isprintable() or any(sign in wanted for sign in '"\\ '):
        return exactly, []
    # SQLite looks first, and quickly: what it does not find in the columns as they are stored is not there.
    return f"instr(lower(name || char(10) || description || char(10) || command || info || params), ?) AND {exactly}", [wanted]


def where(reading: "Reading", wanted: Filter) -> "tuple[str, list[Any]]":  # noqa: C901  # one term per field
    """Return the SQL condition of a filter and its values."""
    terms: list[str] = []
    values: list[Any] = []

    def add(term: str, *given: "Any") -> None:
        terms.append(term)
        values.extend(given)

    if not wanted.ended:
        add(_ACTIVE)
    if not wanted.active:
        add(_ENDED)
    if wanted.status:
        term, listed = _with_status(wanted.status)
        add(term, *listed)
    if wanted.name is not None:
        term, listed = _condition(reading, s.parse_selector(f"name:{wanted.name}"))
        add(term, *listed)
    if wanted.group is not None:
        add('"group" = ?', as_stored_text(wanted.group))
    if wanted.outcome:
        narrow = wanted.group is not None or "name = ?" in terms  # whose index knows the outcome too: `+` keeps SQLite from another one
        term, listed = _with_outcome(wanted.outcome, "+outcome" if narrow else "outcome")
        add(term, *listed)
    if wanted.text is not None:
        term, listed = _mentions(reading, wanted.text)
        add(term, *listed)
    if wanted.since is not None:
        ended, active = "ended_at >= ?", f"{_BEGUN} >= ?"
        if not wanted.active:
            add(ended, wanted.since)
        else:
            add(f"(({_ENDED} AND {ended}) OR (ended_at IS NULL AND {active}))", wanted.since, wanted.since)
    if wanted.until is not None:
        add("coalesce(started_at, ended_at, created_at) < ?", wanted.until)
    if wanted.among:
        parts = [_condition(reading, selector) for selector in wanted.among]
        add("(" + " OR ".join(term for term, _ in parts) + ")", *(v for _, listed in parts for v in listed))
    if wanted.last:
        inner = " AND ".join(terms) or "1"
        return f"id IN (SELECT max(id) FROM jobs WHERE {inner} GROUP BY name)", values  # noqa: S608  # terms of our own
    return " AND ".join(terms) or "1", values


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
    if _contradicts_itself(wanted):
        return [], 0
    condition, values = where(reading, wanted)
    tail = order(wanted, now)
    limit = -1 if wanted.limit is None else wanted.limit
    jobs = reading.select(condition, [*values, limit], f"{tail} LIMIT ?")
    if wanted.limit is None or len(jobs) < wanted.limit:
        return jobs, 0
    total = reading.count_ended() if condition == _ENDED else reading.count(condition, values, at_most=wanted.limit + COUNTED)
    return jobs, max(total - len(jobs), 0)


def matching(reading: "Reading", wanted: Filter, ids: "Iterable[int]") -> "list[int]":
    """Return those of `ids` that a filter means."""
    condition, values = where(reading, wanted)
    among, listed = _in("id", ids)
    return [job.id for job in reading.select(f"({condition}) AND {among}", [*values, *listed])]
