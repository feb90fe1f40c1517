"""The scene of a crash. Whatever a test leaves of the homes that it made is ended, by proved pids."""

from collections.abc import Iterator

import pytest

from crash.scene import Scene
from support import Outlast

SHIMS = ("c", "python")


@pytest.fixture
def scene(outlast: Outlast) -> Iterator[Scene]:
    """A fresh home whose jobs bear witness; and every copy of it that is made in its folder."""
    made = Scene(outlast)
    yield made
    for home in [path.parent for path in outlast.folder.glob("*/outlast.db")]:
        other = Outlast(outlast.folder)
        other.home = home
        other.end()


@pytest.fixture(params=SHIMS)
def shim(request: pytest.FixtureRequest) -> str:
    """The name of one of the two shims, as `OUTLAST_SHIM` takes it."""
    from outlast.executors.local import shim_argv

    if request.param == "c":
        try:
            shim_argv("c")
        except FileNotFoundError:
            pytest.skip("no C shim is installed: there was no compiler")
    return str(request.param)
