"""What is to be seen of jobs beside the record of each: events, output, reasons, what they report, statistics."""

from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any

    from outlast.client.bundle import Bundled
    from outlast.client.changes import Changes
    from outlast.client.jobs import Jobs, Selected
    from outlast.client.keeping import Cleaned
    from outlast.client.output import Output
    from outlast.client.repairing import Repaired
    from outlast.client.reported import Reported
    from outlast.core.job import Job
    from outlast.core.observed import Observed
    from outlast.core.stats import Statistics


class Looking:
    """The methods of `Jobs` that look beyond the list and the record of a job."""

    __slots__ = ()

    @property
    def _jobs(self) -> "Jobs":
        """Ourselves, as what we are a part of."""
        return self  # type: ignore[return-value]

    def events(self, which: "int | str | Job | None" = None, limit: int = 50) -> "list[dict[str, Any]]":
        """Return the events of a job, or the last ones of all jobs; the oldest first."""
        if self._jobs.reading is None:
            return []
        if which is None:
            return self._jobs.reading.last_events(limit)
        return self._jobs.reading.events_of(self._jobs.one(which).id)

    def listen(
        self, after: int | None = None, selected: "Selected | None" = None, kinds: "Sequence[str]" = (), *, until_ended: bool = False,
        out: int = -1,
    ) -> "Iterator[dict[str, Any]]":  # fmt: skip
        """Yield events as they happen, of all jobs or those selected, for ever; `after`: the id of the last one that was seen.

        `kinds`: only these; `until_ended`: until all that is selected now has ended. See `client.listening.listen`.
        """
        from outlast.client.listening import listen

        return listen(self._jobs, after, selected, kinds, until_ended=until_ended, out=out)

    def why(self, which: "int | str | Job") -> str:
        """Return in a paragraph why a job waits, was skipped, how it ended, and what happens next."""
        from outlast.client.reasons import why

        return why(self._jobs, self._jobs.one(which))

    def waiting_for(self, which: "int | str | Job") -> "list[str]":
        """Return what a pending job still waits for, each as a part of a sentence; empty if it does not wait for anything but its time."""
        from outlast.client.reasons import waiting_for

        job = self._jobs.one(which)
        return waiting_for(self._jobs.reading, job) if self._jobs.reading is not None and job.waits else []

    def observe(self, which: "int | str | Job", wanted: "AbstractSet[str] | None" = None, *, whole: bool = False) -> "Observed":
        """Return what is seen of a job beside its record: feedback, progress, activity, last line of output, usage.

        `wanted`: the fields that are needed (None: all); what only others need is not looked at. `whole`: read more than a listing may.
        """
        from outlast.client.observing import BUDGET, WHOLE, observe

        return observe(self._jobs, self._jobs.one(which), wanted, WHOLE if whole else BUDGET)

    def observe_all(self, some: "Iterable[Job]", wanted: "AbstractSet[str] | None" = None) -> "dict[int, Observed]":
        """Return likewise by id for jobs that were just read: they share what a look costs."""
        from outlast.client.observing import observe_all

        return observe_all(self._jobs, some, wanted)

    def feedback(self, which: "int | str | Job | None" = None, *, file: str | None = None) -> "Reported":
        """Return what a job reports, of its last run; or what any feedback `file` says (`-`: standard input).

        A mapping of texts; its `.faults` says what is wrong with which keys. Raises NotFound, UsageError, SystemFault.
        """
        from outlast.client.reported import feedback_of, parse_file

        if (which is None) == (file is None):
            raise UsageError("feedback is of a job, or of a file", "name one of them")
        return feedback_of(self._jobs, which) if which is not None else parse_file(file or "")

    def report(self, facts: "Mapping[str, str | None]", *, clear: bool = False) -> None:
        """Report facts from inside of a job, as `outlast report` does; see `outlast.current`. None clears one, `clear` all before.

        Raises Refused outside of a job, UsageError, SystemFault.
        """
        from outlast.client.reporting import report

        report(facts, clear=clear)

    def usual_durations(self, some: "Iterable[Job]") -> "dict[int, tuple[int, int]]":
        """Return (median, 95th percentile) in ns of the last runs that succeeded, of those of the jobs that run and whose name has any."""
        from outlast.client.usage import usual_durations

        return usual_durations(self._jobs, some)

    def stats(
        self, selected: "Selected" = (), *, since: int | None = None, until: int | None = None, group: str | None = None,
        name: str | None = None, during: str | None = None, where: str | None = None, sort: "Sequence[str]" = (), limit: int | None = None,
    ) -> "Statistics":  # fmt: skip
        """Return what the jobs that have ended tell, by name: see `core.stats`. A bare word means all jobs of that name.

        `since`, `until` in ns, `during` and `where` as for `list`; without `since` the last 10,000 jobs are enough, and `.since` says how
        far they reach. Raises NotFound, UsageError.
        """
        from outlast.client.listing import as_filter
        from outlast.client.statistics import statistics
        from outlast.seams import now

        given = {"since": since, "until": until, "group": group, "name": name, "during": during, "where": where, "active": False}
        return statistics(self._jobs, selected, as_filter(given, now()), sort, limit)

    def logs(self, which: "int | str | Job", run: int = -1) -> "Output":
        """Return what a run of a job has written so far: `.stdout`, `.stderr`, `.lines()`. Raises NotFound."""
        from outlast.client.output import Output, numbered

        job = self._jobs.one(which)
        return Output(self._jobs.home, job, numbered(job, run))

    def diff(self, which: "int | str | Job", good: "int | str | Job" = "good") -> "Changes":
        """Return what differs between a job and `good`, by default the last run of its key or name that succeeded before it.

        `42.1` names a run. `.same`, `.differences` (each with `.what`, `.text`), `.notes`. Raises NotFound if none has succeeded.
        """
        from outlast.client.changes import diff

        return diff(self._jobs, which, good)

    def hostinfo(self) -> "dict[str, Any]":
        """Return facts of this host by name, None for what is not known, and under `constants` those of `hostinfo` files."""
        from outlast.client.hostinfo import hostinfo

        return hostinfo(self._jobs.home)

    def bundle(self, which: "int | str | Job", path: "str | None" = None, *, full_logs: bool = False, force: bool = False) -> "Bundled":
        """Put what is known of a job into one archive for whoever helps, without the values of secrets. Returns its `.path`, `.missing`.

        `path`: where (default: `outlast-ID.tar.gz` here); `full_logs`: all output; `force`: also over a file that is there. Raises
        NotFound, Refused (there is such a file), SystemFault.
        """
        from outlast.client.bundle import bundle

        return bundle(self._jobs, which, path, full_logs=full_logs, force=force)

    # Keeping

    def clean(
        self, selected: "Selected" = (), *, force: bool = False, logs: bool = True, records: bool = True,
        limits: "Mapping[str, Any] | None" = None,
    ) -> "Cleaned":  # fmt: skip
        """Return what goes by the limits, or of the jobs that are named; with `force` it is gone. See `client.keeping.clean`."""
        from outlast.client.keeping import clean

        return clean(self._jobs, selected, force=force, logs=logs, records=records, limits=limits)

    def clean_everything(self, *, force: bool = False) -> "tuple[int, list[str]]":
        """Return how many bytes the whole home has and what in it is not ours; with `force` it is gone. Raises Refused: jobs are active."""
        from outlast.client.keeping import everything

        return everything(self._jobs, force=force)

    def limits(self) -> "list[dict[str, Any]]":
        """Return what is kept how long: name, group (None: everybody else), value, text, origin (default, set, group)."""
        from outlast.client.keeping import limits

        return limits(self._jobs)

    def set_limits(self, group: str | None = None, limits: "Mapping[str, Any] | None" = None, *, unset: "Iterable[str]" = ()) -> None:
        """Keep limits like {"retention": {"log_age": "90d"}} for the home or a group; `unset`: those that are taken back."""
        from outlast.client.keeping import set_limits

        set_limits(self._jobs, group, limits or {}, unset)

    def backup(self, path: str) -> int:
        """Write a consistent copy of all records to `path`, while jobs go on. Returns its size. Raises Refused: `path` is there."""
        from outlast.client.repairing import back_up

        return back_up(self._jobs, path)

    def check(self) -> "list[str]":
        """Return everything that is wrong with the home to the last row and file, as sentences. Nothing is changed."""
        from outlast.client.repairing import check

        return check(self._jobs)

    def repair(self) -> "Repaired":
        """Make right what can be, after a copy was made. Returns `.done` (sentences) and `.folder` (what was there before)."""
        from outlast.client.repairing import repair

        return repair(self._jobs)
