"""What a run is about to run with: program, script and git revision, looked at when it is claimed, kept once by content.

It must cost a start next to nothing and may never hold one up: a few looks at files, what was seen in one cycle holds for all of it,
contents are read once as long as a file is the same, so many bytes a cycle, of ordinary files only, and nothing that lies on a network is
touched (who touches it may wait for ever). What was not looked at is said, not guessed.
"""

import os
import stat
import sys

import outlast
from outlast.conditions.mounts import is_remote
from outlast.core.fingerprint import scripts_of, words_of
from outlast.core.jsontext import dumps
from outlast.executors.local import LIVE
from outlast.store import fingerprints

try:
    from _blake2 import blake2b  # `hashlib` costs 4 ms
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.job import Job
    from outlast.store.store import Store

    Key = tuple[int, ...]
    Found = tuple[str, os.stat_result | None]

WHOLE = 1 << 20  # bytes: of a larger file size and time are told, not the content
BUDGET = 4 << 20  # bytes that are read in one cycle
FRESH = 1_000_000_000  # ns that the mounts are known
LATELY = 100_000_000  # ns that it is known where a program and the top of a repository are: a search is a dozen looks
KEPT = 1000  # files whose contents are remembered
YOUNG = 50_000_000  # ns: what was changed within so short a time may be changed again under the same times
MOST_LEVELS = 40  # of directories, up from the command's, in which a repository is looked for
USUAL_PATH = "/bin:/usr/bin"  # what the shims take where there is none
SHORT = 4096  # bytes: of the files of git that name one thing
TEXT = "text"
_PIECE = 1 << 18
_HEXADECIMAL = frozenset("0123456789abcdef")
_UNSEEN_REMOTE = "it lies on a network or a program's file system, which is not looked at"
_UNSEEN_LARGE = f"it has more than {WHOLE >> 20} MiB: its size and time are compared, not its content"
_UNSEEN_LATER = "there was no time to look at its content: its size and time are compared"
_UNSEEN_DENIED = "its content may not be read: its size and time are compared"


