"""At most one, at most N: whoever starts at the same moment, and whoever is killed meanwhile.

Each command says for itself when it begins and ends, in a file that all share: what overlaps is seen there, whatever the record says.
"""

import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from crash.scene import WITHIN, Scene, until
from support import COMMAND, eventually

SIMULTANEOUS = 100
SLOTS = 3


def witness(scene: Scene, work: str) -> list[str]:
    """Return the words of a command that says `+` when it begins and `-` when it ends, with a breath between."""
    return [
        "sh",
        "-c",
        f'echo "+ $OUTLAST_JOB.$OUTLAST_RUN" >> {scene.folder}/said; {work}; echo "- $OUTLAST_JOB.$OUTLAST_RUN" >> {scene.folder}/said',
    ]


def most_at_once(path: Path) -> int:
    """Return how many were between their two words at the same time, at most."""
    alive: set[str] = set()
    most = 0
    for line in path.read_text().splitlines():
        sign, run = line.split()
        if sign == "+":
            alive.add(run)
        else:
            alive.discard(run)
        most = max(most, len(alive))
    return most


def started_at_once(scene: Scene, *options: str) -> "Counter[int]":
    """Start as many clients at once as there are; returns how often each exit status was seen."""
    words = [COMMAND, "run", "--name", "only", *options, "--", *witness(scene, "sleep 0.3")]
    env = scene.outlast.environ({"OUTLAST_LINGER_MS": "600000"})
    clients = [subprocess.Popen(words, env=env, cwd=scene.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
               for _ in range(SIMULTANEOUS)]  # fmt: skip
    return Counter(client.wait(110) for client in clients)


@pytest.mark.parametrize("attempt", range(2))
def test_of_a_hundred_that_start_at_once_exactly_one_runs(scene: Scene, attempt: int) -> None:
    scene.submit("lines")  # a supervisor is there
    told = started_at_once(scene, "--unique")
    assert told.keys() <= {0, 4}
    eventually(scene.assert_all_ended, WITHIN)
    said = (scene.folder / "said").read_text().splitlines()
    assert told[0] == sum(line.startswith("+") for line in said)  # the others were refused and left nothing
    assert told[0] + 1 == len(scene.jobs())
    assert 1 == most_at_once(scene.folder / "said")


def test_of_a_hundred_that_are_skipped_but_one_each_leaves_a_record(scene: Scene) -> None:
    scene.submit("lines")
    assert {0: SIMULTANEOUS} == started_at_once(scene, "--overlap", "skip")
    eventually(scene.assert_all_ended, WITHIN)
    outcomes = Counter(job.outcome for job in scene.jobs().values() if job.name == "only")
    assert SIMULTANEOUS == outcomes["succeeded"] + outcomes["skipped"]
    assert 1 == most_at_once(scene.folder / "said")


def test_a_burst_becomes_exactly_one_more(scene: Scene) -> None:
    first = int(scene("run", "--name", "only", "--", "sh", "-c", f"until [ -e {scene.folder}/go ]; do sleep 0.02; done", status=0).text)
    assert {0: SIMULTANEOUS} == started_at_once(scene, "--overlap", "queue=1")
    scene.go()
    eventually(scene.assert_all_ended, WITHIN)
    outcomes = Counter(job.outcome for number, job in scene.jobs().items() if number != first)
    assert {"succeeded": 1, "skipped": SIMULTANEOUS - 1} == outcomes


@pytest.mark.parametrize("how", ["slots", "allow", "queue", "mutex"])
def test_a_limit_is_never_exceeded_while_supervisors_and_clients_are_killed(scene: Scene, how: str) -> None:
    options = {
        "slots": ("--group", "g"), "allow": ("--overlap", f"allow={SLOTS}"), "queue": ("--overlap", "queue"), "mutex": ("--mutex", "m"),
    }[how]  # fmt: skip
    limit = SLOTS if how in {"slots", "allow"} else 1
    scene("group", "set", "g", "--slots", str(SLOTS), status=0)
    chance = random.Random(4711)
    env = scene.outlast.environ({"OUTLAST_LINGER_MS": "600000"})
    words = [COMMAND, "run", "--name", "n", *options, "--", *witness(scene, "sleep 0.05")]
    for number in range(40):
        client = subprocess.Popen(words, env=env, cwd=scene.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if chance.random() < 0.2:
            client.kill()
        elif client.wait(60) == 0 and number % 8 == 7:
            scene.kill_supervisor()
        client.wait(60)
    eventually(scene.assert_all_ended, WITHIN)
    until((scene.folder / "said").exists)
    assert 0 < most_at_once(scene.folder / "said") <= limit
    runs = Counter((run.job, run.run) for run in scene.runs())
    said = Counter(line.split()[1] for line in (scene.folder / "said").read_text().splitlines() if line.startswith("+"))
    assert {f"{job}.{run}": 1 for job, run in runs} == said
    outcomes = {job.outcome for job in scene.jobs().values()}
    assert outcomes <= ({"succeeded", "skipped"} if how == "allow" else {"succeeded"})
