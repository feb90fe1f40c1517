"""A fresh store in a fresh home."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from outlast.home import Home
from outlast.store.store import Store

settings.register_profile("store", deadline=None)  # no test here depends on how fast the machine is
settings.load_profile("store")


@pytest.fixture
def home_path(short_path: Path) -> Path:
    """The path of a home that is not there yet. Not below pytest's own folder, which other users may not enter."""
    return short_path / "h"


@pytest.fixture
def store(home_path: Path) -> Iterator[Store]:
    """A store, to write, in a fresh home."""
    opened = Store(Home(str(home_path)))
    yield opened
    opened.close()
