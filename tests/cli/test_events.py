"""`outlast events`: what happened, in order."""

import pytest

from cli.outside import TIME, assert_refused


def kinds(outlast, *words):
    return [event["event"] for event in outlast("events", "--json", *words, status=0).json["events"]]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("1", ["submitted", "claimed", "started", "ended"]),
        ("2", ["submitted", "claimed", "started", "ended"]),
        ("5", ["submitted", "claimed", "started", "stop_requested", "signalled", "ended"]),
        ("6", ["submitted", "claimed", "started", "retried", "queued", "claimed", "started", "ended"]),
    ],
)
def test_of_a_job(past, job, expected):
    found = kinds(past, job)
    assert expected == found
    lines = past("events", job, status=0).stdout.decode().splitlines()
    assert ["JOB", "TIME", "EVENT", "WHAT"] == lines[0].split()
    assert len(found) + 1 == len(lines)


def test_json(past):
    told = past("events", "1", "--json", status=0).json
    assert {"schema", "events"} == set(told)
    assert all({"id", "job", "event", "at", "data"} == set(event) for event in told["events"])
    assert all(TIME.fullmatch(event["at"]) for event in told["events"])
    numbers = [event["id"] for event in told["events"]]
    assert numbers == sorted(numbers)
    assert {"outcome": "succeeded", "exit_code": 0}.items() <= told["events"][-1]["data"]["ending"].items()
    assert TIME.fullmatch(told["events"][-1]["data"]["ending"]["ended_at"])


def test_time_limits_are_told_in_seconds_and_in_words(outlast):
    outlast("exec", "--timeout.soft.run", "90", "--timeout", "1h", "--", "true", status=0)
    (claimed,) = [event for event in outlast("events", "1", "--json", status=0).json["events"] if event["event"] == "claimed"]
    assert {"run": 3600, "soft_run": 90} == claimed["data"]["limits"]
    assert "timeout.run=1h 00m timeout.soft.run=1m 30s" in outlast("events", "1", status=0).text


def test_the_last_of_all(past):
    every = past("events", "-n", "all", "--json").json["events"]
    assert {1, 2, 3, 4, 5, 6, 7} <= {event["job"] for event in every}
    assert every[-3:] == past("events", "-n", "3", "--json").json["events"]
    assert [] == past("events", "--since", "tomorrow", "--json").json["events"]
    assert every == past("events", "-n", "all", "--until", "tomorrow", "--json").json["events"]


def test_what_is_not_there(past, outlast):
    assert_refused(past("events", "99"), 3, "99")
    assert_refused(past("events", "-n", "0"), 2)
    assert (0, b"") == outlast("events")[:2]
    assert {"schema": 1, "events": []} == outlast("events", "--json").json
