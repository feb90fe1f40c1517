"""What a command finds when it starts, and what is told when it does not."""

import errno
import json
import os
import re
import resource
import shutil
import signal
import sys
from pathlib import Path

import pytest

from support import eventually

SHOW = """
import json, os, resource, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)),
    "ignored": status["SigIgn"].strip(), "blocked": status["SigBlk"].strip(), "caught": status["SigCgt"].strip(),
    "umask": status["Umask"].strip(),
    "pid": os.getpid(), "ppid": os.getppid(), "sid": os.getsid(0), "pgid": os.getpgid(0), "cwd": os.getcwd(),
    "nice": os.getpriority(os.PRIO_PROCESS, 0), "cpus": sorted(os.sched_getaffinity(0)),
    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE), "core": resource.getrlimit(resource.RLIMIT_CORE),
}))
"""


def show(shim, *options, **kwargs):
    job = shim.run(sys.executable, "-I", "-S", "-c", SHOW, options=options, **kwargs)
    assert b"" == job.raw("stderr")
    return json.loads(job.raw()), job


def test_started_says_who_runs(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}")
    started = job.wait_started()
    assert ["v", "pid", "start", "run", "shim", "shim_start", "boot", "pidns", "at"] == list(started)
    assert (1, "42.1") == (started["v"], started["run"])
    assert job.pid == started["shim"]
    for pid, start in (("pid", "start"), ("shim", "shim_start")):
        assert int(Path(f"/proc/{started[pid]}/stat").read_text().rpartition(")")[2].split()[19]) == started[start]
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() == started["boot"]
    assert f"pid:[{started['pidns']}]" == os.readlink("/proc/self/ns/pid")
    assert abs(started["at"] - job.state.stat().st_mtime_ns) < 60 * 10**9
    assert job.locked
    assert job.result is None
    gate.write_bytes(b"")
    assert started["at"] <= job.wait().result["at"]
    assert started == job.started


def test_the_state_file_keeps_size_and_name(shim):
    job = shim.run("sh", "-c", "echo hello")
    assert 4096 == job.state.stat().st_size
    assert b"\n" * 1024 == job.state.read_bytes()[3072:]
    assert {"1.1", "1.1.log", "home"} == {entry.name for entry in shim.folder.iterdir()}


def test_the_lock_is_held_from_start_to_exit_and_by_nobody_else(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"sleep 1000 >/dev/null 2>&1 & read x < {gate}")
    assert job.locked
    job.wait_started()
    assert job.locked
    gate.write_bytes(b"")
    job.wait()
    assert not job.locked
    assert 1 == job.result["leftovers"]


def test_no_descriptor_leaks(shim):
    one, _ = show(shim, fds={7: shim.null, 40: shim.null, 300: shim.null})
    assert [0, 1, 2] == one["fds"]
    lifeline = os.open(shim.fifo("lifeline"), os.O_RDWR)
    try:
        one, _ = show(shim, "front=1", f"stdin={os.devnull}", f"home={shim.home}", lifeline=lifeline)
    finally:
        os.close(lifeline)
    assert [0, 1, 2] == one["fds"]


@pytest.mark.parametrize("closed", [(0,), (1, 2), (0, 1, 2)], ids=str)
def test_closed_standard_descriptors_harm_nobody(shim, closed):
    words = "".join(f"{fd}>&- " for fd in closed)
    command = ("ls", "-l", "/proc/self/fd")
    job = shim.run(*command, wrapper=("sh", "-c", f'exec "$@" {words}', "sh"), options=["front=1"])
    links = dict(re.findall(rb" (\d+) -> (\S+)", job.raw()))
    assert links[b"1"].startswith(b"pipe:")
    assert links[b"2"].startswith(b"pipe:")
    assert b"proc" in links[b"3" if 0 not in closed else b"0"]
    assert 0 == job.result["status"]


def test_standard_input_is_handed_on_as_it_is(shim):
    path = shim.folder / "in"
    path.write_bytes(b"\0\xffbytes")
    fd = os.open(path, os.O_RDONLY)
    job = shim.run("cat", fds={0: fd})
    os.close(fd)
    assert b"\0\xffbytes" == job.raw()


