"""The filter language of command line, Python and web: `status = running and (name ~ "back*" or group in (a, b)) and duration > 10m`.

    expression  =  and-part { "or" and-part }          and-part  =  part { "and" part }
    part        =  "not" part  |  "(" expression ")"  |  comparison  |  text
    comparison  =  FIELD ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "=~") value  |  FIELD ["not"] "in" "(" value { "," value } ")"

A word or quoted text alone is looked for as `--text` does. `core.fields` has the fields. A filter is a tree of `Term`, `Text`, `Not`, `All`
and `Any`; its times are as they were written until `resolved` says what they mean at a moment.
"""

from outlast.core import fields
from outlast.core.errors import UsageError
from outlast.core.fields import FIELDS, NAMED, Term
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any as Anything

    from outlast.core.job import Job

    Node = Value  # Term, Text, Not, All or Any

LONGEST = 4000  # letters of a filter
DEEPEST = 30  # parentheses and `not`s inside of one another
MOST = 200  # comparisons
EXAMPLE = "as in `status = running and duration > 10m`"

_SIGNS = ("=~", "!=", "<=", ">=", "==", "=", "<", ">", "~", "(", ")", ",")
_OPERATORS = frozenset(_SIGNS[:9])
_KEYWORDS = frozenset({"and", "or", "not", "in"})
_MANY_WORDS = frozenset({fields.TIME, fields.DURATION})  # whose values are written with blanks: `2h ago`


class Text(Value):
    """The job mentions a text, whatever the case of its letters."""

    _fields = ("text",)
    text: str


class Not(Value):
    """The job does not fit."""

    _fields = ("part",)
    part: "Node"


class All(Value):
    """The job fits all parts."""

    _fields = ("parts",)
    parts: "tuple[Node, ...]"


class Any(Value):
    """The job fits one of the parts."""

    _fields = ("parts",)
    parts: "tuple[Node, ...]"


class Token(Value):
    """A piece of a filter: `kind` is `word`, `quoted`, `sign` or `end`; `at`: where it begins."""

    _fields = ("kind", "text", "at")
    kind: str
    text: str
    at: int

    @property
    def keyword(self) -> str:
        """The word in small letters, if it is one of the language's own."""
        word = self.text.lower()
        return word if self.kind == "word" and word in _KEYWORDS else ""


def parse(text: str) -> "Node":
    """Return the filter that `text` says. Raises UsageError that names the place, what stands there and what is expected."""
    if not isinstance(text, str):
        raise UsageError(f"{text!r:.60} is no filter", EXAMPLE)
    if len(text) > LONGEST:
        raise UsageError(f"the filter has {len(text)} letters", f"{LONGEST} is the most")
    return _Parser(text).whole()


def _tokens(text: str) -> "Iterator[Token]":
    at = 0
    while at < len(text):
        letter = text[at]
        if letter.isspace():
            at += 1
        elif letter in "'\"":
            held, end = _quoted(text, at)
            yield Token(kind="quoted", text=held, at=at)
            at = end
        else:
            sign = next((sign for sign in _SIGNS if text.startswith(sign, at)), "")
            end = at + len(sign)
            if not sign:
                while end < len(text) and not text[end].isspace() and text[end] not in "'\"(),=<>~" and not text.startswith("!=", end):
                    end += 1
            yield Token(kind="sign" if sign else "word", text=text[at:end], at=at)
            at = end
    yield Token(kind="end", text="", at=len(text))


def _quoted(text: str, at: int) -> tuple[str, int]:
    """Return what stands between quotes from `at` on, and where it goes on. A backslash is kept but before a quote or a backslash."""
    quote, end = text[at], at + 1
    letters: list[str] = []
    while end < len(text):
        if text[end] == quote:
            return "".join(letters), end + 1
        if text[end] == "\\" and text[end + 1 : end + 2] in {quote, "\\"} and end + 1 < len(text):
            end += 1
        letters.append(text[end])
        end += 1
    raise UsageError(f"the filter is wrong at letter {at + 1}: the quote {quote} is not closed", EXAMPLE)


