"""Names and numbers of signals, without the price of `signal`'s enumerations."""

import _signal as _source  # type: ignore[import-not-found]  # what is below `signal` (5 ms), of CPython and PyPy alike

from outlast.core.errors import UsageError

_NUMBERS: dict[str, int] = {
    name: int(getattr(_source, name))
    for name in dir(_source)
    if name.startswith("SIG") and not name.startswith("SIG_") and isinstance(getattr(_source, name), int)
}
_FIRST_RT, _LAST_RT = _NUMBERS.pop("SIGRTMIN", 0), _NUMBERS.pop("SIGRTMAX", 0)
_NAMES = {number: name for name, number in sorted(_NUMBERS.items(), reverse=True) if name not in {"SIGCLD", "SIGPOLL", "SIGIOT"}}
HIGHEST = int(_source.NSIG) - 1


def parse_signal(given: str | int) -> int:
    """Return the number of a signal: `SIGTERM`, `term`, `15`, `RTMIN+3`. Raises UsageError if there is no such signal."""
    if isinstance(given, int) and not isinstance(given, bool):
        number = int(given)
    else:
        text = str(given).strip().upper().removeprefix("SIGNAL ")  # as `signal_name` calls what has no name
        name = text if text.startswith("SIG") else f"SIG{text}"
        if text.isascii() and text.isdigit() and len(text) < 4:
            number = int(text)
        elif name.startswith("SIGRTMIN") and _FIRST_RT:
            plus = name[8:]
            number = _FIRST_RT + (int(plus[1:]) if plus[:1] == "+" and plus[1:].isascii() and plus[1:].isdigit() and len(plus) < 4 else 0)
            number = number if number <= _LAST_RT and (not plus or number > _FIRST_RT) else 0
        else:
            number = _NUMBERS.get(name, _LAST_RT if name == "SIGRTMAX" else 0)
    if 1 <= number <= HIGHEST:
        return number
    from outlast.core.nearest import hint

    tried = str(given)[:40].upper().removeprefix("SIG")
    raise UsageError(f"`{str(given)[:40]}` is no signal", hint(f"SIG{tried}", _NUMBERS, "write a name like `SIGTERM`, `HUP`, or a number"))


def signal_name(number: int) -> str:
    """Return `SIGTERM` for 15; `SIGRTMIN+3` for real-time signals; `signal 99` for what has no name."""
    if number in _NAMES:
        return _NAMES[number]
    if _FIRST_RT and _FIRST_RT <= number <= _LAST_RT:
        return "SIGRTMIN" if number == _FIRST_RT else f"SIGRTMIN+{number - _FIRST_RT}"
    return f"signal {number}"
