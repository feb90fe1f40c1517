"""The command line: what is refused, with exit status 2 and nothing touched."""

import os
from pathlib import Path

import pytest


def test_version(shim):
    done = shim.call("version")
    assert done.returncode == 0
    assert done.stdout in {b"outlast-shim 1 (python)\n", b"outlast-shim 1 (c)\n"}


WRONG = [
    (),
    ("",),
    ("walk",),
    ("run",),
    ("run", "--", "true"),
    ("run", "RUN"),
    ("run", "RUN", "--"),
    ("run", "RUN", "--", ""),
    ("run", "RUN", "word", "--", "true"),
    ("run", "RUN", "colour=red", "--", "true"),
    ("run", "RUN", "=1", "--", "true"),
    ("run", "output=", "run=1", "--", "true"),
    ("run", "output=/x", "--", "true"),
    ("run", "run=1", "--", "true"),
    ("guard",),
    ("guard", "home=x", "--", "true"),
    ("guard", "home="),
    ("version", "2"),
]
MALFORMED = """
umask= umask=8 umask=1000 umask=-1 umask=0o22 umask=22x  nice= nice=x nice=1.5 nice=+1 nice=1_0 nice=--1
affinity= affinity=a affinity=0, affinity=,1 affinity=-1 affinity=8192 affinity=0;1
rlimit= rlimit=7 rlimit=7:1 rlimit=7:1:2:3 rlimit=x:1:1 rlimit=7::1 rlimit=7:-2:1 rlimit=32:1:1 rlimit=-1:1:1 rlimit=7:1:9223372036854775808
streams= streams=stdin streams=stdout, streams=,stderr streams=stdoutstderr streams=stdout,none
max-bytes= max-bytes=-1 max-bytes=1k max-bytes=9223372036854775808 max-files=1 max-files=-1 max-files=1001 max-files=x
grace= grace=-1 grace=2s front= front=0 front=yes cwd=relative cwd= stdin= run= run=a/b run=a"b
run=77777777777777777777777777777777777777777777777777777777777777777
failpoint= failpoint=die failpoint=nowhere:die failpoint=before-spawn failpoint=before-spawn: failpoint=before-spawn:delay
failpoint=before-spawn:delay= failpoint=before-spawn:delay=x failpoint=before-spawn:dies failpoint=before-spawn:delay=-1
""".split()


def touched(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_words_are_refused(shim, words):
    refused(shim, *words)


@pytest.mark.parametrize("word", MALFORMED)
def test_malformed_values_are_refused(shim, word):
    stderr = refused(shim, "run", "RUN", word, "--", "true")
    assert word.partition("=")[0].encode() in stderr


def refused(shim, *words):
    before = touched(shim.folder)
    path, state = shim.new_state()
    words = [w for word in words for w in ((f"output={path}", "run=42.1") if word == "RUN" else (word,))]
    done = shim.call(*words)
    os.close(state)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.endswith(b"\n")
    assert done.stderr.count(b"\n") == 1
    assert path.read_bytes() == b"\n" * 4096
    assert sorted([*before, path.name]) == touched(shim.folder)
    return done.stderr


def test_the_refusal_is_one_line_whatever_the_word_is(shim):
    done = shim.call("run", b"RUN", b"two\nlines\xff=1", "--", "true")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert done.stderr.isascii()


def test_a_closed_state_descriptor_is_refused(shim):
    done = shim.call("run", f"output={shim.folder}/x", "run=1", "--", "true")
    assert done.returncode == 2
    assert b"descriptor" in done.stderr


GOOD = """
umask=0 umask=0777 nice=-0 nice=007 affinity=0 affinity=0,0
rlimit=4:-1:-1 rlimit=10:0:9223372036854775807 streams=none streams=stderr,stdout
streams=stdout,stdout max-bytes=0 max-files=0 max-files=2 max-files=1000 grace=0 cwd=/
failpoint=before-gap:die failpoint=before-gap:delay=0
""".split()


@pytest.mark.parametrize("word", GOOD)
def test_good_values_are_taken(shim, word):
    assert shim.run("true", options=[word]).result["status"] == 0


def test_the_last_of_two_values_holds(shim):
    assert shim.run("sh", "-c", "umask", options=["umask=077", "umask=022"]).raw() == b"0022\n"
