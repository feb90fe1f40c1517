"""What is seen of a running job beside its record: what it reports, how far it is, how lively, what it uses."""

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Observed(Value):
    """What was seen at one moment. Of a job that has ended: what its record keeps of that; of one without a run: nothing."""

    _fields = (
        "feedback", "heartbeat_at", "heartbeat_timeout", "activity", "progress", "last_line",
        "usual", "usual_p95", "cpu", "rss", "processes", "output",
    )  # fmt: skip
    feedback: "dict[str, str]"  # what it reports
    heartbeat_at: int | None  # ns, when it last reported; None: not yet
    heartbeat_timeout: int | None  # ns, `timeout.heartbeat`
    activity: str | None  # `active`, `silent` or `stalled`, if it has a heartbeat timeout
    progress: "dict[str, Any] | None"  # {"percent", "done", "total", "unit", "text", "from", "eta"}; eta in ns
    last_line: str | None  # of its output
    usual: int | None  # ns, the median of the last runs of this name that succeeded
    usual_p95: int | None  # ns, of which 95 % took no longer
    cpu: int | None  # ns, so far; of one that has ended: of its last run
    rss: int | None  # bytes, of its processes now, shared ones counted for each; of one that has ended: the most of the largest
    processes: int | None  # how many it has now; of one that has ended: the most that its last run had
    output: int | None  # bytes of its log so far, which are a little more than it has written; of one that has ended: what it wrote

    _defaults = {
        "feedback": {}, "heartbeat_at": None, "heartbeat_timeout": None, "activity": None, "progress": None, "last_line": None,
        "usual": None, "usual_p95": None, "cpu": None, "rss": None, "processes": None, "output": None,
    }  # fmt: skip
