"""Pydantic AI: the trees of its agents, from its own spans, completed."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import logging
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("pydantic_ai")

import pydantic_ai
from openai import AsyncOpenAI
from opentelemetry.sdk.trace import ReadableSpan
from pydantic_ai import Agent, ModelRetry, RunContext
from pydantic_ai.messages import (
    ModelMessagesTypeAdapter,
    ModelResponse,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers.openai import OpenAIProvider

import otelier
from otelier import guard, under_way
from otelier.hooks import registry
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.servers import Gate, Json, ProviderServer, Recorded, Reply, Sse
from tests.servers.openai_chat import (
    chat_chunks,
    chat_completion,
    chat_message,
    error_body,
    tool_call,
)
from tests.telemetry import Telemetry

VERSION = tuple(int(part) for part in pydantic_ai.__version__.split(".")[:2])
# Conversations, and agents' spans that are current where they are opened.
NEWER = VERSION >= (2, 0)
newer = pytest.mark.skipif(not NEWER, reason="not in this version of Pydantic AI")
SECRETS = ("Paris", "sunny", "Be brief", "weather in")
CALL = chat_message(tool_calls=[tool_call("get_weather", {"city": "Paris"})])
ANSWER = chat_message("It is sunny.")


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    yield
    gc.collect()
    assert not under_way.anything()


def model(server: ProviderServer, name: str = "gpt-4o-mini") -> OpenAIChatModel:
    # Of its own: some versions keep one for all, whose event loop may be closed.
    client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))


def reply(message: dict[str, Any]) -> Callable[[Recorded], Reply]:
    """The message as the answer of a request that is streamed, or is not."""

    def answer(request: Recorded) -> Reply:
        if request.json().get("stream"):
            return Sse(chat_chunks(message, include_usage=True))
        return Json(chat_completion(message))

    return answer


def weather_agent(server: ProviderServer) -> Agent[Any, str]:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent", system_prompt="Be brief.")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    return agent


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


PLAIN = """
    invoke_agent weather_agent 24+18
      chat gpt-4o-mini 12+9
      execute_tool get_weather
      chat gpt-4o-mini 12+9
