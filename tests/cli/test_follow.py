"""`--follow` of listings: in place on a terminal, anew below on a pipe, as JSON lines, and only when something has changed."""

import json
import os
import signal
import subprocess

from cli.outside import ANSI, on_terminal, sh
from support import eventually


def until_released(outlast, name="go"):
    """Submit a job that ends when the FIFO is written to."""
    os.mkfifo(outlast.folder / name)
    job = outlast.run("--name", f"until-{name}", "--", "sh", "-c", f"read x < {name}")
    outlast("wait", str(job), "--status", "running", status=0)
    return job


def test_json_one_line_per_change(outlast):
    job = until_released(outlast)
    with outlast.start("ps", "--follow", "--json", stdout=subprocess.PIPE) as client:
        first = json.loads(client.stdout.readline())
        assert [(job, "running")] == [(shown["id"], shown["status"]) for shown in first["jobs"]]
        (outlast.folder / "go").write_text("x\n")
        while (told := json.loads(client.stdout.readline()))["jobs"]:
            assert [job] == [shown["id"] for shown in told["jobs"]]
        client.send_signal(signal.SIGINT)
        assert 130 == client.wait(30)


def test_a_table_anew_on_a_pipe(outlast):
    job = until_released(outlast)
    with outlast.start("list", "-f", "--columns", "id,state", "--where", "id > 0", stdout=subprocess.PIPE) as client:
        assert [b"ID  STATE", b" 1  running"] == [client.stdout.readline().rstrip() for _ in range(2)]
        outlast("hold", str(job), status=None)
        (outlast.folder / "go").write_text("x\n")
        seen = []
        while b" 1  succeeded" not in seen:
            seen.append(client.stdout.readline().rstrip())
        client.terminate()


def test_in_place_on_a_terminal(outlast):
    until_released(outlast)
    asked = []

    def watch(seen: bytes, pid: int) -> bytes:
        if not asked and b"running" in seen:
            asked.append(pid)
            (outlast.folder / "go").write_text("x\n")
        return b"\x03" if b"succeeded" in seen else b""

    status, seen = on_terminal(outlast, "list", "--follow", watch=watch)
    assert 130 == status
    assert b"\x1b[2F\x1b[J" in seen
    last = ANSI.sub(b"", seen.split(b"\x1b[J")[-1]).decode().splitlines()
    assert ["ID", "1"] == [line.split()[0] for line in last[:2]]


def test_it_fits_the_height_of_the_terminal(outlast):
    outlast("run", "-q", "--from", "-", input=b"true\n" * 40, status=0)
    outlast("wait", "1-40", status=0)
    for verb, shown in (("list", "40"), ("history", "…")):
        words = (verb, "--follow", "-n", "all", "--sort", "id") if verb == "list" else (verb, "-f", "-n", "all")
        _, seen = on_terminal(outlast, *words, watch=lambda seen, _: b"\x03" if seen.count(b"\n") > 20 else b"")
        lines = ANSI.sub(b"", seen).decode().split("^C")[0].splitlines()
        lines = [line for line in lines if line.strip()]
        assert 24 >= len(lines)
        assert shown == lines[-1].split()[0]
        assert "more lines" in "".join(lines)


def test_groups(outlast):
    outlast("group", "set", "g", "--slots", "2", status=0)
    with outlast.start("group", "list", "--follow", "--json", stdout=subprocess.PIPE) as client:
        assert [("g", 0)] == [(group["name"], group["running"]) for group in json.loads(client.stdout.readline())["groups"]]
        job = outlast.run("-g", "g", "--", "sleep", "60")
        while not json.loads(client.stdout.readline())["groups"][0]["running"]:
            pass
        outlast("kill", str(job), status=0)
        while json.loads(client.stdout.readline())["groups"][0]["running"]:
            pass
        client.kill()


def test_nobody_reads_it_any_more(outlast):
    outlast("run", "--wait", "--name", "x", "--", "true", status=0)
    said = sh("outlast history --follow --columns name | head -2; outlast ps --follow --json | head -1", outlast)
    assert [b"NAME", b"x", b"{"] == [line[:4].rstrip() if line[:1] != b"{" else line[:1] for line in said.stdout.splitlines()]
    assert b"" == said.stderr


def test_the_supervisor_stays_while_somebody_looks_and_leaves_then(outlast):
    env = {"OUTLAST_LINGER_MS": "50"}
    outlast("run", "--wait", "--", "true", status=0, env=env)
    eventually(lambda: outlast.supervisor_pid() is None)
    with outlast.start("list", "--follow", "--ids", stdout=subprocess.PIPE, env=env) as client:
        assert b"1\n" == client.stdout.readline()
        pid = eventually(outlast.supervisor_pid)
        outlast("run", "--wait", "--", "true", status=0, env=env)
        assert [b"1\n", b"2\n"] == [client.stdout.readline() for _ in range(2)]
        assert pid == outlast.supervisor_pid()
        client.kill()
    eventually(lambda: outlast.supervisor_pid() is None)
