"""What the benchmarks share: rounds in which all cases take turns, ratios of one round, fresh homes, and how a result is told.

A machine is never quiet. So nothing is compared with a number of yesterday: in every round each case runs once, in shuffled
order, and only times of one round are divided by each other. The median of these ratios is the figure, the quartiles its spread.
"""

import argparse
import atexit
import json
import os
import random
import resource
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

NULL = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


class Row(NamedTuple):
    """One line of the table. `values`: one per round. `reach`: what was aimed at, "" if this one is for information only."""

    what: str
    against: str
    values: list[float]
    unit: str = "x"
    reach: str = ""
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles, or the extremes where there are too few values for quartiles."""
        if len(self.values) < 5:
            return min(self.values), max(self.values)
        low, _, high = statistics.quantiles(self.values, n=4)
        return low, high

    @property
    def is_reached(self) -> bool | None:
        sign, _, bound = self.reach.partition(" ")
        if not bound:
            return None
        return self.median >= float(bound) if sign == "≥" else self.median <= float(bound)


def arguments(duty: str, **numbers: int) -> argparse.Namespace:
    """Read the command line. `numbers`: options with their defaults. Goes on in the Python that the measured outlast belongs to."""
    parser = argparse.ArgumentParser(description=duty)
    parser.add_argument("--outlast", help="the installed command to measure (default: beside this Python, else on the PATH)")
    parser.add_argument("--scratch", default="/var/tmp", help="a directory on a real disk for homes and files")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    for name, number in numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=number, metavar="N", help=f"default: {number}")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    beside = Path(sys.executable).with_name("outlast")
    options.outlast = options.outlast or (str(beside) if beside.exists() else shutil.which("outlast"))
    if not options.outlast or not os.access(options.outlast, os.X_OK):
        sys.exit("no installed outlast found: name it with --outlast PATH")
    options.outlast = os.path.abspath(options.outlast)
    options.python = python_of(options.outlast)
    if os.path.abspath(sys.executable) != options.python:
        os.execv(options.python, [options.python, *sys.argv])
    return options


def python_of(script: str) -> str:
    """Return the Python that an installed script runs under: its first line says so."""
    with open(script, "rb") as file:
        first = file.readline().decode().strip()
    words = first.removeprefix("#!").split()
    if len(words) != 1 or "python" not in words[0]:
        sys.exit(f"{script} does not say which Python it runs under")
    return words[0]


def alternate(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run every case once per round, in shuffled order; return what they returned, by case, one value per round."""
    told: dict[str, list[float]] = {name: [] for name in cases}
    order = list(cases)
    for number in range(rounds):
        random.shuffle(order)
        for name in order:
            told[name].append(cases[name]())
        progress(f"round {number + 1} of {rounds}: " + ", ".join(f"{name} {values[-1]:.4g}" for name, values in told.items()))
    return told


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Return over / under, round by round."""
    return [a / b for a, b in zip(over, under, strict=True)]


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds `work` takes."""
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def spawned(argv: Sequence[str], environment: Mapping[str, str], stdout: int = NULL) -> tuple[float, float]:
    """Run a whole command with posix_spawn and wait4. Returns its wall and its CPU time in seconds; it must succeed."""
    actions = [(os.POSIX_SPAWN_DUP2, NULL, 0), (os.POSIX_SPAWN_DUP2, stdout, 1), (os.POSIX_SPAWN_DUP2, NULL, 2)]
    before = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, environment, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - before
    if status:
        sys.exit(f"{' '.join(argv)}: ended with {os.waitstatus_to_exitcode(status)}")
    return wall, usage.ru_utime + usage.ru_stime


def progress(text: str) -> None:
    """Tell whoever looks on."""
    print(f"  {text}", file=sys.stderr, flush=True)


