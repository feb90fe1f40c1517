"""The log: its format, its rotation, and that the command's bytes can be had back from it."""

import os
import random
import re
import stat
import time
from datetime import datetime

import pytest

from support import eventually

LONG = 16384


def test_the_log_begins_with_the_first_byte_kept(shim):
    assert [] == shim.run("true").files
    assert [] == shim.run("sh", "-c", "echo x; echo y >&2", options=["streams=none"]).files
    job = shim.run("echo")
    assert [job.path(".log")] == job.files
    assert 0o600 == stat.S_IMODE(job.path(".log").stat().st_mode)
    assert not job.path(".gaps").exists()


def test_records_are_lines_with_time_stream_and_tag(shim):
    before = time.time()
    job = shim.run("sh", "-c", "echo out; echo err >&2; printf unfinished")
    content = job.path(".log").read_bytes()
    assert content.endswith(b"\n")
    assert {(b"stdout", b"F", b"out"), (b"stderr", b"F", b"err"), (b"stdout", b"P", b"unfinished")} == {
        tuple(line.split(b" ", 3)[1:]) for line in content.splitlines()
    }
    for record in job.records:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", record.at)
        at = datetime.fromisoformat(record.at[:26] + "+00:00").timestamp()
        assert before - 1 <= at <= time.time() + 1


def test_the_clock_is_utc(shim):
    job = shim.run("echo", "x", env={"TZ": "Asia/Kathmandu", "PATH": os.environ["PATH"]})
    at = datetime.fromisoformat(job.records[0].at[:26] + "+00:00").timestamp()
    assert abs(at - time.time()) < 300


def source(shim, content: bytes):
    path = shim.folder / "source"
    path.write_bytes(content)
    return path


