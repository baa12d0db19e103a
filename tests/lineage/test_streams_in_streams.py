"""A stream of one provider's whose pieces start streams of another's: whose call is whose."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

import anthropic
import openai
import pytest

import otelier
from otelier import following, under_way
from tests.installed import openai_streams
from tests.lineage.frameworks.drawing import draw, title, tree
from tests.servers import ProviderServer, Sse, bedrock_wire, gemini_wire
from tests.servers.openai_wire import chat_chunks, chat_message, chat_usage
from tests.telemetry import Telemetry
from tests.transparency.providers import bedrock

pytestmark = openai_streams
CHAT: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "Write."}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
WORDS = "one two three"
Translate = Callable[[str], Iterator[str]]
ATranslate = Callable[[str], AsyncIterator[str]]


def how(span: Any) -> str:
    """The name, how it was left if it was, and the tokens that are known."""
    held = span.attributes or {}
    left = held.get("otelier.stream.end")
    used = held.get("gen_ai.usage.output_tokens")
    told = f" {used}" if used is not None and span.name == "chat gpt-4o" else ""
    return title(span) + (f" ({left})" if left else "") + told


@pytest.fixture(autouse=True)
def answers(server: ProviderServer) -> Iterator[None]:
    server.route(
        "/chat/completions",
        lambda _: Sse(
            chat_chunks(chat_message(WORDS), include_usage=True, usage=chat_usage(12, 33), pieces=3)
        ),
    )
    server.route(":streamGenerateContent", lambda _: gemini_wire.stream())
    server.route("/converse-stream", lambda _: bedrock_wire.converse_stream())
    # Earlier tests of this process may have left something open.
    gc.collect()
    calls, given = set(under_way._open), set(following._noted)
    yield
    assert not under_way._open - calls
    assert not set(following._noted) - given


# --- who translates a piece, as a stream ---------------------------------------------------------


def by_claude(server: ProviderServer) -> Translate:
    claude = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)

    def translate(piece: str) -> Iterator[str]:
        asked: Any = [{"role": "user", "content": piece}]
        with claude.messages.stream(model="claude-x", max_tokens=9, messages=asked) as stream:
            yield from stream.text_stream

    return translate


def by_gemini(server: ProviderServer) -> Translate:
    genai = pytest.importorskip("google.genai")
    gemini = genai.Client(api_key="k", http_options={"base_url": server.url})

    def translate(piece: str) -> Iterator[str]:
        for chunk in gemini.models.generate_content_stream(model="gemini-x", contents=piece):
            yield str(chunk.text)

    return translate


def by_bedrock(server: ProviderServer) -> Translate:
    pytest.importorskip("botocore")
    clients = bedrock.Clients(server.url, "botocore")

    def translate(piece: str) -> Iterator[str]:
        asked = [{"role": "user", "content": [{"text": piece}]}]
        with closing(
            clients.call("models", "converse_stream", modelId="nova-x", messages=asked)["stream"]
        ) as stream:
            for event in stream:
                if "contentBlockDelta" in event:
                    yield str(event["contentBlockDelta"]["delta"].get("text"))

    return translate


ALL = {
    "chat claude-x": by_claude,
    "generate_content gemini-x": by_gemini,
    "chat nova-x": by_bedrock,
}


@pytest.mark.parametrize("name", ALL)
def test_each_piece_starts_a_stream_that_is_left_early(
    telemetry: Telemetry, server: ProviderServer, name: str
) -> None:
    gpt = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    translate = ALL[name](server)

    with telemetry.tracer.start_as_current_span("page"):
        read = 0
        for chunk in gpt.chat.completions.create(**CHAT):
            if not (chunk.choices and chunk.choices[0].delta.content):
                continue
            with closing(translate(chunk.choices[0].delta.content)) as words:  # type: ignore[type-var]
                next(words)
                read += 1
            with telemetry.tracer.start_as_current_span("shown"):
                pass
    assert read == 3
    assert draw(telemetry, how) == tree(
        f"""
        page
          chat gpt-4o 33
          {name} (closed)
          shown
          {name} (closed)
          shown
          {name} (closed)
          shown
        """
    )


@pytest.mark.parametrize("name", ALL)
def test_inside_generator_steps(telemetry: Telemetry, server: ProviderServer, name: str) -> None:
    gpt = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    translates = otelier.agent("translator")(ALL[name](server))

    @otelier.agent("writer")
    def writer() -> Iterator[str]:
        for chunk in gpt.chat.completions.create(**CHAT):
            if chunk.choices and chunk.choices[0].delta.content:
                with closing(translates(chunk.choices[0].delta.content)) as words:  # type: ignore[type-var]
                    yield next(words)

    with telemetry.tracer.start_as_current_span("page"):
        for _ in writer():
            with telemetry.tracer.start_as_current_span("shown"):
                pass
    assert draw(telemetry, how) == tree(
        f"""
        page
          invoke_agent writer
            chat gpt-4o 33
            invoke_agent translator (closed)
              {name} (closed)
            invoke_agent translator (closed)
              {name} (closed)
            invoke_agent translator (closed)
              {name} (closed)
          shown
          shown
          shown
        """
    )


def test_the_reader_leaves_both(telemetry: Telemetry, server: ProviderServer) -> None:
    gpt = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    translates = otelier.agent("translator")(by_claude(server))

    @otelier.agent("writer")
    def writer() -> Iterator[str]:
        with gpt.chat.completions.create(**CHAT) as chunks:
            for chunk in chunks:
                if chunk.choices and chunk.choices[0].delta.content:
                    with closing(translates(chunk.choices[0].delta.content)) as words:  # type: ignore[type-var]
                        yield from words

    pages = writer()
    next(pages)
    pages.close()
    assert draw(telemetry, how) == tree(
        """
        invoke_agent writer (closed)
          chat gpt-4o (closed)
          invoke_agent translator (closed)
            chat claude-x (closed)
        """
    )
    said = telemetry.span("invoke_agent writer").attributes or {}
    assert said["otelier.usage.uncounted_calls"] == 2
    assert "error.type" not in said


# --- asynchronous --------------------------------------------------------------------------------


def by_claude_async(server: ProviderServer) -> ATranslate:
    claude = anthropic.AsyncAnthropic(base_url=server.url, api_key="k", max_retries=0)

    async def translate(piece: str) -> AsyncIterator[str]:
        asked: Any = [{"role": "user", "content": piece}]
        async with claude.messages.stream(model="claude-x", max_tokens=9, messages=asked) as stream:
            async for text in stream.text_stream:
                yield text

    return translate


def by_gemini_async(server: ProviderServer) -> ATranslate:
    genai = pytest.importorskip("google.genai")
    gemini = genai.Client(api_key="k", http_options={"base_url": server.url}).aio

    async def translate(piece: str) -> AsyncIterator[str]:
        made: Any = gemini.models.generate_content_stream(model="gemini-x", contents=piece)
        async with aclosing(await made if inspect.isawaitable(made) else made) as stream:
            async for chunk in stream:
                yield str(chunk.text)

    return translate


ALL_ASYNC = {"chat claude-x": by_claude_async, "generate_content gemini-x": by_gemini_async}


@pytest.mark.parametrize("name", ALL_ASYNC)
@pytest.mark.parametrize("in_steps", [False, True])
def test_the_same_awaited(
    telemetry: Telemetry, server: ProviderServer, name: str, in_steps: bool
) -> None:
    async def main() -> int:
        gpt = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
        translate = ALL_ASYNC[name](server)
        if in_steps:
            translate = otelier.agent("translator")(translate)

        async def writer() -> AsyncIterator[str]:
            async for chunk in await gpt.chat.completions.create(**CHAT):
                if chunk.choices and chunk.choices[0].delta.content:
                    words: Any = translate(chunk.choices[0].delta.content)
                    async with aclosing(words):
                        yield await anext(words)

        if in_steps:
            writer = otelier.agent("writer")(writer)
        read = 0
        with telemetry.tracer.start_as_current_span("page"):
            async for _ in writer():
                read += 1
                with telemetry.tracer.start_as_current_span("shown"):
                    await asyncio.sleep(0)
        await gpt.close()
        return read

    assert asyncio.run(main()) == 3
    # Who closes Gemini's asynchronous one cannot be told from an event loop that does.
    below = f"{name} ({'abandoned' if 'gemini' in name else 'closed'})"
    if not in_steps:
        drawn = ["page", "  chat gpt-4o 33", *[f"  {below}", "  shown"] * 3]
    else:
        inner = ["    invoke_agent translator (closed)", f"      {below}"] * 3
        drawn = ["page", "  invoke_agent writer", "    chat gpt-4o 33", *inner, *["  shown"] * 3]
    assert draw(telemetry, how) == "\n".join(drawn)


def test_two_streams_of_two_providers_take_turns(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    """In one task, each read inside of the other's pause, by agents that both go on."""

    async def main() -> None:
        gpt = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
        claude = by_claude_async(server)

        @otelier.agent("writer")
        async def writer() -> AsyncIterator[str]:
            async for chunk in await gpt.chat.completions.create(**CHAT):
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content

        critic = otelier.agent("critic")(claude)
        with telemetry.tracer.start_as_current_span("page"):
            one, other = writer(), critic("Judge.")
            async for _ in one:
                await anext(other, None)
            async for _ in other:
                pass
        await gpt.close()

    asyncio.run(main())
    assert draw(telemetry, how) == tree(
        """
        page
          invoke_agent writer
            chat gpt-4o 33
          invoke_agent critic
            chat claude-x
        """
    )
