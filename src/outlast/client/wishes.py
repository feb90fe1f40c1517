"""What is wished of jobs: that they end, stand still, go on, wait, start. Wishes go into the store; the supervisor sees to them."""

from outlast.core.job import INTERRUPT, KILL, STOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as List  # noqa: N812  # the class has a method of that name
    from typing import Any

    from outlast.client.jobs import Jobs, Selected
    from outlast.core.job import Job


class Wishes:
    """The methods of `Jobs` that wish something of jobs that are there."""

    __slots__ = ()

    @property
    def _jobs(self) -> "Jobs":
        """Ourselves, as what we are a part of."""
        return self  # type: ignore[return-value]

    def stop(self, selected: "Selected", **how: "Any") -> "List[Job]":
        """End jobs, politely first; outcome `stopped`. See `end`."""
        return self._jobs.end(STOP, selected, **how)

    def interrupt(self, selected: "Selected", **how: "Any") -> "List[Job]":
        """End jobs like `stop`, as a failure; outcome `interrupted`. See `end`."""
        return self._jobs.end(INTERRUPT, selected, **how)

    def kill(self, selected: "Selected", **how: "Any") -> "List[Job]":
        """End jobs with SIGKILL at once; outcome `stopped`. See `end`."""
        return self._jobs.end(KILL, selected, **how)

    def end(
        self, verb: str, selected: "Selected", *, signal: "int | str | None" = None,
        grace: "float | str | None" = None, every: bool = False, scope: str = "job", wait: bool = True,
    ) -> "List[Job]":  # fmt: skip
        """Ask (`verb`: stop, interrupt, kill) for the end of jobs and (with `wait`) return when they and all their processes have ended.

        `signal` and `grace` (seconds or a duration) instead of the jobs' own. `every`: a word may mean several jobs.
        `scope="run"`: only the present run, retries go on. Raises NotFound, Refused.
        """
        from outlast.client.ending import request, wait_for_end

        jobs = self._jobs.find(selected, to_end=True, every=every)
        asked = request(self._jobs, verb, jobs, signal=signal, grace=grace, scope=scope)
        if asked and wait:
            wait_for_end(self._jobs, asked, scope=scope)
        return [self._jobs.one(job.id) for job in jobs]

    def signal(self, signal: "int | str", selected: "Selected", *, every: bool = False) -> "dict[int, int]":
        """Send a signal to the processes of running jobs. Returns how many it was sent to, by job id. Raises Refused, NotFound."""
        from outlast.client.ending import send_signal

        return send_signal(self._jobs, signal, self._jobs.find(selected, to_end=True, every=every))

    def pause(self, selected: "Selected", *, every: bool = False, wait: bool = True) -> "List[Job]":
        """Let jobs stand still: the processes of those that run, the waits of the others; their clocks, too. Raises NotFound, Refused.

        With `wait` it returns when the processes were told.
        """
        from outlast.client.holding import pause

        return pause(self._jobs, self._jobs.find(selected, to_end=True, every=every), wait=wait)

    def resume(self, selected: "Selected", *, every: bool = False, wait: bool = True) -> "List[Job]":
        """Let paused jobs go on. Raises NotFound, Refused."""
        from outlast.client.holding import resume

        return resume(self._jobs, self._jobs.find(selected, to_end=True, every=every), wait=wait)

    def hold(self, selected: "Selected", *, every: bool = False) -> "List[Job]":
        """Keep jobs that have not started from starting until they are released. Raises NotFound, Refused: it runs, or has ended."""
        from outlast.client.holding import hold

        return hold(self._jobs, self._jobs.find(selected, to_end=True, every=every))

    def release(self, selected: "Selected" = (), *, pending: str | None = None, every: bool = False) -> "List[Job]":
        """Let held jobs start: those that are selected, and those that were submitted with that `pending` value."""
        from outlast.client.holding import pending_with, release

        return release(self._jobs, [*self._jobs.find(selected, to_end=True, every=every), *pending_with(self._jobs, pending)])

    def approve(self, selected: "Selected", *, note: str = "", every: bool = False) -> "List[Job]":
        """Let jobs start that were submitted with `approval`. Raises NotFound, Refused: it waits for none."""
        from outlast.client.holding import approve

        return approve(self._jobs, self._jobs.find(selected, to_end=True, every=every), note)
