"""Many at once: whoever wants a supervisor, exactly one lives; and one that leaves loses no submission that comes at that moment."""

import subprocess

import pytest

from crash.scene import WITHIN, Scene, until
from support import COMMAND, eventually

CLIENTS = 50
FEW, MANY = 60, 500  # runs whose shims find the supervisor dead at once


def supervisors_started(scene: Scene) -> list[str]:
    return [line.split()[1] for line in scene.log().splitlines() if " started, version " in line]


def living_supervisors(scene: Scene) -> list[int]:
    return [process.pid for process in scene.outlast.processes() if any("outlast.supervisor" in word for word in process.argv)]


def only(scene: Scene) -> None:
    """One supervisor lives. A child of it between vfork and exec looks like a second one for a moment."""
    assert [scene.supervisor()] == living_supervisors(scene)


def test_fifty_clients_at_once_on_a_fresh_home_start_exactly_one(scene: Scene) -> None:
    words = [COMMAND, *scene.words("lines")]
    env = scene.outlast.environ({"OUTLAST_LINGER_MS": "600000"})
    clients = [subprocess.Popen(words, env=env, cwd=scene.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(CLIENTS)]
    told = [client.communicate(timeout=110) for client in clients]
    assert [0] * CLIENTS == [client.returncode for client in clients], [stderr for _, stderr in told if stderr]
    scene.accepted = {int(stdout): "lines" for stdout, _ in told}
    assert set(range(1, CLIENTS + 1)) == scene.accepted.keys()
    assert 1 == len(supervisors_started(scene))
    eventually(lambda: only(scene))
    eventually(scene.assert_all_ended, WITHIN)
    scene.check()


@pytest.mark.parametrize("runs", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_many_shims_whose_supervisor_is_killed_start_exactly_one(scene: Scene, runs: int) -> None:
    words = " ".join(scene.words("gated")[scene.words("gated").index("--") + 1 :])
    lines = "".join(f"{words}\n" for _ in range(runs)).encode()
    scene("run", "--name", "gated", "-j", str(runs), "--log.file.max-bytes", "200000", "--log.run.max-files", "3", "--from", "-",
          input=lines, status=0)  # fmt: skip
    until(lambda: len(scene.started()) == runs)
    for number in (1, 2, 3):
        first = scene.supervisor()
        assert scene.kill_supervisor()
        until(lambda first=first: scene.supervisor() not in (None, first))
        until(lambda number=number: len(supervisors_started(scene)) > number)
        assert number + 1 == len(supervisors_started(scene))
        eventually(lambda: only(scene))
    scene.go()
    eventually(scene.assert_all_ended, WITHIN)
    scene.check()
    assert 4 == len(supervisors_started(scene))


@pytest.mark.parametrize("name", ["leave.before", "leave.after"])
def test_no_submission_is_lost_that_comes_when_a_supervisor_has_decided_to_leave(scene: Scene, name: str) -> None:
    """It stands still at that moment; whoever submits then needs no other command to come after it."""
    scene.submit("lines", env=scene.armed(f"{name}=block"))
    until(lambda: scene.reached(name))
    scene.submit("fails")
    (scene.marks / name).touch()
    eventually(scene.assert_all_ended, WITHIN)
    scene.check()


def test_no_submission_is_lost_on_a_supervisor_that_is_leaving(scene: Scene) -> None:
    """It leaves as soon as it is idle, so that each client comes at another moment of its leaving."""
    for patience in range(20):
        scene.submit("lines" if patience % 2 else "fails", env={"OUTLAST_LINGER_MS": str(patience * 3)})
    eventually(scene.assert_all_ended, WITHIN)
    assert 1 < len(supervisors_started(scene))
    scene.check()


def test_clients_in_front_get_everything_from_a_supervisor_that_is_leaving(scene: Scene) -> None:
    for patience in range(15):
        finished = scene("run", "--wait", "--", "echo", "text", env={"OUTLAST_LINGER_MS": str(patience * 3)}, status=0)
        assert b"text\n" == finished.stdout
