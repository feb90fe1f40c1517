"""Lending state files: each to one run at a time, from its claim until its end is recorded.

A new file for every run would cost more than all else that a short run writes: an inode, a block, and with the first sync of each a
commit of the file system's journal. One that was written before is overwritten in place. So a home has as many as runs ever lived at
once, and needs no room on a full disk.
"""

import errno
from _heapq import heappop, heappush  # `heapq` without its Python half

from outlast.executors import state
from outlast.seams import failpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from outlast.home import Home


# The world may get better: no process to be had, no memory, no descriptor, no space.
PASSING = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
MOST_BAD = 100


class Lender:
    """The state files of a home. At any time at most one lender, the supervisor's, gives them out."""

    __slots__ = ("_free", "_home", "_next")

    def __init__(self, home: "Home", lent: "Collection[int]") -> None:
        """`lent`: the numbers of those whose run has no recorded end."""
        self._home = home
        self._next = max(lent, default=0) + 1
        self._free = [number for number in range(1, self._next) if number not in lent]  # a heap, since it is in order

    def lend(self) -> "tuple[int, int]":
        """Return (number, descriptor) of the lowest one that is free: locked and empty. Raises OSError.

        A free one may still be locked: by a shim whose client in front has not taken all output, or by somebody who just reads it.
        """
        tried = []
        try:
            while True:
                number = heappop(self._free) if self._free else self._next
                self._next = max(self._next, number + 1)
                tried.append(number)
                failpoint("state.before")
                try:
                    lock = state.take(self._home.state_path(number))
                except BlockingIOError:
                    continue
                except OSError as error:
                    if error.errno in PASSING - {errno.EIO} or len(tried) > MOST_BAD:
                        raise
                    continue  # this one is damaged; the next may be sound
                tried.pop()
                failpoint("state.created")
                return number, lock
        finally:
            for number in tried:
                self.give_back(number)

    def give_back(self, number: int) -> None:
        """Let the file be lent again: the end of its run is recorded, or its claim never was."""
        heappush(self._free, number)
