"""Jobs for the store's tests: submissions, jobs brought to a status, and homes with thousands of ended ones."""

import itertools
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.job import Ending, Job
from outlast.core.needs import APPROVAL, Need
from outlast.home import Home
from outlast.store.store import Environment, Front, Store, Submission
from support import CHECKOUT

AT = 1_700_000_000_000_000_000
ENVIRONMENT = Environment(hash="e1", variables=b"A=1\0B=\xff\0", surroundings='{"umask": 18}')

MISCOUNTED_NEEDS = "SELECT id FROM jobs WHERE waits <> (SELECT count(*) FROM needs WHERE job = jobs.id)"

_at = itertools.count(AT)


def tick() -> int:
    """Return an instant later than all before."""
    return next(_at)


def submission(
    *, overlap: str | None = None, waits: bool = False, front: Front | None = None, environment: Environment = ENVIRONMENT, **fields: Any
) -> Submission:
    """Return a submission; `fields` of its job."""
    made = {"name": "n", "command": ["true"], "cwd": "/", "info": ["", "", ""], "warnings": [], **fields}
    if overlap is not None:
        made["spec"] = {**made.get("spec", {}), "overlap": overlap}
    job = Job(**{"id": 0, "created_at": 0, **made})
    return Submission(job=job, environment=environment, needs=(Need(name=APPROVAL),) if waits else (), front=front)


def submit(store: Store, **fields: Any) -> Job:
    """Submit one job."""
    return store.submit([submission(**fields)], tick())[0]


def ending(job: Job, outcome: str = j.SUCCEEDED, **facts: Any) -> Ending:
    """Return the ending of the job's run."""
    return Ending(**{"outcome": outcome, "reason": "exit code 0", "exit_code": 0, "ended_at": tick(), **facts})


def claim(store: Store, job: Job) -> Job:
    """Bring a queued job to running."""
    return store.record(job, e.Claimed(run=job.run + 1, host="h", boot="b"), tick())


def start(store: Store, job: Job) -> Job:
    """Tell that the command of a claimed job has a process."""
    return store.record(job, e.Started(run=job.run, pid=4711, pid_start=99, pidns=1, started_at=tick()), tick())


def end(store: Store, job: Job, outcome: str = j.SUCCEEDED, **facts: Any) -> Job:
    """End a running job with its run, or one that waits without."""
    if job.status == j.RUNNING:
        told = ending(job, outcome, **facts)
        return store.record(job, e.Ended(outcome=outcome, reason=told.reason, run=job.run, ending=told), tick())
    return store.record(job, e.Ended(outcome=outcome, reason="because"), tick())


def ended(store: Store, outcome: str = j.SUCCEEDED, **fields: Any) -> Job:
    """Submit a job and bring it to its end."""
    return end(store, start(store, claim(store, submit(store, **fields))), outcome)


def dump(path: Path) -> list[str]:
    """Return the whole content of a home's database as text."""
    from sqlite3 import connect

    connection = connect(f"file:{path}/outlast.db?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def miscounted(store: Store) -> list[Any]:
    """Return the jobs whose version is not the number of their events, or whose `waits` is not the number of their needs."""
    return [*store.database.all("miscounted"), *store.database.rows(MISCOUNTED_NEEDS)]


def fill(home: Path, count: int) -> None:
    """Fill a fresh home with `count` ended jobs, copies of one that lived: every 10th failed; 20 names, 5 groups."""
    store = Store(Home(str(home)))
    ended(store, group="g")
    copies = f"WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {count:d})"
    columns = [row[1] for row in store.database.rows("PRAGMA table_info(jobs)")]
    told = {
        "id": "i", "name": "'name' || (i % 20)", "group": "'group' || (i % 5)", "created_at": "created_at + i * 1000",
        "queued_at": "queued_at + i * 1000", "started_at": "started_at + i * 1000", "ended_at": "ended_at + i * 1000",
        "outcome": "CASE WHEN i % 10 THEN 'succeeded' ELSE 'failed' END",
    }  # fmt: skip
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(told.get(name, f'"{name}"') for name in columns)
    store.database.execute(f"INSERT INTO jobs ({names}) {copies} SELECT {values} FROM n, jobs WHERE id = 1")
    store.database.execute(f"{copies} INSERT INTO events SELECT NULL, i, version, kind, at, data FROM n, events WHERE job = 1")
    run_columns = [row[1] for row in store.database.rows("PRAGMA table_info(runs)")][1:]
    store.database.execute(f"{copies} INSERT INTO runs SELECT i, {', '.join(run_columns)} FROM n, runs WHERE job = 1")
    store.database.execute("UPDATE meta SET value = ? WHERE name = 'ended'", (count,))
    store.close()


def child(script: str, *args: object, env: dict[str, str] | None = None, **popen: Any) -> "subprocess.Popen[bytes]":
    """Start a Python process that runs `script` with the installed package and the tests' own helpers."""
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests"), **(env or {})}
    argv = [sys.executable, "-c", textwrap.dedent(script), *(str(arg) for arg in args)]
    return subprocess.Popen(argv, env=environ, **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen})
