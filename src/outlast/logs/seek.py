"""Where to begin to read for a time: which stretches of the files can hold a record between `since` and `until`.

Records are in the order of time unless the clock was set back. So a stretch is left out only if the records at both its ends
are out by more than `MARGIN`: being wrong takes a clock that within one stretch first comes into the wanted time and then is
set back by more than that. A clock set back elsewhere, or by less, only means that more is read. Every record is looked at
again, so what is read too much is never shown.

A log that is written fast has gigabytes within `MARGIN` before `since`; of them no more than `EARLY` bytes are read, those before the
first place that is late enough. So in such a log a clock that is set back can hide what it had written by then.
"""

from outlast.logs.stretch import first_record, line_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.logs.files import LogFile, Stretch

STEP = 1 << 17  # bytes between two looks
LOOKS = 4096  # at all files together; beyond 512 MiB the steps grow
MARGIN = 600 * 1_000_000_000
EARLY = 64 << 20


def stretches(files: "list[LogFile]", since: int | None, until: int | None) -> "list[Stretch]":
    """Return what of `files` has to be read, in order; a file that is gone meanwhile is left to the reader."""
    if since is None and until is None:
        return [(file, 0, file.size) for file in files]
    step = max(STEP, sum(file.size for file in files) // LOOKS)
    low = None if since is None else since - MARGIN
    high = None if until is None else until + MARGIN
    marks: list[tuple[int, int, int | None]] = []  # index of the file, offset, time
    for index, file in enumerate(files):
        if not file.reopen():
            marks.append((index, 0, None))
            continue
        for offset in range(0, file.size, step):
            place, record = first_record(file.fd, offset, file.size)
            marks.append((index, place, None if record is None else record.at))
        if file.lazy:
            file.close()
    found: list[Stretch] = []
    begin = 0 if since is None else _begin(marks, step, since)
    for (index, start, at), (next_index, end, then) in list(zip(marks, [*marks[1:], (-1, 0, None)], strict=False))[begin:]:
        stop = end if index == next_index else files[index].size
        known = at is not None and then is not None
        if known and ((low is not None and at < low and then < low) or (high is not None and at > high and then > high)):  # type: ignore[operator]
            continue
        if found and found[-1][0] is files[index] and found[-1][2] == start:
            found[-1] = (files[index], found[-1][1], stop)
        elif stop > start:
            found.append((files[index], start, stop))
    return found


def _begin(marks: "list[tuple[int, int, int | None]]", step: int, since: int) -> int:
    """Return from which of `marks` on there is anything to read: some `EARLY` bytes before the first that may be late enough."""
    late = next((number for number, (_, _, at) in enumerate(marks) if at is None or at >= since), len(marks))
    return max(late - 1 - EARLY // step, 0)


def last_bytes(parts: "list[Stretch]", size: int) -> "tuple[list[Stretch], list[Stretch]]":
    """Cut `parts` in two: what comes before, and about the last `size` bytes, from the beginning of a line on."""
    for index in range(len(parts) - 1, -1, -1):
        file, start, end = parts[index]
        if end - start > size and file.reopen():
            cut = max(start, line_start(file.fd, end - size, end))
            return [*parts[:index], (file, start, cut)], [(file, cut, end), *parts[index + 1 :]]
        size -= min(size, end - start)
    return [], parts
