"""The conditions of SQL that selectors, options and filters share: each is a text with its values, in the form that the indexes serve."""

from outlast.core.job import ENDED
from outlast.store.rows import as_stored_text, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from outlast.store.reading import Reading

    Condition = tuple[str, list[Any]]

HAS_ENDED = "ended_at IS NOT NULL"


def asked(reading: "Reading", key: str, name: str, test: "Callable[[Any], bool]") -> "Condition":
    """Return the condition that Python's `test` holds for a column, NULL where that is NULL. `key` tells tests apart."""
    tests = reading.tests
    if not tests:

        def ask(which: "str | bytes", held: "Any") -> "bool | None":
            return None if held is None else tests[as_text(which)](held)

        reading.database.connection.create_function("matches", 2, ask)
    tests[key] = test
    return f"matches(?, {name})", [as_stored_text(key)]


def glob(name: str, pattern: str) -> "Condition":
    """Return the condition that a column fits a pattern."""
    text = as_stored_text(pattern)
    if not any(sign in pattern for sign in "*?["):
        return f"{name} = ?", [text]
    return f"({name} GLOB ? OR ({name} >= x'' AND CAST({name} AS TEXT) GLOB CAST(? AS TEXT)))", [text, text]  # a blob: it is not UTF-8


def among(name: str, values: "Iterable[Any]") -> "Condition":
    """Return the condition that a column is one of `values`."""
    listed = list(values)
    return f"{name} IN ({', '.join('?' * len(listed))})", listed


def with_status(words: "Iterable[str]") -> "Condition":
    """Return the condition that a job is at one of these statuses, such that a partial index serves it."""
    words = list(words)
    term, values = among("status", words)
    if ENDED not in words:
        return f"({term} AND status <> 'ended')", values
    return (HAS_ENDED, []) if set(words) == {ENDED} else (term, values)


def with_outcome(words: "Iterable[str]", name: str = "outcome") -> "Condition":
    """Return the condition that a job ended so, likewise."""
    term, values = among(name, words)
    return f"({term} AND {HAS_ENDED})", values


def in_spans(spans: "Iterable[tuple[int, int]]", also: str = "1") -> str:
    """Return the condition that an id lies in one of the ranges, and (of those only it is asked) that `also` holds.

    They are a table, since thousands of terms are too many for SQL; and it stands first, whatever index `also` would like.
    """
    rows = ", ".join(f"({first:d}, {last:d})" for first, last in spans)
    ids = f"SELECT j.id FROM (VALUES {rows}) AS span CROSS JOIN jobs AS j NOT INDEXED ON j.id BETWEEN span.column1 AND span.column2"  # noqa: S608  # numbers
    return f"id IN ({ids} WHERE {also})"
