"""What agents and workflows say that they used: never too little without a sign."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import openai
import pytest

import otelier
from otelier import scope, semconv
from tests import installed as sdks
from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry

ASK: list[Any] = [{"role": "user", "content": "hi"}]
SUMS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "otelier.usage.uncounted_calls",
    "otelier.cost.total",
    "otelier.cost.partial",
    "otelier.cost.unpriced_calls",
    "gen_ai.response.finish_reasons",
)
INPUT, OUTPUT, UNCOUNTED, COST, PARTIAL, UNPRICED, REASONS = SUMS
# USD for a token of gpt-4o.
PRICE = (2.5e-6, 10e-6)
# Modules whose objects there are one of for a step or a call.
OURS = ("otelier.scope", "otelier.handle", "otelier.call", "otelier.session")
CALL = 100 * PRICE[0] + 10 * PRICE[1]


def usage(input: int = 100, output: int = 10) -> dict[str, Any]:
    return openai_wire.chat_usage(input, output)


def answered(**told: Any) -> Json:
    return Json(openai_wire.chat_completion(**{"usage": usage(), "model": "gpt-4o", **told}))


@pytest.fixture
def client(server: ProviderServer) -> openai.OpenAI:
    server.route("/chat/completions", lambda request: answered())
    server.route("/embeddings", lambda request: Json(openai_wire.embeddings(tokens=8)))
    server.route("/moderations", lambda request: Json(openai_wire.moderation()))
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)


def chat(client: openai.OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "gpt-4o", "messages": ASK, **more})


def sums(span: Any) -> dict[str, Any]:
    return {name: span.attributes[name] for name in SUMS if name in span.attributes}


def known(calls: int) -> dict[str, Any]:
    """The sums of so many calls of which all is known."""
    return {
        INPUT: 100 * calls,
        OUTPUT: 10 * calls,
        COST: pytest.approx(CALL * calls, rel=1e-9),
        REASONS: ("stop",),
    }


def test_every_call_beneath_counts_for_all_around_it(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    @otelier.tool
    def look() -> None:
        chat(client)

    @otelier.agent("inner")
    def inner() -> None:
        chat(client)

    @otelier.agent("outer")
    def outer() -> None:
        chat(client)
        look()
        inner()

    @otelier.workflow("all")
    def work() -> None:
        with otelier.retrieval("kb"):
            client.embeddings.create(model="text-embedding-3-small", input="hi")
        outer()
        outer()

    work()
    assert sums(telemetry.spans("invoke_agent inner")[0]) == known(1)
    assert sums(telemetry.spans("invoke_agent outer")[1]) == known(3)
    embedded = 8 * 0.02e-6
    assert sums(telemetry.span("invoke_workflow all")) == {
        **known(6),
        INPUT: 608,
        COST: pytest.approx(6 * CALL + embedded, rel=1e-9),
    }
    for span in telemetry.spans():
        name = str(span.attributes["gen_ai.operation.name"])
        assert (semconv.COST in span.attributes) == (name in ("chat", "embeddings"))
        if name in ("execute_tool", "retrieval"):
            assert not sums(span)


def test_of_an_agent_without_calls_nothing_is_said(telemetry: Telemetry) -> None:
    with otelier.agent("idle"):
        pass
    assert not sums(telemetry.span("invoke_agent"))


def test_threads_and_tasks_count(telemetry: Telemetry, client: openai.OpenAI) -> None:
    with otelier.agent("threads"), ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(copy_context().run, chat, client) for _ in range(16)]:
            done.result()

    async def main() -> None:
        url = str(client.base_url)
        async with openai.AsyncOpenAI(base_url=url, api_key="k") as there, otelier.agent("tasks"):
            create: Any = there.chat.completions.create
            await asyncio.gather(*(create(model="gpt-4o", messages=ASK) for _ in range(8)))

    asyncio.run(main())
    assert sums(telemetry.span("invoke_agent threads")) == known(16)
    assert sums(telemetry.span("invoke_agent tasks")) == known(8)


def test_additions_from_many_threads_are_all_there() -> None:
    from opentelemetry.context import Context

    from otelier import context as ctx
    from otelier.cost import Priced
    from otelier.protocols import Reply, routes
    from otelier.usage import Usage

    outer = scope.Scope(None, None, False)
    inside = ctx.with_value(Context(), ctx.SCOPE, scope.Scope(outer, "a", True))
    route = routes.COMPATIBLE["post", "/chat/completions"]

    def use() -> None:
        for _ in range(500):
            share = scope.began(inside, "chat")
            assert share is not None
            share.tell(
                route, Reply(), Usage(input=1, output=2), Priced(0.5, "prices"), None, None, False
            )
            share.end()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(use) for _ in range(8)]:
            done.result()
    told: semconv.Attributes = {}
    outer.close(told, True)
    assert told == {INPUT: 4000, OUTPUT: 8000, COST: 2000.0}


def test_a_failed_call_uses_nothing(
    telemetry: Telemetry, client: openai.OpenAI, server: ProviderServer
) -> None:
    with otelier.agent("brave"):
        server.script(Json({"error": {"message": "no", "code": "x"}}, status=429))
        with pytest.raises(openai.RateLimitError):
            chat(client)
        chat(client)
    assert sums(telemetry.span("invoke_agent")) == known(1)


def test_tokens_that_are_not_told(
    telemetry: Telemetry, client: openai.OpenAI, server: ProviderServer
) -> None:
    """A sum that everybody reads is absent; one of ours says that it is not all."""
    with otelier.agent("half"):
        chat(client)
        silent = {**openai_wire.chat_completion(model="gpt-4o"), "usage": None}
        server.script(Json(silent))
        chat(client)
    assert sums(telemetry.span("invoke_agent")) == {
        UNCOUNTED: 1,
        COST: pytest.approx(CALL),
        PARTIAL: True,
        UNPRICED: 1,
        REASONS: ("stop",),
    }


def test_a_price_that_is_not_known(
    telemetry: Telemetry, client: openai.OpenAI, server: ProviderServer
) -> None:
    with otelier.agent("one"):
        server.script(answered(model="house-model"))
        chat(client, model="house-model")
    with otelier.agent("two"):
        chat(client)
        server.script(answered(model="house-model"))
        chat(client, model="house-model")
    one, two = (sums(span) for span in telemetry.spans("invoke_agent"))
    assert one == {INPUT: 100, OUTPUT: 10, UNPRICED: 1, REASONS: ("stop",)}
    assert two == {**known(2), COST: pytest.approx(CALL), PARTIAL: True, UNPRICED: 1}


def test_what_costs_nothing_is_not_missing(telemetry: Telemetry, client: openai.OpenAI) -> None:
    with otelier.agent("careful"):
        client.moderations.create(input="hi")
        chat(client)
    assert sums(telemetry.span("invoke_agent")) == known(1)


def streamed(**told: Any) -> Sse:
    message = openai_wire.chat_message("Hello there")
    return Sse(openai_wire.chat_chunks(message, include_usage=True, usage=usage(), **told))


@sdks.openai_streams
@pytest.mark.parametrize("left", ["read", "early", "later"])
def test_streams(
    telemetry: Telemetry, client: openai.OpenAI, server: ProviderServer, left: str
) -> None:
    server.route("/chat/completions", lambda request: streamed(model="gpt-4o"))
    options = {"stream": True, "stream_options": {"include_usage": True}}
    with otelier.workflow("around"):
        with otelier.agent("reader"):
            stream = chat(client, **options)
            if left == "read":
                list(stream)
            elif left == "early":
                next(iter(stream))
                stream.close()
        if left == "later":
            list(stream)
    agent = sums(telemetry.span("invoke_agent"))
    workflow = sums(telemetry.span("invoke_workflow"))
    if left == "read":
        assert agent == workflow == known(1)
    elif left == "later":
        # It had not ended when the agent did.
        assert agent == {UNCOUNTED: 1, UNPRICED: 1}
        assert workflow == known(1)
    else:
        agent.pop(REASONS, None)
        workflow.pop(REASONS, None)
        assert agent == workflow == {UNCOUNTED: 1, UNPRICED: 1}


def test_a_stream_that_is_dropped(
    telemetry: Telemetry, client: openai.OpenAI, server: ProviderServer
) -> None:
    server.script(streamed(model="gpt-4o"))
    with otelier.agent("careless"):
        next(iter(chat(client, stream=True)))
        gc.collect()
    assert sums(telemetry.span("invoke_agent"))[UNCOUNTED] == 1


def test_a_call_that_nobody_waited_for(telemetry: Telemetry) -> None:
    """The provider may have answered: what it used is not known."""

    async def main() -> None:
        reached = asyncio.Event()

        async def serve(reader: Any, writer: Any) -> None:
            await reader.read(1)
            reached.set()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as there:
            create: Any = there.chat.completions.create
            async with otelier.agent("hasty"):
                call = asyncio.create_task(create(model="gpt-4o", messages=ASK))
                await reached.wait()
                call.cancel()
                await asyncio.wait([call])
        listening.close()

    asyncio.run(main())
    assert sums(telemetry.span("invoke_agent")) == {UNCOUNTED: 1, UNPRICED: 1}


def test_without_costs_none_is_missing(server: ProviderServer, client: openai.OpenAI) -> None:
    telemetry = Telemetry().start(cost=False)
    with otelier.agent("free"):
        chat(client)
    telemetry.stop()
    agent = telemetry.span("invoke_agent")
    assert sums(agent) == {INPUT: 100, OUTPUT: 10, REASONS: ("stop",)}


def test_the_reason_is_that_of_the_last_call(
    telemetry: Telemetry, client: openai.OpenAI, server: ProviderServer
) -> None:
    cut = openai_wire.chat_message("Hel")
    with otelier.agent("talker"):
        chat(client)
        server.script(Json(openai_wire.chat_completion(cut, finish_reason="length")))
        chat(client)
        client.embeddings.create(model="text-embedding-3-small", input="hi")
    assert telemetry.span("invoke_agent").attributes[REASONS] == ("length",)


def test_an_enriched_call_counts_once(telemetry: Telemetry, client: openai.OpenAI) -> None:
    asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    with (
        otelier.agent("framed"),
        telemetry.tracer.start_as_current_span("chat gpt-4o", attributes=asked),
    ):
        chat(client)
    assert len(telemetry.spans("chat")) == 1
    assert sums(telemetry.span("invoke_agent")) == known(1)


def test_metrics_count_no_sums(telemetry: Telemetry, client: openai.OpenAI) -> None:
    with otelier.workflow("w"), otelier.agent("a"):
        chat(client)
    points = telemetry.metrics()
    tokens = {p.attributes["gen_ai.token.type"]: p.sum for p in points["gen_ai.client.token.usage"]}
    assert tokens == {"input": 100, "output": 10}
    assert sum(p.value for p in points["gen_ai.client.operation.cost"]) == pytest.approx(CALL)


def theirs(telemetry: Telemetry, name: str = "chat", **attributes: Any) -> Any:
    """A model call's span of another library."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        **attributes,
    }
    return telemetry.tracer.start_as_current_span(name, attributes=said)


