"""What is read from the pages themselves is what SQLite reads; and no bytes whatever make it fail."""

import sqlite3
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.store import salvaging
from outlast.store.salvaging import salvage
from store.making import fill

VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20) | st.binary(max_size=20)
LONG = st.integers(0, 20_000).map(lambda size: "x" * size)
_number = 0


def fresh(folder: Path) -> Path:
    global _number  # noqa: PLW0603  # a file for each example
    _number += 1
    return folder / f"{_number}.db"


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.integers(1, 10**6), LONG, st.integers(-(2**40), 2**40), st.text(max_size=50)), max_size=40, unique_by=lambda r: r[0]
    )
)
def test_rows_with_and_without_overflow(tmp_path_factory, rows):
    path = fresh(tmp_path_factory.getbasetemp())
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, job, version, kind TEXT, at, data TEXT)")
    told = [(number, number + 1, at, text.replace("\0", ""), at, long) for number, long, at, text in rows]
    with connection:
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", told)
    connection.close()
    assert {(row[0],): list(row) for row in told} == salvage(str(path))["events"]


@settings(max_examples=60)
@given(row=st.lists(VALUES, min_size=1, max_size=60))
def test_any_record(tmp_path_factory, row):
    path = fresh(tmp_path_factory.getbasetemp())
    connection = sqlite3.connect(path)
    names = ", ".join(f"c{index}" for index in range(len(row)))
    connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {names})")
    with connection:
        connection.execute(f"INSERT INTO t VALUES (7, {', '.join('?' * len(row))})", row)
    kept = [*connection.execute(f"SELECT {names} FROM t").fetchone()]
    connection.close()
    data = path.read_bytes()
    found = [told for start in range(0, len(data), 4096) for told, _ in salvaging._rows(data, start, 4096)]
    assert [7, *kept] in found


@given(data=st.binary(max_size=9000), kind=st.sampled_from([0x0D, 0x0A, 0x02, 0x05]))
def test_noise(tmp_path_factory, data, kind):
    path = fresh(tmp_path_factory.getbasetemp())
    path.write_bytes(b"\0" * 100 + bytes([kind]) + data)
    salvage(str(path))


def test_a_whole_home(tmp_path):
    fill(tmp_path / "h", 300)
    path = tmp_path / "h" / "outlast.db"
    connection = sqlite3.connect(path)
    connection.text_factory = lambda data: data.decode()
    found = salvage(str(path))
    for table, key in (("jobs", 1), ("events", 1), ("runs", 2), ("environments", 1)):
        rows = [list(row) for row in connection.execute(f"SELECT * FROM {table}")]
        there = [found[table][tuple(row[:key])] for row in rows]
        assert [row[: len(told)] for row, told in zip(rows, there, strict=True)] == there
    connection.close()
