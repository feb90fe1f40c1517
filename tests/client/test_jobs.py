"""`from outlast import Jobs`: everything a command does is one method of the same name, on real processes."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import outlast as package
from outlast import Jobs, NotFound, OutlastError, Refused, SystemFault, UsageError
from outlast.client.submitting import submission
from outlast.core.events import Held
from outlast.seams import now
from support import eventually


@pytest.fixture
def jobs(outlast):
    """The jobs of a fresh home; the fixture `outlast` ends what it leaves."""
    with Jobs(str(outlast.home)) as opened:
        yield opened


def test_a_status_or_an_outcome_that_is_none_is_refused(outlast):
    jobs = Jobs(str(outlast.home))
    for wanted in ({"status": "bogus"}, {"outcome": ("failed", "bogus")}):
        with pytest.raises(UsageError, match="`bogus`"):
            jobs.list(**wanted)


def test_run_words(jobs):
    job = jobs.run(["sh", "-c", "echo out; echo err >&2; exit 3"], name="n", retries={"num_runs": 2}, info=["a"], param={"x": "1"})
    assert (1, "n", "queued", None, ("a", "", "")) == (job.id, job.name, job.status, job.outcome, tuple(job.info))
    (job,) = jobs.wait(job, timeout=30)
    assert ("ended", "failed", 3, 2, 2) == (job.status, job.outcome, job.exit_code, job.run, len(job.runs))
    assert 0 <= job.runs[-1].duration <= job.duration
    assert {"x": "1"} == job.params
    assert ("out\n", "err\n") == (jobs.logs(job).stdout, jobs.logs(job).stderr)
    assert "out\n" == jobs.logs(job, run=1).stdout
    assert b"err\n" == jobs.logs(job.id).raw("stderr")
    assert {"out", "err"} == {line.text.decode() for line in jobs.logs("n").lines()}


def test_run_a_line(jobs):
    job = jobs.run("echo $((1+2)); exit 4")
    assert ["/bin/sh", "-c", "echo $((1+2)); exit 4"] == list(job.command)
    jobs.wait(job, timeout="30s")
    assert (4, "3\n") == (jobs.get(job.id).exit_code, jobs.logs(job).stdout)
    job = jobs.run(["echo $HOME"])
    (job,) = jobs.wait(job)
    assert ("not_started", 127) == (job.outcome, job.exit_code)
    (job,) = jobs.wait(jobs.run(["echo", "$HOME", ";"], shell=True))
    assert "succeeded" == job.outcome


def test_get_and_one(jobs):
    assert jobs.get(1) is None
    assert jobs.get("name") is None
    with pytest.raises(NotFound) as told:
        jobs.one(1)
    assert 3 == told.value.exit_status
    jobs.run(["true"], name="n", key="k")
    assert [1, 1, 1, 1] == [jobs.get(word).id for word in (1, "1", "n", "k")]
    assert jobs.get(2) is None
    jobs.run(["true"])
    with pytest.raises(Refused):
        jobs.one("1-2")


def test_list(jobs):
    assert [] == jobs.list()
    for name, group, code in (("a", "g", 0), ("b", "g", 1), ("ab", "h", 0)):
        jobs.run(["sh", "-c", f"exit {code}"], name=name, group=group)
    jobs.wait([1, 2, 3], timeout=30)
    assert [1, 2, 3] == [job.id for job in jobs.list()]
    eventually(lambda: [1, 3] == [job.id for job in jobs.list(outcome="succeeded")])  # `wait` may be ahead of the record
    eventually(lambda: [2] == [job.id for job in jobs.list(outcome=["failed"], group="g")])
    assert [1, 3] == [job.id for job in jobs.list(name="a*")]
    assert [3, 2] == [job.id for job in jobs.list(sort=("-id",), limit=2)]
    found, more = jobs.listing(sort=("-id",), limit=2)
    assert ([3, 2], 1) == ([job.id for job in found], more)
    assert [] == jobs.list(status="running")
    with pytest.raises(UsageError):
        jobs.list(statis="running")


def test_wait(jobs):
    job = jobs.run(["sleep", "1000"])
    with pytest.raises(TimeoutError):
        jobs.wait(job, timeout=0.05)
    assert "running" == jobs.wait(job, status=["running"], timeout=30)[0].status
    short = jobs.run(["true"])
    found = jobs.wait([job, short], any=True, timeout=30)
    assert [("running", None), ("ended", "succeeded")] == [(one.status, one.outcome) for one in found]
    with pytest.raises(NotFound):
        jobs.wait(99)


@pytest.mark.parametrize(("verb", "outcome", "signal"), [("stop", "stopped", 15), ("interrupt", "interrupted", 15), ("kill", "stopped", 9)])
def test_end(jobs, verb, outcome, signal):
    job = jobs.run(["sleep", "1000"], name="n")
    jobs.wait(job, status=["running"])
    (job,) = getattr(jobs, verb)("n")
    assert ("ended", outcome, signal) == (job.status, job.outcome, job.signal)
    assert [job.outcome] == [one.outcome for one in getattr(jobs, verb)(job)]


def test_end_what_is_not_clear(jobs):
    for _ in range(2):
        jobs.run(["sleep", "1000"], name="n")
    with pytest.raises(Refused) as told:
        jobs.stop("n")
    assert 4 == told.value.exit_status
    assert "--all" not in told.value.what
    assert 2 == len(jobs.stop("n", every=True, grace="1s"))
    with pytest.raises(NotFound):
        jobs.stop(77)


def test_signal_events_why(jobs, outlast):
    job = jobs.run(["sh", "-c", "trap 'echo heard' USR1; echo up; while :; do sleep 0.05; done"])
    eventually(lambda: "up\n" == jobs.logs(job).stdout)
    assert [1] == list(jobs.signal("USR1", job))
    eventually(lambda: "heard" in jobs.logs(job).stdout)
    assert "running for" in jobs.why(job)
    jobs.kill(job)
    kinds = [event["kind"] for event in jobs.events(job)]
    assert ("submitted", "ended") == (kinds[0], kinds[-1])
    assert {"started", "signalled", "stop_requested"} <= set(kinds)
    assert kinds[-2:] == [event["kind"] for event in jobs.events(limit=2)]
    with pytest.raises(Refused):
        jobs.signal("USR1", job)
    with pytest.raises(UsageError):
        jobs.signal("NOPE", job)


def test_rerun(jobs):
    first = jobs.run("echo $WHAT", env={"WHAT": "x"}, name="n")
    jobs.wait(first)
    again = jobs.rerun("n")
    assert (2, 1) == (again.id, again.rerun_of)
    jobs.wait(again)
    assert "x\n" == jobs.logs(again).stdout


def test_groups(jobs):
    assert [] == jobs.groups()
    jobs.set_group("g", 1)
    first, second = (jobs.run(["sleep", "1000"], group="g") for _ in range(2))
    jobs.wait(first, status=["running"])
    assert "queued" == jobs.get(second).status
    assert [{"name": "g", "slots": 1, "running": 1, "queued": 1}.items() <= group.items() for group in jobs.groups()] == [True]
    jobs.set_group("g", None)
    jobs.wait(second, status=["running"])
    with pytest.raises(Refused):
        jobs.remove_group("g")
    jobs.stop("group:g")
    jobs.remove_group("g")
    with pytest.raises(NotFound):
        jobs.remove_group("g")
    with pytest.raises(UsageError):
        jobs.set_group("g", 0)


def test_keys_and_overlap(jobs):
    jobs.run(["sleep", "1000"], key="K", name="n")
    with pytest.raises(Refused) as told:
        jobs.run(["true"], key="K")
    assert "K" in str(told.value)
    skipped = jobs.run(["true"], key="K", overlap="skip")
    assert ("ended", "skipped") == (skipped.status, skipped.outcome)
    assert 2 == len(jobs.list())


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"retrys": 3}, "retries"),
        ({"retries": {"num_run": 3}}, "retries.num-runs"),
        ({"nam": "x"}, "name"),
        ({"stop": {"graze": 3}}, "stop.grace"),
        ({"retries": {"delay": "soon"}}, "soon"),
        ({"retries": "x"}, "x"),
        pytest.param(
            {"env": {"A=B": "x"}}, "A=B",
        ),
        ({"name": "a\0b"}, "NUL"),
        ({"name": 3}, "name"),
        ({"cwd": "no-such-place"}, "no-such-place"),
        ({"key": "k", "unique": True, "name": "n"}, "unique"),
        ({"foreground": True}, "foreground"),
    ],
)  # fmt: skip
def test_wrong_keywords(jobs, outlast, keywords, said):
    with pytest.raises(UsageError) as told:
        jobs.run(["true"], **keywords)
    assert said in str(told.value)
    assert 2 == told.value.exit_status
    assert not outlast.home.exists()


@pytest.mark.parametrize("command", [[], "", "  ", [""], ["a\0b"], "a\0b", ["true", "\0"]])
def test_wrong_commands(jobs, outlast, command):
    with pytest.raises(UsageError):
        jobs.run(command)
    assert not outlast.home.exists()


def test_values_of_every_kind(jobs):
    from datetime import timedelta

    job = jobs.run(["true"], retries={"num_runs": 3, "delay": timedelta(seconds=90)}, stop={"grace": 2.5, "signal": "INT"},
                   log={"file": {"max_bytes": "1MiB"}}, leftovers="stop", unset_env=["HOME"], description=None)  # fmt: skip
    wanted = {
        "retries.num-runs": 3, "retries.delay": 90_000_000_000, "stop.grace": 2_500_000_000, "stop.signal": 2,
        "log.file.max-bytes": 1 << 20, "leftovers.action": "stop",
    }  # fmt: skip
    assert wanted.items() <= job.spec.items()
    assert 4 == jobs.run(["true"], retries=3).spec["retries.num-runs"]
    assert jobs.run(["true"], retries={"num_runs": -1}).spec["retries.num-runs"] is None


def test_two_homes_do_not_touch(outlast):
    other = str(outlast.folder / "other")
    with Jobs(str(outlast.home)) as one, Jobs(other) as two:
        assert [1, 1] == [one.run(["true"], name="one").id, two.run(["true"], name="two").id]
        one.wait(1)
        two.wait(1)
        assert (["one"], ["two"]) == ([job.name for job in one.list()], [job.name for job in two.list()])
    outlast("--home", other, "supervisor", "stop", status=0)


def test_the_home_of_the_environment(outlast, monkeypatch):
    monkeypatch.setenv("OUTLAST_HOME", str(outlast.home))
    with Jobs() as jobs:
        assert str(outlast.home) == jobs.home.path
        jobs.run(["true"])
    assert [1] == [job["id"] for job in outlast("list", "--json").json["jobs"]]


def test_it_can_be_closed_and_used_again(jobs):
    jobs.run(["true"])
    jobs.close()
    jobs.close()
    assert 1 == len(jobs.list())
    assert 2 == jobs.run(["true"]).id


def test_a_home_that_cannot_be(outlast):
    (outlast.folder / "file").write_text("x")
    with pytest.raises(SystemFault) as told:
        Jobs(str(outlast.folder / "file")).run(["true"])
    assert 5 == told.value.exit_status
    assert isinstance(told.value, OutlastError)


def test_the_cli_sees_what_python_does(jobs, outlast):
    jobs.run(["sleep", "1000"], name="n")
    outlast("stop", "n", status=0)
    assert "stopped" == jobs.get("n").outcome
    assert "x\n" == outlast("exec", "--", "echo", "x").stdout.decode()
    assert ["n", "echo x"] == [job.name for job in jobs.list()]


def test_the_public_names():
    assert {"Jobs", "OutlastError", "UsageError", "NotFound", "Refused", "SystemFault"} <= set(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError):
        package.no_such_name  # noqa: B018
    with pytest.raises(ImportError):
        from outlast import nothing_like_this  # noqa: F401


SCRIPT = """
import sys, threading
from outlast import Jobs, Refused

