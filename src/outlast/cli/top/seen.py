"""What the screen shows at one moment, read through `Jobs`. It knows nothing of the screen, and may block: it is for threads."""

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from outlast.cli.top.about import OUTPUT, about
from outlast.client.listing import sort
from outlast.client.supervising import status
from outlast.core.errors import OutlastError
from outlast.core.job import ENDED, FAILURES, RUNNING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job
    from outlast.core.observed import Observed

MOST_ACTIVE = 500  # jobs that have not ended, the running ones first; how many more there are is said
MOST_OBSERVED = 100  # running jobs that are looked at beside their record: no terminal shows more


class Wanted:
    """What to look at. The screen changes it, the watcher reads it; every field is replaced whole, so that threads may share it."""

    def __init__(self, given: "Mapping[str, Any]", limit: int | None) -> None:
        """`given`: filters of `Jobs.listing` that hold all the time, `sort` among them; `limit`: how many ended jobs (None: all)."""
        self.given = {name: value for name, value in given.items() if name != "sort"}
        self.limit = limit
        self.sort: tuple[str, ...] = tuple(given.get("sort") or ())
        self.ended = True  # show those that have ended
        self.text = ""  # `/`
        self.group: str | None = None
        self.visible: tuple[int, ...] = ()  # jobs on the screen, by id
        self.chosen: int | None = None
        self.tab = OUTPUT
        self.width = 80  # of the pane beside the tabs

    def filters(self) -> dict[str, Any]:
        """Return the filters that hold now."""
        typed = {"text": self.text or None, "group": self.group}
        return {**self.given, **{name: value for name, value in typed.items() if value is not None}}


class Seen(NamedTuple):
    """What was seen."""

    at: int
    jobs: "list[Job]"
    more_active: int  # that were left out
    more_ended: int
    counts: dict[str, Any]  # of the whole home: running, queued, pending, and the supervisor's pid (None: none lives)
    failed_today: int
    groups: list[dict[str, Any]]
    observed: "dict[int, Observed]"
    waiting: dict[int, str]  # what jobs on the screen wait for
    about: "tuple[int | None, str, list[str]]"  # job, tab, lines
    trouble: str  # why nothing could be read; the rest is what was seen before then


NOTHING = Seen(0, [], 0, 0, {"pid": None, "running": 0, "queued": 0, "pending": 0}, 0, [], {}, {}, (None, "", []), "")


def look(jobs: "Jobs", wanted: Wanted, before: Seen, at: int, *, changed: bool) -> Seen:
    """Return what is to be seen at `at` (ns). Unless something `changed` the record is as before, and only what runs is looked at."""
    try:
        seen = _record(jobs, wanted, at) if changed else before
        shown = {*wanted.visible} or {job.id for job in seen.jobs[:MOST_OBSERVED]}
        return seen._replace(
            at=at,
            observed=jobs.observe_all([job for job in seen.jobs if job.status == RUNNING and job.id in shown]),
            waiting=_waiting(jobs, seen, shown) if changed or not before.waiting else before.waiting,
            about=about(jobs, wanted.chosen, wanted.tab, wanted.width, at),
            trouble=_passed_by(jobs),
        )
    except OutlastError as error:
        return before._replace(at=at, trouble=str(error))
    except Exception as error:  # noqa: BLE001  # the thread that looks has to live on, and what is shown shall not seem to be true
        return before._replace(at=at, trouble=f"a bug of ours: {type(error).__name__}: {error}: please report this line")


def _passed_by(jobs: "Jobs") -> str:
    """Return what is to be said of jobs whose records are damaged, and which are left out therefore."""
    reading = jobs.reading
    return "; ".join(str(error) for error in [*((reading and reading.passed_by) or {}).values()][:1])


def _record(jobs: "Jobs", wanted: Wanted, at: int) -> Seen:
    if jobs.reading is not None:
        jobs.reading.passed_by = {}
    filters = wanted.filters()
    active, more_active = jobs.listing(ended=False, sort=("-status", "id"), limit=MOST_ACTIVE, **filters)
    ended, more_ended = jobs.listing(active=False, limit=wanted.limit, **filters) if wanted.ended else ([], 0)
    both = {job.id: job for job in (*active, *ended)}  # who ended between the two looks is in both; the later one is true
    found = [*both.values()]
    found.sort(key=lambda job: job.status == ENDED)
    midnight = (*time.localtime(at // 1_000_000_000)[:3], 0, 0, 0, 0, 0, -1)
    _, failed = jobs.listing(active=False, outcome=FAILURES, since=int(time.mktime(midnight)) * 1_000_000_000, limit=0)
    return NOTHING._replace(
        jobs=sort(found, wanted.sort, at) if wanted.sort else found, more_active=more_active, more_ended=more_ended,
        counts=status(jobs), failed_today=failed, groups=jobs.groups(),
    )  # fmt: skip


def _waiting(jobs: "Jobs", seen: Seen, shown: "set[int]") -> dict[int, str]:
    waits = [job for job in seen.jobs if job.waits and job.id in shown and job.status != ENDED]
    return {job.id: "; ".join(jobs.waiting_for(job)) for job in waits[:MOST_OBSERVED]}
