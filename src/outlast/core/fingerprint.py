"""What a run ran with, as a fingerprint: which files its command means, and in words what differs between two runs.

Pure: `supervisor.fingerprints` looks at the files, `client.changes` gathers both sides. Of the environment only names and keyed hashes
come here, so that no value can ever be told.
"""

from outlast.core.command import SHELL, command_line
from outlast.core.options import spelled
from outlast.core.sizes import format_size
from outlast.core.times import format_time_full
from outlast.core.value import Value, made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Self

    from outlast.core.job import Job, Run

# Programs that run the file which their first argument names; and those that run another program, whose file may be an argument.
INTERPRETERS = frozenset({
    "sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "csh", "tcsh", "python", "pypy", "perl", "ruby", "node", "nodejs", "deno",
    "bun", "php", "lua", "luajit", "Rscript", "tclsh", "wish", "expect", "java", "awk", "gawk", "mawk", "sed", "make", "gmake", "julia",
    "octave", "guile", "pwsh", "groovy", "ipython", "sqlite", "psql", "ansible-playbook", "uv",
    "env", "nice", "ionice", "nohup", "timeout", "time", "setsid", "stdbuf", "taskset", "chrt", "unbuffer", "xvfb-run", "sudo", "doas",
    "strace", "flock", "numactl", "srun", "mpirun", "mpiexec",
})  # fmt: skip
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_CODE = frozenset({"-c", "-m", "-e", "--eval", "--command"})  # what follows is no file
_BUILTIN = frozenset(
    "cd : . source [ test if for while until case { ( ! function export unset set eval trap ulimit umask true false echo printf read wait "
    "alias command type hash return exit shift local readonly let declare select".split()
)
_ENDS = frozenset("|&;<>()`\"'*?[\\$#~\n{}!")  # of what can be understood of a line without being a shell
FILES = ("program", "script", "stdin")  # what facts tell of, each a file
MOST_WORDS = 20  # of a command that are looked at
# Variables that tell of the terminal, the login or the service manager: they change from one login to the next and hardly ever matter.
PASSING = frozenset({
    "_", "SHLVL", "PWD", "OLDPWD", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_TTY", "WINDOWID",
    "TERM_SESSION_ID", "XDG_SESSION_ID", "XDG_VTNR", "TMUX", "TMUX_PANE", "STY", "WINDOW", "COLUMNS", "LINES", "INVOCATION_ID",
    "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "DBUS_SESSION_BUS_ADDRESS", "OUTLAST_JOB", "OUTLAST_RUN", "OUTLAST_NAME", "OUTLAST_FEEDBACK",
    "OUTLAST_MARK", "OUTLAST_TRIGGER", "OUTLAST_AUTOMATIC", "OUTLAST_HOME",
})  # fmt: skip
_LONGEST = 200  # characters of one part of a sentence
_MANY = 400  # words of a command that are compared one by one
_HASH = 12  # digits of a hash that are shown


def words_of(command: "Sequence[str]") -> "list[str]":
    """Return the words that name program and arguments; of a line for the shell its first simple command, else the shell."""
    if len(command) < 3 or command[1] != "-c" or command[0].rpartition("/")[2] not in _SHELLS:
        return list(command[:MOST_WORDS])
    words: list[str] = []
    for word in command[2][:4096].split(None, MOST_WORDS)[:MOST_WORDS]:
        name, equals, _ = word.partition("=")
        if not words and equals and name.replace("_", "a").isalnum():
            continue  # an assignment before the command
        if not _ENDS.isdisjoint(word):
            break
        if words or word != "exec":
            words.append(word)
    return words if words and words[0] not in _BUILTIN else [command[0]]


def scripts_of(words: "Sequence[str]") -> "Iterator[str]":
    """Yield the arguments of an interpreter that may name the file which it runs, in their order; nothing for any other program."""
    if not words or words[0].rpartition("/")[2].rstrip("0123456789.") not in INTERPRETERS:
        return
    for word in words[1:]:
        if word in _CODE:
            return
        if word and word[0] not in "-+":
            yield word


class Side(Value):
    """One of the two that are compared."""

    _fields = ("job", "run", "facts", "environment", "surroundings")
    job: "Job"
    run: "Run | None"  # None: it has none yet
    facts: "Mapping[str, Any] | None"  # its fingerprint's; None: none was taken
    environment: "Mapping[str, str] | None"  # name -> keyed hash of the value; None: no longer known
    surroundings: "Mapping[str, str] | None"  # umask, limits and the like, each as a text; likewise

    _defaults = {"run": None, "facts": None, "environment": None, "surroundings": None}


