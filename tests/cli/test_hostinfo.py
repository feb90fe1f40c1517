"""`outlast hostinfo`: facts of the host and a person's own constants; never waits, unknown is null."""

import os

from outlast import Jobs

NUMBERS = {"cpus": int, "memory": int, "uptime": float, "home_free": int}


def test_facts(outlast):
    outlast("wait", str(outlast.run("--", "true")), status=0)
    told = outlast("hostinfo", "--json", status=0).json
    assert {"schema": 1, "host": os.uname().nodename, "architecture": os.uname().machine, "home": str(outlast.home)}.items() <= told.items()
    assert {} == told["constants"]
    for name, kind in NUMBERS.items():
        assert isinstance(told[name], kind)
        assert told[name] > 0
    assert 3 == len(told["load"])
    assert told["booted_at"].endswith("Z")
    assert "complaints" not in told
    assert "CPUs" in outlast("hostinfo", status=0).text


def test_constants_and_lines_that_are_none(outlast):
    outlast.home.mkdir(mode=0o700)
    (outlast.home / "hostinfo").write_text("site = Oslo\nwhat\n")
    told = outlast("hostinfo", "--json", status=0)
    assert "Oslo" == told.json["constants"]["site"]
    assert f"outlast: {outlast.home}/hostinfo:2: no `=`: write `name = value`\n".encode() == told.stderr
    assert b"" == outlast("hostinfo", "-q", status=0).stderr
    assert "site            Oslo" in outlast("hostinfo", status=0).text


def test_a_fifo_in_the_place_of_the_constants_keeps_nobody_waiting(outlast):
    outlast.home.mkdir(mode=0o700)
    os.mkfifo(outlast.home / "hostinfo")
    assert {} == outlast("hostinfo", "--json", status=0, timeout=10).json["constants"]


def test_without_a_home_nothing_is_made(outlast):
    assert outlast("hostinfo", "--json", status=0).json["home_size"] > 0
    assert not outlast.home.exists()


def test_from_python(outlast):
    with Jobs(str(outlast.home)) as jobs:
        told = jobs.hostinfo()
    assert (os.uname().nodename, {}, []) == (told["host"], told["constants"], told["complaints"])
