"""`Jobs.listen`: events as they happen."""

import threading
from itertools import islice, takewhile

import pytest

from outlast import Jobs, NotFound, UsageError
from support import eventually, kill


def test_events_as_they_happen(outlast):
    with Jobs(str(outlast.home)) as jobs:
        first = jobs.run(["true"])
        jobs.wait(first)
        eventually(lambda: jobs.events(first)[-1]["kind"] == "ended")  # `wait` may see the end before it is recorded
        seen = jobs.events(first)
        events = jobs.listen(after=seen[0]["id"])
        assert seen[1:] == list(islice(events, len(seen) - 1))
        second = jobs.run(["sh", "-c", "exit 3"])
        told = [next(events)]
        while told[-1]["kind"] != "ended":
            told.append(next(events))
        events.close()
    assert {second.id} == {event["job"] for event in told}
    assert ["submitted", "claimed", "started", "ended"] == [event["kind"] for event in told]
    assert sorted(event["id"] for event in told) == [event["id"] for event in told]
    assert "failed" == told[-1]["data"]["outcome"]


def test_from_now_on(outlast):
    outlast("wait", str(outlast.run("--", "true")), status=0)
    with Jobs(str(outlast.home)) as jobs:
        eventually(lambda: jobs.events(1)[-1]["kind"] == "ended")  # `wait` may see the end before it is recorded
    found = []

    def listen() -> None:
        with Jobs(str(outlast.home)) as jobs:
            events = jobs.listen()
            ready.set()
            found.extend(takewhile(lambda event: event["kind"] != "ended", events))

    ready = threading.Event()
    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(30)
    numbers = []

    def heard() -> bool:  # the first look of `listen` may come after the first of these jobs
        numbers.append(outlast.run("--", "true"))
        thread.join(1)
        return not thread.is_alive()

    eventually(heard)
    assert found
    assert 1 not in {event["job"] for event in found}


def test_it_survives_the_supervisor(outlast):
    with Jobs(str(outlast.home)) as jobs:
        jobs.wait(jobs.run(["true"]))
        eventually(lambda: jobs.events()[-1]["kind"] == "ended")  # `wait` may see the end before it is recorded
        events = jobs.listen(after=jobs.events()[-1]["id"])
        jobs.run(["true"])
        assert 2 == next(events)["job"]
        pid = outlast.supervisor_pid()
        if pid is not None:
            kill(pid, outlast.home)
        third = jobs.run(["true"])
        assert "ended" == next(event for event in events if event["job"] == third.id and event["kind"] == "ended")["kind"]
        events.close()


def test_of_some_jobs_until_they_have_ended(outlast):
    with Jobs(str(outlast.home)) as jobs:
        first, other = jobs.run(["false"], name="mine"), jobs.run(["true"], name="other")
        jobs.wait([first, other])
        told = [*jobs.listen(after=0, selected=first, until_ended=True)]
        assert [first.id] * 4 == [event["job"] for event in told]
        assert ["ended"] == [event["kind"] for event in jobs.listen(0, "name:mi*", ["ended"], until_ended=True)]
        assert [first.id, other.id] == sorted(e["job"] for e in jobs.listen(0, kinds=("started",), until_ended=True))
        second = jobs.run(["true"], name="mine")
        later = jobs.listen(told[-1]["id"], [second, "where:exit_code = 1"], until_ended=True)
        assert {second.id} == {event["job"] for event in later} - {first.id}
        with pytest.raises(UsageError, match="no event 99999"):
            jobs.listen(after=99_999)
        with pytest.raises(NotFound):
            jobs.listen(selected="nobody")
