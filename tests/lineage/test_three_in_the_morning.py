"""Three in the morning: something deep in a pipeline fails, and spans are all that there is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

import otelier
from otelier import cost
from tests.installed import openai_streams
from tests.lineage.frameworks.drawing import draw, tree
from tests.servers import Json, ProviderServer, anthropic_wire
from tests.servers.openai_wire import chat_completion, chat_message, chat_usage, tool_call
from tests.telemetry import Telemetry

# Before, it has no tools either.
pytestmark = openai_streams
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "find_contracts", "parameters": {"type": "object", "properties": {}}},
}
LIMIT = "Number of request tokens has exceeded your per-minute rate limit."


def build(server: ProviderServer) -> Any:
    """retrieval → agent → tool → agent → a model that refuses."""
    gpt = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    claude = anthropic.AsyncAnthropic(base_url=server.url, api_key="k", max_retries=0)

    @otelier.retrieval("contracts", top_k=1)
    async def search(query: str) -> list[dict[str, Any]]:
        await gpt.embeddings.create(model="text-embedding-3-small", input=query)
        return [{"id": "contract-7", "content": "Net 30 days.", "score": 0.9}]

    @otelier.agent("analyst", description="Reads contracts.")
    async def analyst(text: str) -> str:
        answer: Any = await claude.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=300,
            stop_sequences=["END"],
            messages=[{"role": "user", "content": f"Due date of {text}?"}],
        )
        return str(answer.content[0].text)

    @otelier.tool
    async def find_contracts(customer: str) -> str:
        return await analyst(f"the contract of {customer}")

    @otelier.agent("clerk")
    async def clerk(question: str, documents: Any) -> str:
        told = json.dumps(documents)
        answer = await gpt.chat.completions.create(
            model="gpt-4o",
            tools=[TOOL],  # type: ignore[list-item]
            messages=[{"role": "user", "content": f"{question} {told}"}],
        )
        for call in answer.choices[0].message.tool_calls or ():
            await find_contracts(**json.loads(call.function.arguments))  # type: ignore[union-attr]
        return "done"

    @otelier.workflow("dunning")
    async def dunning(question: str) -> str:
        return await clerk(question, await search(question))

    async def main(question: str) -> str:
        try:
            return await dunning(question)
        finally:
            await gpt.close()
            await claude.close()

    return main


@pytest.fixture
def spans(telemetry: Telemetry, server: ProviderServer) -> list[ReadableSpan]:
    """What the night's one request has left."""
    call = tool_call("find_contracts", {"customer": "ACME"}, id="call_1")
    asks = chat_completion(
        chat_message(None, tool_calls=[call]),
        model="gpt-4o-2024-08-06",
        usage=chat_usage(1000, 100),
        id="chatcmpl-9",
    )
    server.route("/chat/completions", Json(asks))
    refusal = Json(
        anthropic_wire.anthropic_error("rate_limit_error", LIMIT),
        status=429,
        headers={"request-id": "req_42", "retry-after": "12"},
    )
    server.route("/v1/messages", refusal)
    main = build(server)
    with (
        otelier.session(
            user_id="u-81",
            session_id="s-5",
            conversation_id="c-1",
            tags=["nightly"],
            metadata={"tenant": "acme", "release": "2026.11.1"},
        ),
        pytest.raises(anthropic.RateLimitError),
    ):
        asyncio.run(main("Which invoices are due?"))
    cost.settle()
    return telemetry.spans()


