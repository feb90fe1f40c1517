"""Tables fit the terminal, keep ids whole and let nothing steer the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.cli import details, render, terminal
from outlast.core.columns import COLUMNS
from outlast.core.job import OUTCOMES, Job, Run

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
    cells = {name: render.cell(full, name, NOW) for name in COLUMNS}
    assert [] == [name for name, text in cells.items() if not text and name not in {"description", "user"}]
    assert "SIGTERM" == cells["signal"]
    assert "a, b" == cells["info"]
    assert "rsync -a 'x y'" == cells["command"]


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


def test_colours_are_asked_for():
    text = render.jobs_table(jobs(), NOW, width=80, colours=True)
    assert "\x1b[31mfailed\x1b[0m" in text
    assert all(render.colour(word) for word in OUTCOMES)


def test_runs_stand_under_their_job():
    lines = render.jobs_table([job(1, "x")], NOW, width=80, runs={1: [run(1), run(2, outcome="succeeded", reason=None)]}).splitlines()
    assert 4 == len(lines)
    assert ".2" in lines[3]
    assert "succeeded" in lines[3]


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
