"""The options of a job: one table for command line, Python keywords, environment, stored spec, help, completion and manual.

A spec is a flat dictionary from dotted names to kept values; it holds only what differs from the default.
"""

from outlast.core import kinds
from outlast.core.errors import UsageError
from outlast.core.option import ENVIRONMENT, JOB, SPEC, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_SECOND = 1_000_000_000

_IDENTITY = "What it is"
_SURROUNDINGS = "What it runs in"
_OVERLAP = "When it is running already"
_WAITING = "Waiting for a time or a condition"
_ORDER = "Waiting for other jobs, for people, for room"
_LIMITS = "Limiting its time"
_RETRIES = "Running it again"
_WARNING = "Warning of it"
_STOPPING = "Ending it"
_LIMITING = "Limiting it"
_OUTPUT = "Keeping its output"
_SEEING = "Seeing how far it is"
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
    Option("overlap", kinds.OVERLAP,
           "while a job with the same key, else the same name, has not ended: `skip` this one (it leaves a record); `queue` it behind that"
           " one (`queue=N`: at most N wait, more are skipped; `queue=1` is exactly one more, however many ask); `replace` that one,"
           " which is stopped first; `allow` both (`allow=N`: at most N, more are skipped); `join` that one: its id is yours, if command,"
           " directory and --env are the same",
           "--overlap queue=2 --name sync", metavar="RULE", choices=("skip", "queue[=N]", "replace", "allow[=N]", "join"), stored=SPEC,
           section=_OVERLAP),
    Option("unless-fresh", kinds.GRACE, "skip it if one with the same key, else the same name, succeeded so recently",
           "--unless-fresh 24h --name backup", metavar="DURATION", stored=SPEC, section=_OVERLAP),
    Option("wait.datetime", kinds.INSTANT, "do not start it before then", "--wait.datetime 'tomorrow 06:00'", metavar="TIME", stored=SPEC,
           section=_WAITING),
    Option("wait.timedelta", kinds.GRACE, "do not start it before so long has passed", "--wait.timedelta 1.5h", metavar="DURATION",
           stored=SPEC, aliases=("delay",), section=_WAITING),
    Option("wait.file", kinds.TEXT, "not before this file exists; repeatable", "--wait.file data/ready", default=(), metavar="PATH",
           most=1000, stored=SPEC, section=_WAITING),
    Option("wait.nonopen-file", kinds.TEXT, "not before this file exists and no process has it open; repeatable",
           "--wait.nonopen-file upload.tar", default=(), metavar="PATH", most=1000, stored=SPEC, section=_WAITING),
    Option("wait.script", kinds.TEXT, "not before this command returns 0: a program, or a shell line; repeatable",
           "--wait.script 'test -s data.txt'", default=(), metavar="COMMAND", most=100, stored=SPEC, section=_WAITING),
    Option("wait.http", kinds.TEXT, "not before this address answers with a status of 200 to 299; repeatable",
           "--wait.http http://localhost:8080/health", default=(), metavar="URL", most=100, stored=SPEC, section=_WAITING),
    Option("wait.s3", kinds.TEXT, "not before this object exists, or anything below a prefix that ends with `/`; repeatable",
           "--wait.s3 s3://bucket/day/done", default=(), metavar="URL", most=100, stored=SPEC, section=_WAITING),
    Option("wait.condition", kinds.TEXT, "not before a condition of a kind that a plugin brought is met; repeatable",
           "--wait.condition file:data/ready", default=(), metavar="KIND:WORD", most=100, stored=SPEC, section=_WAITING),
    Option("wait.any", kinds.BOOLEAN, "one of the times and conditions is enough (default: all, at the same time)",
           "--wait.any --wait.file a --wait.timedelta 1h", default=False, stored=SPEC, section=_WAITING),
    Option("wait.poll-interval", kinds.GRACE, "look so often at what cannot be watched: scripts, addresses, objects",
           "--wait.poll-interval 10s --wait.script ./ready", default=60 * _SECOND, metavar="DURATION", stored=SPEC, section=_WAITING),
    Option("wait.probe-timeout", kinds.GRACE, "end a look that takes longer than this; it then counts as not met",
           "--wait.probe-timeout 2m --wait.script ./ready", default=30 * _SECOND, metavar="DURATION", stored=SPEC, section=_WAITING),
    Option("wait.extra-delay", kinds.GRACE, "start so long after they are met", "--wait.extra-delay 5m --wait.file data/ready",
           default=0, metavar="DURATION", stored=SPEC, section=_WAITING),
    Option("wait.abort-datetime", kinds.INSTANT, "if it could not start before then, end it as `aborted`, without a run",
           "--wait.abort-datetime 'in 8h' --wait.file data/ready", metavar="TIME", stored=SPEC, section=_WAITING),
    Option("after.succeeded", kinds.JOBS, "start it when these jobs have succeeded; if one ends otherwise it is `aborted`; repeatable",
           "--after 1", default=(), metavar="JOB,...", most=100_000, stored=SPEC, aliases=("after",), section=_ORDER),
    Option("after.failed", kinds.JOBS, "start it when these jobs have failed, in whatever way; repeatable",
           "--after.failed 1", default=(), metavar="JOB,...", most=100_000, stored=SPEC, section=_ORDER),
    Option("after.ended", kinds.JOBS, "start it when these jobs have ended, however; repeatable", "--after.ended 1",
           default=(), metavar="JOB,...", most=100_000, stored=SPEC, section=_ORDER),
    Option("after.outcome", kinds.ASSIGNMENT, "start it when a job has ended with one of these outcomes; repeatable",
           "--after.outcome 1=succeeded,neutral", default={}, metavar="JOB=OUTCOME,...", most=100_000, stored=SPEC, section=_ORDER),
    Option("while-running", kinds.JOBS,
           "start it only while these jobs run: not before they do, and not at all once one has ended; repeatable",
           "--while-running 1", default=(), metavar="JOB,...", most=1000, stored=SPEC, section=_ORDER),
    Option("hold", kinds.FLAG, "keep it until somebody releases it with `outlast release`", "--hold", stored=JOB, section=_ORDER),
    Option("pending", kinds.TEXT, "hold it, and release all with the same VALUE by `outlast release --pending VALUE`", "--pending deploy-7",
           metavar="VALUE", stored=SPEC, section=_ORDER),
    Option("approval", kinds.FLAG, "keep it until somebody approves it with `outlast approve`", "--approval", stored=SPEC, section=_ORDER),
    Option("id", kinds.INTEGER, "be the job whose id `outlast reserve` gave out", "--id 7", metavar="N", stored=JOB, environ=False,
           section=_ORDER),
    Option("priority", kinds.SIGNED, "start it before the others of its group if this number is higher", "--priority 10", default=0,
           metavar="N", stored=JOB, section=_ORDER),
    Option("slots", kinds.INTEGER, "take so many slots of its group", "--slots 2 --group nightly", default=1, metavar="N", stored=SPEC,
           section=_ORDER),
    Option("mutex", kinds.TEXT, "never run it while another job with the same word runs; repeatable", "--mutex tape-drive", default=(),
           metavar="WORD", most=100, stored=JOB, section=_ORDER),
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
    Option("retries.num-runs", kinds.LIMIT, "run it at most N times; `none` or -1: without limit", "--retries.num-runs 4",
           default=1, metavar="N", stored=SPEC, section=_RETRIES),
    Option("retries.num-successes", kinds.LIMIT, "run it until it has succeeded N times; `none`: go on whatever succeeds",
           "--retries.num-runs none --retries.num-successes 3", default=1, metavar="N", stored=SPEC, section=_RETRIES),
    Option("retries.num-failures", kinds.LIMIT, "run it no more once it has failed N times", "--retries 9 --retries.num-failures 3",
           metavar="N", stored=SPEC, section=_RETRIES),
    Option("retries.abort-datetime", kinds.INSTANT, "if the next run would start after then, end it as `aborted`",
           "--retries 9 --retries.abort-datetime 'in 2h'", metavar="TIME", stored=SPEC, section=_RETRIES),
    Option("retries.delay", kinds.GRACE, "wait so long between two runs", "--retries 3 --retries.delay 30s",
           default=0, metavar="DURATION", stored=SPEC, section=_RETRIES),
    Option("retries.success-delay", kinds.GRACE, "wait so long after a run that succeeded (default: as after any other)",
           "--retries.num-runs 5 --retries.num-successes none --retries.success-delay 1h", metavar="DURATION", stored=SPEC,
           section=_RETRIES),
    Option("retries.exponential-backoff-base", kinds.NUMBER,
           "multiply the delay by this after each run: delay, then delay*B, then delay*B*B and so on",
           "--retries 8 --retries.delay 1s --retries.exponential-backoff-base 2", default=1.0, metavar="B", stored=SPEC, section=_RETRIES),
    Option("retries.max-delay", kinds.DURATION,
           "never wait longer, with a base above 1 (default: the larger of retries.delay and 10m; `none`: as long as it gets)",
           "--retries 8 --retries.delay 1s --retries.exponential-backoff-base 3 --retries.max-delay 1m", default=0, metavar="DURATION",
           stored=SPEC, section=_RETRIES),
    Option("retries.jitter-range", kinds.GRACE, "shift each delay by chance, by at most half of this, to both sides",
           "--retries 3 --retries.delay 10s --retries.jitter-range 4s", default=0, metavar="DURATION", stored=SPEC, section=_RETRIES),
    Option("retries.after-interrupt", kinds.BOOLEAN, "run it again if the machine ended while it ran, or if what became of it is not known",
           "--retries.after-interrupt", default=False, stored=SPEC, section=_RETRIES),
    Option("retries.success-codes", kinds.CODES, "exit codes that mean success", "--retries.success-codes 0,3",
           default=(0,), metavar="CODES", stored=SPEC, section=_RETRIES),
    Option("retries.failure-codes", kinds.CODES,
           "exit codes that mean failure; then a code in neither list is neutral (default: every other code)",
           "--retries.failure-codes 1,100-127", default=(), metavar="CODES", stored=SPEC, section=_RETRIES),
    Option("timeout.run", kinds.SPAN,
           "end a run that takes longer; `300%`: than three times the usual, the median of the last ones of this name that succeeded",
           "--timeout 1h", metavar="DURATION", stored=SPEC, aliases=("timeout",), section=_LIMITS),
    Option("timeout.job", kinds.DURATION, "end the job if all of it takes longer, waits and runs together", "--timeout.job 8h",
           metavar="DURATION", stored=SPEC, section=_LIMITS),
    Option("timeout.heartbeat", kinds.DURATION, "end a run whose $OUTLAST_FEEDBACK file is not touched for so long",
           "--timeout.heartbeat 5m", metavar="DURATION", stored=SPEC, section=_LIMITS),
    Option("timeout.output", kinds.DURATION, "end a run that writes nothing for so long", "--timeout.output 10m", metavar="DURATION",
           stored=SPEC, section=_LIMITS),
    Option("timeout.soft.run", kinds.SPAN, "warn of a run that takes longer", "--timeout.soft.run 150%", metavar="DURATION", stored=SPEC,
           section=_LIMITS),
    Option("timeout.soft.job", kinds.DURATION, "warn of a job that takes longer", "--timeout.soft.job 6h", metavar="DURATION", stored=SPEC,
           section=_LIMITS),
    Option("timeout.soft.heartbeat", kinds.DURATION, "warn of a run whose $OUTLAST_FEEDBACK file is not touched for so long",
           "--timeout.soft.heartbeat 2m", metavar="DURATION", stored=SPEC, section=_LIMITS),
    Option("timeout.soft.output", kinds.DURATION, "warn of a run that writes nothing for so long", "--timeout.soft.output 5m",
           metavar="DURATION", stored=SPEC, section=_LIMITS),
    Option("timeout.warn-signal", kinds.SIGNAL, "send it this signal before timeout.run or timeout.job ends it",
           "--timeout 1h --timeout.warn-signal USR1", metavar="SIGNAL", stored=SPEC, section=_LIMITS),
    Option("timeout.warn-before", kinds.GRACE, "so long before", "--timeout 1h --timeout.warn-signal USR1 --timeout.warn-before 5m",
           default=60 * _SECOND, metavar="DURATION", stored=SPEC, section=_LIMITS),
    Option("warn.output", kinds.TEXT, "warn if a line of its output matches this regular expression; repeatable",
           "--warn.output 'ERROR|FATAL'", default=(), metavar="RE", most=100, stored=SPEC, section=_WARNING),
    Option("warn.file", kinds.TEXT,
           "warn if a line that is added to this file while it runs matches; a `=` of the path is written `\\=`; repeatable",
           "--warn.file app.log=ERROR", default=(), metavar="PATH=RE", most=100, stored=SPEC, section=_WARNING),
    Option("warn.free-space", kinds.TEXT,
           "warn while less than this is free where PATH lies (default: the directory it runs in); repeatable",
           "--warn.free-space /srv=10GiB", default=(), metavar="[PATH=]SIZE", most=100, stored=SPEC, section=_WARNING),
    Option("warn.interval", kinds.GRACE, "look so often (default: 1s, for free space 10s)", "--warn.interval 5s --warn.output ERROR",
           metavar="DURATION", stored=SPEC, section=_WARNING),
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
    Option("feedback", kinds.TEXT,
           "the file in which the command reports, $OUTLAST_FEEDBACK (default: one of each run's own); what is there before is ignored",
           "--feedback feedback.log", metavar="PATH", stored=SPEC, section=_OUTPUT),
    Option("feedpath", kinds.TEXT, "the directory in which it reports, to a file called `feedback_ID.log`", "--feedpath data",
           metavar="DIR", stored=SPEC, section=_OUTPUT),
    Option("log.stdout", kinds.BOOLEAN, "keep what it writes to stdout", "--no-log.stdout", default=True, stored=SPEC, section=_OUTPUT),
    Option("log.stderr", kinds.BOOLEAN, "keep what it writes to stderr", "--log.stderr=false", default=True, stored=SPEC, section=_OUTPUT),
    Option("log.file.max-bytes", kinds.SIZE, "begin a new log file at this size", "--log.file.max-bytes 100MiB",
           default=32 << 20, metavar="SIZE", stored=SPEC, section=_OUTPUT),
    Option("log.run.max-files", kinds.LIMIT, "keep so many log files of a run: its first and its last ones", "--log.run.max-files 20",
           default=8, metavar="N", stored=SPEC, section=_OUTPUT),
    Option("log.job.max-runs", kinds.LIMIT, "keep the output of so many runs of a job: the last ones", "--log.job.max-runs 5",
           metavar="N", stored=SPEC, section=_OUTPUT),
    Option("log.job.max-bytes", kinds.SIZE, "keep so many bytes of output of a job, in its last runs; the very last one's in any case",
           "--log.job.max-bytes 1GiB", metavar="SIZE", stored=SPEC, section=_OUTPUT),
    Option("progress.pattern", kinds.TEXT,
           "a regular expression that tells by a line of its output how far it is, by groups: done, total, percent, unit, text; repeatable",
           r"--progress.pattern 'frame (?P<done>\d+) out of (?P<total>\d+)'", default=(), metavar="RE", most=20, stored=SPEC,
           section=_SEEING),
    Option("progress.alias", kinds.ASSIGNMENT,
           "what a word before a number means in lines like `word=5`: `done`, `total`, `percent`, or `unit` before a word; repeatable",
           "--progress.alias frames=done --progress.alias frame_count=total", default={}, metavar="WORD=ROLE", most=100, stored=SPEC,
           section=_SEEING),
    Option("progress.from", kinds.CHOICE, "where its progress is looked for, if it does not report it itself: `output`, or `none`",
           "--progress.from none", default="output", metavar="WHERE", choices=("output", "none"), stored=SPEC, section=_SEEING),
    Option("foreground", kinds.FLAG, "stay in front: pass input and output through, exit as the command does", "--wait -- make",
           short="w", aliases=("wait",), section=_SUBMITTING),
    Option("fail-if-not-run", kinds.FLAG, "with --wait: exit with 75 if it was skipped or disabled",
           "--wait --fail-if-not-run --overlap skip -- sync", section=_SUBMITTING),
    Option("dry-run", kinds.FLAG, "say what would happen, with the times of the first five retries; nothing is submitted",
           "--dry-run --retries 5 --retries.delay 1m -- make", section=_SUBMITTING),
    Option("from", kinds.TEXT, "submit one job per line of FILE (`-`: stdin)", "--from commands.txt", metavar="FILE", section=_SUBMITTING),
    Option("jobs", kinds.INTEGER, "with --from and without --group: run at most N of them at once (default: the number of cores)",
           "--from commands.txt -j 4", short="j", metavar="N", section=_SUBMITTING),
)  # fmt: skip