"""


def test_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(CALL), reply(ANSWER))
    assert weather_agent(server).run_sync("What is the weather in Paris?").output == "It is sunny."
    assert draw(telemetry, tokens) == tree(PLAIN)
    tool = attributes(telemetry.span("execute_tool"))
    assert tool["gen_ai.operation.name"] == "execute_tool"
    assert tool["gen_ai.tool.name"] == "get_weather"
    assert tool["gen_ai.tool.type"] == "function"
    assert tool["gen_ai.tool.call.id"] == "call_local_1"
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert tool["gen_ai.tool.call.result"] == "sunny in Paris"
    for call in model_calls(telemetry):
        held = attributes(call)
        assert held["gen_ai.request.model"] == "gpt-4o-mini"
        assert held["gen_ai.response.model"] == "gpt-4o-mini-2024-07-18"
        assert held["gen_ai.usage.cost"] > 0
        assert json.loads(held["gen_ai.input.messages"])[0]["role"] == "system"
    agent = attributes(telemetry.span("invoke_agent"))
    assert agent["gen_ai.agent.name"] == "weather_agent"
    assert agent["gen_ai.operation.name"] == "invoke_agent"
    assert agent["otelier.cost.total"] == pytest.approx(2 * held["gen_ai.usage.cost"])
    if NEWER:
        assert tool["gen_ai.agent.name"] == "weather_agent"
        asked = json.loads(agent["gen_ai.input.messages"])
        assert [message["role"] for message in asked] == ["system", "user"]
        (said,) = json.loads(agent["gen_ai.output.messages"])
        assert said["parts"] == [{"type": "text", "content": "It is sunny."}]


def test_metrics_count_each_token_once(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(CALL), reply(ANSWER))
    weather_agent(server).run_sync("What is the weather in Paris?")
    found = telemetry.metrics()
    told = {point.attributes["gen_ai.token.type"]: point.sum for point in usage(found)}
    assert told == {"input": 24, "output": 18}
    assert sum(point.count for point in found["gen_ai.execute_tool.duration"]) == 1
    if NEWER:
        (tools,) = found["gen_ai.invoke_agent.tool_calls"]
        (calls,) = found["gen_ai.invoke_agent.inference_calls"]
        assert (tools.sum, calls.sum) == (1, 2)


def usage(found: dict[str, list[Any]]) -> list[Any]:
    return found["gen_ai.client.token.usage"]


@newer
def test_conversation(server: ProviderServer, telemetry: Telemetry) -> None:
    agent = weather_agent(server)

    @agent.tool_plain
    def look_up(city: str) -> str:
        with telemetry.tracer.start_as_current_span("query"):
            return "found"

    server.script(reply(chat_message(tool_calls=[tool_call("look_up", {"city": "Oslo"})])))
    server.script(reply(ANSWER))
    agent.run_sync("hello", conversation_id="thread-7")
    assert draw(telemetry, conversation) == tree("""
        invoke_agent weather_agent [thread-7]
          chat gpt-4o-mini [thread-7]
          execute_tool look_up [thread-7]
            query [thread-7]
          chat gpt-4o-mini [thread-7]
    """)
    telemetry.clear()
    # Without one it makes one up, for each run: on all that is inside.
    server.script(reply(CALL), reply(ANSWER))
    agent.run_sync("hello")
    told = {attributes(span).get("gen_ai.conversation.id") for span in telemetry.spans()}
    assert len(told) == 1 and None not in told


@newer
def test_session_of_the_program_is_worth_more(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(CALL), reply(ANSWER))
    with otelier.session(conversation_id="mine", user_id="ann"):
        weather_agent(server).run_sync("hello", conversation_id="theirs")
    assert draw(telemetry, conversation) == tree("""
        invoke_agent weather_agent [mine]
          chat gpt-4o-mini [mine]
          execute_tool get_weather [mine]
          chat gpt-4o-mini [mine]
    """)
    assert {attributes(span)["user.id"] for span in telemetry.spans()} == {"ann"}


def test_stream(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(CALL), reply(ANSWER))

    async def main() -> str:
        async with weather_agent(server).run_stream("What is the weather in Paris?") as result:
            return "".join([text async for text in result.stream_text(delta=True)])

    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry, tokens) == tree(PLAIN)


def test_stream_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    gate = Gate(hold_after=2)
    server.script(Sse(chat_chunks(ANSWER, include_usage=True), gate=gate))

    async def main() -> None:
        with telemetry.tracer.start_as_current_span("request"):
            async with weather_agent(server).run_stream("hello") as result:
                async for _ in result.stream_text(debounce_by=None):
                    break
            gate.open()
        with telemetry.tracer.start_as_current_span("afterwards"):
            pass

    asyncio.run(main())
    assert draw(telemetry) == tree("""
        request
          invoke_agent weather_agent
            chat gpt-4o-mini
        afterwards
    """)


def test_iter(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(CALL), reply(ANSWER))

    async def main() -> int:
        async with weather_agent(server).iter("What is the weather in Paris?") as run:
            return len([node async for node in run])

    assert asyncio.run(main()) >= 4
    assert draw(telemetry, tokens) == tree(PLAIN)


@newer
def test_stream_of_events(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(CALL), reply(ANSWER))

    async def main() -> list[Any]:
        async with weather_agent(server).run_stream_events("What is the weather?") as events:
            return [event async for event in events]

    assert len(asyncio.run(main())) > 4
    assert draw(telemetry, tokens) == tree(PLAIN)


def test_tool_that_makes_requests_and_spans(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="shop")
    seen: list[str] = []

    @agent.tool_plain
    async def price(item: str) -> str:
        with telemetry.tracer.start_as_current_span("SELECT prices"):
            pass
        await asyncio.to_thread(urllib.request.urlopen, f"{server.url}/v1/models")
        seen.append(format(otelier.current().span.get_span_context().span_id, "x"))
        return "4"

    server.script(reply(chat_message(tool_calls=[tool_call("price", {"item": "tea"})])))
    server.route("/v1/models", Json({"data": []}))

    def answer(request: Recorded) -> Reply:
        return reply(ANSWER)(request)

    server.route("/chat/completions", answer)
    assert agent.run_sync("What is tea?").output == "It is sunny."
    assert draw(telemetry) == tree("""
        invoke_agent shop
          chat gpt-4o-mini
          execute_tool price
            SELECT prices
          chat gpt-4o-mini
    """)
    tool = telemetry.span("execute_tool")
    assert seen == [format(tool.context.span_id, "x")]


def test_parallel_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent")

    @agent.tool_plain
    async def get_weather(city: str) -> str:
        await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span(f"GET {city}"):
            await asyncio.sleep(0)
        return f"sunny in {city}"

    calls = [
        tool_call("get_weather", {"city": city}, id=f"call_{city}") for city in ("Rome", "Oslo")
    ]
    server.script(reply(chat_message(tool_calls=calls)), reply(ANSWER))
    agent.run_sync("hello")
    assert draw(telemetry, ordered=False) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          chat gpt-4o-mini
          execute_tool get_weather
            GET Oslo
          execute_tool get_weather
            GET Rome
    """)
    ids = [attributes(span)["gen_ai.tool.call.id"] for span in telemetry.spans("execute_tool")]
    assert sorted(ids) == ["call_Oslo", "call_Rome"]


