"""One job in every status and one event of every kind, for tests that go through all pairs."""

from typing import Any

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.job import Ending, Job, Run
from outlast.core.lifecycle import NEW

AT = 1_700_000_000_000_000_000
NOW = AT + 5_000_000_000
RUN = 3

ENDING = Ending(outcome=j.FAILED, reason="exit code 7", exit_code=7, ended_at=NOW - 1, cpu=1, max_rss=2, stdout=3, log=5)


def job_in(status: str, **fields: Any) -> Job:
    """Return a plausible job in `status` (NEW: one that no event has made yet)."""
    made: dict[str, Any] = {"id": 42, "name": "n", "command": ["true"], "cwd": "/", "created_at": AT}
    if status == NEW:
        return Job(**{**made, "id": 0, "created_at": 0, **fields})
    made |= {"version": 9, "status": status}
    if status == j.PENDING:
        made |= {"run": RUN, "next_run_at": NOW + 1, "exit_code": 1, "waits": 2}
    if status == j.QUEUED:
        made |= {"run": RUN, "queued_at": AT, "exit_code": 1}
    if status == j.RUNNING:
        made |= {"run": RUN, "pid": 4711, "queued_at": AT, "started_at": AT}
    if status == j.ENDED:
        made |= {"run": RUN, "outcome": j.FAILED, "reason": "exit code 1", "exit_code": 1, "started_at": AT, "ended_at": NOW - 1}
    return Job(**{**made, **fields})


def run_of(job: Job) -> Run:
    """Return the run that `job` is in."""
    return Run(job=job.id, run=job.run, claimed_at=AT, host="h", boot="b")


def event_for(kind: type[e.Event], status: str) -> "e.AnyEvent":
    """Return an event of `kind` as somebody would tell it of `job_in(status)`."""
    running = status == j.RUNNING
    fields: dict[type[e.Event], dict[str, Any]] = {
        e.Claimed: {"run": RUN + 1, "host": "h", "boot": "b"},
        e.Started: {"run": RUN, "pid": 4711, "pid_start": 99, "pidns": 1, "started_at": NOW - 2},
        e.Retried: {"run": RUN, "ending": ENDING, "next_run_at": NOW + 10},
        e.Ended: {"outcome": j.FAILED, "reason": "exit code 7", **({"run": RUN, "ending": ENDING} if running else {})},
        e.StopRequested: {"verb": j.STOP, "by": "me"},
        e.Signalled: {"signal": 15, "by": j.STOP},
        e.Warned: {"warning": "w", "text": "t"},
        e.WarningOver: {"warning": "w", "text": "t"},
        e.Noted: {"text": "t"},
        e.Met: {"need": "job:1"},
        e.Postponed: {"until": NOW + 10},
        e.Reserved: {"until": NOW + 10},
    }
    event: e.AnyEvent = kind(**fields.get(kind, {}))  # type: ignore[assignment]
    return event
