"""From the words of a command line to what is wanted, by the tables of `core.options` and `core.verbs`.

Options before the command; after its first word, or after `--`, everything is the command's own and kept as it is.
No abbreviations: what a script spells today means the same tomorrow.
"""

from outlast.core import kinds
from outlast.core.errors import UsageError
from outlast.core.option import ENVIRONMENT, JOB, PREFIX, SPEC, Option
from outlast.core.options import TIMELESS, put, settle
from outlast.core.value import Value
from outlast.core.verbs import ALIASES, BY_NAME, COMMON, VERBS, Form, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any


class Parsed(Value):
    """A command line that was understood. `options` holds what was given, by canonical name; `parsed["name"]` adds defaults."""

    _fields = ("verb", "form", "options", "operands", "command", "warnings")
    verb: str
    form: str  # `run` of `show run`; the verb's usual one if none was given, often empty
    options: "dict[str, Any]"
    operands: list[str]
    command: list[str]  # the words of the command, byte-exact (surrogate escapes)
    warnings: list[str]

    _defaults = {"form": "", "options": {}, "operands": (), "command": (), "warnings": ()}

    def __getitem__(self, name: str) -> "Any":  # type: ignore[override]
        """Return the value of an option, its default if it was not given. Raises KeyError if the verb has no such option."""
        if name in self.options:
            return self.options[name]
        option = BY_NAME[self.verb].option(name)
        if option is None:
            raise KeyError(name)
        return option.default

    @property
    def foreground(self) -> bool:
        """Whether we are a wrapper round the command, so that failures of ours are 125."""
        return bool(self.options.get("foreground"))

    @property
    def spec(self) -> "dict[str, Any]":
        """The options of the job itself, as `core.options.flatten` returns them."""
        table = {option.name: option for option in BY_NAME["run"].options}
        kept = {JOB, SPEC, ENVIRONMENT}
        return {name: value for name, value in self.options.items() if name in table and table[name].stored in kept}


def parse(argv: "Sequence[str]", environ: "Mapping[str, str]", now: int | None = None) -> Parsed:
    """Return what the words after the program's name mean. Times count from `now` (ns; default: the clock).

    Raises UsageError, which names the nearest option or verb.
    """
    return _Reader(argv, environ, now).read()


def is_foreground(argv: "Sequence[str]") -> bool:
    """Tell whether a command line that could not be understood was meant as a wrapper (`run --wait`, `exec`)."""
    run = BY_NAME["run"]
    table = {spelling: option for option in (*COMMON, *run.options) for spelling in option.spellings}
    words = iter(argv)
    verb = ""
    for word in words:
        if word == "--":
            return False
        if not word.startswith("-"):
            if verb:  # the command begins
                return False
            verb = word
            if verb not in {"run", "rerun"}:
                return verb == "exec"
            continue
        spellings = [word.partition("=")[0]] if word.startswith("--") else [f"-{letter}" for letter in word[1:]]
        for place, spelling in enumerate(spellings):
            option = table.get(spelling)
            if option is not None and option.name == "foreground":
                return True
            if option is not None and option.takes_value:
                if "=" not in word and place == len(spellings) - 1:
                    next(words, None)
                break
    return False


