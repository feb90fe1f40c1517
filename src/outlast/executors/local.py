"""A run on this machine: its state file, its shim, and what can be known of it afterwards.

The supervisor keeps its own descriptors 0 to 9 occupied (`occupy_low_descriptors`), so that a source is never a target here.
"""

import os
import sys
from _signal import valid_signals  # type: ignore[import-not-found]

from outlast.core.feedback import path_of
from outlast.core.options import value
from outlast.core.value import Value
from outlast.executors import state
from outlast.home import Home
from outlast.seams import armed_for_shims, failpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from outlast.core.job import Job

_SHIM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shim")
_LOW = 10
MOST_ROOM = 32 << 20
LIVE = "live"  # the value of --stdin; a file of that name is `./live`
LIVE_SUFFIX = ".stdin"
_TITLE = 1000  # bytes in which the shims that a guard forks show their words
_ALL_SIGNALS = sorted(valid_signals())  # the C library keeps two for itself and warns of them
_CATCHABLE = [s for s in range(1, 32) if s not in (9, 19)]


def shim_argv(wanted: str | None = None) -> "list[str]":
    """Return the beginning of a shim's command line: the C shim if it is there and runs, else the Python one.

    `wanted`: `c` or `python` instead (`OUTLAST_SHIM`). Raises FileNotFoundError if the C one is wanted and not there.
    """
    binary = f"{_SHIM}/outlast-shim"
    if wanted != "python" and os.access(binary, os.X_OK) and (wanted == "c" or _runs(binary)):
        return [binary]
    if wanted == "c":
        raise FileNotFoundError(2, os.strerror(2), binary)
    source = f"{_SHIM}/shim.py"
    compiled = f"{_SHIM}/__pycache__/shim.{sys.implementation.cache_tag}.pyc"
    if os.path.exists(compiled) and os.stat(compiled).st_mtime >= os.stat(source).st_mtime:
        source = compiled
    return [sys.executable, "-I", "-S", source]


def _runs(binary: str) -> bool:
    """Tell whether the binary works on this machine (a wheel may have been made for another C library)."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        pid = os.posix_spawn(binary, [binary, "version"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (1, 2)])
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    except OSError:
        return False
    finally:
        os.close(null)


def occupy_low_descriptors() -> None:
    """Put `/dev/null` on every free descriptor below 10: what is opened from now on is no target of a hand-over."""
    while (fd := os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)) < _LOW:
        pass
    os.close(fd)


def inherited(variables: bytes) -> bytes:
    """Return what a command inherits of a stored environment, NAME=VALUE, each ended by NUL: many jobs share one, so it is made once."""
    entries = [entry for entry in variables.split(b"\0") if entry.find(b"=") > 0 and entry.partition(b"=")[0] not in _FACTS]
    if not any(entry.startswith(b"PYTHONUNBUFFERED=") for entry in entries):
        entries.append(b"PYTHONUNBUFFERED=1")
    return b"".join(entry + b"\0" for entry in entries)


_FACTS = {b"OUTLAST_HOME", b"OUTLAST_JOB", b"OUTLAST_RUN", b"OUTLAST_NAME", b"OUTLAST_FEEDBACK", b"OUTLAST_MARK"}


def command_environment(home: Home, home_id: str, job: "Job", run: int, from_submitter: bytes) -> bytes:
    """Return the environment of a run's command: what is `inherited` with outlast's own facts added (CONTRACT)."""
    feedback = f"{home.run_path(job.id, run)}.feedback"
    if job.spec:
        feedback = path_of(job.spec, job.cwd, job.id, feedback)
    facts = (
        f"OUTLAST_HOME={home.path}\0OUTLAST_JOB={job.id}\0OUTLAST_RUN={run}\0OUTLAST_NAME={job.name}\0"
        f"OUTLAST_FEEDBACK={feedback}\0OUTLAST_MARK={mark(home_id, job.id, run)}\0"
    )
    return from_submitter + os.fsencode(facts)


def mark(home_id: str, job: int, run: int) -> str:
    """Return `OUTLAST_MARK` of a run: how children that left its session are found."""
    return f"{home_id}:{job}:{run}"


def options(home: Home, job: "Job", restoring: "Sequence[str]", keep_free: int, *, front: bool) -> "list[str]":
    """Return the shim's KEY=VALUE words for all runs of `job` and of its like; `restoring`: those that `restored` returned."""
    spec = job.spec
    words = [f"home={home.path}", f"cwd={job.cwd}", f"grace={(value(spec, 'leftovers.grace') or 0) // 1_000_000}"]
    streams = [name for name in ("stdout", "stderr") if value(spec, f"log.{name}")]
    if len(streams) < 2:
        words.append(f"streams={','.join(streams) or 'none'}")
    if "log.file.max-bytes" in spec:
        words.append(f"max-bytes={value(spec, 'log.file.max-bytes') or 0}")
    if "log.run.max-files" in spec:
        words.append(f"max-files={value(spec, 'log.run.max-files') or 0}")
    words.append(f"keep-free={keep_free}")
    stdin = value(spec, "stdin")
    if stdin and stdin not in ("null", LIVE):
        words.append(f"stdin={os.path.join(job.cwd, stdin)}")
    words += restoring
    if front:
        words.append("front=1")
    words += (f"failpoint={armed}" for armed in armed_for_shims())
    return words


