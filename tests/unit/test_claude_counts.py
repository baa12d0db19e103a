"""What Claude's program counts from its start, by turn; and totals that take the place of sums."""

from __future__ import annotations

import pytest
from opentelemetry.context import Context

from otelier import context as ctx
from otelier import semconv
from otelier.frameworks.claude_agent.counts import Totals, usage
from otelier.scope import Scope, apart, began, theirs
from otelier.semconv import Attributes
from otelier.usage import Usage


def result(cost: float, read: int, wrote: int) -> dict[str, object]:
    return {
        "total_cost_usd": cost,
        "modelUsage": {
            "a": {"inputTokens": read - 3, "cacheReadInputTokens": 2, "outputTokens": wrote},
            "b": {"inputTokens": 0, "cacheCreationInputTokens": 1, "outputTokens": 0},
        },
    }


def test_a_turn_used_the_difference() -> None:
    totals = Totals()
    assert totals.turn(result(0.5, 10, 4)) == (10, 4, 0.5)
    assert totals.turn(result(0.75, 30, 9)) == (20, 5, 0.25)
    # It counts anew.
    assert totals.turn(result(0.125, 5, 1)) == (5, 1, 0.125)
    assert totals.turn({"result": "a command"}) == (None, None, None)
    assert totals.turn(result(0.25, 6, 2)) == (1, 1, 0.125)


def test_all_input_counts() -> None:
    told = {"input_tokens": 1, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 4}
    assert usage({**told, "output_tokens": 8}) == Usage(
        input=7, output=8, cache_read=2, cache_write=4
    )
    assert usage({}) is None
    assert usage("what?") is None


@pytest.mark.parametrize("cost", [None, 0.25])
def test_what_is_told_takes_the_place_of_the_sum_here_and_around(cost: float | None) -> None:
    outer = Scope(None, "day", False)
    inner = Scope(outer, None, True)
    theirs(outer, semconv.CHAT, Usage(input=1, output=1), 1.0)
    theirs(inner, semconv.CHAT, Usage(input=10, output=5), 0.5)
    theirs(inner, semconv.CHAT, None, None)
    inner.settle(30, 9, cost, Context())
    told: Attributes = {}
    inner.close(told, True)
    around: Attributes = {}
    outer.close(around, True)
    assert (told[semconv.USAGE_INPUT], told[semconv.USAGE_OUTPUT]) == (30, 9)
    assert (around[semconv.USAGE_INPUT], around[semconv.USAGE_OUTPUT]) == (31, 10)
    assert told[semconv.COST_TOTAL] == (0.5 if cost is None else cost)
    assert around[semconv.COST_TOTAL] == (1.5 if cost is None else 1.25)
    assert (semconv.UNPRICED_CALLS in told) == (semconv.UNPRICED_CALLS in around) == (cost is None)


def test_what_is_told_is_beside_what_the_program_used_itself() -> None:
    def call(here: Context, tokens: int, cost: float | None) -> None:
        share = began(here, semconv.CHAT)
        assert share is not None
        share.used(Usage(input=tokens, output=tokens), cost, early=False)
        share.end()

    def within(here: Context, scope: Scope) -> Context:
        return ctx.with_value(here, ctx.SCOPE, scope)

    outer = Scope(None, "one", True)
    of_outer = within(Context(), outer)
    in_tool = apart(of_outer)
    # In a tool of its: a call of the program's, and an agent of the same kind.
    inner = Scope(outer, "two", True)
    of_inner = within(in_tool, inner)
    call(of_outer, 10, 0.5)
    call(in_tool, 3, None)
    call(of_inner, 10, 0.5)
    call(apart(of_inner), 4, 0.25)
    inner.settle(100, 100, 1.0, of_inner)
    outer.settle(1000, 1000, 2.0, of_outer)
    found: list[Attributes] = []
    for scope in (inner, outer):
        told: Attributes = {}
        scope.close(told, True)
        found.append(told)
    assert [each[semconv.USAGE_INPUT] for each in found] == [104, 1107]
    assert [each[semconv.USAGE_OUTPUT] for each in found] == [104, 1107]
    assert [each[semconv.COST_TOTAL] for each in found] == [1.25, 3.25]
    # What the call in the tool has cost is missing.
    assert [each.get(semconv.UNPRICED_CALLS) for each in found] == [None, 1]
