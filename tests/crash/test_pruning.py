"""Whoever takes output away dies at each failpoint of it in turn; the next one goes on, and nothing else is touched or told twice."""

import select

import pytest

from cli.ageing import age, files, rows
from crash.scene import DIED, WITHIN, Scene, lose_what_was_not_synced, until
from outlast import seams
from support import eventually

PRUNING = [name for name in seams.FAILPOINTS if name.startswith(("prune.", "forget."))]


def prepare(scene: Scene) -> None:
    """Three jobs whose output and environment are old, a retried one, one record that is too much, and one that is to stay."""
    for _ in range(3):  # one after the other: which has ended first decides
        scene("wait", str(scene.outlast.run("--env", "OLD=1", "--", "seq", "1", "100")), status=0)
    scene.outlast.run("--env", "OLD=1", "--retries", "2", "--", "sh", "-c", "seq 1 100; exit 1")
    scene("wait", "4")
    age(scene.outlast, 40, due=True)
    scene.outlast.run("--", "seq", "1", "100")
    scene("wait", "5", status=0)
    age(scene.outlast, 0, due=True)  # that a pass was made just now is forgotten
    scene("clean", "--set", "--retention.jobs", "4", status=0)


def check(scene: Scene) -> None:
    """Everything went that had to, and is told once."""
    assert ["5.1.log"] == files(scene.home)
    assert [] == rows(scene.home, "SELECT * FROM leaving")
    assert [(2,), (3,), (4,), (5,)] == rows(scene.home, "SELECT id FROM jobs WHERE id < 6 ORDER BY id")
    assert [(2, 1), (3, 1), (4, 1)] == rows(scene.home, "SELECT job, count(*) FROM events WHERE kind = 'noted' GROUP BY job")
    assert [] == rows(scene.home, "SELECT id FROM jobs WHERE version <> (SELECT count(*) FROM events WHERE job = jobs.id)")
    assert [(1,)] == rows(scene.home, "SELECT last FROM removed WHERE first = 1")
    assert [(1,)] == rows(scene.home, "SELECT count(*) FROM masked_environments")
    told = dict(rows(scene.home, "SELECT name, value FROM meta"))
    assert rows(scene.home, "SELECT count(*) FROM jobs WHERE status = 'ended'")[0][0] == told["ended"]
    assert rows(scene.home, "SELECT sum(kept) FROM runs")[0][0] == told["kept"]


@pytest.mark.parametrize("name", PRUNING)
def test_a_client_dies_at(scene: Scene, name: str) -> None:
    prepare(scene)
    assert DIED == scene("clean", "--force", env=scene.armed(f"{name}=die")).status
    scene.assert_died_at(name)
    assert 0 == scene("list").status
    scene("clean", "--force", status=0)
    check(scene)


@pytest.mark.parametrize("name", PRUNING)
def test_a_supervisor_dies_at(scene: Scene, name: str) -> None:
    """It is the job in front of which the pass is made that must not suffer: the next supervisor takes it over."""
    prepare(scene)
    scene("clean", "--set", "--retention.jobs", "5", status=0)  # the job that follows is one more
    env = scene.armed(f"{name}=die", OUTLAST_LINGER_MS="60000")
    scene("run", "--", "sh", "-c", "until [ -e go ]; do sleep 0.02; done", env=env, status=0)
    until(lambda: scene.reached(name))
    until(lambda: scene.supervisor() not in (None, *scene.reached(name)))
    (scene.folder / "go").touch()
    scene("wait", "6", status=0)
    scene("clean", "--set", "--retention.jobs", "5", status=0)
    scene("supervisor", "stop", status=0)
    scene("clean", "--force", status=0)
    assert "6.1.log" not in files(scene.home)
    check(scene)


@pytest.mark.parametrize("name", PRUNING)
def test_the_power_goes_while_a_client_is_at(scene: Scene, name: str) -> None:
    prepare(scene)
    client = scene.outlast.start("clean", "--force", env=scene.armed(f"{name}=block"))
    until(lambda: scene.reached(name))
    copy = scene.power_cut("as-it-was")
    scene.go()
    client.communicate(timeout=WITHIN)
    poorer = copy.copied("unsynced-lost")
    lose_what_was_not_synced(poorer)
    for other in (copy, poorer):
        other("clean", "--force", status=0)
        check(other)


def test_everybody_at_once(scene: Scene) -> None:
    """Jobs run and retry, several take away what they leave as soon as they end, and are killed at it: at the end all is sound."""
    count = 150
    lines = "".join(f"sleep 0.05; seq 1 {20 + number}; exit {int(number % 3 == 0)}\n" for number in range(count))
    (scene.folder / "lines").write_text(lines)
    limits = ("--retention.jobs", "10", "--retention.log-bytes", "2000", "--log.job.max-runs", "1")
    env = {"OUTLAST_FAILPOINTS": "prune.after-files=delay:20,prune.after-commit=delay:5"}
    scene("run", "--from", "lines", "-j", "4", "--retries", "1", status=0)
    kills = rounds = 0
    while scene.outlast("ps", "--ids", status=0).text:
        rounds += 1
        with scene.outlast.start("clean", "--force", *limits, env=env) as first, scene.outlast.start("clean", "--force", *limits):
            select.select([], [], [], 0.05 + rounds % 5 * 0.03)
            kills += first.poll() is None
            first.kill()
    assert kills > 3
    eventually(lambda: scene.outlast("ps", "--ids", status=0).text == "", WITHIN)
    scene("clean", "--force", *limits, status=0)
    assert 10 == len(rows(scene.home, "SELECT id FROM jobs"))
    assert 2000 >= sum(path.stat().st_size for path in (scene.home / "runs").rglob("*.log*"))
    assert [] == rows(scene.home, "SELECT * FROM leaving")
    assert [(count - 10,)] == rows(scene.home, "SELECT sum(last - first + 1) FROM removed")
    assert [(count,)] == rows(scene.home, "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'")
    checked = scene("doctor", "--check")
    assert 0 == checked.status, checked.stdout