def test_retried_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent")
    tries: list[int] = []

    @agent.tool_plain(retries=2)
    def get_weather(city: str) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ModelRetry("which Paris?")
        return "sunny"

    server.script(reply(CALL), reply(CALL), reply(ANSWER))
    assert agent.run_sync("hello").output == "It is sunny."
    # Some versions between do not tell what it was made of.
    drawn = draw(telemetry).replace("ToolRetryError", "ModelRetry")
    assert drawn == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather !pydantic_ai.exceptions.ModelRetry
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
    """)


def test_failing_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        raise ValueError("no such city")

    server.script(reply(CALL))
    with pytest.raises(ValueError, match="no such city"):
        agent.run_sync("hello")
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent !ValueError
          chat gpt-4o-mini
          execute_tool get_weather !ValueError
    """)


def test_refused_call(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(error_body(), status=400))
    with pytest.raises(Exception, match="400"):
        weather_agent(server).run_sync("hello")
    (call,) = model_calls(telemetry)
    assert attributes(call)["error.type"] == "openai.BadRequestError"


def test_output_function(server: ProviderServer, telemetry: Telemetry) -> None:
    def book(city: str) -> str:
        """Book it."""
        with telemetry.tracer.start_as_current_span("INSERT booking"):
            return f"booked {city}"

    agent: Agent[Any, str] = Agent(model(server), name="booker", output_type=book)
    name = "final_result"
    server.script(reply(chat_message(tool_calls=[tool_call(name, {"city": "Paris"})])))
    assert agent.run_sync("hello").output == "booked Paris"
    assert draw(telemetry, tokens) == tree("""
        invoke_agent booker 12+9
          chat gpt-4o-mini 12+9
          execute_tool final_result
            INSERT booking
    """)
    tool = attributes(telemetry.span("execute_tool"))
    assert "Paris" in tool["gen_ai.tool.call.arguments"]
    assert tool["gen_ai.tool.call.result"] in ("booked Paris", '"booked Paris"')


def test_delegated_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    inner: Agent[Any, str] = Agent(model(server), name="researcher")
    outer: Agent[Any, str] = Agent(model(server), name="lead")

    @outer.tool
    async def research(ctx: RunContext[Any], topic: str) -> str:
        result = await inner.run(topic)
        return result.output

    server.script(reply(chat_message(tool_calls=[tool_call("research", {"topic": "tea"})])))
    server.script(reply(ANSWER), reply(ANSWER))
    outer.run_sync("hello")
    found = draw(telemetry, tokens)
    # All that is beneath, where the span can tell.
    assert found == tree(f"""
        invoke_agent lead {"24+18" if VERSION == (1, 0) else "36+27"}
          chat gpt-4o-mini 12+9
          execute_tool research
            invoke_agent researcher 12+9
              chat gpt-4o-mini 12+9
          chat gpt-4o-mini 12+9
    """)
    if NEWER:
        # One conversation, though Pydantic AI makes up an id for each run.
        told = {attributes(span)["gen_ai.conversation.id"] for span in telemetry.spans()}
        assert len(told) == 1