TOLD = {INPUT: 100, OUTPUT: 10}


def test_calls_that_others_see_count_too(telemetry: Telemetry, client: openai.OpenAI) -> None:
    """Where another library has the call, and otelier stands down."""
    with otelier.workflow("w"), otelier.agent("mixed"):
        chat(client)
        with theirs(telemetry, **TOLD):
            pass
        # A framework's span around the SDK's: the inner one counts.
        with theirs(telemetry, "outer", **TOLD), theirs(telemetry, **TOLD):
            pass
        # A framework's span that is not ours to enrich, around a call of ours.
        with (
            theirs(telemetry, **TOLD),
            telemetry.tracer.start_as_current_span("between"),
        ):
            chat(client)
        with theirs(telemetry, **{"gen_ai.operation.name": "invoke_agent"}, **TOLD):
            pass
    assert sums(telemetry.span("invoke_agent mixed")) == known(4)
    assert sums(telemetry.span("invoke_workflow")) == known(4)


def test_calls_that_others_see_and_do_not_tell(telemetry: Telemetry) -> None:
    with otelier.agent("a"):
        with theirs(telemetry):
            pass
        with theirs(telemetry, **{"error.type": "RateLimitError"}):
            pass
    assert sums(telemetry.span("invoke_agent a")) == {UNCOUNTED: 1, UNPRICED: 1}


