"""Memory: what a running job costs beyond its command: the private memory of its shim, and the supervisor's.

Private is what would be free if the process ended: Private_Clean + Private_Dirty of smaps_rollup (proc(5)).
"""

import argparse
import time

from sidebyside import BenchHome, Row, arguments, fresh_home, progress, raise_limits, tell

MIB = 1024  # kB


def private(pid: int) -> int:
    """Return the private memory of a process in kB."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(("Private_Clean:", "Private_Dirty:")))


def started(home: BenchHome, count: int, shim: str) -> list[int]:
    """Start `count` sleeping jobs and return their shims' pids once all commands run."""
    environment = home.environment(OUTLAST_SHIM=shim)
    home("group", "set", "g", "--slots", str(count), environment=environment)
    home("run", "--group", "g", "--from", "-", feed="sleep 1000\n" * count, environment=environment)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        running = home("list", "--status", "running", "-n", "all", "--json", environment=environment).count('"pid": ')
        if running - home("list", "--status", "running", "-n", "all", "--json", environment=environment).count('"pid": null') >= count:
            break
        time.sleep(1)
    time.sleep(2)
    return home.shims()


def measured(options: argparse.Namespace, count: int, shim: str) -> tuple[list[float], float]:
    """Return the private MiB of each shim, and the supervisor's."""
    with fresh_home(options) as home:
        shims = started(home, count, shim)
        if len(shims) != count:
            progress(f"{len(shims)} shims for {count} jobs")
        each = [private(pid) / MIB for pid in shims]
        return each, private(home.supervisor()) / MIB


def main() -> None:
    options = arguments("memory", count=500, python_count=50)
    raise_limits()
    from outlast.executors.local import shim_argv

    rows = []
    if shim_argv()[0].endswith("outlast-shim"):
        shims, supervisor = measured(options, options.count, "c")
        what = f"{options.count} sleeping jobs, the commands left out"
        rows = [
            Row(f"{what}: private memory per job, shim.c", "", shims, "MiB", "≤ 0.3"),
            Row(f"{what}: private memory of the supervisor", "", [supervisor], "MiB", "≤ 30"),
        ]
    shims, _ = measured(options, options.python_count, "python")
    rows.append(Row(f"{options.python_count} sleeping jobs: private memory per job, shim.py", "", shims, "MiB"))
    tell(rows, options)


if __name__ == "__main__":
    main()
