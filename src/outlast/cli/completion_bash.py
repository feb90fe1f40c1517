"""The completion script of bash."""

from outlast.cli.completion import callable_words, filled, form_words, needs_form, operand_source, source_of, spellings_of
from outlast.core.verbs import COMMON

_BASH = r"""# bash completion of outlast, written by `outlast completion bash`
_outlast_dynamic() {
    COMPREPLY+=($(compgen -W "$(outlast __complete "$1" 2>/dev/null | cut -f1)" -- "$cur"))
}

_outlast_complete_from() {
    case $1 in
        words:*) COMPREPLY+=($(compgen -W "${1#words:}" -- "$cur")) ;;
        files) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "$cur")) ;;
        folders) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- "$cur")) ;;
        verbs) COMPREPLY+=($(compgen -W "$_outlast_verbs" -- "$cur")) ;;
        jobs | active | groups) _outlast_dynamic "$1" ;;
    esac
}

_outlast_command() {
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD == $1)); then
        COMPREPLY=($(compgen -c -- "$cur"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}

_outlast_verbs="@VERBS@"

_outlast_options() {
    case $1 in
@OPTIONS@
        *) echo "@COMMON@" ;;
    esac
}

_outlast_forms() {
    case $1 in
@FORMS@
    esac
}

_outlast_operands() {
    case $1 in
@OPERANDS@
    esac
}

# what completes the value of an option; fails if it takes none
_outlast_value() {
    case "$1 $2" in
@VALUES@
        *) return 1 ;;
    esac
}

_outlast() {
    local cur=${COMP_WORDS[COMP_CWORD]} verb="" form="" word source i operands=0
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --)
                case $verb in
                    "" | @COMMANDS@) _outlast_command $((i + 1)); return ;;
                esac
                ;;
            -*)
                if source=$(_outlast_value "$verb" "$word"); then
                    [[ ${COMP_WORDS[i + 1]} == "=" ]] && ((i++))
                    if ((i + 1 >= COMP_CWORD)); then
                        [[ $cur == "=" ]] && cur=""
                        _outlast_complete_from "$source"
                        return
                    fi
                    ((i++))
                fi
                ;;
            *)
                if [[ -z $verb ]]; then
                    verb=$word
                else
                    case $verb in
                        @COMMANDS@) _outlast_command "$i"; return ;;
                    esac
                    ((operands++))
                fi
                ;;
        esac
    done
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_outlast_options "$verb")" -- "$cur"))
    elif [[ -z $verb ]]; then
        _outlast_complete_from verbs
    else
        case $verb in
            @COMMANDS@) _outlast_command "$COMP_CWORD"; return ;;
        esac
        if ((operands == 0)); then
            COMPREPLY=($(compgen -W "$(_outlast_forms "$verb")" -- "$cur"))
            case $verb in
                @STRICT@) return ;;
            esac
        fi
        _outlast_complete_from "$(_outlast_operands "$verb")"
    fi
}

complete -F _outlast outlast
"""


def bash() -> str:
    """Return the script of bash (4.4 or newer, with or without the bash-completion package)."""
    verbs = callable_words()
    values = []
    for word, verb in [("", None), *verbs]:
        for option in (*(verb.options if verb else ()), *COMMON):
            if option.takes_value:
                pattern = " | ".join(f'"{word} {spelling}"' for spelling in option.spellings)
                values.append(f'        {pattern}) echo "{source_of(option)}" ;;')
    parts = {
        "VERBS": " ".join(word for word, _ in verbs),
        "OPTIONS": "\n".join(f'        {word}) echo "{" ".join(spellings_of(verb))}" ;;' for word, verb in verbs),
        "COMMON": " ".join([*(spelling for option in COMMON for spelling in option.spellings), "--version"]),
        "FORMS": "\n".join(f'        {word}) echo "{" ".join(form_words(verb))}" ;;' for word, verb in verbs if form_words(verb)),
        "OPERANDS": "\n".join(f'        {word}) echo "{operand_source(verb)}" ;;' for word, verb in verbs if operand_source(verb)),
        "VALUES": "\n".join(values),
        "STRICT": " | ".join(word for word, verb in verbs if needs_form(verb)),
        "COMMANDS": " | ".join(word for word, verb in verbs if verb.takes_command),
    }
    return filled(_BASH, parts)
