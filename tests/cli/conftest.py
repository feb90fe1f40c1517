"""How hard the properties are tried: `OUTLAST_EXAMPLES=10000 sh tests/run tests/core` for a long search. A busy machine is no failure."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support import Outlast, eventually

settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=int(os.environ.get("OUTLAST_EXAMPLES", "100"))
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def past() -> Iterator[Outlast]:
    """A home whose jobs have ended, for tests that only read (its own docstring is the list of them).

    1 `one` succeeded, 2 `two` exit 3 (group g), 3 `two` succeeded, 4 not started, 5 stopped, 6 two runs, 7 ended by a signal.
    """
    folder = Path(tempfile.mkdtemp(prefix="ol-", dir="/tmp")).resolve()
    command = Outlast(folder)
    command.run("--name", "one", "--info", "red", "--param", "region=eu", "--description", "the first", "--", "echo", "hello")
    command.run("--name", "two", "-g", "g", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    command("wait", "last")
    command.run("--name", "two", "--key", "k", "--", "true")
    command("wait", "last")
    command.run("--name", "nothere", "--", "no-such-command-anywhere")
    command.run("--name", "endless", "--", "sleep", "1000")
    command("wait", "5", "--status", "running", status=0)
    eventually(lambda: any(event["event"] == "started" for event in command("events", "5", "--json").json["events"]))
    command("stop", "5", status=0)
    command.run("--name", "again", "--retries", "1", "--", "sh", "-c", "echo run $OUTLAST_RUN; exit 1")
    command("wait", "6")
    command.run("--name", "self", "--", "sh", "-c", "kill -SEGV $$")
    command("wait", "1-7")
    eventually(lambda: command("events", "7", "--json").json["events"][-1]["event"] == "ended")  # `wait` may be ahead of the record
    yield command
    command.end()
    shutil.rmtree(folder, ignore_errors=True)
