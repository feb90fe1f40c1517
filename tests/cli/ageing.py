"""Lets time pass for a home: everything that its database tells happened so much earlier."""

import sqlite3
import time
from pathlib import Path

from support import Outlast

DAY = 86_400_000_000_000
_COLUMNS = {
    "jobs": ("created_at", "queued_at", "started_at", "ended_at"),
    "runs": ("claimed_at", "started_at", "ended_at"),
    "events": ("at",),
    "environments": ("created_at", "used_at"),
}


def age(outlast: Outlast, days: float, jobs: str = "1", *, due: bool = False) -> None:
    """Let `days` pass for the jobs that the SQL condition `jobs` means (`id` is a job's), while no supervisor lives.

    `due`: the next one makes a pass over what is kept; else it was made just now.
    """
    outlast("supervisor", "stop", status=0)
    home = outlast.home
    connection = sqlite3.connect(home / "outlast.db", timeout=30)
    with connection:
        for table, columns in _COLUMNS.items():
            which = {"jobs": jobs, "environments": "1"}.get(table, f"job IN (SELECT id FROM jobs WHERE {jobs})")
            connection.execute(f"UPDATE {table} SET {', '.join(f'{c} = {c} - {int(days * DAY)}' for c in columns)} WHERE {which}")
        connection.execute("UPDATE meta SET value = ? WHERE name = 'pruned_at'", (0 if due else time.time_ns(),))
    connection.close()


def rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a question to the home's database."""
    connection = sqlite3.connect(f"file:{home}/outlast.db?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def files(home: Path) -> list[str]:
    """Return the names of the files of all runs."""
    return sorted(path.name for path in (home / "runs").rglob("*") if path.is_file())
