import time

import pytest

from outlast.logs.cri import Record, Torn
from outlast.logs.gaps import Gap
from outlast.logs.lines import Line
from outlast.logs.view import View, make_safe, notice

AT = 1_795_338_000_123_456_789  # 2026-11-22T09:00:00Z


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    monkeypatch.setenv("TZ", "XXX-3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def gap(**changes):
    return Gap(**{"offset": 0, "bytes": 41_000_000, "log": 0, "since": 1, "until": 2, "reason": "disk full", **changes})


def rendered(view, *items):
    return b"".join(view.render(item) for item in items) + view.finish()


def test_time_and_stream():
    assert b"2026-11-22 12:00:00.123 stdout a\xff\0\n" == View().render(Line(AT, "stdout", b"a\xff\0", True))
    assert b"2026-11-22 12:00:00.123 stderr b\n" == View().render(Record(AT, "stderr", True, b"b"))


def test_without_prefix():
    items = [Line(AT, "stdout", b"a", True), Line(AT, "stderr", b"", True), Line(AT, "stdout", b"c", False)]
    assert b"a\n\nc\n" == rendered(View(prefix=False), *items)


def test_an_open_line_goes_on():
    items = [Line(AT, "stdout", b"a", False), Line(AT + 5, "stdout", b"b", True), Line(AT, "stdout", b"c", True)]
    assert b"2026-11-22 12:00:00.123 stdout ab\n2026-11-22 12:00:00.123 stdout c\n" == rendered(View(), *items)


def test_an_open_line_gives_way():
    items = [Line(AT, "stdout", b"a", False), Line(AT, "stderr", b"b", False), gap(), Line(AT, "stderr", b"c", True)]
    assert b"a\nb\n[outlast: 39.1 MiB missing: disk full]\nc\n" == rendered(View(prefix=False), *items)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (gap(), b"[outlast: 39.1 MiB missing: disk full]"),
        (gap(bytes=12), b"[outlast: 12 B missing: disk full]"),
        (gap(bytes=None, log=2048, reason="lost with the machine"), b"[outlast: up to 2.0 KiB missing: lost with the machine]"),
        (gap(bytes=None, reason="x\x1b\u20ac"), b"[outlast: output missing: x^[\\u20ac]"),
        (Torn(offset=3, bytes=37), b"[outlast: 37 B of the log cannot be read]"),
    ],
)
def test_what_is_not_there(item, said):
    assert said == notice(item)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        (b"plain\ttext \xc3\xa9 \xff", b"plain\ttext \xc3\xa9 \xff"),
        (b"\x1b[2J\r\0\x7f", b"^[[2J^M^@^?"),
        ("a\u202eb\u2066c\u2069 \u2026".encode(), b"a<202e>b<2066>c<2069> \xe2\x80\xa6"),
        (b"a\xc2\x9b2Jb\xc2\xa0", b"a<9b>2Jb\xc2\xa0"),
    ],
)
def test_control_characters(text, safe):
    assert safe == make_safe(text)
    assert safe + b"\n" == View(prefix=False, safe=True).render(Line(AT, "stdout", text, True))
    assert text + b"\n" == View(prefix=False).render(Line(AT, "stdout", text, True))
