"""`outlast list`, `ps`, `history`, and `outlast` alone."""

import os
import random
import re

import pytest

import outlast as outlast_package
from cli.outside import ANSI, JOB_KEYS, RUN_KEYS, TIME, assert_refused, on_terminal, sh
from outlast import Jobs
from store.making import fill
from support import eventually, kill


def ids(outlast, *words):
    return [int(word) for word in outlast(*words, "--ids", status=0).stdout.split()]


def test_nothing_yet_names_the_home(outlast):
    for verb in ("list", "ps", "history"):
        told = outlast(verb)
        assert (0, b"", f"outlast: no jobs in {outlast.home}\n".encode()) == tuple(told)
        assert (0, b"", b"") == tuple(outlast(verb, "-q"))
        assert {"schema": 1, "jobs": [], "more": 0} == outlast(verb, "--json").json
        assert (0, b"", b"") == tuple(outlast(verb, "--ids"))
    assert f"outlast: no jobs in {outlast.home}\n".encode() == outlast().stderr
    assert not outlast.home.exists()


def test_a_table_on_a_pipe(past):
    lines = past("list", status=0).stdout.decode().splitlines()
    assert ["ID", "NAME", "GROUP", "STATE", "STARTED", "DURATION", "RUN", "REASON"] == lines[0].split()
    assert [str(job) for job in range(1, 8)] == [line.split()[0] for line in lines[1:]]
    assert re.fullmatch(r" 1  one +succeeded +\S+ +\S+ +1 +exit code 0", lines[1])
    assert re.fullmatch(r" 2  two +g +failed +.* +exit code 3", lines[2])
    assert lines == past(status=0).stdout.decode().splitlines()
    assert b"" == past("list").stderr


def test_it_fits_the_terminal(past):
    status, seen = on_terminal(past, "list", columns=60)
    assert 0 == status
    lines = ANSI.sub(b"", seen).decode().splitlines()
    assert 60 >= max(map(len, lines))
    assert 8 == len(lines)
    assert b"\x1b[31m" in seen
    assert ANSI.sub(b"", seen) == on_terminal(past, "list", columns=60, env={"NO_COLOR": "1"})[1]


def test_json(past):
    told = past("list", "--json", status=0)
    assert b"" == told.stderr
    assert {"schema", "jobs", "more"} == set(told.json)
    assert (1, 0) == (told.json["schema"], told.json["more"])
    for job in told.json["jobs"]:
        assert JOB_KEYS == set(job)
        assert all(job[key] is None or TIME.fullmatch(job[key]) for key in job if key.endswith("_at"))
        assert job["duration"] is None or isinstance(job["duration"], float)
    assert ["succeeded", "failed", "succeeded", "not_started", "stopped", "failed", "failed"] == [j["outcome"] for j in told.json["jobs"]]


