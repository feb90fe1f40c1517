"""The reader against what the shims really write: the same bytes, the same positions, while they write and afterwards."""

import fcntl
import json
import os
import select
import subprocess
import sys

import pytest

import outlast
from logs.expectations import accounts_for, merged
from outlast.logs.cri import Record
from outlast.logs.gaps import Gap
from outlast.logs.reader import RunLog
from support import SOURCE

BUILT = os.path.join(os.path.dirname(outlast.__file__), "shim", "outlast-shim")
SHIMS = {"python": [sys.executable, "-I", "-S", str(SOURCE / "shim" / "shim.py")], "c": [BUILT]}
LOUD = """
import os
seed = 12345
for number in range(%d):
    seed = (seed * 1103515245 + 12345) %% 2**31
    text = b"%%d " %% number + b"x" * (seed %% 300) + (b"" if seed %% 7 == 0 else b"\\n")
    while text:
        text = text[os.write(1 + (seed %% 11 == 0 and %d), text):]
"""


@pytest.fixture(params=["python", "c"])
def shim(request):
    if not os.path.exists(SHIMS[request.param][-1]):
        pytest.skip(f"there is no {request.param} shim here")
    return SHIMS[request.param]


class Run:
    """A run under a real shim; `alive` and `pause` are for a follower."""

    def __init__(self, shim, folder, script, *options):
        self.path = str(folder / "42.1")
        with open(self.path, "xb") as state:
            state.write(b"\n" * 4096)
        with open(self.path, "r+b") as state:
            fcntl.flock(state, fcntl.LOCK_EX)
            command = ["sh", "-c", 'exec 3<&0 0</dev/null 4<&- "$@"', "sh", *shim, "run", f"output={self.path}", "run=42.1", *options, "--"]
            self.process = subprocess.Popen(
                [*command, sys.executable, "-c", script], stdin=state, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        self.pidfd = os.pidfd_open(self.process.pid)

    def alive(self):
        return not select.select([self.pidfd], [], [], 0)[0]

    def pause(self):
        select.select([self.pidfd], [], [], 0.002)

    def result(self):
        assert 0 == self.process.wait(60)
        os.close(self.pidfd)
        with open(self.path, "rb") as state:
            return json.loads(state.read()[1024 + 14 :].split(b"\n")[0])


def original(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout


@pytest.mark.parametrize(("max_bytes", "max_files"), [(0, 0), (3000, 0), (400_000, 3), (400_000, 2), (200, 4)], ids=str)
def test_followed_and_read_afterwards(shim, tmp_path, max_bytes, max_files):
    script = LOUD % (15_000 if max_bytes == 400_000 else 4000, 0)  # a chunk is far below 400,000 bytes: no doubt which file a gap means
    run = Run(shim, tmp_path, script, f"max-bytes={max_bytes}", f"max-files={max_files}")
    log = RunLog(run.path)
    followed = list(log.follow(run.alive, run.pause))
    result = run.result()
    written = original(script)
    assert len(written) == result["stdout"]
    if max_bytes == 200:  # one chunk fills hundreds of files: how much is missing may be told wrong meanwhile, what is there not
        at = 0
        for item in followed:
            if isinstance(item, Record):
                at = written.index(item.raw(), at) + len(item.raw())
    else:
        assert len(written) == accounts_for((item.raw() if isinstance(item, Record) else item for item in followed), written)
    afterwards = list(log.raw())
    assert len(written) == accounts_for(afterwards, written)
    gaps = [item for item in afterwards if isinstance(item, Gap)]
    assert result["missing"] == sum(gap.bytes or 0 for gap in gaps)
    assert log.missing_tail(result["log"]) is None
    assert log.missing_tail(result["log"] + 1) is not None
    if not max_files:
        assert list(log.items()) == followed


def test_two_streams_apart(shim, tmp_path):
    script = LOUD % (1000, 1)
    run = Run(shim, tmp_path, script, "max-bytes=5000", "max-files=0")
    result = run.result()
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    for stream, whole in (("stdout", told.stdout), ("stderr", told.stderr)):
        assert len(whole) == result[stream] > 0
        assert [whole] == merged(RunLog(run.path).raw([stream]))


def test_a_full_disk(shim, tmp_path):
    """A limit on the size of files is a disk that is full for one file (EFBIG); later files have room again."""
    script = LOUD % (3000, 0)
    run = Run(["sh", "-c", 'ulimit -f 64; exec "$@"', "sh", *shim], tmp_path, script, "max-bytes=0")
    followed = list(RunLog(run.path).follow(run.alive, run.pause))
    result = run.result()
    written = original(script)
    raw = list(RunLog(run.path).raw())
    assert 0 < result["missing"]
    assert result["missing"] == sum(item.bytes or 0 for item in raw if isinstance(item, Gap))
    assert len(written) == accounts_for(raw, written)
    assert {"disk full"} == {item.reason for item in raw if isinstance(item, Gap)}
    assert len(written) == accounts_for((item.raw() if isinstance(item, Record) else item for item in followed), written)