BY_NAME: "dict[str, Option]" = {option.name: option for option in OPTIONS}
_SHORTHANDS = {"leftovers": "leftovers.action", "timeout": "timeout.run", "after": "after.succeeded"}  # a bare table name


def flatten(keywords: "Mapping[str, Any]", now: int = 0) -> "dict[str, Any]":
    """Return the spec of Python keywords: `retries={"num_runs": 3}` is `{"retries.num-runs": 3}`; times count from `now` (ns).

    None means not given; no limit is "none" or -1. Durations may be texts, seconds or timedelta, times texts or datetime. Raises
    UsageError for a name or a value that is not known.
    """
    spec: dict[str, Any] = {}
    _walk(keywords, "", spec, now)
    return settle(spec, now)


def _walk(keywords: "Mapping[str, Any]", prefix: str, spec: "dict[str, Any]", now: int) -> None:
    for key, given in keywords.items():
        name = prefix + str(key).replace("_", "-")
        option = BY_NAME.get(name) or BY_NAME.get(_SHORTHANDS.get(name, ""))
        if hasattr(given, "items") and any(known.startswith(f"{name}.") for known in BY_NAME):
            _walk(given, f"{name}.", spec, now)
        elif option is None or option.section == _SUBMITTING:
            from outlast.core.nearest import hint

            known = [option.name for option in OPTIONS if option.section != _SUBMITTING]
            raise UsageError(f"there is no option `{name}`", hint(name, known))
        elif given is not None:
            put(spec, option, given, now)


