"""Whoever dies at whatever step: the next one counts on, and tells nothing twice."""

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.samples import NOW, job_in, run_of
from logs.expectations import CHUNKS, SIZES, fill
from logs.writer import T0, Writer
from outlast.core import job as j
from outlast.core.lifecycle import after
from outlast.supervisor.context import LiveRun
from outlast.supervisor.seeking import Finder, Units, limited
from outlast.supervisor.watch import Watch

WRITES = CHUNKS.map(lambda chunks: [(step, stream, text, "") for step, stream, text, _ in chunks])
# after a stretch of output: how many steps are done; then the supervisor goes on, or dies: with what it had to tell recorded or not
LIVES = st.lists(st.tuples(WRITES, st.integers(0, 6), st.sampled_from(["on", "on", "dies", "dies untold"]), st.booleans()), max_size=6)

WHOLE = LIVES.map(
    lambda lives: [([(step, stream, text.rstrip(b"\n") + b"\n", "") for step, stream, text, _ in chunks], *rest) for chunks, *rest in lives]
)


class Home:
    """One run, and supervisors that watch it."""

    def __init__(self, folder, file):
        self.folder, self.file = folder, file
        self.job = job_in(j.RUNNING, cwd=folder, spec={"warn.output": ["a", "b$"], "warn.file": [f"{file}=x"], "warn.interval": 1})
        self.told = []
        self.watch = None
        self.begin()

    def begin(self):
        if self.watch is not None:
            self.watch.close()
        self.watch = Watch(LiveRun(self.job, run_of(self.job), f"{self.folder}/1"), self.folder)
        self.watch.save(now=True)

    def record(self):
        for event in self.watch.news():
            self.told.append((event.warning, event.times))
            self.job = after(self.job, event, NOW)

    def counts(self):
        return {told["warning"]: told["count"] for told in self.job.warnings}


def matching(lines, expression):
    import re

    return sum(re.search(expression, line) is not None for line in lines)


def lines_of(writer):
    """Return the lines of each stream, as a program that reads the pipe would see them."""
    found = []
    for stream in ("stdout", "stderr"):
        text = b"".join(chunk for name, chunk in writer.written if name == stream)
        found += text.split(b"\n")[:-1] + [rest for rest in text.split(b"\n")[-1:] if rest]
    return found


@settings(deadline=None)
@given(LIVES, SIZES)
def test_counts_are_right_whoever_dies(lives, limits):
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder) / "1", limits[0], 0)  # files, none of which is removed
        file = Path(folder) / "app.log"
        file.write_text("x before\n")
        home = Home(folder, file)
        at, wanted = T0, 0
        for number, (chunks, steps, how, save) in enumerate(lives):
            at = fill(writer, chunks, at)
            with file.open("a") as added:
                added.write(f"x {number}\nnothing\n")
            wanted += 1
            for _ in range(steps):
                home.watch.step()
            if save:
                home.watch.save(now=True)
            if how != "dies untold":
                home.record()
            if how != "on":
                home.begin()
        home.watch.last = True
        while home.watch.step():
            pass
        home.watch.finish(given_up=False)
        home.record()
        lines = lines_of(writer)
        expected = {
            "warn.output: a": matching(lines, b"a"), "warn.output: b$": matching(lines, b"b$"), f"warn.file: {file}=x": wanted,
        }  # fmt: skip
        assert {name: count for name, count in expected.items() if count} == home.counts()
        for name in expected:
            times = [count for told, count in home.told if told == name]
            assert sorted(set(times)) == times
        assert [] == [note for note in home.watch.live.notes if "looked at" in note.text]
        home.watch.close()


@settings(deadline=None)
@given(WHOLE, SIZES)
@example(  # the file that is read goes, and the first one, which was read long ago, stays
    [
        ([(0, "stdout", b"\n\na\n", ""), (0, "stdout", b"\n", ""), (0, "stdout", b"\n", "")], 3, "dies", True),
        ([], 1, "on", False),
        ([(3600 * 10**9, "stdout", b"\n", ""), (3600 * 10**9, "stdout", b"\n", "")], 0, "on", False),
    ],
    (0, 0),
)
def test_what_is_removed_unseen_is_never_counted_and_always_said(lives, limits):
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder) / "1", limits[0] or 150, limits[1] or 2)
        home = Home(folder, Path(folder) / "app.log")
        at = T0
        for chunks, steps, how, save in lives:
            at = fill(writer, chunks, at)
            for _ in range(steps):
                home.watch.step()
            if save:
                home.watch.save(now=True)
            home.record()
            if how != "on":
                home.begin()
        home.watch.last = True
        while home.watch.step():
            pass
        home.watch.finish(given_up=False)
        home.record()
        lines = lines_of(writer)
        for name, count in home.counts().items():
            found = matching(lines, name.removeprefix("warn.output: ").encode())
            assert count <= found
            missed = any("could not be looked at" in note.text for note in home.watch.live.notes)
            assert count == found or missed
        for name in home.counts():
            times = [count for told, count in home.told if told == name]
            assert sorted(set(times)) == times
        home.watch.close()


def test_a_unit_that_is_too_slow_is_halved_and_a_line_that_is_gives_up():
    from outlast.core.warnings import Wanted

    slow = Finder(Wanted(option="warn.output", word="w", expression=b"=.*=.*=.*x"), 0, 0)
    quick = Finder(Wanted(option="warn.output", word="q", expression=b"ok"), 0, 0)
    units = Units([slow, quick])
    units.add([b"=x===" * 2, b"ok", b"=" * 16000, b"ok"])
    gave_up = []
    while len(units):
        gave_up.append(units.search_one())
    assert [slow] == [finder for finder in gave_up if finder]
    assert (1, 2, b"ok", None) == (slow.count, quick.count, quick.line, slow.search)
    units.add([b"ok"])
    while len(units):
        assert units.search_one() is None
    assert (1, 3) == (slow.count, quick.count)


def test_what_goes_on_afterwards_is_not_disturbed():
    assert [b"x"] == limited(lambda text: text == b"x", [b"x", b"y"])
    assert 5_000_000 > sum(1 for _ in range(3_000_000))  # more than the limit of CPU time: no signal comes any more
