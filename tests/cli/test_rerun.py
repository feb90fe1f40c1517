"""`outlast rerun`: the same command once more, as a new job."""

from cli.outside import assert_refused


def test_a_new_job_in_the_old_surroundings(outlast):
    (outlast.folder / "there").mkdir()
    line = "pwd; echo $WHAT; umask"
    words = ("--name", "n", "-g", "g", "--retries", "1", "--info", "i", "--", "sh", "-c", line)
    outlast.run(*words, env={"WHAT": "then"}, cwd=outlast.folder / "there")
    outlast("wait", "1", status=0)
    assert (b"2\n", b"") == outlast("rerun", "1", status=0, env={"WHAT": "now"})[1:]
    outlast("wait", "2", status=0)
    first, second = outlast.show(1), outlast.show(2)
    assert (None, 1) == (first["rerun_of"], second["rerun_of"])
    same = ("name", "group", "command", "cwd", "info", "spec", "params", "description")
    assert [first[key] for key in same] == [second[key] for key in same]
    assert outlast("logs", "--raw", "1").stdout == outlast("logs", "--raw", "2").stdout
    assert b"then" in outlast("logs", "--raw", "2").stdout


def test_by_name_and_in_front(outlast):
    outlast.run("--name", "n", "--", "sh", "-c", "echo out; exit 3")
    outlast("wait", "1")
    told = outlast("rerun", "-w", "n")
    assert (3, b"out\n", b"") == tuple(told)
    told = outlast("rerun", "n", "--json", status=0).json
    assert (3, 2) == (told["id"], told["rerun_of"])


def test_refusals(outlast):
    assert_refused(outlast("rerun", "1"), 3, "1")
    outlast.run("--key", "K", "--", "sleep", "1000")
    assert_refused(outlast("rerun", "1"), 4, "K")
    assert_refused(outlast("rerun", "-w", "1"), 125, "K")
    assert_refused(outlast("rerun", "name:*", "2"), 2)
    assert_refused(outlast("rerun"), 2)
    assert [1] == [job["id"] for job in outlast("list", "--json").json["jobs"]]
