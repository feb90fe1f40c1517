"""Stopped means gone, and means nobody else."""

import sys

import pytest

from crash.scene import WITHIN, Scene, until
from support import eventually

STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for how in "stubborn", "session", "double":
    if os.fork() == 0:
        if how != "stubborn":
            os.setsid()
        if how == "double" and os.fork():
            os._exit(0)
        break
open(f"{sys.argv[1]}/{os.getpid()}.here", "w").close()
while True:
    signal.pause()
"""


def tree(scene: Scene) -> int:
    """Start a job of four: one asks for nothing, one left the session, one forked twice; none heeds a polite signal."""
    job = scene.outlast.run("--name", "tree", "--stop.grace", "100ms", "--", sys.executable, "-I", "-c", STUBBORN, str(scene.marks))
    until(lambda: len(list(scene.marks.glob("*.here"))) == 4)
    return job


def of_job(scene: Scene, job: int) -> list[int]:
    return [p.pid for p in scene.outlast.processes() if f":{job}:" in p.proof or p.argv[-1:] == (str(scene.marks),)]


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_a_stubborn_tree_ends_completely(scene: Scene, verb: str) -> None:
    job = tree(scene)
    finished = scene(verb, str(job), "--json", status=0)
    (told,) = finished.json["jobs"]
    assert (4, 0) == (told["stopped"], told["left"])
    assert [] == of_job(scene, job)
    assert "stopped" == scene.jobs()[job].outcome


def test_a_tree_whose_shim_was_killed_ends_completely(scene: Scene) -> None:
    """Nobody gathers its orphans any more; its session and its mark still tell who belongs to it."""
    job = tree(scene)
    until(lambda: scene.runs()[0].started_at)
    for pid in scene.shims():
        scene.send(pid, 9)
    scene("stop", str(job), status=0)
    assert [] == of_job(scene, job)


def test_a_tree_ends_completely_though_the_supervisor_dies_on_the_way(scene: Scene) -> None:
    job = tree(scene)
    with scene.outlast.start("stop", str(job)) as client:
        until(lambda: scene.jobs()[job].stop_requested and scene.kill_supervisor())
        client.communicate(timeout=WITHIN)
    assert 0 == client.returncode
    assert [] == of_job(scene, job)
    assert "stopped" == scene.jobs()[job].outcome


def test_a_job_that_was_submitted_by_a_stopped_job_lives_on(scene: Scene) -> None:
    words = " ".join(["outlast", *scene.words("gated")])
    job = scene.outlast.run("--name", "outer", "--", "sh", "-c", f"{words}; sleep 1000")
    until(lambda: scene.started()["2.1"])
    scene("stop", str(job), status=0)
    assert "stopped" == scene.jobs()[job].outcome
    assert "running" == scene.jobs()[2].status
    assert scene.supervisor() is not None
    scene.go()
    eventually(scene.assert_all_ended, WITHIN)
    assert ("succeeded", 0) == (scene.jobs()[2].outcome, scene.jobs()[2].exit_code)
