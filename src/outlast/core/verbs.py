"""The verbs of the command line: one table of names, operands and options. What is said about each is in `verb_texts`."""

from outlast.core import kinds
from outlast.core.job import OUTCOMES, STATUSES
from outlast.core.option import Option
from outlast.core.options import OPTIONS
from outlast.core.value import Value, made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    Options = tuple[Option, ...] | Callable[[], tuple[Option, ...]]

MANY = 10**9


class Form(Value):
    """One way to use a verb: the word after it (`set` of `group set`; empty for none), and how many operands follow."""

    _fields = ("word", "operands", "least", "most", "options")
    word: str
    operands: str  # as in the usage line
    least: int
    most: int
    options: tuple[str, ...]  # options that only this form has

    def __new__(cls, word: str, operands: str = "", least: int = 0, most: int = 0, options: tuple[str, ...] = ()) -> "Self":
        """Set every field."""
        return made(cls, word, operands, least, most, options)


class Verb(Value):
    """One verb. The first of `forms` is meant when no word of another one follows; `takes_command`: a command stands last.

    Its options may be given as a function: a command line has one verb, and to make the options of all costs it 0.3 ms.
    """

    _fields = ("name", "summary", "forms", "_options", "takes_command", "operand_choices", "hidden")
    name: str
    summary: str
    forms: tuple[Form, ...]
    _options: "Options"
    takes_command: bool
    operand_choices: tuple[str, ...]
    hidden: bool

    def __new__(
        cls, name: str, summary: str, forms: tuple[Form, ...], options: "Options" = (), *,
        takes_command: bool = False, operand_choices: tuple[str, ...] = (), hidden: bool = False,
    ) -> "Self":  # fmt: skip
        """Set every field."""
        return made(cls, name, summary, forms, options, takes_command, operand_choices, hidden)

    @property
    def options(self) -> tuple[Option, ...]:
        """Its own options, made when they are first asked for."""
        if isinstance(self._options, tuple):
            return self._options
        if self.name not in _options_of:
            _options_of[self.name] = self._options()
        return _options_of[self.name]

    def option(self, name: str) -> Option | None:
        """Return the option with the canonical `name`, the common ones included, or None."""
        for option in (*self.options, *COMMON):
            if option.name == name:
                return option
        return None


_options_of: "dict[str, tuple[Option, ...]]" = {}  # those that a function has made

COMMON: tuple[Option, ...] = (
    Option("json", kinds.FLAG, "write JSON to stdout", "--json"),
    Option("ids", kinds.FLAG, "write ids only, one per line", "--ids"),
    Option("quiet", kinds.FLAG, "say nothing but errors on stderr", "--quiet", short="q"),
    Option("verbose", kinds.FLAG, "say more on stderr", "--verbose", short="v"),
    Option("home", kinds.TEXT, "the directory that holds it all (default: $OUTLAST_HOME)", "--home /var/tmp/try", metavar="DIR"),
    Option("help", kinds.FLAG, "show this help", "--help", short="h"),
)

_SINCE = Option("since", kinds.TIME, "only what happened since then: `8am`, `yesterday`, `2h ago`, `2026-11-22 08:00`, `week`",
                "--since today", metavar="TIME")  # fmt: skip
_UNTIL = Option("until", kinds.TIME, "only what happened before then", "--until 'yesterday 18:00'", metavar="TIME")
_ALL = Option("all", kinds.FLAG, "all that are meant, even if several; without a selector every job that has not ended", "--all")
_NO_WAIT = Option("no-wait", kinds.FLAG, "return at once instead of waiting for the end", "--no-wait")
FOLLOW = Option("follow", kinds.FLAG, "go on: show it anew whenever it changes", "--follow", short="f")


def _limit(default: int | None, what: str) -> Option:
    return Option("limit", kinds.LIMIT, f"show at most N {what}, or `all`", "-n 100", short="n", default=default, metavar="N")


