"""Help from the tables: an overview, and a page per verb that ends with its exit statuses. Fits 80 columns."""

from outlast.core import kinds
from outlast.core.errors import UsageError
from outlast.core.retention import NAMES, spelled
from outlast.core.verb_exits import EXITS
from outlast.core.verb_texts import ACTIVE_JOBS, DESCRIPTIONS, EXAMPLES, JOBS, OVERVIEW, SELECTORS
from outlast.core.verbs import ALIASES, BY_NAME, COMMON, Form, Verb, aliases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from outlast.core.option import Option

WIDTH = 80
_MARGIN = 26  # where the text of an option begins


def wrap(text: str, width: int, indent: str = "") -> str:
    """Return `text` broken into lines of at most `width` columns, each after `indent`. A word longer than that stays whole."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(indent) + len(line) + 1 + len(word) > width:
            lines.append(indent + line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, indent + line]) + "\n" if line else ""


def help_text(verb: str = "") -> str:
    """Return the help of `verb`, or the overview. Raises UsageError if there is no such verb."""
    if not verb:
        return overview()
    name = ALIASES[verb][0] if verb in ALIASES else verb
    if name not in BY_NAME:
        from outlast.core.nearest import hint

        raise UsageError(f"there is no verb `{verb[:40]}`", hint(verb, [*BY_NAME, *ALIASES], "see `outlast help`"))
    return page(BY_NAME[name])


def overview() -> str:
    """Return what `outlast --help` shows."""
    parts: list[str] = [
        "Turn any command into a tracked job that outlasts its terminal.\n\n",
        "Usage: outlast VERB [OPTIONS] [OPERANDS]\n",
        "       outlast [OPTIONS] -- COMMAND [ARG...]      the same as `outlast run`\n",
        "       outlast                                    the same as `outlast list`\n",
    ]
    for heading, verbs in OVERVIEW:
        parts.append(f"\n{heading}:\n")
        parts += [_entry(", ".join([name, *aliases(name)]), BY_NAME[name].summary, 18) for name in verbs]
    parts.append("\nCommon options:\n")
    parts += [_option(option) for option in COMMON]
    parts.append("\n" + wrap("`outlast help VERB` says more about a verb, with examples and exit statuses.", WIDTH))
    return "".join(parts)


def page(verb: Verb) -> str:
    """Return the help of one verb."""
    others = aliases(verb.name)
    parts = [wrap(f"{verb.summary[0].upper()}{verb.summary[1:]}.", WIDTH), "\n", *usage_lines(verb)]
    if others:
        parts.append("\n" + wrap(f"Also: {', '.join(f'`outlast {other}`' for other in others)}.", WIDTH))
    parts += ["\n" + wrap(paragraph, WIDTH) for paragraph in DESCRIPTIONS[verb.name].split("\n\n")]
    if meaning := operands_of(verb):
        parts.append("\n" + wrap(meaning, WIDTH))
    for heading, options in sections(verb):
        parts.append(f"\n{heading}:\n")
        parts += [_option(option) for option in options]
    parts.append("\nExamples:\n")
    for line, said in EXAMPLES[verb.name]:
        parts.append(example_lines(line, said))
    parts.append("\nExit status:\n")
    parts += [_entry(str(code), meaning, 9) for code, meaning in EXITS[verb.name]]
    return "".join(parts)


def operands_of(verb: Verb) -> str:
    """Return what its operands mean, where that is the same for several verbs."""
    written = " ".join(form.operands for form in verb.forms)
    if "SELECTOR" in written or "JOB" not in written:
        return SELECTORS if "SELECTOR" in written else ""
    return ACTIVE_JOBS if verb.name == "send" else JOBS


def usage_of(verb: Verb, form: Form) -> str:
    """Return the usage line of one form, without `Usage:`."""
    optional = form is verb.forms[0] and len(verb.forms) > 1
    word = f"[{form.word}]" if optional and form.word else form.word
    return " ".join(filter(None, ("outlast", verb.name, word, "[OPTIONS]" if verb.options else "", form.operands)))


def usage_lines(verb: Verb) -> list[str]:
    """Return the usage lines of all forms."""
    return [f"{'       ' if number else 'Usage: '}{usage_of(verb, form)}\n" for number, form in enumerate(verb.forms)]


def sections(verb: Verb) -> "Iterable[tuple[str, list[Option]]]":
    """Yield headings with their options, the common ones last."""
    found: dict[str, list[Option]] = {}
    for option in verb.options:
        found.setdefault(option.section or "Options", []).append(option)
    yield from found.items()
    yield "Common options", list(COMMON)


def label_of(option: "Option") -> str:
    """Return how an option is written, as in the margin of the help: `-g, --group GROUP`."""
    dashed = sorted(option.spellings, key=lambda spelling: (spelling[:2] == "--", spelling != f"--{option.name}"))
    value = f" {option.metavar or option.kind.upper()}" if option.takes_value else ""
    spellings = ", ".join(dashed) + value
    return f"{spellings}, --no-{option.name}" if option.kind == kinds.BOOLEAN else spellings


def default_of(option: "Option") -> str:
    """Return the default as a person writes it; empty if it is nothing, or said in the help already."""
    if option.kind == kinds.FLAG or option.default in (None, "", (), {}, ("", "", "")) or "(default" in option.help:
        return ""
    return spelled(option.name, option.default) if option.name in NAMES else kinds.spell(option.kind, option.default)


def example_lines(line: str, said: str) -> str:
    """Return an example, what it does behind it, or above it where it does not fit."""
    if not said:
        return f"  {line}\n"
    if len(line) + len(said) + 7 <= WIDTH:
        return f"  {line}  # {said}\n"
    return f"  # {said}\n  {line}\n"


def _option(option: "Option") -> str:
    default = default_of(option)
    text = f"{option.help} (default: {default})" if default else option.help
    return _entry(label_of(option), text, _MARGIN)


def _entry(label: str, text: str, margin: int) -> str:
    """Return a label with its text beside it, or below it if the label is too long."""
    indent = " " * margin
    lines = wrap(text, WIDTH, indent)
    if len(label) + 4 > margin:
        return f"  {label}\n{lines}"
    return f"  {label:<{margin - 2}}{lines[margin:]}"
