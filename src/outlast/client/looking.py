"""What is to be seen of jobs beside the record of each: events, output, reasons, what they report, statistics."""

from outlast.core.job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from outlast.client.jobs import Jobs, Selected
    from outlast.client.output import Output
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

    def observe(self, which: "int | str | Job") -> "Observed":
        """Return what is seen of a job beside its record: feedback, progress, activity, last line of output, usage."""
        from outlast.client.observing import observe

        return observe(self._jobs, which if isinstance(which, Job) else self._jobs.one(which))

    def logs(self, which: "int | str | Job", run: int = -1) -> "Output":
        """Return what a run of a job has written so far: `.stdout`, `.stderr`, `.lines()`. Raises NotFound."""
        from outlast.client.output import Output, numbered

        job = self._jobs.one(which)
        return Output(self._jobs.home, job, numbered(job, run))