def _filters() -> tuple[Option, ...]:
    from outlast.core.columns import COLUMNS, SORTS

    return (
        Option("status", kinds.WORDS, f"only jobs in one of these: {', '.join(STATUSES)}", "--status running,queued",
               metavar="STATUS", choices=STATUSES, most=20),
        Option("outcome", kinds.WORDS, "only jobs that ended so: succeeded, failed, stopped, ...", "--outcome failed,timed_out",
               metavar="OUTCOME", choices=OUTCOMES, most=20),
        Option("name", kinds.TEXT, "only jobs with this name: a pattern like `back*`, or `/RE/`", "--name 'back*'", metavar="NAME"),
        Option("group", kinds.TEXT, "only jobs of this group", "--group nightly", short="g", metavar="GROUP"),
        Option("text", kinds.TEXT, "only jobs with this text in name, description, command, info or params", "--text rsync",
               metavar="TEXT"),
        _SINCE,
        _UNTIL,
        Option("during", kinds.TEXT, "only what ended (else began) in this stretch of time: `today`, `last week`, `2026-11`, `last 7 days`",
               "--during yesterday", metavar="WINDOW"),
        Option("where", kinds.TEXT, "only jobs that fit this filter: `outlast help history` tells the language",
               "--where 'duration > 10m or exit_code = 3'", metavar="FILTER"),
        Option("warned", kinds.FLAG, "only jobs that there is or was something to warn of", "--warned"),
        Option("warning", kinds.TEXT, "only jobs with a warning of this kind, `*`: of any", "--warning '*'", metavar="KIND"),
        Option("last", kinds.FLAG, "only the last job of each name", "--last"),
        Option("per", kinds.CHOICE, "with it the last job of each of these instead", "--per key", metavar="COLUMN", default="name",
               choices=("name", "key", "group", "user")),
        Option("slowest", kinds.FLAG, "the longest running ones first", "--slowest"),
        Option("sort", kinds.SORT, f"order by these, `-` in front turns one round: {', '.join(SORTS)}", "--sort -duration",
               metavar="COLUMN,...", choices=tuple(SORTS)),
        Option("columns", kinds.WORDS, f"show these columns: {', '.join(COLUMNS)}", "--columns id,name,reason",
               metavar="COLUMN,...", choices=tuple(COLUMNS)),
        Option("runs", kinds.FLAG, "show every run under its job", "--runs"),
        FOLLOW,
    )  # fmt: skip


def _of_top() -> tuple[Option, ...]:
    fit = {"status", "outcome", "name", "group", "text", "since", "until", "during", "where", "sort"}
    return (*(option for option in _filters() if option.name in fit), _limit(50, "ended jobs"))


def _of_logs() -> tuple[Option, ...]:
    return (
        Option("run", kinds.RUN, "of run N, counted from the end if negative, or `all`", "--run all", default=-1, metavar="N"),
        Option("follow", kinds.FLAG, "go on as more is written, until the job ends", "-f", short="f"),
        Option("lines", kinds.LIMIT, "only the last N lines, or `all`", "-n 100", short="n", metavar="N"),
        Option("streams", kinds.WORDS, "only these streams", "--streams stderr", default=("stdout", "stderr"), metavar="STREAM,...",
               choices=("stdout", "stderr")),
        Option("raw", kinds.FLAG, "the command's own bytes, each stream on its own, without prefixes", "--raw"),
        _SINCE,
        _UNTIL,
        Option("grep", kinds.TEXT, "only lines that match the regular expression", "--grep 'error|warning'", metavar="RE"),
        Option("header", kinds.FLAG, "say first what it is: host, user, command, times", "--header"),
        Option("log.prefix-timestamp", kinds.BOOLEAN, "put time and stream before every line", "--no-prefix-timestamp",
               default=True, aliases=("prefix-timestamp",), environ=True),
    )  # fmt: skip


def _of_stats() -> tuple[Option, ...]:
    from outlast.core.stats import SORTS

    return (
        _SINCE,
        _UNTIL,
        *(option for option in _filters() if option.name in {"name", "group", "during", "where"}),
        Option("sort", kinds.SORT, f"order by these, `-` in front turns one round: {', '.join(SORTS)}", "--sort -failures",
               default=("-last",), metavar="COLUMN,...", choices=SORTS),
        _limit(50, "names"),
        FOLLOW,
    )  # fmt: skip


