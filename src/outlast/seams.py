"""Everything a test replaces: the clocks and the failpoints. Nobody else reads a clock.

A failpoint is a named place before or after a durable step. It does nothing unless a test arms it with `arm`, or the
environment does: `OUTLAST_FAILPOINTS="claim.after=die,submit.before=delay:200"`. Names that begin with `shim.` are handed to
the shims. Actions: `die` (SIGKILL to this process), `delay:MS`, `raise`, `block` (until a file of that name is made in
`$OUTLAST_FAILPOINTS_DIR`). `NAME@N=ACTION` acts at the N-th passage only. Who acts says so first: its pid goes into `NAME.reached`
in that directory.
"""

import os
import time

from outlast.core.errors import Bug

now = time.time_ns
monotonic = time.monotonic_ns


def boottime() -> int:
    """Return nanoseconds since the machine began, suspended time included: the clock of which /proc/PID/stat tells a process's start."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def chance() -> float:
    """Return a number from 0 to 1, by chance."""
    return int.from_bytes(os.urandom(4), "big") / 0xFFFFFFFF


FAILPOINTS = (
    "front.handed-over", "submit.before", "submit.after-insert", "submit.after-commit", "submit.after-wake",
    "request.before", "request.after-commit", "reserve.before", "reserve.after-commit",
    "supervisor.start", "supervisor.ready",
    "claim.before", "claim.after-commit", "state.before", "state.created", "spawn.before", "spawn.after",
    "result.before-read", "result.after-read", "record.before-commit", "record.after-commit",
    "started.before-commit", "started.after-commit", "adopt.before", "adopt.after",
    "stop.before-signal", "stop.after-signal",
    "pause.before-signal", "pause.after-signal",
    "feedback.before-remove", "feedback.after-remove", "settle.before", "conditions.before", "deadline.before", "limit.before",
    "watch.before-save", "watch.after-save",
    "checkpoint.before", "checkpoint.after", "leave.before", "leave.after",
    "upgrade.before-exec", "texts.before-commit", "texts.after-commit",
    "prune.before", "prune.after-commit", "prune.after-files", "prune.after-strike", "forget.before", "forget.after-commit",
    "backup.before", "backup.after-copy", "backup.after", "repair.after-copy", "repair.before-replace", "repair.after-file",
    "repair.after-rows",
)  # fmt: skip
SHIM_FAILPOINTS = (
    "before-spawn", "before-started", "after-started", "after-spawn", "before-output", "after-output", "before-rotate", "during-rotate",
    "after-rotate", "before-gap", "after-gap", "before-result", "after-result", "before-start-supervisor", "after-start-supervisor",
)  # fmt: skip

_armed: "dict[str, tuple[str, int]]" = {}
_passed: "dict[str, int]" = {}


def arm(text: str) -> None:
    """Arm the failpoints of `text` (`NAME[@N]=ACTION,...`); an empty text disarms all."""
    _armed.clear()
    _passed.clear()
    for part in filter(None, text.split(",")):
        name, _, action = part.partition("=")
        name, _, nth = name.partition("@")
        _armed[name] = (action, int(nth or 0))


def armed_for_shims() -> "list[str]":
    """Return the armed failpoints of the shims as the shim protocol spells them, `NAME:ACTION`."""
    return [f"{name[5:]}:{action.replace(':', '=')}" for name, (action, _) in _armed.items() if name.startswith("shim.")]


def failpoint(name: str) -> None:
    """Do what `name` is armed with; normally nothing."""
    if not _armed:
        return
    action, nth = _armed.get(name, ("", 0))
    if not action:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if nth and _passed[name] != nth:
        return
    _tell_reached(name)
    if action == "die":
        os.kill(os.getpid(), 9)
    elif action.startswith("delay:"):
        time.sleep(int(action[6:]) / 1000)
    elif action == "raise":
        raise Bug(f"failpoint {name}")
    elif action == "block":
        flag = os.path.join(os.environ.get("OUTLAST_FAILPOINTS_DIR", "/tmp"), name)  # noqa: S108  # tests only
        while not os.path.exists(flag):
            time.sleep(0.005)


def _tell_reached(name: str) -> None:
    if "OUTLAST_FAILPOINTS_DIR" in os.environ:
        with open(os.path.join(os.environ["OUTLAST_FAILPOINTS_DIR"], f"{name}.reached"), "a", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")


if "OUTLAST_FAILPOINTS" in os.environ:
    arm(os.environ["OUTLAST_FAILPOINTS"])
