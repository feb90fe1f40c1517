"""Output: one job that writes 80-byte lines as fast as it can, against `cat > file` behind the same producer."""

import argparse
import json
import os
import subprocess
import sys

from sidebyside import NULL, Row, alternate, arguments, compiled, fresh_home, ratios, scratch, tell, timed, warm

PRODUCER = """
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
    static char buffer[800 * 80];
    long long left = atoll(argv[1]);
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


def cat(options: argparse.Namespace, producer: list[str]) -> float:
    with scratch(options) as folder:
        words = " ".join(f"'{word}'" for word in producer)
        return timed(lambda: subprocess.run(["sh", "-c", f"{words} | cat > '{folder}/out'"], stdin=NULL, check=True))


def as_job(options: argparse.Namespace, producer: list[str], size: int, shim: str, limits: list[str]) -> float:
    with fresh_home(options) as home:
        environment = home.environment(OUTLAST_SHIM=shim)
        warm(home, OUTLAST_SHIM=shim)

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
        producer = [program, str(size)] if program else ["/bin/sh", "-c", f"yes {'x' * 79} | head -c {size}"]
        from outlast.executors.local import shim_argv

        has_c = os.path.basename(shim_argv()[0]) == "outlast-shim"
        whole = ["--log.file.max-bytes", "2GiB"]
        cases = {
            "cat": lambda: cat(options, producer),
            "py": lambda: as_job(options, producer, size, "python", whole),
            "py caps": lambda: as_job(options, producer, size, "python", []),
        }
        if has_c:
            cases["c"] = lambda: as_job(options, producer, size, "c", whole)
            cases["c caps"] = lambda: as_job(options, producer, size, "c", [])
        told = alternate(cases, options.rounds)
    rows = []
    for case, name, reach in (("c", "shim.c", "≥ 0.8"), ("py", "shim.py", "≥ 0.6")):
        for suffix, limits in (("", "`--log.file.max-bytes 2GiB`"), (" caps", "default caps")):
            if case + suffix in told:
                speed = size / 1e6 / Row("", "", told[case + suffix]).median
                note = f"{speed:.0f} MB/s, cat {size / 1e6 / Row('', '', told['cat']).median:.0f} MB/s"
                what = f"{options.megabytes:,} MB of 80-byte lines, {name}, {limits}"
                rows.append(Row(what, "`cat > file`", ratios(told["cat"], told[case + suffix]), reach=reach, note=note))
    tell(rows, options)


if __name__ == "__main__":
    main()
