"""What is kept how long: the limits that there are, what holds for whom, and which of what has ended goes, the oldest first.

Two things go: the *output* of runs, whose records stay, and the *records* of jobs with everything of them. Only of what has ended.
A group's own limit takes the place of the home's: what belongs to such a group is a pool of its own, and all the rest is one together.
"""

from outlast.core import kinds
from outlast.core.errors import UsageError
from outlast.core.option import Option
from outlast.core.options import BY_NAME as OPTIONS
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_DAY = 86_400_000_000_000
HOME = ""  # the scope of what holds for all
REST = None  # the pool of all that have no limit of their own

LOG_AGE, LOG_BYTES, AGE, JOBS = "retention.log-age", "retention.log-bytes", "retention.age", "retention.jobs"
JOB_RUNS, JOB_BYTES = "log.job.max-runs", "log.job.max-bytes"  # also options of a job, whose own values come first

LIMITS: tuple[Option, ...] = (
    Option(LOG_AGE, kinds.DURATION, "keep the output of a run for so long after its end; its record stays", "--retention.log-age 90d",
           default=30 * _DAY, metavar="DURATION"),
    Option(LOG_BYTES, kinds.SIZE, "keep so many bytes of output; the oldest goes first", "--retention.log-bytes 50GiB",
           default=10 << 30, metavar="SIZE"),
    Option(AGE, kinds.DURATION, "keep the records of jobs for so long after their end; their output goes with them",
           "--retention.age 365d", metavar="DURATION"),
    Option(JOBS, kinds.LIMIT, "keep the records of so many jobs that have ended; the oldest go first", "--retention.jobs 100000",
           metavar="N"),
    *(Option(name, OPTIONS[name].kind, OPTIONS[name].help, OPTIONS[name].example, metavar=OPTIONS[name].metavar)
      for name in (JOB_RUNS, JOB_BYTES)),
)  # fmt: skip
BY_NAME: "dict[str, Option]" = {option.name: option for option in LIMITS}
NAMES = tuple(BY_NAME)
UNSET = Option("unset", kinds.WORDS, "let these limits be as they are without having been set", "--unset retention.log-age",
               metavar="LIMIT,...", choices=NAMES)  # fmt: skip


def scope_of(group: str | None) -> str:
    """Return the scope under which a group's settings are kept; None: the home's."""
    return HOME if group is None else f"group:{group}"