def own_words(job: "Job", path: str) -> "list[str]":
    """Return the words that the present run of `job` alone has; `path`: what its files are named after."""
    words = [f"output={path}", f"run={state.name(job.id, job.run)}"]
    if value(job.spec, "stdin") == LIVE:
        words.append(f"live={path}{LIVE_SUFFIX}")
    return words


def room_for_records(path: str) -> int:
    """Return how many bytes of the file system are not for output: results, states and the database live on when output does not."""
    told = os.statvfs(path)
    return min(MOST_ROOM, told.f_blocks * told.f_frsize // 8)


def restored(surroundings: "Mapping[str, Any]", own: "Mapping[str, Any]") -> "list[str]":
    """Return the words that give the command its submitter's umask, limits, nice value and affinity where they differ from `own`."""
    words = [f"umask={surroundings['umask']:o}"]
    limits = own["rlimits"]
    words += (f"rlimit={n}:{soft}:{hard}" for n, (soft, hard) in surroundings["rlimits"].items() if limits.get(n) != [soft, hard])
    if surroundings["nice"] != own["nice"]:
        words.append(f"nice={surroundings['nice']}")
    if surroundings["affinity"] and surroundings["affinity"] != own["affinity"]:
        words.append(f"affinity={','.join(map(str, surroundings['affinity']))}")
    return words


class Start(Value):
    """All that it takes to start a shim. `streams`: the three descriptors that become its 0, 1, 2."""

    _fields = ("shim", "words", "command", "environment", "streams", "lifeline")
    shim: "list[str]"
    words: "list[str]"
    command: "list[str]"
    environment: bytes  # NAME=VALUE, each ended by NUL
    streams: "tuple[int, int, int]"
    lifeline: int


def start(wanted: Start, lock: int, fork: "Callable[[Start, int], bool]") -> int | None:
    """Start a shim on the state file `lock`, which is closed. Returns the shim's pid. Raises OSError: nothing was started then.

    `fork(wanted, lock)` is asked first: if it says that it starts the shim, None is returned and its word comes later.
    """
    try:
        failpoint("spawn.before")
        pid = None if fork(wanted, lock) else _spawn(wanted, lock)
    finally:
        os.close(lock)
    failpoint("spawn.after")
    return pid


def _spawn(wanted: Start, lock: int) -> int:
    """Start the shim as a child of ours: takes as long as an `exec` does."""
    actions = [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate((*wanted.streams, lock, wanted.lifeline))]
    argv = [*wanted.shim, "run", *wanted.words, "--", *wanted.command]
    environment = dict(entry.split(b"=", 1) for entry in wanted.environment.split(b"\0")[:-1])
    return os.posix_spawn(wanted.shim[0], argv, environment, file_actions=actions, setsigmask=_ALL_SIGNALS, setsigdef=_CATCHABLE)


def start_guard(shim: "Sequence[str]", home: Home, lifeline: int, null: int, control: int) -> int:
    """Start a shim in guard mode: it starts the next supervisor if this one is killed, and forks shims for us. Returns its pid.

    `control`: its end of a socket pair.
    """
    actions = [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate((null, null, null, control, lifeline))]
    environment = {name: os.environ[name] for name in ("HOME", "PATH", "OUTLAST_MARK") if name in os.environ}
    argv = [*shim, "guard", f"home={home.path}", f"title={' ' * _TITLE}"]
    return os.posix_spawn(shim[0], argv, environment, file_actions=actions, setsigmask=[], setsigdef=_CATCHABLE)
