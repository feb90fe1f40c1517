"""Sizes in bytes as people write them. None means no limit."""

from outlast.core.errors import UsageError

LARGEST = 2**63 - 1
ACCEPTED = "write it like `10485760`, `512KiB`, `32MiB`, `1GB`, or `none` for no limit"
_UNITS: dict[str, int] = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtpe", 1):
    _UNITS[_letter] = _UNITS[f"{_letter}ib"] = 1024**_power  # a bare letter is binary, as for systemd, docker and dd
    _UNITS[f"{_letter}b"] = 1000**_power
_NAMES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def parse_size(given: str | int | None) -> int | None:
    """Return `given` in bytes, None for no limit (`none` or -1). Raises UsageError for everything else."""
    if given is None or given == -1:
        return None
    size = given if isinstance(given, int) and not isinstance(given, bool) else _read(given)
    if size is not None and not 0 <= size <= LARGEST:
        raise UsageError(f"the size `{str(given)[:64]}` is out of range", "it lies between 0 and 8 EiB; `none` is no limit")
    return size


def _read(given: object) -> int | None:
    if not isinstance(given, str):
        raise _bad(given)
    text = given.strip().lower()
    if text in {"none", "-1"}:
        return None
    end = 0
    while end < len(text) and text[end] in "0123456789.":
        end += 1
    whole, _, part = text[:end].partition(".")
    unit = _UNITS.get(text[end:].lstrip())
    if unit is None or not (whole or part) or "." in part or len(text) > 64:
        raise _bad(given)
    return int(whole or "0") * unit + (int(part) * unit // 10 ** len(part) if part else 0)


def _bad(given: object) -> UsageError:
    return UsageError(f"`{str(given)[:64]}` is not a size", ACCEPTED)


def format_size(size: int | None) -> str:
    """Return a size for people: `512 B`, `39.1 MiB`; None is `none`."""
    if size is None:
        return "none"
    if abs(size) < 1024:
        return f"{size} B"
    value = float(size)
    power = 0
    while abs(value) >= 1023.95 and power < len(_NAMES) - 1:
        value /= 1024
        power += 1
    return f"{value:.1f} {_NAMES[power]}"


def exact_size(size: int | None) -> str:
    """Return a size that `parse_size` reads back unchanged, as short as can be: `32MiB`, `10485761`, `none`."""
    if size is None:
        return "none"
    for power in range(len(_NAMES) - 1, 0, -1):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power}{_NAMES[power]}"
    return str(size)
