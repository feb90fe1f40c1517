"""Finding out what a violation does not need: habits, odds and mischief are left out one after the other, as long as it stays."""

from collections import Counter

from simulation.story import Broken, Episode


def shrink(broken: Broken, lives: int) -> list[str]:
    """Return what can be left out of the episode, and something is still violated in words that begin alike."""
    names = [name for of in _parts(broken.seed) for name in of.__dict__]
    out: list[str] = []
    for name in names:
        try:
            Episode(broken.seed, lives, Counter(), frozenset([*out, name]), lives // 2).run()
        except Broken as again:
            if _like(again.what) == _like(broken.what):
                out.append(name)
    return out


def _parts(seed: int) -> tuple[object, ...]:
    from random import Random

    from simulation.machine import Odds
    from simulation.people import Habits
    from simulation.story import Mischief

    return Mischief(Random(seed)), Odds(Random(seed)), Habits(Random(seed))


def _like(what: str) -> str:
    """Return the words of a violation without its numbers."""
    return "".join(letter for letter in what if not letter.isdigit())[:40]
