"""What is shown is text: control sequences are taken out, rows fit, and what is not known is not shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from outlast import Jobs
from outlast.cli.top import keys
from outlast.cli.top.about import progress
from outlast.cli.top.header import head
from outlast.cli.top.lines import LONGEST, plain
from outlast.cli.top.rows import GAP, OF_GROUPS, OF_JOBS, fit, job_row, natural
from outlast.cli.top.seen import NOTHING, Wanted, look
from outlast.core.job import Job
from outlast.core.observed import Observed
from support import CHECKOUT, Outlast

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"plain", "plain"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b]0;title\x07after", "after"),
        (b"10%\r20%\r", "20%"),
        (b"a\tb", "a       b"),
        (b"\xff", "\ufffd"),
        (b"\x07\x00", "\\x07\\x00"),
        ("\u202eright to left".encode(), "\\u202eright to left"),
        (b"x" * (LONGEST + 1), "x" * LONGEST + "…"),
        (b"", ""),
    ],
)
def test_plain(text: bytes, shown: str) -> None:
    assert shown == plain(text)


@given(st.binary(max_size=200) | st.text(alphabet="\x1b[]0;m\x07\\\x9b1A\r\t", max_size=200).map(str.encode))
def test_nothing_that_is_written_can_steer(text: bytes) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", plain(text))


def test_control_sequences_without_an_end_cost_no_time() -> None:
    for text in (b"\x1b]" * 500_000, b"\x1b[" * 500_000, b"\x1b[" + b"0;" * 500_000, b"\r" * 1_000_000):
        assert len(plain(text)) <= LONGEST + 1


def job(**fields: object) -> Job:
    told = {"id": 7, "name": "train", "command": ["x"], "cwd": "/", "status": "running", "run": 1, "created_at": NOW, "started_at": NOW}
    return Job(**{**told, **fields})


def cells(job: Job, observed: Observed | None = None, waiting: str = "", at: int = NOW + 90 * SECOND) -> dict[str, str]:
    seen = NOTHING._replace(at=at, observed={job.id: observed} if observed else {}, waiting={job.id: waiting})
    row = job_row(job, seen)
    return {column.name: cell.text for column, cell in zip(OF_JOBS, row, strict=True) if cell.text}


def test_what_is_observed_of_a_running_job() -> None:
    seen = Observed(progress={"percent": 45.0, "done": 9, "total": 20}, last_line="epoch 3\x1b[2J", usual=240 * SECOND, activity="active")
    told = cells(job(), seen)
    assert ("███░░░░░  45%", "epoch 3\\x1b[2J", "4m 00s", "running") == tuple(told[name] for name in ("progress", "last", "usual", "state"))
    assert "1m 30s" == told["duration"]
    assert "9/20 files" == cells(job(), Observed(progress={"done": 9, "total": 20, "unit": "files"}))["progress"]
    assert "copying" == cells(job(), Observed(progress={"text": "copying"}))["progress"]
    assert "████████ 100%" == cells(job(), Observed(progress={"percent": 250}))["progress"]
    assert "silent" == cells(job(), Observed(activity="silent"))["state"]
    assert "stalled" == cells(job(), Observed(activity="stalled"))["state"]
    assert "stopping" == cells(job(stop_requested={"verb": "stop"}), Observed(activity="stalled"))["state"]
    assert "45% 9/20 files" == progress({"percent": 45, "done": 9, "total": 20, "unit": "files"})


def test_what_is_worth_a_look() -> None:
    over, now = {"text": "was slow", "over_at": NOW}, {"text": "disk is full", "over_at": None}
    assert "! disk is full" == cells(job(warnings=[now, over]), Observed(last_line="line"))["last"]
    assert "line" == cells(job(warnings=[over]), Observed(last_line="line"))["last"]
    assert "waits for job 3" == cells(job(status="pending", started_at=None, waits=1), waiting="for job 3")["last"]
    assert "not before" in cells(job(status="pending", started_at=None, next_run_at=NOW + 1000 * SECOND))["last"]
    ended = {"status": "ended", "ended_at": NOW + SECOND}
    assert "exit code 3" == cells(job(outcome="failed", reason="exit code 3", **ended))["last"]
    assert "last" not in cells(job(outcome="succeeded", reason="exit code 0", **ended))
    assert "timed out" == cells(job(outcome="timed_out", **ended))["state"]


@given(
    st.lists(st.text(max_size=30), min_size=10, max_size=10).map(lambda texts: [text.strip() for text in texts]),
    st.integers(min_value=1, max_value=300),
)
def test_rows_fit(texts: list[str], width: int) -> None:
    from outlast.cli.terminal import visible
    from outlast.cli.top.rows import Cell

    for wanted in (OF_JOBS, OF_GROUPS):
        row = tuple(Cell(visible(text)) for text in texts[: len(wanted)])
        sizes = natural(wanted, [row])
        shown = fit(wanted, sizes, width)
        must = [column for column in wanted if not column.rank]
        least = sum(min(sizes[column.name], column.least or column.most) for column in must) + GAP * (len(must) - 1)
        assert sum(shown.values()) + GAP * (len(shown) - 1) <= max(width, least)
        assert {column.name for column in must if sizes[column.name]} <= set(shown)


def test_no_column_takes_all_the_room() -> None:
    sizes = {"id": 2, "name": 24, "state": 9, "group": 0, "run": 0, "progress": 0, "started": 8, "duration": 8, "usual": 0, "last": 90}
    assert {"id": 2, "name": 12, "state": 9, "started": 8, "duration": 8, "last": 26} == fit(OF_JOBS, sizes, 75)
    assert {"id": 2, "name": 24, "state": 9, "started": 8, "duration": 8, "last": 119} == fit(OF_JOBS, sizes, 180)
    assert {"id": 2, "name": 10, "state": 9, "duration": 8} == fit(OF_JOBS, sizes, 35)


def test_the_head_fits_and_says_nothing_before_it_knows() -> None:
    seen = NOTHING._replace(at=NOW, counts={"pid": 7, "running": 3, "queued": 0, "pending": 12}, failed_today=1000, more_active=95)
    for width in range(1, 200):
        assert cell_len(head(seen, Wanted({}, 50), "/some/home", width).plain) <= max(width, 1)
    line = head(seen, Wanted({}, 50), "/some/home", 199).plain
    for words in ("3 running", "0 queued", "12 pending", "1000+ failed today", "95 more not shown", "supervisor 7", "/some/home"):
        assert words in line
    assert "no space" in head(seen._replace(trouble="no space left: free some"), Wanted({}, 50), "/some/home", 60).plain
    assert "running" not in head(NOTHING, Wanted({}, 50), "/some/home", 199).plain


def test_what_cannot_be_read_is_said(outlast: Outlast) -> None:
    outlast.run("--", "true")
    outlast("wait", "1")
    outlast("supervisor", "stop")
    with Jobs(str(outlast.home)) as jobs:
        seen = look(jobs, Wanted({}, 50), NOTHING, NOW, changed=True)
        assert ([1], "") == ([job.id for job in seen.jobs], seen.trouble)
    (outlast.home / "outlast.db").write_bytes(b"no database at all" * 1000)
    for name in ("outlast.db-wal", "outlast.db-shm"):
        (outlast.home / name).unlink(missing_ok=True)
    with Jobs(str(outlast.home)) as jobs:
        after = look(jobs, Wanted({}, 50), seen, NOW, changed=True)
    assert [1] == [job.id for job in after.jobs]  # what was seen before then
    assert "damaged" in after.trouble


def test_the_page_names_every_key() -> None:
    text = (CHECKOUT / "docs" / "how-to" / "watch-live.md").read_text()
    missing = [key.shown for key in keys.KEYS if f"`{key.shown}`" not in text]
    assert [] == missing
