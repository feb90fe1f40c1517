"""`outlast bundle`: one archive for whoever helps, without secrets, whatever state the job is in."""

import gzip
import io
import json
import os
import re
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from cli.ordinary import Ordinary
from cli.outside import assert_refused
from outlast import Jobs
from support import kill

ALWAYS = {
    "README.txt", "job.json", "why.txt", "events.json", "diff.txt", "fingerprint.json", "environment.json", "host.json", "supervisor.json",
    "supervisor.log", "doctor.txt",
}  # fmt: skip
SECRETS = {"API_TOKEN": "planted-token-1", "DATABASE_URL": "postgres://me:planted-word-2@host/db", "OTHER": "planted-plain-3"}


def unpacked(data):
    """Return name -> content of an archive; every name lies in one folder."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
        assert 1 == len({member.name.partition("/")[0] for member in members})
        assert all(member.isfile() and member.mode == 0o600 for member in members)
        return {member.name.partition("/")[2]: archive.extractfile(member).read() for member in members}


def bundled(outlast, *words):
    return unpacked(outlast("bundle", *words, "--output", "-", status=0).stdout)


def done(outlast, *words, **how):
    job = outlast.run(*words, **how)
    outlast("wait", str(job))
    return job


def test_what_is_in_it(outlast):
    done(outlast, "--name", "j", "--", "sh", "-c", "echo hello; echo err >&2")
    job = done(outlast, "--name", "j", "--param", "region=eu", "--", "sh", "-c", "echo hello; exit 3")
    told = outlast("bundle", "j", status=0)
    path = outlast.folder / f"outlast-{job}.tar.gz"
    assert f"{path}\n" == told.stdout.decode()
    assert b"look before you send it" in told.stderr
    assert b"" == outlast("bundle", "j", "-q", "-o", "quiet.tar.gz", status=0).stderr
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    parts = unpacked(path.read_bytes())
    assert ALWAYS | {"runs/1/output.log"} == set(parts)
    record = json.loads(parts["job.json"])
    assert (job, "failed", {"region": "eu"}, 3) == (record["id"], record["outcome"], record["params"], record["runs"][0]["exit_code"])
    assert re.fullmatch(rb"\S+Z stdout F hello\n", parts["runs/1/output.log"])
    assert b"exit code 3" in parts["why.txt"]
    assert b"became" in parts["diff.txt"]
    assert ["submitted", "claimed", "started", "ended"] == [event["event"] for event in json.loads(parts["events.json"])["events"]]
    assert json.loads(parts["fingerprint.json"])["program"]["path"].endswith("/sh")
    assert os.uname().nodename == json.loads(parts["host.json"])["host"]
    environment = json.loads(parts["environment.json"])
    assert ("C.UTF-8", "022") == (environment["environment"]["LANG"], environment["surroundings"]["umask"])
    assert b"database" in parts["doctor.txt"]
    for name in parts:
        assert re.sub(r"\d+", "N", name) in re.sub(r"\d+/", "N/", parts["README.txt"].decode()) or name == "README.txt"


def test_no_secret_that_can_be_known_is_in_it(outlast):
    command = ["sh", "-c", 'echo "$API_TOKEN"; echo "$DATABASE_URL"; echo "$@"; printf %s "$API_TOKEN"', "x", "--password",
               "planted word 4",
               "--client-secret=planted word 5", "http://u:planted-word-6@h/"]  # fmt: skip
    job = done(outlast, "--", *command, env=SECRETS)
    done(outlast, "--name", "line", "--", "echo --token planted-word-7 TOKEN=planted-word-8", env=SECRETS)
    for words in ((str(job),), (str(job), "--full-logs"), ("line",)):
        data = outlast("bundle", *words, "--output", "-", status=0).stdout
        assert b"planted" not in data
        assert b"planted" not in gzip.decompress(data)
    parts = bundled(outlast, str(job))
    told = json.loads(parts["environment.json"])["environment"]
    assert {"API_TOKEN": "(15 bytes, not shown)", "OTHER": "(15 bytes, not shown)"}.items() <= told.items()
    assert b"stdout F ***************\n" in parts["runs/1/output.log"]
    assert b"postgres://me:**************@host/db" in parts["runs/1/output.log"]
    assert ["--password", "**************", "--client-secret=**************", "http://u:**************@h/"] == json.loads(
        parts["job.json"]
    )["command"][4:]


def test_long_output_is_cut_and_whole_on_demand(outlast):
    job = done(outlast, "--log.file.max-bytes", "1MiB", "--", "seq", "100000", env=SECRETS)
    log = bundled(outlast, str(job))["runs/1/output.log"]
    assert 500_000 < len(log) < 530_000
    lines = log.splitlines()
    assert lines[0].endswith(b" F 1")
    assert lines[-1].endswith(b" F 100000")
    (cut,) = [line for line in lines if line.startswith(b"[outlast: ")]
    assert re.fullmatch(rb"\[outlast: \d\.\d MiB of the log left out here: `--full-logs` has them\]", cut)
    assert all(re.fullmatch(rb"\S+Z stdout [FP] \d*", line) for line in lines if line is not cut)
    whole = bundled(outlast, str(job), "--full-logs")["runs/1/output.log"]
    pieces = [line.split(b" ", 3) for line in whole.splitlines()]
    written = b"".join(text + b"\n" * (tag == b"F") for _, _, tag, text in pieces)
    assert b"".join(b"%d\n" % number for number in range(1, 100001)) == written


def test_runs_and_gaps(outlast):
    job = done(outlast, "--retries", "24", "--log.file.max-bytes", "4KiB", "--log.run.max-files", "2", "--", "sh", "-c", "seq 1000; exit 1")
    parts = bundled(outlast, str(job))
    assert {f"runs/{run}/output.log" for run in (1, *range(7, 26))} == {name for name in parts if name.endswith("output.log")}
    assert b"the output of runs 2 to 6: only the first and the last 19 are in\n" == parts["missing.txt"]
    assert "rotated" == json.loads(parts["runs/25/gaps.json"])[0]["reason"]


def test_of_jobs_that_run_wait_and_never_ran(outlast):
    running = outlast.run("--", "sh", "-c", "echo begun; sleep 1000")
    outlast("wait", str(running), "--status", "running", status=0)
    outlast("logs", str(running), status=0)
    held = outlast.run("--hold", "--", "true")
    assert "running" == json.loads(bundled(outlast, str(running))["job.json"])["status"]
    parts = bundled(outlast, str(held))
    assert ALWAYS == set(parts)
    assert b"null\n" == parts["fingerprint.json"]
    supervisor = outlast.supervisor_pid()
    (outlast.home / "start").unlink()
    kill(supervisor, outlast.home)
    assert "running" == json.loads(bundled(outlast, str(running))["job.json"])["status"]


def test_what_is_missing_is_told(outlast):
    job = done(outlast, "--name", "j", "--", "echo", "hello")
    outlast("supervisor", "stop", status=0)
    for path in (outlast.home / "runs").rglob("*.log"):
        path.unlink()
    told = outlast("bundle", str(job), "--json", status=0)
    assert ["runs/1/output.log: it is no longer kept"] == told.json["missing"]
    assert b"outlast: not in it: runs/1/output.log: it is no longer kept" in told.stderr
    assert (outlast.folder / f"outlast-{job}.tar.gz").stat().st_size == told.json["bytes"]
    with closing(sqlite3.connect(outlast.home / "outlast.db")) as database, database:
        database.execute("UPDATE fingerprints SET facts = '{'")
        database.execute("UPDATE events SET data = '[' WHERE kind = 'claimed'")
        database.execute("UPDATE environments SET surroundings = '['")
    parts = bundled(outlast, str(job))
    missing = parts["missing.txt"].decode()
    for name in ("events.json", "fingerprint.json", "environment.json"):
        assert f"{name}: a row of outlast.db is damaged" in missing
        assert name not in parts
    assert "its secrets are not masked in texts" in missing
    assert job == json.loads(parts["job.json"])["id"]


def test_no_file_is_written_over_unless_asked_for(outlast):
    job = done(outlast, "--", "true")
    path = outlast.folder / "x.tar.gz"
    path.write_text("precious")
    assert_refused(outlast("bundle", str(job), "--output", "x.tar.gz"), 4)
    assert "precious" == path.read_text()
    outlast("bundle", str(job), "--output", "x.tar.gz", "--force", status=0)
    assert ALWAYS <= set(unpacked(path.read_bytes()))
    for name in ("link", "folder"):
        (outlast.folder / "link").symlink_to(path) if name == "link" else (outlast.folder / "folder").mkdir()
        assert_refused(outlast("bundle", str(job), "--output", name, "--force"), 4)
    assert_refused(outlast("bundle", str(job), "--output", "nowhere/x"), 5, "name another file with `--output`")
    assert_refused(outlast("bundle", str(job), "--output", ""), 2)
    assert_refused(outlast("bundle", "77"), 3)
    assert ["folder", "h", "link", "x.tar.gz"] == sorted(entry.name for entry in outlast.folder.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")
def test_a_full_disk_is_said_in_a_line(outlast):
    job = done(outlast, "--", "seq", "100000")
    with open("/dev/full", "wb") as full, outlast.start("bundle", str(job), "--output", "-", stdout=full) as process:
        _, complaint = process.communicate()
    assert 5 == process.returncode
    assert complaint.startswith(b"outlast: ")
    assert 1 == complaint.count(b"\n")


def test_as_an_ordinary_user(short_path):
    user = Ordinary(short_path)
    try:
        done(user, "--", "echo", "hello")
        path = user("bundle", "1", status=0).text
        assert b"hello" in unpacked(Path(path).read_bytes())["runs/1/output.log"]
        assert (0o600, user.uid) == (stat.S_IMODE(os.stat(path).st_mode), os.stat(path).st_uid)
    finally:
        user.end()


def test_from_python(outlast):
    job = done(outlast, "--", "echo", "hello")
    target = outlast.folder / "p.tar.gz"
    with Jobs(str(outlast.home)) as jobs:
        made = jobs.bundle(job, str(target))
    assert (job, str(target), target.stat().st_size, []) == (made.job, made.path, made.bytes, made.missing)
    assert set(made.parts) == set(unpacked(target.read_bytes()))