class BenchHome:
    """A fresh home, and the measured command in it."""

    def __init__(self, outlast: str, folder: str) -> None:
        self.outlast = outlast
        self.folder = folder
        self.path = f"{folder}/h"

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.folder, "LANG": "C.UTF-8", "OUTLAST_HOME": self.path, **more}

    def __call__(self, *words: str, feed: str | None = None, environment: Mapping[str, str] | None = None) -> str:
        """Run `outlast WORDS` to its end and return what it wrote. It must succeed."""
        done = subprocess.run(
            [self.outlast, *words], env=environment or self.environment(), cwd=self.folder, input=feed, stdin=None if feed else NULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"outlast {' '.join(words)}: {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def supervisor(self) -> int:
        """Return the pid of the living supervisor, proved: the lock file names it, and its command line names this home."""
        with open(f"{self.path}/supervisor.lock", "rb") as file:
            pid = int(file.read().split()[0])
        if not self._is_of_us(pid):
            sys.exit(f"no supervisor lives in {self.path}")
        return pid

    def shims(self) -> list[int]:
        """Return the pids of the shims of this home."""
        state = os.fsencode(f"output={self.path}/")
        return [pid for pid in pids() if any(word.startswith(state) for word in words_of(pid, "cmdline"))]

    def _is_of_us(self, pid: int) -> bool:
        home = os.fsencode(self.path)
        command = words_of(pid, "cmdline")
        marked = b"OUTLAST_HOME=" + home in words_of(pid, "environ")
        return marked or any(w in (home, b"home=" + home) or w.startswith(b"output=" + home + b"/") for w in command)

    def end(self) -> None:
        """End every process that is provably of this home: proof and signal go through the same pidfd."""
        try:
            os.unlink(f"{self.path}/start")  # or the shims would start the next supervisor
        except FileNotFoundError:
            pass
        deadline = time.monotonic() + 30
        while found := [pid for pid in pids() if self._is_of_us(pid) and pid != os.getpid()]:
            for pid in found:
                try:
                    fd = os.pidfd_open(pid)
                except OSError:
                    continue
                try:
                    if self._is_of_us(pid) and not select.select([fd], [], [], 0)[0]:
                        signal.pidfd_send_signal(fd, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                finally:
                    os.close(fd)
            if time.monotonic() > deadline:
                progress(f"still there: {found}")
                return
            time.sleep(0.02)


def pids() -> list[int]:
    """Return all pids."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def words_of(pid: int, name: str) -> list[bytes]:
    """Return the words of /proc/PID/cmdline or environ; none of a process that is over or somebody else's."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


@contextmanager
def scratch(options: argparse.Namespace, *, keep: bool = False) -> Iterator[str]:
    """Yield a fresh folder on the real disk; it is removed afterwards, with `keep` when the program ends.

    Many small files must not be removed between rounds: ext4 avoids inodes that were freed a moment ago, and making a file
    becomes ten times slower while it looks for others.
    """
    folder = tempfile.mkdtemp(prefix="outlast-bench-", dir=options.scratch)
    try:
        yield folder
    finally:
        if keep:
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_home(options: argparse.Namespace, *, keep: bool = False) -> Iterator[BenchHome]:
    """Yield a fresh home; all its processes are ended and it is removed afterwards, with `keep` when the program ends."""
    with scratch(options, keep=keep) as folder:
        home = BenchHome(options.outlast, folder)
        try:
            yield home
        finally:
            home.end()


def warm(home: BenchHome, **variables: str) -> None:
    """Have a supervisor live in the home."""
    home("run", "--wait", "--", "/bin/true", environment=home.environment(**variables))


def raise_limits() -> None:
    """Allow ourselves as many descriptors and processes as may be."""
    for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (hard, hard))


def compiled(source: str, folder: str, name: str) -> str | None:
    """Compile a small C program into `folder` and return its path, or None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    Path(folder, f"{name}.c").write_text(source)
    done = subprocess.run([compiler, "-O2", "-o", f"{folder}/{name}", f"{folder}/{name}.c"], capture_output=True, check=False)
    return f"{folder}/{name}" if done.returncode == 0 else None


def tell(rows: Sequence[Row], options: argparse.Namespace) -> None:
    """Print the rows: for people, or with `--json` for bench/run."""
    if options.json:
        print(json.dumps([[*row] for row in rows]))
        return
    for row in rows:
        low, high = row.spread
        reached = {None: "", True: " reached", False: " MISSED"}[row.is_reached]
        print(f"{row.what} | {row.against} | {figure(row.median)} {row.unit} ({figure(low)} to {figure(high)}) | {row.reach}{reached}")
        if row.note:
            print(f"    {row.note}")


def figure(number: float) -> str:
    """Return a number with three digits that count."""
    return f"{number:.0f}" if abs(number) >= 100 or number == int(number) else f"{number:.3g}"
