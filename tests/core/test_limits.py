"""What holds a job to its limits: the plan alone. That it really does is tested with shims in `tests/shim/test_limits.py`."""

import resource

import pytest

from outlast.core.errors import UsageError
from outlast.core.limits import plan
from outlast.core.options import flatten, spelled

GIB = 1 << 30
FREE = {"rlimits": {}, "nice": 0, "affinity": [0, 1, 2, 3], "umask": 0o22}
ALL = flatten({"limit": {"memory": "1GiB", "processes": 50, "cpus": "1.5", "cpu_time": "90.2s", "file_size": "1MiB", "nice": 5}})
AS, NPROC, CPU, FSIZE = (int(number) for number in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE))
ALWAYS = [f"rlimit={CPU}:91:96", f"rlimit={FSIZE}:1048576:1048576", "nice=5"]


def test_no_limits():
    assert ([], {}, {}) == tuple(plan({"stdin": "live", "limit.memory": None}, ["memory"], FREE))


def test_with_a_cgroup():
    made = plan(ALL, ["memory", "pids", "cpu"], FREE)
    assert ALWAYS == made.words
    settings = {"memory.max": str(GIB), "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "50", "cpu.max": "150000 100000"}
    assert settings == made.settings
    used = {"memory": "cgroup", "processes": "cgroup", "cpus": "cgroup", "cpu-time": "rlimit", "file-size": "rlimit", "nice": "priority"}
    assert used == made.used


def test_without_one():
    made = plan(ALL, [], FREE)
    assert [f"rlimit={AS}:{GIB}:{GIB}", f"rlimit={NPROC}:50:50", "affinity=0,1", *ALWAYS] == made.words
    assert {} == made.settings
    assert {"memory": "rlimit", "processes": "rlimit", "cpus": "affinity"}.items() <= made.used.items()


def test_with_some_controllers():
    made = plan(ALL, ["pids"], FREE)
    assert ({"pids.max": "50"}, "cgroup", "rlimit") == (made.settings, made.used["processes"], made.used["memory"])


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ((-1, -1), f"{GIB}:{GIB}"),
        ((2 * GIB, -1), f"{GIB}:{GIB}"),
        ((5000, -1), f"5000:{GIB}"),
        ((5000, 9000), "5000:9000"),
        ((9000, 9000), "9000:9000"),
        ((0, 0), "0:0"),
    ],
)
def test_nothing_is_more_than_the_submitter_had(own, expected):
    made = plan({"limit.memory": GIB}, [], {**FREE, "rlimits": {str(AS): [*own]}})
    assert [f"rlimit={AS}:{expected}"] == made.words


@pytest.mark.parametrize(
    ("given", "own", "expected"),
    [("1ns", (-1, -1), "1:6"), ("0", (-1, -1), "1:6"), ("1h", (-1, -1), "3600:3605"), ("10s", (-1, 12), "10:12"), ("10s", (-1, 7), "7:7")],
)
def test_cpu_time_is_whole_seconds(given, own, expected):
    made = plan(flatten({"limit": {"cpu_time": given}}), [], {**FREE, "rlimits": {str(CPU): [*own]}})
    assert [f"rlimit={CPU}:{expected}"] == made.words


@pytest.mark.parametrize(
    ("cpus", "affinity", "turn", "expected"),
    [
        ("0.5", [4, 5, 6], 0, ["affinity=4"]),
        ("1", [4, 5, 6], 1, ["affinity=5"]),
        ("1.001", [4, 5, 6], 1, ["affinity=4,6"]),
        ("3", [4, 5, 6], 7, ["affinity=4,5,6"]),
        ("64", [4, 5, 6], 2, ["affinity=4,5,6"]),
        ("1", None, 0, []),
    ],
)
def test_whole_cpus_of_the_submitters(cpus, affinity, turn, expected):
    made = plan(flatten({"limit": {"cpus": cpus}}), [], {**FREE, "affinity": affinity}, turn)
    assert expected == made.words
    assert {"cpus": "affinity" if expected else "nothing"} == made.used


@pytest.mark.parametrize(
    ("given", "kept"), [("2", 2000), (2, 2000), ("1.5", 1500), (0.25, 250), (".5", 500), ("0.01", 10), (" 1.125 ", 1125)]
)
def test_numbers_of_cpus(given, kept):
    spec = flatten({"limit": {"cpus": given}})
    assert {"limit.cpus": kept} == spec
    assert spec == flatten(spelled(spec))


@pytest.mark.parametrize("given", ["0", "0.001", "-1", "1.0001", "x", "", ".", "1e3", "٣", "99999", True, "1.5.1", "nan"])
def test_what_is_no_number_of_cpus(given):
    with pytest.raises(UsageError, match="limit.cpus"):
        flatten({"limit": {"cpus": given}})


def test_no_limit_and_what_is_out_of_bounds():
    assert {} == flatten({"limit": {"cpus": "none", "memory": "none", "processes": "none", "cpu_time": "none", "file_size": "none"}})
    assert {"limit.nice": -5} == flatten({"limit": {"nice": "-5"}})
    for name, given in (("nice", 20), ("nice", -21), ("memory", "4KiB"), ("processes", 0)):
        with pytest.raises(UsageError, match=f"limit.{name}"):
            flatten({"limit": {name: given}})
