"""What is missing of a log: `PATH.gaps`, records of 256 bytes that the shim updates in place.

The index of a gap is its place in the file and does not change; a gap that grows keeps it. A record that cannot be read is
told as a gap of unknown size, never left out.
"""

import errno

from outlast.core.errors import SystemFault
from outlast.core.value import Value

RECORD = 256
ROTATED = "rotated"
LOST_WITH_MACHINE = "lost with the machine"
DAMAGED = "a damaged record of what is missing"


class Gap(Value):
    """Output that is missing at position `offset` of the log stream.

    `bytes`: how many of the command's own bytes (None: unknown, at most `log`); `log`: how many bytes of the log stream went
    with them, 0 when they never got into it; `since`, `until`: when (ns since the epoch, 0 unknown).
    """

    _fields = ("offset", "bytes", "log", "since", "until", "reason")
    offset: int
    bytes: "int | None"
    log: int
    since: int
    until: int
    reason: str


def read(path: str) -> bytes:
    """Return the content of a `.gaps` file, nothing if there is none. Raises SystemFault if it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return b""
        raise SystemFault(f"cannot read {path}: {error.strerror}") from error


def parse(data: bytes) -> "list[Gap]":
    """Return the gaps that `data` tells, in the order of the file. An unfinished last record is not there yet."""
    found: list[Gap] = []
    for start in range(0, len(data) - RECORD + 1, RECORD):
        gap = _parse_one(data[start : start + RECORD])
        if gap is None:
            place = found[-1].offset if found else 0
            gap = Gap(offset=place, bytes=None, log=0, since=0, until=0, reason=DAMAGED)
        found.append(gap)
    return found


def _parse_one(record: bytes) -> "Gap | None":
    import json

    try:
        told = json.loads(record)
        numbers = [told[key] for key in ("offset", "bytes", "log", "from", "to")]
        reason = told["reason"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if any(type(number) is not int or number < 0 for number in numbers) or type(reason) is not str:
        return None
    offset, size, log, since, until = numbers
    return Gap(offset=offset, bytes=size, log=log, since=since, until=until, reason=reason)


def in_time(gap: Gap, since: "int | None", until: "int | None") -> bool:
    """Say whether `gap` touches the time from `since` to `until`; one of unknown time does."""
    if not gap.until:
        return True
    return (since is None or gap.until >= since) and (until is None or gap.since <= until)
