"""Descriptors as they travel with a message on a Unix socket (SCM_RIGHTS, unix(7)); `array` would do, but loads 2 ms of others."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = 4  # bytes of an int


def packed(descriptors: "Iterable[int]") -> bytes:
    """Return the content of an SCM_RIGHTS message."""
    return b"".join([fd.to_bytes(SIZE, sys.byteorder) for fd in descriptors])


def unpacked(data: bytes) -> "list[int]":
    """Return the descriptors of an SCM_RIGHTS message."""
    return [int.from_bytes(data[at : at + SIZE], sys.byteorder) for at in range(0, len(data) - len(data) % SIZE, SIZE)]
