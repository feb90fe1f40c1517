"""The index of texts: which jobs may mention one, without reading all. It is made behind the submissions' back; what it lacks is read.

It is a full-text table of SQLite's (FTS5) that holds, for every three letters in a row, the ids of the jobs whose texts have them, and
nothing else. So it only says who may be meant: each is read before it is shown, and what it says of jobs that are gone does no harm. All
ids up to `texts_to` are in it but those in `texts_again`. A SQLite without FTS5 or its tokenizer does without.
"""

from outlast.core.errors import SystemFault
from outlast.core.filters import told
from outlast.seams import failpoint
from outlast.store.light import sqlite
from outlast.store.rows import as_json, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from outlast.store.reading import Reading
    from outlast.store.store import Store
    from outlast.store.terms import Condition

LETTERS = 3  # that the index knows in a row
ENOUGH = 24  # of such: more of them narrow no further
FEW = 5000  # jobs that are looked up one by one
MANY = 50_000  # jobs that it is worth to know: of more the next ones in the listing's order are found as fast by reading
_LARGEST = 2**63 - 1
_MAKE = "CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(said, content='', columnsize=0, detail=none, tokenize='trigram')"
_FOUND = "SELECT rowid FROM texts WHERE texts MATCH ?"
_INDEXED = "(SELECT value FROM meta WHERE name = 'texts_to')"
# in one statement, since the index goes on meanwhile; how far it goes is told as a negative number
_MAY = f"{_FOUND} UNION ALL SELECT job FROM texts_again UNION ALL SELECT -{_INDEXED}"  # noqa: S608  # no word of anybody else's
_COUNT = f"SELECT count(*) FROM ({_FOUND} LIMIT ?)"  # noqa: S608  # no word of anybody else's


def is_possible() -> bool:
    """Tell whether this SQLite has what the index needs."""
    connection = sqlite.connect(":memory:")
    try:
        connection.execute(_MAKE)
    except sqlite.Error:
        return False
    finally:
        connection.close()
    return True


def narrowing(reading: "Reading", wanted: str) -> "tuple[list[tuple[int, int]], Condition] | None":
    """Return who alone may mention `wanted` (in small letters): if they are few as ranges of ids, else as a condition; None: all may."""
    query = _query(wanted)
    (indexed,) = reading.database.one("meta", "texts_to") or (0,)
    if not query or not indexed:
        return None
    ask = reading.database.connection.execute
    try:
        ((count,),) = ask(_COUNT, (query, MANY)).fetchall()
        ids = {number for (number,) in ask(_MAY, (query,))} if count <= FEW else set()
    except sqlite.Error:  # no FTS5 here, or the index is damaged: it is a help, not the truth
        return None
    if count >= MANY:
        return None
    if count <= FEW:
        last = -min(ids)
        return [*((number, number) for number in sorted(ids) if number > 0), (last + 1, _LARGEST)], ("1", [])
    # `+`: the listing goes on in its own order, and only asks of each whether it is among them
    return [], (f"(+id IN ({_FOUND}) OR +id IN (SELECT job FROM texts_again) OR +id > {_INDEXED})", [query])  # noqa: S608


def _query(wanted: str) -> str:
    """Return what FTS5 is asked: all that is three letters in a row, each in quotes. Empty if there is nothing of that length."""
    text = _plain(wanted)
    if "\0" in wanted:
        return ""
    pieces = dict.fromkeys(text[at : at + LETTERS] for at in range(len(text) - LETTERS + 1))
    return " AND ".join('"' + piece.replace('"', '""') + '"' for piece in list(pieces)[:ENOUGH])


def _plain(text: str) -> str:
    """Return a text as SQLite can hold it: bytes that are no text are lost in the index and in the question alike."""
    return text.replace("\0", "\n").encode("utf-8", "replace").decode()


def backlog(reading: "Reading") -> int:
    """Return how many jobs the index lacks, about."""
    last, indexed, again = reading.database.one("texts-backlog")
    lacking: int = max(0, (last or 0) - indexed) + again
    return lacking


def index(store: "Store", at_most: int) -> int:
    """Put the next `at_most` jobs into the index, durably. Returns how many that were."""
    with store.batch():
        database = store.database
        database.execute(_MAKE)
        again = database.all("texts-again")[:at_most]  # few, and perhaps of jobs that are gone
        rows = [row for (number,) in again for row in database.all("texts-of", number)]
        fresh = database.all("texts-to-index", at_most - len(again))
        rows += fresh
        database.execute_many("INSERT INTO texts (rowid, said) VALUES (?, ?)", [(row[0], _said(row)) for row in rows])
        database.execute_many("DELETE FROM texts_again WHERE job = ?", again)
        if fresh:
            database.execute("UPDATE meta SET value = ? WHERE name = 'texts_to'", (fresh[-1][0],))
        failpoint("texts.before-commit")
    failpoint("texts.after-commit")
    return len(again) + len(fresh)


def forget(store: "Store") -> None:
    """Drop the index, with all that it still says of jobs that are gone. The supervisor makes it anew."""
    with store.batch():
        store.database.execute("DROP TABLE IF EXISTS texts")
        store.database.execute("DELETE FROM texts_again")
        store.database.execute("UPDATE meta SET value = 0 WHERE name = 'texts_to'")


def _said(row: "Sequence[Any]") -> str:
    _, name, description, command, info, params = row
    try:
        texts = told(as_text(name), as_text(description), as_json(command, "command"), as_json(info, "info"), as_json(params, "params"))
    except SystemFault:  # a damaged row; whoever reads it says so
        return ""
    return _plain("\n".join(text.lower() for text in texts if text))
