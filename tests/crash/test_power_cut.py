"""The machine loses its power: the home is copied at each failpoint, everything ends, and the copy is opened on another boot.

It is opened twice: as it was, and without what was not synced. Its commands bear witness in the same files as the original's,
so that what is started once in each is seen as started twice.
"""

from pathlib import Path
from subprocess import Popen

import pytest

from crash.scene import WITHIN, WORK, Row, Scene, lose_what_was_not_synced, until
from outlast import seams
from outlast.executors import state
from support import Finished

Clients = list[tuple[str, Popen[bytes]]]
UNTIL_IDLE = ("checkpoint", "leave", "texts")
OF_WAITING = ("settle", "conditions", "deadline", "limit", "pause", "watch")
OF_CLIENTS = ("front", "submit", "request", "reserve", "upgrade", "backup", "repair")
OF_PASSES = ("prune", "forget")  # see test_pruning: there is nothing to take away here
POINTS = [name for name in seams.FAILPOINTS if name.partition(".")[0] not in OF_CLIENTS + OF_PASSES]


def submit_without_waiting(scene: Scene, env: dict[str, str | None]) -> Clients:
    """Start a client for each kind of job: who starts a supervisor that blocks before it is ready waits for it."""
    return [(kind, scene.outlast.start(*scene.words(kind), env=env)) for kind in WORK]


def accept(scene: Scene, clients: Clients) -> None:
    """Note the ids that were printed before the end of everything."""
    for kind, client in clients:
        stdout, stderr = client.communicate(timeout=WITHIN)
        scene.accept(kind, Finished(client.returncode, stdout, stderr))


def opened_on_another_boot(scene: Scene) -> None:
    """Check that nothing is started twice, nothing that had ended changes, nothing is lost, and everything else is done."""
    before = scene.jobs()
    assert set() == scene.accepted.keys() - before.keys()
    known = {run.job: known_end(scene.home, run) for run in scene.runs() if run.status == "running"}
    scene.settle()
    scene.check(cut=True)
    for job in before.values():
        now = scene.jobs()[job.id]
        if job.status == "ended":
            assert job == now
        elif job.status != "running":
            assert "interrupted" != now.outcome, now
        elif not known[job.id]:
            assert ("interrupted", job.run) == (now.outcome, now.run), now
            assert "the machine ended" in now.reason
        else:
            assert "interrupted" != now.outcome, now


def known_end(home: Path, run: Row) -> bool:
    """Tell whether the shim had written how the run ended; a line copied in the middle is none."""
    return state.read(str(home / "states" / str(run.state_file)), f"{run.job}.{run.run}").result is not None


def cut_and_look(scene: Scene, clients: Clients) -> None:
    copy = scene.power_cut("as-it-was")
    scene.go()
    accept(scene, clients)
    copy.accepted |= scene.accepted
    poorer = copy.copied("unsynced-lost")
    lose_what_was_not_synced(poorer)
    notes = copy.notes()
    opened_on_another_boot(copy)
    copy.put_back(notes)
    opened_on_another_boot(poorer)


def comes_to(scene: Scene, name: str) -> None:
    """Bring a supervisor to a failpoint that ordinary jobs do not lead to."""
    env = scene.armed(f"{name}=block")
    scene.submit("gated", env=env)
    until(lambda: scene.started()["1.1"])
    match name.partition(".")[0]:
        case "settle":
            scene.submit("lines", "--after.ended", "1")
            scene.go()
        case "conditions":
            scene.submit("lines", "--wait.file", str(scene.folder / "go"))
            scene.go()
        case "deadline":
            scene.submit("never")
        case "watch":
            scene.submit("loud", "--warn.output", "7$")
        case "limit":
            scene.submit("late")
        case "pause":
            scene("pause", "--no-wait", "1", status=0)


@pytest.mark.parametrize("name", POINTS)
def test_the_power_goes_while_the_supervisor_is_at(scene: Scene, name: str) -> None:
    if name.partition(".")[0] in OF_WAITING:
        comes_to(scene, name)
        until(lambda: scene.reached(name))
        cut_and_look(scene, [])
        return
    env = scene.armed(f"{name}=block", OUTLAST_INDEX_FROM="1")
    clients = submit_without_waiting(scene, env)
    if name.partition(".")[0] in (*UNTIL_IDLE, "stop"):
        accept(scene, clients)
        clients = []
        scene("stop", "--no-wait", *map(str, scene.unstopped()), env=env, status=0)
    until(lambda: scene.reached(name))
    cut_and_look(scene, clients)


@pytest.mark.parametrize("name", seams.SHIM_FAILPOINTS)
def test_the_power_goes_while_shims_are_at(scene: Scene, shim: str, name: str) -> None:
    env = scene.armed(f"shim.{name}=delay:60000", OUTLAST_SHIM=shim)
    accept(scene, submit_without_waiting(scene, env))
    if name.endswith("-supervisor"):
        scene.submit("gated", env=env)
        scene.kill_guard()  # it is not armed, and would be as fast
        assert scene.kill_supervisor()
    until(lambda: any(pauses(pid) for pid in scene.shims()))
    cut_and_look(scene, [])


def pauses(pid: int) -> bool:
    """Tell whether a process is asleep in `nanosleep`: none of ours ever is but at a failpoint."""
    try:
        return b"nanosleep" in Path(f"/proc/{pid}/wchan").read_bytes()
    except OSError:
        return False
