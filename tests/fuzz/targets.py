"""What reads what others have written: one target each. A target takes any bytes, raises nothing, and asserts what has to be true.

`HARD` has inputs that would show quadratic time: each a function of a size.
"""

import tempfile
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fuzz.planted import planted
from outlast.core import feedback as f
from outlast.core import filters, globs, hostinfo, kinds, printed, progress, secrecy, windows
from outlast.core.disabling import check_pattern
from outlast.core.durations import exact_duration, parse_duration
from outlast.core.errors import UsageError
from outlast.core.job import Job
from outlast.core.selectors import parse_selector
from outlast.core.sizes import exact_size, parse_size
from outlast.core.times import format_time_utc, parse_time
from outlast.logs import cri, gaps
from outlast.logs.feedback import Reader
from outlast.logs.lines import Joiner
from outlast.logs.view import View, make_safe

NOW = 1_795_334_400_000_000_000
_CACHE = (
    b'{"schema":1,"since":null,"mark":[%s],'
    b'"parser":{"values":{"a":"b"},"rest":"","faults":{},"skipped":0,"left_out":[],"more_faults":false}}'
)
STAMP = b"2026-11-22T08:00:00.123456789Z stdout "
JOB: Job = Job(id=1, name="backup", command=["true", "x"], cwd="/", created_at=NOW, status="running", started_at=NOW)
GAP = b'{"offset":1,"bytes":2,"log":0,"from":"2026-11-22T08:00:00.123456789Z","to":"2026-11-22T08:00:01.1Z","reason":"disk full"}\n'


class Target(NamedTuple):
    """`run`: to be called with any bytes; `seeds`: inputs to begin with; `hard`: bytes of about so many that take longest."""

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    hard: tuple[Callable[[int], bytes], ...]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _batches(data: bytes) -> list[tuple[list[bytes], bool]]:
    whole, _, rest = data.rpartition(b"\n")
    return [*([(whole.split(b"\n"), True)] if b"\n" in data else []), *([([rest], False)] if rest else [])]


def log(data: bytes) -> None:
    """Every byte of a log is told: as a record's, or as torn."""
    items = list(cri.records(_batches(data), 0))
    told = sum(item.bytes if isinstance(item, cri.Torn) else 40 + len(item.text) for item in items)
    assert len(data) - len(items) <= told <= len(data)
    original = b"".join(item.raw() for item in items if isinstance(item, cri.Record))
    assert original == b"".join(part for part in cri.raw(_batches(data), 0) if isinstance(part, bytes))
    view = View(safe=True)
    shown = b"".join(view.render(line) for line in Joiner().join(items) if line is not None) + view.finish()
    assert all(byte >= 32 or byte in b"\t\n" for byte in shown)


def gaps_file(data: bytes) -> None:
    """A gaps file that is damaged tells what can be read."""
    for gap in gaps.parse(data):
        assert isinstance(gap, gaps.Gap)


def safe(data: bytes) -> None:
    """What is shown holds nothing that steers a terminal."""
    shown = make_safe(data)
    assert all(byte >= 32 or byte in b"\t\n" for byte in shown.replace(b"\n", b""))
    assert b"\x7f" not in shown
    assert not any(chr(code).encode() in shown for code in (0x9B, 0x202E, 0x2066))


def selector(data: bytes) -> None:
    """A word means jobs, or is refused."""
    try:
        found = parse_selector(_text(data))
        assert isinstance(found.single, bool)
        if found.kind == "name_regex":
            found.pattern()
    except UsageError:
        pass


def duration(data: bytes) -> None:
    """What was read as a duration is read as the same when it is written."""
    try:
        ns = parse_duration(_text(data))
    except UsageError:
        return
    assert ns == parse_duration(exact_duration(ns))


def size(data: bytes) -> None:
    """Likewise a size."""
    try:
        read = parse_size(_text(data))
    except UsageError:
        return
    assert read == parse_size(exact_size(read))


def time(data: bytes) -> None:
    """Likewise a time, but for what UTC's text leaves out."""
    try:
        at = parse_time(_text(data), NOW)
    except UsageError:
        return
    assert at // 1000 == parse_time(format_time_utc(at) or "", NOW) // 1000