def test_model_without_an_sdk(telemetry: Telemetry) -> None:
    """Its own span of the call is the one."""

    def answer(messages: list[Any], info: Any) -> ModelResponse:
        if len(messages) == 1:
            return ModelResponse([ToolCallPart("get_weather", {"city": "Rome"}, "call_1")])
        return ModelResponse([TextPart("It is sunny.")])

    agent: Agent[Any, str] = Agent(FunctionModel(answer, model_name="local"), name="weather_agent")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        return "sunny"

    assert agent.run_sync("hello").output == "It is sunny."
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent
          chat local
          execute_tool get_weather
          chat local
    """)
    first, second = (attributes(call) for call in model_calls(telemetry))
    read = first["gen_ai.usage.input_tokens"] + second["gen_ai.usage.input_tokens"]
    assert attributes(telemetry.span("invoke_agent"))["gen_ai.usage.input_tokens"] == read
    telemetry.clear()
    Agent(TestModel(), name="tested").run_sync("hello")
    assert draw(telemetry) == tree("""
        invoke_agent tested
          chat test
    """)


def test_declared_tool_is_the_same_span(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent")

    @agent.tool_plain
    @otelier.tool
    def get_weather(city: str) -> str:
        return "sunny"

    server.script(reply(CALL), reply(ANSWER))
    agent.run_sync("hello")
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
    """)
    points = telemetry.metrics()["gen_ai.execute_tool.duration"]
    assert sum(point.count for point in points) == 1


