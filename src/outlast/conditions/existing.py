"""The condition `file`: something of that name is there."""

import errno
import os

from outlast.core.errors import UsageError
from outlast.core.ports import EXISTENCE, Seen


def checked_path(word: str, cwd: str) -> str:
    """Return the path, absolute; `..` stays, since what it means depends on links. Raises UsageError."""
    if not word or "\0" in word:
        raise UsageError("the path of a file is empty or holds a NUL character", "write it as in `/data/in.csv`")
    return os.path.join(cwd, word)


def missing(path: str, error: OSError) -> Seen:
    """Say why there is nothing to be seen at `path`."""
    if error.errno == errno.ENOENT:
        return Seen(met=False, text=f"`{path}` is not there")
    return Seen(met=False, text=f"`{path}` cannot be looked at ({error.strerror})")


class File:
    """Met while the path leads to something: a file, a directory, a socket; a symbolic link only if it leads to something."""

    name = "file"
    fast = True
    watch = EXISTENCE

    def check(self, word: str, cwd: str) -> str:
        """Return the absolute path."""
        return checked_path(word, cwd)

    def look(self, word: str) -> Seen:
        """Ask for it. Blocks only where the file system does: a network's whose server is gone."""
        try:
            os.stat(word)
        except OSError as error:
            return missing(word, error)
        return Seen(met=True, text=f"`{word}` is there")
