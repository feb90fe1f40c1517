"""A real loop to drive, and no process of a test outlives it."""

from collections.abc import Callable

import pytest

from outlast.seams import monotonic
from outlast.supervisor.loop import Loop
from processes.conftest import no_process_left  # noqa: F401  # used by all tests here

MS = 1_000_000


class Driven(Loop):
    """The supervisor's loop; counts the rounds in which it was woken."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0

    def wait(self, at_most: int | None) -> None:
        self.rounds += 1
        super().wait(at_most)

    def until(self, condition: Callable[[], object], within: float = 20.0) -> float:
        """Go round until `condition` holds; returns how many seconds that took. Fails after `within` seconds."""
        began = monotonic()
        deadline = began + int(within * 1000) * MS
        while not condition():
            assert monotonic() < deadline, f"still not so after {within} s: {condition}"
            self.wait(max(min(deadline - monotonic(), 20 * MS), 0))
        return (monotonic() - began) / 1e9

    def idle(self, milliseconds: int) -> int:
        """Go round for that long; returns in how many rounds there was something to do."""
        deadline = monotonic() + milliseconds * MS
        before = self.rounds
        while (left := deadline - monotonic()) > 0:
            self.wait(left)
        return self.rounds - before - 1


@pytest.fixture
def loop() -> Driven:
    return Driven()
