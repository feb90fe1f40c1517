"""What is true of a running job now, by its lock, its result and the boot id: with or without a supervisor.

Nothing is written: the record is the supervisor's. What is found is put through the same lifecycle as if it were recorded.
"""

import os

from outlast.core.errors import Bug
from outlast.core.events import Started
from outlast.core.job import ENDED, RUNNING, Job, Run
from outlast.core.lifecycle import after, run_after
from outlast.core.policies import judge, lost, machine_ended, was_stopped
from outlast.core.retries import after_run
from outlast.executors import state
from outlast.processes.identity import Identity, boot_id, lives, pid_namespace
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.core.job import Ending
    from outlast.executors.state import State
    from outlast.home import Home
    from outlast.store.reading import Reading


def current(home: "Home", reading: "Reading", job: Job) -> "tuple[Job, Run | None]":
    """Return `job` and its last run as they are, if the record says that they run; else as they are recorded."""
    run = reading.run(job.id, job.run)
    told = state.of(home, run) if run is not None and run.status == RUNNING else None
    if told is not None and not (told.locked and told.started and told.result is None):
        run = reading.run(job.id, job.run)  # its end may be recorded by now, and the state file lent to another
        job = reading.job(job.id) or job  # and what was asked of it before it ended was recorded before that
    if run is not None and run.status == ENDED and job.status == RUNNING:
        job = reading.job(job.id) or job  # it was recorded between the two looks
    if run is not None and job.run != run.run:
        return job, reading.run(job.id, job.run)
    if told is None or job.status != RUNNING or run is None or run.status != RUNNING:
        return job, run
    at = now()
    if told.started is not None and run.started_at is None:
        event = Started(
            run=run.run, pid=told.started["pid"], pid_start=told.started["start"], pidns=told.started["pidns"],
            started_at=told.started["at"],
        )  # fmt: skip
        job, run = after(job, event, at), run_after(job, run, event, at)
    ending = _ending(home, job, run, told, at)
    if ending is None or run is None:
        return job, run
    event_after = after_run(job, ending, at)
    try:
        return after(job, event_after, at), run_after(job, run, event_after, at)
    except Bug:
        return job, run


def _ending(home: "Home", job: Job, run: Run | None, told: "State", at: int) -> "Ending | None":
    """Return how the run has ended, or None if it lives, or if only a supervisor can say."""
    if run is None:
        return None
    if told.result is not None:
        if _is_being_ended(home, job, told.result):
            return None
        return judge(job, told.result, stopped_by_us=was_stopped(job, told.result["at"]))
    if told.locked:
        return None
    return _without_result(home, run, told, at)


def _without_result(home: "Home", run: Run, told: "State", at: int) -> "Ending | None":
    """Return likewise for a run whose shim is gone and told nothing of the end."""
    if run.boot != (os.environ.get("OUTLAST_BOOT_ID") or boot_id()):
        return machine_ended(at, started=told.started is not None)
    if told.started is None or home.is_supervised():
        return None  # about to be started; or the supervisor is just finding out, and may know more than we can
    if told.started["pidns"] != pid_namespace():
        return lost(at, "its shim is gone, and so is the container it ran in")
    if lives(Identity(pid=told.started["pid"], start=told.started["start"])):
        return None
    return lost(at, "its shim was killed, and nobody saw how the command ended")


def _is_being_ended(home: "Home", job: Job, result: "dict[str, Any]") -> bool:
    """Tell whether a supervisor may still be ending what the command left, or looking for what to warn of in what it wrote.

    Then only its record says that the run is over.
    """
    wish = job.stop_requested
    asked = wish is not None and ("sent_at" in wish or wish["at"] <= result["at"])
    cleaned = result["leftovers"] and job.spec.get("leftovers.action") == "stop"
    looked_at = "warn.output" in job.spec or "warn.file" in job.spec
    return bool(asked or cleaned or looked_at) and home.is_supervised()