def test_an_answer_that_is_fetched_later() -> None:
    """A background answer's tokens are told where it is fetched: missing until then."""
    from opentelemetry.context import Context

    from otelier import context as ctx
    from otelier.cost import Priced
    from otelier.protocols import Reply, routes
    from otelier.usage import Usage

    create = routes.OPENAI["post", "/responses"]
    fetch = routes.OPENAI["get", "/responses/{id}"]
    whole, half = scope.Scope(None, None, True), scope.Scope(None, None, True)
    for each in (whole, half):
        inside = ctx.with_value(Context(), ctx.SCOPE, each)
        begun = scope.began(inside, create.operation)
        assert begun is not None
        waiting = Reply(attributes={"otelier.response.background": True})
        begun.tell(create, waiting, None, None, None, None, False)
        begun.end()
        if each is whole:
            fetched = scope.began(inside, fetch.operation)
            assert fetched is not None
            usage = Usage(input=5, output=2)
            fetched.tell(fetch, Reply(), usage, Priced(0.5, "prices"), None, None, False)
            fetched.end()
    told: semconv.Attributes = {}
    whole.close(told, True)
    assert told == {INPUT: 5, OUTPUT: 2, COST: 0.5}
    told = {}
    half.close(told, True)
    assert told == {UNCOUNTED: 1, UNPRICED: 1}


def test_nothing_of_a_run_waits_for_the_garbage_collector(
    telemetry: Telemetry, client: openai.OpenAI
) -> None:
    @otelier.tool
    def look() -> None:
        client.chat.completions.create(model="gpt-4o", messages=ASK)

    @otelier.agent("inner")
    def inner() -> None:
        look()

    @otelier.workflow("outer")
    def outer() -> None:
        with otelier.session(user_id="u"), otelier.agent("around"):
            inner()

    def left() -> list[str]:
        kinds = (type(each) for each in gc.get_objects())
        names = (kind.__qualname__ for kind in kinds if kind.__module__ in OURS)
        return [name for name in names if name in ("Scope", "Handle", "Share", "Call", "Entry")]

    outer()
    gc.collect()
    gc.disable()
    try:
        outer()
        assert left() == []
    finally:
        gc.enable()
