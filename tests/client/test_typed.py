"""The package is typed: a program that uses the API as the manual says passes `mypy --strict`."""

import subprocess
import sys
from pathlib import Path

import outlast as package

PROGRAM = """
from outlast import Jobs, NotFound, OutlastError, Refused, SystemFault, UsageError, current

current().feedback(phase="copy", files=3)
current().progress(done=3, total=10)
jobs = Jobs()
jobs = Jobs("/path/of/a/home")
job = jobs.run(["rsync", "-a", "x", "y"], name="backup", retries={"num_runs": 3})
job = jobs.run("python script.py", key="job_001")
found = jobs.get(42)
if found is not None:
    status: str = found.status
    outcome: str | None = found.outcome
    code: int | None = found.exit_code
    duration: float | None = found.runs[-1].duration
names: list[str] = [one.name for one in jobs.list(status="running", group="nightly")]
ended = jobs.wait(job, timeout=30)
stopped = jobs.stop(job, grace="10s")
text: str = jobs.logs(job).stdout
raw: bytes = jobs.logs(job, run=1).raw("stderr")
counts: dict[int, int] = jobs.signal("HUP", [job])
facts: dict[str, str] = jobs.feedback(job)
activity: str | None = jobs.observe(job).activity
for event in jobs.listen():
    print(event["kind"])
try:
    with Jobs() as other:
        other.rerun("backup")
        other.set_group("nightly", 2)
except (NotFound, Refused, UsageError, SystemFault) as error:
    number: int = error.exit_status
except OutlastError as error:
    print(error.what, error.hint)
"""
WRONG = "from outlast import Jobs\nnumber: int = Jobs().get(1).id\nJobs().set_group(3, 'x')\nJobs().nonsense()\n"


def mypy(folder: Path, text: str) -> "subprocess.CompletedProcess[str]":
    (folder / "program.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", folder / "cache", "program.py"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_typed_program(tmp_path):
    assert (Path(package.__file__).parent / "py.typed").exists()
    done = mypy(tmp_path, PROGRAM)
    assert 0 == done.returncode, done.stdout
    done = mypy(tmp_path, WRONG)
    assert 4 == done.stdout.count("error:"), done.stdout  # the None, both arguments, the method
