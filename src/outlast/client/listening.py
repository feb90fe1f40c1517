"""Events as they happen: of all jobs or of some, behind a cursor, without losing one and without telling one twice."""

from outlast.client.waiting import SAFETY, Watch
from outlast.core.errors import UsageError
from outlast.core.job import ENDED
from outlast.seams import now
from outlast.store.finding import Filter, matching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from outlast.client.jobs import Jobs, Selected
    from outlast.core.selectors import Selector
    from outlast.store.store import Store

AT_ONCE = 1000  # events of one look


def listen(
    jobs: "Jobs", after: int | None, selected: "Selected | None" = None, kinds: "Sequence[str]" = (), *, until_ended: bool = False,
    out: int = -1,
) -> "Iterator[dict[str, Any]]":  # fmt: skip
    """Yield events after the one with the id `after` (None: the last one) as they happen; for ever, or `until_ended`.

    `selected`: only of these; a single job is the one that is meant now, a set takes in whoever comes to belong to it. `until_ended`:
    until all that is meant now has ended and is told. `out`: see `Watch.pause`. Raises UsageError, NotFound.
    """
    selectors = [] if selected is None else jobs._selectors(selected)  # noqa: SLF001  # its other half
    store = jobs.store
    last = store.last_event()
    if after is not None and not 0 <= after <= last:
        raise UsageError(f"there is no event {after}: the last one is {last}", "give the id of an event that was told")
    singles = {job.id for selector in selectors if selector.single for job in jobs.find([selector.text])}
    sets = tuple(selector for selector in selectors if not selector.single)
    meant = [*singles, *jobs.find_ids([selector.text for selector in sets])] if selectors else None
    over = (lambda: _are_over(store, meant)) if until_ended else lambda: False
    return _listen(jobs, last if after is None else after, (singles, sets) if selectors else None, kinds, over, out)


def _listen(
    jobs: "Jobs", after: int, wanted: "tuple[set[int], tuple[Selector, ...]] | None", kinds: "Sequence[str]",
    is_over: "Callable[[], bool]", out: int,
) -> "Iterator[dict[str, Any]]":  # fmt: skip
    """Go on as `listen` says, until all is told that had happened when `is_over` came true."""
    store = jobs.store
    watch = Watch(jobs.home, None)
    try:
        while True:
            over = is_over()
            events = store.events_after(after, AT_ONCE)
            while events:
                among = _of_wanted(store, events, wanted)
                for event in events:
                    after = event["id"]
                    if (among is None or event["job"] in among) and (not kinds or event["kind"] in kinds):
                        yield event
                events = store.events_after(after, AT_ONCE)
            if over:
                return
            watch.pause(SAFETY, out=out)
    finally:
        watch.close()


def _are_over(store: "Store", meant: "Sequence[int] | None") -> bool:
    """Tell whether these jobs have ended by the record; None: all."""
    if meant is None:
        return not store.count_active()
    return all(status == ENDED for _, status, _ in store.states(meant))


def _of_wanted(
    store: "Store", events: "Sequence[dict[str, Any]]", wanted: "tuple[set[int], tuple[Selector, ...]] | None"
) -> "set[int] | None":
    """Return the ids of the jobs among those of `events` that are meant; None: all are."""
    if wanted is None:
        return None
    singles, sets = wanted
    ids = {event["job"] for event in events}
    return (ids & singles) | set(matching(store, Filter(among=sets), ids, now()) if sets else ())