def test_standard_input_from_a_file(shim):
    path = os.fsencode(shim.folder) + b"/in \xff\n"
    Path(os.fsdecode(path)).write_bytes(b"\0\xffbytes")
    assert b"\0\xffbytes" == shim.run("cat", options=[b"stdin=" + path]).raw()
    missing = shim.run("cat", options=["stdin=/nonexistent/file"])
    assert (None, errno.ENOENT, "stdin") == tuple(missing.result[key] for key in ("status", "error", "stage"))


def test_a_fifo_as_standard_input_waits_for_its_writer_while_the_shim_serves(shim):
    fifo = shim.fifo("in")
    job = shim.start("cat", options=[f"stdin={fifo}"])
    job.wait_started()
    assert job.locked
    assert job.result is None
    with open(fifo, "wb", 0) as writer:
        writer.write(b"one")
        eventually(lambda: b"one" == job.raw(), 60)  # and it was opened blocking, else cat would have failed
        writer.write(b"two")
    assert b"onetwo" == job.wait().raw()


def test_a_command_that_waits_for_its_fifo_can_be_ended(shim):
    job = shim.start("cat", options=[f"stdin={shim.fifo('in')}"])
    os.kill(job.wait_started()["pid"], signal.SIGKILL)
    assert signal.SIGKILL == job.wait().result["status"]


def test_signals_are_at_their_default_and_unblocked(shim):
    ignored = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGQUIT, signal.SIGRTMIN)}
    try:
        job = shim.run("cat", "/proc/self/status")
    finally:
        for number, handler in ignored.items():
            signal.signal(number, handler)
    masks = dict(re.findall(r"(Sig\w+|ShdPnd):\t([0-9a-f]{16})", job.raw().decode()))
    internal = 1 << 31 | 1 << 32  # 32 and 33 belong to the C library, which lets nobody touch them
    assert {"SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"} == set(masks)
    assert dict.fromkeys(masks, 0) == {name: int(mask, 16) & ~internal for name, mask in masks.items()}


def test_the_command_leads_its_session_and_group(shim):
    one, job = show(shim)
    assert one["pid"] == one["sid"] == one["pgid"] == job.started["pid"]
    assert one["ppid"] == job.pid


def test_a_signal_to_the_group_of_the_command_does_not_reach_the_shim(shim):
    gate = shim.fifo("gate")
    job = shim.start("sh", "-c", f"read x < {gate}")
    pid = job.wait_started()["pid"]
    eventually(lambda: os.getpgid(pid) == pid, 60)
    os.killpg(pid, signal.SIGKILL)
    assert signal.SIGKILL == job.wait().result["status"]


def test_umask_directory_nice_affinity_limits(shim):
    cpu = max(os.sched_getaffinity(0))
    core = int(resource.RLIMIT_CORE)
    options = ["umask=027", "cwd=/usr", "nice=7", f"affinity={cpu}", f"rlimit={int(resource.RLIMIT_NOFILE)}:77:99", f"rlimit={core}:0:0"]
    one, job = show(shim, *options)
    assert ("0027", "/usr", 7, [cpu], [77, 99], [0, 0]) == tuple(one[key] for key in ("umask", "cwd", "nice", "cpus", "nofile", "core"))
    assert [] == job.result["unrestored"]


def test_what_is_not_given_is_inherited(shim):
    before = os.umask(0o031)
    try:
        one, _ = show(shim)
    finally:
        os.umask(before)
    mine = (
        "0031",
        os.getcwd(),
        os.getpriority(os.PRIO_PROCESS, 0),
        sorted(os.sched_getaffinity(0)),
        list(resource.getrlimit(resource.RLIMIT_NOFILE)),
    )
    assert mine == tuple(one[key] for key in ("umask", "cwd", "nice", "cpus", "nofile"))


def test_a_hard_limit_above_the_own_is_lowered(shim):
    own = ("sh", "-c", 'ulimit -n 90; exec "$@"', "sh")
    number = int(resource.RLIMIT_NOFILE)
    one, job = show(shim, f"rlimit={number}:80:-1", wrapper=own)
    assert ([80, 90], []) == (one["nofile"], job.result["unrestored"])
    one, job = show(shim, f"rlimit={number}:500:1000", wrapper=own)
    assert ([90, 90], []) == (one["nofile"], job.result["unrestored"])


