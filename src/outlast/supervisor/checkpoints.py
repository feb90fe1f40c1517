"""When the write-ahead log is copied into the database: now and then while there is work, and when that is over or space is short."""

import os

from outlast.core.errors import OutlastError
from outlast.seams import failpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.supervisor.context import Context

COMMITS = 64  # between two checkpoints while there is work
LOOK = 16  # commits between two looks at the room that is left


class Checkpoints:
    """Counts commits and copies the log."""

    __slots__ = ("_commits", "_context")

    def __init__(self, context: "Context") -> None:
        """None was made yet."""
        self._context = context
        self._commits = 0  # since the last one

    def committed(self, *, idle: bool = False) -> None:
        """Copy the write-ahead log into the database now and then; when idle, or when space is short, give its room back.

        In between the file keeps its size: a commit into room that is there already syncs faster.
        """
        self._commits += 1
        if not idle and self._commits % LOOK:
            return
        home = self._context.home
        try:
            size = os.stat(home.at("outlast.db-wal")).st_size
            room = os.statvfs(home.path)
        except OSError:
            return
        short = size > room.f_bavail * room.f_frsize // 4
        if not size or not (idle or short or self._commits >= COMMITS):
            return
        self._commits = 0
        failpoint("checkpoint.before")
        try:
            self._context.store.database.checkpoint("TRUNCATE" if idle or short else "PASSIVE")
        except OutlastError as error:
            self._context.log(f"checkpoint failed: {error}")
        failpoint("checkpoint.after")