def put(spec: "dict[str, Any]", option: Option, given: "Any", now: int | None = None) -> None:
    """Read what was `given` for `option` into `spec`; a repeatable one adds to what is there. Raises UsageError."""
    if option.most == 1:
        value = option.read(given, now)
        if option.kind == kinds.TRIES and value is not None:
            value += 1
        spec[option.expands or option.name] = value
        return
    if option.kind in {kinds.ASSIGNMENT, kinds.VARIABLE}:
        spec[option.name] = {**spec.get(option.name, {}), **option.read(given)}
        return
    items = list(given) if isinstance(given, list | tuple | set | frozenset) else [given]
    values = [option.read(item) for item in items]
    if option.kind in {kinds.NAME, kinds.WORDS, kinds.SORT, kinds.JOBS}:
        values = [word for value in values for word in value]
    values = [*spec.get(option.name, []), *values]
    if len(values) > option.most:
        raise UsageError(f"{option.spellings[0]} is given {len(values)} times", f"{option.most} is the most")
    spec[option.name] = values


def settle(spec: "Mapping[str, Any]", now: int = 0) -> "dict[str, Any]":
    """Return `spec` checked as a whole, without what equals its default, in the order of the table. Raises UsageError."""
    known = [name for name in spec if name in BY_NAME]
    if not TIMELESS.issuperset(known) or "" in spec.values():
        from outlast.core.combinations import check

        check({name: spec[name] for name in known}, now)
    settled: dict[str, Any] = {}
    for name in sorted(known, key=_PLACES.__getitem__):
        option, kept = BY_NAME[name], spec[name]
        if name == "info":
            kept = [*kept, "", ""][:3]
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        if kept != default:
            settled[name] = kept
    return settled


# What goes with everything and needs no clock: whoever gives no more than these pays for no checks.
TIMELESS = frozenset({
    "name", "description", "group", "info", "param", "cwd", "env", "unset-env", "shell", "stdin", "retries.num-runs", "retries.delay",
    "stop.signal", "stop.grace", "leftovers.action", "foreground", "fail-if-not-run", "dry-run", "from", "jobs", "log.stdout", "log.stderr",
})  # fmt: skip
_PLACES = {option.name: place for place, option in enumerate(OPTIONS)}


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
