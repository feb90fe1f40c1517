"""Rows to values and back. The order of the fields of a value is the order of the columns."""

from outlast.core.errors import Damaged, SystemFault
from outlast.core.job import Job, Run
from outlast.core.jsontext import dumps, loads
from outlast.core.value import made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

JOB_FIELDS = Job._fields[:-1]  # `runs` is no column
RUN_FIELDS = Run._fields
_QUOTED = {"group": '"group"', "trigger": '"trigger"'}
JOB_COLUMNS = ", ".join(_QUOTED.get(f, f) for f in JOB_FIELDS)
RUN_COLUMNS = ", ".join(RUN_FIELDS)
_JSON = frozenset({"command", "mutex", "stop_requested", "warnings", "info", "params", "spec", "feedback", "progress"})
_TEXT = frozenset({"name", "description", "group", "key", "cwd", "user", "reason", "schedule"})  # may be bytes that are not UTF-8
_FLAGS = frozenset({"paused", "held", "automatic"})


def column(field: str) -> str:
    """Return the field's column as SQL spells it."""
    return _QUOTED.get(field, field)


def stored(field: str, value: "Any") -> "Any":
    """Return the value of a job's field as the column holds it."""
    if value is None:
        return None
    if field in _JSON:
        return dumps(value)
    if field in _TEXT:
        return as_stored_text(value)
    if field in _FLAGS:
        return int(value)
    return value


def as_stored_text(text: str) -> str | bytes:
    """Return `text`, or its bytes if they are not UTF-8 (surrogate escapes cannot be bound)."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


def as_text(value: "Any") -> "Any":
    """Return a stored text as str."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


_SHAPES: "dict[str, Any]" = {
    "command": list,
    "mutex": list,
    "stop_requested": dict,
    "warnings": list,
    "info": list,
    "params": dict,
    "spec": dict,
    "limits": dict,
    "feedback": dict,
    "progress": dict,
}  # a null is no JSON null, but NULL
_OF_TEXTS = frozenset({"command", "mutex", "info", "params", "feedback"})
_NUMBERS = ("percent", "done", "total")  # of a progress
_EMPTY: "dict[str, Callable[[], Any]]" = {"{}": dict, "[]": list}  # what most jobs have: it need not be read


def as_json(text: str, field: str) -> "Any":
    """Return the value of stored JSON. Raises SystemFault if it is none."""
    empty = _EMPTY.get(text)
    if empty is not None:
        return empty()
    try:
        value = loads(text)
        shape = _SHAPES.get(field)
        if shape is None or (isinstance(value, shape) and _holds(value, field)):
            return value
        raise TypeError(f"it is {value!r:.40}")
    except (ValueError, TypeError, RecursionError) as error:
        raise Damaged(
            f"a row of outlast.db is damaged (`{field}`: {error})", "trying again does not help; `outlast doctor --check` says more"
        ) from error


def _holds(value: "Any", field: str) -> bool:
    """Tell whether a list or an object holds what everybody takes for granted."""
    if field in _OF_TEXTS:
        return all(type(held) is str for held in (value.values() if type(value) is dict else value))
    if field == "warnings":
        return all(isinstance(held, dict) and type(held.get("warning")) is str and type(held.get("text")) is str for held in value)
    if field == "progress":
        return all(isinstance(value.get(name), int | float | None) for name in _NUMBERS)
    return True


def job_of(row: "Sequence[Any]") -> Job:
    """Return the job of a row of JOB_COLUMNS."""
    contents = [*row, ()]
    try:
        for position, field, read in _READERS:
            if contents[position] is not None:
                contents[position] = read(contents[position], field)
    except SystemFault as error:
        damaged = Damaged(f"{error.what}, that of job {row[0]}", error.hint)
        damaged.job = row[0]
        raise damaged from error
    return made(Job, *contents)


def _reader(field: str) -> "Callable[[Any, str], Any]":
    if field in _JSON:
        return as_json
    return (lambda content, _: bool(content)) if field in _FLAGS else lambda content, _: as_text(content)


_READERS = [(position, field, _reader(field)) for position, field in enumerate(JOB_FIELDS) if field in _JSON | _TEXT | _FLAGS]


def run_of(row: "Sequence[Any]") -> Run:
    """Return the run of a row of RUN_COLUMNS."""
    contents = [*row]
    contents[_REASON] = as_text(contents[_REASON])
    if contents[_LIMITS] is not None:
        contents[_LIMITS] = as_json(contents[_LIMITS], "limits")
    return made(Run, *contents)


def row_of_job(job: Job, like: Job | None = None, its_row: "Sequence[Any]" = ()) -> "list[Any]":
    """Return a job as a row of JOB_COLUMNS; what it shares with `like`, the very same object, is taken from the row of that."""
    row = [*job_values(job)]
    if like is None:
        for position, field, _ in _READERS:
            row[position] = stored(field, row[position])
    else:
        for position, field, _ in _READERS:
            row[position] = its_row[position] if row[position] is like[position] else stored(field, row[position])
    return row


def row_of_run(run: Run) -> "list[Any]":
    """Return a run as a row of RUN_COLUMNS."""
    row = [*run]
    if run.reason:
        row[_REASON] = as_stored_text(run.reason)
    if run.limits is not None:
        row[_LIMITS] = dumps(run.limits)
    return row


_REASON = RUN_FIELDS.index("reason")
_LIMITS = RUN_FIELDS.index("limits")


def job_values(job: Job) -> "tuple[Any, ...]":
    """Return what a job holds, in the order of JOB_FIELDS."""
    return job[:-1]
