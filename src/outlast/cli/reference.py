"""`docs/reference.md` and the man pages, written from the tables: `python -m outlast.cli.reference CHECKOUT` renews them there."""

from outlast.cli.help import default_of, operands_of, sections, usage_of
from outlast.core import kinds
from outlast.core.verb_exits import EXITS
from outlast.core.verb_texts import DESCRIPTIONS, EXAMPLES, OVERVIEW
from outlast.core.verbs import ALIASES, BY_NAME, COMMON, VERBS, Verb, aliases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outlast.core.option import Option

SHOWN = tuple(verb for verb in VERBS if not verb.hidden)
_TAGLINE = "turn any command into a tracked job that outlasts its terminal"
_HOME = "Its default is $OUTLAST_HOME, else $XDG_STATE_HOME/outlast, else ~/.local/state/outlast."
# kind of value -> (metavar, what is accepted)
_VALUES = (
    ("DURATION", "`90`, `90s`, `1.5h`, `1h30m`, `250ms`, `2w`, `1:30:00`, ISO 8601 `PT1H30M`; a number is seconds. `none` or -1: no limit"),
    ("SIZE", "`10485760`, `512KiB`, `32MiB`, `1GB`; a letter alone is binary: `32M` is `32MiB`. `none` or -1: no limit"),
    (
        "TIME",
        (
            "`8am`, `22:30`, `yesterday 18:00`, `friday 17:00`, `2h ago`, `in 3h`, `today`, `week` (so long ago), `@1700000000`, "
            "`2026-11-22 08:00`, `2026-11-22T08:00:00Z`; without a zone it is local time, without a day the last such time"
        ),
    ),
    ("SIGNAL", "`SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`"),
    ("CODES", "exit codes, 0 to 255: `0,3,10-12`"),
    ("N", "a whole number; `none`, `all` or -1 where a limit may be none"),
)


def markdown() -> str:
    """Return the text of docs/reference.md."""
    parts = [
        "# Reference\n\n",
        "Written from `core/options.py` and `core/verbs.py` by `python -m outlast.cli.reference .`: change those, not this page.\n\n",
        (
            "Options stand before the command of `run`; everywhere else they may stand anywhere. `--` ends them. There are no "
            "abbreviations. `--name=x` is `--name x`; `-fn5` is `-f -n 5`; the last one counts where an option may be given once.\n\n"
        ),
        "## Verbs\n\n| verb | does |\n|---|---|\n",
    ]
    for _, names in OVERVIEW:
        parts += [f"| [`{name}`](#{_anchor(BY_NAME[name])}) | {BY_NAME[name].summary} |\n" for name in names]
    parts += ["\n| other name | is |\n|---|---|\n", *(f"| `{alias}` | `{_expansion(alias)}` |\n" for alias in ALIASES)]
    parts += ["\n## Values\n\n| written | means |\n|---|---|\n", *(f"| {name} | {text} |\n" for name, text in _VALUES)]
    parts += ["\n## Common options\n\n", _options_table(COMMON), f"\n{_HOME}\n"]
    parts += [_markdown_verb(verb) for _, names in OVERVIEW for verb in (BY_NAME[name] for name in names)]
    return "".join(parts)


def _anchor(verb: Verb) -> str:
    return f"outlast-{verb.name}"


def _expansion(alias: str) -> str:
    """Return what an alias of a verb stands for, as it would be typed."""
    name, preset = ALIASES[alias]
    words = ["outlast", name]
    for option_name, given in preset.items():
        option = BY_NAME[name].option(option_name)
        if option is not None:
            words.append(option.spellings[-1] if option.short else option.spellings[0])
            words += [kinds.spell(option.kind, given)] if option.takes_value else []
    return " ".join(words)


def _markdown_verb(verb: Verb) -> str:
    parts = [f"\n## outlast {verb.name}\n\n", *(f"    {usage_of(verb, form)}\n" for form in verb.forms), f"\n{DESCRIPTIONS[verb.name]}\n"]
    if meaning := operands_of(verb):
        parts.append(f"\n{meaning}\n")
    for heading, options in sections(verb):
        if options and options != list(COMMON):
            parts.append(f"\n### {heading}\n\n" if verb.options and options[0].section else "\n")
            parts.append(_options_table(options))
    parts.append("\n```sh\n")
    parts += [f"{line}    # {said}\n" if said else f"{line}\n" for line, said in EXAMPLES[verb.name]]
    parts.append("```\n\n| exit status | means |\n|---|---|\n")
    parts += [f"| {code} | {meaning} |\n" for code, meaning in EXITS[verb.name]]
    return "".join(parts)


def _options_table(options: "Sequence[Option]") -> str:
    """Return options as a table, with what else sets them: environment variable and Python keyword."""
    variables = any(option.environ for option in options)
    headings = ["option", "does", "default", *(["environment, Python"] if variables else [])]
    lines = [f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}\n"]
    for option in options:
        value = f" {option.metavar or option.kind.upper()}" if option.takes_value else ""
        spellings = ", ".join(f"`{spelling}{value}`" for spelling in option.spellings)
        if option.kind == kinds.BOOLEAN:
            spellings += f", `--no-{option.name}`"
        default = default_of(option)
        row = [spellings, f"{option.help}; e.g. `{option.example}`".replace("|", "\\|"), f"`{default}`" if default else ""]
        if variables:
            row.append(f"`{option.variable}`, `{keyword(option)}`" if option.stored else f"`{option.variable}`" if option.environ else "")
        lines.append(f"| {' | '.join(row)} |\n")
    return "".join(lines)


