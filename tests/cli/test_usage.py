"""What jobs use, while they run and afterwards, and how long they usually take, from outside."""

import sys

import pytest

from cli.outside import ANSI, on_terminal
from support import eventually

MIB = 1 << 20
# 100,000 bytes of output; 0.4 s of CPU time, 0.3 s of a child that was waited for; 30 MiB in a child that lives
KNOWN = """
import os, sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
sys.stdout.write(("x" * 99 + "\\n") * 600)
sys.stderr.write(("y" * 99 + "\\n") * 400)
sys.stdout.flush()
burn(0.4)
if not os.fork():
    burn(0.3)
    os._exit(0)
os.wait()
child = os.fork()
if not child:
    held = bytearray(b"x") * (30 << 20)
    open("ready", "w").close()
    time.sleep(1000)
while not os.path.exists("go"):
    time.sleep(0.01)
os.kill(child, 9)
os.wait()
"""
COLUMNS = "id,usual,cpu,memory,processes,output"


def python(code):
    return ["--", sys.executable, "-I", "-S", "-c", code]


def usage(outlast, job, processes):
    """Return what a running job uses once it has so many processes."""

    def there():
        told = outlast.show(job)["usage"]
        assert told is not None
        assert processes == told["processes"], told
        return told

    return eventually(there)


def test_a_job_that_runs_and_has_ended(outlast):
    job = outlast.run("--name", "known", *python(KNOWN))
    eventually((outlast.folder / "ready").exists)
    told = usage(outlast, job, 2)
    assert {"cpu", "rss", "processes", "log"} == set(told)
    assert 0.65 <= told["cpu"] <= 10
    assert 30 * MIB <= told["rss"] <= 100 * MIB
    assert 100_000 <= told["log"] <= 200_000
    assert told["processes"] == outlast("ps", "--json", status=0).json["jobs"][0]["usage"]["processes"]
    text = outlast("show", str(job), status=0).text
    assert all(f"\n{label}" in text for label in ("cpu time", "memory ", "processes ", "log "))
    heading, line = outlast("ps", "--columns", COLUMNS, status=0).text.splitlines()
    assert ["ID", "USUAL", "CPU", "MEMORY", "PROCESSES", "OUTPUT"] == heading.split()
    assert [str(job), "2"] == [line.split()[0], line.split()[-3]]
    assert "~" in line, "the length of a log is only about what was written"
    (outlast.folder / "go").touch()
    outlast("wait", str(job), status=0)
    shown = outlast.show(job)
    assert shown["usage"] is None
    (run,) = shown["runs"]
    assert 0.65 <= run["cpu"] <= 10
    assert 30 * MIB <= run["max_rss"] <= 100 * MIB
    assert (60_000, 40_000, "wait4", None, None) == (run["stdout"], run["stderr"], run["cpu_by"], run["processes"], run["memory"])
    _, line = outlast("list", "--columns", COLUMNS, status=0).text.splitlines()
    assert ["97.7", "KiB"] == line.split()[-2:], "what it wrote, exactly"
    told = outlast("show", "run", str(job)).text
    assert "children that were waited for" in told
    assert "its largest process" in told


def test_of_what_never_ran_nothing_is_told(outlast):
    job = outlast.run("--name", "n", "--", "no-such-command-anywhere")
    outlast("wait", str(job))
    (run,) = outlast.show(job)["runs"]
    assert (None, None, None) == (run["cpu"], run["max_rss"], run["cpu_by"])
    outlast.run("--hold", "--", "true")
    assert outlast.show("last")["usage"] is None
    assert ["2", ""] == [line.strip() for line in outlast("ps", "--columns", "id,cpu,memory", status=0).text.splitlines()[1:]] + [""]


def test_who_left_the_session_and_cleaned_its_environment_counts(outlast):
    line = "setsid sleep 1000 & env -i setsid sleep 1000 & (setsid sh -c 'env -i sleep 1000 & exit' &); exec sleep 1000"
    job = outlast.run("--", "sh", "-c", line)
    usage(outlast, job, 4)
    outlast("stop", str(job), status=0)


def test_each_job_has_its_own(outlast):
    """Also one that a job has submitted, and the supervisor that it started for that."""
    outlast.run("--name", "pair", "--", "sh", "-c", "sleep 1000 & exec sleep 1000")
    usage(outlast, 1, 2)
    nested = "while [ ! -e go ]; do sleep 0.05; done; outlast run --name inner -- sleep 1000; exec sleep 1000"
    outlast.run("--name", "outer", "--", "sh", "-c", nested)
    outlast("wait", "2", "--status", "running", status=0)
    eventually(lambda: outlast.show(2)["pid"] is not None)
    outlast("supervisor", "stop", status=0)
    usage(outlast, 1, 2)  # nobody is needed to tell it
    (outlast.folder / "go").touch()
    eventually(lambda: outlast.show(3)["pid"] is not None)
    usage(outlast, 2, 1)
    listed = {job["name"]: job["usage"]["processes"] for job in outlast("ps", "--json", status=0).json["jobs"]}
    assert {"pair": 2, "outer": 1, "inner": 1} == listed
    outlast("kill", "--all", status=0)


def test_the_log_counts_what_was_rotated_away(outlast):
    lines = "i=0; while [ $i -lt 20 ]; do head -c 20000 /dev/zero | tr '\\0' x; echo; i=$((i+1)); done; touch ready; exec sleep 1000"
    job = outlast.run("--log.file.max-bytes", "64KiB", "--log.run.max-files", "2", "--", "sh", "-c", lines)
    eventually((outlast.folder / "ready").exists)
    eventually(lambda: 400_000 <= outlast.show(job)["usage"]["log"] <= 450_000)
    outlast("kill", str(job), status=0)


@pytest.fixture
def running(outlast):
    """Three of `n` have succeeded and one has failed fast; one of `n` and one of `other` run."""
    for seconds in ("0.2", "0.3", "0.4"):
        outlast("exec", "--name", "n", "--", "sleep", seconds, status=0)
    outlast("exec", "--name", "n", "--", "false")
    for name in ("n", "other"):
        outlast.run("--name", name, "--", "sleep", "1000")
    eventually(lambda: all(outlast.show(job)["pid"] is not None for job in (5, 6)))
    return outlast


def test_how_long_it_usually_takes(running):
    shown = running.show(5)
    assert 0.3 <= shown["usual_duration"] < shown["usual_p95"]
    assert 0.4 <= shown["usual_p95"] < 10
    assert (None, None) == (running.show(6)["usual_duration"], running.show(6)["usual_p95"])
    assert shown["usual_duration"] == running("ps", "--json", status=0).json["jobs"][0]["usual_duration"]
    assert running.show(1)["usual_duration"] is None, "of one that has ended nothing is to be expected"
    assert "(usual 3" in running("why", "5", status=0).text
    assert "95 % within" in running("why", "5", status=0).text
    assert "usual" not in running("why", "6", status=0).text
    assert "(usual 3" in running("show", "5", status=0).text


def test_the_usual_stands_beside_the_duration_where_there_is_room(running):
    lines = running("ps", status=0).text.splitlines()
    assert ["(usual 3", ""] == ["(usual 3" if "(usual 3" in line else "" for line in lines[1:]]
    for columns, there in ((100, True), (40, False)):
        status, seen = on_terminal(running, "ps", columns=columns)
        text = ANSI.sub(b"", seen).decode()
        assert (0, there) == (status, "(usual" in text)
        assert columns >= max(map(len, text.splitlines()))
        assert "…" not in text
    assert "USUAL" in running("list", "--columns", "name,usual", status=0).text