def test_declared_tool_without_content(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent")

    @agent.tool_plain
    @otelier.tool(capture=False)
    def get_weather(city: str) -> str:
        return "sunny"

    server.script(reply(CALL), reply(ANSWER))
    agent.run_sync("hello")
    tool = attributes(telemetry.span("execute_tool"))
    assert "gen_ai.tool.call.arguments" not in tool
    assert "gen_ai.tool.call.result" not in tool


def test_around_it_a_workflow(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(CALL), reply(ANSWER))
    with otelier.workflow("support"):
        weather_agent(server).run_sync("hello")
    assert draw(telemetry, tokens) == tree("""
        invoke_workflow support 24+18
          invoke_agent weather_agent 24+18
            chat gpt-4o-mini 12+9
            execute_tool get_weather
            chat gpt-4o-mini 12+9
    """)


@newer
def test_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent")

    async def main() -> None:
        reached = asyncio.Event()

        @agent.tool_plain
        async def get_weather(city: str) -> str:
            reached.set()
            await asyncio.Event().wait()
            return "never"

        task = asyncio.create_task(agent.run("hello"))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    server.script(reply(CALL))
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
    """)
    agent_span = telemetry.span("invoke_agent")
    assert "error.type" not in attributes(agent_span)
    assert agent_span.status.is_unset
    tool = telemetry.span("execute_tool")
    assert "error.type" not in attributes(tool)
    assert tool.status.is_unset


def test_ten_users_in_one_loop(server: ProviderServer, telemetry: Telemetry) -> None:
    def answer(request: Recorded) -> Reply:
        asked = request.json()["messages"]
        if asked[-1]["role"] == "tool":
            return Json(chat_completion(chat_message(asked[-1]["content"])))
        call = tool_call("get_weather", {"city": asked[-1]["content"]})
        return Json(chat_completion(chat_message(tool_calls=[call])))

    server.route("/chat/completions", answer)
    agent = weather_agent(server)

    async def serve(user: int) -> str:
        with (
            otelier.session(conversation_id=f"user-{user}"),
            telemetry.tracer.start_as_current_span(f"request {user}"),
        ):
            return (await agent.run(f"city {user}")).output

    async def main() -> list[str]:
        return await asyncio.gather(*(serve(user) for user in range(10)))

    assert asyncio.run(main()) == [f"sunny in city {user}" for user in range(10)]
    assert draw(telemetry, conversation, ordered=False) == "\n".join(
        tree(f"""
            request {user} [user-{user}]
              invoke_agent weather_agent [user-{user}]
                chat gpt-4o-mini [user-{user}]
                chat gpt-4o-mini [user-{user}]
                execute_tool get_weather [user-{user}]
        """)
        for user in range(10)
    )


def everything(telemetry: Telemetry) -> str:
    """All that spans and events say."""
    told: list[Any] = [
        [dict(span.attributes or {}), [dict(event.attributes or {}) for event in span.events]]
        for span in telemetry.spans()
    ]
    told += [span.status.description for span in telemetry.spans()]
    return str(told) + str([(event.body, event.attributes) for event in telemetry.events()])


def kept(telemetry: Telemetry) -> list[str]:
    found = everything(telemetry)
    return [secret for secret in SECRETS if secret in found]


def test_no_content(server: ProviderServer) -> None:
    telemetry = Telemetry().start(capture="NO_CONTENT")
    server.script(reply(CALL), reply(ANSWER))
    weather_agent(server).run_sync("What is the weather in Paris?")
    assert draw(telemetry, tokens) == tree(PLAIN)
    assert kept(telemetry) == []
    telemetry.stop()


def test_less_content_later(server: ProviderServer, telemetry: Telemetry) -> None:
    agent = weather_agent(server)
    server.script(reply(CALL), reply(ANSWER))
    agent.run_sync("What is the weather in Paris?")
    assert kept(telemetry) == list(SECRETS)
    telemetry.clear()
    server.script(reply(CALL), reply(ANSWER))
    with otelier.capture("NO_CONTENT"):
        agent.run_sync("What is the weather in Paris?")
    assert kept(telemetry) == []
    server.script(reply(CALL), reply(ANSWER))
    otelier.instrument(capture="NO_CONTENT")
    agent.run_sync("What is the weather in Paris?")
    assert draw(telemetry, tokens) == "\n".join([tree(PLAIN)] * 2)
    assert kept(telemetry) == []


def test_agents_with_settings_of_their_own(server: ProviderServer, telemetry: Telemetry) -> None:
    """What a program decides for an agent stays."""
    server.script(reply(CALL), reply(ANSWER))
    agent = weather_agent(server)
    agent.instrument = False
    agent.run_sync("hello")
    # Their spans are off: the calls are seen as the SDK makes them.
    assert draw(telemetry) == tree("""
        chat gpt-4o-mini
        chat gpt-4o-mini
    """)


def test_agents_that_have_telemetry_of_their_own(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    settings = type(Agent._instrument_default).__mro__[1]
    agent = weather_agent(server)
    agent.instrument = settings(tracer_provider=telemetry.tracer_provider, include_content=False)
    server.script(reply(CALL), reply(ANSWER))
    agent.run_sync("hello")
    calls = model_calls(telemetry)
    assert [attributes(call)["gen_ai.usage.input_tokens"] for call in calls] == [12, 12]
    assert draw(telemetry).count("weather_agent") <= 1


def test_the_program_decides_for_all(server: ProviderServer, telemetry: Telemetry) -> None:
    ours = Agent._instrument_default
    assert ours is not False
    Agent.instrument_all(False)
    try:
        server.script(reply(ANSWER))
        weather_agent(server).run_sync("hello")
        assert draw(telemetry) == "chat gpt-4o-mini"
        otelier.uninstrument()
        assert Agent._instrument_default is False
        # A choice that is there already is left alone.
        mine = type(ours).__mro__[1]()
        Agent.instrument_all(mine)
        telemetry.start()
        assert Agent._instrument_default is mine
        otelier.uninstrument()
        assert Agent._instrument_default is mine
    finally:
        Agent.instrument_all(False)


def test_disabled(server: ProviderServer) -> None:
    telemetry = Telemetry().start(disabled="pydantic_ai")
    server.script(reply(ANSWER))
    weather_agent(server).run_sync("hello")
    assert draw(telemetry) == "chat gpt-4o-mini"
    telemetry.stop()


def test_uninstrumented_and_again(server: ProviderServer, telemetry: Telemetry) -> None:
    agent = weather_agent(server)
    otelier.uninstrument()
    server.script(reply(CALL), reply(ANSWER))
    before = agent.run_sync("What is the weather in Paris?")
    assert telemetry.spans() == []
    telemetry.start()
    server.script(reply(CALL), reply(ANSWER))
    after = agent.run_sync("What is the weather in Paris?")
    assert draw(telemetry, tokens) == tree(PLAIN)
    assert after.output == before.output
    assert len(after.all_messages()) == len(before.all_messages())


def test_run_that_outlasts_it(server: ProviderServer, telemetry: Telemetry) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        otelier.uninstrument()
        return "sunny"

    server.script(reply(CALL), reply(ANSWER))
    assert agent.run_sync("hello").output == "It is sunny."
    assert not guard.failures()
    telemetry.start()


def test_settings_without_the_seam(caplog: pytest.LogCaptureFixture) -> None:
    from otelier.frameworks.pydantic_ai import switch
    from otelier.hooks.patching import Patches

    with pytest.raises(LookupError):
        switch.patch("pydantic_ai", object(), Patches())


def test_doctor_names_it(telemetry: Telemetry) -> None:
    (state,) = (each for each in registry.states() if each.library.name == "pydantic_ai")
    assert state.status == "hooked"
    assert "instrument_all" in state.seam


LOGFIRE = """
import logfire, otelier
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
exporter = InMemorySpanExporter()
def theirs():
    logfire.configure(send_to_logfire=False, console=False,
                      additional_span_processors=[SimpleSpanProcessor(exporter)])
    logfire.instrument_pydantic_ai()
def ours():
    otelier.instrument()
for start in ({order}):
    start()
Agent(TestModel(), name="tested").run_sync("hello")
print([span.name for span in exporter.get_finished_spans() if not span.name.startswith("pending")])
assert "otelier" not in type(Agent._instrument_default).__module__
"""


@pytest.mark.parametrize("order", ["theirs, ours", "ours, theirs"])
def test_beside_logfire(order: str) -> None:
    pytest.importorskip("logfire")
    done = subprocess.run(
        [sys.executable, "-c", LOGFIRE.replace("{order}", order)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("chat test") == 1
    assert done.stdout.count("tested") == 1 or done.stdout.count("agent run") == 1


def test_nothing_is_logged(
    server: ProviderServer, telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        server.script(reply(CALL), reply(ANSWER))

        async def main() -> None:
            async with weather_agent(server).run_stream("hello") as result:
                async for _ in result.stream_text():
                    break

        asyncio.run(main())
    assert [record.message for record in caplog.records if "otelier" in record.name] == []
    assert [record.message for record in caplog.records if "context" in record.name] == []


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("less", ["tighten", "uninstrument"])
def test_less_content_in_the_middle(
    less: str, server: ProviderServer, telemetry: Telemetry
) -> None:
    agent: Agent[Any, str] = Agent(model(server), name="weather_agent", system_prompt="Be brief.")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        if less == "tighten":
            otelier.instrument(capture="NO_CONTENT")
        else:
            otelier.uninstrument()
        return "sunny"

    server.script(reply(CALL), reply(ANSWER))
    assert agent.run_sync("the weather in Paris?").output == "It is sunny."
    if less == "tighten":
        late = [span for span in telemetry.spans() if span.name != "chat gpt-4o-mini"]
        late += model_calls(telemetry)[1:]
        assert not any(secret in str(attributes(span)) for secret in SECRETS for span in late)
    telemetry.start()


def test_small(server: ProviderServer, telemetry: Telemetry) -> None:
    from tests.lineage.frameworks.small.pydantic_ai import prepare

    run = prepare(server.url)
    for _ in range(2):
        server.script(reply(CALL), reply(ANSWER))
        assert getattr(run(), "output", None) == "It is sunny."
    assert draw(telemetry, tokens) == "\n".join([tree(PLAIN)] * 2)


@newer
def test_tool_that_is_run_later(server: ProviderServer, telemetry: Telemetry) -> None:
    from pydantic_ai import CallDeferred, DeferredToolRequests, DeferredToolResults

    agent: Agent[Any, Any] = Agent(
        model(server), name="weather_agent", output_type=[str, DeferredToolRequests]
    )

    @agent.tool_plain
    def get_weather(city: str) -> str:
        raise CallDeferred

    server.script(reply(CALL), reply(ANSWER))
    first = agent.run_sync("hello", conversation_id="thread-1")
    results = DeferredToolResults(calls={"call_local_1": "sunny"})
    # As another process reads it: the conversation is in the history.
    history = ModelMessagesTypeAdapter.validate_json(first.all_messages_json())
    agent.run_sync(message_history=history, deferred_tool_results=results)
    assert draw(telemetry, conversation) == tree("""
        invoke_agent weather_agent [thread-1]
          chat gpt-4o-mini [thread-1]
          execute_tool get_weather [thread-1]
        invoke_agent weather_agent [thread-1]
          chat gpt-4o-mini [thread-1]
    """)
    points = telemetry.metrics()["gen_ai.execute_tool.duration"]
    assert not any("error.type" in point.attributes for point in points)


def test_settings_are_like_any(telemetry: Telemetry) -> None:
    settings: Any = Agent._instrument_default
    same = copy.copy(settings)
    assert same.include_content is True
    settings.include_content = False
    assert settings.include_content is True
    assert "InstrumentationSettings" in repr(settings)
    tracer = copy.copy(settings.tracer)
    with tracer.start_as_current_span("mine") as span:
        span.set_attribute("a", 1)
    assert draw(telemetry) == "mine"