RANDOM = random.Random(4)
CONTENTS = {
    "nothing": b"",
    "newline": b"\n",
    "newlines": b"\n" * 70_000,
    "no newline": b"abc",
    "blank at the end": b"abc \n ",
    "binary": RANDOM.randbytes(300_000),
    "NUL": b"\0" * 100_000 + b"\n\0\n",
    "invalid UTF-8": b"\xff\xfe\n\xc3\n\x80" * 1000,
    "carriage returns": b"a\rb\r\nc\r\n" * 1000,
    "one line of 1 MB": b"x" * 1_000_000 + b"\n",
    "1 MB without newline": b"x" * 1_000_000,
    "limit": b"x" * LONG + b"\n",
    "limit + 1": b"x" * (LONG + 1) + b"\n",
    "limit - 1": b"x" * (LONG - 1) + b"\n",
    "limit, no newline": b"x" * LONG,
    "limits": b"".join(b"x" * (LONG * n + d) + b"\n" for n in (1, 2, 3, 4, 5) for d in (-1, 0, 1)),
    "lines of all lengths": b"".join(
        RANDOM.randbytes(RANDOM.choice((0, 1, 80, 300, 20_000))).replace(b"\n", b"") + b"\n" for _ in range(300)
    ),
    "looks like records": b"2026-11-22T08:00:00.123456789Z stdout F text\n" * 3,
    "percent": b"%s %n %d %%\n",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_raw_stream_comes_back_byte_for_byte(shim, content, stream):
    job = shim.run("sh", "-c", 'cat "$0"' + (" >&2" if stream == "stderr" else ""), source(shim, content))
    assert content == job.raw(stream)
    assert len(content) == job.result[stream]
    assert 0 == job.result["stderr" if stream == "stdout" else "stdout"]
    assert sum(path.stat().st_size for path in job.files) == job.result["log"]
    assert 0 == job.result["missing"]


LOUD = {
    "short lines": b"".join(b"line %d\n" % number for number in range(400_000)),
    "newlines": b"\n" * 1_500_000,  # more records than fit into one write
    "one line": b"x" * 3_000_000,
    "lines of all lengths": b"".join(
        RANDOM.randbytes(RANDOM.choice((0, 1, 15, 16, 17, 80, 16_383, 16_384, 16_385, 20_000))).replace(b"\n", b"") + b"\n"
        for _ in range(1500)
    ),
}  # so much that the pipe is enlarged and more is read at once


@pytest.mark.parametrize("limit", ["max-bytes=0", "max-bytes=1200000"])
@pytest.mark.parametrize("content", LOUD.values(), ids=LOUD)
def test_a_loud_command_comes_back_byte_for_byte(shim, content, limit):
    job = shim.run("cat", source(shim, content), options=[limit, "max-files=0"])
    assert content == job.raw()
    assert 0 == job.result["missing"]
    assert sum(path.stat().st_size for path in job.files) == job.result["log"]
    most = int(limit.partition("=")[2])
    assert all(path.stat().st_size <= most for path in job.files if most)


def test_the_limit_of_a_piece(shim):
    job = shim.run("cat", source(shim, CONTENTS["limit"]))
    assert [(True, LONG)] == [(record.whole, len(record.text)) for record in job.records]
    job = shim.run("cat", source(shim, CONTENTS["limit + 1"]))
    assert [(False, LONG), (True, 1)] == [(record.whole, len(record.text)) for record in job.records]


def test_one_clock_reading_for_each_read(shim):
    job = shim.run("sh", "-c", "printf '1\\n2\\n3\\n'")
    assert 1 == len({record.at for record in job.records})


def test_interleaved_streams(shim):
    lines = 2000
    script = f"i=0; while [ $i -lt {lines} ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
    job = shim.run("sh", "-c", script)
    assert b"".join(b"out %d\n" % number for number in range(lines)) == job.raw("stdout")
    assert b"".join(b"err %d\n" % number for number in range(lines)) == job.raw("stderr")


def test_output_is_visible_as_it_comes(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"printf half; read x < {gate}; echo ' line'; printf tail")
    eventually(lambda: [(False, b"half")] == [(record.whole, record.text) for record in job.records], 60)
    gate.write_bytes(b"")
    job.wait()
    assert b"half line\ntail" == job.raw()
    assert [(False, b"half"), (True, b" line")] == [(record.whole, record.text) for record in job.records][:2]


def test_a_line_may_be_ended_by_an_empty_record(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"printf half; read x < {gate}; echo")
    eventually(lambda: b"half" == job.raw(), 60)
    gate.write_bytes(b"")
    assert [(False, b"half"), (True, b"")] == [(record.whole, record.text) for record in job.wait().records]


@pytest.mark.parametrize(
    ("kept", "names"), [("stdout", {"stdout"}), ("stderr", {"stderr"}), ("stdout,stderr", {"stdout", "stderr"}), ("none", set())]
)
def test_streams_that_are_not_kept_are_read_and_counted(shim, kept, names):
    job = shim.run("sh", "-c", "seq 50000; seq 40000 >&2", options=[f"streams={kept}"])
    assert names == {record.stream for record in job.records}
    wanted = {"stdout": numbers(50000), "stderr": numbers(40000)}
    assert {name: len(content) for name, content in wanted.items()} == {name: job.result[name] for name in wanted}
    for name in names:
        assert wanted[name] == job.raw(name)
    assert 0 == job.result["missing"]


def numbers(most: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(1, most + 1))


def test_rotation_keeps_the_order(shim):
    job = shim.run("seq", "200000", options=["max-bytes=1000000", "max-files=0"])
    assert len(job.files) > 9
    assert [f"1.1.log.{number}" for number in range(len(job.files) - 1, 0, -1)] == [path.name for path in job.files[:-1]]
    assert all(0 < path.stat().st_size <= 1_000_000 for path in job.files)
    assert numbers(200000) == job.raw()
    assert [] == job.gaps


def test_a_log_that_is_never_rotated(shim):
    job = shim.run("seq", "1000", options=["max-bytes=0", "max-files=2"])
    assert numbers(1000) == job.raw()
    assert 1 == len(job.files)


def test_a_chunk_is_not_split_over_files(shim):
    """What a read returned carries one time: each time is in one file only, unless its chunk alone is too large."""
    script = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done"
    job = shim.run("sh", "-c", script, options=["max-bytes=4000", "max-files=0"])
    assert len(job.files) > 2
    times = [{record.at for record in records_of(path)} for path in job.files]
    large = any(len([r for r in job.records if r.at == at]) * 49 > 4000 for at in set().union(*times))
    assert large or sum(map(len, times)) == len(set().union(*times))
    assert all(path.stat().st_size <= 4000 for path in job.files)


def records_of(path):
    from shim.conftest import read_records

    return read_records(path)


@pytest.mark.parametrize("most", [1, 41, 45, 100])
def test_records_are_never_split(shim, most):
    job = shim.run("seq", "40", options=[f"max-bytes={most}", "max-files=0"])
    assert numbers(40) == job.raw()
    for path in job.files:
        content = path.read_bytes()
        assert content.count(b"\n") == 1 or len(content) <= most


def test_a_long_line_over_many_files(shim):
    job = shim.run("cat", source(shim, CONTENTS["one line of 1 MB"]), options=["max-bytes=20000", "max-files=0"])
    assert CONTENTS["one line of 1 MB"] == job.raw()
    assert all(path.stat().st_size <= 20000 for path in job.files)
