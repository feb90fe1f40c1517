"""Limits really hold: what `core.limits` plans is put before shims, and the command feels it."""

import os
import signal
import sys
from itertools import count
from pathlib import Path

import pytest

from outlast.core.limits import plan
from outlast.core.options import flatten
from outlast.processes.surroundings import surroundings

COUNT = count()


def words(**limits):
    """Return the words for limits without a cgroup, in our own surroundings."""
    return plan(flatten({"limit": limits}), (), surroundings()).words


def ended_by(job):
    return job.result["status"] & 0x7F


def test_a_memory_hog_fails(shim):
    hog = (sys.executable, "-I", "-S", "-c", "x = bytearray(600 << 20); print(len(x))")
    assert 0 == shim.run(*hog).result["status"]
    job = shim.run(*hog, options=words(memory="500MiB"))
    assert (256, []) == (job.result["status"], job.result["unrestored"])
    assert b"MemoryError" in job.raw("stderr")
    assert 0 == shim.run(*hog, options=words(memory="2GiB")).result["status"]


def test_a_file_that_grows_too_large(shim):
    path = shim.folder / "large"
    job = shim.run("sh", "-c", f"exec head -c 2000000 /dev/zero > {path}", options=words(file_size="1MiB"))
    assert (signal.SIGXFSZ, 1 << 20) == (ended_by(job), path.stat().st_size)


def test_output_is_no_file_of_the_command(shim):
    job = shim.run("head", "-c", "2000000", "/dev/zero", options=words(file_size=0))
    assert (0, 2_000_000, 0) == tuple(job.result[key] for key in ("status", "stdout", "missing"))


def test_cpu_time(shim):
    job = shim.run("sh", "-c", "while :; do :; done", options=words(cpu_time="1s"))
    assert signal.SIGXCPU == ended_by(job)
    assert 700_000 < job.result["utime"] + job.result["stime"] < 3_000_000


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user that nobody else is, whose processes alone are counted")
def test_processes(shim):
    user = str(20000 + (os.getpid() * 3 + next(COUNT)) % 40000)  # dead ones count until somebody has reaped them
    script = "for n in 1 2 3 4 5 6 7 8; do sleep 1000 >/dev/null 2>&1 & echo $n; done; exit 0"
    command = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "sh", "-c", script)
    job = shim.run(*command, options=words(processes=6))
    assert 0 != job.result["status"]
    assert b"fork" in job.raw("stderr").lower()
    assert [b"1", b"2", b"3", b"4", b"5"] == job.raw().split()  # and the shell itself


def test_nice_and_cpus(shim):
    own = os.getpriority(os.PRIO_PROCESS, 0)
    cpus = sorted(os.sched_getaffinity(0))
    show = (sys.executable, "-I", "-S", "-c", "import os; print(os.getpriority(os.PRIO_PROCESS, 0), *sorted(os.sched_getaffinity(0)))")
    job = shim.run(*show, options=words(nice=own + 3, cpus="0.5"))
    assert f"{own + 3} {cpus[0]}\n".encode() == job.raw()
    assert [] == job.result["unrestored"]


def test_limits_come_after_the_submitters_surroundings(shim):
    """The last word of a kind holds, and a higher one than the own hard limit is lowered to it."""
    around = surroundings()
    job = shim.run(
        "sh", "-c", "ulimit -Ht; ulimit -St; nice",
        options=["nice=1", "rlimit=0:100:100", *plan(flatten({"limit": {"cpu_time": "7s", "nice": 4}}), (), around).words],
    )  # fmt: skip
    assert b"12\n7\n4\n" == job.raw()
    job = shim.run("sh", "-c", "ulimit -Ht", options=words(cpu_time="1000s"), wrapper=("sh", "-c", 'ulimit -t 50; exec "$@"', "sh"))
    assert (b"50\n", []) == (job.raw(), job.result["unrestored"])


def test_a_limit_that_cannot_be_set_is_named(shim):
    drop = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-all") if os.geteuid() == 0 else ()
    os.chmod(shim.folder, 0o755)
    job = shim.run("true", options=[*words(nice=-10), "affinity=8000"], wrapper=drop)
    assert (0, ["nice", "affinity"]) == (job.result["status"], job.result["unrestored"])


def test_a_limit_that_not_even_the_command_fits_in(shim):
    job = shim.run(sys.executable, "-c", "pass", options=words(memory="1MiB"))
    assert 0 != (job.result["status"] if job.result["status"] is not None else job.result["error"])
    assert Path(job.state).exists()
