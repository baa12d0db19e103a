from __future__ import annotations

import json

from otelier.store.spans import StoredSpan

from .build import chat, messages, render, said, span

ASKED = "How many days of leave may I carry over?"
CALL = {"type": "tool_call", "id": "call_1", "name": "lookup", "arguments": {"topic": "leave"}}


def pipeline() -> list[StoredSpan]:
    """What a small agent leaves behind, in the order in which its spans end."""
    return [
        chat(
            "c1",
            "s1",
            6,
            310,
            tokens=(1204, 87),
            cost=0.00123,
            attributes={
                "gen_ai.usage.cache_read.input_tokens": 1024,
                "gen_ai.usage.reasoning.output_tokens": 64,
                "gen_ai.response.finish_reasons": ["stop"],
            },
        ),
        span("s1", "w", "classify", 5, 317, attributes={"otelier.step.name": "classify"}),
        chat(
            "e1",
            "r1",
            321,
            371,
            operation="embeddings",
            model="text-embedding-3-small",
            tokens=None,
            cost=4e-8,
            attributes={"gen_ai.usage.input_tokens": 9},
        ),
        span(
            "r1",
            "w",
            "retrieval handbook",
            320,
            372,
            attributes={
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": "handbook",
                "gen_ai.retrieval.query.text": ASKED,
                "gen_ai.retrieval.documents": json.dumps(
                    [{"id": "leave", "score": 0.8312, "text": "Five days."}, {"id": "travel"}]
                ),
            },
        ),
        span("h1", "c2", "POST", 381, 902, attributes={"http.request.method": "POST"}),
        chat(
            "c2",
            "a1",
            380,
            903,
            model="gpt-6.1-sol",
            tokens=(310, 20),
            cost=0.0021,
            attributes={
                "gen_ai.response.model": "gpt-6.1-sol-2026-09-17",
                "gen_ai.response.finish_reasons": ["tool_calls"],
                "gen_ai.system_instructions": json.dumps(said("Answer from the handbook.")),
                "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "lookup"}]),
                "gen_ai.input.messages": messages("user", said(ASKED)),
                "gen_ai.output.messages": messages(
                    "assistant",
                    [{"type": "reasoning", "content": "I should look it up."}, CALL],
                ),
            },
        ),
        span(
            "t1",
            "a1",
            "execute_tool lookup",
            905,
            917.5,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "lookup",
                "gen_ai.tool.call.arguments": '{"topic":"leave"}',
                "gen_ai.tool.call.result": '{"days":5}',
            },
        ),
        chat(
            "c4",
            "a1",
            920,
            951,
            model="claude-sonnet-99",
            tokens=None,
            cost=None,
            error="Error code: 404 - no such model\nrequest id: req_1",
            attributes={
                "error.type": "anthropic.NotFoundError",
                "gen_ai.response.finish_reasons": ["error"],
            },
        ),
        chat(
            "c5",
            "a1",
            955,
            2270,
            model="claude-sonnet-5-5",
            tokens=(900, 120),
            cost=None,
            attributes={
                "gen_ai.response.time_to_first_chunk": 0.31,
                "gen_ai.response.finish_reasons": ["length"],
            },
        ),
        span(
            "a1",
            "w",
            "invoke_agent researcher",
            379,
            2290,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "researcher",
                "gen_ai.usage.input_tokens": 1210,
                "gen_ai.usage.output_tokens": 140,
                "otelier.cost.total": 0.0021,
                "otelier.cost.partial": True,
            },
        ),
        span(
            "w",
            None,
            "invoke_workflow answer_question",
            0,
            2310,
            attributes={
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": "answer_question",
                "gen_ai.conversation.id": "conv-7",
                "session.id": "sess-1",
                "user.id": "ada",
                "otelier.tags": ["demo", "docs"],
                "otelier.metadata.tier": "gold",
                "otelier.arguments": json.dumps({"question": ASKED}),
                "otelier.result": '"Five."',
            },
        ),
    ]


TREE = """\
trace 4bf92f3577b34da6a3ce929d0e0e4736 · demo · 2026-11-20 10:00:00 UTC · conversation conv-7
  session sess-1 · user ada · tags demo, docs · tier = gold
workflow answer_question · 2.31 s
├─ step classify · 312 ms
│  └─ chat gpt-6-luna · openai · 304 ms · in 1,204 (cached 1,024) out 87 (reasoning 64) · $0.00123
│          stop
├─ retrieval handbook · 52 ms
│  └─ embeddings text-embedding-3-small · openai · 50 ms · in 9 · $0.00000004
└─ agent researcher · 1.91 s · Σ in 1,210 out 140 · Σ ≥ $0.0021
   ├─ chat gpt-6.1-sol → gpt-6.1-sol-2026-09-17 · openai · 523 ms · in 310 out 20 · $0.0021
   │  │    tool_calls · calls lookup
   │  └─ POST · 521 ms
   ├─ tool lookup · 12 ms
   ├─ chat claude-sonnet-99 · openai · 31 ms
   │       ✗ anthropic.NotFoundError: Error code: 404 - no such model
   │       request id: req_1
   └─ chat claude-sonnet-5-5 · openai · 1.31 s · first chunk 310 ms · in 900 out 120 · length
total 2.31 s · 5 model calls · 1 tool call · 1 error
  in 2,423 (cached 1,024) out 227 (reasoning 64) · $0.00333 · 1 call without a known price
"""