def test_what_cannot_be_restored_is_named_and_not_fatal(shim):
    job = shim.run("true", options=["rlimit=31:1:1", "rlimit=7:5:4", "affinity=8000"])
    assert 0 == job.result["status"]
    assert {"rlimit:31", "rlimit:7", "affinity"} == set(job.result["unrestored"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not lower nice")
def test_nice_that_is_not_permitted_is_named(shim):
    os.chmod(shim.folder, 0o755)
    setpriv = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-all")
    job = shim.run("true", options=["nice=-5"], wrapper=setpriv)
    assert ["nice"] == job.result["unrestored"]
    assert 0 == job.result["status"]


def test_bytes_are_bytes(shim):
    words = [b"a\xff", b"", b"\n", b"'\"$(x)", b"x" * 100_000, "ä".encode()]
    job = shim.run("printf", "%s|", *words)
    assert b"".join(word + b"|" for word in words) == job.raw()


@pytest.mark.parametrize("locale", [{}, {"LC_CTYPE": "C"}, {"LC_ALL": "C"}, {"LANG": "POSIX", "LC_CTYPE": ""}], ids=str)
def test_the_environment_is_unchanged(shim, locale):
    environment = {b"PATH": os.fsencode(os.environ["PATH"]), b"a.b": b"\xff\xfe", b"BASH_FUNC_x%%": b"() { :; }", b"EMPTY": b"", **locale}
    job = shim.run("cat", "/proc/self/environ", env=environment)
    wanted = {os.fsencode(name) + b"=" + os.fsencode(value) for name, value in environment.items()}
    assert wanted | {b"OUTLAST_MARK=" + job.mark.encode()} == set(job.raw().split(b"\0")[:-1])
    assert len(job.raw().split(b"\0")) == len(wanted) + 2


def test_the_environment_keeps_entries_that_are_no_variables(shim):
    spoil = "import ctypes, sys\nl = ctypes.CDLL(None)\nc = lambda w: (ctypes.c_char_p * (len(w) + 1))(*w, None)\n"
    spoil += "a = [w.encode() for w in sys.argv[1:]]\nl.execve(a[0], c(a), c([b'PATH=/usr/bin:/bin', b'naked', b'TWO=1', b'TWO=2']))"
    job = shim.run("cat", "/proc/self/environ", wrapper=(sys.executable, "-I", "-S", "-c", spoil))
    assert {b"PATH=/usr/bin:/bin", b"naked", b"TWO=1", b"TWO=2"} <= set(job.raw().split(b"\0"))


def test_state_and_directory_may_have_any_name(shim):
    folder = Path(os.fsdecode(os.fsencode(shim.folder) + b"/\xff\n =%s"))
    folder.mkdir()
    job = shim.run("pwd", folder=folder, options=[b"cwd=" + os.fsencode(folder)])
    assert os.fsencode(folder) + b"\n" == job.raw()
    assert job.path(".log").exists()


def not_started(job):
    result = job.result
    assert result["status"] is None
    assert (0, 0, 0) == (result["utime"], result["stime"], result["max_rss"])
    assert job.started  # written before anything that can fail
    return result["stage"], result["error"]


def test_no_such_command(shim):
    assert ("exec", errno.ENOENT) == not_started(shim.run("no-such-command"))
    assert ("exec", errno.ENOENT) == not_started(shim.run("/no/such/command"))


def test_no_permission(shim):
    script = shim.folder / "plain"
    script.write_text("#!/bin/sh\n")
    assert ("exec", errno.EACCES) == not_started(shim.run(script))
    assert ("exec", errno.EACCES) == not_started(shim.run("plain", env={"PATH": f"/nonexistent:{shim.folder}:/nonexistent"}))
    assert ("exec", errno.EACCES) == not_started(shim.run(shim.folder))


def test_no_such_interpreter_or_too_long_a_name(shim):
    script = shim.folder / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o700)
    assert ("exec", errno.ENOENT) == not_started(shim.run(script))
    assert ("exec", errno.ENAMETOOLONG) == not_started(shim.run("x" * 300))


def test_no_such_directory(shim):
    assert ("cwd", errno.ENOENT) == not_started(shim.run("true", options=["cwd=/no/such"]))
    assert ("cwd", errno.ENOTDIR) == not_started(shim.run("true", options=["cwd=/dev/null"]))


def test_standard_input_comes_before_the_directory_and_that_before_the_command(shim):
    assert ("stdin", errno.ENOENT) == not_started(shim.run("no-such-command", options=["cwd=/no/such", "stdin=/no/such"]))
    assert ("cwd", errno.ENOENT) == not_started(shim.run("no-such-command", options=["cwd=/no/such"]))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs an unprivileged user of its own")
def test_no_process_to_be_had(shim):
    """RLIMIT_NPROC does not bind root, so the shim runs as a user that nobody else is."""
    os.chmod(shim.folder, 0o777)
    shim.argv[-1] = shutil.copy(shim.argv[-1], shim.folder)
    user = str(60000 + os.getpid() % 5000)
    # the interpreter may live where that user may not look: then there is nothing to test here
    limit = ("setpriv", f"--reuid={user}", "--regid=65534", "--clear-groups", "prlimit", "--nproc=1:1")
    probe = os.spawnvp(os.P_WAIT, limit[0], [*limit[:4], "env", *shim.argv, "version"])
    if probe:
        pytest.skip("the interpreter is where an unprivileged user may not look")
    job = shim.run("true", wrapper=limit)
    assert (None, errno.EAGAIN, "fork") == tuple(job.result[key] for key in ("status", "error", "stage"))
    assert job.started is None


def test_no_descriptors_to_be_had(shim):
    limit = 24 if len(shim.argv) > 1 else 8  # in Python own descriptors begin at 20, and the interpreter needs some first
    job = shim.run("true", wrapper=("sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"))  # too few for three pipes
    assert (None, errno.EMFILE, "fork") == tuple(job.result[key] for key in ("status", "error", "stage"))
    assert job.started is None
    assert job.result["drained"]


def test_a_script_without_interpreter_line_is_run_by_sh(shim):
    script = shim.folder / "script"
    script.write_text('echo "$0 $1"\n')
    script.chmod(0o700)
    assert f"{script} one\n".encode() == shim.run(script, "one").raw()
    environment = {"PATH": f"/nonexistent:{shim.folder}"}
    assert f"{script} two\n".encode() == shim.run("script", "two", env=environment).raw()


def test_the_path_is_that_of_the_environment(shim):
    for name in ("first", "second"):
        folder = shim.folder / name
        folder.mkdir()
        (folder / "tool").write_text(f"#!/bin/sh\necho {name}\n")
    (shim.folder / "second" / "tool").chmod(0o700)
    environment = {"PATH": f"{shim.folder}/first:{shim.folder}/second"}
    assert b"second\n" == shim.run("tool", env=environment).raw()  # the first one is not executable: the search goes on
    (shim.folder / "first" / "tool").chmod(0o700)
    assert b"first\n" == shim.run("tool", env=environment).raw()
    for path in ("", ":/nonexistent", "/nonexistent:"):  # an empty entry is the current directory
        assert b"first\n" == shim.run("tool", env={"PATH": path}, options=[f"cwd={shim.folder}/first"]).raw()
    assert 0 == shim.run("true", env={}).result["status"]  # without PATH the system's default


def test_a_command_does_not_begin_before_started_could_be_written(shim):
    """On a disk that refuses even room that was reserved the run waits: nobody may think that it never began."""
    witness = shim.folder / "witness"
    job = shim.start("touch", witness, wrapper=("sh", "-c", 'ulimit -S -f 0; exec "$@"', "sh"))
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children")
    child = eventually(lambda: int(children.read_text() or 0) or False, 60)
    assert job.started is None
    assert job.locked
    assert not witness.exists()
    for pid in (job.pid, child):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
    assert 0 == job.wait().result["status"]
    assert witness.exists()
