"""Output: one job that writes 80-byte lines, against `cat > file` behind the same producer.

Two producers: one prints line after line as programs do (`printf`, buffered by stdio); the other writes ready blocks of 64 kB and
does nothing else, which no real program does: it shows what the shim's prefixes cost when nothing hides them.
"""

import argparse
import json
import os
import subprocess
import sys

from sidebyside import NULL, Row, alternate, arguments, compiled, fresh_home, ratios, scratch, tell, timed, warm

PRODUCER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    static char buffer[800 * 80];
    long long left = atoll(argv[1]);
    if (!strcmp(argv[2], "lines")) {
        for (long long line = 0; line < left / 80; line++)
            printf("line %10lld of a program that tells what it does, as programs do: all is ok\\n", line);
        return fflush(stdout) != 0;
    }
    memset(buffer, 'x', sizeof buffer);
    for (size_t at = 79; at < sizeof buffer; at += 80) buffer[at] = '\\n';
    while (left > 0) {
        size_t want = left < (long long)sizeof buffer ? (size_t)left : sizeof buffer;
        for (size_t done = 0; done < want;) {
            ssize_t got = write(1, buffer + done, want - done);
            if (got <= 0) return 1;
            done += (size_t)got;
        }
        left -= (long long)want;
    }
    return 0;
}
"""


def touch_memory(folder: str, size: int) -> None:
    """Have the machine's free memory be there: a file as large as what comes is written and removed.

    A virtual machine may give free memory back to its host; the first to use it again then writes at a tenth of the speed. That would
    measure whose turn it was, most of all for a log, which has half as many bytes again as what was printed.
    """
    block = bytes(1 << 20)
    with open(f"{folder}/touched", "wb", buffering=0) as file:
        file.writelines(block for _ in range(size * 2 >> 20))
    os.unlink(f"{folder}/touched")


def cat(options: argparse.Namespace, producer: list[str], size: int) -> float:
    with scratch(options) as folder:
        words = " ".join(f"'{word}'" for word in producer)
        touch_memory(folder, size)
        return timed(lambda: subprocess.run(["sh", "-c", f"{words} | cat > '{folder}/out'"], stdin=NULL, check=True))


def as_job(options: argparse.Namespace, producer: list[str], size: int, shim: str, limits: list[str]) -> float:
    with fresh_home(options) as home:
        environment = home.environment(OUTLAST_SHIM=shim)
        warm(home, OUTLAST_SHIM=shim)
        touch_memory(home.path, size)

        def work() -> None:
            home("run", *limits, "--", *producer, environment=environment)
            home("wait", "last", environment=environment)

        seconds = timed(work)
        run = json.loads(home("show", "last", "--json", environment=environment))
        told = json.dumps(run)
        if f'"stdout": {size}' not in told and f'"stdout":{size}' not in told:
            sys.exit(f"the job wrote something else than {size} bytes: {told}")
        return seconds


def main() -> None:
    options = arguments("output", megabytes=1000, rounds=5)
    size = options.megabytes * 1_000_000
    with scratch(options) as folder:
        program = compiled(PRODUCER, folder, "producer")
        if program:
            producers = {"printed": [program, str(size), "lines"], "in ready blocks": [program, str(size), "blocks"]}
        else:
            producers = {"of `yes`": ["/bin/sh", "-c", f"yes {'x' * 79} | head -c {size}"]}
        rows = [row for name, producer in producers.items() for row in compared(options, name, producer, size)]
    tell(rows, options)


def compared(options: argparse.Namespace, name: str, producer: list[str], size: int) -> list[Row]:
    from outlast.executors.local import shim_argv

    whole = ["--log.file.max-bytes", "2GiB"]
    cases = {
        "cat": lambda: cat(options, producer, size),
        "py": lambda: as_job(options, producer, size, "python", whole),
        "py caps": lambda: as_job(options, producer, size, "python", []),
    }
    if os.path.basename(shim_argv()[0]) == "outlast-shim":
        cases["c"] = lambda: as_job(options, producer, size, "c", whole)
        cases["c caps"] = lambda: as_job(options, producer, size, "c", [])
    for case in cases.values():
        case()  # not counted: memory that a virtual machine has not touched before is several times slower
    told = alternate(cases, options.rounds)
    rows = []
    for case, shim, reach in (("c", "shim.c", "≥ 0.8"), ("py", "shim.py", "≥ 0.6")):
        for suffix, limits in (("", "`--log.file.max-bytes 2GiB`"), (" caps", "default caps")):
            if case + suffix in told:
                speeds = [size / 1e6 / Row("", "", told[one]).median for one in (case + suffix, "cat")]
                what = f"{options.megabytes:,} MB of 80-byte lines {name}, {shim}, {limits}"
                note = f"{speeds[0]:.0f} MB/s, cat {speeds[1]:.0f} MB/s"
                rows.append(Row(what, "`cat > file`", ratios(told["cat"], told[case + suffix]), reach=reach, note=note))
    return rows


if __name__ == "__main__":
    main()
