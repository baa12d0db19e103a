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
    found = course(engine, {"by": by}, None, step)
    assert found == course(engine, {"by": by}, [row.key for row in rows], step)
    assert not any(each.other for each in found)
    for row in rows:
        mine = [each.row for each in found if each.row.key == row.key]
        for name in ("cost", "input_tokens", "calls", "unpriced", "uncounted"):
            told = [value for each in mine if (value := getattr(each, name)) is not None]
            assert (sum(told) if told else None) == getattr(row, name), (row.key, name)
    moments = {row.key for row in questions.costs(by=step, store=engine)}
    assert {each.moment for each in found} == moments


def test_all_other_keys_are_one_row_of_a_time(engine: Engine) -> None:
    found = course(engine, {"by": "model"}, ["a"], "day")
    told = [(each.row.key, each.other, each.row.cost, each.row.unpriced) for each in found]
    assert told == [("", True, 12.0, 1), ("a", False, 1.5, 0), ("a", False, 16.0, 0)]


def test_what_has_no_key_is_a_key(engine: Engine) -> None:
    found = course(engine, {"by": "user"}, [""], "day")
    told = [(each.row.key, each.other, each.row.cost) for each in found]
    assert told == [("", False, 13.0), ("", True, 0.5), ("", False, 16.0)]


def test_conditions_hold(engine: Engine) -> None:
    given = {"by": "model", "user": "ada", "tag": "x"}
    (one,) = course(engine, given, ["a", "b"], "hour")
    assert (one.row.key, one.row.cost, one.row.calls) == ("a", 0.5, 1)


def test_a_call_is_in_the_row_of_each_of_its_tags(engine: Engine) -> None:
    found = course(engine, {"by": "tag", "user": "ada", "model": "a"}, ["x", "y"], "day")
    assert [(each.row.key, each.row.cost) for each in found] == [("x", 0.5), ("y", 0.5)]


def test_keys_may_be_any_text(engine: Engine) -> None:
    found = course(engine, {"by": "model"}, ["'; DROP TABLE span; --", "{filters}", ":user"], "day")
    assert all(each.other for each in found)


def test_of_the_same_agent_are_the_calls_below_it_and_below_its_steps(written: Written) -> None:
    """Calls have it from the span above, from one further up, or themselves."""

    def below(number: int, parent: int, name: str, **attributes: Any) -> StoredSpan:
        told = {"trace_id": "a" * 32, "span_id": f"{number:016x}", "parent_id": f"{parent:016x}"}
        if name == "chat":
            return call(number, "m", attributes=attributes, **told)
        return span(number, name, attributes=attributes, **told)

    engine = written(
        below(1, 0, "invoke_agent", **{s.OPERATION_NAME: s.INVOKE_AGENT, s.AGENT_NAME: "writer"}),
        below(2, 1, "anything"),
        below(4, 2, "chat"),
        below(8, 2, "chat"),
        below(16, 1, "chat"),
        below(32, 2, "chat", **{s.AGENT_NAME: "editor"}),
        # Above this one nothing is stored.
        below(64, 99, "chat"),
    )
    assert [(row.key, row.cost) for row in questions.costs(by="agent", store=engine)] == [
        ("", 32.0),
        ("editor", 16.0),
        ("writer", 14.0),
    ]
