"""Every span has the parent that a person would draw."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry import trace

import otelier
from tests.servers import Gate, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


@pytest.fixture
def client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k")


@pytest.fixture
def claude(server: ProviderServer) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="k")


def tree(telemetry: Telemetry) -> dict[str, str | None]:
    """Name of each span -> name of its parent (names made unique by a number)."""
    spans = sorted(telemetry.spans(), key=lambda span: span.start_time)
    names: dict[int, str] = {}
    for span in spans:
        name, number = span.name, 2
        while name in names.values():
            name, number = f"{span.name} #{number}", number + 1
        names[span.context.span_id] = name
    return {
        names[span.context.span_id]: names.get(span.parent.span_id) if span.parent else None
        for span in spans
    }


def test_a_pipeline(telemetry: Telemetry, client: openai.OpenAI, claude: Any) -> None:
    @otelier.tool
    def look() -> str:
        client.embeddings.create(model="e", input="x")
        return "x"

    @otelier.agent("a")
    def agent() -> None:
        client.chat.completions.create(**CHAT)
        look()

    @otelier.workflow("w")
    def work() -> None:
        agent()
        with claude.messages.stream(model="c", max_tokens=9, messages=MESSAGES) as stream:
            stream.get_final_message()

    work()
    assert tree(telemetry) == {
        "invoke_workflow w": None,
        "invoke_agent a": "invoke_workflow w",
        "chat gpt-4o": "invoke_agent a",
        "execute_tool look": "invoke_agent a",
        "embeddings e": "execute_tool look",
        "chat c": "invoke_workflow w",
    }
    assert len({span.context.trace_id for span in telemetry.spans()}) == 1


def test_spans_of_a_stream_loop_are_the_users(
    telemetry: Telemetry, client: openai.OpenAI, claude: Any
) -> None:
    with telemetry.tracer.start_as_current_span("loop"):
        for _ in client.chat.completions.create(stream=True, **CHAT):
            with telemetry.tracer.start_as_current_span("mine"):
                pass
            claude.messages.create(model="c", max_tokens=9, messages=MESSAGES)
            break
    assert tree(telemetry) == {
        "loop": None,
        "chat gpt-4o": "loop",
        "mine": "loop",
        "chat c": "loop",
    }


def test_a_task_started_in_a_stream_loop_keeps_its_calls(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    async def main() -> None:
        client = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k")

        async def background() -> None:
            for _ in range(3):
                await client.embeddings.create(model="e", input="x")

        with telemetry.tracer.start_as_current_span("loop"):
            tasks = []
            async for _ in await client.chat.completions.create(stream=True, **CHAT):
                if not tasks:
                    tasks.append(asyncio.create_task(background()))
        await asyncio.gather(*tasks)
        await client.close()

    asyncio.run(main())
    found = tree(telemetry)
    assert [found[name] for name in found if name.startswith("embeddings")] == ["loop"] * 3


def test_streams_that_interleave(telemetry: Telemetry, server: ProviderServer) -> None:
    async def main() -> None:
        client = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k")

        async def one(name: str) -> None:
            with telemetry.tracer.start_as_current_span(name):
                async for _ in await client.chat.completions.create(
                    model=name, messages=MESSAGES, stream=True
                ):
                    await asyncio.sleep(0)

        await asyncio.gather(*(one(f"s{number}") for number in range(10)))
        await client.close()

    asyncio.run(main())
    found = tree(telemetry)
    assert {found[f"chat s{number}"] for number in range(10)} == {f"s{n}" for n in range(10)}


def test_a_stream_read_in_another_thread(telemetry: Telemetry, client: openai.OpenAI) -> None:
    with telemetry.tracer.start_as_current_span("here"):
        stream = client.chat.completions.create(stream=True, **CHAT)
        thread = threading.Thread(target=lambda: list(stream))
        thread.start()
        thread.join()
        assert trace.get_current_span().name == "here"  # type: ignore[attr-defined]
    assert tree(telemetry) == {"here": None, "chat gpt-4o": "here"}


def test_threads_with_and_without_a_copied_context(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    def call(model: str) -> None:
        client.chat.completions.create(model=model, messages=MESSAGES)

    with telemetry.tracer.start_as_current_span("root"), ThreadPoolExecutor(4) as pool:
        pool.submit(contextvars.copy_context().run, call, "with").result()
        pool.submit(call, "without").result()
    assert tree(telemetry) == {"root": None, "chat with": "root", "chat without": None}


def test_cancelled_and_abandoned_streams_leave_no_trace_in_the_context(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    gate = Gate(hold_after=2)
    server.script(Sse(chat_chunks(chat_message()), gate=gate))

    async def main() -> None:
        client = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k")
        read = asyncio.Event()

        async def run() -> None:
            async for _ in await client.chat.completions.create(stream=True, **CHAT):
                read.set()

        task = asyncio.create_task(run())
        await read.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open()
        stream = await client.chat.completions.create(stream=True, **CHAT)
        async for _ in stream:
            break
        if hasattr(stream, "close"):
            await stream.close()
        assert not trace.get_current_span().get_span_context().is_valid
        await client.embeddings.create(model="e", input="x")
        await client.close()

    asyncio.run(main())
    found = tree(telemetry)
    assert set(found.values()) == {None}
    ends = [span.attributes.get("otelier.stream.end") for span in telemetry.spans("chat")]
    assert ends[0] == "cancelled"
    assert not any("error.type" in span.attributes for span in telemetry.spans())


def test_http_spans_are_children_of_the_call(telemetry: Telemetry, client: Any) -> None:
    """What runs inside of the SDK's own call sees the call's span as current."""
    seen = []
    send = client._client.send

    def spy(*args: Any, **kwargs: Any) -> Any:
        seen.append(trace.get_current_span().name)  # type: ignore[attr-defined]
        return send(*args, **kwargs)

    client._client.send = spy
    client.chat.completions.create(**CHAT)
    assert seen == ["chat gpt-4o"]
