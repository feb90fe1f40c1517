"""Passes of the background: one that fails is made again before long."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from outlast.core import retention as r
from outlast.home import Home
from outlast.seams import arm
from outlast.store import keeping as k
from outlast.store.store import Store
from outlast.supervisor import pruner
from outlast.supervisor.loop import Loop
from store.making import fill
from support import eventually


def test_a_pass_that_failed_is_made_again_before_the_hour_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "h", 30)
    store, loop, log = Store(Home(str(tmp_path / "h"))), Loop(), list[str]()
    k.put_settings(store, None, {r.JOBS: 10})
    monkeypatch.setattr(pruner, "FIRST", 0)
    monkeypatch.setattr(pruner, "AGAIN", 1_000_000)
    context = SimpleNamespace(store=store, loop=loop, log=log.append, dirty=False, runs={}, poke=lambda _: None)
    pruner.Pruner(cast("Any", context), lambda **_: None).start()
    arm("prune.before@1=raise")  # as a full disk does
    try:
        eventually(lambda: (loop.wait(10_000_000), k.begun_at(store) > 0)[1], within=5)
    finally:
        arm("")
    assert ["pruning: failpoint prune.before", "pruning: the output of 0 runs and the records of 20 jobs were removed"] == log
    assert 10 == store.count_ended()
    store.close()
