"""History: `list`, `history` with filters and `show` on 100,000 ended jobs against the same on 100, equally many rows returned.

The jobs are made through the store itself, event by event, as a supervisor would: submitted, claimed, started, ended.
"""

import os
import sys
import time

from sidebyside import BenchHome, Row, alternate, arguments, fresh_home, progress, ratios, spawned, tell

ROWS = 10  # what each listing returns, in the small home as in the large one
STEP = 1_000_000_000  # one job a second
BATCH = 5000


def fill(home: BenchHome, count: int) -> None:
    """Make `count` ended jobs: ten names, four groups, one in five failed; the last one ended just now."""
    from outlast import Jobs
    from outlast.client.submitting import environment, submission
    from outlast.core import events as e
    from outlast.core.job import FAILED, SUCCEEDED, Ending

    jobs = Jobs(home.path)
    around = environment({}, ())
    store = jobs.store
    first = time.time_ns() - (count + 1) * STEP
    for begin in range(0, count, BATCH):
        with store.batch():
            for number in range(begin, min(begin + BATCH, count)):
                at = first + number * STEP
                options = {"name": f"job-{number % 10}", "group": f"group-{number % 4}"}
                made = submission(["/bin/echo", f"line {number}"], options, shell=False, around=around)
                (job,) = store.submit([made], at)
                failed = number % 5 == 0
                ending = Ending(
                    outcome=FAILED if failed else SUCCEEDED, reason=f"exit code {int(failed)}", exit_code=int(failed),
                    ended_at=at + STEP // 2, cpu=900_000, max_rss=1_425_408, stdout=11, stderr=0, log=50, missing=0, leftovers=0,
                )  # fmt: skip
                happened = [
                    e.Claimed(run=1, host="host", boot="0" * 8),
                    e.Started(run=1, pid=4711, pid_start=4711, pidns=1, started_at=at + 1_000_000),
                    e.Ended(outcome=ending.outcome, reason=ending.reason, run=1, ending=ending),
                ]
                store.record_all(job, happened, at + STEP // 2)
    store.database.checkpoint("TRUNCATE")
    jobs.close()
    progress(f"{count:,} jobs made")


def main() -> None:
    options = arguments("history", jobs=100_000, rounds=15)
    verbs = {
        "list": ["list", "-n", str(ROWS)],
        "history": ["history", "-n", str(ROWS)],
        "history --outcome failed": ["history", "--outcome", "failed", "-n", str(ROWS)],
        "history --name job-3": ["history", "--name", "job-3", "-n", str(ROWS)],
        "history --group group-1": ["history", "--group", "group-1", "-n", str(ROWS)],
        "list --name job-3 --outcome succeeded": ["list", "--name", "job-3", "--outcome", "succeeded", "-n", str(ROWS)],
        "show ID": ["show", "50"],
        "show NAME": ["show", "job-3"],
    }
    with fresh_home(options) as small, fresh_home(options) as large:
        os.environ.update(small.environment())
        fill(small, 100)
        os.environ.update(large.environment())
        fill(large, options.jobs)
        for name, words in verbs.items():
            lines = len(small(*words).splitlines()), len(large(*words).splitlines())
            if lines[0] != lines[1]:
                sys.exit(f"{name}: {lines[0]} lines of 100 jobs, {lines[1]} of {options.jobs}")

        def whole(home: BenchHome, words: list[str]) -> float:
            return spawned([options.outlast, *words], home.environment())[0]

        cases = {}
        for name, words in verbs.items():
            cases[f"{name}, 100"] = lambda words=words: whole(small, words)
            cases[f"{name}, all"] = lambda words=words: whole(large, words)
        told = alternate(cases, options.rounds)
    rows = []
    for name in verbs:
        few, many = told[f"{name}, 100"], told[f"{name}, all"]
        note = f"{Row('', '', many).median * 1000:.1f} ms against {Row('', '', few).median * 1000:.1f} ms"
        rows.append(
            Row(
                f"`{name}` on {options.jobs:,} ended jobs",
                "the same on 100, equally many rows",
                ratios(many, few),
                reach="≤ 1.5",
                note=note,
            )
        )
    tell(rows, options)


if __name__ == "__main__":
    main()
