"""Small scenes on the simulated machine, each of something that the simulation once found."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from outlast.core.disabling import Rule
from outlast.core.job import ABORTED, ENDED, QUEUED, RUNNING, Job
from outlast.core.needs import needs_of
from outlast.home import Home
from outlast.store.grouping import set_group
from outlast.store.store import Front, Submission
from simulation.machine import SECOND, SIGKILL, Machine, Odds
from simulation.people import ENVIRONMENT
from simulation.supervising import Doom, Records, Simulated, installed


class Scene:
    """A supervisor on a machine where nothing goes wrong and every command runs for long."""

    def __init__(self, path: Path, machine: Machine, doom: Doom) -> None:
        home = Home(str(path))
        self.machine = machine
        self.store = Records(home, doom)
        self.supervisor = Simulated(home, machine, doom, lambda _: None)

    def submit(self, *, name: str = "n", group: str | None = None, front: Front | None = None, **spec: Any) -> int:
        options = {option.replace("__", "-").replace("_", "."): given for option, given in spec.items()}
        job = Job(
            id=0, name=name, command=["true"], cwd="/", created_at=0, group=group, mutex=options.pop("mutex", None), spec=options,
            environment="e", info=["", "", ""],
        )  # fmt: skip
        made = Submission(job=job, environment=ENVIRONMENT, needs=tuple(needs_of(options)), front=front)
        number = self.store.submit([made], self.machine.clock.now())[0].id
        self.supervisor.context.touch()
        return number

    def cycle(self) -> None:
        """Let everything happen that is due now."""
        while self.supervisor.context.dirty:
            self.supervisor.turn()
        self.machine.clock.mono += SECOND  # commands begin
        self.machine.happen()
        self.supervisor.loop.turn()  # type: ignore[attr-defined]
        while self.supervisor.context.dirty:
            self.supervisor.turn()

    def job(self, number: int) -> Job:
        job = self.store.job(number)
        assert job is not None
        return job


@pytest.fixture
def scene(short_path: Path) -> Iterator[Scene]:
    rng = Random(1)
    odds = Odds(rng)
    for name in odds.__dict__:
        setattr(odds, name, 0.0)
    odds.slowly = 10**9 * SECOND
    machine, doom = Machine(rng, odds, lambda _: None), Doom()
    with installed(machine, doom):
        made = Scene(short_path / "h", machine, doom)
        yield made
        machine.close_all()
        made.supervisor.die()
        made.store.database.end()  # type: ignore[attr-defined]


def test_who_ends_instead_of_starting_takes_no_mutex(scene: Scene) -> None:
    holder = scene.submit(name="holder", mutex=["tape"])
    scene.cycle()
    first, second = scene.submit(mutex=["tape"]), scene.submit(name="other", mutex=["tape"])
    scene.cycle()
    scene.store.disable(Rule(pattern="n"))
    scene.machine.signal(scene.machine.tried[f"{holder}.1"], SIGKILL)
    scene.machine.happen()
    scene.supervisor.loop.turn()  # type: ignore[attr-defined]
    scene.supervisor.turn()
    assert (ENDED, RUNNING) == (scene.job(first).status, scene.job(second).status)


def test_all_deadlines_that_passed_meanwhile_are_served_at_once(scene: Scene) -> None:
    now = scene.machine.clock.now()
    scene.submit(mutex=["tape"])
    scene.cycle()
    late = scene.submit(mutex=["tape"], timeout_soft_job=SECOND, wait_abort__datetime=now + 2 * SECOND)
    scene.machine.clock.mono += 10 * SECOND
    scene.supervisor.context.touch()
    scene.supervisor.turn()
    assert (ENDED, ABORTED) == (scene.job(late).status, scene.job(late).outcome)


def test_who_is_barred_by_a_mutex_holds_nobody_up_however_many_slots_it_takes(scene: Scene) -> None:
    set_group(scene.store, "g", 2, 1)
    scene.submit(group="g", mutex=["tape"])
    scene.cycle()
    wide, narrow = scene.submit(group="g", mutex=["tape"], slots=2), scene.submit(group="g")
    scene.cycle()
    assert (QUEUED, RUNNING) == (scene.job(wide).status, scene.job(narrow).status)


def test_who_is_passed_over_hides_nobody(scene: Scene) -> None:
    set_group(scene.store, "g", 3, 1)
    wide = scene.submit(group="g", slots=3)
    set_group(scene.store, "g", 2, 1)
    scene.submit(group="g", mutex=["tape"], priority=1)
    narrow = scene.submit(group="g")
    scene.cycle()
    assert (QUEUED, RUNNING) == (scene.job(wide).status, scene.job(narrow).status)


def test_who_borrows_a_slot_waits_for_its_mutex(scene: Scene) -> None:
    set_group(scene.store, "g", 1, 1)
    parent = scene.submit(group="g", mutex=["tape"])
    scene.cycle()
    client = scene.machine.proc()
    scene.supervisor.fronts.put("t", tuple(scene.machine.open("stream") for _ in range(3)))  # type: ignore[arg-type]
    inner = scene.submit(group="g", mutex=["tape"], front=Front(token="t", pid=client.pid, pid_start=client.start, parent=parent))
    scene.cycle()
    assert QUEUED == scene.job(inner).status


def test_an_end_instead_of_a_start_is_seen_by_who_waits_for_it(scene: Scene) -> None:
    holder = scene.submit(name="holder", mutex=["tape"])
    scene.cycle()
    first = scene.submit(mutex=["tape"])
    after = scene.submit(name="after", after_ended=[first])
    scene.store.disable(Rule(pattern="n"))
    scene.machine.signal(scene.machine.tried[f"{holder}.1"], SIGKILL)
    scene.machine.happen()
    scene.supervisor.loop.turn()  # type: ignore[attr-defined]
    scene.cycle()
    assert (ENDED, RUNNING) == (scene.job(first).status, scene.job(after).status)
