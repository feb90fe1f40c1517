"""The way to a directory: every name that the kernel passes when it resolves the path, links included, with the directory that has it.

If one of those names comes, goes or is renamed, the path may lead elsewhere. What it depends on is watched before it is looked at for
the last time, so nothing that happens in between is missed.
"""

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from outlast.conditions.files import Entry, Place

    class Watch(Protocol):
        """Has the kernel watch a directory, and the names in it or only itself."""

        def __call__(self, path: bytes, told: os.stat_result, *, entries: bool) -> "Watched | None":
            """Return what is watched there, None if it may be passed but not read."""


SELF = b""  # stands for the directory itself among its names
_MOST_LINKS = 40  # path_resolution(7)
_MISSING = (errno.ENOENT, errno.ENOTDIR)


class Watched:
    """One inode that the kernel watches for us, and what depends on it."""

    __slots__ = ("asked", "number", "opened", "passing", "places")

    def __init__(self, number: int) -> None:
        self.number = number  # the kernel's
        self.asked = 0  # for what events
        self.passing: dict[bytes, set[Place]] = {}  # whose way depends on that name in this directory
        self.places: set[Place] = set()  # that are this directory
        self.opened: set[Entry] = set()  # that are this file, and whose opening and closing is of interest

    @property
    def idle(self) -> bool:
        """Whether nothing depends on it any more."""
        return not (self.passing or self.places or self.opened)

    @property
    def needs_names(self) -> bool:
        """Whether anything depends on the names in it."""
        return bool(self.places or self.passing.keys() - {SELF})

    def all_places(self) -> "set[Place]":
        """Return every place that depends on it."""
        return self.places.union(*self.passing.values())


class Unseen(Exception):
    """What happens there is not told by the kernel: it has to be asked again and again."""


class Way:
    """Where a path leads: `at`, the directory, None if it is not there.

    `steps`: what it depends on. A directory that is there tells itself when it is renamed or removed, (it, SELF); a name that is
    missing or a link is told by the directory that has it, (directory, name): so nobody is woken by what else happens in busy ones.
    """

    __slots__ = ("_watch", "at", "steps")

    def __init__(self, path: bytes, watch: "Watch") -> None:
        """Walk it. `watch(directory, its stat, entries=)` returns None for one that may be passed but not read. Raises Unseen."""
        self.at: Watched | None = None
        self.steps: list[tuple[Watched, bytes]] = []
        self._watch = watch
        try:
            self._walk(path)
        except OSError as error:
            if error.errno not in _MISSING:
                raise Unseen from error

    def _walk(self, path: bytes) -> None:
        todo = path.split(b"/")[::-1]
        here, told = b"/", os.stat("/")
        links = 0
        while todo:
            name = todo.pop()
            if name in {b"", b"."}:
                continue
            if name == b"..":
                here = os.path.dirname(here)
                told = os.stat(here)
                continue
            path = os.path.join(here, name)
            found = self._pass(path)
            if found is None:
                self._depend_on(here, told, name)
                found = self._pass(path) or os.lstat(path)  # what came before that is seen now
            if stat.S_ISDIR(found.st_mode):
                here, told = path, found
            elif stat.S_ISLNK(found.st_mode):
                links += 1
                if links > _MOST_LINKS:
                    raise Unseen
                target = os.readlink(path)
                todo += target.split(b"/")[::-1]
                if target.startswith(b"/"):
                    here, told = b"/", os.stat("/")
            else:
                return
        self.at = self._watch(here, told, entries=True)
        if self.at is None:
            raise Unseen

    def _pass(self, path: bytes) -> os.stat_result | None:
        """Return the stat of a directory that tells itself when it goes; None for everything else."""
        try:
            told = os.lstat(path)
            watched = self._watch(path, told, entries=False) if stat.S_ISDIR(told.st_mode) else None
        except OSError as error:
            if error.errno not in _MISSING:
                raise
            return None
        if watched is None:
            return None
        self.steps.append((watched, SELF))
        return told

    def _depend_on(self, folder: bytes, told: os.stat_result, name: bytes) -> None:
        watched = self._watch(folder, told, entries=True)
        if watched is None:
            raise Unseen
        self.steps.append((watched, name))