def given(words: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return limits by name from Python keywords: `retention={"log_age": "7d"}` or `{"retention.log-age": "7d"}`. Raises UsageError."""
    found: dict[str, Any] = {}

    def walk(values: "Mapping[str, Any]", prefix: str) -> None:
        for key, value in values.items():
            name = prefix + str(key).replace("_", "-")
            if hasattr(value, "items"):
                walk(value, f"{name}.")
            elif name in BY_NAME:
                found[name] = BY_NAME[name].read(value)
            else:
                from outlast.core.nearest import hint

                raise UsageError(f"there is no limit `{name}`", hint(name, NAMES))

    walk(words, "")
    return found


def spelled(name: str, value: "int | None") -> str:
    """Return a kept value of a limit as a person would write it: what is read back as the same; days are not called weeks."""
    kind = BY_NAME[name].kind
    return f"{value // _DAY}d" if kind == kinds.DURATION and value and value % _DAY == 0 else kinds.spell(kind, value)


def told(name: str, value: "int | None") -> "float | None":
    """Return a kept value of a limit as JSON has it: seconds, bytes, or a number; None: no limit."""
    return value / 1_000_000_000 if value is not None and BY_NAME[name].kind == kinds.DURATION else value


class Limit(Value):
    """What holds: `value` (ns, bytes or a number; None: no limit), and where it comes from: `default`, `set`, `group`, `given`."""

    _fields = ("name", "value", "origin")
    name: str
    value: "int | None"
    origin: str

    @property
    def text(self) -> str:
        """The limit as a person would write it."""
        return spelled(self.name, self.value)


class Policy:
    """All limits of a home: by scope and name what was set, and what is `given` for this time only, for everybody."""

    __slots__ = ("_given", "_set")

    def __init__(self, settings: "Mapping[str, Mapping[str, Any]]", given: "Mapping[str, Any] | None" = None) -> None:
        """`settings`: scope -> name -> kept value."""
        self._set = settings
        self._given = given or {}

    def limit(self, name: str, group: str | None = None) -> Limit:
        """Return what holds for a group, or (None) for whoever has no limit of its own."""
        if name in self._given:
            return Limit(name=name, value=self._given[name], origin="given")
        for scope, origin in ((scope_of(group), "group"), (HOME, "set")):
            if scope != HOME or origin == "set":
                held = self._set.get(scope, {})
                if name in held:
                    return Limit(name=name, value=held[name], origin=origin)
        return Limit(name=name, value=BY_NAME[name].default, origin="default")

    def groups(self, name: str) -> "list[str]":
        """Return the groups that have a limit `name` of their own."""
        if name in self._given:
            return []
        return [scope.removeprefix("group:") for scope, held in self._set.items() if scope != HOME and name in held]

    def scopes(self, *names: str) -> "list[str | None]":
        """Return who has to be looked at for limits: (None) the rest, if it has one of them, and the groups that have their own."""
        groups = dict.fromkeys(group for name in names for group in self.groups(name))
        rest: list[str | None] = [REST] if any(self.limit(name).value is not None for name in names) else []
        return [*rest, *(group for group in groups if any(self.limit(name, group).value is not None for name in names))]

    def longest(self, name: str) -> "int | None":
        """Return the largest value that holds for anybody; None: for somebody there is no limit."""
        values = [self.limit(name, group).value for group in (None, *self.groups(name))]
        return None if None in values else max(value for value in values if value is not None)

    def for_job(self, name: str, spec: "Mapping[str, Any]", group: str | None) -> "int | None":
        """Return what holds for one job, whose own option comes first."""
        own: int | None = spec[name] if name in spec else self.limit(name, group).value
        return own


class Judge:
    """Says of items, one after the other and the oldest first, which go by an `age` limit or to get below `most`.

    `totals`: group (None: of all) -> how much there is; `weight` below is what an item is of that.
    """

    __slots__ = ("_age", "_left", "_most", "_now")

    def __init__(self, policy: Policy, age: str, most: str, totals: "Mapping[str | None, int]", now: int) -> None:
        """`totals` has the sum of everything under None, and that of each group that has its own limit under its name."""
        self._now = now
        self._age = {group: policy.limit(age, group) for group in (REST, *policy.groups(age))}
        self._most = {group: policy.limit(most, group) for group in (REST, *policy.groups(most))}
        self._left = {group: totals.get(group, 0) for group in self._most}
        self._left[REST] -= sum(left for group, left in self._left.items() if group is not REST)

    def reason(self, group: str | None, ended_at: int, weight: int) -> str | None:
        """Return by which limit an item goes, or None; what goes is off the total."""
        aged = group if group in self._age else REST
        pool = group if group in self._most else REST
        age, most = self._age[aged], self._most[pool]
        by: Limit | None = None
        if age.value is not None and ended_at < self._now - age.value:
            by, whose = age, aged
        elif most.value is not None and self._left[pool] > most.value:
            by, whose = most, pool
        if by is None:
            return None
        self._left[pool] -= weight
        return f"{by.name} {by.text}" + (f" of group `{whose}`" if whose is not REST else "")

    def is_through(self, ended_at: int, groups: "Iterable[str | None] | None" = None) -> bool:
        """Tell whether nothing of these groups (None among them: of the rest; alone: of all) that ended then or later goes any more."""
        for group in {*self._age, *self._most} if groups is None else groups:
            age = self._age[group if group in self._age else REST].value
            pool = group if group in self._most else REST
            most = self._most[pool].value
            if (age is not None and ended_at < self._now - age) or (most is not None and self._left[pool] > most):
                return False
        return True


def over_the_limit(kept: "Iterable[tuple[int, int]]", most_runs: "int | None", most_bytes: "int | None") -> "dict[int, str]":
    """Return which runs of one job lose their output, and by which limit: `kept` is (run, bytes), the newest first."""
    going, total = {}, 0
    for place, (run, size) in enumerate(kept):
        total += size
        if most_runs is not None and place >= most_runs:
            going[run] = f"{JOB_RUNS} {most_runs}"
        elif most_bytes is not None and place and total > most_bytes:
            going[run] = f"{JOB_BYTES} {spelled(JOB_BYTES, most_bytes)}"
    return going


def merged(last: "tuple[int, int, str, int] | None", job: int, reason: str, at: int) -> bool:
    """Tell whether a job that is removed at `at` joins the range (first, last, reason, at) that ends right before it."""
    return last is not None and last[1] == job - 1 and last[2] == reason and last[3] // _DAY == at // _DAY