def _of_listen() -> tuple[Option, ...]:
    from outlast.core.events import BY_KIND

    return (
        Option("after", kinds.CURSOR, "begin behind the event with this id; 0: with the first one of all (default: from now on)",
               "--after 0", metavar="EVENT"),
        Option("kinds", kinds.WORDS, f"only events of these kinds: {', '.join(BY_KIND)}", "--kinds started,ended", metavar="KIND,...",
               choices=tuple(BY_KIND), most=20),
        Option("until-ended", kinds.FLAG, "leave when all that is selected now has ended", "--until-ended"),
        Option("limit", kinds.LIMIT, "leave after N events", "-n 10", short="n", metavar="N"),
    )  # fmt: skip


def _of_wait() -> tuple[Option, ...]:
    return (
        Option("any", kinds.FLAG, "until one of them has ended, not all", "--any"),
        Option("timeout", kinds.DURATION, "wait no longer; exit with 124", "--timeout 10m", metavar="DURATION"),
        Option("status", kinds.WORDS, "until they reach one of these statuses", "--status running",
               metavar="STATUS", choices=STATUSES, most=20),
        Option("outcome", kinds.WORDS, "ended so is done as asked, anything else is not (default: succeeded)",
               "--outcome succeeded,stopped", metavar="OUTCOME", choices=OUTCOMES, most=20),
    )  # fmt: skip


def _ending() -> tuple[Option, ...]:
    return (
        _ALL,
        Option("grace", kinds.GRACE, "how long it may take to end before SIGKILL (default: the job's own, 10s)", "--grace 1m",
               metavar="DURATION"),
        Option("signal", kinds.SIGNAL, "the signal that asks it to end (default: the job's own, SIGTERM)", "--signal INT",
               metavar="SIGNAL"),
        _NO_WAIT,
    )  # fmt: skip


def _of_reserve() -> tuple[Option, ...]:
    shared = tuple(option for option in OPTIONS if option.name in {"name", "description", "group", "key", "unique", "info", "param"})
    return (*shared, Option("expires", kinds.DURATION, "let it lapse if no command comes for so long; `none`: never", "--expires 1h",
                            default=86_400_000_000_000, metavar="DURATION"))  # fmt: skip


def _front() -> tuple[Option, ...]:
    return tuple(option for option in OPTIONS if option.name in {"foreground", "fail-if-not-run"})


def _of_service() -> tuple[Option, ...]:
    from outlast.core.units import KINDS

    return (
        Option("kind", kinds.CHOICE, "by this service manager (default: the one that fits the machine; of `remove`: all)", "--kind crontab",
               metavar="KIND", choices=KINDS),
    )  # fmt: skip


def _of_clean() -> tuple[Option, ...]:
    from outlast.core.retention import LIMITS, UNSET

    return (
        Option("force", kinds.FLAG, "take it away; without it only what would go is told", "--force"),
        Option("dry-run", kinds.FLAG, "tell what would go, as without --force", "--dry-run"),
        Option("logs", kinds.FLAG, "only output; records stay", "--logs"),
        Option("records", kinds.FLAG, "only whole records, with their output", "--records"),
        *LIMITS,
        Option("set", kinds.FLAG, "let these limits hold from now on; nothing is taken away", "--set --retention.log-age 90d"),
        UNSET,
        Option("everything", kinds.FLAG, "the whole home; refused while jobs have not ended", "--everything"),
    )  # fmt: skip


def _of_group() -> tuple[Option, ...]:
    from outlast.core.retention import LIMITS, UNSET

    return (
        Option("slots", kinds.LIMIT, "how many of its jobs run at once; `none`: as many as there are", "--slots 4", metavar="N"),
        *LIMITS, UNSET, FOLLOW,
    )  # fmt: skip


