"""Limits of what a run may use, enforced, said with the run, and told when the kernel ended it for want of memory."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from outlast.core.job import FAILED, NOT_STARTED, STOPPED, Ending, Job, Run
from outlast.processes.cgroups import Delegation
from outlast.supervisor.context import LiveRun
from outlast.supervisor.enforcer import Enforcer
from support import Outlast

MIB = 1 << 20
SURROUNDINGS: dict[str, Any] = {"rlimits": {}, "nice": 0, "affinity": [0, 1], "umask": 18}


def failed(outlast: Outlast, *words: str) -> Any:
    outlast("run", "--wait", "--name", "hog", *words)
    return outlast.show("hog")


def test_each_is_really_enforced_and_said(outlast: Outlast) -> None:
    told = failed(outlast, "--limit.memory", "200MiB", "--", "python3", "-c", "bytearray(10**9)")
    assert ("failed", {"by": {"memory": "rlimit"}}) == (told["outcome"], told["runs"][0]["limits"])
    told = failed(outlast, "--limit.file-size", "1MiB", "--", "python3", "-c", "open('big','wb').write(bytes(5<<20))")
    assert "failed" == told["outcome"]
    assert (outlast.folder / "big").stat().st_size <= MIB
    told = failed(outlast, "--limit.cpu-time", "1s", "--", "sh", "-c", "while :; do :; done")
    assert ("failed", "ended by SIGXCPU") == (told["outcome"], told["reason"])
    done = outlast("exec", "--limit.nice", "7", "--limit.cpus", "1", "--", "sh", "-c", "nice; nproc", status=0)
    assert b"7\n1\n" == done.stdout
    assert {"cpus": "affinity", "nice": "priority"} == outlast.show("last")["runs"][0]["limits"]["by"]
    assert "limited by" in outlast("show", "last").text


@pytest.mark.parametrize("words", [("--limit.memory", "1"), ("--limit.cpus", "0"), ("--limit.nice", "99"), ("--limit.processes", "0")])
def test_what_makes_no_sense_is_refused(outlast: Outlast, words: tuple[str, ...]) -> None:
    assert 2 == outlast("run", *words, "--", "true").status


class Divided:
    """An enforcer over a directory that looks like a cgroup that was delegated to us: only the files are ours, not the kernel's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        context: Any = SimpleNamespace(facts=SimpleNamespace(home_id="h1"), runs={})
        self.context = context
        self.enforcer = Enforcer(context, Delegation(str(folder), ("memory", "pids", "cpu")))

    def live(self, **spec: Any) -> LiveRun:
        job = Job(id=7, name="n", command=["true"], cwd="/", created_at=0, spec=spec, run=1)
        return LiveRun(job, Run(job=7, run=1, claimed_at=0, limits={"by": self.enforcer.used(job, SURROUNDINGS)}), "/runs/7.1")

    def files(self, *names: str) -> Path:
        path = self.folder / "outlast-h1-7.1"
        path.mkdir()
        for name in names:
            (path / name).touch()
        return path


def ending(**fields: Any) -> Ending:
    return Ending(**{"outcome": FAILED, "reason": "ended by SIGKILL", "signal": 9, "ended_at": 1, **fields})


def test_a_cgroup_is_made_and_filled_and_known_again_and_removed(tmp_path: Path) -> None:
    divided = Divided(tmp_path)
    path = divided.files("memory.max", "memory.swap.max", "memory.oom.group", "pids.max")
    live = divided.live(**{"limit.memory": 64 * MIB, "limit.processes": 5, "limit.nice": 3})
    assert {"memory": "cgroup", "processes": "cgroup", "nice": "priority"} == (live.run.limits or {})["by"]
    assert ["nice=3", f"cgroup={path}"] == divided.enforcer.words(live, SURROUNDINGS)
    assert [str(64 * MIB), "5"] == [(path / name).read_text() for name in ("memory.max", "pids.max")]
    again = divided.live(**live.job.spec)
    divided.enforcer.adopted(again)
    assert str(path) == live.cgroup == again.cgroup
    for file in path.iterdir():
        file.unlink()
    divided.enforcer.over(live)
    assert not path.exists()


def test_without_a_cgroup_it_is_held_by_resource_limits_and_a_note_says_so(tmp_path: Path) -> None:
    divided = Divided(tmp_path)
    live = divided.live(**{"limit.memory": 64 * MIB})  # a directory of ours has none of the kernel's files
    words = divided.enforcer.words(live, SURROUNDINGS)
    assert [f"rlimit=9:{64 * MIB}:{64 * MIB}"] == words
    assert live.cgroup is None
    assert "no cgroup could be made" in live.notes[0].text
    assert {"by": {"memory": "rlimit"}} == live.notes[0].data


def test_an_end_for_want_of_memory_is_told_apart(tmp_path: Path) -> None:
    divided = Divided(tmp_path)
    path = divided.files("memory.max", "memory.swap.max", "memory.oom.group")
    live = divided.live(**{"limit.memory": 64 * MIB})
    divided.enforcer.words(live, SURROUNDINGS)
    (path / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\n")
    assert "ended by SIGKILL" == divided.enforcer.told(live, ending()).reason
    (path / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n")
    assert "ended by the kernel's OOM killer" == divided.enforcer.told(live, ending()).reason
    assert (
        "exit code 137 (the kernel's OOM killer ended processes of it)"
        == divided.enforcer.told(live, ending(reason="exit code 137", signal=None, exit_code=137)).reason
    )
    assert "killed" == divided.enforcer.told(live, ending(outcome=STOPPED, reason="killed")).reason


def test_what_a_cgroup_counted_is_told(tmp_path: Path) -> None:
    """It knows all processes, whoever waited for them, and how many there were at once."""
    divided = Divided(tmp_path)
    path = divided.files("memory.max", "memory.swap.max", "memory.oom.group")
    live = divided.live(**{"limit.memory": 64 * MIB})
    divided.enforcer.words(live, SURROUNDINGS)
    shims = ending(cpu=5, max_rss=MIB)
    told = divided.enforcer.told(live, shims)
    assert (5, None, MIB, None, None) == (told.cpu, told.cpu_by, told.max_rss, told.memory, told.processes), "an older kernel tells nothing"
    (path / "cpu.stat").write_text("usage_usec 2000000\nuser_usec 1500000\nsystem_usec 500000\n")
    (path / "pids.peak").write_text("3\n")
    (path / "memory.peak").write_text(f"{9 * MIB}\n")
    told = divided.enforcer.told(live, shims)
    assert (2_000_000_000, "cgroup", MIB, 9 * MIB, 3) == (told.cpu, told.cpu_by, told.max_rss, told.memory, told.processes)
    never = ending(outcome=NOT_STARTED, signal=None)
    assert never == divided.enforcer.told(live, never), "only the shim's child was ever in it"
    live.cgroup = None
    assert shims == divided.enforcer.told(live, shims)


def test_what_is_left_of_earlier_runs_is_swept(tmp_path: Path) -> None:
    divided = Divided(tmp_path)
    (tmp_path / "outlast-h1-3.1").mkdir()
    (tmp_path / "outlast-other-3.1").mkdir()
    (tmp_path / "outlast-h1-7.1").mkdir()
    divided.context.runs[7] = divided.live()
    divided.enforcer.sweep()
    assert ["outlast-h1-7.1", "outlast-other-3.1"] == sorted(os.listdir(tmp_path))
