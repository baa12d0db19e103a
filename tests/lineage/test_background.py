"""What goes on when its parent is over: tasks, threads, streams that are handed on."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest

import otelier
from otelier import following, under_way
from tests.installed import openai_streams
from tests.lineage.frameworks.drawing import conversation, draw, tree
from tests.servers import Gate, Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message, chat_usage
from tests.telemetry import Telemetry

pytestmark = openai_streams
ASK: list[Any] = [{"role": "user", "content": "hi"}]
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": ASK}
STREAM: dict[str, Any] = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
IN, UNCOUNTED = "gen_ai.usage.input_tokens", "otelier.usage.uncounted_calls"


def streamed(gate: Gate | None = None) -> Sse:
    message = chat_message("one two three")
    return Sse(chat_chunks(message, include_usage=True, usage=chat_usage(12, 33)), gate=gate)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    # Earlier tests of this process may have left something open.
    gc.collect()
    calls, given = set(under_way._open), set(following._noted)
    yield
    assert not under_way._open - calls
    assert not set(following._noted) - given


def gpt(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)


def agpt(server: ProviderServer) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)


def ended_after(telemetry: Telemetry, later: str, earlier: str) -> None:
    assert telemetry.span(later).end_time > telemetry.span(earlier).end_time  # type: ignore[operator]


def test_a_task_that_outlives_the_agent(telemetry: Telemetry, server: ProviderServer) -> None:
    """It remembers the conversation while the user reads the answer already."""

    async def main() -> None:
        client = agpt(server)
        answered = asyncio.Event()

        @otelier.step("remember")
        async def remember() -> None:
            await answered.wait()
            await client.chat.completions.create(**{**CHAT, "model": "gpt-4o-mini"})
            await client.embeddings.create(model="e", input="x")

        kept: list[asyncio.Task[None]] = []

        @otelier.agent("clerk")
        async def clerk() -> str:
            answer = await client.chat.completions.create(**CHAT)
            kept.append(asyncio.create_task(remember()))
            return str(answer.choices[0].message.content)

        with otelier.session(conversation_id="c1", user_id="u1"):
            await clerk()
        # The agent is over, and so is the session around it, before the task has begun.
        assert telemetry.span("invoke_agent")
        assert not telemetry.spans("remember")
        answered.set()
        await kept[0]
        with telemetry.tracer.start_as_current_span("next"):
            pass
        await client.close()

    asyncio.run(main())
    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent clerk [c1]
          chat gpt-4o [c1]
          remember [c1]
            chat gpt-4o-mini [c1]
            embeddings e [c1]
        next
        """
    )
    ended_after(telemetry, "remember", "invoke_agent clerk")
    for span in telemetry.spans():
        assert (span.attributes or {}).get("user.id") == (None if span.name == "next" else "u1")
    # What was used when it was over, and no more.
    assert (telemetry.span("invoke_agent").attributes or {})[IN] == 12


def test_a_thread_that_outlives_the_agent(telemetry: Telemetry, server: ProviderServer) -> None:
    client = gpt(server)
    answered = threading.Event()

    def remember() -> None:
        answered.wait()
        with otelier.step("remember"):
            client.chat.completions.create(**{**CHAT, "model": "gpt-4o-mini"})

    started: list[threading.Thread] = []

    @otelier.agent("clerk")
    def clerk() -> None:
        client.chat.completions.create(**CHAT)
        inside = contextvars.copy_context()
        started.append(threading.Thread(target=inside.run, args=(remember,)))
        started[0].start()

    with otelier.session(conversation_id="c1"):
        clerk()
    assert telemetry.span("invoke_agent")
    answered.set()
    started[0].join()
    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent clerk [c1]
          chat gpt-4o [c1]
          remember [c1]
            chat gpt-4o-mini [c1]
        """
    )
    ended_after(telemetry, "remember", "invoke_agent clerk")


def test_a_plain_thread_by_the_setting(server: ProviderServer) -> None:
    """With ``OTELIER_THREADS`` a thread needs no context that the program takes along."""
    telemetry = Telemetry().start(threads=True)
    client = gpt(server)
    answered = threading.Event()

    def remember() -> None:
        answered.wait()
        client.chat.completions.create(**{**CHAT, "model": "gpt-4o-mini"})

    with ThreadPoolExecutor(1) as pool:
        started: list[threading.Thread] = []

        @otelier.agent("clerk")
        def clerk() -> None:
            started.append(threading.Thread(target=remember))
            started[0].start()
            pool.submit(remember)

        with otelier.session(conversation_id="c1"):
            clerk()
        answered.set()
        started[0].join()
    telemetry.stop()
    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent clerk [c1]
          chat gpt-4o-mini [c1]
          chat gpt-4o-mini [c1]
        """
    )


