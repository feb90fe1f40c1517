"""The options of a job: one table for command line, Python keywords, environment, stored spec, help, completion and manual.

A spec is a flat dictionary from dotted names to kept values; it holds only what differs from the default.
"""

from outlast.core import kinds
from outlast.core.errors import UsageError
from outlast.core.value import Value, made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

PREFIX = "OUTLAST_SET_"
_SECOND = 1_000_000_000

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

    def read(self, given: "Any") -> "Any":
        """Return the kept value of what was `given`. Raises UsageError that names the option."""
        try:
            return kinds.read(self.kind, given, self.choices)
        except UsageError as error:
            raise UsageError(f"{self.spellings[0]}: {error.what}", error.hint) from None


_IDENTITY = "What it is"
_SURROUNDINGS = "What it runs in"
_OVERLAP = "When it is running already"
_RETRIES = "Running it again"
_STOPPING = "Ending it"
_LIMITING = "Limiting it"
_OUTPUT = "Keeping its output"
_SUBMITTING = "Submitting"

OPTIONS: tuple[Option, ...] = (
    Option("name", kinds.TEXT, "what to call the job; need not be unique (default: the command line)", "--name backup",
           metavar="NAME", stored=JOB, section=_IDENTITY),
    Option("description", kinds.TEXT, "a sentence about it", "--description 'nightly copy of /srv'",
           default="", metavar="TEXT", stored=JOB, section=_IDENTITY),
    Option("group", kinds.TEXT, "the group it belongs to; a group with slots limits how many of its jobs run at once",
           "--group nightly", short="g", metavar="GROUP", stored=JOB, section=_IDENTITY),
    Option("info", kinds.TEXT, "free text to find it by; up to three times", "--info ticket-4711",
           default=("", "", ""), metavar="TEXT", most=3, stored=JOB, section=_IDENTITY),
    Option("param", kinds.ASSIGNMENT, "a named fact to find it by; repeatable", "--param region=eu",
           default={}, metavar="NAME=VALUE", most=1000, stored=JOB, section=_IDENTITY),
    Option("key", kinds.TEXT, "refuse it while another job with this key has not ended", "--key backup-srv",
           metavar="KEY", stored=JOB, section=_OVERLAP),
    Option("unique", kinds.FLAG, "its name is its key", "--unique --name backup", stored=SPEC, section=_OVERLAP),
    Option("overlap", kinds.CHOICE,
           "while a job with the same key, else the same name, has not ended: `skip` this one (it leaves a record), or `allow` both",
           "--overlap skip --name sync", metavar="RULE", choices=("skip", "allow"), stored=SPEC, section=_OVERLAP),
    Option("cwd", kinds.TEXT, "the directory to run in (default: where you are)", "--cwd /srv",
           short="C", metavar="DIR", stored=JOB, section=_SURROUNDINGS),
    Option("env", kinds.VARIABLE, "set an environment variable; NAME alone: as it is here; repeatable", "--env LANG=C",
           short="e", default={}, metavar="NAME=VALUE", most=10000, stored=ENVIRONMENT, section=_SURROUNDINGS),
    Option("unset-env", kinds.NAME, "leave an environment variable out; repeatable", "--unset-env DISPLAY",
           default=(), metavar="NAME", most=10000, stored=ENVIRONMENT, section=_SURROUNDINGS),
    Option("shell", kinds.BOOLEAN,
           "run the words as a line of `/bin/sh -c`; `--no-shell`: never (default: only one word with white space or shell characters)",
           "--shell -- 'make && make install'", section=_SURROUNDINGS, environ=False),
    Option("stdin", kinds.TEXT,
           "what the command reads: `null`, a file, or `live`: what `outlast send` gives it (default: null; in front, your own stdin)",
           "--stdin data.txt",
           metavar="PATH", stored=SPEC, section=_SURROUNDINGS),
    Option("retries", kinds.TRIES, "try N more times until it succeeds; shorthand for retries.num-runs = N + 1", "--retries 3",
           metavar="N", stored=SPEC, expands="retries.num-runs", section=_RETRIES),
    Option("retries.num-runs", kinds.LIMIT, "run it at most N times until it succeeds; `none` or -1: without limit", "--retries.num-runs 4",
           default=1, metavar="N", stored=SPEC, section=_RETRIES),
    Option("retries.delay", kinds.GRACE, "wait so long between two runs", "--retries 3 --retries.delay 30s",
           default=0, metavar="DURATION", stored=SPEC, section=_RETRIES),
    Option("retries.success-codes", kinds.CODES, "exit codes that mean success", "--retries.success-codes 0,3",
           default=(0,), metavar="CODES", stored=SPEC, section=_RETRIES),
    Option("retries.failure-codes", kinds.CODES,
           "exit codes that mean failure; then a code in neither list is neutral (default: every other code)",
           "--retries.failure-codes 1,100-127", default=(), metavar="CODES", stored=SPEC, section=_RETRIES),
    Option("stop.signal", kinds.SIGNAL, "the signal that asks it to end", "--stop-signal INT",
           default=15, metavar="SIGNAL", stored=SPEC, aliases=("stop-signal",), section=_STOPPING),
    Option("stop.grace", kinds.GRACE, "how long it may take to end before SIGKILL", "--stop.grace 1m",
           default=10 * _SECOND, metavar="DURATION", stored=SPEC, section=_STOPPING),
    Option("leftovers.action", kinds.CHOICE, "what becomes of processes that the command leaves behind: `keep` them or `stop` them",
           "--leftovers stop", default="keep", metavar="ACTION", choices=("keep", "stop"), stored=SPEC, aliases=("leftovers",),
           section=_STOPPING),
    Option("leftovers.grace", kinds.GRACE, "how long their output is read after the command has ended", "--leftovers.grace 5s",
           default=2 * _SECOND, metavar="DURATION", stored=SPEC, section=_STOPPING),
    Option("limit.memory", kinds.SIZE,
           "memory that it may use: all its processes together where outlast has a cgroup of its own, else each one's address space",
           "--limit.memory 2GiB", metavar="SIZE", stored=SPEC, section=_LIMITING),
    Option("limit.processes", kinds.LIMIT,
           "processes and threads that it may have; without a cgroup all of yours on the machine count, as for `ulimit -u`",
           "--limit.processes 5000", metavar="N", stored=SPEC, section=_LIMITING),
    Option("limit.cpus", kinds.CPUS, "CPUs that it may use, as in `1.5`; without a cgroup it is bound to so many whole ones",
           "--limit.cpus 1.5", metavar="N", stored=SPEC, section=_LIMITING),
    Option("limit.cpu-time", kinds.DURATION, "CPU time of each process: SIGXCPU after it, SIGKILL 5 s later", "--limit.cpu-time 1h",
           metavar="DURATION", stored=SPEC, section=_LIMITING),
    Option("limit.file-size", kinds.SIZE, "the size of every file that it writes; SIGXFSZ beyond", "--limit.file-size 1GiB",
           metavar="SIZE", stored=SPEC, section=_LIMITING),
    Option("limit.nice", kinds.NICE, "its nice value, -20 to 19; less than your own takes a privilege", "--limit.nice 10",
           metavar="N", stored=SPEC, section=_LIMITING),
    Option("log.stdout", kinds.BOOLEAN, "keep what it writes to stdout", "--no-log.stdout", default=True, stored=SPEC, section=_OUTPUT),
    Option("log.stderr", kinds.BOOLEAN, "keep what it writes to stderr", "--log.stderr=false", default=True, stored=SPEC, section=_OUTPUT),
    Option("log.file.max-bytes", kinds.SIZE, "begin a new log file at this size", "--log.file.max-bytes 100MiB",
           default=32 << 20, metavar="SIZE", stored=SPEC, section=_OUTPUT),
    Option("log.run.max-files", kinds.LIMIT, "keep so many log files of a run: its first and its last ones", "--log.run.max-files 20",
           default=8, metavar="N", stored=SPEC, section=_OUTPUT),
    Option("foreground", kinds.FLAG, "stay in front: pass input and output through, exit as the command does", "--wait -- make",
           short="w", aliases=("wait",), section=_SUBMITTING),
    Option("fail-if-not-run", kinds.FLAG, "with --wait: exit with 75 if it was skipped or disabled",
           "--wait --fail-if-not-run --overlap skip -- sync", section=_SUBMITTING),
    Option("from", kinds.TEXT, "submit one job per line of FILE (`-`: stdin)", "--from commands.txt", metavar="FILE", section=_SUBMITTING),
    Option("jobs", kinds.INTEGER, "with --from and without --group: run at most N of them at once (default: the number of cores)",
           "--from commands.txt -j 4", short="j", metavar="N", section=_SUBMITTING),
)  # fmt: skip

