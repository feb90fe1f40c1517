"""Progress: one job that prints 80-byte lines which say how far it is, with and without somebody who looks at that all the time.

Two who look: `outlast list --json` once a second, as people do, and a screen that asks the Python API ten times a second. They take
processor time of their own, which the job lacks on a small machine; that is what is measured, as nobody else could slow it down.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from output import touch_memory
from sidebyside import NULL, BenchHome, Row, alternate, arguments, compiled, fresh_home, ratios, scratch, tell, timed, warm

PRODUCER = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    long long lines = atoll(argv[1]) / 80;
    for (long long line = 1; line <= lines; line++)
        printf("%10lld/%-10lld lines are written, and what this one is about is not said\\n", line, lines);
    return fflush(stdout) != 0;
}
"""
SCREEN = """
import sys, time
from outlast import Jobs
while True:
    time.sleep(0.1)
    with Jobs(sys.argv[1]) as jobs:
        for job in jobs.list(status="running"):
            if jobs.observe(job, {"progress", "last_line"}).progress:
                print("seen", flush=True)
"""
COMMAND = """
import subprocess, sys, time
while True:
    time.sleep(1)
    told = subprocess.run([sys.argv[2], "--home", sys.argv[1], "list", "--json"], capture_output=True, text=True).stdout
    if '"from": "output"' in told:
        print("seen", flush=True)
"""


@contextmanager
def looked_at(options: argparse.Namespace, home: BenchHome, script: str, seen: list[int]) -> Iterator[None]:
    """Have somebody look meanwhile; `seen` gets how often they saw a progress."""
    argv = [options.python, "-c", script, home.path, options.outlast]
    with subprocess.Popen(argv, env=home.environment(), stdin=NULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield
        finally:
            process.terminate()
            seen.append(len((process.stdout or sys.stdin).readlines()))


def as_job(options: argparse.Namespace, producer: list[str], size: int, script: str, seen: list[int]) -> float:
    """Return how many seconds the job takes. `script`: who looks on, empty: nobody."""
    with fresh_home(options) as home:
        warm(home)
        touch_memory(home.path, size)

        def work() -> None:
            home("run", "--", *producer)
            home("wait", "last")

        if script:
            with looked_at(options, home, script, seen):
                seconds = timed(work)
        else:
            seconds = timed(work)
        run = json.loads(home("show", "last", "--json"))["runs"][0]
        if run["stdout"] != size:
            sys.exit(f"the job wrote something else than {size} bytes: {run}")
        return seconds


def main() -> None:
    options = arguments("progress", megabytes=1000, rounds=5)
    size = options.megabytes * 1_000_000 // 80 * 80
    with scratch(options) as folder:
        program = compiled(PRODUCER, folder, "producer")
        lines = f"i=0; while [ $i -lt {size // 80} ]; do i=$((i+1)); printf '%10d/%-10d lines%53s\\n' $i {size // 80} .; done"
        producer = [program, str(size)] if program else ["/bin/sh", "-c", lines]
        seen: dict[str, list[int]] = {"list": [], "screen": []}
        cases = {
            "alone": lambda: as_job(options, producer, size, "", []),
            "list": lambda: as_job(options, producer, size, COMMAND, seen["list"]),
            "screen": lambda: as_job(options, producer, size, SCREEN, seen["screen"]),
        }
        cases["alone"]()  # not counted: see output.py
        told = alternate(cases, options.rounds)
    rows = []
    for case, what in (("list", "`list --json` every second"), ("screen", "the API asked ten times a second")):
        speeds = [size / 1e6 / Row("", "", told[one]).median for one in (case, "alone")]
        note = f"{speeds[0]:.0f} MB/s, alone {speeds[1]:.0f} MB/s; the progress was seen {sum(seen[case])} times in {options.rounds} rounds"
        name = f"{options.megabytes:,} MB of 80-byte lines, {what}"
        rows.append(Row(name, "nobody looks", ratios(told["alone"], told[case]), reach="≥ 0.9", note=note))
    tell(rows, options)


if __name__ == "__main__":
    main()
