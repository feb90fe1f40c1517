"""Jobs in every combination, on a machine where everything goes wrong: nothing is lost, nothing is started twice, all has a way out."""

import math
from collections import Counter
from itertools import count

import pytest

from simulation.coverage import coverage, table
from simulation.faults import FAULTS, Fault, broken
from simulation.story import Broken, Episode

LEAST = 0.95
SHORT, LONG = 300, 1_000_000


def play(seed: int, lives: int, cells: "Counter[tuple[str, str, str]] | None" = None, most: float = math.inf) -> Episode:
    episode = Episode(seed, lives, Counter() if cells is None else cells, most=most)
    episode.run()
    return episode


@pytest.mark.parametrize("seed", range(1, 9))
def test_some_lives(seed: int) -> None:
    assert SHORT <= play(seed, SHORT).checker.lives


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = play(11, SHORT), play(11, SHORT)
    assert first.checker.trace.digest() == second.checker.trace.digest()
    assert first.checker.trace.digest() != play(12, SHORT).checker.trace.digest()


def caught(fault: Fault, lives: int) -> Broken | None:
    """Return what a fault is caught by within so many lives."""
    lived = 0
    with broken(fault):
        for seed in count(1):
            episode = Episode(seed, 500, Counter())
            try:
                episode.run()
            except Broken as told:
                return told
            lived += episode.checker.lives
            if lived >= lives:
                return None
    return None


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_is_found(fault: Fault) -> None:
    told = caught(fault, 20_000)
    assert told is not None
    print(f"seed {told.seed}, step {told.step}: {told.what}")


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_million_lives() -> None:
    cells: Counter[tuple[str, str, str]] = Counter()
    lives = 0
    for seed in count(1000):
        lives += play(seed, size := Episode.size(seed), cells, size // 2).checker.lives
        if lives >= LONG:
            break
    share, missing = coverage(cells)
    print(table(cells))
    assert LEAST <= share, missing