class Difference(Value):
    """One thing that differs: `what` it is, the sentence, and both as JSON."""

    _fields = ("what", "text", "before", "now")
    what: str
    text: str
    before: "Any"
    now: "Any"

    def __new__(cls, what: str, text: str, before: "Any" = None, now: "Any" = None) -> "Self":
        """Set every field."""
        return made(cls, what, text, before, now)


def compare(before: Side, now: Side) -> "list[Difference]":
    """Return what differs between two runs, what is nearest to the command first. What is not known of both is not told."""
    return [
        *_command(before.job.command, now.job.command),
        *_plain("directory", before.job.cwd, now.job.cwd),
        *_files(before.facts or {}, now.facts or {}),
        *_git(before.facts or {}, now.facts or {}),
        *_environment(before.environment, now.environment),
        *_named("options", _options(before.job), _options(now.job)),
        *_named("limits", before.surroundings, now.surroundings),
        *_named("limits", _held(before.run), _held(now.run)),
        *_plain("user", before.job.user, now.job.user),
        *_machine(before, now),
    ]


def notes(before: Side, now: Side) -> "list[str]":
    """Return what cannot be compared, and why, for whoever relies on it that nothing differs."""
    told = []
    for side, which in ((before, "the one before"), (now, "this one")):
        if side.run is None:
            told.append(f"job {side.job.id} has no run yet: only what was asked for is compared")
        elif side.facts is None:
            told.append(f"no fingerprint was taken of {which} (job {side.job.id}): program, script and git revision are not compared")
        if side.environment is None:
            told.append(f"the environment of job {side.job.id} is no longer known")
        for what in FILES:
            file = (side.facts or {}).get(what)
            if file and "hash" not in file and side is now:
                told.append(f"{what} {file['path']}: {file.get('unseen', 'its content was not looked at')}")
    passing = _passing(before.environment, now.environment)
    if passing:
        told.append(f"of the terminal or the login, and not counted: {', '.join(passing)}")
    return told


def _command(before: "Sequence[str]", now: "Sequence[str]") -> "Iterator[Difference]":
    if list(before) == list(now):
        return
    lines = [command_line(argv).split() if argv[:2] == [SHELL, "-c"] else list(argv) for argv in (before, now)]
    yield Difference("command", f"the command: {_words(*lines)}", list(before), list(now))


def _words(before: "list[str]", now: "list[str]") -> str:
    """Return in words what became of which words."""
    start = 0
    while start < min(len(before), len(now)) and before[start] == now[start]:
        start += 1
    end = 0
    while end < min(len(before), len(now)) - start and before[-1 - end] == now[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], now[start : len(now) - end]
    if len(old) + len(new) > _MANY:
        return f"{max(len(old), len(new))} words of it differ"
    if not old and not new:
        return "only its white space or its shell differs"
    from difflib import SequenceMatcher

    told = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        of = before[start + a - 1 : start + a] if kind == "replace" and start + a else []  # the option whose value it is
        of = of if of and of[0].startswith("-") and "=" not in of[0] else []
        gone, come = _cut(command_line(of + old[a:b])), _cut(command_line(of + new[c:d]))
        if kind == "replace":
            told.append(f"`{gone}` became `{come}`")
        elif kind == "delete":
            told.append(f"`{gone}` is gone")
        elif kind == "insert":
            told.append(f"`{come}` is new")
    return "; ".join(told)


def _plain(what: str, before: str | None, now: str | None, name: str = "") -> "Iterator[Difference]":
    if before is not None and now is not None and before != now:
        became = f"{_cut(before)} became {_cut(now)}" if before and now else f"{_cut(before or now)} is {'gone' if before else 'new'}"
        yield Difference(what, f"{name or what}: {became}", before, now)


def _files(before: "Mapping[str, Any]", now: "Mapping[str, Any]") -> "Iterator[Difference]":
    for what in FILES:
        old, new = before.get(what), now.get(what)
        if old and new:
            text = _file(old, new)
            if text:
                yield Difference(what, f"{what} {text}", old, new)
        elif before and now and (old or new):
            text = f"{what} {(new or old or {})['path']} is {'new' if new else 'gone'}"
            yield Difference(what, text, old, new)


