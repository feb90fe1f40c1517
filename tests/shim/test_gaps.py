"""What the log lacks: told to the byte, whatever the reason."""

import os
from pathlib import Path

import pytest

from support import eventually


def numbers(most: int, least: int = 1) -> bytes:
    return b"".join(b"%d\n" % number for number in range(least, most + 1))


def check(job, streams=("stdout", "stderr")):
    """The arithmetic of the log stream: nothing is missing that is not told, and nothing is told that is not missing."""
    result, gaps = job.result, job.gaps
    kept = sum(len(record.raw) for record in job.records)
    assert sum(result[stream] for stream in streams) == kept + sum(gap["bytes"] for gap in gaps)
    assert result["missing"] == sum(gap["bytes"] for gap in gaps)
    assert result["log"] == sum(path.stat().st_size for path in job.files) + sum(gap["log"] for gap in gaps)
    for gap in gaps:
        assert ["offset", "bytes", "log", "from", "to", "reason"] == list(gap)
        assert gap["from"] <= gap["to"] <= result["at"] + 10**9
        assert 0 <= gap["offset"] <= result["log"]
        assert gap["bytes"] > 0
    return gaps


@pytest.mark.parametrize("files", [2, 3, 4, 8])
def test_head_and_tail_stay(shim, files):
    job = shim.run("seq", "100000", options=["max-bytes=50000", f"max-files={files}"])
    (gap,) = check(job)
    assert [f"1.1.log.{number}" for number in range(files - 1, 0, -1)] + ["1.1.log"] == [path.name for path in job.files]
    assert "rotated" == gap["reason"]
    assert job.files[0].stat().st_size == gap["offset"]
    raw = numbers(100000)
    kept = job.raw()
    before = first_size(job)
    assert raw[:before] == kept[:before]
    assert raw[before + gap["bytes"] :] == kept[before:]


def first_size(job) -> int:
    """The command's bytes in the oldest file."""
    content = job.files[0].read_bytes()
    return sum(len(line) - 40 + (line[38:39] == b"F") for line in content.splitlines())


def test_gaps_are_records_of_256_bytes_and_private(shim):
    job = shim.run("seq", "10000", options=["max-bytes=50000", "max-files=2"])
    path = job.path(".gaps")
    assert 256 == path.stat().st_size
    assert 0o600 == path.stat().st_mode & 0o777
    assert path.read_bytes().rstrip(b"\n ").endswith(b"}")


def full(disk: Path) -> Path:
    """Fill the disk to the last byte; returns the file to remove."""
    filler = disk / "filler"
    with open(filler, "wb", 0) as file:
        try:
            while file.write(b"x" * 65536):
                pass
        except OSError:
            pass
        try:
            while file.write(b"x"):
                pass
        except OSError:
            pass
    return filler


def test_a_full_disk_ends_nobody_and_is_told_when_there_is_room_again(shim):
    disk = shim.small_disk()
    gate, second = shim.fifo("gate"), shim.fifo("second")
    script = f"seq 1 1000; read x < {gate}; seq 1001 20000; seq 20001 30000 >&2; read x < {second}; seq 30001 30100; exit 7"
    job = shim.start("sh", "-c", script, folder=disk)
    eventually(lambda: numbers(1000) == job.raw(), 60)
    filler = full(disk)
    gate.write_bytes(b"")
    with open(second, "wb") as opened:  # the command has got here: the disk has stopped nothing
        eventually(lambda: b"pipe" in waits_in(job.started["pid"]) or b"" == waits_in(job.started["pid"]), 60)
        eventually(lambda: 0 == unread(job.pid), 60)
        filler.unlink()
        opened.write(b"\n")
    result = job.wait().result
    gaps = check(job)
    assert 7 << 8 == result["status"]
    assert {"disk full"} == {gap["reason"] for gap in gaps}
    assert all(0 == gap["log"] for gap in gaps)
    assert len(numbers(30000)) + len(numbers(30100, 30001)) == result["stdout"] + result["stderr"]
    assert job.raw().endswith(numbers(30100, 30001))
    assert job.raw().startswith(numbers(1000))
    assert result["missing"] > 0


def waits_in(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/wchan").read_bytes()
    except OSError:
        return b""


def unread(pid: int) -> int:
    """Bytes that lie in the pipes that the shim reads."""
    import fcntl
    import termios

    total = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{fd}"
        if os.readlink(path).startswith("pipe:"):
            probe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            total += int.from_bytes(fcntl.ioctl(probe, termios.FIONREAD, b"\0\0\0\0"), "little")
            os.close(probe)
    return total


def test_a_disk_that_stays_full_still_takes_the_result(shim):
    disk = shim.small_disk()
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}; seq 30000; exit 9", folder=disk)
    job.wait_started()
    full(disk)
    gate.write_bytes(b"")
    result = job.wait().result
    assert 9 << 8 == result["status"]
    assert len(numbers(30000)) == result["stdout"] == result["missing"]
    assert 0 == result["log"]
    assert [] == job.records


