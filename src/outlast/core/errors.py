"""Our failures. Blame is in the class, the hint in the object, the exit status in one place.

The command's own failure is data (an outcome), never one of these. `str(error)` is the whole sentence for a person:
what is wrong, then what to do.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outlast.core.job import Job

EXIT_OK = 0
EXIT_NOT_ALL = 1
EXIT_TIMED_OUT = 124
EXIT_WRAPPER = 125


class OutlastError(Exception):
    """Something of ours failed. `exit_status` is what a command reports for it."""

    exit_status = 70

    def __init__(self, what: str, hint: str = "") -> None:
        """`what` happened, lower case, no full stop; `hint`: what to do about it."""
        super().__init__(f"{what}: {hint}" if hint else what)
        self.what = what
        self.hint = hint


class UsageError(OutlastError):
    """Asked for something impossible; nothing was changed and no record left."""

    exit_status = 2


class NotFound(OutlastError):
    """No such job, run, group or schedule."""

    exit_status = 3


class Refused(OutlastError):
    """Well-formed, but not in this state, or more than one was meant: then `jobs` are those."""

    exit_status = 4

    def __init__(self, what: str, hint: str = "", jobs: "Sequence[Job]" = ()) -> None:
        """See `OutlastError`."""
        super().__init__(what, hint)
        self.jobs = jobs


class SystemFault(OutlastError):
    """The world failed us (disk, lock, permission). The hint says whether trying again can help. `job`: whose row is damaged."""

    exit_status = 5
    job: int | None = None


class Damaged(SystemFault):
    """A value in the database cannot be read: whoever needs it cannot go on, everybody else can."""


class Bug(OutlastError):
    """A broken invariant of ours."""

    exit_status = 70


class Stale(OutlastError):
    """The row is no longer what the writer thought: somebody was faster. Read again and decide again."""

    exit_status = 70
