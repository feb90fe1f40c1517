"""A file that wants to be longer usually holds two things."""

from pathlib import Path
from statistics import median, quantiles

import pytest

from house.modules import modules, none
from support import CHECKOUT, SOURCE

LONGEST = 400
NO_DUTY = {"utils", "util", "common", "helpers", "helper", "base", "manager", "managers", "handler", "handlers", "misc", "lib", "stuff"}
# path under src/outlast: (limit, reason)
MAY_BE_LONGER = {
    "shim/shim.py": (1127, "one file by its contract: it travels alone"),
    "shim/shim.c": (1419, "likewise"),
}
FILES = [*modules(), *sorted(SOURCE.rglob("*.c"))]


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_is_too_long(path: Path) -> None:
    name = str(path.relative_to(SOURCE))
    limit, _ = MAY_BE_LONGER.get(name, (LONGEST, ""))
    assert limit >= lines(path), f"{name} is too long: which two things does it hold?"


def test_the_median_stays_small() -> None:
    """The figures are told at the head of every test run."""
    sizes = [lines(path) for path in modules() if path.name != "__init__.py"]
    ninth = quantiles(sizes, n=10)[-1] if len(sizes) > 1 else sizes[0]
    assert 150 >= median(sizes)
    assert 350 >= ninth


def test_every_file_has_a_duty() -> None:
    found = [
        str(path.relative_to(CHECKOUT))
        for top in ("src", "tests", "bench")
        for path in (CHECKOUT / top).rglob("*.py")
        if path.stem in NO_DUTY
    ]
    none(found, "if it has no better name it has no duty")
