"""Frozen values: what the core is made of."""

import copy
import inspect
import pickle

import pytest

from core.samples import job_in
from outlast.core import events as e
from outlast.core import job as j
from outlast.core.job import Job, Run
from outlast.core.value import Value


class Point(Value):
    _fields = ("x", "y")
    x: int
    y: int
    _defaults = {"y": 2}


def test_fields_defaults_and_equality() -> None:
    point = Point(x=1)
    assert [("x", 1), ("y", 2)] == list(point.items())
    assert Point(x=1, y=2) == point
    assert Point(x=1, y=3) != point
    assert point != {"x": 1, "y": 2}
    assert point != (1, 2)
    assert (1, 2) != point
    assert 0 == [point].count((1, 2))
    assert e.Resumed(by="")
    assert "Point(x=1)" == repr(point)
    assert "Point(x=1, y=3)" == repr(point.replace(y=3))
    assert Point(x=1) == point


def test_a_field_that_is_missing_or_unknown_is_refused() -> None:
    with pytest.raises(TypeError, match="needs x"):
        Point(y=1)
    with pytest.raises(TypeError, match="has no z"):
        Point(x=1, z=1)
    with pytest.raises(TypeError, match="has no z"):
        Point(x=1).replace(z=1)


def test_nothing_changes_a_value() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2
    with pytest.raises(AttributeError, match="frozen"):
        del point.x
    with pytest.raises(TypeError, match="hash"):
        hash(point)


def test_a_value_can_be_copied_and_sent() -> None:
    job = job_in(j.ENDED, params={"a": "b"})
    for other in (copy.copy(job), copy.deepcopy(job), pickle.loads(pickle.dumps(job))):
        assert job == other
        assert type(job) is type(other)
    assert copy.deepcopy(job).params is not job.params


def test_every_field_of_a_value_is_annotated_in_its_order() -> None:
    """The order of the fields is the order of the columns, of the JSON and of the manual."""
    values: tuple[type[Value], ...] = (Job, Run, j.Ending, *e.EVENTS)
    for value in values:
        assert value._fields == tuple(inspect.get_annotations(value))[: len(value._fields)], value
        assert set(value._defaults) <= set(value._fields)


def test_durations_are_seconds_and_never_negative() -> None:
    assert 4.0 == job_in(j.ENDED, started_at=1_000_000_000, ended_at=5_000_000_000).duration
    assert 0.0 == job_in(j.ENDED, started_at=5, ended_at=4).duration
    assert job_in(j.ENDED, started_at=None).duration is None