CONVERSATION = """\
   ├─ chat gpt-6.1-sol → gpt-6.1-sol-2026-09-17 · openai · 523 ms · in 310 out 20 · $0.0021
   │  │    tool_calls · calls lookup
   │  │    tools: lookup
   │  │    system: Answer from the handbook.
   │  │    user: How many days of leave may I carry over?
   │  │    assistant: (thinking) I should look it up.
   │  │    assistant: calls lookup({"topic":"leave"}) #call_1
   │  └─ POST · 521 ms
   ├─ tool lookup · 12 ms
   │       arguments: {"topic":"leave"}
   │       result: {"days":5}
"""

RETRIEVAL = """\
├─ retrieval handbook · 52 ms
│  │    query: How many days of leave may I carry over?
│  │    document: leave (0.831) Five days.
│  │    document: travel
"""

WORKFLOW = """\
workflow answer_question · 2.31 s
│    arguments: {"question":"How many days of leave may I carry over?"}
│    result: Five.
"""


def test_a_realistic_trace() -> None:
    assert render(pipeline()) == TREE


def test_messages_stand_below_the_span_that_carries_them() -> None:
    text = render(pipeline(), messages=True)
    for part in (CONVERSATION, RETRIEVAL, WORKFLOW):
        assert part in text
    assert "user:" not in render(pipeline())


def test_the_order_of_the_spans_does_not_matter() -> None:
    assert render(reversed(pipeline())) == TREE


def test_colour_adds_nothing_but_colour() -> None:
    colored = render(pipeline(), color=True)
    assert "\x1b[31m✗ anthropic.NotFoundError" in colored
    assert "\x1b[2mPOST\x1b[0m" in colored
    for code in ("0", "1", "2", "31", "32", "33", "36"):
        colored = colored.replace(f"\x1b[{code}m", "")
    assert colored == TREE


def test_traces_come_in_order_of_start_with_a_blank_line_between() -> None:
    text = render(
        [
            span("b", None, "second", 10, 20, trace="bb"),
            span("a", None, "first", 5, 30, trace="aa"),
        ]
    )
    assert text.index("trace aa") < text.index("\n\ntrace bb")
    assert text.endswith("total 10 ms\n")


def test_nothing_gives_nothing() -> None:
    assert render([]) == ""


def test_long_lines_are_broken_between_fields_and_keep_within_the_width() -> None:
    for width in (40, 60, 80, 200):
        lines = render(pipeline(), messages=True, width=width).splitlines()
        assert max(map(len, lines)) <= width
    narrow = render(pipeline(), width=60)
    assert "│  │    523 ms · in 310 out 20 · $0.0021 · tool_calls\n" in narrow


def test_costs_are_shown_as_known() -> None:
    def line(cost: object) -> str:
        return render([chat("c", None, tokens=None, cost=cost)]).splitlines()[1]  # type: ignore[arg-type]

    assert "$" not in line(None)
    assert line(0.0).endswith("· free")
    assert line(0.000000123).endswith("· $0.000000123")
    assert line(0.02).endswith("· $0.02")
    assert line(0.1).endswith("· $0.10")
    assert line(0.9999).endswith("· $1.00")
    assert line(12345.678).endswith("· $12,345.68")
    for odd in (float("nan"), float("inf"), -1.0, "0.5", True, [1]):
        assert "$" not in line(odd)


def test_durations() -> None:
    def line(ms: float) -> str:
        return render([span("s", None, "s", 0, ms)]).splitlines()[1]

    assert line(0.25) == "s · 0.25 ms"
    assert line(999.6) == "s · 1.00 s"
    assert line(9996) == "s · 10.0 s"
    assert line(59_960) == "s · 1 min 00 s"
    assert line(3_600_000 * 25 + 60_000) == "s · 25 h 01 min"


def test_what_is_asked_is_shown_once() -> None:
    """An agent's arguments and result repeat its messages where they are nothing but a text."""
    said = [{"role": "user", "parts": [{"type": "text", "content": ASKED}]}]
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "otelier.arguments": json.dumps({"question": ASKED}),
        "gen_ai.input.messages": json.dumps(said),
    }
    assert render([span("a", None, "a", attributes=attributes)], messages=True).count(ASKED) == 1
    attributes["otelier.arguments"] = json.dumps({"question": ASKED, "top": 3})
    text = render([span("a", None, "a", attributes=attributes)], messages=True)
    assert text.count(ASKED) == 2 and '"top"' in text
