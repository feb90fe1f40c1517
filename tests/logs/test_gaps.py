import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import SystemFault
from outlast.logs.gaps import DAMAGED, Gap, in_time, parse, read


def record(**changes):
    told = {"offset": 5, "bytes": 41, "log": 100, "from": 7, "to": 8, "reason": "rotated", **changes}
    return json.dumps(told).encode().ljust(255) + b"\n"


def test_a_gap():
    assert [Gap(offset=5, bytes=41, log=100, since=7, until=8, reason="rotated")] == parse(record())


@pytest.mark.parametrize(
    "bad",
    [
        b"\0" * 256,
        b" " * 255 + b"\n",
        b"[]".ljust(256),
        record(offset=-1),
        record(bytes=True),
        record(log=1.5),
        record(log=None),
        record(reason=1),
        record(reason=None),
        b"[" * 256,
        b"\xff" * 256,
    ],
    ids=repr,
)
def test_a_damaged_record_is_told_and_shifts_nothing(bad):
    damaged = Gap(offset=5, bytes=None, log=0, since=0, until=0, reason=DAMAGED)
    assert [parse(record())[0], damaged, parse(record(offset=9))[0]] == parse(record() + bad + record(offset=9))


@pytest.mark.parametrize("size", [0, 1, 100, 255])
def test_an_unfinished_record_is_not_there_yet(size):
    assert 1 == len(parse(record() + record()[:size]))


@given(st.binary(max_size=1500))
def test_any_bytes(data):
    assert len(data) // 256 == len(parse(data))


def test_no_file(tmp_path):
    assert b"" == read(str(tmp_path / "42.1.gaps"))
    assert b"" == read(str(tmp_path / "none" / "42.1.gaps"))


def test_a_file_that_cannot_be_read(tmp_path):
    os.mkdir(tmp_path / "42.1.gaps")
    with pytest.raises(SystemFault, match=r"cannot read .*42\.1\.gaps: Is a directory"):
        read(str(tmp_path / "42.1.gaps"))


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        (None, None, True),
        (5, None, True),
        (8, None, True),
        (9, None, False),
        (None, 7, True),
        (None, 6, False),
        (9, 10, False),
        (1, 10, True),
    ],
)
def test_the_time_of_a_gap(since, until, inside):
    gap = Gap(offset=0, bytes=1, log=0, since=7, until=8, reason="disk full")
    assert inside is in_time(gap, since, until)
    assert in_time(gap.replace(since=0, until=0), since, until)
