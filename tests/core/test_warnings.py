"""What a running job is looked at for: how it is written, when it is told, in which words."""

import pytest

from core.samples import NOW, job_in
from outlast.core import events as e
from outlast.core import job as j
from outlast.core.errors import UsageError
from outlast.core.lifecycle import MOST_WARNINGS, after
from outlast.core.options import flatten, spelled, stored
from outlast.core.warnings import FILE, OUTPUT, SPACE, Wanted, interval, is_due, is_watched, of_match, of_space, told_of, wanted_of

GIB = 1 << 30
ONE = Wanted(option=OUTPUT, word="ERR", expression=b"ERR")
ROOM = Wanted(option=SPACE, word="/srv=1GiB", path="/srv", size=GIB)


def spec(**warn):
    return stored(flatten({"warn": warn}))


def test_words_are_read():
    found = wanted_of(spec(output=["ERR", "a=b", "ERR"], file=["app.log=x=y", r"a\=b.log=z"], free_space=["1GiB", "/a=b=2GiB"]))
    assert [
        (OUTPUT, "", b"ERR", 0),
        (OUTPUT, "", b"a=b", 0),
        (FILE, "app.log", b"x=y", 0),
        (FILE, "a=b.log", b"z", 0),
        (SPACE, "", b"", GIB),
        (SPACE, "/a=b", b"", 2 * GIB),
    ] == [(one.option, one.path, one.expression, one.size) for one in found]
    assert ["warn.output: ERR", "warn.file: app.log=x=y"] == [found[0].name, found[2].name]


def test_bytes_that_are_not_utf8_stay():
    assert b"\xff" == wanted_of(spec(output="\udcff"))[0].expression


def test_only_some_jobs_are_watched():
    assert [True, True, True, False, False] == [
        is_watched(spec(output="x")), is_watched(spec(file="a=x")), is_watched(spec(free_space="1")), is_watched({}),
        is_watched({"timeout.soft.run": 1}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("warn", "what"),
    [
        ({"output": "("}, "is no regular expression"),
        ({"output": ""}, "is empty"),
        ({"output": "(a+)+b"}, "could take for ever"),
        ({"output": "(a|aa)*b"}, "could take for ever"),
        ({"output": "x" * 5000}, "is too long"),
        ({"file": "ERROR"}, "lacks its regular expression"),
        ({"file": "app.log="}, "lacks its regular expression"),
        ({"file": "=ERROR"}, "lacks its path"),
        ({"file": r"a\=b"}, "lacks its regular expression"),
        ({"file": "a.log=["}, "is no regular expression"),
        ({"free_space": "much"}, "is not a size"),
        ({"free_space": "/srv="}, "is not a size"),
        ({"free_space": "none"}, "nothing is never less"),
        ({"free_space": "0"}, "nothing is never less"),
        ({"interval": "1s"}, "there is nothing to look at"),
        ({"interval": "1ms", "output": "x"}, "is too small"),
        ({"output": ["x"] * 101}, "100 is the most"),
    ],
)
def test_what_makes_no_sense_is_refused(warn, what):
    with pytest.raises(UsageError) as caught:
        flatten({"warn": warn})
    assert what in str(caught.value)


def test_output_that_is_not_kept_cannot_be_looked_at():
    with pytest.raises(UsageError) as caught:
        flatten({"warn": {"output": "x"}, "log": {"stdout": False, "stderr": False}})
    assert "nothing of the output is kept" in str(caught.value)
    assert is_watched(flatten({"warn": {"output": "x"}, "log": {"stdout": False}}))


def test_the_interval():
    assert (7, 500_000_000) == (interval({}, 7), interval(spec(output="x", interval="500ms"), 7))
    assert {"warn.output": "a,b", "warn.interval": "2s"} == spelled(spec(output=["a", "b"], interval=2))


@pytest.mark.parametrize(
    ("count", "told", "last", "due"),
    [(0, 0, False, False), (1, 0, False, True), (1, 1, False, False), (2, 1, False, True), (3, 2, False, False), (4, 2, False, True),
     (3, 2, True, True), (2, 2, True, False), (0, 0, True, False), (1, 5, True, False)],
)  # fmt: skip
def test_when_a_count_is_told(count, told, last, due):
    assert due == is_due(count, told, last=last)


def test_a_million_matches_are_some_twenty_events():
    told = events = 0
    for count in range(1, 1_000_001):
        if is_due(count, told, last=count == 1_000_000):
            told, events = count, events + 1
    assert (1_000_000, 21) == (told, events)


def test_what_is_said_of_a_match():
    event = of_match(ONE, 2, 7, b"\x1b[31mERR\xff disk\ttoo full", 3 << 20)
    assert ("warn.output: ERR", 2, 7) == (event.warning, event.run, event.times)
    assert "a line of the output matches: [31mERR\ufffd disk too full; about 3.0 MiB were gone before they could be looked at" == event.text
    assert "a line of a.log matches: an empty one" == of_match(ONE.replace(option=FILE, path="a.log"), 1, 1, b"", 0).text
    assert 250 > len(of_match(ONE, 1, 1, b"x" * 16384, 0).text)


def test_free_space_does_not_flap():
    assert of_space(ROOM, 1, "/srv", GIB, warned=False) is None
    event = of_space(ROOM, 1, "/srv", GIB - 1, warned=False)
    assert e.Warned(warning="warn.free-space: /srv=1GiB", text="1.0 GiB are free for /srv, less than 1.0 GiB", run=1) == event
    for free in (0, GIB - 1, GIB, GIB + GIB // 21):
        assert of_space(ROOM, 1, "/srv", free, warned=True) is None
    over = of_space(ROOM, 1, "/srv", GIB + GIB // 20, warned=True)
    assert e.WarningOver(warning="warn.free-space: /srv=1GiB", text="1.0 GiB are free for /srv again", run=1) == over


def test_what_the_record_says_of_it():
    running = job_in(j.RUNNING)
    assert told_of(running, ONE.name) is None
    warned = after(running, of_match(ONE, running.run, 3, b"x", 0), NOW)
    found = told_of(warned, ONE.name)
    assert found is not None
    assert 3 == found["count"]
    assert told_of(warned.replace(run=running.run + 1), ONE.name) is None
    again = after(
        after(warned, e.WarningOver(warning=ONE.name, text="over", run=running.run), NOW), of_match(ONE, running.run, 9, b"x", 0), NOW
    )
    assert [(9, None)] == [(told["count"], told["over_at"]) for told in again.warnings]


def test_a_record_keeps_no_more_than_so_many():
    running = job_in(j.RUNNING)
    for number in range(MOST_WARNINGS + 5):
        running = after(running, e.Warned(warning=f"w{number}", text="t", run=1), NOW)
    assert (MOST_WARNINGS, "w5") == (len(running.warnings), running.warnings[0]["warning"])
