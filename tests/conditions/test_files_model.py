"""Whatever becomes of directories and links, who looks whenever it is told knows what is there: the watch misses nothing for good."""

import itertools
import os
import random
import shutil
from pathlib import Path

import pytest

from conditions.conftest import Driven
from outlast.conditions.files import FileWatch

NAMES = ("a", "b")


def paths(top: Path) -> list[str]:
    """Return all paths of up to three names below `top`, and some that go up again."""
    below = ["/".join(names) for depth in (1, 2, 3) for names in itertools.product(NAMES, repeat=depth)]
    return [f"{top}/{path}" for path in (*below, "a/../b", "a/b/../../b/a", "b/")]


def change(top: Path, chance: random.Random) -> None:
    """Do something to the tree; what cannot be done is not."""
    place, other = (top.joinpath(*chance.choices(NAMES, k=chance.randint(1, 3))) for _ in range(2))
    target = chance.choice([str(other), os.path.join("..", *chance.choices(NAMES, k=2)), chance.choice(NAMES)])
    match chance.randrange(7):
        case 0 | 1:
            place.mkdir(parents=chance.random() < 0.5)
        case 2:
            place.touch()
        case 3:
            place.rename(other)
        case 4:
            place.symlink_to(target)
        case 5:
            place.unlink()
        case 6:
            shutil.rmtree(place)


def what_is_there(path: str) -> object:
    try:
        told = os.stat(path)
    except OSError:
        return None
    return told.st_dev, told.st_ino


def run(loop: Driven, top: Path, seed: int) -> None:
    chance = random.Random(seed)
    files = FileWatch(loop)
    belief: dict[str, object] = {}
    calls = {path: lambda path=path: belief.__setitem__(path, what_is_there(path)) for path in paths(top)}
    for path, look in calls.items():
        files.watch(path, look, opens=chance.random() < 0.3)
        look()
    for number in range(200):
        try:
            change(top, chance)
        except OSError:
            pass
        if chance.random() < 0.2:
            loop.wait(0)
        if number % 50 == 49:
            if files._polled:  # behind a circle of links: it is asked in a second, or now
                files._poll()
            loop.idle(5)
            assert {path: what_is_there(path) for path in calls} == belief, f"seed {seed}, change {number}"
    for path, look in calls.items():
        files.forget(path, look)
    assert ({}, {}, {}) == (files._entries, files._places, files._watched)
    files.close()


@pytest.mark.parametrize("seed", range(8))
def test_what_is_told_is_enough(loop, tmp_path, seed):
    run(loop, tmp_path, seed)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_is_told_is_enough_for_long(loop, tmp_path):
    for seed in range(100, 1100):
        top = tmp_path / str(seed)
        top.mkdir()
        run(loop, top, seed)
        shutil.rmtree(top)