BY_NAME: "dict[str, Option]" = {option.name: option for option in OPTIONS}
_SHORTHANDS = {"leftovers": "leftovers.action"}  # a bare table name, where it is no option of its own
_LEAST = {"log.run.max-files": 2, "log.file.max-bytes": 1024, "limit.memory": 1 << 20}
_MOST = {"log.run.max-files": 1000, "leftovers.grace": 1_000_000 * _SECOND}  # what shims take (docs/shim-protocol.md)


def flatten(keywords: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return the spec of Python keywords: `retries={"num_runs": 3}` is `{"retries.num-runs": 3}`.

    None means not given; no limit is "none" or -1. Durations may be texts, seconds or timedelta. Raises UsageError for a name
    or a value that is not known.
    """
    spec: dict[str, Any] = {}
    _walk(keywords, "", spec)
    return settle(spec)


def _walk(keywords: "Mapping[str, Any]", prefix: str, spec: "dict[str, Any]") -> None:
    for key, given in keywords.items():
        name = prefix + str(key).replace("_", "-")
        option = BY_NAME.get(name) or BY_NAME.get(_SHORTHANDS.get(name, ""))
        if hasattr(given, "items") and any(known.startswith(f"{name}.") for known in BY_NAME):
            _walk(given, f"{name}.", spec)
        elif option is None or option.section == _SUBMITTING:
            from outlast.core.nearest import hint

            known = [option.name for option in OPTIONS if option.section != _SUBMITTING]
            raise UsageError(f"there is no option `{name}`", hint(name, known))
        elif given is not None:
            put(spec, option, given)


def put(spec: "dict[str, Any]", option: Option, given: "Any") -> None:
    """Read what was `given` for `option` into `spec`; a repeatable one adds to what is there. Raises UsageError."""
    if option.most == 1:
        value = option.read(given)
        if option.kind == kinds.TRIES and value is not None:
            value += 1
        spec[option.expands or option.name] = value
        return
    if option.kind in {kinds.ASSIGNMENT, kinds.VARIABLE}:
        spec[option.name] = {**spec.get(option.name, {}), **option.read(given)}
        return
    items = list(given) if isinstance(given, list | tuple | set | frozenset) else [given]
    values = [option.read(item) for item in items]
    if option.kind in {kinds.NAME, kinds.WORDS, kinds.SORT}:
        values = [word for value in values for word in value]
    values = [*spec.get(option.name, []), *values]
    if len(values) > option.most:
        raise UsageError(f"{option.spellings[0]} is given {len(values)} times", f"{option.most} is the most")
    spec[option.name] = values


def settle(spec: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return `spec` checked as a whole, without what equals its default, in the order of the table. Raises UsageError."""
    if "key" in spec and spec.get("unique"):
        raise UsageError("--key and --unique exclude each other", "--unique means that the name is the key")
    _check_bounds(spec)
    if spec.get("retries.success-codes", (0,)) == []:
        raise UsageError("--retries.success-codes: no code would mean success", "name at least one, as in `0,3`")
    both = set(spec.get("retries.success-codes", (0,))).intersection(spec.get("retries.failure-codes", ()))
    if both:
        raise UsageError(f"exit code {min(both)} cannot mean both success and failure", "take it out of one of the two lists")
    for name in ("key", "group", "name"):
        if spec.get(name) == "":
            raise UsageError(f"--{name} is empty", "leave the option out")
    settled: dict[str, Any] = {}
    for option in OPTIONS:
        if option.name in spec:
            kept = spec[option.name]
            if option.name == "info":
                kept = [*kept, "", ""][:3]
            default = list(option.default) if isinstance(option.default, tuple) else option.default
            if kept != default:
                settled[option.name] = kept
    return settled


def _check_bounds(spec: "Mapping[str, Any]") -> None:
    for name, least in _LEAST.items():
        if spec.get(name) is not None and spec[name] < least:
            raise UsageError(f"--{name}: {spec[name]} is too small", f"it is at least {least}; `none` is no limit")
    for name, most in _MOST.items():
        if spec.get(name) is not None and spec[name] > most:
            kind = BY_NAME[name].kind
            raise UsageError(f"--{name}: {kinds.spell(kind, spec[name])} is too large", f"it is at most {kinds.spell(kind, most)}")


def value(spec: "Mapping[str, Any]", name: str) -> "Any":
    """Return what holds for the option `name`: the stored value, or its default."""
    return spec[name] if name in spec else BY_NAME[name].default


def stored(spec: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return what the job's spec keeps of `spec`: its policies, and of the environment the names only."""
    kept: dict[str, Any] = {}
    for name, given in spec.items():
        where = BY_NAME[name].stored
        if where == SPEC:
            kept[name] = given
        elif where == ENVIRONMENT:
            kept[name] = sorted(given)
    return kept


def spelled(spec: "Mapping[str, Any]") -> "dict[str, str]":
    """Return every value of `spec` as a person would write it; names that this version does not know as they are."""
    return {name: kinds.spell(BY_NAME[name].kind if name in BY_NAME else "", given) for name, given in spec.items()}
