"""Clients in front: the descriptors that they handed over, kept until their job's shim has them.

The hand-over comes before the submission, so that a client that dies right after it harms nothing. If the supervisor dies in
between, the client hands them over again; its pid and start time in the store tell for how long that may be awaited.
"""

import os

from outlast.processes.identity import Identity, lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.store.store import Store

SERVED = "served"  # no client in front, or its descriptors are here
AWAITED = "awaited"  # the client lives and has still to hand them over
GONE = "gone"  # the client ended before it could


class HandedOver:
    """Three descriptors of a client, ours to close."""

    __slots__ = ("descriptors",)

    def __init__(self, descriptors: "tuple[int, int, int]") -> None:
        """Own `descriptors`."""
        self.descriptors = descriptors

    def close(self) -> None:
        """Close our copies; the shim has its own."""
        for fd in self.descriptors:
            os.close(fd)
        self.descriptors = (-1, -1, -1)


class Fronts:
    """What was handed over, by token."""

    __slots__ = ("_by_token", "_left", "_store", "ask_again")

    def __init__(self, store: "Store") -> None:
        """`store` knows which job belongs to which token.

        `ask_again` is set by whoever holds the connections: the first shim had the descriptors, and ended before the command began.
        """
        self._store = store
        self.ask_again: Callable[[str | None], None] = lambda _: None
        self._by_token: dict[str, HandedOver] = {}
        self._left: set[str] = set()  # tokens whose client is no longer connected

    def __len__(self) -> int:
        """Return how many hand-overs are kept."""
        return len(self._by_token)

    def put(self, token: str, descriptors: "tuple[int, int, int]") -> None:
        """Keep a client's descriptors."""
        self.drop(token)
        self._by_token[token] = HandedOver(descriptors)

    def left(self, token: str) -> None:
        """Note that the client is gone. What it submitted before keeps its descriptors; without a job they are closed."""
        if token in self._by_token:
            self._left.add(token)
            self.tidy()

    def tidy(self) -> None:
        """Close what no job will ask for any more: its client is gone, and it has no job, or that needs them no longer."""
        for token in [token for token in self._left if not self._store.is_front(token)]:
            self.drop(token)

    def drop(self, token: str) -> None:
        """Close what was handed over under `token`, if it is still here."""
        self._left.discard(token)
        handed = self._by_token.pop(token, None)
        if handed is not None:
            handed.close()

    def standing(self, job: int) -> "tuple[str, str | None]":
        """Return (SERVED, AWAITED or GONE, the token or None) of a job that is about to start."""
        if not self._by_token and not self._store.any_front():
            return SERVED, None
        front = self._store.front(job)
        if front is None:
            return SERVED, None
        if front.token in self._by_token:
            return SERVED, front.token
        alive = lives(Identity(pid=front.pid, start=front.pid_start))
        return (AWAITED if alive else GONE), front.token

    def get(self, token: str | None) -> HandedOver | None:
        """Return what was handed over under `token`; it stays here until `drop`."""
        return self._by_token.get(token) if token is not None else None