def option(data: bytes) -> None:
    """The value of an option of any kind is kept in a form that is read back as the same."""
    which, given = data[:1] or b"\0", _text(data[1:])
    every = (kinds.INTEGER, kinds.LIMIT, kinds.TRIES, kinds.GRACE, kinds.SPAN, kinds.NUMBER, kinds.SIGNED, kinds.CPUS, kinds.NICE,
             kinds.SIGNAL, kinds.CODES, kinds.RUN, kinds.BOOLEAN)  # fmt: skip
    kind = every[which[0] % len(every)]
    try:
        kept = kinds.read(kind, given)
    except UsageError:
        return
    if kind not in {kinds.CODES, kinds.LIMIT, kinds.TRIES, kinds.RUN, kinds.NUMBER} or kept:
        assert kept == kinds.read(kind, kinds.spell(kind, kept)), (kind, given, kept)


def feedback(data: bytes) -> None:
    """Wherever it is cut, a feedback file says the same; what it says is written so that it is read as the same."""
    whole, parts = f.Parser(), f.Parser()
    whole.feed(data)
    cut = len(data) // 3
    parts.feed(data[:cut])
    parts = f.Parser.again(parts.kept())
    parts.feed(data[cut:])
    for parser in (whole, parts):
        parser.finish()
    assert (whole.facts, whole.faults) == (parts.facts, parts.faults)
    told = f.progress(whole.facts)
    assert told is None or told["percent"] is None or 0 <= told["percent"] <= 100
    # What was no UTF-8 may be longer now; a line break of another kind cannot be reported.
    facts = {key: value for key, value in whole.facts.items() if "\ufffd" not in key + value and "\r" not in value}
    again = f.Parser()
    again.feed(f.lines(facts, clear=True))
    assert facts == again.facts


def feedback_cache(data: bytes) -> None:
    """Whatever a cache of feedback holds, with the right sum or not, the file is read as if there were none, or on from a place in it."""
    with tempfile.TemporaryDirectory() as folder:
        file, cache = Path(folder, "f"), Path(folder, "c")
        file.write_bytes(b"[a]1\n")
        told = file.stat()
        data = data.replace(b"DEV", b"%d" % told.st_dev).replace(b"INO", b"%d" % told.st_ino)
        for text in (data, b"%08x %s" % (crc32(data), data)):
            cache.write_bytes(text)
            reader = Reader.from_cache(str(cache))
            assert reader.read(str(file))
            assert reader.error is None
            assert all(isinstance(value, str) for value in reader.parser.facts.values())


def output(data: bytes) -> None:
    """The end of a log tells a progress that can be, and a last line without anything that steers a terminal."""
    pieces = [(b"2026-11-22T08:00:00.123456789", text, True) for line in data.split(b"\n") for text in printed.pieces(line)]
    for _, text, _ in pieces:
        assert all(letter.isprintable() for letter in printed.shown(text))
    found = progress.newest(pieces, progress.Rules(patterns=(r"step (?P<done>\d+) to (?P<total>\d+)",)))
    if found is not None:
        told = progress.as_progress(found[1])
        assert told["percent"] is None or 0 <= told["percent"] <= 100
        assert progress.spelled(told)
        left = progress.eta(told, began=NOW - 10**12, at=NOW - 10**9, now=NOW)
        assert left is None or left >= 0


def filter_(data: bytes) -> None:
    """A filter means something of a job, or is refused."""
    try:
        node = filters.parse(_text(data))
        assert isinstance(filters.means(filters.resolved(node, NOW), JOB, NOW), bool)
    except UsageError:
        pass


def glob(data: bytes) -> None:
    """A pattern fits a text or does not; what it has no sign of it fits alone."""
    pattern, _, text = _text(data).partition("\n")
    fits = globs.matches(pattern, text)
    if not any(sign in pattern for sign in "*?["):
        assert fits == (pattern == text)


def window(data: bytes) -> None:
    """A stretch of time is one, or is refused."""
    try:
        first, end = windows.parse_window(_text(data), NOW)
    except UsageError:
        return
    assert 0 <= first < end


def constants(data: bytes) -> None:
    """Lines of constants tell names and texts, the others are named."""
    told, wrong = hostinfo.parse_constants(data.decode("utf-8", "replace"), "f")
    assert all(name and isinstance(text, str) for name, text in told.items())
    assert all(wrong)


def secrets(data: bytes) -> None:
    """What a secret variable holds is nowhere in what is masked."""
    mask = secrecy.Mask([b"TOKEN=hunter2hunter2\0"], [["curl", "--password", "correct-horse"]])
    masked = mask.output(data.replace(b"\0", b""))
    assert b"hunter2hunter2" not in masked
    assert b"correct-horse" not in masked


def pattern(data: bytes) -> None:
    """A regular expression that is taken does not take for ever."""
    text = _text(data)
    try:
        check_pattern(text, regex=True)
    except UsageError:
        return
    import re

    re.compile(text).fullmatch("a" * 40 + "b")