class Fingerprints:
    """Takes the fingerprints of runs."""

    __slots__ = (
        "_budget", "_careful", "_common", "_contents", "_made", "_places", "_programs", "_remote", "_searched", "_since", "_store",
        "_taken", "_tops", "_where",
    )  # fmt: skip

    def __init__(self, store: "Store") -> None:
        """`store` keeps them."""
        self._store = store
        self._common: dict[str, Any] = {"outlast": outlast.__version__, "python": sys.version.split()[0], "kernel": os.uname().release}
        self._careful = not is_remote("/")  # else we wait ourselves as long as it does not answer
        self._places: dict[str | None, str] = {}  # environment -> its PATH
        self._contents: dict[tuple[str, str], tuple[Key, str]] = {}  # path and what is wanted of it -> what it was, and that
        self._made: dict[tuple[str | None, ...], str] = {}  # in this cycle, by environment, stdin, directory and command
        self._taken: dict[tuple[str | None, ...], str] = {}  # likewise, by files and directory
        self._programs: dict[tuple[str | None, ...], Found | None] = {}  # likewise, by environment, directory and word
        self._where: dict[tuple[str | None, ...], str] = {}  # environment, directory and word -> path of the program, as of `_searched`
        self._tops: dict[str, str | None] = {}  # directory -> top of its repository, likewise
        self._searched = 0
        self._remote: dict[str, bool] = {}  # path -> may whoever touches it wait for ever
        self._since = 0  # when that was begun
        self._budget = BUDGET

    def begin(self, at: int) -> None:
        """Begin a cycle: files are looked at anew; where they are, and the mounts, is known for a moment (LATELY, FRESH)."""
        if not 0 <= at - self._since < FRESH:
            self._remote.clear()
            self._since = at
        if not 0 <= at - self._searched < LATELY:
            self._where.clear()
            self._tops.clear()
            self._searched = at
        self._made.clear()
        self._taken.clear()
        self._programs.clear()
        self._budget = BUDGET

    def of(self, job: "Job", variables: bytes, at: int) -> str | None:
        """Return the hash of what the next run of `job` runs with, which is kept then; `variables`: its environment, as it is stored.

        None: nothing can be said. To be called within the transaction that claims the run.
        """
        same = (job.environment, job.spec.get("stdin"), job.cwd, *job.command)
        digest = self._made.get(same)
        if digest is None:
            try:
                digest = self._made[same] = self._take(job, variables, at)
            except (OSError, ValueError):  # a path that is none
                return None
        return digest

    def _take(self, job: "Job", variables: bytes, at: int) -> str:
        words = words_of(job.command)
        program = self._program(words[0], job, variables) if words else None
        script = next(filter(None, (self._look(os.path.join(job.cwd, word)) for word in scripts_of(words))), None)
        given = job.spec.get("stdin")
        stdin = self._look(os.path.join(job.cwd, given)) if given and given not in ("null", LIVE) else None
        # thousands of commands may mean the same files
        alike = (program and program[0], script and script[0], stdin and stdin[0], job.cwd)
        digest = self._taken.get(alike)
        if digest is None:
            text = dumps(self._facts(job.cwd, {"program": program, "script": script, "stdin": stdin}, at))
            digest = self._taken[alike] = blake2b(text.encode(), digest_size=16).hexdigest()
            fingerprints.put(self._store, digest, text, at)
        return digest

    def _facts(self, cwd: str, files: "Mapping[str, Found | None]", at: int) -> "dict[str, Any]":
        facts = {**self._common, **{what: self._file(*found, at) for what, found in files.items() if found is not None}}
        git = self._revision(cwd, at)
        return facts if git is None else {**facts, "git": git}

    def _program(self, word: str, job: "Job", variables: bytes) -> "Found | None":
        """Return the program as the shim finds it (execvp(3)); None if there is none. In one cycle it is looked for once."""
        asked = (job.environment, job.cwd, word)
        if asked not in self._programs:
            path = self._where.get(asked)
            found = None if path is None else self._look(path)
            if found is None:
                found = self._search(word, job, variables)
                if found is not None:
                    self._where[asked] = found[0]
            self._programs[asked] = found
        return self._programs[asked]

    def _search(self, word: str, job: "Job", variables: bytes) -> "Found | None":
        if "/" in word:
            return self._look(os.path.join(job.cwd, word))
        places = self._places.get(job.environment)
        if places is None:
            if len(self._places) > 100:
                self._places.clear()
            told = (b"\0" + variables).partition(b"\0PATH=")
            places = self._places[job.environment] = os.fsdecode(told[2].partition(b"\0")[0]) if told[1] else USUAL_PATH
        for folder in places.split(":"):
            path = f"{os.path.join(job.cwd, folder)}/{word}"
            if self._is_remote(path):
                return path, None  # it may be there, or not
            if os.access(path, os.X_OK):
                found = self._look(path)
                if found is not None:
                    return found
        return None

    def _is_remote(self, path: str) -> bool:
        if not self._careful:
            return False
        told = self._remote.get(path)
        if told is None:
            told = self._remote[path] = is_remote(path)
        return told

    def _look(self, path: str) -> "Found | None":
        """Return an ordinary file with what it is, None for that if it is not to be touched; None: there is none."""
        if self._is_remote(path):
            return path, None
        try:
            told = os.stat(path)
        except (OSError, ValueError):
            return None
        return (path, told) if stat.S_ISREG(told.st_mode) else None

    def _file(self, path: str, told: os.stat_result | None, at: int) -> "dict[str, Any]":
        if told is None:
            return {"path": path, "unseen": _UNSEEN_REMOTE}
        facts = {"path": path, "size": told.st_size, "mtime": told.st_mtime_ns}
        if told.st_size > WHOLE:
            return {**facts, "unseen": _UNSEEN_LARGE}
        content = self._content(path, told, at)
        return {**facts, "hash": content} if content else {**facts, "unseen": _UNSEEN_DENIED if self._budget > 0 else _UNSEEN_LATER}

    def _content(self, path: str, told: os.stat_result, at: int, wanted: str = "") -> str:
        """Return of a file what `_read` does; empty: it could not be read, or has no such thing. Read again only if it is another file."""
        key = (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        known = self._contents.get((path, wanted))
        if known is not None and known[0] == key:
            return known[1]
        self._budget -= told.st_size
        if self._budget < 0:
            return ""
        try:
            content = _read(path, told, wanted)
        except OSError:
            return ""
        if at - told.st_ctime_ns > YOUNG:
            if len(self._contents) >= KEPT:
                self._contents.clear()
            self._contents[path, wanted] = key, content
        return content

    def _text(self, path: str, at: int, wanted: str = TEXT, most: int = SHORT) -> str:
        """Return likewise of a file that may be there, if it has no more than `most` bytes."""
        found = self._look(path)
        if found is None or found[1] is None or found[1].st_size > most:
            return ""
        return self._content(path, found[1], at, wanted).strip()

    def _revision(self, cwd: str, at: int) -> "dict[str, Any] | None":
        """Return the git repository that `cwd` is in: top, revision, branch (gitrepository-layout(5)); None if it is in none."""
        if cwd not in self._tops:
            self._tops[cwd] = None if self._is_remote(cwd) else _top_of(cwd)
        top = self._tops[cwd]
        if top is None:
            return None
        folder = f"{top}/.git"
        if not os.path.isdir(folder):  # a worktree or a submodule: `gitdir: PATH`
            folder = os.path.join(top, self._text(folder, at).partition("gitdir: ")[2])
        head = self._text(f"{folder}/HEAD", at)
        if not head.startswith("ref: refs/") or ".." in head:
            return {"top": top, "revision": head, "branch": None} if _is_revision(head) else None
        ref = head[5:]
        revision = self._text(f"{folder}/{ref}", at)
        if not revision:
            common = os.path.join(folder, self._text(f"{folder}/commondir", at) or ".")
            revision = self._text(f"{common}/{ref}", at)
            if not revision and os.access(f"{common}/packed-refs", os.F_OK):
                revision = self._text(f"{common}/packed-refs", at, ref, BUDGET) or "?"
        known = _is_revision(revision) or not revision
        return {"top": top, "revision": revision if known else None, "branch": ref.removeprefix("refs/heads/")}


def _top_of(cwd: str) -> str | None:
    """Return the nearest directory from `cwd` upwards that has a repository; None if there is none."""
    top = cwd
    for _ in range(MOST_LEVELS):
        if os.access(f"{top}/.git", os.F_OK):
            return top
        above = os.path.dirname(top)
        if above == top:
            return None
        top = above
    return None


def _is_revision(text: str) -> bool:
    return len(text) in {40, 64} and set(text) <= _HEXADECIMAL  # SHA-1 or SHA-256


def _read(path: str, told: os.stat_result, wanted: str) -> str:
    """Return of a file the hash of its content; `wanted` TEXT: its text; a ref: the revision that packed refs have for it.

    Raises OSError, also if it is another file by now.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        now = os.fstat(fd)
        if (now.st_dev, now.st_ino) != (told.st_dev, told.st_ino):
            raise FileNotFoundError(path)
        digest, parts, left = blake2b(digest_size=16), [], max(told.st_size, SHORT)
        while left > 0 and (piece := os.read(fd, min(_PIECE, left))):
            left -= len(piece)
            parts.append(piece) if wanted else digest.update(piece)
    finally:
        os.close(fd)
    if not wanted:
        return str(digest.hexdigest())
    text = b"".join(parts)
    if wanted != TEXT:
        line = text.partition(b" %s\n" % os.fsencode(wanted))
        text = line[0].rpartition(b"\n")[2] if line[1] else b""
    return text.decode("utf-8", "surrogateescape")
