"""No process of a test outlives it, whatever became of the test."""

from collections.abc import Iterator

import pytest

from processes.family import be_subreaper, descendants, end_all


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """End what the test has started, also what lost its parents: it became ours."""
    be_subreaper(True)
    before = descendants()
    yield
    try:
        end_all(but=before)
    finally:
        be_subreaper(False)
