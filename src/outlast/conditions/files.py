"""The watch over files: tells when something came, went or was renamed at a path, or was opened or closed, as the kernel tells it.

Where the kernel does not (network file systems, no watches left) it asks once a second. Nothing is missed between `watch` and a look
that follows it. A path is a name in a place; places are shared by all that wait there, and each knows the way that leads to it.
"""

import os
import select

from outlast.conditions.ways import Unseen, Watched, Way
from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outlast.conditions.inotify import Inotify
    from outlast.conditions.looking import Loop

_SECOND = 1_000_000_000
POLL = _SECOND  # between two looks where the kernel does not tell
POLL_SHARE = 20  # the part of the time that polling may take is one in so many
TRY_AGAIN = 60  # polls after which the kernel is tried again
_MOST_LINKS = 40
_HERE = {b"", b".", b".."}


class Entry:
    """One watched path: a name in a place. If it is a link, it stands in the places of its targets, too."""

    __slots__ = ("changed", "file", "hooks", "opens", "path", "seen")

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.changed: list[Callable[[], None]] = []
        self.opens: list[Callable[[], None]] = []  # those of `changed` that want to know of opening and closing, too
        self.hooks: tuple[tuple[Place, bytes], ...] = ()
        self.file: Watched | None = None
        self.seen: tuple[int, int] | None = None  # what was at the path when it was polled


class Place:
    """One directory, as somebody spelled it, and what is watched in it."""

    __slots__ = ("entries", "identity", "path", "polled", "way")

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.entries: dict[bytes, list[Entry]] = {}
        self.way: Way | None = None
        self.polled = False
        self.identity: tuple[int, int] | None = None


