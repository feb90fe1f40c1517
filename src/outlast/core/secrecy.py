"""Stars in the place of secrets, where somebody else will look.

Stars are as many as the bytes that they stand for, so that a text keeps its length. Conservative: what stands behind a name that is a
secret's, passwords in URLs, and wherever they occur the values of variables with such a name. More cannot be known.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_PARTS = frozenset(
    "pass password passwd passphrase passcode pw secret secrets token tokens apikey apikeys credential credentials creds auth "
    "authorization cookie cookies bearer jwt sig signature".split()
)
_INNER_PARTS = frozenset("key pwd pat dsn".split())  # with another one, as in `MYSQL_PWD`: alone they are no secret's
_ENDINGS = ("password", "passwd", "passphrase", "secret", "token", "apikey")
_NOT = frozenset({"SSH_AUTH_SOCK", "SSH_AUTH_INFO", "XAUTHORITY"})
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # of `DB_PASSWORD`, `api-key`, `githubToken`
# What is searched for ends before the value, and begins where a long text has few places: no text takes quadratic time.
_ASSIGNED = re.compile(rb"(?<![\w.-])-{0,2}([A-Za-z_][\w.-]*)(?:=|:[ \t]{0,4})[\"']?")
_OPTION = re.compile(rb"(?<![\w.-])--?([A-Za-z_][\w.-]*)[ \t]{1,4}[\"']?(?!-)")
_BEARER = re.compile(rb"(?<![\w.-])(?:[Bb]earer|BEARER|[Bb]asic)[ \t]{1,4}(?=[A-Za-z0-9+/=._~-]{8})")
_LOGIN = re.compile(rb"(?<![\w.-])(?:-[uU]|--(?:proxy-)?user)(?:=|[ \t]{0,4})[\"']?[\w.@+-]{1,64}:(?!/)")  # `-u me:password`
_LOGINS = frozenset({"-u", "-U", "--user", "--proxy-user"})
_VALUE = re.compile(rb"[^\s\"',;&|]+")
_URL = re.compile(rb"(://[^/\s:@]{0,256}:)([^/\s@]{1,1024})(?=@)")
LEAST = 6  # bytes: what is shorter occurs everywhere by chance
# Values that are shown: what everybody has, and what somebody needs to understand how a command was found.
_SHOWN = frozenset(
    "PATH LANG LANGUAGE SHELL TERM TZ PWD HOME USER LOGNAME HOSTNAME TMPDIR PYTHONUNBUFFERED PYTHONPATH VIRTUAL_ENV LD_LIBRARY_PATH "
    "EDITOR PAGER SHLVL NO_COLOR OUTLAST_HOME".split()
)


def _entries(variables: bytes) -> "Iterator[tuple[str, bytes]]":
    """Yield (name, value) of an environment as it is stored: NAME=VALUE, each ended by NUL."""
    for entry in variables.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals:
            yield name.decode("utf-8", "surrogateescape"), value


def is_secret(name: str) -> bool:
    """Tell whether a variable or an option has a name that secrets have."""
    if name in _NOT:
        return False
    parts = [part.lower() for part in _PART.findall(name[:200])]
    if not _PARTS.isdisjoint(parts) or (len(parts) > 1 and not _INNER_PARTS.isdisjoint(parts)):
        return True
    return bool(parts) and parts[-1].endswith(_ENDINGS)


class Mask:
    """Puts stars in the place of what must not be shown."""

    __slots__ = ("_values",)

    def __init__(self, environments: "Iterable[bytes]" = (), commands: "Iterable[Iterable[str]]" = ()) -> None:
        """`environments`: as they are stored. The values of their secrets, and those in `commands`, are masked wherever they occur."""
        values = {value for words in commands for value in _secrets_of(words)}
        for variables in environments:
            for name, value in _entries(variables):
                if is_secret(name):
                    values.update((value, *value.splitlines()))
                else:
                    values.update(match[2] for match in _URL.finditer(value))
        longest_first = sorted((value for value in values if len(value) >= LEAST), key=lambda value: (-len(value), value))
        self._values = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None

    def output(self, text: bytes) -> bytes:
        """Return `text`, of any size, without the values that are known, and without passwords in URLs."""
        if self._values is not None:
            text = self._values.sub(lambda match: b"*" * len(match[0]), text)
        return _URL.sub(_second, text) if b"://" in text else text

    def text(self, text: str) -> str:
        """Return `text` also without what stands behind a secret's name, as in `--password=x`, `--token x`, `TOKEN=x`, `Bearer x`."""
        raw = self.output(text.encode("utf-8", "surrogateescape"))
        for pattern in (_BEARER, _LOGIN, _ASSIGNED, _OPTION):  # `Authorization: Bearer x`: its first word would be the value else
            raw = _hidden(pattern, raw)
        return raw.decode("utf-8", "surrogateescape")

    def words(self, words: "Iterable[str]") -> "list[str]":
        """Return the words of a command likewise: the word behind `--token` is masked, too."""
        told: list[str] = []
        behind, before = False, ""
        for word in words:
            name, equals, value = word.partition("=")
            if behind and not word.startswith("-"):
                told.append("*" * len(word))
            elif equals and _names_secret(name):
                told.append(f"{name}={'*' * len(value)}")
            else:  # with the word before it: as in `-u me:password`
                told.append(self.text(f"{before} {word}")[-len(word) :] if word and before in _LOGINS else self.text(word))
            before = word
            behind = word.startswith("-") and not equals and is_secret(word)
        return told

    def value(self, held: "Any", name: str = "") -> "Any":
        """Return a JSON value likewise, whatever is in it; `name`: under which it stands."""
        if isinstance(held, str):
            return "*" * len(held) if is_secret(name) else self.text(held)
        if isinstance(held, dict):
            return {inner: self.value(given, inner) for inner, given in held.items()}
        if isinstance(held, list | tuple):
            if all(isinstance(item, str) for item in held):
                return self.words(held)
            return [self.value(item, name) for item in held]
        return held

    def environment(self, variables: bytes) -> "dict[str, str]":
        """Return an environment: every name, and the values that tell nobody anything."""
        told = {}
        for name, value in _entries(variables):
            may = (name in _SHOWN or name.startswith("LC_")) and not is_secret(name)
            told[name] = self.text(value.decode("utf-8", "surrogateescape")) if may else f"({len(value)} bytes, not shown)"
        return told


