from __future__ import annotations

import pytest

from otelier import semconv
from otelier.store.spans import StoredSpan

from .build import chat, render, span


def total(*spans: StoredSpan) -> str:
    """The last lines of the trace's tree, as one line and without the duration."""
    text = render(spans, width=400)
    return text.splitlines()[-1].partition("ms")[2].removeprefix(" · ")


@pytest.mark.parametrize(
    "operation", ["invoke_agent", "invoke_workflow", "execute_tool", "made_up"]
)
def test_sums_on_agents_and_workflows_are_not_counted_again(operation: str) -> None:
    outer = span(
        "a",
        None,
        operation,
        0,
        9,
        attributes={
            "gen_ai.operation.name": operation,
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 1000,
            "gen_ai.usage.cost": 1.0,
            "otelier.cost.total": 1.0,
        },
    )
    tools = "1 tool call · " if operation == "execute_tool" else ""
    assert total(outer, chat("c", "a")) == f"1 model call · {tools}in 10 out 5 · $0.001"


@pytest.mark.parametrize("operation", ["chat", "text_completion", "generate_content", "embeddings"])
def test_all_model_calls_are_counted(operation: str) -> None:
    spans = (chat("a", None, operation=operation), chat("b", "a", operation="chat" * 2))
    assert total(*spans) == "1 model call · in 10 out 5 · $0.001"


def test_a_call_that_two_libraries_saw_counts_once() -> None:
    assert total(chat("a", None), chat("b", "a")) == "1 model call · in 10 out 5 · $0.001"
    assert (
        total(chat("a", None), span("m", "a", "middle"), chat("b", "m"))
        == "1 model call · in 10 out 5 · $0.001"
    )


def test_what_only_the_inner_span_of_a_call_knows_is_counted() -> None:
    outer = chat("a", None, tokens=None, cost=None)
    assert total(outer, chat("b", "a")) == "1 model call · in 10 out 5 · $0.001"
    twice = (outer, chat("b", "a"), chat("c", "a"))
    assert total(*twice) == "1 model call · in 20 out 10 · $0.002"
    thrice = (outer, chat("b", "a", cost=None), chat("c", "b"))
    assert total(*thrice) == "1 model call · in 10 out 5 · $0.001"


def test_different_operations_within_each_other_both_count() -> None:
    spans = (chat("a", None), chat("b", "a", operation="embeddings"))
    assert total(*spans) == "2 model calls · in 20 out 10 · $0.002"


@pytest.mark.parametrize("operation", ["execute_tool", "invoke_agent", "invoke_workflow"])
def test_a_call_made_by_a_tool_of_a_call_is_a_call(operation: str) -> None:
    tool = span("t", "a", "t", attributes={"gen_ai.operation.name": operation})
    assert "2 model calls" in total(chat("a", None), tool, chat("b", "t"))


def test_an_unknown_price_is_said_and_never_zero() -> None:
    assert total(chat("a", None, cost=None)) == (
        "1 model call · in 10 out 5 · 1 call without a known price"
    )
    two = span("r", None, "r"), chat("a", "r", cost=None), chat("b", "r", cost=None)
    assert total(*two, chat("c", "r")) == (
        "3 model calls · in 30 out 15 · $0.001 · 2 calls without a known price"
    )


def test_a_call_that_failed_at_once_needs_no_price() -> None:
    failed = chat("a", None, tokens=None, cost=None, error="no")
    assert total(failed) == "1 model call · 1 error"
    broken_off = chat("a", None, cost=None, error="no")
    assert total(broken_off).endswith("1 error · in 10 out 5 · 1 call without a known price")


def test_an_error_that_passes_through_its_callers_is_one_error() -> None:
    kind = {"error.type": "ValueError"}
    chain = (
        span("w", None, "w", error="x", attributes=kind),
        span("a", "w", "a", error="x", attributes=kind),
        chat("c", "a", error="x", attributes=kind),
        span("h", "c", "POST", error="404", attributes={"error.type": "404"}),
    )
    assert "· 1 error ·" in total(*chain)
    assert "· 2 errors ·" in total(*chain, span("o", "w", "other", error="y", attributes=kind))


def test_errors_are_counted_where_nothing_else_went_wrong() -> None:
    assert total(span("h", None, "GET", error="boom")) == "1 error"


def test_an_answer_in_the_background_counts_where_it_was_fetched() -> None:
    begun = chat("a", "r", tokens=None, cost=None, attributes={semconv.BACKGROUND: True})
    polls = chat("b", "r", operation="fetch_response", tokens=None, cost=None)
    fetched = chat("c", "r", operation="fetch_response")
    spans = (span("r", None, "r"), begun, polls, fetched)
    assert total(*spans) == "1 model call · in 10 out 5 · $0.001"
    unpriced = chat("d", "r", operation="cancel_response", cost=None)
    assert total(*spans[:3], unpriced) == (
        "1 model call · in 10 out 5 · 1 call without a known price"
    )


def test_calls_that_were_cut_off_are_counted_apart() -> None:
    cut = {"otelier.cost.partial": True}
    told = total(chat("a", None), chat("b", None, attributes=cut), chat("c", None, attributes=cut))
    assert told == "3 model calls · in 30 out 15 · ≥ $0.003 · 2 calls cut off, priced in part"
    # Of a call that two libraries saw, once.
    twice = (chat("a", None, attributes=cut), chat("b", "a", attributes=cut))
    assert "1 call cut off" in total(*twice)
    assert "cut off" not in total(chat("a", None, cost=None, attributes=cut))


def test_what_the_program_says_that_a_step_costs_counts_once() -> None:
    def step(name: str, outer: str | None, operation: str, **attributes: float) -> StoredSpan:
        named = {f"otelier.cost.{key}": value for key, value in attributes.items()}
        all_ = {"gen_ai.operation.name": operation, **named}
        return span(name, outer, operation, 0, 9, attributes=all_)

    agent = step("a", None, "invoke_agent", total=0.006)
    tool = step("t", "a", "execute_tool", step=0.005)
    shown = render((agent, tool, chat("c", "a")), width=400)
    assert "Σ $0.006" in shown
    assert "Σ $0.005" not in shown
    assert "$0.005" in shown
    assert total(agent, tool, chat("c", "a")) == (
        "1 model call · 1 tool call · in 10 out 5 · $0.006"
    )


@pytest.mark.parametrize(("how", "word"), [("closed", "closed early"), ("cancelled", "cancelled")])
def test_who_left_is_told(how: str, word: str) -> None:
    left = span(
        "a",
        None,
        "chat m",
        0,
        9,
        attributes={
            "gen_ai.operation.name": "chat",
            "otelier.stream.end": how,
        },
    )
    assert f" · {word}" in render((left,), width=400).splitlines()[1]