def held(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def failed(spans: list[ReadableSpan]) -> list[ReadableSpan]:
    return [span for span in spans if span.status.status_code is StatusCode.ERROR]


def culprit(spans: list[ReadableSpan]) -> ReadableSpan:
    """As a reader finds it: what failed, and nothing beneath it did."""
    above = {span.parent.span_id for span in failed(spans) if span.parent}
    (found,) = [span for span in failed(spans) if span.context.span_id not in above]
    return found


def test_which_step_failed(spans: list[ReadableSpan]) -> None:
    assert draw(spans) == tree(
        """
        invoke_workflow dunning !anthropic.RateLimitError
          retrieval contracts
            embeddings text-embedding-3-small
          invoke_agent clerk !anthropic.RateLimitError
            chat gpt-4o
            execute_tool find_contracts !anthropic.RateLimitError
              invoke_agent analyst !anthropic.RateLimitError
                chat claude-sonnet-5-5 !anthropic.RateLimitError
        """
    )
    assert culprit(spans).name == "chat claude-sonnet-5-5"


def test_the_way_down_to_it(spans: list[ReadableSpan]) -> None:
    by_id = {span.context.span_id: span for span in spans}
    way, span = [], culprit(spans)
    while span.parent is not None:
        span = by_id[span.parent.span_id]
        way.append(span.name)
    assert way == [
        "invoke_agent analyst",
        "execute_tool find_contracts",
        "invoke_agent clerk",
        "invoke_workflow dunning",
    ]


def test_why_it_failed(spans: list[ReadableSpan]) -> None:
    told = held(culprit(spans))
    assert told["error.type"] == "anthropic.RateLimitError"
    assert LIMIT in str(culprit(spans).status.description)
    assert told["http.response.status_code"] == 429
    # What the provider's support asks for.
    assert "req_42" in told.values()
    for span in failed(spans):
        assert held(span)["error.type"] == "anthropic.RateLimitError"
        assert LIMIT in str(span.status.description)


def test_what_was_sent(spans: list[ReadableSpan]) -> None:
    told = held(culprit(spans))
    assert json.loads(told["gen_ai.input.messages"]) == [
        {
            "role": "user",
            "parts": [{"type": "text", "content": "Due date of the contract of ACME?"}],
        }
    ]
    assert told["gen_ai.request.model"] == "claude-sonnet-5-5"
    assert told["gen_ai.request.max_tokens"] == 300
    assert told["gen_ai.request.stop_sequences"] == ("END",)
    assert told["gen_ai.provider.name"]
    assert told["server.address"] == "127.0.0.1"


def test_what_led_to_it(spans: list[ReadableSpan]) -> None:
    by_name = {span.name: held(span) for span in spans}
    found = by_name["retrieval contracts"]
    assert found["gen_ai.retrieval.query.text"] == "Which invoices are due?"
    assert json.loads(found["gen_ai.retrieval.documents"])[0]["id"] == "contract-7"
    tool = by_name["execute_tool find_contracts"]
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"customer": "ACME"}
    assert tool["gen_ai.agent.name"] == "clerk"
    assert "Which invoices are due?" in by_name["invoke_workflow dunning"]["gen_ai.input.messages"]
    assert "contract-7" in by_name["chat gpt-4o"]["gen_ai.input.messages"]
    assert "find_contracts" in by_name["chat gpt-4o"]["gen_ai.output.messages"]


def test_whose_it_was(spans: list[ReadableSpan]) -> None:
    for span in spans:
        told = held(span)
        assert {
            name: told.get(name)
            for name in (
                *("user.id", "session.id", "gen_ai.conversation.id", "otelier.tags"),
                *("otelier.metadata.tenant", "otelier.metadata.release"),
            )
        } == {
            "user.id": "u-81",
            "session.id": "s-5",
            "gen_ai.conversation.id": "c-1",
            "otelier.tags": ("nightly",),
            "otelier.metadata.tenant": "acme",
            "otelier.metadata.release": "2026.11.1",
        }, span.name


def test_what_it_had_cost_so_far(spans: list[ReadableSpan]) -> None:
    by_name = {span.name: held(span) for span in spans}
    asked = by_name["chat gpt-4o"]["gen_ai.usage.cost"]
    assert asked == pytest.approx(1000 * 2.5e-6 + 100 * 10e-6)
    searched = by_name["embeddings text-embedding-3-small"]["gen_ai.usage.cost"]
    # What was refused has used nothing, and nobody has to wonder.
    assert "gen_ai.usage.cost" not in by_name["chat claude-sonnet-5-5"]
    assert "otelier.cost.total" not in by_name["invoke_agent analyst"]
    assert by_name["invoke_agent clerk"]["otelier.cost.total"] == pytest.approx(asked)
    whole = by_name["invoke_workflow dunning"]
    assert whole["otelier.cost.total"] == pytest.approx(asked + searched)
    assert whole["gen_ai.usage.output_tokens"] == 100
    assert "otelier.cost.partial" not in whole
    assert "otelier.usage.uncounted_calls" not in whole


def test_how_long_each_took(spans: list[ReadableSpan]) -> None:
    """Each step is inside of that above it, so that durations can be read."""
    by_id = {span.context.span_id: span for span in spans}
    for span in spans:
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.end_time > span.start_time
        if span.parent is not None:
            above = by_id[span.parent.span_id]
            assert above.start_time <= span.start_time  # type: ignore[operator]
            assert span.end_time <= above.end_time  # type: ignore[operator]
