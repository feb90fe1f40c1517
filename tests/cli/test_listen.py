"""`outlast listen`: nothing is lost and nothing told twice, whoever is ended meanwhile."""

import json
import signal
import subprocess

from cli.outside import TIME, assert_refused, sh
from support import eventually, kill


def told(client: "subprocess.Popen[bytes]", many: int) -> list[dict]:
    assert client.stdout is not None
    return [json.loads(client.stdout.readline()) for _ in range(many)]


def every(outlast) -> list[int]:
    return [event["id"] for event in outlast("events", "-n", "all", "--json", status=0).json["events"]]


def test_from_the_beginning_to_the_end(past):
    ids = every(past)
    lines = past("listen", "--after", "0", "-n", str(len(ids)), "--json", status=0).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert ids == [event["id"] for event in events]
    assert all({"schema", "id", "job", "event", "at", "data"} == set(event) and TIME.fullmatch(event["at"]) for event in events)
    assert lines[5:] == past("listen", "--after", str(ids[4]), "-n", str(len(ids) - 5), "--json", status=0).stdout.splitlines()
    assert ids == [int(line) for line in past("listen", "--after", "0", "--until-ended", "--ids", status=0).stdout.split()]


def test_lines_for_people(past):
    lines = past("listen", "--after", "0", "--until-ended", "2", status=0).stdout.decode().splitlines()
    assert ["submitted", "claimed", "started", "ended"] == [line.split("job 2 ")[1].split()[0] for line in lines]
    assert "exit_code=3" in lines[-1]


def test_of_some_jobs_and_kinds(past):
    def ended(*words: str) -> list[int]:
        said = past("listen", "--after", "0", "--until-ended", "--kinds", "ended", "--json", *words, status=0)
        return [json.loads(line)["job"] for line in said.stdout.splitlines()]

    assert [1, 2, 3, 4, 5, 6, 7] == sorted(ended())
    assert [2, 3] == sorted(ended("name:two"))
    assert [3] == ended("two")
    assert [2, 5] == sorted(ended("group:g", "5"))
    assert [6] == ended("where:run > 1")
    assert [] == ended("group:nobody")


def test_a_set_takes_in_who_comes_later(outlast):
    outlast("run", "--wait", "--name", "other", "--", "true", status=0)
    with outlast.start("listen", "name:mine*", "--json", stdout=subprocess.PIPE) as client:
        numbers = []

        def heard() -> bool:  # it may begin after the first of them
            outlast("run", "--wait", "--name", "other", "--", "true", status=0)
            numbers.append(outlast.run("--name", f"mine{len(numbers)}", "--", "true"))
            return bool(select_ready(client))

        eventually(heard)
        (event,) = told(client, 1)
        assert event["job"] in numbers
        client.send_signal(signal.SIGINT)
        rest = client.communicate(timeout=30)[0].splitlines()
    assert {json.loads(line)["job"] for line in rest} <= {*numbers}
    assert 130 == client.returncode


def select_ready(client: "subprocess.Popen[bytes]") -> list:
    import select

    return select.select([client.stdout], [], [], 0.2)[0]


def test_a_listener_that_is_killed_goes_on_where_it_was(outlast):
    """Jobs run all the while, and the supervisor is killed once, too."""
    seen: list[int] = []
    after = 0
    for number in range(6):
        outlast("run", "-q", "--from", "-", input=b"true\nfalse\nsleep 0.05\n", status=0)
        with outlast.start("listen", "--after", str(after), "--json", stdout=subprocess.PIPE) as client:
            seen += [event["id"] for event in told(client, 5)]
            after = seen[-1]
            client.kill()
        pid = outlast.supervisor_pid()
        if number == 3 and pid is not None:
            kill(pid, outlast.home)
    outlast("wait", "status:queued,running,pending")
    eventually(lambda: [] == outlast("ps", "--json").json["jobs"])
    rest = outlast("listen", "--after", str(after), "--until-ended", "--ids", status=0)
    assert every(outlast) == seen + [int(line) for line in rest.stdout.split()]


def test_nobody_reads_it_any_more(outlast):
    outlast("run", "--wait", "--", "true", status=0)
    said = sh("outlast listen --after 0 --ids | head -1", outlast)
    assert (b"1\n", b"") == (said.stdout, said.stderr)


def test_wrong_words(past, outlast):
    assert_refused(past("listen", "--after", "9999"), 2, "no event 9999")
    assert_refused(past("listen", "--kinds", "endet"), 2, "ended")
    assert_refused(past("listen", "99"), 3, "99")
    assert_refused(past("listen", "where:x ="), 2, "no field `x`")
    assert (0, b"") == outlast("listen", "--until-ended", "--after", "0")[:2]


def test_events_can_follow(outlast):
    outlast("run", "--wait", "--", "true", status=0)
    eventually(lambda: 4 == len(every(outlast)))
    with outlast.start("events", "--follow", "--json", stdout=subprocess.PIPE) as client:
        assert [1, 2, 3, 4] == [event["id"] for event in told(client, 4)]
        outlast("run", "--", "true", status=0)
        assert [5, 6, 7, 8] == [event["id"] for event in told(client, 4)]
        client.kill()