with Jobs(sys.argv[1]) as jobs:
    job = jobs.run(["sh", "-c", "echo hello; exit 3"], name="script", retries={"num_runs": 1})
    job, = jobs.wait(job, timeout=60)
    print(job.status, job.outcome, job.exit_code, job.runs[-1].duration >= 0, jobs.logs(job).stdout, end="")
    endless = jobs.run("sleep 1000", key="k")
    try:
        jobs.run("true", key="k")
    except Refused as error:
        print(error.exit_status)
    print(jobs.stop("k")[0].outcome)
print(threading.active_count())
"""


def test_a_plain_script_with_warnings_as_errors(outlast):
    (outlast.folder / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "script.py", outlast.home], cwd=outlast.folder, env=outlast.environ(),
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert b"" == done.stderr
    assert b"ended failed 3 True hello\n4\nstopped\n1\n" == done.stdout
    assert 0 == done.returncode


def test_a_job_outlives_its_script(outlast):
    script = "import sys; from outlast import Jobs; print(Jobs(sys.argv[1]).run('read x < go; exit 4').id)"
    os.mkfifo(outlast.folder / "go")
    done = subprocess.run([sys.executable, "-W", "error", "-c", script, outlast.home], cwd=outlast.folder, capture_output=True, check=True)
    assert (b"1\n", b"") == (done.stdout, done.stderr)
    (outlast.folder / "go").write_text("x\n")
    assert 1 == outlast("wait", "1").status
    assert 4 == outlast.show(1)["exit_code"]


def test_one_object_for_many_threads(outlast, jobs):
    def submit(number):
        return [jobs.run(["true"], name=f"t{number}", key=f"{number}.{i}").id for i in range(50)]

    with ThreadPoolExecutor(4) as threads:
        ids = [number for some in threads.map(submit, range(4)) for number in some]
    assert [*range(1, 201)] == sorted(ids)
    with ThreadPoolExecutor(4) as threads:
        ended = [job for some in threads.map(jobs.wait, (ids[:50], ids[50:100], ids[100:150], ids[150:])) for job in some]
    assert {"succeeded"} == {job.outcome for job in ended}
    assert ids == [job.id for job in ended]
    assert [] == jobs.store.problems()
    assert b"bad" not in outlast("doctor").stdout


def test_a_thread_that_waits_holds_up_no_other(jobs):
    with ThreadPoolExecutor(1) as threads:
        sleeper = jobs.run(["sleep", "1000"])
        waiting = threads.submit(jobs.wait, sleeper)
        (job,) = jobs.wait(jobs.run(["true"]), timeout=60)
        assert ("succeeded", False) == (job.outcome, waiting.done())
        jobs.kill(sleeper)
        assert "stopped" == waiting.result(60)[0].outcome


def test_a_reader_sees_no_half_of_another_threads_transaction(jobs):
    jobs.run(["true"], name="before")
    with ThreadPoolExecutor(1) as threads, jobs.store.batch():
        half = jobs.store.submit([submission(["true"], {"name": "half"}, shell=False)], now())
        other = threads.submit(jobs.store.count, "name = 'half'")
        with pytest.raises(TimeoutError):
            other.result(0.05)
        jobs.store.record(half[0], Held(), now())
    assert 1 == other.result(60)


def test_a_submission_that_was_changed_and_submitted_again_is_what_it_is_now(jobs):
    again = submission(["echo", "one"], {"name": "again"}, shell=False)
    first = jobs.store.submit([again], now())[0]
    again.job.command[1] = "two"
    second = jobs.store.submit([again], now())[0]
    assert ["echo", "two"] == second.command == jobs.one(second.id).command
    assert "one" == jobs.one(first.id).command[1]


def test_feedback(jobs, outlast, monkeypatch):
    (job,) = jobs.wait(jobs.run("printf '[a]1\\n[b c]2\\n' > $OUTLAST_FEEDBACK"), timeout=30)
    eventually(lambda: jobs.get(job).feedback == {"a": "1"})
    assert {"a": "1"} == jobs.feedback(job) == jobs.feedback("last")
    file = str(outlast.folder / "f")
    monkeypatch.setenv("OUTLAST_FEEDBACK", file)
    jobs.report({"x": "1", "y": "2"})
    jobs.report({"x": None})
    assert {"y": "2"} == jobs.feedback(file=file)
    jobs.report({}, clear=True)
    assert {} == jobs.feedback(file=file)
    for wrong in ({}, {"which": 1, "file": file}):
        with pytest.raises(UsageError):
            jobs.feedback(**wrong)
    monkeypatch.delenv("OUTLAST_FEEDBACK")
    with pytest.raises(Refused):
        jobs.report({"x": "1"})
    with pytest.raises(Refused):
        package.current()