def keyword(option: "Option") -> str:
    """Return how the option is written in Python: `retries={"num_runs": ...}`."""
    first, *rest = option.name.replace("-", "_").split(".")
    inner = "..."
    for name in reversed(rest):
        inner = f'{{"{name}": {inner}}}'
    return f"{first}={inner}"


def man_pages(version: str) -> "dict[str, str]":
    """Return file name and text of every man page (man(7) macros): `outlast.1`, and one for each verb."""
    return {"outlast.1": _man_overview(version), **{f"outlast-{verb.name}.1": _man_verb(verb, version) for verb in SHOWN}}


def _head(name: str, tagline: str, version: str) -> list[str]:
    return [
        '.\\" Written from the tables of outlast by `python -m outlast.cli.reference`: change those, not this page.\n',
        f'.TH {_roff(name.upper())} 1 "" "outlast {version}" "User Commands"\n',
        f".SH NAME\n{_roff(name)} \\- {_roff(tagline)}\n.SH SYNOPSIS\n",
    ]


def _man_overview(version: str) -> str:
    parts = _head("outlast", _TAGLINE, version)
    parts += [".B outlast\nVERB [OPTIONS] [OPERANDS]\n.br\n.B outlast\n[OPTIONS] \\-\\- COMMAND [ARG...]\n.br\n.B outlast\n"]
    parts.append(".SH DESCRIPTION\nAlone it does what\n.B outlast list\ndoes; with a command after \\-\\- what\n.B outlast run\ndoes.\n")
    for heading, names in OVERVIEW:
        parts.append(f".SS {_roff(heading)}\n")
        parts += [_term(f"outlast-{name}(1)", BY_NAME[name].summary) for name in names]
    parts.append(".SH OPTIONS\n" + "".join(map(_man_option, COMMON)))
    parts.append(".SH VALUES\n" + "".join(_term(name, text) for name, text in _VALUES))
    parts.append(".SH ENVIRONMENT\n" + _term("OUTLAST_HOME", f"The directory that holds it all. {_HOME}"))
    parts.append(_term("OUTLAST_SET_...", "Sets an option: OUTLAST_SET_RETRIES_DELAY is --retries.delay. The command line wins."))
    parts.append(_term("NO_COLOR", "No colours. Without a terminal there are none anyway."))
    return "".join(parts)


def _man_verb(verb: Verb, version: str) -> str:
    parts = _head(f"outlast-{verb.name}", verb.summary, version)
    parts.append(".br\n".join(f"{_roff(usage_of(verb, form))}\n" for form in verb.forms))
    if others := aliases(verb.name):
        parts.append(".br\n" + ".br\n".join(f"{_roff('outlast ' + other)} ...\n" for other in others))
    parts.append(".SH DESCRIPTION\n" + ".PP\n".join(f"{_roff(text)}\n" for text in DESCRIPTIONS[verb.name].split("\n\n")))
    if meaning := operands_of(verb):
        parts.append(f".PP\n{_roff(meaning)}\n")
    parts.append(".SH OPTIONS\n")
    for heading, options in sections(verb):
        parts.append(f".SS {_roff(heading)}\n" + "".join(map(_man_option, options)))
    parts.append(".SH EXAMPLES\n.nf\n")
    for line, said in EXAMPLES[verb.name]:
        parts.append(f"{_roff(line)}{_roff(f'    # {said}') if said else ''}\n")
    parts.append(".fi\n.SH EXIT STATUS\n" + "".join(_term(str(code), meaning) for code, meaning in EXITS[verb.name]))
    parts.append(".SH SEE ALSO\n.BR outlast (1)\n")
    return "".join(parts)


def _man_option(option: "Option") -> str:
    value = f" {option.metavar or option.kind.upper()}" if option.takes_value else ""
    negated = f", --no-{option.name}" if option.kind == kinds.BOOLEAN else ""
    default = default_of(option)
    return _term(f"{', '.join(option.spellings)}{value}{negated}", f"{option.help} (default: {default})" if default else option.help)


def _term(term: str, text: str) -> str:
    return f".TP\n.B {_roff(term)}\n{_roff(text)}\n"


def _roff(text: str) -> str:
    """Return `text` for roff: a minus that can be copied, no control line, no macro's quotes."""
    for letter, spelled in (("\\", "\\e"), ("-", "\\-"), ("`", "\\(ga"), ("'", "\\(aq"), ("~", "\\(ti"), ("^", "\\(ha")):
        text = text.replace(letter, spelled)
    return f"\\&{text}" if text.startswith(".") else text


def renew(checkout: str) -> list[str]:
    """Write the reference and the man pages into `checkout`; return the paths written."""
    import os

    from outlast import __version__

    texts = {"docs/reference.md": markdown(), **{f"man/{name}": text for name, text in man_pages(__version__).items()}}
    os.makedirs(os.path.join(checkout, "man"), exist_ok=True)
    for path, text in texts.items():
        with open(os.path.join(checkout, path), "w", encoding="utf-8") as file:
            file.write(text)
    return list(texts)


if __name__ == "__main__":
    import sys

    print("\n".join(renew(sys.argv[1] if len(sys.argv) > 1 else ".")))
