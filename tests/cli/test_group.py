"""`outlast group`: slots of groups."""

import pytest

from cli.outside import assert_refused
from support import eventually


def test_from_making_to_removing(outlast):
    told = outlast("group")
    assert (0, b"", f"outlast: no groups in {outlast.home}\n".encode()) == tuple(told)
    assert (0, b"", b"") == tuple(outlast("group", "set", "g", "--slots", "2"))
    assert "GROUP SLOTS RUNNING QUEUED PENDING STATE g 2 0 0 0".split() == outlast("group", "list").text.split()
    shape = {"name": "g", "slots": 2, "paused": False, "draining": False, "running": 0, "queued": 0, "pending": 0, "limits": {}}
    assert {"schema": 1, "groups": [shape]} == outlast("group", "list", "--json").json
    assert {"schema": 1, **shape} == outlast("group", "show", "g", "--json").json
    assert {"schema": 1, **shape, "slots": None} == outlast("group", "set", "g", "--slots", "none", "--json").json
    assert b"g\n" == outlast("group", "--ids").stdout
    assert (0, b"", b"") == tuple(outlast("group", "remove", "g"))
    assert {"schema": 1, "groups": []} == outlast("group", "--json").json


def test_slots_limit_and_more_slots_start_more(outlast):
    outlast("group", "set", "g", "--slots", "1")
    for _ in range(3):
        outlast.run("-g", "g", "--", "sleep", "1000")

    def counts(*wanted):
        group = outlast("group", "show", "g", "--json").json
        return wanted == (group["running"], group["queued"])

    eventually(lambda: counts(1, 2))
    outlast("group", "set", "g", "--slots", "2", status=0)
    eventually(lambda: counts(2, 1))
    assert_refused(outlast("group", "remove", "g"), 4, "outlast stop group:g")
    outlast("stop", "1", status=0)
    eventually(lambda: counts(2, 0))
    outlast("stop", "group:g", status=0)
    outlast("group", "remove", "g", status=0)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("show nobody", 3, "nobody"), ("remove nobody", 3, "nobody"), ("set g", 2, "--slots"), ("set g --slots 0", 2, "0"),
        ("set g --slots x", 2, "x"), ("set", 2, "GROUP"), ("list --slots 1", 2, "--slots"),
        ("lst", 2, "list"), ("set g h --slots 1", 2, "h"),
    ],
)  # fmt: skip
def test_refusals(outlast, words, status, said):
    assert_refused(outlast("group", *words.split()), status, said)
    assert not outlast.home.exists() or status == 3


def test_a_group_that_only_jobs_make_is_not_removed(outlast):
    outlast.run("-g", "g", "--", "sleep", "1000")
    assert_refused(outlast("group", "remove", "g"), 4, "active")
