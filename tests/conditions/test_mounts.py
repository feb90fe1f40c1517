"""Paths on network file systems are told by the table of mounts, and nothing on them is touched."""

import os
from pathlib import Path

import pytest

from outlast.conditions.mounts import is_remote

LINE = "36 35 98:0 / {point} rw,noatime shared:1 - {kind} server:/x rw\n"


def table(tmp_path: Path, **mounts: str) -> str:
    path = tmp_path / "mountinfo"
    path.write_text("".join(LINE.format(point=point.replace(" ", "\\040"), kind=kind) for point, kind in mounts.items()))
    return str(path)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse", "9p"])
def test_what_lies_below_a_mount_of_a_network(tmp_path: Path, kind: str) -> None:
    mounts = table(tmp_path, **{"/": "ext4", "/mnt/far away": kind})
    assert is_remote("/mnt/far away/in/data", mounts)
    assert is_remote("/mnt/./near/../far away", mounts)
    assert not is_remote("/mnt/far", mounts)
    assert not is_remote("/srv/data", mounts)


def test_links_are_followed_where_it_is_safe(tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    (tmp_path / "link").symlink_to("far/data")
    (tmp_path / "loop").symlink_to("loop")
    mounts = table(tmp_path, **{"/": "ext4", str(far): "nfs"})
    assert is_remote(str(tmp_path / "link"), mounts)
    assert is_remote(str(tmp_path / "link" / "below"), mounts)
    assert not is_remote(str(tmp_path / "loop"), mounts)
    assert not is_remote(str(tmp_path / "near"), mounts)


def test_nothing_is_said_where_nothing_is_known(tmp_path: Path) -> None:
    assert not is_remote("/x", str(tmp_path / "no such table"))
    assert not is_remote(os.getcwd(), table(tmp_path, **{"/": "ext4"}))
