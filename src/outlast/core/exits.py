"""The exit status of a job in front: what a wrapper like `timeout` or `docker run` would exit with (CONTRACT)."""

from outlast.core import job as j
from outlast.core.errors import EXIT_TIMED_OUT, EXIT_WRAPPER
from outlast.core.job import Job

NOT_RUN = 75  # EX_TEMPFAIL of sysexits.h
SIGTERM = 15


def wrapper_status(job: Job, *, signal: int | None = None, fail_if_not_run: bool = False) -> int:  # one line per outcome
    """Return the exit status of `run --wait` for a job that has ended; `signal`: the one that the client itself was sent."""
    match job.outcome:
        case j.SUCCEEDED:
            return 0
        case j.FAILED | j.NEUTRAL:
            return 128 + job.signal if job.signal else job.exit_code or 1
        case j.STOPPED | j.INTERRUPTED:
            return 128 + (signal or job.signal or SIGTERM)
        case j.NOT_STARTED:
            return job.exit_code or 126
        case j.TIMED_OUT:
            return EXIT_TIMED_OUT
        case j.SKIPPED | j.DISABLED:
            return NOT_RUN if fail_if_not_run else 0
        case _:
            return EXIT_WRAPPER
