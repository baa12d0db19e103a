"""Research and answer, with plain SDKs: a library asks models quietly, and the tree shows it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

pytest.importorskip("cohere")

import otelier
from tests.installed import openai_streams
from tests.lineage.frameworks.drawing import conversation, draw, tree
from tests.lineage.handbook import REWRITE, AsyncHandbook, Handbook, found, serve
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

pytestmark = openai_streams
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Looks into the handbook.",
            "parameters": {"type": "object", "properties": {"question": {"type": "string"}}},
        },
    }
]
WHOLE = tree(
    """
    invoke_workflow research-and-answer [c1]
      retrieval handbook [c1]
        chat gpt-4o-mini [c1]
        embeddings text-embedding-3-small [c1]
        rerank rerank-v3.5 [c1]
      invoke_agent answerer [c1]
        chat gpt-4o [c1]
        execute_tool look_up [c1]
          retrieval handbook [c1]
            chat gpt-4o-mini [c1]
            embeddings text-embedding-3-small [c1]
            rerank rerank-v3.5 [c1]
        chat gpt-4o [c1]
    """
)
QUESTION = "How many holidays do I have?"


def as_documents(pages: list[tuple[str, str, float]]) -> list[dict[str, Any]]:
    return [{"id": id, "content": text, "score": score} for id, text, score in pages]


def asked(question: str, documents: Any) -> list[Any]:
    return [{"role": "user", "content": f"{question}\n{json.dumps(documents)}"}]


def answered(message: Any, result: Any) -> list[Any]:
    """What the second request adds: the call, and what came of it."""
    (call,) = message.tool_calls
    said = {
        "role": "assistant",
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
        ],
    }
    return [said, {"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)}]


def program(url: str) -> Any:
    gpt = openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
    book = Handbook(url)

    @otelier.retrieval("handbook")
    def search(query: str) -> list[dict[str, Any]]:
        return as_documents(book.find(query))

    @otelier.tool
    def look_up(question: str) -> Any:
        return search(question)

    @otelier.agent("answerer")
    def answerer(question: str, documents: Any) -> str:
        told = asked(question, documents)
        first = gpt.chat.completions.create(model="gpt-4o", messages=told, tools=TOOLS)
        message = first.choices[0].message
        result = look_up(**json.loads(message.tool_calls[0].function.arguments))  # type: ignore[index,union-attr]
        told += answered(message, result)
        last = gpt.chat.completions.create(model="gpt-4o", messages=told, tools=TOOLS)
        return str(last.choices[0].message.content)

    @otelier.workflow("research-and-answer")
    def research(question: str) -> str:
        return answerer(question, search(question))

    return research


def async_program(url: str, *, streams: bool) -> Any:
    gpt = openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
    book = AsyncHandbook(url)

    @otelier.retrieval("handbook")
    async def search(query: str) -> list[dict[str, Any]]:
        return as_documents(await book.find(query))

    @otelier.tool
    async def look_up(question: str) -> Any:
        return await search(question)

    @otelier.agent("answerer")
    async def answerer(question: str, documents: Any) -> str:
        told = asked(question, documents)
        first = await gpt.chat.completions.create(model="gpt-4o", messages=told, tools=TOOLS)
        message = first.choices[0].message
        given = json.loads(message.tool_calls[0].function.arguments)  # type: ignore[index,union-attr]
        told += answered(message, await look_up(**given))
        more: dict[str, Any] = {"model": "gpt-4o", "messages": told, "tools": TOOLS}
        if not streams:
            last = await gpt.chat.completions.create(**more)
            return str(last.choices[0].message.content)
        said = ""
        usage = {"include_usage": True}
        async for chunk in await gpt.chat.completions.create(
            stream=True, stream_options=usage, **more
        ):
            said += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        return said

    @otelier.workflow("research-and-answer")
    async def research(question: str) -> str:
        return await answerer(question, await search(question))

    return research


@pytest.fixture(autouse=True)
def handbook(server: ProviderServer) -> Iterator[None]:
    serve(server)
    yield


@pytest.mark.parametrize("how", ["sync", "async", "stream"])
def test_research_and_answer(telemetry: Telemetry, server: ProviderServer, how: str) -> None:
    with otelier.session(conversation_id="c1"):
        if how == "sync":
            answer = program(server.url)(QUESTION)
        else:
            research = async_program(server.url, streams=how == "stream")
            answer = asyncio.run(research(QUESTION))
    assert answer == "Thirty days."
    assert draw(telemetry, conversation) == WHOLE
    # Nothing was asked that the tree does not show.
    calls = [span for span in telemetry.spans() if span.name.split()[0] in CALLS]
    assert len(calls) == len(server.requests) == 8
    first, second = telemetry.spans("retrieval")
    assert found(first) == found(second) == [("p3", 0.98), ("p1", 0.02)]
    hidden, again = (span for span in telemetry.spans() if span.name == "chat gpt-4o-mini")
    assert REWRITE + QUESTION in str((hidden.attributes or {})["gen_ai.input.messages"])
    assert REWRITE + "How many holidays?" in str((again.attributes or {})["gen_ai.input.messages"])


CALLS = ("chat", "embeddings", "rerank")


def test_what_is_asked_quietly_is_counted(telemetry: Telemetry, server: ProviderServer) -> None:
    program(server.url)(QUESTION)
    spans = {span.context.span_id: span for span in telemetry.spans()}
    priced = [
        span
        for span in spans.values()
        if span.name.split()[0] in CALLS and "gen_ai.usage.cost" in (span.attributes or {})
    ]
    # Cohere tells no price of a rerank that a list has.
    assert len(priced) == 6
    (whole,) = telemetry.spans("invoke_workflow")
    said = whole.attributes or {}
    costs = sum(float(span.attributes["gen_ai.usage.cost"]) for span in priced)  # type: ignore[index,arg-type]
    assert said["otelier.cost.total"] == pytest.approx(costs)
    tokens = [
        (span.attributes or {}).get("gen_ai.usage.output_tokens", 0)
        for span in spans.values()
        if span.name.startswith("chat")
    ]
    assert said["gen_ai.usage.output_tokens"] == sum(tokens)  # type: ignore[arg-type]


def test_a_library_that_no_step_is_around(telemetry: Telemetry, server: ProviderServer) -> None:
    """The program has declared its agent alone: the quiet calls are the agent's."""
    gpt = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    book = Handbook(server.url)

    @otelier.agent("answerer")
    def answerer(question: str) -> str:
        told = asked(question, book.find(question))
        return str(gpt.chat.completions.create(model="gpt-4o", messages=told).choices[0])

    answerer(QUESTION)
    assert draw(telemetry) == tree(
        """
        invoke_agent answerer
          chat gpt-4o-mini
          embeddings text-embedding-3-small
          rerank rerank-v3.5
          chat gpt-4o
        """
    )


def test_a_library_that_fails_before_the_program_has_asked(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    from tests.servers import Json

    server.route("/rerank", Json({"message": "no credit"}, status=402))
    with pytest.raises(Exception, match="no credit"):
        program(server.url)(QUESTION)
    assert draw(telemetry) == tree(
        """
        invoke_workflow research-and-answer !cohere.core.api_error.ApiError
          retrieval handbook !cohere.core.api_error.ApiError
            chat gpt-4o-mini
            embeddings text-embedding-3-small
            rerank rerank-v3.5 !402
        """
    )
