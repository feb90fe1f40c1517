"""Tables fit the terminal, keep ids whole and let nothing steer the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.cli import details, render, terminal
from outlast.core.columns import COLUMNS, OBSERVED
from outlast.core.job import OUTCOMES, Job, Run
from outlast.core.observed import Observed

NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
NAMES = ["backup", "x" * 300, "a\x1b[31mred\x07\nline", "日本語テキスト" * 20, "e\u0301" * 50, "bad\udcff byte", ""]


def job(number, name, **changes):
    fields = {
        "status": "ended", "outcome": "failed", "reason": "exit code 23", "exit_code": 23, "run": 1,
        "created_at": NOW - 90 * SECOND, "started_at": NOW - 80 * SECOND, "ended_at": NOW - 75 * SECOND,
    }  # fmt: skip
    return Job(id=number, name=name, command=["rsync", "-a", "x y"], cwd="/srv", **{**fields, **changes})


def jobs():
    return [job(100_000 + n, name) for n, name in enumerate(NAMES)]


def run(number=1, **changes):
    fields = {"status": "ended", "outcome": "failed", "reason": "exit code 23", "started_at": NOW - 80 * SECOND, "ended_at": NOW}
    return Run(job=1, run=number, claimed_at=NOW, cpu=SECOND, **{**fields, **changes})


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("shown", [None, list(COLUMNS)], ids=["usual", "all"])
def test_a_table_fits(width, shown):
    text = render.jobs_table(jobs(), NOW, shown=shown, width=width)
    lines = text.splitlines()
    assert len(NAMES) + 1 == len(lines)
    assert [] == [line for line in lines if terminal.columns(line) > width]
    assert all(str(100_000 + n) in lines[n + 1] for n in range(len(NAMES))), "ids are never cut"
    assert "\x1b" not in text
    assert "\x07" not in text


def test_what_matters_survives_in_80_columns():
    lines = render.jobs_table(jobs(), NOW, width=80).splitlines()
    assert all("failed" in line and "5s" in line for line in lines[1:])
    assert "…" in lines[2]
    assert "backup" in lines[1]


def test_nothing_is_cut_without_a_terminal():
    text = render.jobs_table(jobs(), NOW, width=None)
    assert "x" * 300 in text
    assert "…" not in text


def test_control_characters_are_made_visible():
    text = render.jobs_table(jobs(), NOW, width=200)
    assert r"a\x1b[31mred\x07\nline" in text
    assert r"bad\xff byte" in text


def test_columns_come_when_they_say_something():
    assert ["id", "name", "state", "started", "duration"] == render.usual_columns([job(1, "x", outcome="succeeded", reason=None)])
    rich = job(1, "x", group="G", spec={"retries.num-runs": 5})
    assert ["id", "name", "group", "state", "started", "duration", "run", "reason"] == render.usual_columns([rich])
    assert "1/5" == render.cell(rich, "run", NOW)
    assert "1/∞" == render.cell(job(1, "x", spec={"retries.num-runs": None}), "run", NOW)


def test_every_column_has_a_cell():
    times = {"next_run_at": NOW, "queued_at": NOW, "warnings": [{"over_at": None}]}
    full = job(1, "x", signal=15, info=["a", "", "b"], params={"n": "1"}, rerun_of=7, key="k", pid=5, group="g", **times)
    told = {"percent": 25.0, "done": 1, "total": 4, "eta": 90 * 1_000_000_000}
    seen = Observed(usual=SECOND, cpu=SECOND, rss=1 << 20, processes=3, output=2048, progress=told, last_line="1/4 files",
                    activity="silent", feedback={"a": "1", "b": "2 3"})  # fmt: skip
    cells = {name: render.cell(full, name, NOW, seen) for name in COLUMNS}
    assert [] == [name for name, text in cells.items() if not text and name not in {"description", "user"}]
    assert ["1/4 (25%)", "1m 30s", "1/4 files"] == [cells[name] for name in ("progress", "eta", "last_line")]
    assert {""} == {render.cell(full, name, NOW, unknown) for name in OBSERVED for unknown in (None, Observed())}
    assert "5%" == render.cell(full.replace(progress={"percent": 5.5}), "progress", NOW)  # its record keeps it
    assert "SIGTERM" == cells["signal"]
    assert "a, b" == cells["info"]
    assert "rsync -a 'x y'" == cells["command"]
    assert ["1s", "1s", "1.0 MiB", "3", "2.0 KiB"] == [cells[name] for name in ("usual", "cpu", "memory", "processes", "output")]
    assert "~2.0 KiB" == render.cell(full.replace(status="running"), "output", NOW, seen)
    assert ("silent", "a=1 b=2 3") == (cells["activity"], cells["feedback"])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"outcome": "failed"}, "failed"),
        ({"status": "running", "outcome": None}, "running"),
        ({"status": "running", "outcome": None, "stop_requested": {"verb": "stop"}}, "stopping"),
        ({"status": "running", "outcome": None, "paused": True}, "paused"),
        ({"status": "queued", "outcome": None, "held": True}, "held"),
        ({"status": "pending", "outcome": None}, "retrying"),
        ({"status": "pending", "outcome": None, "run": 0}, "pending"),
    ],
)
def test_the_state_is_one_word(changes, word):
    assert word == render.state(job(1, "x", **changes))
    silent = "silent" if word == "running" else word
    assert silent == render.state(job(1, "x", **changes), Observed(activity="silent"))
    assert word == render.state(job(1, "x", **changes), Observed(activity="active"))


def test_the_usual_stands_beside_the_duration_unless_something_had_to_give_way_to_it():
    lines = render.jobs_table([job(1, "x"), job(2, "y")], NOW, width=80, usual={2: 4 * SECOND}).splitlines()
    assert lines[1].endswith("           5s  exit code 23")
    assert lines[2].endswith("5s (usual 4s)  exit code 23")
    whole = max(map(len, lines))
    assert "usual" in render.jobs_table([job(1, "x"), job(2, "y")], NOW, width=whole, usual={2: 4 * SECOND})
    narrow = render.jobs_table([job(1, "x"), job(2, "y")], NOW, width=whole - 1, usual={2: 4 * SECOND})
    assert "usual" not in narrow
    assert "…" not in narrow


def test_colours_are_asked_for():
    text = render.jobs_table(jobs(), NOW, width=80, colours=True)
    assert "\x1b[31mfailed\x1b[0m" in text
    assert all(render.colour(word) for word in OUTCOMES)


def test_runs_stand_under_their_job():
    lines = render.jobs_table([job(1, "x")], NOW, width=80, runs={1: [run(1), run(2, outcome="succeeded", reason=None)]}).splitlines()
    assert 4 == len(lines)
    assert ".2" in lines[3]
    assert "succeeded" in lines[3]
    used = run(1, max_rss=1 << 20, memory=1 << 30, processes=3, stdout=1000, stderr=24)
    shown = ["id", "cpu", "memory", "processes", "output", "usual"]
    lines = render.jobs_table([job(1, "x")], NOW, shown=shown, runs={1: [used, run(2, stdout=None)]}).splitlines()
    assert [".1", "1s", "1.0", "MiB", "3", "1.0", "KiB"] == lines[2].split()
    assert [".2", "1s"] == lines[3].split()


@pytest.mark.parametrize("width", [40, 80, 200, None])
def test_details_fit(width):
    spec = {"retries.num-runs": 5, "log.file.max-bytes": None}
    whole = job(1, "x" * 300, spec=spec, group="G", stop_requested={"verb": "stop", "at": NOW})
    event = {"at": NOW, "job": 1, "kind": "stop_requested", "data": {"by": "x" * 300, "grace": SECOND}}
    for text in (
        details.job_detail(whole, [run()], NOW, width=width, why="because " * 50),
        details.run_detail(whole, run(max_rss=10**7, signal=9, missing=10**6, leftovers=2), NOW, width=width),
        details.events_table([event], NOW, width=width),
        details.groups_table([{"name": "g" * 20, "slots": None, "paused": False, "running": 1}], width=width),
    ):
        assert text.endswith("\n")
        assert width is None or [] == [line for line in text.splitlines() if len(line) > width]


def test_details_tell_all():
    text = details.job_detail(job(1, "x", spec={"retries.num-runs": 5}), [run()], NOW)
    assert "retries.num-runs" in text
    assert "exit code 23" in text
    assert "rsync -a 'x y'" in text


def test_an_event_tells_each_fact_once():
    data = {"outcome": "failed", "left": None, "waits": False, "boot": "b", "ending": {"outcome": "failed", "cpu": SECOND, "exit_code": 1}}
    text = details.events_table([{"at": NOW, "job": 1, "kind": "ended", "data": data}], NOW)
    assert text.endswith("ended  outcome=failed cpu=1s exit_code=1\n")


def test_nothing_gives_nothing():
    assert "" == render.jobs_table([], NOW) == render.runs_table([], NOW) == details.events_table([], NOW) == details.groups_table([])
    assert "1\n2\n" == render.ids([1, 2])


@given(st.text(st.characters()), st.integers(1, 60))
def test_cutting_is_exact(text, most):
    shown = terminal.visible(text)
    assert shown.isprintable()
    assert terminal.columns(terminal.cut(shown, most)) <= most
    assert terminal.columns(shown) > most or shown == terminal.cut(shown, most)
    assert terminal.columns(terminal.pad(terminal.cut(shown, most), most)) == most


def test_wide_and_combining_characters():
    assert 4 == terminal.columns("日本")
    assert 1 == terminal.columns("e\u0301")
    assert "日…" == terminal.cut("日本語", 4)


def test_width_and_colours_of_what_is_no_terminal(tmp_path):
    with (tmp_path / "file").open("w") as file:
        assert terminal.width({}, file.fileno()) is None
        assert 50 == terminal.width({"COLUMNS": "50"}, file.fileno())
        assert terminal.width({"COLUMNS": "x"}, file.fileno()) is None
        assert not terminal.colours({}, file.fileno())
    assert not terminal.colours({"NO_COLOR": "1"}, 1)
    assert not terminal.colours({}, 999)
