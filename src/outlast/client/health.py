"""What `doctor` looks at: the home, the database, the shim, the supervisor, the machine. Each check is a fact with a verdict."""

import os
import sys

from outlast.core.errors import OutlastError
from outlast.core.value import Value
from outlast.executors import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlast.client.jobs import Jobs

OK, NOTE, BAD = "ok", "note", "bad"
LOW_SPACE = 64 << 20


class Check(Value):
    """One thing that was looked at: `verdict` is ok, note (worth knowing) or bad (to be mended)."""

    _fields = ("name", "verdict", "text")
    name: str
    verdict: str
    text: str


def examine(jobs: "Jobs") -> "list[Check]":
    """Return all checks. A check that fails itself is bad; nothing is changed."""
    found = []
    for check in (_home, _database, _runs, _supervisor, _shim, _python, _machine):
        try:
            found += list(check(jobs))
        except (OutlastError, OSError) as error:
            found.append(Check(name=check.__name__.strip("_"), verdict=BAD, text=str(error)))
    return found


def _home(jobs: "Jobs") -> "Iterator[Check]":
    path = jobs.home.path
    if not os.path.isdir(path):
        yield Check(name="home", verdict=NOTE, text=f"{path} is not made yet; the first `outlast run` makes it")
        return
    mode = os.stat(path).st_mode & 0o777
    yield Check(
        name="home", verdict=OK if mode == 0o700 else BAD,
        text=path if mode == 0o700 else f"{path} has mode {mode:o}: `chmod 700 {path}` makes it private",
    )  # fmt: skip
    room = os.statvfs(path)
    free = room.f_bavail * room.f_frsize
    from outlast.core.sizes import format_size

    low = free < LOW_SPACE
    yield Check(
        name="space", verdict=BAD if low else OK, text=f"{format_size(free)} free" + (": free some, output is dropped first" if low else "")
    )
    os.close(jobs.home.open_lock("write.lock"))


def _database(jobs: "Jobs") -> "Iterator[Check]":
    from outlast.store import driver

    reading = jobs.reading
    safe = tuple(int(part) for part in driver.VERSION.split(".")) >= (3, 51, 3)
    guarded = "" if safe else "; has the WAL-reset bug, which our lock round every write keeps away"
    yield Check(name="sqlite", verdict=OK, text=f"{driver.VERSION}{guarded}")
    if reading is None:
        yield Check(name="database", verdict=NOTE, text="nothing was submitted yet")
        return
    problems = reading.problems()
    yield Check(name="database", verdict=BAD if problems else OK, text="; ".join(problems) or f"sound, {reading.count_ended()} jobs ended")


def _runs(jobs: "Jobs") -> "Iterator[Check]":
    reading = jobs.reading
    running = reading.running() if reading is not None else []
    runs = [reading.run(job.id, job.run) for job in running] if reading is not None else []
    dead = [run.job for run in runs if run is not None and not state.of(jobs.home, run).locked]
    text = f"{len(running)} running" + (f"; to be settled by a supervisor: {', '.join(map(str, dead[:10]))}" if dead else "")
    yield Check(name="runs", verdict=NOTE if dead else OK, text=text)


def _supervisor(jobs: "Jobs") -> "Iterator[Check]":
    from outlast.client.supervising import status

    told = status(jobs)
    text = f"pid {told['pid']}, version {told['version']}" if told["pid"] else "none lives; it starts on demand"
    yield Check(name="supervisor", verdict=OK, text=text)


def _shim(jobs: "Jobs") -> "Iterator[Check]":  # noqa: ARG001
    from outlast.executors.local import shim_argv

    argv = shim_argv(os.environ.get("OUTLAST_SHIM"))
    if len(argv) == 1:
        yield Check(name="shim", verdict=OK, text=f"the C one, {argv[0]}")
    else:
        yield Check(
            name="shim",
            verdict=NOTE,
            text="the Python one, about 9 MiB and 20 ms a run; with a C compiler at install there is a lighter one",
        )


def _python(jobs: "Jobs") -> "Iterator[Check]":  # noqa: ARG001
    import outlast

    cached = os.path.join(os.path.dirname(outlast.__file__), "cli", "__pycache__")
    compiled = os.path.isdir(cached) and any(name.startswith(f"main.{sys.implementation.cache_tag}") for name in os.listdir(cached))
    text = f"{sys.version.split()[0]}, {sys.executable}"
    cure = f"`{sys.executable} -m compileall {os.path.dirname(outlast.__file__)}` helps"
    hint = f"; no byte code: every command compiles all of outlast anew; {cure}"
    yield Check(name="python", verdict=OK if compiled else NOTE, text=text + ("" if compiled else hint))


def _machine(jobs: "Jobs") -> "Iterator[Check]":  # noqa: ARG001
    release = os.uname().release
    numbers = tuple(int("".join(filter(str.isdigit, part)) or 0) for part in release.split(".")[:2])
    if not hasattr(os, "pidfd_open"):
        yield Check(name="kernel", verdict=BAD, text=f"{release}: no pidfds (Linux 5.3 has them)")
    elif numbers < (6, 15):
        text = f"{release}: has no second witness (6.15 has it): a run whose shim is killed may be `lost`"
        yield Check(name="kernel", verdict=NOTE, text=text)
    else:
        yield Check(name="kernel", verdict=OK, text=f"{release}, with the second witness")
