"""How costs went over time: the same sums as those of ``costs``, by hour and key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otelier import questions
from otelier import semconv as s
from otelier.questions.about.course import Step, course
from otelier.store.engine import Engine
from otelier.store.spans import StoredSpan
from tests.store.made import MOMENT, SECOND, span

Written = Callable[..., Engine]


def call(number: int, model: str, *, hours: float = 0, **more: Any) -> StoredSpan:
    """A model call so many hours later."""
    told = {
        s.OPERATION_NAME: s.CHAT,
        s.PROVIDER_NAME: "acme",
        s.REQUEST_MODEL: model,
        s.USAGE_INPUT: 100 * number,
        s.COST: 0.5 * number,
        **more.pop("attributes", {}),
    }
    began = MOMENT + round(hours * 3600 * SECOND)
    given = {"kind": "CLIENT", "start_ns": began, "end_ns": began + SECOND, "parent_id": None}
    return span(number, attributes=told, **{**given, **more})


@pytest.fixture
def engine(written: Written) -> Engine:
    tagged = {"attributes": {s.TAGS: ("x", "y"), s.USER_ID: "ada"}}
    unpriced = {"attributes": {s.COST: None, s.USER_ID: "ada"}}
    return written(
        call(1, "a", **tagged),
        call(2, "a"),
        call(4, "b", **unpriced),
        call(8, "c"),
        call(16, "d", hours=1.5),
        call(32, "a", hours=26),
    )


@pytest.mark.parametrize("step", ["hour", "day"])
@pytest.mark.parametrize("by", ["model", "user", "provider", "agent", "prompt"])
def test_sums_of_all_keys_are_those_of_costs(engine: Engine, by: Any, step: Step) -> None:
    rows = questions.costs(by=by, store=engine)
    found = course(engine, {"by": by}, [row.key for row in rows], step)
    assert not any(row["other"] for row in found)
    for row in rows:
        mine = [each for each in found if each["one"] == row.key]
        for name in ("cost", "input_tokens", "calls", "unpriced", "uncounted"):
            told = [each[name] for each in mine if each[name] is not None]
            assert (sum(told) if told else None) == getattr(row, name), (row.key, name)
    moments = {row.key for row in questions.costs(by=step, store=engine)}
    assert {each["moment"] for each in found} == moments


def test_all_other_keys_are_one_row_of_a_time(engine: Engine) -> None:
    found = course(engine, {"by": "model"}, ["a"], "day")
    assert [(each["one"], each["other"], each["cost"], each["unpriced"]) for each in found] == [
        ("", 1, 12.0, 1),
        ("a", 0, 1.5, 0),
        ("a", 0, 16.0, 0),
    ]


def test_what_has_no_key_is_a_key(engine: Engine) -> None:
    found = course(engine, {"by": "user"}, [""], "day")
    told = [(each["one"], each["other"], each["cost"]) for each in found]
    assert told == [("", 0, 13.0), ("", 1, 0.5), ("", 0, 16.0)]


def test_conditions_hold(engine: Engine) -> None:
    (one,) = course(engine, {"by": "model", "user": "ada", "tag": "x"}, ["a", "b"], "hour")
    assert (one["one"], one["cost"], one["calls"]) == ("a", 0.5, 1)


def test_a_call_is_in_the_row_of_each_of_its_tags(engine: Engine) -> None:
    found = course(engine, {"by": "tag", "user": "ada", "model": "a"}, ["x", "y"], "day")
    assert [(each["one"], each["cost"]) for each in found] == [("x", 0.5), ("y", 0.5)]


def test_keys_may_be_any_text(engine: Engine) -> None:
    found = course(engine, {"by": "model"}, ["'; DROP TABLE span; --", "{filters}", ":user"], "day")
    assert all(each["other"] for each in found)
