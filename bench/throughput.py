"""Throughput: 2,000 x /bin/true, four at once, as jobs with a durable record and a log, against a bare loop and the peers.

Each peer in its own terms: how it is fed and waited for is what its manual says; what it cannot do is told in the note.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from sidebyside import NULL, Row, alternate, fresh_home, progress, ratios, scratch, spawned, tell, timed
from sidebyside import arguments as read_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

TRUE = "/bin/true"
SLOTS = 4

NODEJOBS = """
import sys, threading
from nodejobs.jobs import Jobs
folder, count = sys.argv[1], int(sys.argv[2])
def some(first):
    jobs = Jobs(db_path=f"{folder}/{first}")
    for number in range(first, count, 4):
        jobs.run(command=["/bin/true"], job_id=f"job{number}")
        while jobs.get_status(job_id=f"job{number}").status not in ("finished", "failed", "stopped", "failed_start"):
            pass
threads = [threading.Thread(target=some, args=(first,)) for first in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def rate(count: int, seconds: float) -> float:
    return count / seconds


def ours(options: argparse.Namespace, count: int, shim: str) -> float:
    """Jobs per second: from the start of `run --from -` to the end of `wait`; the home is new, its supervisor still to be started."""
    with fresh_home(options, keep=True) as home:
        environment = home.environment(OUTLAST_SHIM=shim)
        home("group", "set", "g", "--slots", str(SLOTS), environment=environment)
        lines = f"{TRUE}\n" * count

        def work() -> None:
            home("run", "--group", "g", "--from", "-", feed=lines, environment=environment)
            home("wait", "group:g", environment=environment)

        seconds = timed(work)
        kept = len(home("history", "-n", "all", "--ids", environment=environment).split())
        if kept != count:
            sys.exit(f"{kept} of {count} jobs are in the history")
        return rate(count, seconds)


def bare(count: int) -> float:
    """posix_spawn and wait in a plain loop, four at once; nothing is kept."""
    environment = dict(os.environ)
    actions = [(os.POSIX_SPAWN_DUP2, NULL, fd) for fd in range(3)]

    def work() -> None:
        alive = started = 0
        while started < count or alive:
            while alive < SLOTS and started < count:
                os.posix_spawn(TRUE, [TRUE], environment, file_actions=actions)
                alive += 1
                started += 1
            os.wait()
            alive -= 1

    return rate(count, timed(work))


def parallel(options: argparse.Namespace, count: int) -> float:
    with scratch(options, keep=True) as folder:
        lines = f"{folder}/lines"
        with open(lines, "w") as file:
            file.write(f"{TRUE}\n" * count)
        environment = {**os.environ, "HOME": folder, "PARALLEL_HOME": folder}
        command = ["parallel", "--will-cite", "--joblog", f"{folder}/joblog", f"-j{SLOTS}", "-a", lines]
        return rate(count, timed(lambda: subprocess.run(command, env=environment, stdin=NULL, stdout=NULL, stderr=NULL, check=True)))


def task_spooler(options: argparse.Namespace, count: int) -> float:
    tsp = shutil.which("tsp") or shutil.which("ts") or ""
    with scratch(options, keep=True) as folder:
        environment = {**os.environ, "TS_SOCKET": f"{folder}/socket", "TMPDIR": folder, "TS_MAXFINISHED": str(count + 10)}
        subprocess.run([tsp, "-S", str(SLOTS)], env=environment, stdin=NULL, stdout=NULL, check=True)

        def is_over() -> bool:
            told = subprocess.run([tsp], env=environment, stdin=NULL, capture_output=True, text=True, check=True).stdout
            return told.count("finished") >= count

        def work() -> None:
            for _ in range(count):
                spawned([tsp, TRUE], environment)
            spawned([tsp, "-w"], environment)
            while not is_over():
                time.sleep(0.005)

        try:
            return rate(count, timed(work))
        finally:
            subprocess.run([tsp, "-K"], env=environment, stdin=NULL, stdout=NULL, check=False)


def nq(options: argparse.Namespace, count: int) -> float:
    """A queue of nq is strictly one after the other: four queues, fed in turn."""
    program = shutil.which("nq") or ""
    with scratch(options, keep=True) as folder:
        environments = [{**os.environ, "NQDIR": f"{folder}/{queue}"} for queue in range(SLOTS)]

        def work() -> None:
            for number in range(count):
                spawned([program, "-q", TRUE], environments[number % SLOTS])
            for environment in environments:
                spawned([program, "-w"], environment)

        return rate(count, timed(work))


def nodejobs(options: argparse.Namespace, count: int, python: str) -> float:
    with scratch(options) as folder:
        command = [python, "-c", NODEJOBS, folder, str(count)]
        return rate(count, timed(lambda: subprocess.run(command, stdin=NULL, stdout=NULL, stderr=NULL, check=True)))


def python_with_nodejobs(folder: str) -> str | None:
    """Make a virtual environment with nodejobs in it; None if that cannot be had."""
    python = f"{folder}/venv/bin/python"
    for command in ([sys.executable, "-m", "venv", f"{folder}/venv"], [python, "-m", "pip", "install", "--quiet", "nodejobs"]):
        if subprocess.run(command, stdin=NULL, stdout=NULL, stderr=NULL, check=False).returncode:
            return None
    return python


def main() -> None:
    options = read_arguments("throughput", count=2000, rounds=5, slow_count=400, slow_rounds=3, nodejobs_count=40, nodejobs_rounds=2)
    has_c = os.path.exists(f"{shim_folder()}/outlast-shim")
    fast: dict[str, Callable[[], float]] = {
        "bare": lambda: bare(options.count),
        "python shim": lambda: ours(options, max(options.count // 10, 1), "python"),
    }
    if has_c:
        fast["outlast"] = lambda: ours(options, options.count, "c")
    missing = []
    if shutil.which("parallel"):
        fast["parallel"] = lambda: parallel(options, options.count)
    else:
        missing.append("GNU parallel")
    told = alternate(fast, options.rounds)
    what = f"{options.count:,} x `/bin/true`, 4 slots, jobs per second"
    best = "outlast" if has_c else "python shim"
    with_shim = "with shim.c" if has_c else "with shim.py: no C compiler when it was installed"
    rates = f"outlast {median(told[best]):.0f}/s, bare {median(told['bare']):.0f}/s"
    rows = [Row(what, f"bare `posix_spawn` and wait, {with_shim}", ratios(told[best], told["bare"]), reach="≥ 0.40", note=rates)]
    if "parallel" in told:
        rows.append(Row(what, "GNU parallel --joblog -j4", ratios(told[best], told["parallel"]), reach="≥ 3"))
    note = f"{max(options.count // 10, 1)} jobs only"
    rows.append(Row(f"{what}, shim.py", "bare `posix_spawn` and wait", ratios(told["python shim"], told["bare"]), note=note))
    slow: dict[str, Callable[[], float]] = {}
    if shutil.which("tsp") or shutil.which("ts"):
        slow["task-spooler"] = lambda: task_spooler(options, options.slow_count)
    else:
        missing.append("task-spooler")
    if shutil.which("nq"):
        slow["nq"] = lambda: nq(options, options.slow_count)
    else:
        missing.append("nq")
    if slow:
        told = alternate({"outlast": lambda: ours(options, options.slow_count, "c" if has_c else "python"), **slow}, options.slow_rounds)
        notes = {"task-spooler": "tsp -S 4, one `tsp` per job: it has no other way in", "nq": "four queues, one `nq` per job"}
        what_slow = f"{options.slow_count} x `/bin/true`, 4 slots"
        rows += [Row(what_slow, f"{name} ({notes[name]})", ratios(told["outlast"], told[name]), reach="≥ 1") for name in slow]
    with scratch(options) as folder:
        python = python_with_nodejobs(folder)
        if python is None:
            missing.append("nodejobs")
        else:
            number = options.nodejobs_count
            pair = {
                "outlast": lambda: ours(options, number, "c" if has_c else "python"),
                "nodejobs": lambda: nodejobs(options, number, python),
            }
            told = alternate(pair, options.nodejobs_rounds)
            note = "four threads, each runs one job after the other: it cannot limit how many run, and its `run` sleeps half a second"
            compared = ratios(told["outlast"], told["nodejobs"])
            rows.append(Row(f"{number} x `/bin/true`, 4 at once", "nodejobs", compared, reach="≥ 1", note=note))
    if missing:
        progress(f"not installed, so not compared: {', '.join(missing)}")
        rows[0] = rows[0]._replace(note=f"{rows[0].note}; not installed, so not compared: {', '.join(missing)}")
    tell(rows, options)


def shim_folder() -> str:
    import outlast.shim

    return os.path.dirname(outlast.shim.__file__ or "") if outlast.shim.__file__ else next(iter(outlast.shim.__path__))


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
