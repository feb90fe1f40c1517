"""Completion scripts of bash, zsh and fish, written from the tables.

Ids, names and groups come from the hidden verb `__complete`, which writes `WORD<TAB>what it is` lines.
"""

from outlast.core import kinds
from outlast.core.verbs import ALIASES, BY_NAME, COMMON, VERBS, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from outlast.core.job import Job
    from outlast.core.option import Option

SHELLS = ("bash", "zsh", "fish")
_SIGNALS = ("HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "CONT", "STOP", "WINCH")
_ACTIVE = frozenset({"stop", "interrupt", "kill", "signal", "send", "ps"})


def script(shell: str) -> str:
    """Return the completion script of `shell`, one of SHELLS."""
    if shell == "bash":
        from outlast.cli.completion_bash import bash as write
    elif shell == "zsh":
        from outlast.cli.completion_zsh import zsh as write
    else:
        from outlast.cli.completion_fish import fish as write
    return write()


def job_words(jobs: "Iterable[Job]") -> str:
    """Return what `__complete jobs` writes: every id, and every name that needs no quoting, each with what it is."""
    from outlast.cli.terminal import visible

    lines = []
    names: set[str] = set()
    for job in jobs:
        lines.append(f"{job.id}\t{visible(job.name)[:60]} ({job.outcome or job.status})\n")
        if job.name not in names and job.name and all(letter.isalnum() or letter in "._-" for letter in job.name):
            names.add(job.name)
            lines.append(f"{job.name}\tjob {job.id} ({job.outcome or job.status})\n")
    return "".join(lines)


def callable_words() -> "list[tuple[str, Verb]]":
    """Return every word that can stand as a verb, with its verb."""
    return [(verb.name, verb) for verb in VERBS if not verb.hidden] + [(alias, BY_NAME[name]) for alias, (name, _) in ALIASES.items()]


def spellings_of(verb: Verb) -> list[str]:
    """Return all spellings of its options."""
    words: list[str] = []
    for option in (*verb.options, *COMMON):
        words += option.spellings
        if option.kind == kinds.BOOLEAN:
            words += [f"--no-{spelling[2:]}" for spelling in option.spellings if spelling.startswith("--")]
    return words


def source_of(option: "Option") -> str:
    """Return what completes the value: `words:...`, `files`, `folders`, `groups`, or nothing."""
    if option.choices:
        return f"words:{' '.join(choice.partition('[')[0] for choice in option.choices)}"
    if option.kind == kinds.SIGNAL:
        return f"words:{' '.join(_SIGNALS)}"
    return {"FILE": "files", "PATH": "files", "DIR": "folders", "GROUP": "groups"}.get(option.metavar, "")


def operand_source(verb: Verb) -> str:
    """Return what completes its operands: `words:...`, `jobs`, `active`, `groups`, `verbs`, or nothing."""
    if verb.operand_choices:
        return f"words:{' '.join(verb.operand_choices)}"
    if verb.name == "help":
        return "verbs"
    written = " ".join(form.operands for form in verb.forms)
    if "GROUP" in written:
        return "groups"
    return ("active" if verb.name in _ACTIVE else "jobs") if "JOB" in written or "SELECTOR" in written else ""


def needs_form(verb: Verb) -> bool:
    """Tell whether the word of a form must come first: nothing else can follow the verb."""
    return bool(form_words(verb)) and verb.forms[0].most == 0


def form_words(verb: Verb) -> list[str]:
    """Return the words of its forms, where it has several."""
    return [form.word for form in verb.forms if form.word] if len(verb.forms) > 1 else []


def filled(template: str, parts: "dict[str, str]") -> str:
    """Return `template` with each `@NAME@` replaced by its part."""
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template