def _many(text: bytes) -> Callable[[int], bytes]:
    return lambda count: text * (count // len(text) + 1)


TARGETS: dict[str, Target] = {
    "feedback": Target(feedback, (b"[i]Start\n[book]my\n[i]\n[heartbeat]\n[progress]12\n", b"[]\n# c\n[1a]x\n[a b]y\n[progress]3/10"),
                       (_many(b"["), _many(b"[a]\n"), _many(b"[]\n"), _many(b"[a]b"), _many(b"\n"), _many(b"[1]\n"), _many(b"#"))),
    "feedback-cache": Target(feedback_cache, tuple(_CACHE % mark for mark in (b"DEV,INO,5,0", b"DEV,INO,-5,0", b"DEV,INO")), ()),
    "output": Target(output, (b"25/100 files (25%)\n", b" 45%|####| 45/100 [00:10<00:12, 4.4it/s]\r", b'{"done": 3, "total": 9}\n',
                              b"  1,234  45%  1.2MB/s  0:00:10 (xfr#5, to-chk=10/100)\r", b"\x1b]9;4;1;50\x1b\\", b"done=3 total=9\n",
                              b"step 3 to 9\n", b"[ 25%] Building\n", b"12K .......... .......... 45% 1.2M 3s\n"),
                     (_many(b"1/"), _many(b"%"), _many(b"1/2 "), _many(b"\x1b["), _many(b"\r"), _many(b"a="), _many(b'{"a":'))),
    "filter": Target(filter_, (b'status = running and (name ~ "b*" or group in (a, b)) and duration > 10m', b"not ended > yesterday",
                               b"param.x =~ '^a'", b"warnings > 0 and feedback.progress = 1", b"key = none or text"),
                     (_many(b"("), _many(b"not "), _many(b"a or "), _many(b"'"), _many(b"id = 1 and "), _many(b"a,"))),
    "glob": Target(glob, (b"b*[a-z]?\nbackup1", b"[^a]*\nb"), (_many(b"*a"), _many(b"["), _many(b"?"))),
    "window": Target(window, (b"last 7 days", b"2026-11", b"yesterday..8am", b"this week"), (_many(b"last "), _many(b".."), _many(b"9"))),
    "constants": Target(constants, (b"site = berlin\n# c\n=x\n",), (_many(b"="), _many(b"a=b\n"), _many(b"\n"))),
    "secrets": Target(secrets, (b"hunter2hunter2", b"a correct-horse b", b"https://u:p@h/"), (_many(b"hunter2"), _many(b"://"))),
    "log": Target(log, (STAMP + b"F x\n", STAMP + b"P x\n" + STAMP + b"F y\n", STAMP.replace(b"out", b"err") + b"F \x9b\n", b"torn\n"),
                  (_many(STAMP + b"P x\n"), _many(STAMP + b"F x\n"), _many(b"\n"), _many(b"x"), _many(STAMP + b"F x\nx\n"))),
    "gaps": Target(gaps_file, (GAP,), (_many(b"{"), _many(b"[\n"), _many(GAP))),
    "safe": Target(safe, (b"\x1b[31mred\xc2\x9b", b"a\tb\x7f"), (_many(b"\xc2"), _many(b"\x1b"))),
    "selector": Target(selector, (b"1-5,7", b"last~1", b"name:/^a/", b"group:x", b"status:running", b"outcome:failed"),
                       (_many(b"1,"), _many(b"9"), _many(b"1-2,"))),
    "duration": Target(duration, (b"1h30m", b"PT1H", b"1.5h", b"250ms", b"none", b"01:30"), (_many(b"1h"), _many(b"9"), _many(b"1.5s "))),
    "size": Target(size, (b"32MiB", b"1GB", b"none"), (_many(b"9"), _many(b"1k"))),
    "time": Target(time, (b"8am", b"tomorrow 22:30", b"in 3h", b"2026-11-22T08:00:00+01:00", b"yesterday", b"2h ago", b"week"),
                   (_many(b"in "), _many(b"9"), _many(b"2026-"))),
    "option": Target(option, (b"\x000", b"\x0b1,3-5", b"\x041.5h", b"\x08-5", b"\x09HUP"), (_many(b"\x0b1,"), _many(b"\x009"))),
    "pattern": Target(pattern, (b"a+b", b"(a|b)*", b"^x$"), (_many(b"(a"), _many(b"a|"))),
}  # fmt: skip
PLANTED = {"planted": Target(planted, (b"x",), ())}  # not one of ours: shows that what is there is found
