"""A process dies at each failpoint in turn, the next ordinary command finds what is left, and everything is as it should be.

The registry is enumerated: a failpoint without a workload that reaches it fails here.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import outlast as package
from crash.scene import DIED, OURS, WITHIN, Scene, until
from outlast import seams
from support import eventually


def dies_while_it_submits(scene: Scene, name: str) -> None:
    stored = {"submit.before": 0, "submit.after-insert": 0, "submit.after-commit": 1, "submit.after-wake": 1}[name]
    scene.submit("fails")
    finished = scene.submit("lines", env=scene.armed(f"{name}=die"))
    told = b"2\n" if name == "submit.after-wake" else b""
    assert (DIED, told) == (finished.status, finished.stdout)
    assert 1 + stored == len(scene.jobs())


def dies_while_it_asks_for_an_end(scene: Scene, name: str) -> None:
    job = int(scene.submit("stopped").text)
    until(lambda: scene.started()[f"{job}.1"])
    assert DIED == scene("stop", str(job), env=scene.armed(f"{name}=die")).status
    assert [job] * (name == "request.before") == scene.unstopped()


def dies_in_front_before_it_submits(scene: Scene, name: str) -> None:
    env = scene.armed(f"{name}=die", OUTLAST_LINGER_MS="600000")
    with scene.outlast.start("run", "--wait", "--", "true", env=env) as client:
        output, _ = client.communicate(timeout=WITHIN)  # ends only when nobody holds our pipe any more
    assert (DIED, b"") == (client.returncode, output)
    assert {} == scene.jobs()


def supervisor_dies_at_work(scene: Scene, name: str) -> None:
    scene.submit_all(env=scene.armed(f"{name}=die"))


def supervisor_dies_before_its_shim_has_started_the_command(scene: Scene, name: str) -> None:
    """Nothing but the lock tells the next supervisor that the run is under way."""
    scene.submit_all(env=scene.armed(f"{name}=die,shim.before-spawn=delay:300,shim.before-started=delay:300"))


def second_supervisor_dies(scene: Scene, name: str) -> None:
    """There are runs to be adopted; `start` is taken away so that no shim is faster than the armed one."""
    for kind in ("gated", "stopped", "retried"):
        scene.submit(kind)
    until(lambda: {"1.1", "2.1"} <= scene.started().keys())
    (scene.home / "start").unlink()
    assert scene.kill_supervisor()
    scene.go()
    scene.submit_all(env=scene.armed(f"{name}=die"))


def supervisor_dies_as_it_becomes_newer(scene: Scene, name: str) -> None:
    scene.submit("gated", env=scene.armed(f"{name}=die"))
    newer = scene.folder / "newer"
    shutil.copytree(Path(package.__file__).parent, newer / "outlast", ignore=shutil.ignore_patterns("__pycache__"))
    text = (newer / "outlast" / "__init__.py").read_text()
    (newer / "outlast" / "__init__.py").write_text(text.replace(f'__version__ = "{package.__version__}"', '__version__ = "99.0.0"'))
    program = f"import sys; sys.path.insert(0, {str(newer)!r}); from outlast.cli.main import run; run()"
    words = [sys.executable, "-I", "-c", program, *scene.words("lines")]
    subprocess.run(words, env=scene.outlast.environ(), check=True, capture_output=True)
    until(lambda: scene.reached(name))
    scene.go()


def supervisor_dies_while_others_wait(scene: Scene, name: str) -> None:
    env = scene.armed(f"{name}=die")
    scene.submit("fails", "--wait.timedelta", "200ms", env=env)
    scene.submit("lines", "--after.failed", "1", env=env)
    scene.submit("lines", "--after.ended", "1,2", "--overlap", "queue", env=env)


def supervisor_dies_as_time_is_over(scene: Scene, name: str) -> None:
    env = scene.armed(f"{name}=die")
    scene.submit("late", env=env)
    scene.submit("never", env=env)
    until(lambda: scene.reached(name))


def supervisor_dies_as_it_pauses(scene: Scene, name: str) -> None:
    scene.submit("gated", env=scene.armed(f"{name}=die"))
    until(lambda: scene.started()["1.1"])
    scene("pause", "--no-wait", "1", status=0)
    until(lambda: scene.reached(name))
    scene("resume", "1", status=0)
    scene.go()


def supervisor_dies_as_a_condition_is_met(scene: Scene, name: str) -> None:
    scene.submit("lines", "--wait.file", str(scene.folder / "go"), env=scene.armed(f"{name}=die"))
    scene.go()
    until(lambda: scene.reached(name))


def supervisor_dies_while_it_indexes(scene: Scene, name: str) -> None:
    scene.submit("fails", env=scene.armed(f"{name}=die", OUTLAST_INDEX_FROM="1"))
    until(lambda: scene.reached(name))
    assert [{"value": int(name == "texts.after-commit")}] == scene.rows("SELECT value FROM meta WHERE name = 'texts_to'")
    assert ["fails"] == [job["name"] for job in scene("list", "--text", "fail", "--json", status=0).json["jobs"]]


def dies_while_it_reserves(scene: Scene, name: str) -> None:
    finished = scene("reserve", "--name", "never", "--expires", "1ms", env=scene.armed(f"{name}=die"))
    assert (DIED, b"") == (finished.status, finished.stdout)


def supervisor_dies_as_it_removes_feedback(scene: Scene, name: str) -> None:
    env = scene.armed(f"{name}=die")
    scene.submit("reports", env=env)
    scene.submit("reports", "--feedback", str(scene.folder / "own"), env=env)
    until(lambda: scene.reached(name))


def supervisor_dies_as_it_looks_for_warnings(scene: Scene, name: str) -> None:
    scene.submit("loud", "--warn.output", "7$", "--warn.file", f"{scene.folder}/job=never", env=scene.armed(f"{name}=die"))


WORKLOADS = {
    **dict.fromkeys(["feedback.before-remove", "feedback.after-remove"], supervisor_dies_as_it_removes_feedback),
    **dict.fromkeys(["watch.before-save", "watch.after-save"], supervisor_dies_as_it_looks_for_warnings),
    **dict.fromkeys(["texts.before-commit", "texts.after-commit"], supervisor_dies_while_it_indexes),
    **dict.fromkeys(["reserve.before", "reserve.after-commit"], dies_while_it_reserves),
    "conditions.before": supervisor_dies_as_a_condition_is_met,
    "settle.before": supervisor_dies_while_others_wait,
    **dict.fromkeys(["deadline.before", "limit.before"], supervisor_dies_as_time_is_over),
    **dict.fromkeys(["pause.before-signal", "pause.after-signal"], supervisor_dies_as_it_pauses),
    **dict.fromkeys(["submit.before", "submit.after-insert", "submit.after-commit", "submit.after-wake"], dies_while_it_submits),
    **dict.fromkeys(["request.before", "request.after-commit"], dies_while_it_asks_for_an_end),
    "front.handed-over": dies_in_front_before_it_submits,
    **dict.fromkeys(
        """claim.before claim.after-commit state.before state.created spawn.before result.before-read result.after-read
        record.before-commit record.after-commit started.before-commit started.after-commit stop.before-signal stop.after-signal
        checkpoint.before checkpoint.after leave.before leave.after""".split(),
        supervisor_dies_at_work,
    ),
    "spawn.after": supervisor_dies_before_its_shim_has_started_the_command,
    **dict.fromkeys(["supervisor.start", "supervisor.ready", "adopt.before", "adopt.after"], second_supervisor_dies),
    "upgrade.before-exec": supervisor_dies_as_it_becomes_newer,
}


HERE = [
    name for name in seams.FAILPOINTS if not name.startswith(("prune.", "forget.", "backup.", "repair."))
]  # see test_pruning and cli/test_repair


@pytest.mark.parametrize("name", HERE)
def test_nothing_is_lost_when_a_process_dies_at(scene: Scene, name: str) -> None:
    assert name in WORKLOADS, f"no workload reaches `{name}`: add one here"
    WORKLOADS[name](scene, name)
    if not name.startswith("front."):
        eventually(lambda: scene.assert_died_at(name), WITHIN)
    scene.settle()
    eventually(lambda: scene.assert_died_at(name), WITHIN)  # the last of them may be between its word and its death
    scene.check()


@pytest.mark.parametrize(
    "name",
    """result.after-read record.before-commit record.after-commit feedback.before-remove feedback.after-remove
    claim.after-commit started.after-commit""".split(),
)
def test_what_was_reported_is_kept_and_its_file_removed_whoever_dies_at(scene: Scene, name: str) -> None:
    own = scene.folder / "own"
    theirs = scene.folder / "theirs"
    theirs.write_text("[old]1\n")
    for n, words in enumerate(((), ("--feedback", str(own)), ("--feedback", str(theirs)))):
        scene.submit("reports", *words, env=scene.armed(f"{name}@{n + 1}=die"))
    scene.settle()
    eventually(lambda: scene.assert_died_at(name), WITHIN)
    told = [job.feedback for job in scene.jobs().values() if job.name == "reports"]
    assert ['{"result": "done"}'] * 3 == told
    scene.submit("lines")  # whoever supervises now has looked at what was left
    eventually(lambda: [own.exists(), *scene.home.rglob("*.feedback*")] == [False], WITHIN)
    assert theirs.read_text().startswith("[old]1\n[progress]")
    scene.settle()
    scene.check()


def shims_die_at_work(scene: Scene, env: dict[str, str | None]) -> None:
    scene.submit_all(env=env)
    until(lambda: "never began" in scene.log() or any(OURS in (run.reason or "") for run in scene.runs()))


def shims_die_when_the_supervisor_does(scene: Scene, env: dict[str, str | None]) -> None:
    scene.submit("gated", env=env)
    until(lambda: scene.started()["1.1"])
    (shim,) = scene.shims()
    scene.kill_guard()  # it is not armed, and would be as fast
    assert scene.kill_supervisor()
    until(lambda: shim not in scene.shims())
    scene.go()


def shim_dies_with_a_result_before_its_client_has_all(scene: Scene, env: dict[str, str | None]) -> None:
    """That it wrote the result shows that it came there; that the client never gets the rest shows that it died."""
    written = 120_000  # more than the pipe to the client holds, less than it and the command's pipe together
    command = f"head -c {written} /dev/zero"
    with scene.outlast.start("run", "--wait", "--", "sh", "-c", command, env=env) as client:
        until(lambda: scene.jobs()[1].status == "ended")
        assert client.stdout is not None
        assert written > len(client.stdout.read())
        assert 0 == client.wait(WITHIN)
    (run,) = scene.runs()
    assert ("succeeded", written, 0) == (run.outcome, run.stdout, run.missing)
    assert written == len(scene("logs", "--raw", "1", status=0).stdout)
    scene.outlast.end()
    shutil.rmtree(scene.home)


SHIM_WORKLOADS = {
    **dict.fromkeys(
        """before-spawn before-started after-started after-spawn before-output after-output before-rotate during-rotate after-rotate
        before-gap after-gap before-result""".split(),
        shims_die_at_work,
    ),
    **dict.fromkeys(["before-start-supervisor", "after-start-supervisor"], shims_die_when_the_supervisor_does),
    "after-result": shim_dies_with_a_result_before_its_client_has_all,
}


@pytest.mark.parametrize("name", seams.SHIM_FAILPOINTS)
def test_nothing_is_invented_when_a_shim_dies_at(scene: Scene, shim: str, name: str) -> None:
    assert name in SHIM_WORKLOADS, f"no workload reaches `{name}`: add one here"
    SHIM_WORKLOADS[name](scene, scene.armed(f"shim.{name}=die", OUTLAST_SHIM=shim, OUTLAST_LINGER_MS="60000"))
    scene.kill_supervisor()  # it would arm all that it starts
    scene.settle()
    scene.check()


def test_every_workload_is_for_a_failpoint() -> None:
    assert set(HERE) == WORKLOADS.keys()
    assert set(seams.SHIM_FAILPOINTS) == SHIM_WORKLOADS.keys()
