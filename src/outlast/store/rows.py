"""Rows to values and back. The order of the fields of a value is the order of the columns."""

from _operator import attrgetter  # `operator` without its Python half

from outlast.core.errors import SystemFault
from outlast.core.job import Job, Run
from outlast.core.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

JOB_FIELDS = Job.__slots__[:-1]  # `runs` is no column
RUN_FIELDS = Run.__slots__
_QUOTED = {"group": '"group"', "trigger": '"trigger"'}
JOB_COLUMNS = ", ".join(_QUOTED.get(f, f) for f in JOB_FIELDS)
RUN_COLUMNS = ", ".join(RUN_FIELDS)
_JSON = frozenset({"command", "stop_requested", "info", "params", "spec"})
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


def as_json(text: str, field: str) -> "Any":
    """Return the value of stored JSON. Raises SystemFault if it is none."""
    try:
        return loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise SystemFault(
            f"a row of outlast.db is damaged (`{field}`: {error})", "trying again does not help; `outlast doctor` says more"
        ) from error


def job_of(row: "Sequence[Any]") -> Job:
    """Return the job of a row of JOB_COLUMNS."""
    job = object.__new__(Job)
    for (field, put, read), content in zip(_READERS, row, strict=True):
        put(job, content if read is None or content is None else read(content, field))
    _put_runs(job, ())
    return job


def _reader(field: str) -> "Callable[[Any, str], Any] | None":
    if field in _JSON:
        return as_json
    if field in _TEXT:
        return lambda content, _: as_text(content)
    return (lambda content, _: bool(content)) if field in _FLAGS else None


_put_runs = getattr(Job, "runs").__set__  # noqa: B009  # a slot, which is no field of the class to a type checker
_READERS = [(field, getattr(Job, field).__set__, _reader(field)) for field in JOB_FIELDS]


def run_of(row: "Sequence[Any]") -> Run:
    """Return the run of a row of RUN_COLUMNS."""
    return Run(**{field: as_text(content) if field == "reason" else content for field, content in zip(RUN_FIELDS, row, strict=True)})


def row_of_job(job: Job) -> "list[Any]":
    """Return a job as a row of JOB_COLUMNS."""
    return [stored(field, content) for field, content in zip(JOB_FIELDS, job_values(job), strict=True)]


def row_of_run(run: Run) -> "list[Any]":
    """Return a run as a row of RUN_COLUMNS."""
    row = list(_run_values(run))
    if run.reason:
        row[_REASON] = as_stored_text(run.reason)
    return row


_run_values = attrgetter(*RUN_FIELDS)
_REASON = RUN_FIELDS.index("reason")
job_values = attrgetter(*JOB_FIELDS)
"""What a job holds, in the order of JOB_FIELDS."""
