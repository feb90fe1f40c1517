"""JSON text without the price of importing `json`: 0.6 ms instead of 10.

The C pieces below `json` (`_json`) do the work where they are there and behave; `json` itself does it where not. Until something
is read, plain values are written by hand: a submission needs no more, and to load the C pieces costs it another 0.3 ms. Written
text is ASCII only, so that it passes through every locale and terminal. NaN and infinities are no JSON: ValueError.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_SPACE = " \t\n\r"
_CONSTANTS = {None: "null", True: "true", False: "false"}


def _refuse(value: object) -> "Any":
    raise TypeError(f"no JSON for {type(value).__name__}")


class _Context:
    """What `json.JSONDecoder()` tells its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    memo: "dict[str, str]" = {}

    @staticmethod
    def parse_constant(name: str) -> "Any":
        raise ValueError(f"{name} is no JSON")


def _light() -> "tuple[Callable[[Any], str], Callable[[str], Any]]":
    """Return writer and reader made of the C pieces. Raises whatever an unknown `_json` raises."""
    import _json

    pieces: Any = _json
    encode = pieces.make_encoder(None, _refuse, pieces.encode_basestring_ascii, None, ": ", ", ", False, False, False)
    scan = pieces.make_scanner(_Context)

    def write(value: "Any") -> str:
        return "".join(encode(value, 0))

    def read(text: str) -> "Any":
        end = len(text)
        start = 0
        while start < end and text[start] in _SPACE:
            start += 1
        try:
            value, stop = scan(text, start)
        except (StopIteration, SystemError):  # the scanner raises the latter where `json.decoder` is not loaded
            return _heavy()[1](text)  # for its error, which says where
        while stop < end and text[stop] in _SPACE:
            stop += 1
        return value if stop == end else _heavy()[1](text)

    if write({"a": [1, None, "é"]}) != '{"a": [1, null, "\\u00e9"]}' or read(' {"a": [1]} ') != {"a": [1]}:
        raise ImportError("an unknown _json")
    return write, read


def _heavy() -> "tuple[Callable[[Any], str], Callable[[str], Any]]":
    import json

    def write(value: "Any") -> str:
        return json.dumps(value, allow_nan=False, check_circular=False)

    def read(text: str) -> "Any":
        return json.loads(text, parse_constant=_Context.parse_constant)

    return write, read


_ways: "list[tuple[Callable[[Any], str], Callable[[str], Any]]]" = []  # writer and reader, once they are loaded


def _way() -> "tuple[Callable[[Any], str], Callable[[str], Any]]":
    """Return writer and reader."""
    if not _ways:
        try:
            _ways.append(_light())
        except Exception:  # noqa: BLE001  # `_json` is a detail of CPython: whatever is wrong with it, `json` is right
            _ways.append(_heavy())
    return _ways[0]


def _write(value: "Any") -> str:
    text = None if _ways else _by_hand(value)
    return _way()[0](value) if text is None else text


def _by_hand(value: "Any") -> str | None:
    """Return the text of a plain value: no floats, and no character that has to be escaped; None for any other."""
    kind = type(value)
    if kind is str:
        return f'"{value}"' if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value else None
    if value is None or kind is bool:
        return _CONSTANTS[value]
    if kind is int:
        return str(value)
    parts: list[str] = []
    if kind is list or kind is tuple:
        for item in value:
            text = _by_hand(item)
            if text is None:
                return None
            parts.append(text)
        return f"[{', '.join(parts)}]"
    if kind is dict:
        for name, item in value.items():
            lead, text = _by_hand(name), _by_hand(item)
            if lead is None or text is None or type(name) is not str:
                return None
            parts.append(f"{lead}: {text}")
        return f"{{{', '.join(parts)}}}"
    return None


def dumps(value: "Any", *, pretty: bool = False) -> str:
    """Return `value` as JSON text, ASCII only; `pretty`: over several lines, as `json.dumps(indent=2)`.

    Raises TypeError for what JSON cannot hold, ValueError for NaN and infinities.
    """
    return "".join(_pretty(value, "\n")) if pretty else _write(value)


def loads(text: str) -> "Any":
    """Return the value of JSON `text`. Raises ValueError (`json.JSONDecodeError`) if it is not JSON."""
    return _way()[1](text)


def _pretty(value: "Any", margin: str) -> "Iterable[str]":
    inner = margin + "  "
    if isinstance(value, dict) and value:
        lead = "{"
        for key, item in value.items():
            yield f"{lead}{inner}{_write({key: None})[1:-5]}"
            yield from _pretty(item, inner)
            lead = ","
        yield f"{margin}}}"
    elif isinstance(value, list | tuple) and value:
        lead = "["
        for item in value:
            yield f"{lead}{inner}"
            yield from _pretty(item, inner)
            lead = ","
        yield f"{margin}]"
    else:
        yield _write(value)
