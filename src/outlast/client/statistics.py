"""Statistics of names: which jobs are meant, what the store knows of them, in which order they are shown."""

from outlast.core import selectors as s
from outlast.core.errors import UsageError
from outlast.core.job import Job
from outlast.core.selectors import Selector, parse_selector
from outlast.core.stats import SORTS, Statistics, in_order, stats
from outlast.seams import now
from outlast.store.finding import find
from outlast.store.statistics import ran

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outlast.client.jobs import Jobs, Selected
    from outlast.store.finding import Filter
    from outlast.store.reading import Reading

MOST = 10_000  # jobs that are looked at, the last ones, unless it is said since when


def statistics(jobs: "Jobs", selected: "Selected", wanted: "Filter", sort: "Sequence[str]", limit: int | None) -> Statistics:
    """Return the statistics of the jobs that are meant. Raises NotFound for one that is not there, UsageError."""
    for word in sort:
        if word.removeprefix("-") not in SORTS:
            raise UsageError(f"there is no statistic `{word[:40]}`", f"choose from {', '.join(SORTS)}")
    reading = jobs.reading
    words = [selected] if isinstance(selected, int | str | Job) else list(selected)
    if reading is None:
        jobs.find(words)  # which has the words for a job that is not there
        return Statistics(names=[], more=0, since=None)
    among = tuple(_selector(reading, word) for word in words)
    runs, since = ran(reading, wanted.replace(among=among), now(), None if wanted.since is not None else MOST)
    ordered = in_order(stats(runs), sort)
    names = ordered if limit is None else ordered[:limit]
    return Statistics(names=names, more=len(ordered) - len(names), since=since)


def _selector(reading: "Reading", word: "int | str | Job") -> Selector:
    """Return what is meant by `word`: of a name or key all jobs of that name, not only the last one."""
    number = word.id if isinstance(word, Job) else word
    if isinstance(number, int):
        selector: Selector = Selector(kind=s.IDS, text=str(number), value=((number, number),))
    else:
        selector = parse_selector(number)
    if not selector.single:
        return selector
    job = find(reading, [selector])[0]
    return Selector(kind=s.NAME, text=selector.text, value=job.name) if selector.kind == s.WORD else selector
