"""Wrong use: one line that says what is wrong and what to do, status 2, no record, no home."""

import os

import pytest

from cli.outside import assert_refused, count, sh

DEEP = "/" + "/".join(["d" * 99] * 40)  # 4000 bytes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--nonsense", "--", "true"], "`--nonsense`"),
        (["run", "--retry", "3", "--", "true"], "--retries"),
        (["run", "-Z", "--", "true"], "`-Z`"),
        (["run", "--retries.delay", "soon", "--", "true"], "soon"),
        (["run", "--retries.delay", "-5s", "--", "true"], "-5s"),
        (["run", "--retries.delay", "none", "--", "true"], "--retries.delay: `none` has no end: write a duration like"),
        (["stop", "--grace", "none", "1"], "--grace: `none` has no end"),
        (["run", "--retries.delay", "5 parsecs", "--", "true"], "5 parsecs"),
        (["run", "--stop.grace", "none", "--", "true"], "none"),
        (["run", "--retries.delay", "", "--", "true"], "--retries.delay"),
        (["run", "--retries.delay"], "--retries.delay"),
        (["run", "--retries", "x", "--", "true"], "x"),
        (["run", "--retries", "1.5", "--", "true"], "1.5"),
        (["run", "--retries", "-2", "--", "true"], "-2"),
        (["run", "--log.file.max-bytes", "lots", "--", "true"], "lots"),
        (["run", "--log.file.max-bytes", "1", "--", "true"], "1KiB"),
        (["run", "--log.run.max-files", "1", "--", "true"], "2"),
        (["run", "--log.run.max-files", "5000", "--", "true"], "1000"),
        (["run", "--leftovers.grace", "15000w", "--", "true"], "--leftovers.grace"),
        (["run", "--cwd", DEEP, "--", "true"], "--cwd"),
        (["run", "--stdin", DEEP, "--", "true"], "--stdin"),
        (["--home", DEEP, "run", "--", "true"], "bytes"),
        (["run", "--stop-signal", "NOPE", "--", "true"], "NOPE"),
        (["run", "--overlap", "maybe", "--", "true"], "skip"),
        (["run", "--leftovers", "eat", "--", "true"], "keep"),
        (["run", "--retries.success-codes", "256", "--", "true"], "256"),
        (["run", "--retries.success-codes", "0", "--retries.failure-codes", "0", "--", "true"], "both"),
        (["run", "--param", "x", "--", "true"], "--param"),
        (["run", "--env", "=x", "--", "true"], "--env"),
        (["run", *["--info", "x"] * 4, "--", "true"], "3"),
        (["run", "--name", "", "--", "true"], "--name"),
        (["run", "--key", "k", "--unique", "--name", "n", "--", "true"], "--unique"),
        (["run", "--unique", "--", "true"], "--name"),
        (["run", "--fail-if-not-run", "--", "true"], "--wait"),
        (["run", "-j", "3", "--", "true"], "--from"),
        (["run", "--from", "x", "--", "true"], "--from"),
        (["run", "--from", "x", "-g", "g", "-j", "2"], "--group"),
        (["run", "--cwd", "no-such-place", "--", "true"], "no-such-place"),
        (["run", "--log.stdout=perhaps", "--", "true"], "perhaps"),
        (["run"], "outlast run -- echo hello"),
        (["run", "--"], "outlast run -- echo hello"),
        (["run", ""], "empty"),
        (["run", "--", "   "], "empty"),
        (["run", "--", "", "x"], "empty"),
        (["--"], "outlast run -- echo hello"),
        (["--home"], "--home"),
        (["--home", "", "list"], "--home"),
        (["wait", "--timeout", "x", "1"], "x"),
        (["logs", "-n", "x", "1"], "x"),
        (["list", "--nope"], "--nope"),
        (["show", "1", "--run"], "--run"),
    ],
)
def test_wrong_use(outlast, words, said):
    assert_refused(outlast(*words), 2, said)
    assert not outlast.home.exists()


def test_a_directory_that_a_shim_cannot_be_told_of(outlast):
    """A path of 4000 bytes and more can be made step by step, and be where one is."""
    folder = os.open(outlast.folder, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 99, dir_fd=folder)
        folder, above = os.open("d" * 99, os.O_RDONLY, dir_fd=folder), folder
        os.close(above)
    for words, status in ((["run"], 2), (["exec"], 125)):
        assert_refused(outlast(*words, "--", "true", cwd=f"/proc/{os.getpid()}/fd/{folder}"), status, "less than 4000")
    os.close(folder)
    assert not outlast.home.exists() or 0 == count(outlast)


def test_wrong_use_leaves_the_record_alone(past):
    before = count(past)
    for words in (["run", "--nonsense", "--", "true"], ["run", ""], ["run", "--retries", "x", "--", "true"], ["run", "--from", "nowhere"]):
        assert 2 == past(*words).status
    assert before == count(past)


def test_an_option_that_is_no_text(outlast):
    """Bytes that are no UTF-8 in a wrong option are shown without harm."""
    told = outlast(b"run", b"--\xff\xfe", b"--", b"true")
    assert 2 == told.status
    assert told.stderr.startswith(b"outlast: unknown option")
    assert 1 == told.stderr.count(b"\n")


def test_a_line_break_in_a_wrong_word(outlast):
    told = outlast("run", "--retries", "a\nb", "--", "true")
    assert (2, 1) == (told.status, told.stderr.count(b"\n"))
    told = outlast("show", "a\nb\x1b[31mc")
    assert (3, 1) == (told.status, told.stderr.count(b"\n"))
    assert b"\x1b" not in told.stderr


def test_stdout_that_is_full(past):
    """`/dev/full` cannot be written: that is told, and it is no traceback."""
    said = sh("outlast list > /dev/full", past)
    assert 5 == said.status, said
    assert said.stderr.startswith(b"outlast: No space left on device")
    assert 1 == said.stderr.count(b"\n")


def test_an_id_that_cannot_be_printed(outlast):
    said = sh("outlast run -- true > /dev/full", outlast)
    assert 5 == said.status, said
    assert 1 == count(outlast)  # it was durable before
