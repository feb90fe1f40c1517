"""A damaged database is read as far as it goes, table by table, into a new one.

Rows are asked for by ranges of their keys, never through an index; a range that cannot be read is halved until only the rows on bad
pages are left out. What lies on good pages that bad ones led to is then read from those pages themselves (`salvaging`). What was read
keeps its types; what the new database's own rules refuse is left out as well.
"""

import os

from outlast.core.value import Value
from outlast.store.driver import SCHEMA, explained, read_sql, statements
from outlast.store.light import sqlite
from outlast.store.salvaging import salvage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from typing import Any

CHUNK = 1000
MOST_FAILURES = 20_000  # ranges that cannot be read, of one table: then it is given up
_BY_NUMBER = {"jobs": "id", "runs": "job", "events": "id", "needs": "job", "leaving": "job", "fronts": "job", "removed": "first"}
_FIRST = ("meta", "jobs")  # the others are counted by them
_SMALLEST_ROW = 8  # bytes: how many rows there can be in a file


class Recovered(Value):
    """What became of it: `rows` of each table, and what is `lost`, as sentences."""

    _fields = ("rows", "lost")
    rows: "dict[str, int]"
    lost: "list[str]"


def make_new(path: str) -> "sqlite3.Connection":
    """Make an empty database with the present schema and return it, to write. Raises sqlite3.Error, OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    target: sqlite3.Connection = sqlite.connect(path, isolation_level=None)
    target.execute("PRAGMA journal_mode=DELETE")
    target.execute("BEGIN")
    for number in range(1, SCHEMA + 1):
        for statement in statements(read_sql(f"{number:04d}.sql")):
            target.execute(statement)
    target.execute(f"PRAGMA user_version={SCHEMA:d}")
    return target


def recover(source: str, path: str) -> Recovered:
    """Read what can be read of the database file `source` into a new one at `path`. Raises OSError, SystemFault for the new one only."""
    rows: dict[str, int] = {}
    lost: list[str] = []
    try:
        _recover(source, path, rows, lost)
    except sqlite.Error as error:
        raise explained(error, path) from error
    return Recovered(rows=rows, lost=lost)


def _recover(source: str, path: str, rows: "dict[str, int]", lost: "list[str]") -> None:
    target = make_new(path)
    try:
        tables = [name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        connection = sqlite.connect(source, isolation_level=None)
        connection.text_factory = _text
        try:
            for table in sorted(tables, key=lambda name: (name not in _FIRST, name)):
                rows[table] = _table(connection, target, table, os.stat(source).st_size, lost)
            _sequence(connection, target)
        finally:
            connection.close()  # which copies the log of changes into the file, if that can be
        if lost:
            _salvage(source, target, rows, lost)
        target.execute("COMMIT")
        target.execute("PRAGMA journal_mode=WAL")
    finally:
        target.close()


def _salvage(source: str, target: "sqlite3.Connection", rows: "dict[str, int]", lost: "list[str]") -> None:
    """Put in what lies on pages that nothing leads to, unless it is there, or was removed on purpose."""
    for table, found in salvage(source).items():
        columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
        came = 0
        for row in found.values():
            if table != "environments" and _was_removed(target, row[1 if table == "events" else 0]):
                continue
            names = ", ".join(f'"{name}"' for name in columns[: len(row)])
            insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * min(len(row), len(columns)))})"  # noqa: S608
            try:
                came += target.execute(insert, row[: len(columns)]).rowcount
            except (sqlite.Error, OverflowError):
                continue  # it only looked like one
        if came:
            rows[table] += came
            lost.append(f"table {table}: {came} rows were found on pages that nothing led to")


def _was_removed(target: "sqlite3.Connection", job: int) -> bool:
    return target.execute("SELECT 1 FROM removed WHERE first <= ?1 AND last >= ?1", (job,)).fetchone() is not None


def _text(data: bytes) -> "str | bytes":
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data  # a BLOB of its bytes, as everywhere here


def _table(source: "sqlite3.Connection", target: "sqlite3.Connection", table: str, size: int, lost: list[str]) -> int:
    """Copy a table as far as it can be read. Returns how many rows came over."""
    wanted = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    try:
        there = {row[1] for row in source.execute(f"PRAGMA table_info({table})")}
    except sqlite.Error as error:
        lost.append(f"table {table}: {error}")
        return 0
    if not there and table in _FIRST:
        lost.append(f"table {table}: it is not in the schema any more")
    columns = ", ".join(f'"{name}"' for name in wanted if name in there)
    if not columns:
        return 0  # an earlier version's database, or a schema that cannot be read
    verb = "REPLACE" if table in {"meta", "settings"} else "IGNORE"
    insert = f"INSERT OR {verb} INTO {table} ({columns}) VALUES ({', '.join('?' * (columns.count(',') + 1))})"  # noqa: S608  # columns only
    kept = refused = 0
    failed: list[tuple[int, int]] = []
    if table in _BY_NUMBER:
        key = _BY_NUMBER[table]
        sql = f"SELECT {columns} FROM {table} NOT INDEXED WHERE {key} BETWEEN ? AND ?"  # noqa: S608  # columns only
        highest = _highest(source, table, key, size // _SMALLEST_ROW)
        found = _by_ranges(lambda low, high: source.execute(sql, (low, high)).fetchall(), highest, failed)
    else:
        found = _from_both_ends(source, table, columns, failed)
    for row in found:
        try:
            changed = target.execute(insert, row).rowcount
        except sqlite.IntegrityError:
            changed = 0
        kept += changed
        refused += not changed
    if failed:
        lost.append(f"table {table}: rows that lie on damaged pages ({', '.join(_span(*span) for span in failed[:10])})")
    if refused:
        lost.append(f"table {table}: {refused} rows that are none")
    return kept


def _span(low: int, high: int) -> str:
    return "some" if low < 0 else str(low) if low == high else f"{low} to {high}"


def _highest(source: "sqlite3.Connection", table: str, key: str, most: int) -> int:
    """Return the highest key of a table, or if that cannot be read a number that it is not above."""
    try:
        told = source.execute(f"SELECT max({key}) FROM {table} NOT INDEXED").fetchone()[0]  # noqa: S608  # names of our own
        return told if isinstance(told, int) else 0
    except sqlite.Error:
        return most


def _by_ranges(read: "Callable[[int, int], list[Any]]", highest: int, failed: "list[tuple[int, int]]") -> "Iterator[Any]":
    """Yield the rows whose keys are not above `highest`; adds to `failed` the ranges of keys that could not be read."""
    failures = 0
    for start in range(0, highest + 1, CHUNK):
        stack = [(start, min(start + CHUNK - 1, highest))]
        while stack:
            low, high = stack.pop()
            try:
                rows = read(low, high)
            except sqlite.Error:
                failures += 1
                if low < high and failures < MOST_FAILURES:
                    middle = (low + high) // 2
                    stack += [(middle + 1, high), (low, middle)]
                elif failed and failed[-1][1] == low - 1:
                    failed[-1] = (failed[-1][0], high)
                else:
                    failed.append((low, high))
            else:
                yield from rows


def _from_both_ends(source: "sqlite3.Connection", table: str, columns: str, failed: "list[tuple[int, int]]") -> "Iterator[Any]":
    """Yield the rows of a small table from its beginning and, if that fails somewhere, from its end; what comes twice is left out later."""
    keys = [row[1] for row in source.execute(f"PRAGMA table_info({table})") if row[5]]
    for order in ("ASC", "DESC"):
        by = ", ".join(f"{key} {order}" for key in keys)
        try:
            cursor = source.execute(f"SELECT {columns} FROM {table} NOT INDEXED ORDER BY {by}")  # noqa: S608  # names of our own
            while (row := cursor.fetchone()) is not None:
                yield row
        except sqlite.Error:
            if order == "ASC":
                failed.append((-1, -1))
            continue
        return


def _sequence(source: "sqlite3.Connection", target: "sqlite3.Connection") -> None:
    """Let no id be given out that was given out before, as far as that can be read."""
    try:
        row = source.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
    except sqlite.Error:
        return
    if row and isinstance(row[0], int):
        raise_sequence(target, row[0])


def raise_sequence(connection: "sqlite3.Connection", least: int) -> bool:
    """Let the next job's id be above `least`. False: it is anyway."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
    if row is None:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', ?)", (least,))
        return least > 0
    if row[0] >= least:
        return False
    connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'jobs'", (least,))
    return True