class _Reader:
    """Reads one command line from left to right."""

    def __init__(self, argv: "Sequence[str]", environ: "Mapping[str, str]", now: int | None) -> None:
        self.words = list(argv)
        self.at = 0
        self.environ = environ
        self.now = now
        self.options: dict[str, Any] = {}
        self.operands: list[str] = []
        self.command: list[str] = []
        self.warnings: list[str] = []
        self.named: set[str] = set()  # canonical names that the command line gave
        self.verb: Verb | None = None
        self.table: dict[str, Option] = {}
        self.learn(COMMON)

    def learn(self, options: "Iterable[Option]") -> None:
        for option in options:
            for spelling in option.spellings:
                self.table[spelling] = option

    def read(self) -> Parsed:
        self.find_verb()
        verb = self.verb
        if verb is None:
            return Parsed(verb="help", options=self.options) if self.options.get("help") else self.done(BY_NAME["list"])
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            if word == "--":
                rest = self.words[self.at :]
                self.at = len(self.words)
                if verb.takes_command:
                    self.command = rest
                else:
                    self.operands += rest
            elif word.startswith("-") and len(word) > 1 and (verb.takes_command or not _is_number(word[1:])):
                self.read_option(word)
            elif verb.takes_command:
                self.command = self.words[self.at - 1 :]
                self.at = len(self.words)
            else:
                self.operands.append(word)
        return self.done(verb)

    def find_verb(self) -> None:
        """Read the common options before the verb, and the verb."""
        while self.at < len(self.words):
            word = self.words[self.at]
            if word == "--":  # `outlast -- CMD...`; the word itself is read again as the end of options
                self.choose("run")
                return
            self.at += 1
            if word in {"--version", "-V"}:
                self.choose("version")
                return
            if not word.startswith("-") or word == "-":
                self.choose(word)
                return
            self.read_option(word)

    def choose(self, word: str) -> None:
        name, preset = ALIASES.get(word, (word, {}))
        verb = BY_NAME.get(name)
        if verb is None:
            from outlast.core.nearest import nearest

            like = nearest(word, [*(known.name for known in VERBS if not known.hidden), *ALIASES])
            meant = f"did you mean `outlast {like}`? " if like else ""
            otherwise = f"{meant}to run a command write `outlast run -- {word[:40]} ...`; see `outlast help`"
            raise UsageError(f"there is no verb {_shown(word)}", otherwise)
        self.verb = verb
        self.options.update(preset)
        self.learn(verb.options)

    def read_option(self, word: str) -> None:
        if not word.startswith("--"):
            self.read_short(word)
            return
        spelling, equals, text = word.partition("=")
        option = self.table.get(spelling)
        if option is None and spelling.startswith("--no-"):
            negated = self.table.get(f"--{spelling[5:]}")
            if negated is not None and not negated.takes_value:
                if equals:
                    raise UsageError(f"{spelling} takes no value", f"write `{spelling}` alone")
                self.give(negated, False)
                return
        if option is None:
            raise self.unknown(spelling)
        if equals:
            self.give(option, text)
        elif option.takes_value:
            self.give(option, self.next_word(spelling, option))
        else:
            self.give(option, True)

    def read_short(self, word: str) -> None:
        """Read `-f`, `-fn5`, `-n 5`."""
        for place in range(1, len(word)):
            spelling = f"-{word[place]}"
            option = self.table.get(spelling)
            if option is None:
                raise self.unknown(spelling if place > 1 or len(word) == 2 else word)
            if option.takes_value:
                rest = word[place + 1 :]
                self.give(option, rest.removeprefix("=") if rest else self.next_word(spelling, option))
                return
            self.give(option, True)

    def next_word(self, spelling: str, option: Option) -> str:
        if self.at >= len(self.words):
            raise UsageError(f"{spelling} lacks its value", f"as in `{option.example}`")
        self.at += 1
        return self.words[self.at - 1]

    def give(self, option: Option, given: "Any") -> None:
        name = option.expands or option.name
        if name not in self.named:
            self.options.pop(name, None)  # what an alias of the verb stands for
            self.named.add(name)
        self.keep(option, given)

    def keep(self, option: Option, given: "Any") -> None:
        if option.kind == kinds.TIME:
            from outlast.core.times import parse_time

            try:
                self.options[option.name] = parse_time(given, self.clock())
            except UsageError as error:
                raise UsageError(f"--{option.name}: {error.what}", error.hint) from None
        else:
            put(self.options, option, given, self.clock() if option.kind == kinds.INSTANT else None)

    def clock(self) -> int:
        """Return the time that all times of this command line count from."""
        if self.now is None:
            from outlast.seams import now

            self.now = now()
        return self.now

    def unknown(self, spelling: str) -> UsageError:
        from outlast.core.nearest import nearest

        verb = self.verb.name if self.verb else ""
        negated = [f"--no-{name[2:]}" for name, option in self.table.items() if option.kind == kinds.BOOLEAN and name[:2] == "--"]
        like = nearest(spelling, [*self.table, *negated])
        help_line = f"`outlast {verb} --help`" if verb else "`outlast help`"
        meant = f"did you mean `{like}`? " if like else ""
        place = "; options of the command stand after it or after `--`" if self.verb and self.verb.takes_command else ""
        return UsageError(f"unknown option {_shown(spelling)}", f"{meant}see {help_line}{place}")

    def fill(self, verb: Verb) -> None:
        """Take from `OUTLAST_SET_...` what the command line has not said. What is broken stops `run` alone; others tell it."""
        given = {name: text for name, text in self.environ.items() if name.startswith(PREFIX) and text}
        if not given:
            return
        ours = {option.variable: option for option in verb.options if option.environ}
        every = {option.variable for known in VERBS for option in known.options if option.environ}
        # the long form wins over its shorthand, whatever their order
        for name, text in sorted(given.items(), key=lambda item: not (item[0] in ours and ours[item[0]].expands)):
            option = ours.get(name)
            try:
                if name not in every:
                    from outlast.core.nearest import hint

                    raise UsageError("there is no such option", hint(name, every, "see `outlast run --help`"))
                if option is not None and (option.expands or option.name) not in self.named:
                    for part in text.split("\n") if option.most > 1 else [text]:
                        self.keep(option, part)
            except UsageError as error:
                what = f"{name} in the environment: {error.what}"
                if verb.takes_command:
                    raise UsageError(what, error.hint) from None
                self.warnings.append(f"{what}: {error.hint}" if error.hint else what)

    def done(self, verb: Verb) -> Parsed:
        if self.options.get("help"):
            return Parsed(verb="help", operands=[verb.name], options=self.options)
        self.fill(verb)
        form = verb.forms[0]
        operands = self.operands
        if operands and len(verb.forms) > 1:
            form, operands = _form(verb, operands)
        if verb.takes_command:
            _check_run(self.options, self.command)
            settled = settle(self.options, 0 if self.options.keys() <= TIMELESS else self.clock())
            self.options = {name: value for name, value in self.options.items() if name in settled or not _is_stored(verb, name)}
            self.options.update(settled)
        else:
            _check(verb, form, operands, self.options)
        return Parsed(
            verb=verb.name, form=form.word, options=self.options, operands=operands, command=self.command, warnings=self.warnings,
        )  # fmt: skip


