"""What a run ran with: which files a command means, and in words what differs between two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.samples import AT, job_in
from outlast.core.fingerprint import Side, compare, notes, scripts_of, words_of
from outlast.core.job import ENDED, Run

FILE = {"path": "/a", "size": 3, "mtime": AT, "hash": "aa"}
GIT = {"top": "/srv", "revision": "a" * 40, "branch": "main"}
FACTS = {"outlast": "1", "python": "3.11", "kernel": "6.1", "program": FILE, "git": GIT}
RUN = Run(job=1, run=1, claimed_at=AT, host="h", boot="b")
SIDE = Side(job=job_in(ENDED), run=RUN, facts=FACTS, environment={"A": "1", "B": "2"}, surroundings={"umask": "022"})


def texts(before, now):
    return [difference.text for difference in compare(before, now)]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["python3", "x.py", "a b"], ["python3", "x.py", "a b"]),
        (["/bin/sh", "-c", "python3 x.py a | wc"], ["python3", "x.py", "a"]),
        (["/bin/sh", "-c", "A=1 B_C=2 exec ./run.sh >log"], ["./run.sh"]),
        (["bash", "-c", "make all", "x"], ["make", "all"]),
        (["/bin/sh", "-c", "cd /srv && make"], ["/bin/sh"]),
        (["/bin/sh", "-c", "for x in a; do y; done"], ["/bin/sh"]),
        (["/bin/sh", "-c", '"$TOOL" x'], ["/bin/sh"]),
        (["/bin/sh", "-c", ""], ["/bin/sh"]),
        (["/bin/sh", "-c"], ["/bin/sh", "-c"]),
        ([], []),
    ],
)
def test_which_words_name_program_and_arguments(command, words):
    assert words == words_of(command)


@pytest.mark.parametrize(
    ("words", "scripts"),
    [
        (["python3.12", "-u", "x.py", "y.py"], ["x.py", "y.py"]),
        (["/usr/bin/perl", "a.pl"], ["a.pl"]),
        (["python3", "-c", "code", "x.py"], []),
        (["python3", "-m", "module"], []),
        (["timeout", "10", "./run.sh"], ["10", "./run.sh"]),
        (["rsync", "-a", "x", "y"], []),
        (["sh", "", "x"], ["x"]),
        ([], []),
    ],
)
def test_which_arguments_may_be_the_script(words, scripts):
    assert scripts == list(scripts_of(words))


def test_the_same_differs_in_nothing():
    assert [] == compare(SIDE, SIDE)
    assert [] == notes(SIDE, SIDE)


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        (["t", "--level", "1", "x"], ["t", "--level", "2", "x"], "the command: `--level 1` became `--level 2`"),
        (["t", "x"], ["t", "--fast", "x"], "the command: `--fast` is new"),
        (["t", "-v", "x"], ["t", "x"], "the command: `-v` is gone"),
        (["t", "a b"], ["t", "a", "b"], "the command: `'a b'` became `a b`"),
        (["/bin/sh", "-c", "a  b"], ["/bin/sh", "-c", "a b"], "the command: only its white space or its shell differs"),
        (["/bin/sh", "-c", "make x"], ["/bin/sh", "-c", "make y"], "the command: `x` became `y`"),
        (["t", *map(str, range(1000))], ["t", *map(str, range(1000, 2000))], "the command: 1000 words of it differ"),
    ],
)
def test_commands_are_compared_by_words(before, now, text):
    assert [text] == texts(SIDE.replace(job=job_in(ENDED, command=before)), SIDE.replace(job=job_in(ENDED, command=now)))


def test_each_fact():
    job = job_in(ENDED, cwd="/b", user="u", group="g", spec={"timeout.run": 60_000_000_000})
    now = SIDE.replace(
        job=job, run=RUN.replace(host="i", limits={"by": {"memory": "cgroup"}}), environment={"A": "9", "C": "3"},
        surroundings={"umask": "077"},
        facts={**FACTS, "kernel": "6.2", "program": {**FILE, "hash": "bb", "mtime": AT + 10**9}, "git": {**GIT, "revision": "b" * 40}},
    )  # fmt: skip
    assert [
        "directory: / became /b",
        "program /a has another content: written 2023-11-14 22:13:21 UTC",
        "git revision of /srv: aaaaaaaaaaaa (main) became bbbbbbbbbbbb (main)",
        "environment: A has another value",
        "environment: B is gone",
        "environment: C is new",
        "group: none became g",
        "timeout.run: 1m is new",
        "umask: 022 became 077",
        "limit.memory held by: cgroup is new",
        "user: u is new",
        "host: h became i",
        "kernel: 6.1 became 6.2",
    ] == texts(SIDE, now)
    assert ["the machine was started anew in between"] == texts(SIDE, SIDE.replace(run=RUN.replace(boot="c")))


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        (FILE, {**FILE, "mtime": AT + 1}, ""),
        (FILE, {**FILE, "path": "/b"}, "program /a became /b, and has the same content"),
        ({"path": "/a", "size": 3, "mtime": AT, "unseen": "x"}, FILE, ""),
        ({"path": "/a", "size": 3, "mtime": AT, "unseen": "x"}, {**FILE, "mtime": AT + 10**9},
         "program /a may have another content (it was not compared): written 2023-11-14 22:13:21 UTC"),
        ({"path": "/a", "size": 3000, "mtime": AT, "unseen": "x"}, FILE,
         "program /a has another content: with the same time, 2.9 KiB then, 3 B now"),
        ({"path": "/a", "unseen": "x"}, {"path": "/b", "unseen": "x"}, "program /a became /b"),
        ({"path": "/a", "unseen": "x"}, FILE, ""),
    ],
)  # fmt: skip
def test_files(before, now, text):
    facts = [{**FACTS, "program": file} for file in (before, now)]
    assert [text] * bool(text) == texts(SIDE.replace(facts=facts[0]), SIDE.replace(facts=facts[1]))


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        ({**GIT, "revision": ""}, GIT, "git revision of /srv: no commit (main) became aaaaaaaaaaaa (main)"),
        ({**GIT, "revision": None}, GIT, ""),
        (GIT, {**GIT, "branch": "x", "revision": None}, "git revision of /srv: aaaaaaaaaaaa (main) became a commit that is not known (x)"),
        (GIT, {**GIT, "top": "/b"}, "another git repository: /srv at aaaaaaaaaaaa (main) became /b at aaaaaaaaaaaa (main)"),
        (None, GIT, "/srv is now a git repository"),
        (GIT, None, "/srv is no longer a git repository"),
    ],
)
def test_git(before, now, text):
    facts = [{**FACTS, "git": git} for git in (before, now)]
    assert [text] * bool(text) == texts(SIDE.replace(facts=facts[0]), SIDE.replace(facts=facts[1]))


def test_what_is_not_known_is_said_and_not_compared():
    unknown = SIDE.replace(facts=None, environment=None, surroundings=None)
    assert [] == compare(unknown, SIDE)
    assert ["no fingerprint was taken of the one before (job 42): program, script and git revision are not compared",
            "the environment of job 42 is no longer known"] == notes(unknown, SIDE)  # fmt: skip
    assert ["job 42 has no run yet: only what was asked for is compared"] == notes(SIDE, SIDE.replace(run=None, facts=None))
    unseen = SIDE.replace(facts={**FACTS, "program": {"path": "/a", "unseen": "why"}})
    assert ["program /a: why"] == notes(SIDE, unseen)


def test_what_every_login_changes_is_no_difference():
    now = SIDE.replace(environment={"A": "1", "B": "2", "SSH_TTY": "x"})
    assert [] == compare(SIDE, now)
    assert ["of the terminal or the login, and not counted: SSH_TTY"] == notes(SIDE, now)


FILES = st.builds(
    lambda path, size, mtime, digest: {"path": path, "size": size, "mtime": mtime} | ({"hash": digest} if digest else {"unseen": "x"}),
    st.sampled_from(["/a", "/b"]), st.integers(0, 2), st.integers(0, 2), st.sampled_from(["", "aa", "bb"]),
)  # fmt: skip
GITS = st.fixed_dictionaries(
    {"top": st.sampled_from(["/a", "/b"]), "revision": st.none() | st.text("ab", max_size=3), "branch": st.none() | st.text(max_size=3)}
)
SOME_FACTS = st.fixed_dictionaries({"kernel": st.sampled_from("ab")}, optional={"program": FILES, "script": FILES, "git": GITS})
SIDES = st.builds(
    lambda command, cwd, facts, environment, run: Side(
        job=job_in(ENDED, command=command, cwd=cwd), run=run, facts=facts, environment=environment, surroundings=None
    ),
    st.lists(st.text(max_size=4), max_size=6), st.text(max_size=3), st.none() | SOME_FACTS,
    st.none() | st.dictionaries(st.text(max_size=3), st.sampled_from("12"), max_size=3),
    st.sampled_from([None, RUN, RUN.replace(boot="c")]),
)  # fmt: skip


@given(SIDES, SIDES)
def test_any_two_can_be_compared_both_ways(one, other):
    assert [] == compare(one, one)
    forth, back = compare(one, other), compare(other, one)
    assert sorted(difference.what for difference in forth) == sorted(difference.what for difference in back)
    for difference in forth:
        assert difference.text
        assert difference.before != difference.now or difference.what == "environment"  # whose values are not told
    assert all(notes(one, other))


@given(st.lists(st.text(), max_size=8))
def test_any_command_can_be_looked_at(words):
    assert all(isinstance(word, str) for word in scripts_of(words_of(["/bin/sh", "-c", " ".join(words)])))
    assert all(word in words for word in scripts_of(words_of(words)))
