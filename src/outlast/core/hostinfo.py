"""Named facts of a host: their names, and how a person's own constants are written."""

# name -> what people read; the order is that of every list
FACTS: "dict[str, str]" = {
    "host": "host",
    "fqdn": "full name",
    "system": "system",
    "kernel": "kernel",
    "architecture": "architecture",
    "container": "container",
    "cgroup": "cgroup version",
    "cpus": "CPUs",
    "cpus_usable": "CPUs for us",
    "memory": "memory",
    "memory_available": "memory left",
    "swap": "swap",
    "load": "load",
    "boot_id": "boot",
    "booted_at": "booted",
    "uptime": "up for",
    "time_zone": "time zone",
    "user": "user",
    "home": "home",
    "home_filesystem": "file system",
    "home_size": "size of it",
    "home_free": "free on it",
    "outlast": "outlast",
    "python": "Python",
    "sqlite": "SQLite",
}
SIZES = frozenset({"memory", "memory_available", "swap", "home_size", "home_free"})  # bytes
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_LONGEST = 100


def parse_constants(text: str, where: str) -> "tuple[dict[str, str], list[str]]":
    """Return (name -> value, complaints about lines) of a file of constants: `name = value` a line, `#` begins a comment line.

    Of several lines with the same name the last one holds. `where`: the file, for the complaints.
    """
    told: dict[str, str] = {}
    complaints = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()  # noqa: PLW2901  # a line without its margin is the line
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            complaints.append(f"{where}:{number}: no `=`: write `name = value`")
        elif not name or len(name) > _LONGEST or not _LETTERS.issuperset(name):
            complaints.append(f"{where}:{number}: `{name[:40]}` is no name: letters, digits, `.`, `_` and `-`")
        else:
            told[name] = value
    return told, complaints