class _Parser:
    """Reads the tokens from the first to the last, once."""

    def __init__(self, text: str) -> None:
        self.tokens = [*_tokens(text)]
        self.next = 0
        self.depth = 0
        self.count = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.token
        self.next += token.kind != "end"
        return token

    def takes(self, text: str) -> bool:
        """Take the next token if it is this sign or keyword."""
        token = self.token
        found = (token.kind == "sign" and token.text == text) or token.keyword == text
        self.next += found
        return found

    def whole(self) -> "Node":
        found = self.expression()
        if self.token.kind != "end":
            raise self.wrong("`and` or `or` is expected")
        return found

    def expression(self) -> "Node":
        parts = [self.and_part()]
        while self.takes("or"):
            parts.append(self.and_part())
        return parts[0] if len(parts) == 1 else Any(parts=tuple(parts))

    def and_part(self) -> "Node":
        parts = [self.part()]
        while self.takes("and"):
            parts.append(self.part())
        return parts[0] if len(parts) == 1 else All(parts=tuple(parts))

    def part(self) -> "Node":
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"parentheses and `not` go no deeper than {DEEPEST}")
        found: Node
        if self.takes("not"):
            found = Not(part=self.part())
        elif self.takes("("):
            found = self.expression()
            if not self.takes(")"):
                raise self.wrong("`)` is expected")
        else:
            found = self.leaf()
        self.depth -= 1
        return found

    def leaf(self) -> "Node":
        token = self.token
        if token.kind in {"end", "sign"} or token.keyword:
            raise self.wrong("a comparison, a text or `(` is expected")
        self.count += 1
        if self.count > MOST:
            raise self.wrong(f"{MOST} comparisons are the most")
        self.take()
        after = self.token
        compared = (after.kind == "sign" and after.text in _OPERATORS) or after.keyword in {"in", "not"}
        name = token.text.lower()
        if token.kind == "word" and compared:
            return self.comparison(token)
        if token.kind == "word" and name in FIELDS:
            if FIELDS[name].kind == fields.FLAG:
                return Term(field=name, name="", op="=", value=True)
            raise self.wrong(f"an operator is expected after the field `{name}`; to look for the word put it in quotes")
        return Text(text=token.text)

    def comparison(self, token: Token) -> "Node":
        field, _, name = token.text.partition(".")
        field = field.lower()
        if field not in FIELDS or bool(name) != (field in NAMED):
            raise self.no_field(token, field)
        inverted = self.takes("not")
        if self.takes("in"):
            found = self.among(field, name)
            return Not(part=found) if inverted else found
        if inverted:
            raise self.wrong("`in` is expected")
        op = self.take().text
        op = "=" if op == "==" else op
        return self.term(field, name, op)

    def among(self, field: str, name: str) -> "Node":
        if not self.takes("("):
            raise self.wrong("`(` is expected")
        terms = [self.term(field, name, "=")]
        while self.takes(","):
            self.count += 1
            if self.count > MOST:
                raise self.wrong(f"{MOST} comparisons are the most")
            terms.append(self.term(field, name, "="))
        if not self.takes(")"):
            raise self.wrong("`,` or `)` is expected")
        if FIELDS[field].kind == fields.TIME or any(term.value is None for term in terms):
            return Any(parts=tuple(terms))
        return Term(field=field, name=name, op="in", value=tuple(term.value for term in terms))

    def term(self, field: str, name: str, op: str) -> Term:
        token = self.token
        if token.kind not in {"word", "quoted"} or token.keyword:
            raise self.wrong(f"a value is expected after `{op}`")
        self.take()
        given = token.text
        if token.kind == "word" and FIELDS[field].kind in _MANY_WORDS:
            while self.token.kind == "word" and not self.token.keyword:
                given += f" {self.take().text}"
        if token.kind == "word" and given.lower() == "none":
            if op not in {"=", "!="}:
                raise UsageError(f"the filter is wrong at letter {token.at + 1}: nothing is {op} `none`", "compare with `=` or `!=`")
            return Term(field=field, name=name, op=op, value=None)
        try:
            return Term(field=field, name=name, op=op, value=fields.read(field, op, given))
        except UsageError as error:
            raise UsageError(f"the filter is wrong at letter {token.at + 1}: {error.what}", error.hint) from None

    def wrong(self, what: str) -> UsageError:
        token = self.token
        before = f", before `{token.text[:40]}`" if token.kind != "end" else ", at its end"
        return UsageError(f"the filter is wrong at letter {token.at + 1}{before}: {what}", EXAMPLE)

    def no_field(self, token: Token, field: str) -> UsageError:
        from outlast.core.nearest import hint

        known = [f"{name}.NAME" if name in NAMED else name for name in FIELDS]
        meant = f"write `{field}.NAME`" if field in NAMED else hint(field, known, f"choose from {', '.join(known)}")
        return UsageError(f"the filter is wrong at letter {token.at + 1}: there is no field `{token.text[:40]}`", meant)


def resolved(node: "Node", at: int) -> "Node":
    """Return the filter with its times as instants (ns), counted from `at`."""
    if isinstance(node, Not):
        return Not(part=resolved(node.part, at))
    if isinstance(node, All | Any):
        return node.replace(parts=tuple(resolved(part, at) for part in node.parts))
    if isinstance(node, Term) and isinstance(node.value, str) and FIELDS[node.field].kind == fields.TIME:
        return node.replace(value=fields.instant(node.op, node.value, at))
    return node


def means(node: "Node", job: "Job", at: int) -> bool:
    """Tell whether a job fits the (resolved) filter at `at`."""
    if isinstance(node, Term):
        return fields.fits(node, job, at)
    if isinstance(node, Not):
        return not means(node.part, job, at)
    if isinstance(node, All):
        return all(means(part, job, at) for part in node.parts)
    if isinstance(node, Any):
        return any(means(part, job, at) for part in node.parts)
    wanted = node.text if isinstance(node, Text) else ""
    return mentions(wanted.lower(), told(job.name, job.description, job.command, job.info, job.params))


def told(name: str, description: str, command: "list[str]", info: "list[str]", params: "dict[str, str]") -> "list[str]":
    """Return the texts of a job in which a text is looked for. All words of the command are in its line."""
    return [name, description, " ".join(command), *info, *params, *map(str, params.values())]


def mentions(wanted: str, texts: "list[str]") -> bool:
    """Tell whether one of `texts` holds `wanted`, which is in small letters."""
    return any(wanted in text.lower() for text in texts)


def parts_of(node: "Node | None") -> "tuple[Node, ...]":
    """Return what all has to be so: the parts of an `All`, and those of an `All` in it; else the filter itself."""
    if node is None:
        return ()
    if isinstance(node, All):
        return tuple(inner for part in node.parts for inner in parts_of(part))
    return (node,)


def with_all(*nodes: "Node | None") -> "Node | None":
    """Return the filter that a job fits if it fits all of `nodes`; None if there are none."""
    parts: tuple[Anything, ...] = tuple(part for node in nodes for part in parts_of(node))
    return parts[0] if len(parts) == 1 else All(parts=parts) if parts else None