def _is_number(text: str) -> bool:
    """Tell whether `-text` is a number, as in `show run 42 -1`: no option is spelled so."""
    return text.isascii() and text.isdigit()


def _is_stored(verb: Verb, name: str) -> bool:
    option = verb.option(name)
    return option is not None and bool(option.stored)


def _form(verb: Verb, operands: list[str]) -> tuple[Form, list[str]]:
    """Return which form is meant and its operands. A word of a form that nothing follows may be a name: `stop run`."""
    first = verb.forms[0]
    for form in verb.forms:
        if operands[0] == form.word and (len(operands) > form.least or first.most == 0):
            return form, operands[1:]
    if first.most == 0:
        from outlast.core.nearest import hint

        words = [form.word for form in verb.forms]
        meant = hint(operands[0], words, f"choose from {', '.join(words)}")
        raise UsageError(f"`outlast {verb.name}` knows no {_shown(operands[0])}", meant)
    return first, operands


def _check(verb: Verb, form: Form, operands: list[str], options: "dict[str, Any]") -> None:
    """Raise UsageError if there are too few or too many operands, or an option of another form."""
    full = " ".join(filter(None, ("outlast", verb.name, form.word if form is not verb.forms[0] or form.most == 0 else "")))
    usage = f"write `{full} {form.operands}`" if form.operands else f"write `{full}` alone"
    if len(operands) > form.most:
        raise UsageError(f"`{full}` takes no {_shown(operands[form.most])}", usage)
    least = form.least
    if verb.option("all") is not None and not options.get("all") and verb.name != "signal":
        least = max(least, 1)
    if verb.name == "signal" and not options.get("all"):
        least = 2
    if "pending" in options:
        least = 0
    if len(operands) < least:
        meant = "; `--all` means all" if verb.option("all") is not None else ""
        raise UsageError(f"`{full}` needs {'more' if operands else 'to know what is meant'}", usage + meant)
    for other in verb.forms:
        for name in other.options:
            if name in options and name not in form.options:
                raise UsageError(f"--{name} belongs to `outlast {verb.name} {other.word}`", usage)
    if verb.operand_choices and operands and operands[0] not in verb.operand_choices:
        raise UsageError(f"{_shown(operands[0])} is none of {', '.join(verb.operand_choices)}", usage)
    if verb.name == "group" and form.word == "set" and options.keys().isdisjoint(form.options):
        raise UsageError("nothing is to be set", "write `outlast group set GROUP --slots N`, or name a limit of what is kept")


def _check_run(options: "dict[str, Any]", command: list[str]) -> None:
    """Raise UsageError if the options of `run` contradict each other or the command."""
    if "from" in options:
        if command:
            raise UsageError("a command and --from exclude each other", "the lines of the file are the commands")
        if options.get("foreground"):
            raise UsageError("--wait and --from exclude each other", "submit them, then `outlast wait group:GROUP`")
        if "jobs" in options and "group" in options:
            raise UsageError("--jobs and --group exclude each other", "the slots of a group are set by `outlast group set GROUP --slots N`")
        if options.get("dry-run") or "id" in options:
            raise UsageError(f"--{'id' if 'id' in options else 'dry-run'} is for one job, and --from for many", "leave one of them out")
    elif "jobs" in options:
        raise UsageError("--jobs belongs to --from", "one job alone is one at once")
    elif not command:
        raise UsageError("there is no command", "write it after the options, as in `outlast run -- echo hello`")
    if options.get("fail-if-not-run") and not options.get("foreground"):
        raise UsageError("--fail-if-not-run belongs to --wait", "without it the exit status says only that the job is submitted")


def _shown(word: str) -> str:
    return f"`{word[:64]}`"