def test_a_stream_is_handed_to_a_consumer(telemetry: Telemetry, server: ProviderServer) -> None:
    """One task asks, another one reads, which has a span of its own and asks for itself."""
    gate = Gate(hold_after=2)
    server.script(streamed(gate), Json(chat_completion(chat_message("noted"))))

    async def main() -> list[str]:
        client = agpt(server)
        streams: asyncio.Queue[Any] = asyncio.Queue()
        said: list[str] = []

        async def consumer() -> None:
            with telemetry.tracer.start_as_current_span("consumer"):
                async for chunk in await streams.get():
                    if chunk.choices and chunk.choices[0].delta.content:
                        said.append(chunk.choices[0].delta.content)
                await client.chat.completions.create(**{**CHAT, "model": "gpt-4o-mini"})

        reads = asyncio.create_task(consumer())

        @otelier.agent("clerk")
        async def clerk() -> None:
            await streams.put(await client.chat.completions.create(**STREAM))

        with otelier.session(conversation_id="c1"):
            await clerk()
        # The agent is over, and its stream goes on.
        assert telemetry.span("invoke_agent")
        gate.open()
        await reads
        await client.close()
        return said

    assert "".join(asyncio.run(main())) == "one two three"
    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent clerk [c1]
          chat gpt-4o [c1]
        consumer
          chat gpt-4o-mini
        """
    )
    ended_after(telemetry, "chat gpt-4o", "invoke_agent clerk")
    # What it has not seen to its end is not counted as nothing.
    held = telemetry.span("invoke_agent").attributes or {}
    assert held[UNCOUNTED] == 1
    assert IN not in held
    assert (
        next(s for s in telemetry.spans("chat") if s.name == "chat gpt-4o").attributes or {}
    ).get("gen_ai.usage.output_tokens") == 33


def test_a_stream_is_given_back_and_read_by_a_consumer(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    """An agent that gives back its stream lasts until that is read, by whomever."""
    server.script(streamed())

    async def main() -> None:
        client = agpt(server)

        @otelier.agent("clerk")
        async def clerk() -> Any:
            return await client.chat.completions.create(**STREAM)

        async def consumer(stream: Any) -> None:
            async for _ in stream:
                with telemetry.tracer.start_as_current_span("piece"):
                    pass
                assert not telemetry.spans("invoke_agent")

        with otelier.session(conversation_id="c1"):
            stream = await clerk()
        await asyncio.create_task(consumer(stream))
        await client.close()

    asyncio.run(main())
    found = [line for line in draw(telemetry, conversation).splitlines() if line != "piece"]
    assert found == ["invoke_agent clerk [c1]", "  chat gpt-4o [c1]"]
    assert (telemetry.span("invoke_agent").attributes or {})[IN] == 12


def test_the_parent_has_ended_before_the_child_starts(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    """A queue keeps the context of who has asked; a worker takes it, long after."""
    client = gpt(server)
    claude = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)
    queue: list[tuple[contextvars.Context, Any]] = []

    @otelier.tool("later")
    def later(what: Any) -> None:
        queue.append((contextvars.copy_context(), what))

    @otelier.agent("index")
    def index() -> None:
        client.embeddings.create(model="e", input="x")
        claude.messages.create(model="c", max_tokens=9, messages=ASK)

    @otelier.workflow("upload")
    def upload() -> None:
        later(index)
        later(index)

    with otelier.session(conversation_id="c1"):
        upload()
    assert len(telemetry.spans()) == 3
    with telemetry.tracer.start_as_current_span("worker"):
        for context, work in queue:
            context.run(work)
        client.embeddings.create(model="own", input="x")
    queue.clear()
    del context
    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow upload [c1]
          execute_tool later [c1]
            invoke_agent index [c1]
              embeddings e [c1]
              chat c [c1]
          execute_tool later [c1]
            invoke_agent index [c1]
              embeddings e [c1]
              chat c [c1]
        worker
          embeddings own
        """
    )


def test_a_task_that_is_cancelled_when_its_parent_is_over(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    gate = Gate(hold_after=2)
    server.script(streamed(gate))

    async def main() -> None:
        client = agpt(server)
        begun = asyncio.Event()

        @otelier.step("remember")
        async def remember() -> None:
            async for _ in await client.chat.completions.create(**STREAM):
                begun.set()

        @otelier.agent("clerk")
        async def clerk() -> asyncio.Task[None]:
            return asyncio.create_task(remember())

        task = await clerk()
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        gate.open()
        await client.close()

    asyncio.run(main())
    assert draw(telemetry) == tree(
        """
        invoke_agent clerk
          remember
            chat gpt-4o
        """
    )
    for span in telemetry.spans():
        assert "error.type" not in (span.attributes or {})