def test_runs_under_their_jobs(past):
    lines = past("list", "--runs", "6", status=0).stdout.decode().splitlines()
    assert ["ID", "6", ".1", ".2"] == [line.split()[0] for line in lines]
    (job,) = past("list", "--runs", "6", "--json", status=0).json["jobs"]
    assert [1, 2] == [run["run"] for run in job["runs"]]
    assert all(set(run) >= RUN_KEYS for run in job["runs"])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("list", [1, 2, 3, 4, 5, 6, 7]),
        ("history", [7, 6, 5, 4, 3, 2, 1]),
        ("hist", [7, 6, 5, 4, 3, 2, 1]),
        ("ps", []),
        ("history -n 2", [7, 6]),
        ("list -n 2", [6, 7]),
        ("list -n all", [1, 2, 3, 4, 5, 6, 7]),
        ("history --status ended -n none", [7, 6, 5, 4, 3, 2, 1]),
        ("list --status running", []),
        ("list --outcome failed", [2, 6, 7]),
        ("history --outcome failed,stopped", [7, 6, 5, 2]),
        ("history --outcome failed --outcome stopped", [7, 6, 5, 2]),
        ("history --outcome not-started", [4]),
        ("history --name two", [3, 2]),
        ("history --name t*", [3, 2]),
        ("history --name /^(one|two)$/", [3, 2, 1]),
        ("history --name /e$/", [4, 1]),
        ("history --name tw", []),
        ("history -g g", [2]),
        ("history --text region", [1]),
        ("history --text RED", [1]),
        ("history --text first", [1]),
        ("history --text SEGV", [7]),
        ("history --last", [7, 6, 5, 4, 3, 1]),
        ("history --sort id", [1, 2, 3, 4, 5, 6, 7]),
        ("history --sort name,-id", [6, 5, 4, 1, 7, 3, 2]),
        ("history --sort=-name,id -n 3", [2, 3, 7]),
        ("history --since tomorrow", []),
        ("history --until yesterday", []),
        ("list --since yesterday", [1, 2, 3, 4, 5, 6, 7]),
        ("list 2 4-5", [2, 4, 5]),
        ("list two", [3]),
        ("list group:g", [2]),
        ("list outcome:failed,stopped", [2, 5, 6, 7]),
        ("history status:ended --outcome stopped", [5]),
        ("list last last~2", [5, 7]),
        ("list where:outcome=failed", [2, 6, 7]),
        ("history --during today", [7, 6, 5, 4, 3, 2, 1]),
        ("history --during yesterday", []),
        ("list --during yesterday..", [1, 2, 3, 4, 5, 6, 7]),
        ("history --last --per group", [2]),
        ("history --per key", [3]),
        ("history --last --per name --sort id", [1, 3, 4, 5, 6, 7]),
        ("history --warning *", []),
        ("history --sort=-exit_code,id -n 2", [4, 2]),
        ("history --where exit_code=3", [2]),
        ("history --where held", []),
        ("history --where region", [1]),
        ("history --last --where exit_code>=0 --outcome failed --sort=-id -n 1", [6]),
    ],
)
def test_filters_and_order(past, words, found):
    assert found == ids(past, *words.split())


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("name = two", [3, 2]),
        ("name ~ 't*' and not group = none", [2]),
        ("outcome = failed and (name = two or signal = SEGV)", [7, 2]),
        ("outcome in (stopped, not-started)", [5, 4]),
        ("param.region = eu or info = red", [1]),
        ("command =~ '^echo'", [1]),
        ("duration > 1h", []),
        ("ended > 1h ago and id < 3", [2, 1]),
        ("ended = today and run = 2", [6]),
        ("status = running", []),
        ("reason ~ '*code 3'", [2]),
        ("not (started > yesterday)", [4]),
    ],
)
def test_the_filter_language(past, where, found):
    assert found == ids(past, "history", "--where", where)
    assert found == ids(past, "history", f"where:{where}")
    with Jobs(str(past.home)) as jobs:
        assert found[::-1] == [job.id for job in jobs.list(where=where)]
        assert found[::-1] == [job.id for job in jobs.find([f"where:{where}"])]


def test_words_of_time_in_python(past):
    with Jobs(str(past.home)) as jobs:
        assert 7 == len(jobs.list(during="today", since="yesterday", until="tomorrow"))
        assert [] == jobs.list(during="yesterday", warning="*")
        with pytest.raises(outlast_package.UsageError, match="during: `soon` is no stretch of time"):
            jobs.list(during="soon")
        with pytest.raises(outlast_package.UsageError, match="where: the filter is wrong at letter 8"):
            jobs.list(where="name = ")


def test_the_slowest_first(past):
    jobs = past("history", "--slowest", "--json", status=0).json["jobs"]
    known = [job["duration"] for job in jobs if job["duration"] is not None]
    assert known == sorted(known, reverse=True)
    assert 7 == len(jobs)


def test_how_many_more_is_told(past):
    told = past("history", "-n", "2", status=0)
    assert b"outlast: 5 more; `-n all` shows them\n" == told.stderr
    assert b"" == past("history", "-n", "2", "-q").stderr
    assert 5 == past("history", "-n", "2", "--json").json["more"]


