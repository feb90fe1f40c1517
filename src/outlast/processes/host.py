"""What this host tells of itself, from the kernel and a few files: nothing waits, nobody on the network is asked, unknown is None."""

import os
import stat
import time

from outlast.core.errors import OutlastError
from outlast.processes.identity import boot_id
from outlast.seams import boottime, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST = 1 << 16  # bytes of a file that are read


def probe(home: str) -> "dict[str, Any]":
    """Return the facts; `home` is the directory whose file system is told. Instants and durations in ns, sizes in bytes."""
    probes: tuple[Callable[[], dict[str, Any]], ...] = (
        _names, _system, _container, _cgroup, _processors, _memory, _load, _boot, _zone, _user, lambda: _room(home),
    )  # fmt: skip
    facts: dict[str, Any] = {}
    for look in probes:
        try:
            facts.update(look())
        except (OSError, ValueError, LookupError, AttributeError, OutlastError):
            continue  # what it would have told is not known
    return facts


def contents(path: str) -> str | None:
    """Return the beginning of an ordinary file, or of one in /proc or /sys; None if there is none. A FIFO does not keep us waiting."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        data = b""
        while len(data) < MOST and (piece := os.read(fd, MOST - len(data))):
            data += piece
        return data.decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(fd)


def _names() -> "dict[str, Any]":
    """Return the names of the host; the full one as /etc/hosts has it, since to ask for it could take a minute."""
    name = os.uname().nodename
    full = name if "." in name else None
    for line in (contents("/etc/hosts") or "").splitlines():
        words = line.partition("#")[0].split()[1:]
        if full is None and name in words:
            full = next((word for word in words if word.startswith(f"{name}.")), None)
    domain = (contents("/proc/sys/kernel/domainname") or "").strip()
    if full is None and domain and domain != "(none)":
        full = f"{name}.{domain}"
    return {"host": name, "fqdn": full}


def _system() -> "dict[str, Any]":
    told = os.uname()
    release = contents("/etc/os-release") or contents("/usr/lib/os-release") or ""
    names = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    name = names.get("PRETTY_NAME", names.get("NAME", "")).strip("\"'")
    return {"system": name or None, "kernel": f"{told.sysname} {told.release}", "architecture": told.machine}


def _container() -> "dict[str, Any]":
    """Tell what container we are in, by the marks that the usual ones leave. None: none of them."""
    told = (contents("/run/systemd/container") or "").strip() or os.environ.get("container", "")  # noqa: SIM112  # systemd's
    if not told:
        cgroup = contents("/proc/1/cgroup") or ""
        marks = {"docker": "/docker", "kubernetes": "/kubepods", "lxc": "/lxc"}
        told = next((name for name, mark in marks.items() if mark in cgroup), "")
        if os.path.exists("/run/.containerenv"):
            told = "podman"
        elif os.path.exists("/.dockerenv"):
            told = "docker"
        elif "microsoft" in os.uname().release.lower():
            told = "wsl"
    return {"container": told or None}


def _cgroup() -> "dict[str, Any]":
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return {"cgroup": 2}
    return {"cgroup": 1 if os.path.exists("/proc/cgroups") and os.path.isdir("/sys/fs/cgroup") else None}


def _processors() -> "dict[str, Any]":
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return {"cpus": os.cpu_count(), "cpus_usable": usable}


def _memory() -> "dict[str, Any]":
    told = {name: words.split() for name, _, words in (line.partition(":") for line in (contents("/proc/meminfo") or "").splitlines())}
    names = {"memory": "MemTotal", "memory_available": "MemAvailable", "swap": "SwapTotal"}
    return {fact: int(told[name][0]) << 10 if name in told else None for fact, name in names.items()}


def _load() -> "dict[str, Any]":
    return {"load": [round(load, 2) for load in os.getloadavg()]}


def _boot() -> "dict[str, Any]":
    up = boottime()
    return {"boot_id": boot_id(), "booted_at": now() - up, "uptime": up}


def _zone() -> "dict[str, Any]":
    if os.environ.get("TZ"):
        return {"time_zone": os.environ["TZ"].lstrip(":")}
    try:
        name = os.readlink("/etc/localtime").partition("zoneinfo/")[2]
    except OSError:
        name = ""
    return {"time_zone": name or (contents("/etc/timezone") or "").strip() or time.tzname[0]}


def _user() -> "dict[str, Any]":
    import pwd

    number = os.getuid()
    try:
        return {"user": pwd.getpwuid(number).pw_name}
    except KeyError:
        return {"user": str(number)}


def _room(home: str) -> "dict[str, Any]":
    place = home
    while not os.path.isdir(place) and place != "/":
        place = os.path.dirname(place)
    room = os.statvfs(place)
    facts = {"home_size": room.f_blocks * room.f_frsize, "home_free": room.f_bavail * room.f_frsize}
    return {**facts, "home_filesystem": _type_of(os.path.realpath(place))}


def _type_of(path: str) -> str | None:
    """Return the type of the file system that `path` is on (proc_pid_mountinfo(5)); of several at one place the last."""
    best, kind = "", None
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            head, _, tail = line.partition(" - ")
            point = head.split()[4].replace("\\040", " ")
            if len(point) >= len(best) and (path == point or path.startswith(f"{point.rstrip('/')}/")):
                best, kind = point, tail.split()[0]
    return kind
