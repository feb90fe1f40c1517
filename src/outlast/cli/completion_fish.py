"""The completion script of fish."""

from outlast.cli.completion import callable_words, filled, form_words, operand_source, source_of
from outlast.core.verbs import BY_NAME, COMMON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.option import Option

_FISH = """# fish completion of outlast, written by `outlast completion fish`
function __outlast_verb
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --home
                set -e words[1]
            case --
                echo run
                return
            case '-*'
            case '*'
                echo $words[1]
                return
        end
        set -e words[1]
    end
end

function __outlast_is
    contains -- (__outlast_verb) $argv
end

# the command of `outlast run`: what follows the options
function __outlast_command
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    set -l valued @VALUED@
    set -l verb 0
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                break
            case '-*'
                contains -- $words[1] $valued; and set -e words[1]
            case '*'
                test $verb -eq 1; and break
                set verb 1
        end
        set -e words[1]
    end
    set -q words[1]; or return
    complete -C (string join ' ' -- (string escape -- $words[1..-2]) $words[-1])
end

complete -c outlast -f
complete -c outlast -n 'not __outlast_verb' -l version -s V -d 'show the version'
"""


def fish() -> str:
    """Return the script of fish."""
    verbs = callable_words()
    valued = [spelling for option in (*BY_NAME["run"].options, *COMMON) if option.takes_value for spelling in option.spellings]
    lines = [filled(_FISH, {"VALUED": " ".join(valued)}).rstrip("\n")]
    for word, verb in verbs:
        lines.append(f"complete -c outlast -n 'test -z (__outlast_verb)' -a {word} -d {_quoted(verb.summary)}")
    lines += [_option(option, "") for option in COMMON]
    for word, verb in verbs:
        lines += [_option(option, word) for option in verb.options]
        if verb.takes_command:
            lines.append(f"complete -c outlast -n '__outlast_is {word}' -a '(__outlast_command)'")
        for form in form_words(verb):
            lines.append(f"complete -c outlast -n '__outlast_is {word}' -a {form}")
        source = operand_source(verb)
        if source:
            lines.append(f"complete -c outlast -n '__outlast_is {word}' -a {_values(source)}")
    return "\n".join(lines) + "\n"


def _option(option: "Option", verb: str) -> str:
    names = " ".join(f"-l {spelling[2:]}" if spelling.startswith("--") else f"-s {spelling[1:]}" for spelling in option.spellings)
    where = f" -n '__outlast_is {verb}'" if verb else ""
    source = source_of(option)
    value = ""
    if option.takes_value:
        value = " -r -F" if source in {"files", "folders"} else f" -x -a {_values(source)}" if source else " -x"
    return f"complete -c outlast{where} {names}{value} -d {_quoted(option.help)}"


def _values(source: str) -> str:
    if source.startswith("words:"):
        return _quoted(source[6:])
    if source == "verbs":
        return _quoted(" ".join(word for word, _ in callable_words()))
    return _quoted(f"(outlast __complete {source} 2>/dev/null)")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