def _file(old: "Mapping[str, Any]", new: "Mapping[str, Any]") -> str:
    """Return what became of a file; empty: nothing, as far as is known."""
    name = new["path"] if old["path"] == new["path"] else f"{_cut(old['path'])} became {_cut(new['path'])}, and"
    if "hash" in old and "hash" in new:
        differs, sure = old["hash"] != new["hash"], True
    else:
        differs = any(old.get(fact) != new.get(fact) for fact in ("size", "mtime") if fact in old and fact in new)
        sure = old.get("size") != new.get("size")
    if not differs:
        return f"{name} has the same content" if old["path"] != new["path"] and "hash" in new else _moved(old, new)
    sizes = [format_size(file["size"]) for file in (old, new)]
    size = "" if sizes[0] == sizes[1] else f", {sizes[0]} then, {sizes[1]} now"
    written = f"written {format_time_full(new['mtime'])}" if old.get("mtime") != new.get("mtime") else "with the same time"
    how = "has another content" if sure else "may have another content (it was not compared)"
    return f"{name} {how}: {written}{size}"


def _moved(old: "Mapping[str, Any]", new: "Mapping[str, Any]") -> str:
    return "" if old["path"] == new["path"] else f"{_cut(old['path'])} became {_cut(new['path'])}"


def _git(before: "Mapping[str, Any]", now: "Mapping[str, Any]") -> "Iterator[Difference]":
    old, new = before.get("git"), now.get("git")
    if not before or not now or old == new:
        return
    if old and new and {**old, "revision": 0} == {**new, "revision": 0} and None in {old["revision"], new["revision"]}:
        return
    if old is None or new is None:
        text = f"{(new or old or {})['top']} is {'now' if new else 'no longer'} a git repository"
    elif old["top"] != new["top"]:
        text = f"another git repository: {old['top']} at {revision(old)} became {new['top']} at {revision(new)}"
    else:
        text = f"git revision of {new['top']}: {revision(old)} became {revision(new)}"
    yield Difference("git", text, old, new)


def revision(git: "Mapping[str, Any]") -> str:
    """Return the beginning of a revision (None: not known; empty: there is none yet), and its branch."""
    branch = f" ({git['branch']})" if git.get("branch") else ""
    known = git.get("revision")
    return f"{'a commit that is not known' if known is None else known[:_HASH] or 'no commit'}{branch}"


def _environment(before: "Mapping[str, str] | None", now: "Mapping[str, str] | None") -> "Iterator[Difference]":
    if before is None or now is None:
        return
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name) and name not in PASSING:
            how = "is new" if name not in before else "is gone" if name not in now else "has another value"
            yield Difference("environment", f"environment: {_cut(name)} {how}", name in before or None, name in now or None)


def _passing(before: "Mapping[str, str] | None", now: "Mapping[str, str] | None") -> "list[str]":
    if before is None or now is None:
        return []
    return sorted(name for name in before.keys() | now.keys() if name in PASSING and before.get(name) != now.get(name))


def _options(job: "Job") -> "dict[str, str]":
    told = {"group": job.group or "none", "priority": str(job.priority), "mutex": ", ".join(job.mutex or ()) or "none"}
    told.update({f"param {name}": text for name, text in job.params.items()})
    return told | {name: text for name, text in spelled(job.spec).items() if name not in {"env", "unset-env"}}


def _held(run: "Run | None") -> "dict[str, str] | None":
    """Return by what each limit was enforced."""
    by = ((run.limits or {}).get("by") or {}) if run is not None else None
    return None if by is None else {f"limit.{name} held by": str(how) for name, how in by.items()}


def _named(what: str, before: "Mapping[str, str] | None", now: "Mapping[str, str] | None") -> "Iterator[Difference]":
    if before is None or now is None:
        return
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old != new:
            text = (
                f"{_cut(new or '')} is new" if old is None else f"{_cut(old)} is gone" if new is None else f"{_cut(old)} became {_cut(new)}"
            )
            yield Difference(what, f"{name}: {text}", old, new)


def _machine(before: Side, now: Side) -> "Iterator[Difference]":
    if before.run is not None and now.run is not None:
        yield from _plain("host", before.run.host, now.run.host)
        if before.run.host == now.run.host and before.run.boot != now.run.boot:
            yield Difference("boot", "the machine was started anew in between", before.run.boot, now.run.boot)
    old, new = before.facts or {}, now.facts or {}
    for name in ("kernel", "outlast", "python"):
        yield from _plain(name, old.get(name), new.get(name), f"{name} of the supervisor" if name == "python" else name)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
