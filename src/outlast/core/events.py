"""Facts about a job, past tense. Each is a value; its `kind` is its name in the store, in JSON and in the manual."""

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from outlast.core.job import Ending


class Event(Value):
    """Base of all events."""

    _fields: "ClassVar[tuple[str, ...]]" = ()
    kind: "ClassVar[str]" = ""


class Reserved(Event):
    """An id was given out; the command is still to come. `until`: when the reservation lapses (ns), None = never."""

    _fields = ("until",)
    until: int | None
    kind = "reserved"
    _defaults = {"until": None}


class Submitted(Event):
    """The job is durable. `waits`: how many needs must be met before it may be queued; `until`: not before (ns)."""

    _fields = ("waits", "until")
    waits: int
    until: int | None
    kind = "submitted"
    _defaults = {"waits": 0, "until": None}


class Met(Event):
    """Something that it waited for is met. `need`: its name in the store; `until`: it still waits so long (ns)."""

    _fields = ("need", "text", "until")
    need: str
    text: str
    until: int | None
    kind = "met"
    _defaults = {"text": "", "until": None}


class Queued(Event):
    """Everything it waited for is met; only a slot is still to be had."""

    _fields = ("because",)
    because: str
    kind = "queued"
    _defaults = {"because": ""}


class Postponed(Event):
    """It must wait again; nothing was started. `until`: not before (ns); `needs`: what must be met again, by name."""

    _fields = ("because", "until", "needs")
    because: str
    until: int | None
    needs: "list[str]"
    kind = "postponed"
    _defaults = {"because": "", "until": None, "needs": ()}


class Claimed(Event):
    """A run was given out to an executor. Durable before anything is started."""

    _fields = ("run", "host", "boot", "state_file", "limits", "fingerprint")
    run: int
    host: str
    boot: str
    state_file: int
    limits: "dict[str, Any] | None"
    fingerprint: str | None
    kind = "claimed"
    _defaults = {"state_file": 0, "limits": None, "fingerprint": None}


class Started(Event):
    """The run's command has a process."""

    _fields = ("run", "pid", "pid_start", "pidns", "started_at")
    run: int
    pid: int
    pid_start: int
    pidns: int | None
    started_at: int
    kind = "started"
    _defaults = {"pidns": None}


class Retried(Event):
    """The run is over and another one follows at `next_run_at` (ns)."""

    _fields = ("run", "ending", "next_run_at")
    run: int
    ending: "Ending"
    next_run_at: int
    kind = "retried"


class Ended(Event):
    """The job is over. `ending`: of its last run, None if it ended without one."""

    _fields = ("outcome", "reason", "run", "ending", "stopped", "left")
    outcome: str
    reason: str
    run: int | None
    ending: "Ending | None"
    stopped: int | None  # processes that we ended
    left: int | None  # processes that could not be ended
    kind = "ended"
    _defaults = {"run": None, "ending": None, "stopped": None, "left": None}


class StopRequested(Event):
    """Somebody wants it ended: `verb` is stop, interrupt or kill; or timeout: a limit of its own was reached, and `why` says which.

    After the first that was served a later one only hurries.
    """

    _fields = ("verb", "signal", "grace", "by", "scope", "why")
    verb: str
    signal: int | None  # instead of the job's own stop signal
    grace: int | None  # ns, instead of the job's own
    by: str
    scope: str  # "job", or "run": the job's retries go on
    why: str
    kind = "stop_requested"
    _defaults = {"signal": None, "grace": None, "by": "", "scope": "job", "why": ""}


class Paused(Event):
    """Its processes or its wait stand still."""

    _fields = ("by",)
    by: str
    kind = "paused"
    _defaults = {"by": ""}


class Resumed(Event):
    """It goes on."""

    _fields = ("by",)
    by: str
    kind = "resumed"
    _defaults = {"by": ""}


class Held(Event):
    """It may not start until somebody releases it."""

    _fields = ("by",)
    by: str
    kind = "held"
    _defaults = {"by": ""}


class Released(Event):
    """It may start as far as holding goes."""

    _fields = ("by", "value")
    by: str
    value: str
    kind = "released"
    _defaults = {"by": "", "value": ""}


class Signalled(Event):
    """A signal goes to its processes; recorded before it is sent. `by`: `signal`, `pause`, `resume`, `warning`, or the stop verb."""

    _fields = ("signal", "by")
    signal: int
    by: str
    kind = "signalled"


class Warned(Event):
    """There is something to warn of, or more of it. `run`: the run that it is about, if it is about one; `times`: how often so far."""

    _fields = ("warning", "run", "times", "text")
    warning: str
    run: int | None
    times: int | None  # None: once more
    text: str
    kind = "warned"
    _defaults = {"run": None, "times": None}


class WarningOver(Event):
    """What was warned of is so no longer; the warning stays in the history."""

    _fields = ("warning", "text", "run")
    warning: str
    text: str
    run: int | None
    kind = "warning_over"
    _defaults = {"run": None}


class Noted(Event):
    """Something a person may want to know, that changes nothing: a limit that could not be restored, a pruned log."""

    _fields = ("text", "data")
    text: str
    data: "dict[str, Any]"
    kind = "noted"
    _defaults = {"data": {}}


EVENTS: "tuple[type[Event], ...]" = (
    Reserved, Submitted, Met, Queued, Postponed, Claimed, Started, Retried, Ended, StopRequested,
    Paused, Resumed, Held, Released, Signalled, Warned, WarningOver, Noted,
)  # fmt: skip
BY_KIND = {event.kind: event for event in EVENTS}

if TYPE_CHECKING:  # what `lifecycle` takes apart: an event that is added here and not handled there is a type error
    AnyEvent = (
        Reserved | Submitted | Met | Queued | Postponed | Claimed | Started | Retried | Ended | StopRequested
        | Paused | Resumed | Held | Released | Signalled | Warned | WarningOver | Noted
    )  # fmt: skip
