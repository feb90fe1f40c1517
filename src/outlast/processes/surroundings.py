"""What is taken of the submitter, kept with the job and given back to its command by the shim.

On the command path: imports nothing but `os` and `resource`. The result is plain JSON.
"""

import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})


def surroundings() -> "dict[str, Any]":
    """Return umask, nice value, CPU numbers (None: no such thing here), limits by number ([soft, hard], -1 = infinity), pid namespace."""
    return {
        "umask": umask(),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "affinity": _affinity(),
        "rlimits": {str(number): [_finite(limit) for limit in resource.getrlimit(number)] for number in _LIMITS},
        "pidns": _pid_namespace(),
    }


def umask() -> int:
    """Return the file mode creation mask without changing it, where /proc tells it (Linux 4.7); else by setting it twice."""
    try:
        fd = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(fd, 4096)
        finally:
            os.close(fd)
    except OSError:
        text = b""
    told = text.partition(b"\nUmask:")[2].partition(b"\n")[0].strip()
    if told:
        return int(told, 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _affinity() -> "list[int] | None":
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # macOS; more CPUs than the C library knows of
        return None


def _finite(limit: int) -> int:
    """Return -1 for infinity: Python says -1 on Linux, other systems another number."""
    return -1 if limit == resource.RLIM_INFINITY else limit


def _pid_namespace() -> "int | None":
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


def raise_descriptor_limit() -> None:
    """Allow ourselves as many descriptors as the hard limit does: two for every live run."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def limits_of_others(own: "dict[str, object]") -> "dict[str, object]":
    """Return the resource limits of `own` surroundings but for that which we raise for ourselves."""
    import resource

    limits = own["rlimits"]
    if not isinstance(limits, dict):
        return {}
    return {number: limit for number, limit in limits.items() if number != str(resource.RLIMIT_NOFILE)}
