"""The completion script of zsh."""

from outlast.cli.completion import callable_words, filled, form_words, needs_form, operand_source, source_of
from outlast.core import kinds
from outlast.core.verbs import COMMON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.option import Option

_ZSH = r"""#compdef outlast
# zsh completion of outlast, written by `outlast completion zsh`
_outlast_dynamic() {
    local -a found
    local word what
    while IFS=$'\t' read -r word what; do
        found+=("${word//:/\\:}:$what")
    done < <(outlast __complete "$1" 2>/dev/null)
    _describe -V "$1" found
}
_outlast_jobs() { _outlast_dynamic jobs }
_outlast_active() { _outlast_dynamic active }
_outlast_groups() { _outlast_dynamic groups }
_outlast_verbs() {
    local -a verbs=(
@VERBS@
    )
    _describe verb verbs
}

_outlast() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    if [[ $words[2] == -- ]] && ((CURRENT > 2)); then
        shift 2 words
        ((CURRENT -= 2))
        _normal
        return
    fi
    _arguments -C -S \
@COMMON@
        '--version[show the version]' \
        '1: :_outlast_verbs' \
        '*:: :->rest' && return
    [[ $state == rest ]] || return
    case $line[1] in
@CASES@
    esac
}

if [[ $funcstack[1] == _outlast ]]; then _outlast "$@"; else compdef _outlast outlast; fi
"""


def zsh() -> str:
    """Return the script of zsh, to be saved as `_outlast` in `$fpath` or sourced."""
    verbs = callable_words()
    cases = []
    for word, verb in verbs:
        specs = [f"                {line} \\" for option in (*verb.options, *COMMON) for line in _option(option)]
        if verb.takes_command:
            specs += ["                '(-)1: :_command_names -e' \\", "                '*:: :_normal' ;;"]
        else:
            source, forms = operand_source(verb), form_words(verb)
            if forms:
                specs.append(f"                {_first(forms, '' if needs_form(verb) else source)} \\")
            specs.append(f"                '*: :{_action(source) or '()'}' ;;")
        cases.append(f"        {word})\n            _arguments -s -S \\\n" + "\n".join(specs))
    common = "\n".join(f"        {line} \\" for option in COMMON for line in _option(option))
    summaries = "\n".join(f"        {_quoted(f'{word}:{verb.summary}')}" for word, verb in verbs)
    return filled(_ZSH, {"VERBS": summaries, "COMMON": common, "CASES": "\n".join(cases)})


def _first(forms: list[str], source: str) -> str:
    """Return the spec of a first operand that can be the word of a form too."""
    action = _action(source)
    choice = f'_alternative "forms:form:({" ".join(forms)})"' + (f' "operands:operand:{action}"' if action else "")
    return _quoted(f"1: :{{ {choice} }}")


def _action(source: str) -> str:
    if source.startswith("words:"):
        return f"({source[6:]})"
    return {"files": "_files", "folders": "_files -/", "": ""}.get(source, f"_outlast_{source}")


def _option(option: "Option") -> list[str]:
    text = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    value = f":{option.metavar or 'value'}:{_action(source_of(option))}" if option.takes_value else ""
    excluded = "" if option.most > 1 else f"({' '.join(option.spellings)})"
    star = "*" if option.most > 1 else ""
    lines = []
    for spelling in option.spellings:
        joined = "" if not option.takes_value else "=" if spelling.startswith("--") else "+"
        lines.append(_quoted(f"{excluded}{star}{spelling}{joined}[{text}]{value}"))
        if option.kind == kinds.BOOLEAN:
            lines.append(_quoted(f"--no-{spelling[2:]}[do not: {text}]".replace("not:", "not\\:")))
    return lines


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
