"""The home as `Jobs` opens it, and what a plain submission needs of it: `outlast run` pays for no more than this."""

from outlast.core.job import ENDED
from outlast.home import Home
from outlast.seams import failpoint, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from outlast.core.job import Job
    from outlast.store.reading import Reading
    from outlast.store.store import Store, Submission

_AT_LEAST = 2  # events of a job that ends as it is submitted; one that was reserved has more, and others may wait for its end


class Opened:
    """A home, opened when something is first asked of it. Threads may share it; close it when all are through."""

    def __init__(self, home: "str | None" = None) -> None:
        """`home`: its directory (default: `$OUTLAST_HOME`, else `~/.local/state/outlast`)."""
        self.home = Home(home)
        self._store: Store | None = None
        self._reading: Reading | None = None

    def __enter__(self) -> "Self":
        """Return self; leaving closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the database."""
        for opened in (self._store, self._reading):
            if opened is not None:
                opened.close()
        self._store = self._reading = None

    @property
    def store(self) -> "Store":
        """The store, to write. Makes the home on first use."""
        if self._store is None:
            from outlast.store.store import Store

            self._store = Store(self.home)
        return self._store

    @property
    def reading(self) -> "Reading | None":
        """The store, to read, or None while there is nothing in the home."""
        if self._store is not None:
            return self._store
        if self._reading is None and self.home.exists():
            from outlast.store.reading import Reading

            reading = Reading(self.home)
            if reading.is_empty():
                reading.close()
                return None
            self._reading = reading
        return self._reading

    def submit(self, submissions: "Iterable[Submission]", *, wake: bool = True) -> "list[Job]":
        """Make prepared submissions durable, all or none, and (with `wake`) have a supervisor look at them.

        Whoever passes `wake=False` calls `wake` afterwards; the ids can be told before a supervisor is there.
        """
        from outlast.client.submitting import check_same_machine

        check_same_machine(self.home)
        jobs = self.store.submit(submissions, now())
        if wake and any(job.status != ENDED or job.version > _AT_LEAST for job in jobs):
            self.wake()
        return jobs

    def rouse(self) -> None:
        """Have a supervisor come up meanwhile, for jobs that are about to be submitted."""
        from outlast.client.submitting import check_same_machine
        from outlast.processes.starter import rouse

        check_same_machine(self.home)
        self.home.make()
        rouse(self.home)

    def wake(self) -> None:
        """See to it that a supervisor looks at the store."""
        from outlast import __version__
        from outlast.processes.starter import wake

        wake(self.home, __version__)
        failpoint("submit.after-wake")