def test_nothing_half_written_stays_when_the_disk_is_full(shim):
    disk = shim.small_disk("128k")
    job = shim.run("seq", "40000", folder=disk)
    result = job.result
    assert result["missing"] > 0
    assert result["stdout"] == result["missing"] + sum(len(record.raw) for record in job.records)  # reading them fails at a torn record
    assert result["log"] == sum(path.stat().st_size for path in job.files)
    assert all("disk full" == gap["reason"] for gap in job.gaps)


def test_a_full_disk_while_rotating(shim):
    disk = shim.small_disk()
    job = shim.run("seq", "60000", options=["max-bytes=60000", "max-files=4"], folder=disk)
    gaps = check(job)
    assert gaps[0]["offset"] >= job.files[0].stat().st_size
    assert {gap["reason"] for gap in gaps} <= {"rotated", "disk full"}


def test_losses_at_one_place_are_one_record(shim):
    """The log's name is taken by a directory: nothing can be written until it is gone."""
    gates = [shim.fifo(f"gate{number}") for number in range(3)]
    script = "echo start; " + "; ".join(f"read x < {gate}; echo {number}" for number, gate in enumerate(gates))
    path = shim.folder / "1.1.log"
    path.mkdir()
    job = shim.start("sh", "-c", script)
    eventually(lambda: [6] == [gap["bytes"] for gap in job.gaps], 60)
    gates[0].write_bytes(b"")
    eventually(lambda: [8] == [gap["bytes"] for gap in job.gaps], 60)
    path.rmdir()
    gates[1].write_bytes(b"")
    eventually(lambda: b"1\n" == job.raw(), 60)
    gates[2].write_bytes(b"")
    job.wait()
    (gap,) = check(job)
    assert ("cannot write: EISDIR", 0, 8, 0) == (gap["reason"], gap["offset"], gap["bytes"], gap["log"])
    assert b"1\n2\n" == job.raw()


def test_losses_at_two_places_are_two_records(shim):
    disk = shim.small_disk()
    gates = [shim.fifo(f"gate{number}") for number in range(4)]
    steps = ["echo one", "seq 1 9999", "echo two", "seq 1 9999", "echo three"]
    script = steps[0] + "".join(f"; read x < {gate}; {step}" for gate, step in zip(gates, steps[1:], strict=True))
    job = shim.start("sh", "-c", script, folder=disk)
    eventually(lambda: b"one\n" == job.raw(), 60)
    for turn, word in ((0, b"two\n"), (2, b"three\n")):
        filler = full(disk)
        gates[turn].write_bytes(b"")
        with open(gates[turn + 1], "wb") as gate:
            eventually(lambda: 0 == unread(job.pid), 60)
            settled(job)
            filler.unlink()
            gate.write(b"\n")
        if turn == 0:
            eventually(lambda word=word: job.raw().endswith(word), 60)
    job.wait()
    gaps = check(job)
    assert 2 == len(gaps)
    assert len({gap["offset"] for gap in gaps}) == 2
    assert job.raw().endswith(b"three\n")


def settled(job) -> None:
    """The shim sleeps in its poll: it has dealt with all that it has read."""
    eventually(lambda: b"poll" in waits_in(job.pid), 60)


def test_streams_that_are_not_kept_are_not_missing(shim):
    job = shim.run("sh", "-c", "seq 20000; seq 20000 >&2", options=["streams=stderr", "max-bytes=50000", "max-files=2"])
    assert check(job, ["stderr"])
    assert len(numbers(20000)) == job.result["stdout"]


def test_room_that_is_not_for_output_stays_free(shim):
    disk = shim.small_disk()
    told = os.statvfs(disk)
    room = told.f_blocks * told.f_frsize // 2
    job = shim.run("sh", "-c", f"yes {'x' * 1000} | head -n 2000", options=[f"keep-free={room}"], folder=disk)
    (gap,) = check(job)
    assert "disk full" == gap["reason"]
    left = os.statvfs(disk)
    free = left.f_bavail * left.f_frsize
    assert room - (1 << 18) <= free  # the last chunk may go below it
    assert free <= room or not gap["offset"]  # under load a chunk may be larger than the disk: all of it is missing then
    assert 0 == job.result["status"]
