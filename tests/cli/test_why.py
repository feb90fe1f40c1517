"""`outlast why`: one paragraph about any job."""

import re

import pytest

from cli.outside import assert_refused


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (1, r"succeeded\."),
        (2, r"failed: exit code 3.*to run once"),
        (4, r"not started: no-such-command-anywhere"),
        (5, r"stopped.*not a failure"),
        (6, r"failed: exit code 1.*2 runs"),
        (7, r"failed: ended by SIGSEGV"),
    ],
)
def test_of_what_has_ended(past, job, said):
    text = past("why", str(job), status=0).text
    assert re.search(said, text), text
    assert "\n" not in text
    told = past("why", str(job), "--json", status=0).json
    assert {"schema": 1, "id": job, "status": "ended", "outcome": past.show(job)["outcome"], "why": text} == told


def test_of_what_waits(outlast):
    outlast("group", "set", "g", "--slots", "1")
    outlast.run("-g", "g", "--", "sleep", "1000")
    outlast.run("-g", "g", "--name", "second", "--", "true")
    outlast.run("--retries", "3", "--retries.delay", "1h", "--", "false")
    outlast.run("--name", "second", "--overlap", "skip", "--", "true")
    outlast("wait", "1", "--status", "running", status=0)
    outlast("wait", "3", "--status", "pending", status=0)
    assert re.search(r"running for .* pid \d+", outlast("why", "1", status=0).text)
    assert re.search(r"the only slot of its group `g`.*outlast group set g --slots", outlast("why", "2").text)
    assert re.search(r"exit code 1|[Rr]un 2", outlast("why", "3", status=0).text)
    assert re.search(r"skipped.*overlap", outlast("why", "4", status=0).text)


def test_of_nobody(past):
    assert_refused(past("why", "99"), 3, "99")
    assert_refused(past("why"), 2)