def test_how_many_more_a_filter_leaves_out_is_counted_to_a_bound(outlast):
    fill(outlast.home, 1300)
    assert b"outlast: 1000 or more; `-n all` shows them\n" == outlast("history", "-n", "2", "--outcome", "succeeded").stderr
    assert b"outlast: 128 more; `-n all` shows them\n" == outlast("history", "-n", "2", "--outcome", "failed").stderr
    assert b"outlast: 1298 more; `-n all` shows them\n" == outlast("history", "-n", "2").stderr


def test_a_filter_keeps_all_that_is_active(outlast):
    fill(outlast.home, 50)
    active = [int(outlast("run", "--name", "name3", "--group", "none", "--", "sleep", "60", status=0).stdout) for _ in range(2)]
    assert [43, *active] == ids(outlast, "list", "--name", "name3", "-n", "1")
    assert [*active] == ids(outlast, "list", "--name", "name3", "--group", "none", "-n", "1")
    assert [43] == ids(outlast, "list", "--name", "name3", "--outcome", "succeeded", "-n", "1")
    assert [43] == ids(outlast, "list", "--name", "name3", "--status", "ended", "-n", "1")
    assert active[1:] == ids(outlast, "list", "--name", "name3", "--sort=-id", "-n", "1")


def test_columns_that_have_no_room_are_told(past):
    wished = "id,name,command,cwd,started,ended,duration,reason"
    seen = ANSI.sub(b"", on_terminal(past, "list", "--columns", wished, columns=40)[1])
    assert b"outlast: no room for started, ended, duration, reason: ask for fewer columns, or for --json" in seen
    assert b"no room" not in on_terminal(past, "list", "--columns", "id,name,command", columns=40)[1]
    assert b"no room" not in on_terminal(past, "list", columns=40)[1], "nobody asked for these"


def test_columns(past):
    lines = past("list", "1,2", "--columns", "id,command,info,params,exit_code,key", status=0).stdout.decode().splitlines()
    assert ["ID", "COMMAND", "INFO", "PARAMS", "EXIT", "KEY"] == lines[0].split()
    assert re.fullmatch(r" 1  echo hello +red +region=eu +0", lines[1])
    every = past("list", "--columns", "id,name,description,group,key,command,cwd,user,status,outcome,state,reason,exit_code,signal,run,pid,"
                 "created,queued,started,ended,next_run,duration,info,params,rerun_of", status=0)  # fmt: skip
    assert "SEGV" in every.text


def test_what_has_not_ended(outlast):
    outlast.run("--name", "a", "--", "sleep", "1000")
    outlast.run("--name", "b", "--", "true")
    outlast.run("--name", "c", "--retries", "1", "--retries.delay", "1h", "--", "false")
    outlast("group", "set", "g", "--slots", "1")
    outlast.run("-g", "g", "--", "sleep", "1000")
    outlast.run("-g", "g", "--name", "d", "--", "true")
    outlast("wait", "2", status=0)
    outlast("wait", "3", "--status", "pending", status=0)
    outlast("wait", "4", "--status", "running", status=0)
    eventually(lambda: outlast.show(3)["run"] == 1)
    assert [1, 3, 4, 5] == ids(outlast, "ps")
    assert [2] == ids(outlast, "history")
    assert [1, 2, 3, 4, 5] == ids(outlast, "list")
    states = [line.split()[-1] for line in outlast("ps", "--columns", "id,state").stdout.decode().splitlines()[1:]]
    assert ["running", "retrying", "running", "queued"] == states
    assert outlast("ps", "--json").json["jobs"][0]["duration"] > 0
    outlast("stop", "--all", status=0)


