"""Logs: the first line of `logs --since`, `--grep` and `-n` on a rotated log of 10 GB against the same on 100 MB, and the memory it takes.

The logs are written by real jobs; a line's number says where in the log it stands. What is timed is the first byte that `logs` writes:
lines are to come at once, not after the whole log is read. Memory is the most that the process has, until then and to the end of a search.
"""

import os
import select
import subprocess
import time

from sidebyside import BenchHome, Row, alternate, arguments, fresh_home, progress, ratios, tell

LINE = b"a line as many programs print them, with words and numbers, some eighty bytes, %08d\n"
WRITE = """
import sys
line, count = sys.argv[1].encode(), int(sys.argv[2])
for begin in range(0, count, 10000):
    sys.stdout.buffer.write(b"".join([line % number for number in range(begin, min(begin + 10000, count))]))
"""


def fill(home: BenchHome, megabytes: int) -> int:
    """Have a job write so much, to files of 32 MiB of which none is dropped. Returns the number of its lines."""
    count = megabytes * 1_000_000 // len(LINE % 0)
    home("run", "--name", "big", "--log.run.max-files", "none", "--", "/usr/bin/env", "python3", "-c", WRITE,
         LINE.decode().rstrip("\n") + "\n", str(count))  # fmt: skip
    home("wait", "big")
    progress(f"{megabytes:,} MB written, {count:,} lines")
    return count


def first(home: BenchHome, words: list[str]) -> tuple[float, int]:
    """Return after how many seconds `outlast logs WORDS` shows something, and the most memory that it had by then (bytes)."""
    before = time.perf_counter()
    process = subprocess.Popen([home.outlast, "logs", "big", *words], env=home.environment(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    select.select([process.stdout], [], [])
    took = time.perf_counter() - before
    with open(f"/proc/{process.pid}/status") as file:
        peak = next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
    process.kill()
    process.stdout.read()
    process.wait()
    return took, peak * 1024


def through(home: BenchHome, words: list[str]) -> int:
    """Return the most memory (bytes) that the command has when it reads all there is."""
    process = subprocess.Popen([home.outlast, "logs", "big", *words], env=home.environment(), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024


def middle(home: BenchHome) -> str:
    """Return when the middle of the log was written, as `--since` takes it."""
    import json

    shown = json.loads(home("show", "big", "--json"))["runs"][0]
    begun, ended = (time.mktime(time.strptime(shown[f"{end}_at"][:19], "%Y-%m-%dT%H:%M:%S")) for end in ("started", "ended"))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.localtime((begun + ended) / 2))


def main() -> None:
    options = arguments("logs", megabytes=10_000, small=100, rounds=9)
    with fresh_home(options) as small, fresh_home(options) as large:
        fill(small, options.small)
        count = fill(large, options.megabytes)
        asked = {
            "--since (its middle)": (["--since", middle(small)], ["--since", middle(large)]),
            "--grep (its beginning)": (["--grep", "bytes, 00000999"],) * 2,
            "-n 10": (["-n", "10"],) * 2,
        }
        memory: list[float] = []

        def shown(home: BenchHome, words: list[str]) -> float:
            took, peak = first(home, words)
            memory.append(peak / 1e6)
            return took

        cases = {}
        for name, (of_small, of_large) in asked.items():
            cases[f"{name}, small"] = lambda words=of_small: shown(small, words)
            cases[f"{name}, large"] = lambda words=of_large: shown(large, words)
        told = alternate(cases, options.rounds)
        before = time.perf_counter()
        whole = [through(large, ["--grep", f"bytes, {count - 5:08d}"]) / 1e6]
        took = time.perf_counter() - before
    rows = []
    for name in asked:
        few, many = told[f"{name}, small"], told[f"{name}, large"]
        note = f"first line after {Row('', '', many).median * 1000:.0f} ms against {Row('', '', few).median * 1000:.0f} ms"
        against = f"the same on {options.small} MB"
        what = f"`logs {name}` on {options.megabytes:,} MB of rotated log"
        rows.append(Row(what, against, ratios(many, few), note=note))
        rows.append(Row(f"{what}: first line", "", [seconds * 1000 for seconds in many], "ms", "≤ 1000"))
    rows.append(Row("memory until then, the most of all", "", [max(memory)], "MB", "≤ 64"))
    note = f"a search that finds a line at its very end: {options.megabytes / took:.0f} MB of output a second"
    rows.append(Row("memory of `logs --grep` through all of it", "", whole, "MB", "≤ 64", note))
    tell(rows, options)


if __name__ == "__main__":
    main()
