"""A process dies as it enters its N-th system call of a kind, for every N: a way that needs no failpoint and forgets no place."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crash.scene import DIED, WITHIN, Scene, lives, until
from support import COMMAND, Finished, eventually

STRACE = shutil.which("strace")
pytestmark = pytest.mark.skipif(STRACE is None, reason="there is no strace on this machine")


def inject(scene: Scene, call: str, number: int) -> list[str]:
    assert STRACE is not None
    return [STRACE, "-o", str(scene.folder / "trace"), "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"]


def has_died(scene: Scene) -> bool:
    """Tell whether who was traced last was killed."""
    return "+++ killed by SIGKILL +++" in (scene.folder / "trace").read_text()


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "write", "sendto"])
def test_a_client_dies_at_its_nth(scene: Scene, call: str) -> None:
    """It makes the home on the way; the next one finds it half made."""
    number = 1
    while True:
        kind = ("lines", "fails")[number % 2]
        words = [*inject(scene, call, number), str(COMMAND), *scene.words(kind)]
        traced = subprocess.run(words, env=scene.outlast.environ(), capture_output=True, check=False, timeout=WITHIN, cwd=scene.folder)
        known = scene.accept(kind, Finished(traced.returncode, traced.stdout, traced.stderr))
        if traced.returncode == 0:
            assert known
            break
        assert DIED == traced.returncode, traced
        number += 1
    assert 1 < number
    scene.settle()
    scene.check()


def is_traced(pid: int, tracer: int) -> bool:
    try:
        return f"TracerPid:\t{tracer}\n" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@contextmanager
def attached(scene: Scene, call: str, number: int, pid: int) -> Iterator[subprocess.Popen[bytes]]:
    """Have the process `pid` die at its `number`-th `call` from now on."""
    with subprocess.Popen([*inject(scene, call, number), "-p", str(pid)], stderr=subprocess.DEVNULL) as strace:
        try:
            until(lambda: not lives(pid) or is_traced(pid, strace.pid))  # it may come to its last call at once
            yield strace
        finally:
            strace.terminate()


def all_but_gated_ended(scene: Scene) -> None:
    assert [] == [job.name for job in scene.jobs().values() if job.status != "ended" and job.name != "gated"]


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "flock", "openat", "epoll_wait", "pidfd_open"])
def test_a_supervisor_dies_at_its_nth(scene: Scene, call: str) -> None:
    for number in (1, 2, 5):
        scene.submit("gated")
        pid = scene.supervisor()
        assert pid is not None
        with attached(scene, call, number, pid):
            scene.submit_all()
            eventually(lambda: all_but_gated_ended(scene), WITHIN)
        scene.go()
        eventually(scene.assert_all_ended, WITHIN)
        (scene.folder / "go").unlink()
        assert number > 1 or has_died(scene), f"it has no `{call}`"
    scene.settle()
    scene.check()


@pytest.mark.parametrize("call", ["write", "pwrite64", "pwritev2", "fdatasync", "rename", "wait4"])
def test_a_shim_dies_at_its_nth(scene: Scene, shim: str, call: str) -> None:
    if shim == "c" and call in {"write", "pwritev2"}:
        pytest.skip("the C shim has no such call, but for a client in front")
    for number in (1, 2, 5):
        job = scene.accept("gated", scene.submit("gated", env={"OUTLAST_SHIM": shim}))
        until(lambda job=job: scene.started()[f"{job}.1"])
        (pid,) = [pid for pid, run in scene.shims().items() if run == f"{job}.1"]
        began = time.monotonic()
        with attached(scene, call, number, pid) as strace:
            until(lambda began=began: call != "fdatasync" or time.monotonic() - began > 1)  # it syncs what took a second
            scene.go()
            strace.wait(WITHIN)  # the shim has ended, in one way or another
        eventually(scene.assert_all_ended, WITHIN)
        (scene.folder / "go").unlink()
        assert number > 1 or has_died(scene), f"it has no `{call}`"
    scene.settle()
    scene.check()
