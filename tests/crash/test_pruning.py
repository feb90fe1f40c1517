"""Whoever takes output away dies at each failpoint of it in turn; the next one goes on, and nothing else is touched or told twice."""

import pytest

from cli.ageing import age, files, rows
from crash.scene import DIED, Scene, until
from outlast import seams

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
