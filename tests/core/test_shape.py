"""The JSON of jobs and runs."""

from outlast.core.job import Job, Run
from outlast.core.jsontext import dumps, loads
from outlast.core.shape import event_shape, job_shape, jobs_shape, run_shape

AT = 1_800_000_000_123_456_789
SECOND = 1_000_000_000
# as CONTRACT has them, in this order
KEYS = """schema id name description key group command cwd user status outcome reason exit_code signal run pid duration
created_at queued_at started_at ended_at next_run_at waiting_for priority mutex paused held stop_requested activity heartbeat_at
heartbeat_timeout info params feedback
progress last_line usual_duration usual_p95 usage warnings rerun_of schedule trigger automatic spec runs""".split()
RUN_KEYS = "run status outcome reason exit_code signal pid host started_at ended_at duration cpu max_rss".split()


def job(**changes):
    return Job(id=42, name="backup", command=["rsync", "-a"], cwd="/srv", created_at=AT, **changes)


def run(**changes):
    return Run(job=42, run=1, claimed_at=AT, **changes)


def test_a_job_has_all_keys_in_order():
    shape = job_shape(job(), ())
    assert KEYS == list(shape)
    assert RUN_KEYS == list(run_shape(run()))[: len(RUN_KEYS)]
    assert KEYS[:-2] == list(job_shape(job()))
    assert shape == loads(dumps(shape))


def test_times_durations_and_unknowns():
    ended = job(status="ended", outcome="failed", started_at=AT, ended_at=AT + 5 * SECOND // 4, trigger=AT)
    shape = job_shape(ended, [run(started_at=AT, ended_at=AT + SECOND, cpu=SECOND // 2)])
    assert "2027-01-15T08:00:00.123456Z" == shape["created_at"] == shape["trigger"]
    assert 1.25 == shape["duration"]
    assert 1.0 == shape["runs"][0]["duration"]
    assert 0.5 == shape["runs"][0]["cpu"]
    assert shape["exit_code"] is None
    assert job_shape(job())["duration"] is None
    assert 3.0 == job_shape(job(status="running", started_at=AT), None, AT + 3 * SECOND)["duration"]


def test_a_wish_and_an_event_carry_times_and_seconds():
    shape = job_shape(job(stop_requested={"verb": "stop", "signal": None, "grace": SECOND, "scope": "job", "at": AT}))
    assert {"verb": "stop", "signal": None, "grace": 1.0, "scope": "job", "at": "2027-01-15T08:00:00.123456Z"} == shape["stop_requested"]
    data = {"next_run_at": AT, "ending": {"ended_at": AT, "cpu": SECOND}}
    event = event_shape({"id": 1, "job": 42, "version": 3, "kind": "retried", "at": AT, "data": data})
    assert ["id", "job", "event", "at", "data"] == list(event)
    assert "2027-01-15T08:00:00.123456Z" == event["at"] == event["data"]["next_run_at"] == event["data"]["ending"]["ended_at"]
    assert 1.0 == event["data"]["ending"]["cpu"]


def test_a_listing():
    shape = jobs_shape([job(), job()], 3)
    assert ["schema", "jobs", "more"] == list(shape)
    assert 3 == shape["more"]
    assert "runs" not in shape["jobs"][0]
    assert [1] == [each["run"] for each in jobs_shape([job()], runs={42: [run()]})["jobs"][0]["runs"]]
