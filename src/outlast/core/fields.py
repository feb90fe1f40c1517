"""The fields that filters compare: what kind each is, how a value of it is written, and whether a job fits. SQL says the same in `store`.

A field that has no value is unknown: every comparison with it is false, and `= none` is true.
"""

from outlast.core.errors import UsageError
from outlast.core.job import OUTCOMES, STATUSES
from outlast.core.value import Value, made

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable
    from typing import Any, Self

    from outlast.core.job import Job

TEXT, WORD, NUMBER, SIGNAL, TIME, DURATION, FLAG = "text", "word", "number", "signal", "time", "duration", "flag"
ORDERED = frozenset({NUMBER, SIGNAL, TIME, DURATION})


class Field(Value):
    """One field. `attribute`: of the job; `many` turns what that holds (and the name after the dot) into the field's values."""

    _fields = ("kind", "attribute", "many", "choices")
    kind: str
    attribute: str
    many: "Callable[[Any, str], list[Any]] | None"
    choices: tuple[str, ...]

    def __new__(
        cls, kind: str, attribute: str, many: "Callable[[Any, str], list[Any]] | None" = None, choices: tuple[str, ...] = ()
    ) -> "Self":
        """Set every field."""
        return made(cls, kind, attribute, many, choices)


def _one_of(held: "dict[str, Any] | None", name: str) -> "list[str]":
    found = (held or {}).get(name)
    return [] if found is None else [str(found)]


def _warned_of(held: "Any", _: str) -> "list[str]":
    """Return what warnings are called and, of `warn.output: RE`, their kind alone: nobody types the expression once more."""
    whole = [str(warning.get("warning", "")) for warning in held]
    return [*whole, *(name.partition(": ")[0] for name in whole if ": " in name)]


FIELDS: "dict[str, Field]" = {
    "id": Field(NUMBER, "id"),
    "name": Field(TEXT, "name"),
    "description": Field(TEXT, "description"),
    "group": Field(TEXT, "group"),
    "key": Field(TEXT, "key"),
    "command": Field(TEXT, "command", lambda held, _: [" ".join(held)]),
    "cwd": Field(TEXT, "cwd"),
    "user": Field(TEXT, "user"),
    "status": Field(WORD, "status", None, STATUSES),
    "outcome": Field(WORD, "outcome", None, OUTCOMES),
    "reason": Field(TEXT, "reason"),
    "exit_code": Field(NUMBER, "exit_code"),
    "signal": Field(SIGNAL, "signal"),
    "run": Field(NUMBER, "run"),
    "created": Field(TIME, "created_at"),
    "queued": Field(TIME, "queued_at"),
    "started": Field(TIME, "started_at"),
    "ended": Field(TIME, "ended_at"),
    "duration": Field(DURATION, "duration"),
    "priority": Field(NUMBER, "priority"),
    "paused": Field(FLAG, "paused"),
    "held": Field(FLAG, "held"),
    "warnings": Field(NUMBER, "warnings", lambda held, _: [len(held)]),
    "warning": Field(TEXT, "warnings", _warned_of),
    "info": Field(TEXT, "info", lambda held, _: [text for text in held if text]),
    "rerun_of": Field(NUMBER, "rerun_of"),
    "schedule": Field(TEXT, "schedule"),
    "param": Field(TEXT, "params", _one_of),
    "feedback": Field(TEXT, "feedback", _one_of),
}
NAMED = frozenset({"param", "feedback"})  # written with a name after a dot


class Term(Value):
    """One comparison. `name`: after the dot. `value`: None tests for what is unknown; a time is as it was written until `resolved`."""

    _fields = ("field", "name", "op", "value")
    field: str
    name: str
    op: str  # = != < <= > >= ~ =~ in
    value: "Any"


def read(field: str, op: str, given: str) -> "Any":
    """Return the value that `given` means after `op`. Raises UsageError for what cannot be compared so."""
    kind = FIELDS[field].kind
    if op in {"~", "=~"} and kind != TEXT:
        raise UsageError(f"`{field}` is no text", f"compare it with {'`=`, `<` or `>`' if kind in ORDERED else '`=`'}")
    if op in {"<", "<=", ">", ">="} and kind not in ORDERED:
        raise UsageError(f"`{field}` has no order", "compare it with `=`, `!=`, `in`" + (", `~` or `=~`" if kind == TEXT else ""))
    if op == "=~":
        pattern(given)
    return given if kind == TEXT else _READERS[kind](field, op, given)


