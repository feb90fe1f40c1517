"""Processes are killed at random moments while there is work, again and again; afterwards everything is as it should be."""

import random
import signal
import subprocess
from typing import Any

import pytest

from crash.scene import KINDS, OURS, WITHIN, WORK, Scene, parent_of, until, wait_readable
from support import Finished, eventually, kill

AT_ONCE = 3  # clients under way at a time


def submit_and_kill(scene: Scene, clients: int, chance: random.Random, kill_somebody: Any) -> int:
    """Let `clients` clients submit while `kill_somebody()` is called at random moments. Returns how often it killed."""
    under_way: list[tuple[str, subprocess.Popen[bytes]]] = []
    begun = killed = 0
    env: dict[str, str | None] = {"OUTLAST_LINGER_MS": "20"}
    while begun < clients or under_way or not killed:
        while (begun < clients or not killed) and len(under_way) < AT_ONCE:
            kind = WORK[begun % len(WORK)]
            under_way.append((kind, scene.outlast.start(*scene.words(kind), env=env)))
            begun += 1
        kind, client = under_way.pop(0)
        assert client.stdout is not None
        while not wait_readable(client.stdout.fileno(), chance.uniform(0, 0.03)):
            killed += kill_somebody()
        stdout, stderr = client.communicate(timeout=WITHIN)
        assert scene.accept(kind, Finished(client.returncode, stdout, stderr)), stderr
        if kind == "stopped":
            scene("stop", "--no-wait", *map(str, scene.unstopped()), env=env)
    return killed


def supervisors(scene: Scene, clients: int) -> None:
    chance = random.Random()
    killed = submit_and_kill(scene, clients, chance, scene.kill_supervisor)
    scene.settle()
    scene.check()
    assert killed


def test_supervisors(scene: Scene) -> None:
    supervisors(scene, 60)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_supervisors_for_long(scene: Scene) -> None:
    supervisors(scene, 1500)


def shims_and_supervisors(scene: Scene, clients: int) -> None:
    """The run of a killed shim is what the kernel tells, or lost; it never succeeded by invention and is never started again."""
    chance = random.Random()

    def kill_somebody() -> bool:
        found = scene.shims()
        shims = [pid for pid in found if parent_of(pid) not in found]
        if not shims or not chance.randrange(4):
            return scene.kill_supervisor()
        kill(chance.choice(shims), scene.home)
        return True

    assert submit_and_kill(scene, clients, chance, kill_somebody)
    scene.settle()
    scene.check()


def test_shims_and_supervisors(scene: Scene) -> None:
    shims_and_supervisors(scene, 40)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_shims_and_supervisors_for_long(scene: Scene) -> None:
    shims_and_supervisors(scene, 1000)


def test_the_shim_of_a_quiet_command_is_killed_and_the_kernel_tells_its_code(scene: Scene, shim: str) -> None:
    """The supervisor has looked at the run by then (it recorded that it started), so that nothing is left to luck."""
    script = f'until [ -e {scene.folder}/go ]; do sleep 0.02; done; echo "$OUTLAST_JOB.$OUTLAST_RUN 23" >> {scene.folder}/ended; exit 23'
    job = scene.outlast.run("--", "sh", "-c", script, env={"OUTLAST_SHIM": shim})
    until(lambda: scene.runs()[0].started_at)
    (pid,) = scene.shims()
    kill(pid, scene.home)
    until(lambda: "following the command" in scene.log())
    assert "running" == scene.jobs()[job].status
    scene.go()
    eventually(scene.assert_all_ended, WITHIN)
    ended = scene.jobs()[job]
    assert ended.outcome in {"failed", "lost"}
    assert OURS in ended.reason
    assert ended.exit_code == (23 if ended.outcome == "failed" else None)


def test_the_shim_of_a_client_in_front_is_killed_before_the_command_began(scene: Scene, shim: str) -> None:
    """The descriptors died with it: the client hands them over again to the next one."""
    env = scene.armed("shim.before-spawn=delay:1500", OUTLAST_SHIM=shim)
    with scene.outlast.start("run", "--wait", "--", "echo", "text", env=env) as client:
        until(scene.shims)
        (pid,) = scene.shims()
        kill(pid, scene.home)
        stdout, stderr = client.communicate(timeout=WITHIN)
    assert (0, b"text\n") == (client.returncode, stdout), stderr
    assert "never began" in scene.log()
    said = "run 1 was being started and never began; it is started again"
    events = scene.outlast("events", "1", "--json", status=0).json["events"]
    assert [{"text": said, "data": {"run": 1}}] == [event["data"] for event in events if event["event"] == "noted"]
    assert said in scene.outlast("show", "1", status=0).text


def test_clients_in_front(scene: Scene) -> None:
    """A client that is killed harms no job that it submitted; what it has not submitted, nobody knows of."""
    chance = random.Random()
    killed = 0
    for kind in ("lines", "loud", "fails") * 5:
        words = scene.words(kind)
        with scene.outlast.start(words[0], "--wait", *words[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
            try:
                assert KINDS[kind].code == client.wait(chance.uniform(0, 0.1))
            except subprocess.TimeoutExpired:
                client.send_signal(signal.SIGKILL)
                killed += 1
    assert killed
    scene.submit("lines")
    eventually(scene.assert_all_ended, WITHIN)
    gone = [job.id for job in scene.jobs().values() if job.outcome == "interrupted"]
    for job in gone:
        assert "the client in front was killed before the command could start" == scene.jobs()[job].reason
        assert 0 == sum(times for run, times in scene.started().items() if run.startswith(f"{job}."))
    scene.check(besides=gone)
    until(lambda: scene.supervisor() is None)  # it keeps nothing of a client that is gone, and so may leave
