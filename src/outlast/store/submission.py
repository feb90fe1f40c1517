"""What is submitted: a job as it shall be, with what only the store can decide."""

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.job import Job
    from outlast.core.needs import Need


class Environment(Value):
    """What a command inherits of its submitter: `variables` (NAME=VALUE, each ended by NUL) and `surroundings`, by content `hash`."""

    _fields = ("hash", "variables", "surroundings")
    hash: str
    variables: bytes
    surroundings: str


class Front(Value):
    """The client in front of a job: it hands its descriptors over under `token`, and lives as (pid, pid_start).

    `parent`: the job that the client itself runs in, if it does.
    """

    _fields = ("token", "pid", "pid_start", "parent")
    token: str
    pid: int
    pid_start: int
    parent: int | None
    _defaults = {"parent": None}


class Submission(Value):
    """A job to be made: `job` as it shall be (version 0; id 0, or the reserved one that it becomes)."""

    _fields = ("job", "environment", "needs", "front", "model", "held")
    job: "Job"
    environment: Environment
    needs: "tuple[Need, ...]"  # what it waits for, beside its turn, which the store knows
    front: Front | None
    model: "Job | None"  # whose lists and dictionaries it has where they are the same objects: they are put into words once
    held: bool  # it waits until somebody releases it
    _defaults = {"needs": (), "front": None, "model": None, "held": False}