_SET = (
    "slots", "retention.log-age", "retention.log-bytes", "retention.age", "retention.jobs", "log.job.max-runs", "log.job.max-bytes",
    "unset",
)  # fmt: skip
_SELECTED = (Form("", "[SELECTOR...]", 0, MANY),)
_JOB_OR_RUN = (Form("job", "SELECTOR...", 0, MANY), Form("run", "JOB", 1, 1))

VERBS: tuple[Verb, ...] = (
    Verb("run", "run a command as a job", (Form("", "[--] COMMAND [ARG...]", 0, MANY),), OPTIONS, takes_command=True),
    Verb("list", "list what matters now: what has not ended, and the last 20", _SELECTED,
         lambda: (*_filters(), _limit(20, "ended jobs"))),
    Verb("ps", "list the jobs that have not ended", _SELECTED, lambda: (*_filters(), _limit(None, "jobs"))),
    Verb("history", "list the jobs that have ended, newest first", _SELECTED,
         lambda: (*_filters(), _limit(50, "jobs"))),
    Verb("top", "watch jobs, their output and groups on a live screen", _SELECTED, _of_top),
    Verb("show", "show everything known about a job or a run", (Form("job", "JOB", 1, 1), Form("run", "JOB [N]", 1, 2))),
    Verb("stats", "say of each name how often it ran, how it ended, how long it takes, what it uses", _SELECTED, _of_stats),
    Verb("why", "say why a job waits, was skipped, ended, and what happens next", (Form("", "JOB", 1, 1),)),
    Verb("feedback", "show what a job reports, as JSON", (Form("", "[JOB]", 0, 1),), lambda: (
        Option("file", kinds.TEXT, "of this feedback file instead of a job (`-`: stdin)", "--file feedback.log", metavar="PATH"),
    )),
    Verb("report", "report from inside of a job", (Form("", "[NAME=VALUE...]", 0, MANY),), lambda: (
        Option("clear", kinds.FLAG, "first take back everything that was reported before", "--clear"),
    )),
    Verb("logs", "show what a job has written", (Form("", "[JOB]", 0, 1),), _of_logs),
    Verb("wait", "wait until jobs have ended", (Form("", "SELECTOR...", 1, MANY),), _of_wait),
    Verb("stop", "end jobs: ask, then make sure; not a failure", _JOB_OR_RUN, _ending),
    Verb("interrupt", "end jobs like `stop`, as a failure", _JOB_OR_RUN, _ending),
    Verb("kill", "end jobs at once with SIGKILL", _JOB_OR_RUN, (_ALL, _NO_WAIT)),
    Verb("signal", "send a signal to the processes of running jobs", (Form("", "SIGNAL SELECTOR...", 1, MANY),), (_ALL,)),
    Verb("send", "write to the live standard input of a running job", (Form("", "JOB [TEXT...]", 1, MANY),), lambda: (
        Option("end", kinds.FLAG, "then send the end of file, which comes once and is for good", "--end"),
        Option("newline", kinds.BOOLEAN, "end the words with a newline", "--no-newline", default=True),
    )),
    Verb("pause", "let jobs stand still: their processes, waits and clocks", (Form("", "SELECTOR...", 0, MANY),), (_ALL, _NO_WAIT)),
    Verb("resume", "let paused jobs go on", (Form("", "SELECTOR...", 0, MANY),), (_ALL, _NO_WAIT)),
    Verb("hold", "keep jobs from starting until they are released", (Form("", "SELECTOR...", 0, MANY),), (_ALL,)),
    Verb("release", "let held jobs start", (Form("", "[SELECTOR...]", 0, MANY),), lambda: (
        _ALL, Option("pending", kinds.TEXT, "all jobs that were submitted with `--pending VALUE`", "--pending deploy-7", metavar="VALUE"),
    )),
    Verb("approve", "let jobs start that wait for somebody's approval", (Form("", "SELECTOR...", 0, MANY),), lambda: (
        _ALL, Option("note", kinds.TEXT, "why, for the record", "--note 'seen by ops'", default="", metavar="TEXT"),
    )),
    Verb("reserve", "give out the id of a job whose command is still to come", (Form(""),), _of_reserve),
    Verb("disable", "keep jobs of a name from starting, until they are enabled", (Form("", "NAME...", 1, MANY),), lambda: (
        Option("regex", kinds.FLAG, "NAME is a regular expression that the whole name has to match", "--regex"),
        Option("note", kinds.TEXT, "why, for whoever asks", "--note 'disk is being changed'", default="", metavar="TEXT"),
        Option("until", kinds.INSTANT, "enable them again then", "--until 'tomorrow 08:00'", metavar="TIME"),
    )),
    Verb("enable", "let disabled jobs start again", (Form("", "NAME...", 1, MANY),)),
    Verb("list-disabled", "list what is disabled, by whom and why", (Form(""),), (FOLLOW,)),
    Verb("rerun", "run a job once more, as a new job", (Form("", "JOB", 1, 1),), _front),
    Verb("events", "show what happened to a job, or to all", (Form("", "[JOB]", 0, 1),),
         lambda: (_limit(50, "events"), _SINCE, _UNTIL, FOLLOW)),
    Verb("listen", "tell events of all jobs as they happen", (Form("", "[SELECTOR...]", 0, MANY),), _of_listen),
    Verb("diff", "say what changed since it last worked", (Form("", "JOB [GOOD]", 1, 2),)),
    Verb("bundle", "put all about a job into one archive, for whoever helps", (Form("", "JOB", 1, 1),), lambda: (
        Option("output", kinds.TEXT, "write to FILE (default: outlast-ID.tar.gz; `-`: stdout)", "--output ticket.tar.gz", short="o",
               metavar="FILE"),
        Option("force", kinds.FLAG, "also over a file that is there", "--force"),
        Option("full-logs", kinds.FLAG, "with all output, not only its beginning and its end", "--full-logs"),
    )),
    Verb("hostinfo", "show the facts and constants of this host", (Form(""),)),
    Verb("group", "list, change or remove groups", (
        Form("list", "", 0, 0, ("follow",)), Form("set", "GROUP", 1, 1, _SET), Form("show", "GROUP", 1, 1, ("follow",)),
        Form("remove", "GROUP", 1, 1), Form("pause", "GROUP", 1, 1), Form("resume", "GROUP", 1, 1), Form("drain", "GROUP", 1, 1),
    ), _of_group),
    Verb("clean", "tell what is kept how long, and remove what is over its limit", _SELECTED, _of_clean),
    Verb("doctor", "check the home, the machine and the installation", (Form(""),), lambda: (
        Option("backup", kinds.TEXT, "write a consistent copy of all records to FILE, while jobs go on", "--backup outlast-backup.db",
               metavar="FILE"),
        Option("check", kinds.FLAG, "look at every row and every file as well", "--check"),
        Option("repair", kinds.FLAG, "make right what can be, after a copy was made", "--repair"),
    )),
    Verb("supervisor", "say what the supervisor does, start it, stop it, or run one in front",
         (Form("status"), Form("start"), Form("stop"), Form("run"))),
    Verb("service", "have jobs that wait start after a reboot, without anybody calling outlast",
         (Form("status"), Form("install", "", 0, 0, ("kind",)), Form("remove", "", 0, 0, ("kind",))), _of_service),
    Verb("completion", "write the completion script of a shell", (Form("", "SHELL", 1, 1),), operand_choices=("bash", "zsh", "fish")),
    Verb("help", "show the help of a verb", (Form("", "[VERB]", 0, 1),)),
    Verb("version", "show the version", (Form(""),)),
    Verb("__complete", "write words for completion", (Form("", "KIND", 1, 1),), operand_choices=("jobs", "active", "groups"), hidden=True),
)  # fmt: skip

BY_NAME: "dict[str, Verb]" = {verb.name: verb for verb in VERBS}
# other names of verbs, and the options that they stand for
ALIASES: "dict[str, tuple[str, dict[str, Any]]]" = {
    "exec": ("run", {"foreground": True}),
    "hist": ("history", {}),
    "tail": ("logs", {"lines": 10}),
}


def aliases(verb: str) -> list[str]:
    """Return the other names of `verb`."""
    return [alias for alias, (name, _) in ALIASES.items() if name == verb]
