"""What runs run with is looked at when they are claimed: whatever lies there, no start is held up and nothing is guessed."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outlast.core.job import Job
from outlast.home import Home
from outlast.seams import now
from outlast.store.store import Store
from outlast.supervisor import fingerprints
from outlast.supervisor.fingerprints import BUDGET, LATELY, WHOLE, YOUNG, Fingerprints
from support import Outlast, eventually

PATH = b"PATH=/usr/local/bin:/usr/bin:/bin\0"


def facts(outlast: Outlast, job: int) -> Any:
    with closing(sqlite3.connect(outlast.home / "outlast.db")) as database:
        (text,) = database.execute("SELECT facts FROM fingerprints JOIN runs ON fingerprint = hash WHERE job = ?", (job,)).fetchone()
    return json.loads(text)


def count(outlast: Outlast) -> int:
    with closing(sqlite3.connect(outlast.home / "outlast.db")) as database:
        return int(database.execute("SELECT count(*) FROM fingerprints").fetchone()[0])


def test_a_fifo_as_the_script_holds_nobody_up(outlast: Outlast) -> None:
    os.mkfifo(outlast.folder / "job.sh")
    reader = outlast.run("--", "sh", "job.sh")
    other = outlast.run("--", "true")
    outlast("wait", str(other), status=0)
    assert "script" not in facts(outlast, reader)
    (outlast.folder / "job.sh").write_text("exit 0\n")
    outlast("wait", str(reader), status=0)


def test_a_huge_program_is_told_by_size_and_time(outlast: Outlast) -> None:
    tool = outlast.folder / "tool"
    tool.write_text("#!/bin/sh\nexit 0\n")
    os.truncate(tool, 20 << 30)  # a hole
    tool.chmod(0o755)
    job = outlast.run("--name", "j", "--", "sh", "tool")
    assert 20 << 30 == facts_when_there(outlast, job)["script"]["size"]
    assert "hash" not in facts(outlast, job)["script"]
    assert "more than 1 MiB" in facts(outlast, job)["script"]["unseen"]
    outlast("stop", str(job))


def facts_when_there(outlast: Outlast, job: int) -> Any:
    return eventually(lambda: facts(outlast, job))


def test_thousands_of_runs_share_one_and_what_is_not_there_is_left_out(outlast: Outlast) -> None:
    lines = "".join(f"true {number}\n" for number in range(300))
    outlast("run", "--from", "-", input=lines.encode(), status=0)
    outlast("run", "--", "no-such-command-anywhere", status=0)
    outlast("wait", "1-301")
    assert 2 == count(outlast)
    assert "program" not in facts(outlast, 301)
    assert facts(outlast, 1)["program"]["path"] in {"/usr/bin/true", "/bin/true"}
    (shared,) = {run["fingerprint"] for job in (1, 150, 300) for run in outlast.show(job)["runs"]}
    assert 32 == len(shared)


def test_a_supervisor_that_was_killed_leaves_no_run_without_its_fingerprint(outlast: Outlast) -> None:
    outlast.run("--", "true", env={"OUTLAST_FAILPOINTS": "claim.after-commit@1=die"})
    outlast("wait", "1", status=0)
    assert facts(outlast, 1)["program"]


@pytest.fixture
def taken(short_path: Path) -> "tuple[Store, Fingerprints]":
    store = Store(Home(str(short_path / "h")))
    return store, Fingerprints(store)


def take(taken: "tuple[Store, Fingerprints]", *command: str, cwd: Path, at: int | None = None, begun: int | None = None) -> Any:
    store, made = taken
    job = Job(id=1, name="x", command=list(command), cwd=str(cwd), created_at=0, environment="e")
    with store.batch():
        made.begin(now() if begun is None else begun)
        digest = made.of(job, PATH, now() + YOUNG * 2 if at is None else at)
    return digest and json.loads(store.database.one("fingerprint", digest)[0])


def test_a_content_is_read_once_and_again_when_the_file_is_another(
    taken: "tuple[Store, Fingerprints]", short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    read = fingerprints._read
    monkeypatch.setattr(fingerprints, "_read", lambda path, *rest, **how: reads.append(path) or read(path, *rest, **how))
    script = short_path / "x.sh"
    script.write_text("one")
    first = take(taken, "sh", "x.sh", cwd=short_path)["script"]
    assert first == take(taken, "sh", "x.sh", cwd=short_path)["script"]
    assert 1 == reads.count(str(script))
    told = os.stat(script)
    script.write_text("two")
    os.utime(script, ns=(told.st_atime_ns, told.st_mtime_ns))  # only the time of the change of the inode tells
    second = take(taken, "sh", "x.sh", cwd=short_path)["script"]
    assert first["hash"] != second["hash"]
    assert {**first, "hash": second["hash"]} == second
    assert 2 == reads.count(str(script))


def test_where_a_program_and_a_repository_are_is_searched_for_only_now_and_then(
    taken: "tuple[Store, Fingerprints]", short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: looks.append(path) or access(path, mode))
    begun = now()
    first = take(taken, "sh", cwd=short_path, begun=begun)
    assert looks
    looks.clear()
    assert first == take(taken, "sh", cwd=short_path, begun=begun + LATELY - 1)
    assert [] == looks
    (short_path / ".git").mkdir()
    (short_path / ".git/HEAD").write_text("0" * 40)
    for later in (begun + LATELY, begun - LATELY):  # whichever way the clock goes
        assert "0" * 40 == take(taken, "sh", cwd=short_path, begun=later)["git"]["revision"]
        assert looks
        looks.clear()


def test_what_was_just_written_is_read_again_next_time(taken: "tuple[Store, Fingerprints]", short_path: Path) -> None:
    script = short_path / "x.sh"
    script.write_text("one")
    assert take(taken, "sh", "x.sh", cwd=short_path, at=os.stat(script).st_ctime_ns)
    assert str(script) not in taken[1]._contents


def test_so_many_bytes_a_cycle_and_no_more(taken: "tuple[Store, Fingerprints]", short_path: Path) -> None:
    store, made = taken
    hashed = 0
    with store.batch():
        made.begin(now())
        for number in range(BUDGET // WHOLE + 3):
            (short_path / f"{number}.sh").write_bytes(b"x" * WHOLE)
            digest = made.of(Job(id=1, name="x", command=["sh", f"{number}.sh"], cwd=str(short_path), created_at=0), PATH, now())
            script = json.loads(store.database.one("fingerprint", digest)[0])["script"]
            hashed += "hash" in script
            assert "hash" in script or "no time" in script["unseen"]
    assert 0 < hashed <= BUDGET // WHOLE


@pytest.mark.parametrize(
    ("head", "git"),
    [
        ("ref: refs/heads/main\n", {"revision": "", "branch": "main"}),
        ("ref: refs/heads/odd\n", {"revision": None, "branch": "odd"}),
        ("ref: refs/../../../secret\n", None),
        ("ref: secret\n", None),
        ("f" * 40 + "\n", {"revision": "f" * 40, "branch": None}),
        ("f" * 64 + "\n", {"revision": "f" * 64, "branch": None}),
        ("secret", None),
        ("", None),
        ("ref: refs/" + "x" * 5000, None),
    ],
)
def test_heads(taken: "tuple[Store, Fingerprints]", short_path: Path, head: str, git: Any) -> None:
    (short_path / ".git").mkdir()
    (short_path / ".git" / "HEAD").write_text(head)
    (short_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (short_path / ".git" / "refs" / "heads" / "odd").write_text("planted")
    (short_path / "secret").write_text("planted")
    told = take(taken, "true", cwd=short_path)
    assert git == (told.get("git") and {name: told["git"][name] for name in git})


def test_packed_refs_of_a_large_repository(taken: "tuple[Store, Fingerprints]", short_path: Path) -> None:
    (short_path / ".git").mkdir()
    (short_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    packed = short_path / ".git" / "packed-refs"
    lines = [f"{number:040x} refs/tags/{number}" for number in range(40_000)]
    packed.write_text(
        "\n".join(["# pack-refs with: peeled fully-peeled sorted", f"{'e' * 40} refs/heads/main", "^" + "d" * 40, *lines, ""])
    )
    assert packed.stat().st_size > WHOLE
    assert "e" * 40 == take(taken, "true", cwd=short_path)["git"]["revision"]
    os.truncate(packed, BUDGET + 1)
    assert take(taken, "true", cwd=short_path)["git"]["revision"] is None  # not known


@pytest.mark.parametrize("what", ["fifo", "directory", "loop", "bytes"])
def test_strange_repositories_and_scripts(taken: "tuple[Store, Fingerprints]", short_path: Path, what: str) -> None:
    for path in (short_path / ".git", short_path / "x.sh"):
        if what == "fifo":
            os.mkfifo(path)
        elif what == "directory":
            path.mkdir()
        elif what == "loop":
            path.symlink_to(path)
        else:
            path.write_bytes(b"\xff\0gitdir: \xff\0")
    told = take(taken, "sh", "x.sh", "\0", cwd=short_path)
    assert "git" not in told
    assert ("script" in told) is (what == "bytes")


def test_nothing_on_a_network_file_system_is_touched(
    taken: "tuple[Store, Fingerprints]", short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (short_path / "net").mkdir()
    (short_path / "net" / "x.sh").write_text("exit 0")
    touched: list[str] = []
    stat = os.stat
    monkeypatch.setattr(fingerprints, "is_remote", lambda path: path.startswith(f"{short_path}/net"))
    monkeypatch.setattr(os, "stat", lambda path, *rest, **how: touched.append(str(path)) or stat(path, *rest, **how))
    told = take(taken, "sh", "x.sh", cwd=short_path / "net")
    assert {"path": f"{short_path}/net/x.sh", "unseen": fingerprints._UNSEEN_REMOTE} == told["script"]
    assert "git" not in told
    assert not [path for path in touched if "/net" in path]
