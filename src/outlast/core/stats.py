"""Statistics of the jobs of one name: how often, how they ended, how long it takes when it succeeds, what was used. Pure.

How long it takes is told of runs that succeeded, in jobs that did: a failure that comes at once, or a time limit that was reached, says
nothing of it.
"""

from outlast.core.job import FAILURES, SUCCEEDED
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TREND = 30  # of the last jobs: how long each of them took
SORTS = (
    "name", "count", "failures", "warnings", "fastest", "median", "p95", "slowest", "cpu", "memory", "first", "last",
)  # fmt: skip


class Ran(Value):
    """One run of a job that has ended, beside what there is to know of the job; of a job without a run all that is the run's is None."""

    _fields = (
        "job", "name", "outcome", "reason", "warned", "began_at", "ended_at",
        "run_outcome", "run_started_at", "run_ended_at", "cpu", "max_rss", "memory",
    )  # fmt: skip
    job: int
    name: str
    outcome: str
    reason: str | None
    warned: bool
    began_at: int  # ns, when the job started; if it never did: when it was submitted
    ended_at: int  # ns
    run_outcome: str | None
    run_started_at: int | None
    run_ended_at: int | None
    cpu: int | None  # ns
    max_rss: int | None
    memory: int | None

    @property
    def took(self) -> int | None:
        """How long the run took (ns)."""
        return None if self.run_started_at is None or self.run_ended_at is None else max(self.run_ended_at - self.run_started_at, 0)


class Took(Value):
    """How long the last run of a job took (ns; None: that is not known), and how the job ended."""

    _fields = ("job", "duration", "outcome")
    job: int
    duration: int | None
    outcome: str


class Stats(Value):
    """What is known of the jobs of one name that have ended. Times and durations in ns, sizes in bytes."""

    _fields = (
        "name", "jobs", "outcomes", "failures", "warnings", "first_at", "last_at", "last", "last_outcome", "last_reason",
        "fastest", "median", "p95", "slowest", "cpu", "max_rss", "memory", "trend",
    )  # fmt: skip
    name: str
    jobs: int  # how many
    outcomes: "dict[str, int]"
    failures: int  # jobs whose outcome is a failure
    warnings: int  # jobs that were warned of
    first_at: int  # when the first one began
    last_at: int  # when the last one ended
    last: int  # its id
    last_outcome: str
    last_reason: str | None
    fastest: int | None
    median: int | None
    p95: int | None
    slowest: int | None
    cpu: int | None  # of all their runs together, as far as it is known
    max_rss: int | None  # the most of any run's largest process
    memory: int | None  # the most of any run, all processes together, where the kernel counted that
    trend: "tuple[Took, ...]"  # the last ones that had a run, oldest first


class Statistics(Value):
    """The statistics of names. `more`: how many names a limit left out; `since`: only what ended from then on was looked at (None: all)."""

    _fields = ("names", "more", "since")
    names: "list[Stats]"
    more: int
    since: int | None


def median(ordered: "Sequence[int]") -> int:
    """Return the middle of what is in order and not empty, of an even number the mean of the two in the middle."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2


def percentile(ordered: "Sequence[int]", percent: int) -> int:
    """Return the least of what is in order and not empty that `percent` of it do not exceed (nearest rank): always one of them."""
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def usual(took: "Iterable[int]") -> "tuple[int, int] | None":
    """Return (median, 95th percentile) of durations in any order; None if there are none."""
    ordered = sorted(took)
    return (median(ordered), percentile(ordered, 95)) if ordered else None


def stats(ran: "Iterable[Ran]") -> "list[Stats]":
    """Return the statistics of each name. `ran`: the runs, those of one job together, in the order in which the jobs ended."""
    tallies: dict[str, _Tally] = {}
    for run in ran:
        tally = tallies.get(run.name)
        if tally is None:
            tally = tallies[run.name] = _Tally(run)
        tally.add(run)
    return [tally.told() for tally in tallies.values()]


def in_order(found: "Iterable[Stats]", sort: "Sequence[str]") -> "list[Stats]":
    """Return statistics by these columns, `-` in front turns one round; what is not known stands last. Without any: the latest first."""
    ordered = sorted(found, key=lambda one: one.name)
    for word in reversed(sort or ("-last",)):  # sorting is stable: the first word decides last
        name = word.removeprefix("-")
        field = {"count": "jobs", "first": "first_at", "last": "last_at"}.get(name, name)
        known = [one for one in ordered if _size(one, field) is not None]
        known.sort(key=lambda one: _size(one, field), reverse=word.startswith("-"))  # type: ignore[arg-type,return-value]
        ordered = known + [one for one in ordered if _size(one, field) is None]
    return ordered


def _size(one: Stats, field: str) -> "int | str | None":
    held: int | str | None = peak(one) if field == "memory" else getattr(one, field)
    return held


def peak(one: Stats) -> int | None:
    """Return the most memory that is known of any run: of all its processes where the kernel counted that, else of the largest one."""
    return max((size for size in (one.max_rss, one.memory) if size is not None), default=None)


class _Tally:
    """Counts the runs of one name."""

    __slots__ = ("cpu", "first_at", "job", "last", "max_rss", "memory", "name", "outcomes", "took", "trend", "warnings")

    def __init__(self, run: Ran) -> None:
        self.name = run.name
        self.job = 0  # that was counted last
        self.last = run
        self.first_at = run.began_at
        self.outcomes: dict[str, int] = {}
        self.warnings = 0
        self.took: list[int] = []
        self.cpu: int | None = None
        self.max_rss: int | None = None
        self.memory: int | None = None
        self.trend: list[Ran] = []

    def add(self, run: Ran) -> None:
        if run.job != self.job:
            self.job = run.job
            self.outcomes[run.outcome] = self.outcomes.get(run.outcome, 0) + 1
            self.warnings += run.warned
            self.first_at = min(self.first_at, run.began_at)
        elif self.trend and self.trend[-1].job == run.job:
            del self.trend[-1]  # another run followed
        self.last = run
        if run.run_outcome is None:
            return
        self.trend.append(run)
        if len(self.trend) > 2 * TREND:
            del self.trend[:TREND]
        if run.outcome == run.run_outcome == SUCCEEDED and run.took is not None:
            self.took.append(run.took)
        if run.cpu is not None:
            self.cpu = run.cpu + (self.cpu or 0)
        if run.max_rss is not None:
            self.max_rss = max(run.max_rss, self.max_rss or 0)
        if run.memory is not None:
            self.memory = max(run.memory, self.memory or 0)

    def told(self) -> Stats:
        self.took.sort()
        took, last = self.took, self.last
        return Stats(
            name=self.name, jobs=sum(self.outcomes.values()), outcomes=self.outcomes,
            failures=sum(self.outcomes.get(outcome, 0) for outcome in FAILURES), warnings=self.warnings,
            first_at=self.first_at, last_at=last.ended_at, last=last.job, last_outcome=last.outcome, last_reason=last.reason,
            fastest=took[0] if took else None, median=median(took) if took else None,
            p95=percentile(took, 95) if took else None, slowest=took[-1] if took else None,
            cpu=self.cpu, max_rss=self.max_rss, memory=self.memory,
            trend=tuple(Took(job=run.job, duration=run.took, outcome=run.outcome) for run in self.trend[-TREND:]),
        )  # fmt: skip
