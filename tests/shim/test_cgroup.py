"""Joining a cgroup: here a plain directory stands for one; what the kernel makes of it is its own."""

from pathlib import Path


def group(shim):
    folder = shim.folder / "group"
    folder.mkdir()
    (folder / "cgroup.procs").write_bytes(b"")
    return folder


def test_the_command_joins(shim):
    folder = group(shim)
    job = shim.run("cat", folder / "cgroup.procs", options=[f"cgroup={folder}"])
    assert b"0" == job.raw()  # it was in before its first instruction
    assert [] == job.result["unrestored"]


def test_it_joins_before_all_else_of_its_set_up(shim):
    folder = group(shim)
    job = shim.run("true", options=[f"cgroup={folder}", "stdin=/no/such", "cwd=/no/such"])
    assert "stdin" == job.result["stage"]
    assert b"0" == (folder / "cgroup.procs").read_bytes()


def test_a_cgroup_that_cannot_be_joined_is_named_and_not_fatal(shim):
    (shim.folder / "empty").mkdir()
    for place in ("/no/such", shim.folder / "empty", "/dev/full"):
        job = shim.run("true", options=[f"cgroup={place}"])
        assert (0, ["cgroup"]) == (job.result["status"], job.result["unrestored"])
    assert not Path(shim.folder, "empty", "cgroup.procs").exists()
    full = group(shim)
    (full / "cgroup.procs").unlink()
    (full / "cgroup.procs").symlink_to("/dev/full")
    job = shim.run("true", options=[f"cgroup={full}", "rlimit=7:5:4"])
    assert (0, ["cgroup", "rlimit:7"]) == (job.result["status"], job.result["unrestored"])
