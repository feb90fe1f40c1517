"""History: `list`, `history` with filters and texts, and `show` on 1,000,000 ended jobs against the same on 1,000, for equally many rows.

One job lives through the store itself, event by event, as a supervisor would have it; all others are copies of it with other names, times,
outcomes and commands. Ten of them, evenly spread, mention a needle.
"""

import os
import sys
import time

from sidebyside import BenchHome, Row, alternate, arguments, fresh_home, progress, ratios, spawned, tell

SMALL = 1000
ROWS = 10  # what each listing returns, in the small home as in the large one
SELDOM = 20  # jobs of that name, in the small home as in the large one
STEP = 1_000_000_000  # one job a second


def fill(home: BenchHome, count: int) -> None:
    """Make `count` ended jobs: ten names, four groups, one in five failed, up to a second long; the last one ended just now."""
    from outlast import Jobs
    from outlast.client.submitting import environment, submission
    from outlast.core import events as e
    from outlast.core.job import SUCCEEDED, Ending
    from outlast.store import texts

    jobs = Jobs(home.path)
    store, database = jobs.store, jobs.store.database
    at = time.time_ns() - count * STEP
    options = {"name": "job-1", "group": "group-1", "info": ["ticket-1", "", ""], "param": {"region": "eu"}}
    (job,) = store.submit([submission(["/bin/echo", "line 1"], options, shell=False, around=environment({}, ()))], at)
    ending = Ending(
        outcome=SUCCEEDED, reason="exit code 0", exit_code=0, ended_at=at + STEP // 2, cpu=900_000, max_rss=1_425_408, stdout=11, stderr=0,
        log=50, missing=0, leftovers=0,
    )  # fmt: skip
    happened = [
        e.Claimed(run=1, host="host", boot="0" * 8),
        e.Started(run=1, pid=4711, pid_start=4711, pidns=1, started_at=at + 1_000_000),
        e.Ended(outcome=ending.outcome, reason=ending.reason, run=1, ending=ending),
    ]
    store.record_all(job, happened, at + STEP // 2)
    number = f"WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {count:d})"
    shift = f"(i - 1) * {STEP:d}"
    told = {
        "id": "i", "name": f"iif(i > {count - SELDOM:d}, 'seldom', 'job-' || (i % 10))", '"group"': "'group-' || (i % 4)",
        "description": f"iif(i % {count // ROWS:d}, '', 'a needle')",
        "command": """'["/bin/echo","line ' || i || '"]'""", "info": """'["ticket-' || (i * 7919 % 100003) || '","",""]'""",
        "created_at": f"created_at + {shift}", "queued_at": f"queued_at + {shift}", "started_at": f"started_at + {shift}",
        "ended_at": f"started_at + {shift} + i * 7919 % 1000 * 1000000", "outcome": "iif(i % 5, 'succeeded', 'failed')",
        "reason": "iif(i % 5, 'exit code 0', 'exit code 1')", "exit_code": "iif(i % 5, 0, 1)",
    }  # fmt: skip
    of_runs = {name: told[name] for name in ("started_at", "ended_at", "outcome", "reason", "exit_code")} | {"job": "i"}
    for table, values, among in (("jobs", told, "id = 1"), ("runs", of_runs, "job = 1")):
        columns = [f'"{row[1]}"' if row[1] in {"group", "trigger"} else row[1] for row in database.rows(f"PRAGMA table_info({table})")]
        chosen = ", ".join(values.get(name, name) for name in columns)
        database.execute(f"INSERT INTO {table} ({', '.join(columns)}) {number} SELECT {chosen} FROM n, {table} WHERE {among}")
        database.checkpoint("TRUNCATE")
    database.execute(f"{number} INSERT INTO events SELECT NULL, i, version, kind, at + {shift}, data FROM n, events WHERE job = 1")
    database.execute("UPDATE meta SET value = ? WHERE name = 'ended'", (count,))
    while count > SMALL and texts.index(store, 5000):  # what the supervisor does when it is idle
        pass
    database.checkpoint("TRUNCATE")
    jobs.close()
    progress(f"{count:,} jobs made")


def main() -> None:
    options = arguments("history", jobs=1_000_000, rounds=20)
    verbs = {
        "stats seldom": ["stats", "seldom"],
        "list": ["list", "-n", str(ROWS)],
        "history": ["history", "-n", str(ROWS)],
        "history --outcome failed": ["history", "--outcome", "failed", "-n", str(ROWS)],
        "history --name job-3": ["history", "--name", "job-3", "-n", str(ROWS)],
        "history --group group-1": ["history", "--group", "group-1", "-n", str(ROWS)],
        "list --name job-3 --outcome succeeded": ["list", "--name", "job-3", "--outcome", "succeeded", "-n", str(ROWS)],
        "history --during 'last hour'": ["history", "--during", "last hour", "-n", str(ROWS)],
        "history --where 'duration > 0.9 and exit_code = 0'": ["history", "--where", "duration > 0.9 and exit_code = 0", "-n", str(ROWS)],
        "history --text needle": ["history", "--text", "needle", "-n", str(ROWS)],
        "history --text line": ["history", "--text", "line", "-n", str(ROWS)],
        "history --where '(line or needle) and outcome = failed'": [
            "history",
            "--where",
            "(line or needle) and outcome = failed",
            "-n",
            str(ROWS),
        ],
        "show ID": ["show", "50"],
        "show NAME": ["show", "job-3"],
    }
    with fresh_home(options) as small, fresh_home(options) as large:
        os.environ.update(small.environment())
        fill(small, SMALL)
        os.environ.update(large.environment())
        fill(large, options.jobs)
        for name, words in verbs.items():
            lines = len(small(*words).splitlines()), len(large(*words).splitlines())
            if lines[0] != lines[1]:
                sys.exit(f"{name}: {lines[0]} lines of {SMALL} jobs, {lines[1]} of {options.jobs}")

        def whole(home: BenchHome, words: list[str]) -> float:
            return spawned([options.outlast, *words], home.environment())[0]

        cases = {}
        for name, words in verbs.items():
            cases[f"{name}, few"] = lambda words=words: whole(small, words)
            cases[f"{name}, all"] = lambda words=words: whole(large, words)
        told = alternate(cases, options.rounds)
    rows = []
    for name in verbs:
        few, many = told[f"{name}, few"], told[f"{name}, all"]
        note = f"{Row('', '', many).median * 1000:.1f} ms against {Row('', '', few).median * 1000:.1f} ms"
        rows.append(
            Row(
                f"`{name}` on {options.jobs:,} ended jobs",
                f"the same on {SMALL:,}, equally many rows",
                ratios(many, few),
                reach="≤ 3" if "text" in name else "≤ 1.5",
                note=note,
            )
        )
    tell(rows, options)


if __name__ == "__main__":
    main()
