"""The exit status of a job in front: what a wrapper like `timeout` or `docker run` would exit with (CONTRACT)."""

from outlast.core import job as j
from outlast.core.errors import EXIT_TIMED_OUT, EXIT_WRAPPER
from outlast.core.job import Job
from outlast.core.options import value

NOT_RUN = 75  # EX_TEMPFAIL of sysexits.h
SIGKILL = 9


def wrapper_status(job: Job, *, signal: int | None = None, fail_if_not_run: bool = False) -> int:  # one line per outcome
    """Return the exit status of `run --wait` for a job that has ended; `signal`: the one that the client itself was sent."""
    match job.outcome:
        case j.SUCCEEDED:
            return 0
        case j.FAILED | j.NEUTRAL:
            return 128 + job.signal if job.signal else job.exit_code or 1
        case j.STOPPED | j.INTERRUPTED:
            return 128 + (signal or job.signal or _asked_with(job))
        case j.NOT_STARTED:
            return job.exit_code or 126
        case j.TIMED_OUT:
            return EXIT_TIMED_OUT
        case j.SKIPPED | j.DISABLED:
            return NOT_RUN if fail_if_not_run else 0
        case _:
            return EXIT_WRAPPER


def _asked_with(job: Job) -> int:
    """Return the signal that asked the command to end, if it is not the one that ended it (or if there was no command yet)."""
    wish = job.stop_requested or {}
    asked: int = wish.get("signal") or (SIGKILL if wish.get("verb") == j.KILL else value(job.spec, "stop.signal"))
    return asked
