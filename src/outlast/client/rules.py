"""Rules for many jobs: groups, and what is disabled by name."""

from outlast.core.errors import NotFound, UsageError
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as List  # noqa: N812  # the class has a method of that name
    from collections.abc import Sequence
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.core.disabling import Rule


class Rules:
    """The methods of `Jobs` about groups and names."""

    __slots__ = ()

    @property
    def _jobs(self) -> "Jobs":
        """Ourselves, as what we are a part of."""
        return self  # type: ignore[return-value]

    def groups(self) -> "List[dict[str, Any]]":
        """Return all groups: name, slots (None = no limit), paused, running, queued, pending."""
        from outlast.client.listing import true_groups

        return true_groups(self._jobs, self._jobs.reading) if self._jobs.reading is not None else []

    def set_group(self, name: str, slots: int | None) -> None:
        """Let at most `slots` jobs of the group run at once (None = no limit). Running ones are left alone."""
        if slots is not None and slots < 1:
            raise UsageError(f"{slots} slots", "a group has 1 or more, or `none` for no limit")
        self._jobs.store.set_group(name, slots, now())
        if self._jobs.store.any_active():
            self._jobs.wake()

    def remove_group(self, name: str) -> None:
        """Forget the settings of a group. Raises NotFound, Refused while jobs of it are active."""
        self._jobs.store.remove_group(name)

    def pause_group(self, name: str) -> None:
        """Let no job of the group start. Those that run go on; `pause` with `group:NAME` lets them stand still as well."""
        self._jobs.store.pause_group(name, now(), paused=True, draining=False)

    def drain_group(self, name: str) -> None:
        """Let the group take no more jobs. Those that it has start and run to their ends."""
        self._jobs.store.pause_group(name, now(), paused=False, draining=True)
        if self._jobs.store.any_active():
            self._jobs.wake()  # it may have been paused before

    def resume_group(self, name: str) -> None:
        """Let the group take and start jobs again. Raises NotFound."""
        if self._jobs.reading is None or not any(group["name"] == name for group in self._jobs.groups()):
            raise NotFound(f"no group `{name[:80]}`", "`outlast group list` shows what there is")
        self._jobs.store.pause_group(name, now(), paused=False, draining=False)
        if self._jobs.store.any_active():
            self._jobs.wake()

    def disable(
        self, names: "str | Sequence[str]", *, regex: bool = False, note: str = "", until: "Any" = None
    ) -> "List[Rule]":
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