class FileWatch:
    """Watches paths. One instance serves all who wait."""

    def __init__(self, loop: "Loop", *, only_polls: bool = False) -> None:
        """`only_polls`: the kernel is not asked to tell."""
        self._loop = loop
        self._only_polls = only_polls
        self._kernel: Inotify | None = None
        self._mounts = -1
        self._places: dict[bytes, Place] = {}
        self._entries: dict[bytes, Entry] = {}
        self._watched: dict[int, Watched] = {}
        self._fresh: list[Watched] = []  # on which nothing depended yet
        self._seen_by_kernel: dict[int, bool] = {}  # by device
        self._polled: set[Place] = set()
        self._polls = 0
        self._polling = False
        self._dirty: set[Entry] = set()

    def watch(self, path: str, changed: "Callable[[], None]", *, opens: bool = False) -> None:
        """From now on call `changed` when something may have changed at `path` (absolute); at most once a round, whatever happens.

        `opens`: also when the file that is there is opened or closed. Look after this, not before.
        """
        self._set_up()
        name = os.fsencode(path)
        name = name.rstrip(b"/") or b"/"
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = Entry(name)
        entry.changed.append(changed)
        if opens:
            entry.opens.append(changed)
        self._trace(entry)
        entry.seen = _identity(name)

    def forget(self, path: str, changed: "Callable[[], None]") -> None:
        """Call it no longer for `path`. Nothing happens if it was not watched."""
        name = os.fsencode(path).rstrip(b"/") or b"/"
        entry = self._entries.get(name)
        if entry is None or changed not in entry.changed:
            return
        entry.changed.remove(changed)
        if changed in entry.opens:
            entry.opens.remove(changed)
        if entry.changed:
            self._trace(entry)
            return
        del self._entries[name]
        self._dirty.discard(entry)
        self._attend(entry, None)
        self._hook(entry, ())

    def close(self) -> None:
        """Let go of everything."""
        for fd in (self._mounts, self._kernel.fd if self._kernel is not None else -1):
            if fd >= 0:
                self._loop.forget(fd)
                os.close(fd)
        self._kernel = None
        self._mounts = -1
        for kept in (self._places, self._entries, self._watched, self._polled, self._dirty):
            kept.clear()

    def _set_up(self) -> None:
        """Ask the kernel for its service when the first path is watched."""
        if self._kernel is not None or self._only_polls:
            return
        try:
            from outlast.conditions.inotify import Inotify

            self._kernel = Inotify()
        except (ImportError, OSError):  # no ctypes, no instance left: as if nothing was seen
            self._only_polls = True
            return
        self._loop.watch(self._kernel.fd, self._told)
        try:
            self._mounts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        self._loop.watch(self._mounts, self._mounted, select.EPOLLPRI)  # proc_pid_mountinfo(5)

    # --- what depends on what ---

    def _trace(self, entry: Entry) -> None:
        """Find out where the path leads, by its name and, if that is a link, its targets'; and watch the file if that is wanted."""
        hooks = [self._hook_of(entry.path)]
        while len(hooks) <= _MOST_LINKS:
            place, name = hooks[-1]
            try:
                target = os.readlink(os.path.join(place.path, name))
            except OSError:
                break
            hooks.append(self._hook_of(os.path.join(place.path, target)))
        self._hook(entry, tuple(hooks))
        file = None
        if entry.opens and self._kernel is not None:
            from outlast.conditions.inotify import USES

            try:
                file = self._watch(entry.path, USES)
            except OSError:  # not there, or not to be read
                pass
        self._attend(entry, file)

    def _hook_of(self, path: bytes) -> tuple[Place, bytes]:
        path = path.rstrip(b"/") or b"/"
        folder, name = os.path.split(path)
        if name in _HERE:
            folder, name = path, b""
        place = self._places.get(folder)
        if place is None:
            place = self._places[folder] = Place(folder)
            self._resolve(place)
        return place, name

    def _hook(self, entry: Entry, hooks: tuple[tuple[Place, bytes], ...]) -> None:
        """Have the entry stand there and nowhere else."""
        if hooks == entry.hooks:
            return
        before, entry.hooks = entry.hooks, hooks
        for place, name in hooks:
            entries = place.entries.setdefault(name, [])
            if entry not in entries:
                entries.append(entry)
        for place, name in before:
            if (place, name) in hooks:
                continue
            entries = place.entries.get(name, [])
            if entry in entries:
                entries.remove(entry)
            if not entries:
                place.entries.pop(name, None)
        for place, _ in before:
            if not place.entries and self._places.pop(place.path, None) is not None:
                self._polled.discard(place)
                self._go(place, None)

    def _attend(self, entry: Entry, file: Watched | None) -> None:
        """Have the entry hear of the opening and closing of that file and of no other one."""
        before, entry.file = entry.file, file
        if file is not None:
            file.opened.add(entry)
        if before is not None and before is not file:
            before.opened.discard(entry)
            self._release(before)
        self._tidy()

    def _resolve(self, place: Place) -> bool:
        """Find the way to the place anew; tells whether it leads elsewhere, or is polled now, or no longer."""
        polled = self._kernel is None
        way = None
        if not polled:
            try:
                way = Way(place.path, self._directory)
            except Unseen:
                polled = True
        elsewhere = place.polled != polled or (place.way and place.way.at) is not (way and way.at)
        self._go(place, way)
        place.identity = _identity(place.path)
        place.polled = polled
        if polled:
            self._polled.add(place)
            self._poll_later()
        else:
            self._polled.discard(place)
        return elsewhere

    def _go(self, place: Place, way: Way | None) -> None:
        """Have the place depend on this way, and no longer on the one before."""
        before, place.way = place.way, way
        if way is not None:
            for watched, name in way.steps:
                watched.passing.setdefault(name, set()).add(place)
            if way.at is not None:
                way.at.places.add(place)
        if before is not None:
            self._leave(place, before, way)
        self._tidy()

    def _leave(self, place: Place, before: Way, way: Way | None) -> None:
        """Have the place depend no longer on what was on the way before and is not now."""
        kept = set() if way is None else {(watched.number, name) for watched, name in way.steps}
        for watched, name in before.steps:
            places = watched.passing.get(name)
            if places is not None and (watched.number, name) not in kept:
                places.discard(place)
                if not places:
                    del watched.passing[name]
        if before.at is not None and (way is None or way.at is not before.at):
            before.at.places.discard(place)
        for watched in {*(watched for watched, _ in before.steps), *((before.at,) if before.at is not None else ())}:
            self._release(watched)

    def _tidy(self) -> None:
        """Release what a walk had begun to watch and then did not need."""
        for watched in self._fresh:
            self._release(watched)
        self._fresh.clear()

    # --- the kernel ---

    def _directory(self, path: bytes, told: os.stat_result, *, entries: bool) -> Watched | None:
        """Watch a directory; None if it cannot be read. Raises Unseen, OSError."""
        from outlast.conditions.inotify import ENTRIES, ITSELF, sees

        if told.st_dev not in self._seen_by_kernel:
            self._seen_by_kernel[told.st_dev] = sees(path)
        if not self._seen_by_kernel[told.st_dev]:
            raise Unseen
        try:
            return self._watch(path, ENTRIES if entries else ITSELF)
        except PermissionError:
            return None

    def _watch(self, path: bytes, mask: int) -> Watched:
        if self._kernel is None:
            raise Unseen
        number = self._kernel.add(path, mask)
        watched = self._watched.get(number)
        if watched is None:
            watched = self._watched[number] = Watched(number)
            self._fresh.append(watched)
        watched.asked |= mask
        return watched

    def _release(self, watched: Watched) -> None:
        """Watch it no longer if nothing depends on it; nor all that happens in it, if only its own fate matters now."""
        from outlast.conditions.inotify import ITSELF

        if self._kernel is None or watched.number not in self._watched:
            return
        if watched.idle:
            del self._watched[watched.number]
            self._kernel.remove(watched.number)
        elif watched.asked & ~ITSELF and not watched.needs_names and not watched.opened:
            watched.asked = 0
            self._kernel.remove(watched.number)  # it is watched anew, for less, when the kernel says that this one is no more

    def _told(self, _: int) -> None:
        """Take one batch of what the kernel tells. Names that nobody waits for cost two look-ups."""
        from outlast.conditions.inotify import DELETE_SELF, IGNORED, MOVE_SELF, OVERFLOW, UNMOUNT

        again: set[Place] = set()
        hit: set[Entry] = set()
        for number, mask, name in self._kernel.read() if self._kernel is not None else ():
            watched = self._watched.get(number)
            if mask & OVERFLOW:  # anything may have happened
                again.update(self._places.values())
                hit.update(self._entries.values())
            elif watched is None:
                pass
            elif name:
                again.update(watched.passing.get(name, ()))
                for place in watched.places:
                    hit.update(place.entries.get(name, ()))
            else:
                if mask & (IGNORED | UNMOUNT | MOVE_SELF | DELETE_SELF):
                    again.update(watched.all_places())
                if mask & IGNORED:
                    del self._watched[number]
                hit.update(watched.opened)
        if again or hit:
            self._look_again(again, hit)

    def _mounted(self, _: int) -> None:
        """Something was mounted or unmounted: a directory may be another one now, of which inotify says nothing."""
        self._seen_by_kernel.clear()
        places = self._places.values()
        self._look_again({place for place in places if place.identity is None or place.identity != _identity(place.path)}, set())

    def _look_again(self, places: "Iterable[Place]", hit: set[Entry]) -> None:
        """Find out anew where these lead; tell of `hit` and of all in places that lead elsewhere now."""
        for place in places:
            if self._places.get(place.path) is place and self._resolve(place):
                hit.update(entry for entries in place.entries.values() for entry in entries)
        for entry in hit:
            if entry.changed:
                self._trace(entry)
        self._changed(hit)

    # --- telling and polling ---

    def _changed(self, entries: "Iterable[Entry]") -> None:
        told = bool(self._dirty)
        self._dirty.update(entries)
        if self._dirty and not told:
            self._loop.call_after(0, self._tell)

    def _tell(self) -> None:
        """Call each who is concerned once."""
        dirty, self._dirty = self._dirty, set()
        called = set()
        for entry in dirty:
            if self._polled:
                entry.seen = _identity(entry.path)  # who is told looks now: the next poll tells what is so no longer
            for changed in tuple(entry.changed):
                if changed not in called and changed in entry.changed:  # another one may have had it forgotten
                    called.add(changed)
                    changed()

    def _poll_later(self, after: int = POLL) -> None:
        if not self._polling:
            self._polling = True
            self._loop.call_after(after, self._poll)

    def _poll(self) -> None:
        """Ask for all that the kernel does not tell of. Who uses a file cannot be asked for: whoever wants that looks each time."""
        self._polling = False
        began = monotonic()
        self._polls += 1
        if self._polls % TRY_AGAIN == 0:
            self._look_again(tuple(self._polled), set())
        changed = []
        for place in self._polled:
            for entries in place.entries.values():
                for entry in entries:
                    seen = _identity(entry.path)
                    if seen != entry.seen or (seen is not None and entry.opens):
                        entry.seen = seen
                        changed.append(entry)
        self._changed(changed)
        if self._polled:
            self._poll_later(max(POLL, POLL_SHARE * (monotonic() - began)))


def _identity(path: bytes) -> tuple[int, int] | None:
    """Return what tells the file that is there from another one, None if there is none or it cannot be asked for."""
    try:
        told = os.stat(path)
    except OSError:
        return None
    return told.st_dev, told.st_ino
