"""The time limits of one run, by its own clock: what holds for it, and what happens when.

A run's clock counts since its command began and stands still while the job is paused. All times are nanoseconds.
"""

from outlast.core import job as j
from outlast.core.durations import format_duration
from outlast.core.events import Signalled, StopRequested, Warned
from outlast.core.options import value
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from outlast.core.job import Job

RUN, HEARTBEAT, OUTPUT = "run", "heartbeat", "output"
WHAT = (RUN, HEARTBEAT, OUTPUT)
TIMES = frozenset({f"timeout.{what}" for what in WHAT} | {f"timeout.soft.{what}" for what in WHAT} | {"timeout.warn-signal"})


class Clocks(Value):
    """How long it is: since the run began, since its feedback file was touched, since it wrote, until timeout.job ends it all."""

    _fields = ("run", "heartbeat", "output", "job_left")
    run: int
    heartbeat: int
    output: int
    job_left: int | None
    _defaults = {"heartbeat": 0, "output": 0, "job_left": None}


def has_percentage(spec: "Mapping[str, Any]") -> bool:
    """Tell whether a limit depends on the usual duration."""
    return any(isinstance(spec.get(name), str) for name in ("timeout.run", "timeout.soft.run"))


def limits_of(job: "Job", usual: int | None) -> "dict[str, Any]":
    """Return what holds for the next run of the job: `run`, `soft_run` in ns, and how long the job was paused before.

    `usual`: the usual duration, None if it is not known: then a percentage of it limits nothing.
    """
    limits: dict[str, Any] = {"paused_before": job.paused_for}
    for name, option in (("run", "timeout.run"), ("soft_run", "timeout.soft.run")):
        given = value(job.spec, option)
        if isinstance(given, str):
            limits["usual"] = usual
            given = None if usual is None else max(usual * int(given[:-1]) // 100, 1)
        if given is not None:
            limits[name] = given
    return limits


def next_look(job: "Job", limits: "Mapping[str, Any]", clocks: Clocks) -> int | None:
    """Return after how long something may happen to the run; None if nothing limits it."""
    left = [at - clock for at, clock, _ in _marks(job, limits, clocks)]
    return max(min(left), 0) if left else None


def reached(job: "Job", limits: "Mapping[str, Any]", clocks: Clocks) -> "list[Signalled | StopRequested | Warned]":
    """Return what happens to the run because its limits are reached, in the order in which it does."""
    due = [event for at, clock, event in _marks(job, limits, clocks) if clock >= at]
    stops = [event for event in due if isinstance(event, StopRequested)]
    return [*(event for event in due if not isinstance(event, StopRequested)), *stops[:1]]


def _marks(job: "Job", limits: "Mapping[str, Any]", clocks: Clocks) -> "Iterator[tuple[int, int, Signalled | StopRequested | Warned]]":
    """Yield (limit, how far its clock is, what happens then) of everything that can still happen to the run."""
    if job.stop_requested is not None:
        return  # it is being ended
    spec = job.spec
    warned = {warning["warning"] for warning in job.warnings if warning["run"] == job.run}
    clock = {RUN: clocks.run, HEARTBEAT: clocks.heartbeat, OUTPUT: clocks.output}
    for what in WHAT:
        hard = limits.get("run") if what == RUN else value(spec, f"timeout.{what}")
        soft = limits.get("soft_run") if what == RUN else value(spec, f"timeout.soft.{what}")
        if hard is not None:
            why = _said(what, f"timeout.{what}", hard, spec, limits)
            yield hard, clock[what], StopRequested(verb=j.TIMEOUT, by=f"timeout.{what}", scope="run", why=why)
        if soft is not None and f"timeout.soft.{what}" not in warned:
            name = f"timeout.soft.{what}"
            yield soft, clock[what], Warned(warning=name, text=_said(what, name, soft, spec, limits), run=job.run)
    number = value(spec, "timeout.warn-signal")
    if number is None or "timeout.warn-signal" in warned:
        return
    before = value(spec, "timeout.warn-before") or 0
    event = Signalled(signal=number, by="warning")
    if limits.get("run") is not None:
        yield max(limits["run"] - before, 0), clocks.run, event
    if clocks.job_left is not None:
        yield max(clocks.run + clocks.job_left - before, 0), clocks.run, event


def _said(what: str, option: str, limit: int, spec: "Mapping[str, Any]", limits: "Mapping[str, Any]") -> str:
    usual = f" ({spec[option]} of the usual {format_duration(limits['usual'])})" if isinstance(spec.get(option), str) else ""
    silent = {RUN: "was reached", HEARTBEAT: "passed without a heartbeat", OUTPUT: "passed without output"}[what]
    return f"{option} of {format_duration(limit)}{usual} {silent}"
