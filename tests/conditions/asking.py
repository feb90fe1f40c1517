"""Asking a condition as the supervisor does: by a child, and a real loop."""

import os

from outlast.conditions.probes import Probe, Prober
from outlast.core.ports import Seen
from outlast.supervisor.loop import Loop

MS = 1_000_000
ENVIRONMENT = b"PATH=/usr/local/bin:/usr/bin:/bin\0"


def ask(kind: str, word: str, *, environment: bytes = b"", limit: int = 60_000 * MS) -> Seen:
    """Return what a child sees."""
    loop = Loop()
    prober = Prober(loop, f"asking{os.getpid()}")  # a mark that no test beside us has
    heard: list[Seen] = []
    prober.ask(Probe(kind=kind, word=word, cwd="/", environment=ENVIRONMENT + environment, limit=limit), heard.append)
    while not heard:
        loop.wait(None)
    return heard[0]
