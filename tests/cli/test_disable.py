"""`outlast disable`, `enable`, `list-disabled`: jobs that shall not start, by name."""

import re

import pytest

from cli.outside import TIME, assert_refused, count
from support import eventually


def test_from_disabling_to_enabling(outlast):
    assert (0, b"", b"") == tuple(outlast("disable", "backup", "--note", "disk is being changed"))
    told = outlast("run", "--name", "backup", "--", "touch", "never", status=0)
    assert b"1\n" == told.stdout
    assert re.fullmatch(rb"outlast: job 1 was disabled: jobs called `backup` are disabled by \S+: disk is being changed\n", told.stderr)
    shown = outlast.show(1)
    assert ("ended", "disabled", 0, []) == tuple(shown[key] for key in ("status", "outcome", "run", "runs"))
    assert "`outlast enable` takes it back" in outlast("why", "1", status=0).text
    assert ["submitted", "ended"] == [e["event"] for e in outlast("events", "1", "--json").json["events"]]
    assert 0 == outlast("run", "--name", "other", "--", "true").status
    assert (0, b"", b"") == tuple(outlast("enable", "backup"))
    outlast("wait", str(outlast.run("--name", "backup", "--", "true")), status=0)
    assert not (outlast.folder / "never").exists()


def test_listing(outlast):
    assert (0, b"", f"outlast: nothing is disabled in {outlast.home}\n".encode()) == tuple(outlast("list-disabled"))
    outlast("disable", "a", "b", "--note", "n", status=0)
    outlast("disable", "--regex", "c-.*", "--until", "in 3h", status=0)
    rows = outlast("list-disabled", status=0).text.splitlines()
    assert ["NAME", "BY", "SINCE", "UNTIL", "NOTE"] == rows[0].split()
    assert ["a", "b", "/c-.*/"] == [row.split()[0] for row in rows[1:]]
    assert b"a\nb\nc-.*\n" == outlast("list-disabled", "--ids").stdout
    told = outlast("list-disabled", "--json", status=0).json
    assert ["schema", "disabled"] == list(told)
    first, _, last = told["disabled"]
    assert ("a", False, "n", None) == tuple(first[key] for key in ("name", "regex", "note", "until"))
    assert ("c-.*", True, "") == tuple(last[key] for key in ("name", "regex", "note"))
    assert TIME.fullmatch(last["until"])
    assert TIME.fullmatch(last["at"])


@pytest.mark.parametrize(("name", "disabled"), [("import-a", True), ("import-", True), ("an import-a", False), ("import", False)])
def test_expressions_mean_the_whole_name(outlast, name, disabled):
    outlast("disable", "--regex", "import-.*", status=0)
    outlast("run", "--name", name, "--hold", "--", "true", status=0)
    assert ("disabled" if disabled else None) == outlast.show(1)["outcome"]


def test_until_then(outlast):
    outlast("disable", "n", "--until", "in 1s", status=0)
    assert "until" in outlast("run", "--name", "n", "--", "true", status=0).stderr.decode()

    def runs() -> bool:
        return outlast.show(outlast.run("--name", "n", "--", "true"))["outcome"] != "disabled"

    eventually(runs)
    assert (0, b"") == outlast("list-disabled")[:2]  # what holds no more is not listed


def test_what_waits_already_does_not_start_either(outlast):
    outlast.run("--hold", "--name", "n", "--", "touch", "never")
    outlast("disable", "n", status=0)
    outlast("release", "1", status=0)
    outlast("wait", "1")
    assert "disabled" == outlast.show(1)["outcome"]
    assert not (outlast.folder / "never").exists()


def test_what_runs_goes_on_and_so_do_its_retries(outlast):
    outlast.run("--name", "n", "--retries", "1", "--", "sh", "-c", "until test -e go; do sleep 0.02; done; test $OUTLAST_RUN = 2")
    outlast("wait", "1", "--status", "running", status=0)
    outlast("disable", "n", status=0)
    (outlast.folder / "go").touch()
    outlast("wait", "1", status=0)
    assert 2 == outlast.show(1)["run"]


def test_in_front_cron_stays_quiet_unless_asked(outlast):
    outlast("disable", "n", status=0)
    told = outlast("run", "-w", "--name", "n", "--", "true")
    assert (0, b"") == told[:2]
    assert re.fullmatch(rb"outlast: job 1 disabled: jobs called `n` are disabled by \S+\n", told.stderr)
    assert 75 == outlast("run", "-w", "--fail-if-not-run", "--name", "n", "--", "true").status
    assert (0, b"", b"") == tuple(outlast("run", "-w", "-q", "--name", "n", "--", "true"))


def test_those_behind_it_are_told(outlast):
    first = outlast.run("--hold", "--name", "n", "--", "true")
    second = outlast.run("--after", str(first), "--", "true")
    third = outlast.run("--after.outcome", f"{first}=disabled", "--", "true")
    outlast("disable", "n", status=0)
    outlast("release", str(first), status=0)
    outlast("wait", str(second), str(third))
    assert ("aborted", "succeeded") == (outlast.show(second)["outcome"], outlast.show(third)["outcome"])


def test_enabling_all_or_none(outlast):
    outlast("disable", "a", status=0)
    assert_refused(outlast("enable", "a", "b"), 3, "`b` is not disabled", "outlast list-disabled")
    assert b"a\n" == outlast("list-disabled", "--ids").stdout


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["disable"], 2, "NAME"), (["disable", ""], 2, "no name"), (["disable", "--regex", "("], 2, "regular expression"),
        (["disable", "--regex", "(a+)+b"], 2, "(a+)+b"), (["disable", "--regex", "(a|ab)*c"], 2, "(a|ab)*c"),
        (["disable", "n", "--until", "2001-01-01 08:00"], 2, "past"), (["disable", "n", "--until", "x"], 2, "--until"),
        (["enable", "n"], 3, "`n` is not disabled"), (["enable"], 2, "NAME"), (["list-disabled", "x"], 2, "x"),
    ],
)  # fmt: skip
def test_refusals(outlast, words, status, said):
    assert_refused(outlast(*words), status, said)
    assert 0 == count(outlast)
    assert (0, b"") == outlast("list-disabled")[:2]
