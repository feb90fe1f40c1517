"""One table of options for command line, Python, environment and store."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.cli.parse import parse
from outlast.core import kinds
from outlast.core.errors import UsageError
from outlast.core.jsontext import dumps, loads
from outlast.core.options import BY_NAME, OPTIONS, SPEC, flatten, spelled, stored, value

SECOND = 1_000_000_000


def test_python_keywords_become_a_flat_spec():
    assert {
        "name": "backup",
        "info": ["a", "", ""],
        "param": {"region": "eu", "n": "1"},
        "env": {"A": "1", "B": None},
        "unset-env": ["C", "D"],
        "retries.num-runs": 3,
        "retries.delay": 5 * SECOND,
        "stop.signal": 2,
        "stop.grace": 60 * SECOND,
        "log.stdout": False,
        "log.file.max-bytes": 10**9,
    } == flatten({
        "name": "backup",
        "info": "a",
        "param": {"region": "eu", "n": 1},
        "env": ["A=1", "B"],
        "unset_env": ["C", "D"],
        "retries": {"num_runs": 3, "delay": "5s"},
        "stop": {"signal": "INT", "grace": timedelta(minutes=1)},
        "log": {"stdout": False, "file": {"max_bytes": "1GB"}},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("keywords", "spec"),
    [
        ({"retries": 3}, {"retries.num-runs": 4}),
        ({"retries": "none"}, {"retries.num-runs": None}),
        ({"retries": -1}, {"retries.num-runs": None}),
        ({"retries": 0}, {}),
        ({"retries": {"num_runs": 1, "delay": 0}}, {}),
        ({"retries": None, "name": None}, {}),
        ({"retries.num-runs": 2}, {"retries.num-runs": 2}),
        ({"retries": {"success_codes": [0, 3]}}, {"retries.success-codes": [0, 3]}),
        ({"retries": {"failure_codes": "1,10-12"}}, {"retries.failure-codes": [1, 10, 11, 12]}),
        ({"retries": {"success_codes": 0}}, {}),
        ({"leftovers": "stop"}, {"leftovers.action": "stop"}),
        ({"leftovers": {"action": "stop", "grace": 1}}, {"leftovers.action": "stop", "leftovers.grace": SECOND}),
        ({"log": {"run": {"max_files": "none"}}}, {"log.run.max-files": None}),
        ({"unique": True}, {"unique": True}),
        ({"unique": False}, {}),
        ({"description": "", "env": {}, "info": ["", "", ""]}, {}),
        ({"stop": {"signal": 15, "grace": 10}}, {}),
    ],
)  # fmt: skip
def test_only_what_differs_is_kept(keywords, spec):
    assert spec == flatten(keywords)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"retrys": 3}, "`retries`"),
        ({"retries": {"num": 3}}, "`retries.num-runs`"),
        ({"foreground": True}, "foreground"),
        ({"jobs": 4}, "jobs"),
        ({"info": ["a"] * 4}, "3 is the most"),
        ({"retries": {"delay": "x"}}, "--retries.delay: `x`"),
        ({"retries": {"delay": "none"}}, "end"),
        ({"retries": {"num_runs": 0}}, "out of range"),
        ({"retries": {"num_runs": 2.5}}, "2.5"),
        ({"retries": {"success_codes": "300"}}, "300"),
        ({"retries": {"success_codes": "5-1"}}, "5-1"),
        ({"retries": {"failure_codes": 0}}, "both"),
        ({"overlap": "skp"}, "`skip`"),
        ({"key": "k", "unique": True}, "exclude"),
        ({"key": ""}, "empty"),
        ({"name": 5}, "5"),
        ({"name": "a\0b"}, "NUL"),
        ({"param": "x"}, "NAME=VALUE"),
        ({"env": "=x"}, "name"),
        ({"env": 5}, "NAME=VALUE"),
        ({"unset_env": ["A=1"]}, "A=1"),
        ({"log": {"run": {"max_files": 1}}}, "at least 2"),
        ({"log": {"run": {"max_files": 1001}}}, "at most 1000"),
        ({"log": {"file": {"max_bytes": 1}}}, "at least 1KiB"),
        ({"leftovers": {"grace": 10**6 + 1}}, "at most"),
        ({"log": {"stdout": "maybe"}}, "maybe"),
        ({"stop": {"signal": "NOSUCH"}}, "NOSUCH"),
    ],
)
def test_refused_with_the_option_and_the_nearest(keywords, said):
    with pytest.raises(UsageError) as caught:
        flatten(keywords)
    assert said in str(caught.value)


def test_the_value_is_what_is_stored_or_the_default():
    assert 1 == value({}, "retries.num-runs")
    assert value({"retries.num-runs": None}, "retries.num-runs") is None
    assert 32 << 20 == value({}, "log.file.max-bytes")


def test_the_stored_spec_names_the_environment_without_its_values():
    spec = flatten({"name": "x", "env": {"SECRET": "word", "A": "1"}, "retries": 2, "shell": True})
    assert {"env": ["A", "SECRET"], "retries.num-runs": 3} == stored(spec)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_whole(option):
    assert option.help
    assert not option.help.endswith(".")
    assert any(spelling in option.example for spelling in (*option.spellings, f"--no-{option.name}"))
    assert bool(option.metavar) == option.takes_value
    assert not option.choices or option.kind in {kinds.CHOICE, kinds.WORDS, kinds.SORT, kinds.OVERLAP}
    assert option.expands == "" or option.expands in BY_NAME


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_example_is_understood(option):
    import shlex

    words = shlex.split(option.example)
    command = [] if "--from" in words or "--" in words else ["--", "true"]
    parsed = parse(["run", *words, *command], {})
    name = option.expands or option.name
    assert name in parsed.options or option.default == parsed[name], "the example does nothing"


def test_no_spelling_is_used_twice():
    spellings = [spelling for option in OPTIONS for spelling in option.spellings]
    assert len(set(spellings)) == len(spellings)
    variables = [option.variable for option in OPTIONS]
    assert len(set(variables)) == len(variables)


STORED = {
    "retries.num-runs": st.integers(1, 10**6) | st.none(),
    "retries.delay": st.integers(0, 2**62),
    "retries.success-codes": st.sets(st.integers(0, 127), min_size=1).map(sorted),
    "retries.failure-codes": st.sets(st.integers(128, 255)).map(sorted),
    "stop.signal": st.integers(1, 31),
    "stop.grace": st.integers(0, 2**62),
    "leftovers.action": st.sampled_from(["keep", "stop"]),
    "log.stdout": st.booleans(),
    "log.file.max-bytes": st.integers(1024, 2**62) | st.none(),
    "log.run.max-files": st.integers(2, 1000) | st.none(),
    "limit.memory": st.integers(2**20, 2**62) | st.none(),
    "limit.processes": st.integers(1, 10**6) | st.none(),
    "limit.cpus": st.integers(10, 9_999_999) | st.none(),
    "limit.cpu-time": st.integers(0, 2**62) | st.none(),
    "limit.file-size": st.integers(0, 2**62) | st.none(),
    "limit.nice": st.integers(-20, 19),
    "overlap": st.sampled_from(["skip", "allow", "allow=2", "queue", "queue=1", "replace", "join"]),
}


@given(st.fixed_dictionaries({}, optional=STORED))
def test_a_spec_survives_json_and_is_read_back_from_how_it_is_spelled(spec):
    assert set(STORED) <= {option.name for option in OPTIONS if option.stored == SPEC}
    assert spec == loads(dumps(spec))
    kept = {name: held for name, held in spec.items() if value({}, name) != (tuple(held) if isinstance(held, list) else held)}
    assert kept == flatten(spelled(spec))


ANYTHING = st.text(st.characters()) | st.integers() | st.none() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from([option.name for option in OPTIONS]), ANYTHING))
def test_nothing_but_a_spec_or_a_usage_error(keywords):
    try:
        spec = flatten(keywords)
    except UsageError:
        return
    assert set(spec) <= set(BY_NAME)


def test_some_code_must_mean_success() -> None:
    with pytest.raises(UsageError, match="no code would mean success"):
        flatten({"retries": {"success_codes": []}})
