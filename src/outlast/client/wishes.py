"""What is wished of jobs, of groups and of names: that they end, stand still, go on, wait, start. The supervisor sees to it."""

from outlast.core.errors import NotFound, UsageError
from outlast.core.job import INTERRUPT, KILL, STOP
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as List  # noqa: N812  # the class has a method of that name
    from collections.abc import Iterable, Sequence
    from typing import Any

    from outlast.client.jobs import Jobs, Selected
    from outlast.core.disabling import Rule
    from outlast.core.job import Job


class Wishes:
    """The methods of `Jobs` that wish something of what is there."""

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

    def send(self, which: "int | str | Job", data: "bytes | Iterable[bytes] | int" = b"", *, end: bool = False) -> int:
        """Send bytes (or all that a descriptor gives) to a job that runs with `stdin="live"`, and with `end` the end of file.

        Returns how many bytes were sent. Raises Refused, NotFound.
        """
        from outlast.client.sending import send, target

        return send(self._jobs, target(self._jobs, which), [data] if isinstance(data, bytes) else data, end=end)

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

    # Groups and names

    def groups(self) -> "List[dict[str, Any]]":
        """Return all groups: name, slots (None = no limit), paused, running, queued, pending."""
        from outlast.client.listing import true_groups

        return true_groups(self._jobs, self._jobs.reading) if self._jobs.reading is not None else []

    def set_group(self, name: str, slots: int | None) -> None:
        """Let at most `slots` jobs of the group run at once (None = no limit). Running ones are left alone."""
        _check_name(name)
        if slots is not None and (not isinstance(slots, int) or isinstance(slots, bool)):
            raise UsageError(f"{slots!r} is no number of slots", "a group has 1 or more, or None for no limit")
        if slots is not None and not 1 <= slots <= _MOST_SLOTS:
            raise UsageError(f"{slots} slots", "a group has 1 or more, or `none` for no limit")
        from outlast.store.grouping import set_group

        set_group(self._jobs.store, name, slots, now())
        if self._jobs.store.any_active():
            self._jobs.wake()

    def remove_group(self, name: str) -> None:
        """Forget the settings of a group. Raises NotFound, Refused while jobs of it are active."""
        from outlast.store.grouping import remove_group

        remove_group(self._jobs.store, name)

    def pause_group(self, name: str) -> None:
        """Let no job of the group start. Those that run go on; `pause` with `group:NAME` lets them stand still as well."""
        _check_name(name)
        from outlast.store.grouping import pause_group

        pause_group(self._jobs.store, name, now(), paused=True, draining=None)

    def drain_group(self, name: str) -> None:
        """Let the group take no more jobs. Those that it has start and run to their ends."""
        _check_name(name)
        from outlast.store.grouping import pause_group

        pause_group(self._jobs.store, name, now(), paused=None, draining=True)

    def resume_group(self, name: str) -> None:
        """Let the group take and start jobs again. Raises NotFound."""
        if self._jobs.reading is None or not any(group["name"] == name for group in self._jobs.groups()):
            raise NotFound(f"no group `{name[:80]}`", "`outlast group list` shows what there is")
        from outlast.store.grouping import pause_group

        pause_group(self._jobs.store, name, now(), paused=False, draining=False)
        if self._jobs.store.any_active():
            self._jobs.wake()

    def disable(self, names: "str | Sequence[str]", *, regex: bool = False, note: str = "", until: "Any" = None) -> "List[Rule]":
        """Keep jobs of these names from starting; each leaves a record, `disabled`. `regex`: the whole name has to match.

        `until`: a text like "tomorrow 08:00", or a datetime. Raises UsageError.
        """
        from outlast.client.ending import by
        from outlast.core import kinds
        from outlast.core.disabling import Rule, check_pattern

        at = now()
        end = None if until is None else kinds.instant(until, at)
        if end is not None and end <= at:
            raise UsageError("--until names a time that is past", "name one that is to come, or leave it out")
        patterns = [names] if isinstance(names, str) else [*names]
        for pattern in patterns:
            check_pattern(pattern, regex=regex)
        rules = [Rule(pattern=pattern, regex=regex, note=note, until=end, by=by(), at=at) for pattern in patterns]
        with self._jobs.store.batch():
            for rule in rules:
                self._jobs.store.disable(rule)
        return rules

    def enable(self, names: "str | Sequence[str]") -> None:
        """Take back what `disable` did for these names or expressions, all or none. Raises NotFound."""
        with self._jobs.store.batch():
            for name in [names] if isinstance(names, str) else names:
                if not self._jobs.store.enable(name):
                    raise NotFound(f"`{name[:80]}` is not disabled", "`outlast list-disabled` shows what is")

    def list_disabled(self) -> "List[Rule]":
        """Return what disables jobs now."""
        at = now()
        rules = self._jobs.reading.disabled() if self._jobs.reading is not None else []
        return [rule for rule in rules if rule.until is None or at < rule.until]


_MOST_SLOTS = 1_000_000_000


def _check_name(name: str) -> None:
    from outlast.core import kinds

    if not isinstance(name, str) or not kinds.read(kinds.TEXT, name):
        raise UsageError("the group has no name", "name it")
