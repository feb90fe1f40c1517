"""The way to a directory: every name that the kernel passes when it resolves the path, links included, with the directory that has it.

If one of those names comes, goes or is renamed, the path may lead elsewhere. Each directory is watched before its next name is
looked up, so nothing that happens in between is missed.
"""

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.conditions.files import Entry, Place

_MOST_LINKS = 40  # path_resolution(7)
_MISSING = (errno.ENOENT, errno.ENOTDIR)


class Watched:
    """One inode that the kernel watches for us, and what depends on it."""

    __slots__ = ("number", "opened", "passing", "places")

    def __init__(self, number: int) -> None:
        self.number = number  # the kernel's
        self.passing: dict[bytes, set[Place]] = {}  # whose way leads through that name in this directory
        self.places: set[Place] = set()  # that are this directory
        self.opened: set[Entry] = set()  # that are this file, and whose opening and closing is of interest

    @property
    def idle(self) -> bool:
        """Whether nothing depends on it any more."""
        return not (self.passing or self.places or self.opened)

    def all_places(self) -> "set[Place]":
        """Return every place that depends on it."""
        return self.places.union(*self.passing.values())


class Unseen(Exception):
    """What happens there is not told by the kernel: it has to be asked again and again."""


class Way:
    """Where a path leads: `at`, the directory, None if it is not there; `steps`: each name passed, with the directory that has it."""

    __slots__ = ("at", "steps")

    def __init__(self, path: bytes, watch: "Callable[[bytes, os.stat_result], Watched | None]") -> None:
        """Walk it. `watch(directory, its stat)` returns None for one that may be passed but not read. Raises Unseen."""
        self.at: Watched | None = None
        self.steps: list[tuple[Watched, bytes]] = []
        try:
            self._walk(path, watch)
        except OSError as error:
            if error.errno not in _MISSING:
                raise Unseen from error

    def _walk(self, path: bytes, watch: "Callable[[bytes, os.stat_result], Watched | None]") -> None:
        todo = path.split(b"/")[::-1]
        here = b"/"
        links = 0
        watched = watch(here, os.stat(here))
        while todo:
            name = todo.pop()
            if name in {b"", b"."}:
                continue
            if name == b"..":
                here = os.path.dirname(here)
                watched = watch(here, os.stat(here))
                continue
            if watched is not None:
                self.steps.append((watched, name))
            told = _told(os.path.join(here, name), blind=watched is None)
            if stat.S_ISLNK(told.st_mode):
                links += 1
                if links > _MOST_LINKS or watched is None:
                    raise Unseen
                target = os.readlink(os.path.join(here, name))
                todo += target.split(b"/")[::-1]
                if target.startswith(b"/"):
                    here = b"/"
                    watched = watch(here, os.stat(here))
            else:
                here = os.path.join(here, name)
                watched = watch(here, told)  # ENOTDIR for what is none
        if watched is None:
            raise Unseen
        self.at = watched


def _told(path: bytes, *, blind: bool) -> os.stat_result:
    """Look a name up. What is missing in a directory that cannot be watched may come unseen."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        if blind:
            raise Unseen from None
        raise
