"""How far a program is, by what it writes: real outputs of real programs, what is no progress, and any text at all."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.meters import ALIASES, OVER, meter
from outlast.core.options import settle
from outlast.core.printed import pieces, shown
from outlast.core.progress import Rules, as_progress, check, eta, newest, rules, spelled

S = 1_000_000_000
RECORDED = Path(__file__).with_name("meters")


def said(text):
    """Return what a piece says, as people read it; None: nothing."""
    found = meter(text)
    return None if found is None else spelled(as_progress(found), long=True)


def last(output, over=True, **options):
    """Return the progress by a whole output."""
    lines = output.split(b"\n") if isinstance(output, bytes) else output.encode().split(b"\n")
    found = [(b"", piece, True) for line in lines for piece in pieces(line)]
    if not over and found:
        found[-1] = (*found[-1][:2], False)
    told = newest(found, rules(options), over=over)
    return None if told is None else spelled(as_progress(told[1]), long=True)


def told_in(name):
    """Return what the pieces of a recorded output say, one after the other, repetitions left out."""
    told = []
    for line in (RECORDED / name).read_bytes().split(b"\n"):
        for piece in pieces(line):
            found = meter(piece)
            if found is not None and (not told or told[-1] != said(piece)):
                told.append(said(piece))
    return told


@pytest.mark.parametrize(
    ("name", "first", "end", "least"),
    [
        ("curl-meter.txt", "195.0 KiB/3.8 MiB (5%)", "3.8 MiB/3.8 MiB (100%)", 6),
        ("curl-bar.txt", "65%", "100%", 2),
        ("wget-dot.txt", "1%", "4000000/4000000 (100%)", 70),
        ("wget-bar.txt", "0%", "4000000/4000000 (100%)", 15),
        ("rsync-progress2.txt", "0%", "100%", 12),
        ("rsync-progress.txt", "8%", "100%", 20),
        ("pv.txt", "17%", "100%", 6),
        ("tqdm.txt", "Epoch 1: 0/100 (0%)", "Fetching: 1950/1950 (100%)", 25),
        ("pytest.txt", "33%", "100%", 3),
        ("pytest-quiet.txt", "60%", "100%", 2),
        ("cmake-make.txt", "12%", "100%", 8),
        ("ninja.txt", "1/8 (12%)", "8/8 (100%)", 8),
        ("git-clone.txt", "1/302 (0%)", "302/302 (100%)", 200),
    ],
)
def test_a_recorded_output(name, first, end, least):
    told = told_in(name)
    assert (first, end) == (told[0], told[-1])
    assert least <= len(told)


def test_a_meter_of_something_without_an_end_says_nothing():
    assert [] == told_in("pv-unknown.txt")


def test_files_count_where_rsync_tells_of_one_after_the_other():
    output = (RECORDED / "rsync-progress.txt").read_bytes()
    half = output[: output.index(b"f6\n") + 40]
    assert b"32,768   8%" in half
    assert "9/13 files (69%)" == last(half, over=False)
    output = (RECORDED / "rsync-progress2.txt").read_bytes()
    assert "35%" == last(output[: output.index(b"1,698,304  35%") + 50], over=False)


def test_the_time_left_that_programs_tell():
    def left(text):
        return meter(text).eta

    assert 12 * S == left(" 45%|████▌     | 45/100 [00:10<00:12,  4.40it/s]")
    assert 3612 * S == left(" 45%|████▌     | 45/100 [00:10<1:00:12,  4.40it/s]")
    assert 12 * S == left("1.23GiB 0:00:10 [ 123MiB/s] [====>      ] 45% ETA 0:00:12")
    assert (86400 + 2 * 3600 + 184) * S == left("1.23GiB 9:00:10 [ 123MiB/s] [====>      ] 45% ETA 1+02:03:04")
    assert 10 * S == left("file.bin   45%[====>      ]  12.3M  1.20MB/s    eta 10s")
    assert 62 * S == left("file.bin   45%[====>      ]  12.3M  1.20MB/s    eta 1m 2s")
    assert 3 * S == left(" 1500K .......... .......... .......... .......... .......... 45% 1.2M 3s")
    assert 10 * S == left("      1,234,567  45%    1.20MB/s    0:00:10  ")
    assert left("      1,234,567  45%    1.20MB/s    0:00:10 (xfr#5, to-chk=10/100)") is None
    assert 291 * S == left("[#2089b0 400.0KiB/33.2MiB(1%) CN:1 DL:115.7KiB ETA:4m51s]")
    assert 5 * S == left("45/1875 [..............................] - ETA: 5s - loss: 0.4")
    assert 7 * S == left("   ━━━━━━━━━━━━ 12.3/45.6 MB 5.2 MB/s eta 0:00:07")
    assert left("the beta is 45% done, 3:00") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25%", "25%"),
        ("at 25.5 %", "25%"),
        ("progress: 25,5 %", "25%"),
        ("100% done", "100%"),
        ("25/100 files", "25/100 files (25%)"),
        ("25/100 files (25%)", "25/100 files (25%)"),
        ("(25/100)", "25/100 (25%)"),
        ("[25/100]", "25/100 (25%)"),
        ("[ 25 / 100 ] Building", "25/100 (25%)"),
        ("25 of 100", "25/100 (25%)"),
        ("25 out of 100 files", "25/100 files (25%)"),
        ("Processing item 5/100...", "5/100 (5%)"),
        ("files:25/100", "25/100 (25%)"),
        ("step 1,000/20,000", "1000/20000 (5%)"),
        ("3/10: compiling", "3/10 (30%)"),
        ("3/10.", "3/10 (30%)"),
        ("3/10 files, 31% done", "3/10 files (30%)"),
        ("file 3/10: 45%", "3/10 (30%)"),
        ("45% (of file 3/10)", "45%"),
        ("[ 45%] 3/4 warnings", "45%"),
        ("12.5MB/50MB", "11.9 MiB/47.7 MiB (25%)"),
        ("12.5/50.0 MB", "11.9 MiB/47.7 MiB (25%)"),
        ("2MiB/8MiB", "2.0 MiB/8.0 MiB (25%)"),
        ("10k/1M rows", "10000/1000000 rows (1%)"),
        ("175/1.95k", "175/1950 (8%)"),
        ("done=25 total=100", "25/100 (25%)"),
        ("completed: 25, total: 100, unit: rows", "25/100 rows (25%)"),
        ("time=10:33 current=5 max=10 x=y", "5/10 (50%)"),
        ("processed=7 of=28", "7/28 (25%)"),
        ("percent=25.5", "25%"),
        ("pct: 25", "25%"),
        ("progress=0.25", "25%"),
        ("progress=1.0", "100%"),
        ("progress=1", "1%"),
        ("progress=25", "25%"),
        ("progress=25%", "25%"),
        ("complete=25%", "25%"),
        ('{"level": "info", "done": 25, "total": 100}', "25/100 (25%)"),
        ('{"progress": {"current": 25, "total": 100}, "msg": "copying"}', "copying: 25/100 (25%)"),
        ('{"message_type":"status","percent_done":0.45,"total_files":100}', "45%"),
        ('{"percent": "45%"}', "45%"),
        ("\x1b]9;4;1;45", "45%"),
        ("\x1b]9;4;2;45", "45%"),
        ("[download]  45.2% of 10.00MiB at 1.20MiB/s ETA 00:05", "45%"),
        ("<=====--------> 45% EXECUTING [10s]", "45%"),
        ("Building [=====>   ] 45/100: outlast", "45/100 (45%)"),
        ("(3/10): vim.rpm       45% [==  ] 1.2 MB/s | 3 MB  00:02 ETA", "3/10 (30%)"),
        ("#5 [2/3] RUN make", "2/3 (66%)"),
        ("Epoch 3/10", "3/10 (30%)"),
    ],
)
def test_what_is_progress(text, expected):
    assert expected == said(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026/11/22 10:33:21 started",
        "22/11/2026",
        "11/22 10:33:21 INFO started",
        "[11/22 10:33:21] started",
        "10:33:21 11/22",
        "2026-11-22T10:33:21Z",
        "HTTP 200/404",
        "status 200/404",
        "open 24/7",
        "3/0",
        "0/0",
        "5/3 tests",
        "src/4/5/main.c",
        "a/1/2",
        "v1/2",
        "http://localhost:8080/1/2?x=%20y",
        "GET /a%2Fb%20c HTTP/1.1",
        "10.0.0.0/24",
        "fd00::1/64",
        "foo.c:12/34:5",
        "version 1.2/3.4",
        "loss 0.25/0.75",
        "load 0.5 1/5/15",
        "25/100%",
        "120%",
        "-5%",
        "+5% since yesterday",
        "100% packet loss",
        "3 packets transmitted, 3 received, 0% packet loss, time 2002ms",
        "CPU 45%",
        "cpu usage: 45%",
        "45% CPU",
        "memory used 45%",
        "%Cpu(s):  1.2 us,  45.0% id",
        "45% faster than before",
        "accuracy: 93%",
        "coverage: 87%",
        "similarity index 95%",
        " rename a => b (95%)",
        "/dev/sda1        100G   50G   50G  50% /",
        "TOTAL                     1200    180    85%",
        "src/x.py                   100     20    80%   4-9, 12",
        'printf("%d%%", 5)',
        "5 of 10 failed",
        "5/10 failed",
        "12 of 3",
        "one of 3",
        "done=25",
        "total=100",
        "done: 5s, total: 100",
        "step=5 loss=0.3",
        "maximum=100 undone=5",
        "percent=250",
        '{"done": true, "total": 100}',
        '{"done": 25}',
        '{"done": 1e999, "total": NaN}',
        '{"a": {"b": {"done": 25, "total": 100}}}',
        "{not json, 25 it seems}",
        "\x1b]9;4;1;450",
        "\x1b]9;4;1;",
        "\x1b]9;4;",
        "9" * 400 + "/" + "9" * 400,
        "9" * 400 + "%",
        "٣/٩ files",
        "²% and ½%",
        "1..5%",
        "1,2,3%",
        "Length: 6000000 (5.7M) [application/octet-stream]",
        "120 passed in 0.04s",
        "rate: 45%",
        "1/2-inch",
        "error 5/10",
        "max-width: 100%;",
        'width="100%"',
        "1 %(DIGIT)s",
        "0 % 7",
        "75% of the screen",
        "about 20% better",
        "dict / list | 0 / 41 / 172 ms |",
        "y - y**2/2 + y**3/3",
    ],
)
def test_what_is_none(text):
    assert said(text) is None


def test_a_report_that_is_taken_away_ends_what_was_said():
    assert OVER == meter("\x1b]9;4;0;")
    assert OVER == meter("\x1b]9;4;3;0")
    assert "45%" == last("\x1b]9;4;1;45\x07")
    assert last("\x1b]9;4;1;45\x07\x1b]9;4;0\x07done\n") is None
    assert "12%" == last("\x1b]9;4;1;12\x1b\\at work\n")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("1/4\n2/4\n3/4\nand now something else\n", "3/4 (75%)"),
        ("10%\r20%\r30%", "30%"),
        ("10%\x1b[2K\x1b[1G20%", "20%"),
        ("\x1b[32m[12/34]\x1b[0m Building\nwarning: 2 of 3 arguments\n", "12/34 (35%)"),
        ("[34/34] Linking\npart 1/3\n", "1/3 (33%)"),
        ("[12/34] x\n" + "line\n" * 30 + "part 1/3\n" + "line\n" * 30, "1/3 (33%)"),
        ("nothing\n", None),
        ("", None),
        ("25%\n" + "line\n" * 300, None),
    ],
)
def test_which_line_counts(output, expected):
    assert expected == last(output)


def test_the_open_end_of_a_block_is_no_number():
    assert "11/34 (32%)" == last("item 10/34\nitem 11/34\nitem 12/3", over=False)
    assert "12/34 (35%)" == last("item 10/34\nitem 11/34\nitem 12/34", over=False)
    assert "12/34 (35%)" == last("item 12/34", over=True)
    assert last("item 12/34", over=False) is None
    assert last("percent=4", over=False) is None
    assert "45%" == last("at 45%", over=False)
    assert "45/100 (45%)" == last("\r 45%|████▌     | 45/100 [00:10<00:12,  4.4it/s]", over=False)
    assert "25/100 (25%)" == last("25/100 fi", over=False)


def test_patterns_and_aliases():
    pattern = r"frame (?P<done>\d+) \w+ (?P<total>\d+)"
    assert "5/20 (25%)" == last("frame 5 among 20\n", **{"progress.pattern": [pattern]})
    assert "50%" == last("frame 50 among 20, 50%\n", **{"progress.pattern": [pattern]})  # what makes no sense is nothing
    text = r"^phase (?P<text>\w+)"
    assert "copy" == last("phase copy\n", **{"progress.pattern": [pattern, text]})
    assert "12.3 MB: 40%" == last("x 40 12.3 MB\n", **{"progress.pattern": [r"x (?P<percent>\S+) (?P<text>.*)"]})
    assert "2.0 MiB/8.0 MiB (25%)" == last("2MiB 8MiB\n", **{"progress.pattern": [r"(?P<done>\S+) (?P<total>\S+)"]})
    alias = {"frames": "done", "frame-count": "total", "what": "unit"}
    assert "5/20 pictures (25%)" == last("FRAMES=5 frame_count=20 what=pictures\n", **{"progress.alias": alias})
    assert "5" == last("frames=5\n", **{"progress.alias": alias})
    assert "5/20 (25%)" == last('{"frames": 5, "frame_count": 20}\n', **{"progress.alias": alias})
    assert rules({"progress.from": "none"}) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"progress.pattern": ["("]}, "no regular expression"),
        ({"progress.pattern": ["x"]}, "names no group"),
        ({"progress.pattern": ["(?P<other>x)"]}, "names no group"),
        ({"progress.pattern": [r"(?P<done>(\d+)+)"]}, "for ever"),
        ({"progress.pattern": [r"(?P<done>.*.*.*)x"]}, "for ever"),
        ({"progress.pattern": [r"(?P<done>[^x]*[^y]*\S*)x"]}, "for ever"),
        ({"progress.alias": {"frames": "much"}}, "none of done, total, percent, unit"),
    ],
)
def test_what_is_of_no_use_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        settle(given)


def test_what_is_of_use_is_taken():
    check({"progress.pattern": [r"^.*?(?P<done>\d+)/(?P<total>\d+) (?P<text>.*)$"], "progress.alias": {"x": "done"}})
    assert {} == settle({"progress.from": "output"})


def test_the_rest_by_what_was_done():
    quarter = {"percent": 25.0, "done": 25, "total": 100}
    assert 30 * S == eta(quarter, began=0, at=10 * S, now=10 * S)
    assert 26 * S == eta(quarter, began=0, at=10 * S, now=14 * S)  # it goes on while nothing is printed
    assert eta(quarter, began=0, at=10 * S, now=50 * S) is None  # and cannot be said any more when that was wrong
    assert 12 * S == eta(quarter, began=0, at=10 * S, now=10 * S, told=12 * S)
    assert 10 * S == eta(quarter, began=None, at=10 * S, now=12 * S, told=12 * S)
    for unknown in ({"percent": 100.0}, {"percent": 0.0}, {"percent": None}, {"done": 5}, {"percent": None, "done": 5, "total": 0}):
        assert eta(unknown, began=0, at=10 * S, now=10 * S) is None
    assert eta(quarter, began=None, at=10 * S, now=10 * S) is None
    assert eta(quarter, began=0, at=S // 2, now=S // 2) is None
    assert 10 * S == eta({"percent": 50}, began=0, at=10 * S, now=10 * S)


def test_control_sequences_are_not_seen():
    assert ["ab"] == pieces(b"\x1b[31ma\x1b[0mb")
    assert ["a", "b"] == pieces(b"a\x1b[1Ab")
    assert ["a", "b"] == pieces(b"a\x1b[2Kb")
    assert ["ab"] == pieces(b"a\x1b[Kb")
    assert ["ab"] == pieces(b"a\x1b]0;title\x07b")
    assert ["ab"] == pieces(b"a\x1bPstring\x1b\\b")
    assert ["a b"] == pieces(b"a\tb\x00\x08")
    assert ["a"] == pieces(b"a\x1b")
    assert ["a"] == pieces(b"a\x1b[12")
    assert ["a"] == pieces(b"a\x1b]0;no end")
    assert ["a", "b"] == pieces(b"a\x1b]0;no end\x1b[Hb")
    assert "" == shown(pieces(b"\x1b]9;4;1;45\x07")[1])
    assert "x" * 200 == shown("  " + "x" * 500)


SIGNS = st.sampled_from([
    *"0123456789.,%/[](){}=:\"' <>|#-~abBkKMGiofETA",
    " of ", " out of ", "\x1b[", "\x1b]9;4;1;", "\x07", "\x1b\\", "\r", "\n", "B/s", "xfr#", "to-chk=", "done=", "total=", "percent",
    "eta ", "--:--:--", "0:00:01 ", "..........", "█", "\x00", "\udce4", "٣",
])  # fmt: skip
LINES = st.one_of(st.text(), st.lists(SIGNS, max_size=60).map("".join))


@given(LINES)
def test_any_text_is_taken(text):
    found = meter(text.replace("\n", ""))
    if found is None or found == OVER:
        return
    assert found.percent is None or 0 <= found.percent <= 100
    assert found.total is None or 0 <= found.done <= found.total
    assert found.eta is None or found.eta >= 0
    assert spelled(as_progress(found))


@given(st.lists(st.tuples(st.just(b""), LINES, st.booleans()), max_size=30), st.booleans())
def test_any_pieces_are_taken(found, over):
    told = newest(found, Rules(patterns=(r"(?P<done>\d+) (?P<total>\d+)",), aliases={**ALIASES, "k": "done"}), over=over)
    assert told is None or spelled(as_progress(told[1])) is not None


@given(st.one_of(st.binary(), LINES.map(lambda text: text.encode("utf-8", "surrogateescape" if "\udce4" in text else "replace"))))
def test_any_bytes_are_taken(line):
    for piece in pieces(line):
        assert piece.startswith("\x1b]9;4;") or piece.isprintable()
        assert shown(piece).isprintable()
        assert 200 >= len(shown(piece))


@pytest.mark.parametrize(
    "unit",
    [
        b"1/", b"1%", b"\x1b", b"\x1b]", b"\x1b]9;4;1;5", b"\x1b[", b"[[", b"done=", b"1 of ", b"eta ", b'{"a":', b"\r1/2", b"........ 1%",
        b": 1", b"1,", b"9", b"<1", b"\xc2\x9b", b"\x1bP\x1b",
    ],
)  # fmt: skip
def test_the_work_grows_as_the_text(unit):
    def work(size):
        line = unit * (size // len(unit))
        best = None
        for _ in range(5):
            before = time.process_time_ns()
            newest([(b"", piece, True) for piece in pieces(line)], Rules())
            took = time.process_time_ns() - before
            best = took if best is None else min(best, took)
        return best

    assert work(1 << 19) <= 8 * 2.5 * max(work(1 << 16), 50_000)  # processor time, the best of five; square would be 64 times