def test_a_closed_pipe_is_no_error(outlast):
    outlast("run", "-q", "--from", "-", input=b"true\n" * 300, status=0)
    said = sh("set -o pipefail; outlast list -n all --columns id,cwd,command,created | head -1; outlast ps --json | head -c 1", outlast)
    assert b"" == said.stderr
    assert said.stdout.startswith(b" ID") or said.stdout.startswith(b"ID")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sort", "nme"], "name"),
        (["--columns", "id,nme"], "name"),
        (["--status", "runing"], "running"),
        (["--outcome", "faild"], "failed"),
        (["-n", "0"], "`0`"),
        (["--name", "/(/"], "regular expression"),
        (["--since", "whenever"], "since"),
        (["group:"], "group:"),
        (["status:runing"], "running"),
        (["9-2"], "backwards"),
        (["--where", "nme = x"], "did you mean `name`"),
        (["--where", "name = x and"], "letter 13, at its end"),
        (["where:("], "letter 2"),
        (["--where", ""], "letter 1, at its end"),
        (["--during", ""], "no stretch of time"),
        (["--during", "soon"], "no stretch of time"),
        (["--per", "colour"], "none of name, key"),
    ],
)
def test_wrong_words(past, words, said):
    assert_refused(past("list", *words), 2, said)


def test_a_job_that_is_not_there(past):
    for word in ("99", "nobody", "last~50"):
        assert_refused(past("list", word), 3, word)
    assert (0, b"") == past("list", "group:nobody")[:2]
    assert (0, b"") == past("ps", "1")[:2]


def without_a_supervisor(outlast):
    """A job that has ended while nobody could record it: its supervisor was killed, and no other can be started."""
    os.mkfifo(outlast.folder / "go")
    outlast.run("--", "sh", "-c", "read x < go; exit 3")
    outlast("wait", "1", "--status", "running", status=0)
    (outlast.home / "start").unlink()
    kill(outlast.supervisor_pid(), outlast.home)
    (outlast.folder / "go").write_text("x\n")
    eventually(lambda: outlast.show(1)["status"] == "ended")
    assert outlast.supervisor_pid() is None


def test_the_truth_without_a_supervisor(outlast):
    without_a_supervisor(outlast)
    (job,) = outlast("list", "--json", status=0).json["jobs"]
    assert ("ended", "failed", 3) == (job["status"], job["outcome"], job["exit_code"])
    assert outlast.supervisor_pid() is None


def test_filters_go_by_the_truth(outlast):
    without_a_supervisor(outlast)
    assert [1] == ids(outlast, "list", "where:status = ended and exit_code = 3") == ids(outlast, "history", "--where", "duration >= 0")
    assert [] == ids(outlast, "ps", "--where", "name ~ *") == ids(outlast, "list", "--where", "status = running")
    assert [1] == ids(outlast, "list", "--during", "today", "--last")
    assert ([1], [1], [], []) == tuple(
        ids(outlast, *words.split()) for words in ("history", "list --outcome failed", "ps", "list status:running")
    )


WORDS = (
    ["--status", "ended"], ["--outcome", "failed,succeeded"], ["--name", "*o*"], ["--text", "e"], ["--since", "yesterday"],
    ["--until", "tomorrow"], ["--during", "today"], ["--where", "exit_code >= 0 or name ~ *"], ["--where", "not (held or id = 4)"],
    ["--last"], ["--last", "--per", "user"], ["--slowest"], ["--sort", "-duration,name"], ["--sort", "warnings,-reason"], ["-n", "3"],
    ["-n", "all"], ["1-6"], ["where:run < 9", "two"], ["outcome:failed,stopped,succeeded"],
)  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_asked_for_together_goes_together(past, seed):
    """Table, ids and JSON have the same jobs in the same order, and each option takes away only."""
    chance = random.Random(seed)
    verb = chance.choice(("list", "history", "ps"))
    chosen = chance.sample(WORDS, 4)
    words = [word for part in chosen for word in part]
    found = ids(past, verb, *words)
    told = past(verb, "--json", *words, status=0).json
    assert found == [job["id"] for job in told["jobs"]]
    assert all(JOB_KEYS <= set(job) for job in told["jobs"])
    columns = chance.sample(["name", "state", "reason", "duration", "run", "started", "exit_code"], 3)
    table = past(verb, "-q", "--columns", ",".join(["id", *columns]), *words, status=0).stdout.decode().splitlines()[1:]
    assert [str(number) for number in found] == [line.split()[0] for line in table]
    if not any(part[0] in {"--last", "-n"} for part in chosen):
        assert set(found) <= set(ids(past, verb, "-n", "all", *(word for part in chosen[1:] for word in part)))
