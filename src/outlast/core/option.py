"""One option: its names, what its value can be, where it is kept. The tables are in `core.options` and `core.verbs`."""

from outlast.core import kinds
from outlast.core.errors import UsageError
from outlast.core.value import Value, made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

PREFIX = "OUTLAST_SET_"
SPEC = "spec"  # kept in the job's spec
JOB = "job"  # kept in a field of the job itself
ENVIRONMENT = "environment"  # kept with the environment; the spec has the names only
NOWHERE = ""  # steers the client only


class Option(Value):
    """One option. `name` is its one name everywhere; `short`, `aliases` are other spellings on the command line.

    `expands`: it is only a shorthand, and its value is kept under that name. `most`: how often it may be given.
    """

    _fields = (
        "name", "kind", "help", "example", "short", "default", "metavar", "choices", "most", "stored", "expands",
        "aliases", "section", "environ",
    )  # fmt: skip
    name: str
    kind: str
    help: str
    example: str  # as written after the verb
    short: str
    default: "Any"
    metavar: str
    choices: tuple[str, ...]
    most: int  # 1: a later one replaces it
    stored: str
    expands: str
    aliases: tuple[str, ...]
    section: str  # heading in help and manual
    environ: bool  # OUTLAST_SET_... sets it

    def __new__(
        cls, name: str, kind: str, help: str, example: str, *, short: str = "", default: "Any" = None, metavar: str = "",
        choices: tuple[str, ...] = (), most: int = 1, stored: str = NOWHERE, expands: str = "", aliases: tuple[str, ...] = (),
        section: str = "", environ: bool | None = None,
    ) -> "Self":  # fmt: skip
        """Set every field; the flag's default is False, and what is stored can be set by the environment."""
        if kind == kinds.FLAG and default is None:
            default = False
        if environ is None:
            environ = bool(stored)
        return made(cls, name, kind, help, example, short, default, metavar, choices, most, stored, expands, aliases, section, environ)

    @property
    def takes_value(self) -> bool:
        """Whether a value follows it on the command line."""
        return self.kind not in {kinds.FLAG, kinds.BOOLEAN}

    @property
    def spellings(self) -> tuple[str, ...]:
        """How it can be written, the canonical one first."""
        return (f"--{self.name}", *(f"--{alias}" for alias in self.aliases), *((f"-{self.short}",) if self.short else ()))

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper().replace(".", "_").replace("-", "_")

    def read(self, given: "Any", now: int | None = None) -> "Any":
        """Return the kept value of what was `given`; times count from `now` (ns). Raises UsageError that names the option."""
        try:
            if self.kind == kinds.INSTANT:
                return kinds.instant(given, now or 0)
            return kinds.read(self.kind, given, self.choices)
        except UsageError as error:
            raise UsageError(f"{self.spellings[0]}: {error.what}", error.hint) from None