def _number(field: str, _op: str, given: str) -> int:
    from outlast.core.kinds import whole

    try:
        return whole(given)
    except UsageError as error:
        raise UsageError(error.what, f"`{field}` is a number") from None


def _signal(_field: str, _op: str, given: str) -> int:
    from outlast.core.signals import parse_signal

    return parse_signal(given)


def _duration(_field: str, _op: str, given: str) -> int:
    from outlast.core.durations import parse_grace

    return parse_grace(given)


def _word(field: str, _op: str, given: str) -> str:
    from outlast.core.kinds import CHOICE
    from outlast.core.kinds import read as read_kind

    word: str = read_kind(CHOICE, given, FIELDS[field].choices)
    return word


def _flag(_field: str, _op: str, given: str) -> bool:
    from outlast.core.kinds import BOOLEAN
    from outlast.core.kinds import read as read_kind

    flag: bool = read_kind(BOOLEAN, given)
    return flag


_SOME_DAY = 1_800_000_000_000_000_000  # whether a time is well written does not depend on the day


def _time(_field: str, op: str, given: str) -> str:
    instant(op, given, _SOME_DAY)
    return given


def instant(op: str, given: str, now: int) -> "int | tuple[int, int]":
    """Return what a time means at `now`: after `=` and `!=` a stretch of time, else an instant. Raises UsageError."""
    from outlast.core.times import parse_time
    from outlast.core.windows import parse_window

    if op in {"=", "!="}:
        try:
            return parse_window(given, now)
        except UsageError as error:
            raise UsageError(error.what, f"{error.hint}; or compare with `<` or `>`") from None
    try:
        return parse_time(given, now)
    except UsageError:
        try:
            return parse_window(given, now)[0]
        except UsageError:
            pass
        raise


_READERS: "dict[str, Callable[[str, str, str], Any]]" = {
    NUMBER: _number, SIGNAL: _signal, DURATION: _duration, WORD: _word, FLAG: _flag, TIME: _time,
}  # fmt: skip


def pattern(text: str) -> "re.Pattern[str]":
    """Return a compiled regular expression that may match anywhere. Raises UsageError if it is none, or could take for ever."""
    import re

    from outlast.core.disabling import may_take_for_ever

    try:
        compiled = re.compile(text)
        endless = may_take_for_ever(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"`{text[:64]}` is no regular expression: {error}", "see `pydoc re`") from None
    if endless:
        raise UsageError(f"`{text[:64]}` repeats what is repeated, or a choice: to match could take for ever", "write it without")
    return compiled


def values(term: Term, held: "Any") -> "list[Any]":
    """Return the values of the term's field, given what the job's attribute holds; none if it is unknown."""
    many = FIELDS[term.field].many
    if many is not None:
        return many(held, term.name)
    return [] if held is None else [held]


def fits(term: Term, job: "Job", at: int) -> bool:
    """Tell whether a job fits a (resolved) term at `at`."""
    if term.field == "duration":
        from outlast.core.shape import lasted

        return holds(term, values(term, lasted(job, at)))
    return holds(term, values(term, getattr(job, FIELDS[term.field].attribute)))


def holds(term: Term, found: "Iterable[Any]") -> bool:
    """Tell whether one of the values `found` is as the term says; of `!=`: there are some, and none is."""
    op, wanted = term.op, term.value
    if wanted is None:
        return any(value != "" for value in found) == (op == "!=")
    if op == "!=":
        listed = [*found]
        return bool(listed) and not holds(term.replace(op="="), listed)
    if op == "=":
        if isinstance(wanted, tuple):
            return any(wanted[0] <= value < wanted[1] for value in found)
        return any(value == wanted for value in found)
    if op == "in":
        return any(value in wanted for value in found)
    if op == "~":
        from outlast.core.globs import matches

        return any(matches(wanted, value) for value in found)
    if op == "=~":
        import re

        compiled = re.compile(wanted)  # checked by `read`; `re` remembers it
        return any(compiled.search(value) is not None for value in found)
    return any(_COMPARED[op](value, wanted) for value in found)


_COMPARED: "dict[str, Callable[[Any, Any], bool]]" = {
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
}
