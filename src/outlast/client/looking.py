"""What is to be seen of jobs beside the record of each: events, output, reasons, what they report, statistics."""

from outlast.core.job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from outlast.client.jobs import Jobs, Selected
    from outlast.client.keeping import Cleaned
    from outlast.client.output import Output
    from outlast.client.repairing import Repaired
    from outlast.core.observed import Observed


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

    def listen(self, after: int | None = None) -> "Iterator[dict[str, Any]]":
        """Yield events as they happen, of all jobs, for ever; `after`: the id of the last one that was seen."""
        from outlast.client.waiting import listen

        return listen(self._jobs.home, self._jobs.store, after)

    def why(self, which: "int | str | Job") -> str:
        """Return in a paragraph why a job waits, was skipped, how it ended, and what happens next."""
        from outlast.client.reasons import why

        return why(self._jobs, self._jobs.one(which))

    def waiting_for(self, which: "int | str | Job") -> "list[str]":
        """Return what a pending job still waits for, each as a part of a sentence; empty if it does not wait for anything but its time."""
        from outlast.client.reasons import waiting_for

        job = self._jobs.one(which)
        return waiting_for(self._jobs.reading, job) if self._jobs.reading is not None and job.waits else []

    def observe(self, which: "int | str | Job") -> "Observed":
        """Return what is seen of a job beside its record: feedback, progress, activity, last line of output, usage."""
        from outlast.client.observing import observe

        return observe(self._jobs, which if isinstance(which, Job) else self._jobs.one(which))

    def logs(self, which: "int | str | Job", run: int = -1) -> "Output":
        """Return what a run of a job has written so far: `.stdout`, `.stderr`, `.lines()`. Raises NotFound."""
        from outlast.client.output import Output, numbered

        job = self._jobs.one(which)
        return Output(self._jobs.home, job, numbered(job, run))

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
