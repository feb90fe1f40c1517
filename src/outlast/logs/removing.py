"""Removes and measures what a run has left in the home. A file that is not there is removed already; one that cannot be removed is told."""

import errno
import os

from outlast.logs.files import HOLES, name_of

REST = (".gaps", ".feedback", ".feedback-cache", ".stdin", ".stdin.end")  # beside the log


def remove(path: str) -> str | None:
    """Remove the files of the run whose files are named after `path`. Returns what could not be, as a sentence, or None."""
    failed: list[str] = []
    number = misses = 0
    while misses < HOLES:
        there = _unlink(name_of(path, number), failed)
        misses = 0 if there else misses + 1
        number += 1
    for suffix in REST:
        _unlink(path + suffix, failed)
    if not failed:
        return None
    return f"cannot remove {failed[0]}" + (f" and {len(failed) - 1} more" if len(failed) > 1 else "")


def measure(path: str) -> int:
    """Return how many bytes of output the run whose files are named after `path` has on the disk."""
    total = number = misses = 0
    while misses < HOLES:
        try:
            total += os.lstat(name_of(path, number)).st_size
            misses = 0
        except OSError:
            misses += 1
        number += 1
    return total


def _unlink(name: str, failed: list[str]) -> bool:
    """Remove a file; False if there was none."""
    try:
        os.unlink(name)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return False
        failed.append(f"{name} ({error.strerror})")
    return True
