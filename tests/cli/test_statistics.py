"""Statistics as text: bars, and a table that fits by leaving out what matters least."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.cli import terminal
from outlast.cli.statistics import sparkline, stats_detail, stats_table
from outlast.core.job import FAILED, FAILURES, OUTCOMES, STOPPED, SUCCEEDED
from outlast.core.stats import Stats, Took

NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000


def took(*durations: int | None, outcome: str = SUCCEEDED) -> tuple[Took, ...]:
    return tuple(Took(job=number, duration=duration, outcome=outcome) for number, duration in enumerate(durations, 1))


def stats(name: str = "backup", **changes: object) -> Stats:
    fields = {
        "jobs": 12, "outcomes": {"succeeded": 10, "timed_out": 2}, "failures": 2, "warnings": 3, "first_at": NOW - 10**16, "last_at": NOW,
        "last": 99, "last_outcome": "timed_out", "last_reason": "timed out: timeout.run of 5m was reached", "fastest": SECOND,
        "median": 2 * SECOND, "p95": 4 * SECOND, "slowest": 5 * SECOND, "cpu": 90 * SECOND, "max_rss": 1 << 20, "memory": None,
        "trend": (*took(SECOND, 5 * SECOND), *took(None, outcome=FAILED)),
    }  # fmt: skip
    return Stats(name=name, **{**fields, **changes})


def test_bars() -> None:
    assert "▁▂▃▄▅▆▇█" == sparkline(took(*range(1, 9)), bars=True)
    assert "12345678" == sparkline(took(*range(1, 9)), bars=False)
    assert "▁█" == sparkline(took(0, 10**18), bars=True)
    assert "▁▁" == sparkline(took(0, 0), bars=True)
    assert "" == sparkline((), bars=True)


def test_what_failed_is_marked_whatever_it_took() -> None:
    mixed = (*took(4), *took(800, outcome=FAILED), *took(8), *took(5, outcome=STOPPED), *took(None))
    assert "▄✗█··" == sparkline(mixed, bars=True)
    assert "4x8.." == sparkline(mixed, bars=False)


@given(
    st.lists(st.builds(Took, job=st.just(1), duration=st.none() | st.integers(0, 2**62), outcome=st.sampled_from(OUTCOMES))), st.booleans()
)
def test_one_sign_each(trend: list[Took], bars: bool) -> None:
    line = sparkline(trend, bars=bars)
    assert len(trend) == len(line) == terminal.columns(line)
    assert bars or line.isascii()
    assert sum(one.outcome in FAILURES for one in trend) == line.count("✗" if bars else "x")
    known = [one.duration for one in trend if one.outcome == SUCCEEDED and one.duration is not None]
    assert not any(known) or ("█" if bars else "8") in line, "the slowest is whole"


@pytest.mark.parametrize("width", [30, 50, 80, 120, 200])
def test_a_table_fits_and_cuts_nothing_that_it_shows(width: int) -> None:
    text = stats_table([stats(), stats("b", warnings=0), stats("日本\x1b[31m", trend=())], NOW, width=width, trend=True, bars=True)
    lines = text.splitlines()
    assert 4 == len(lines)
    assert width >= max(map(terminal.columns, lines))
    assert "\x1b" not in text
    assert "…" not in text
    assert all("12" in line for line in lines[1:])
    shown = lines[0]
    assert ("MEDIAN" in shown, "LAST ONES" in shown, "FIRST" in shown) == (width > 30, width >= 80, width >= 200)


def test_the_trend_is_there_when_it_is_wanted() -> None:
    assert "▂█✗" in stats_table([stats()], NOW, trend=True, bars=True)
    assert "▂█✗" in stats_detail(stats(), trend=True, bars=True)
    assert "28x" in stats_detail(stats(), trend=True)
    for text in (stats_table([stats()], NOW, bars=True), stats_detail(stats(), bars=True)):
        assert "█" not in text
        assert "last ones" not in text.lower()


def test_all_of_one_name() -> None:
    text = stats_detail(stats(memory=3 << 20))
    for said in (
        "10 succeeded, 2 timed out",
        "job 99: timed out: timeout.run",
        "1m 30s in all",
        "3.0 MiB (all",
        "1.0 MiB (the l",
    ):
        assert said in text
    assert "fastest" not in stats_detail(stats(fastest=None, median=None, p95=None, slowest=None))


def test_colours_are_asked_for() -> None:
    assert "\x1b[31mtimed_out" in stats_table([stats()], NOW, colours=True)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "C"}, False),
        ({"LC_ALL": "C", "LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ({"LC_CTYPE": "de_DE.ISO-8859-1", "LANG": "C.UTF-8"}, False),
    ],
)
def test_whether_the_terminal_has_bars(environ: dict[str, str], expected: bool) -> None:
    assert expected == terminal.has_unicode(environ)
