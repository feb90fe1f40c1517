"""Filters (`core.filters`) as SQL: what a column says is compared by SQLite, what needs reading by the very function that Python uses.

A term of SQL is NULL where the field is unknown; that counts as false, and `NOT` is told so.
"""

from outlast.core import fields
from outlast.core.fields import FIELDS, Term
from outlast.core.filters import All, Any, Not, Text, mentions, told
from outlast.core.jsontext import dumps
from outlast.store.rows import as_json, as_stored_text, as_text, column
from outlast.store.terms import among, asked, glob, with_outcome, with_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as Anything

    from outlast.core.filters import Node
    from outlast.store.reading import Reading
    from outlast.store.terms import Condition


def condition(reading: "Reading", node: "Node", at: int) -> "Condition":
    """Return the SQL condition of a (resolved) filter at `at` and its values."""
    if isinstance(node, Term):
        return _term(reading, node, at)
    if isinstance(node, Text):
        return mentioning(reading, node.text)
    if isinstance(node, Not):
        inner, values = condition(reading, node.part, at)
        return f"NOT coalesce({inner}, 0)", values
    parts = [condition(reading, part, at) for part in (node.parts if isinstance(node, All | Any) else ())]
    sign = " AND " if isinstance(node, All) else " OR "
    return f"({sign.join(term for term, _ in parts)})", [value for _, values in parts for value in values]


def _term(reading: "Reading", term: Term, at: int) -> "Condition":
    field, op, wanted = FIELDS[term.field], term.op, term.value
    if field.many is not None:
        return _read_by_python(reading, term)
    name = f"max(0, coalesce(ended_at, {at:d}) - started_at)" if term.field == "duration" else column(field.attribute)
    if wanted is None:
        return f"coalesce({name}, '') {'<>' if op == '!=' else '='} ''", []
    if op == "~":
        return glob(name, wanted)
    if op == "=~":
        compiled = fields.pattern(wanted)
        return asked(reading, f"=~{wanted}", name, lambda held: compiled.search(as_text(held)) is not None)
    if isinstance(wanted, tuple) and op != "in":
        since, until = wanted
        return (f"({name} >= ? AND {name} < ?)" if op == "=" else f"({name} < ? OR {name} >= ?)"), [since, until]
    listed: list[Anything] = [as_stored_text(value) if isinstance(value, str) else value for value in (wanted if op == "in" else (wanted,))]
    if op in {"=", "in"} and field.kind == fields.WORD:
        return with_status(listed) if term.field == "status" else with_outcome(listed)
    if op == "in":
        return among(name, listed)
    return f"{name} {'<>' if op == '!=' else op} ?", listed


def _read_by_python(reading: "Reading", term: Term) -> "Condition":
    """Return the condition on a column that holds JSON. What it cannot be about is left out without reading it."""
    attribute = FIELDS[term.field].attribute
    sql, values = asked(reading, repr(term), attribute, lambda held: fields.holds(term, fields.values(term, as_json(held, attribute))))
    if attribute == "warnings" and not fields.holds(term, fields.values(term, [])):
        return f"(warnings <> '[]' AND {sql})", values
    if term.name and term.value is None:
        return (f"coalesce({sql}, 1)" if term.op == "=" else sql), values
    if term.name:
        return f"(instr({attribute}, ?) AND {sql})", [dumps(term.name), *values]
    return sql, values


def mentioning(reading: "Reading", text: str) -> "Condition":
    """Return the condition that `text` occurs in what --text looks at, whatever the case of its letters."""
    wanted = text.lower()

    def found(which: "str | bytes", name: "str | bytes", description: "str | bytes", command: str, info: str, params: str) -> bool:
        texts = told(as_text(name), as_text(description), as_json(command, "command"), as_json(info, "info"), as_json(params, "params"))
        return mentions(as_text(which), texts)

    reading.database.connection.create_function("mentions", 6, found)
    exactly, key = "mentions(?, name, description, command, info, params)", as_stored_text(wanted)
    if not wanted.isascii() or not wanted.isprintable() or any(sign in wanted for sign in '"\\ '):
        return exactly, [key]
    # SQLite looks first, and quickly: what it does not find in the columns as they are stored is not there.
    quickly = "instr(lower(name || char(10) || description || char(10) || command || info || params), ?)"
    return f"({quickly} AND {exactly})", [wanted, key]