def _hidden(pattern: "re.Pattern[bytes]", raw: bytes) -> bytes:
    """Return `raw` with stars for what `pattern` finds."""
    pieces, at = [], 0
    for start, end in _found(pattern, raw):
        pieces += [raw[at:start], b"*" * (end - start)]
        at = end
    return b"".join([*pieces, raw[at:]])


def _found(pattern: "re.Pattern[bytes]", raw: bytes) -> "Iterator[tuple[int, int]]":
    """Yield the places of the values behind what `pattern` finds; where it has a group, behind names of secrets only."""
    match = pattern.search(raw)
    while match is not None:
        at = match.end()
        if not pattern.groups or is_secret(match[1].decode("ascii", "replace")):
            value = _VALUE.match(raw, at)
            if value is not None:
                yield value.span()
                at = value.end()
        match = pattern.search(raw, at)


def _secrets_of(words: "Iterable[str]") -> "Iterator[bytes]":
    """Yield the values that stand behind names of secrets in a command."""
    behind = False
    for word in words:
        raw = word.encode("utf-8", "surrogateescape")
        name, equals, value = word.partition("=")
        if behind and not word.startswith("-"):
            yield raw
        elif equals and _names_secret(name):
            yield value.encode("utf-8", "surrogateescape")
        else:
            for pattern in (_BEARER, _ASSIGNED, _OPTION):  # not `-u a:b`: that may be a group, of which output is full
                yield from (raw[start:end] for start, end in _found(pattern, raw))
            yield from (match[2] for match in _URL.finditer(raw))
        behind = word.startswith("-") and not equals and is_secret(word)


def _names_secret(name: str) -> bool:
    """Tell whether what stands before a `=` is one name, and a secret's."""
    return name.replace("-", "").replace("_", "").replace(".", "").isalnum() and is_secret(name)


def _second(match: "re.Match[bytes]") -> bytes:
    return match[1] + b"*" * len(match[2])
