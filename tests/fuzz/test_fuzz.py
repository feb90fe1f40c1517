"""What reads other people's bytes raises nothing, and takes time and memory in proportion; the fuzzer finds what is there."""

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS

RUN = Path(__file__).with_name("run.py")
SMALL, TIMES = 20_000, 8
HARD = [(name, number) for name, target in TARGETS.items() for number in range(len(target.hard))]


@pytest.mark.parametrize("name", TARGETS)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_bytes(name, data):
    target = TARGETS[name]
    piece = st.sampled_from(target.seeds) | st.binary(max_size=20)
    target.run(b"".join(data.draw(st.lists(piece, max_size=6))))


@pytest.mark.parametrize(("name", "number"), HARD)
def test_time_and_memory_in_proportion(name, number):
    """Eight times as much takes no more than forty times as long, where quadratic time would take sixty-four times; the least of five."""
    target = TARGETS[name]

    def least(count: int) -> float:
        data, took = target.hard[number](count), []
        for _ in range(5):
            before = time.process_time()
            target.run(data)
            took.append(time.process_time() - before)
        return min(took)

    assert least(SMALL * TIMES) <= 40 * max(least(SMALL), 0.0005)
    data = target.hard[number](SMALL * TIMES)
    tracemalloc.start()
    try:
        target.run(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 200 * len(data) + (4 << 20)


def run(*words: str, timeout: int = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(RUN), *words], capture_output=True, text=True, check=False, timeout=timeout)


@pytest.mark.parametrize("name", TARGETS)
def test_a_moment_guided_by_coverage(name, tmp_path):
    pytest.importorskip("atheris", reason="there is no build of atheris for this Python")
    done = run("--seconds", "2", "--found", str(tmp_path), name)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_a_planted_fault_is_found(tmp_path):
    """An assertion that four bytes in the right order break: chance alone would need four thousand million tries."""
    pytest.importorskip("atheris", reason="there is no build of atheris for this Python")
    done = run("--seconds", "60", "--found", str(tmp_path), "planted")
    assert 0 != done.returncode, done.stdout
    (found,) = tmp_path.glob("planted-*")
    assert b"4.2w" == found.read_bytes()[:4]
    again = run("--input", str(found), "planted")
    assert "AssertionError" in again.stderr
