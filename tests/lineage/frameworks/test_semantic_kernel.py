"""Semantic Kernel: one tree, whether its own telemetry of agents and model calls is on or not."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("semantic_kernel")

from openai import AsyncOpenAI
from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.filters import FilterTypes
from semantic_kernel.functions import kernel_function

import otelier
from otelier import natives
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.lineage.frameworks.natively import told
from tests.lineage.frameworks.semantic_kernel_parts import (
    AGENT,
    ALWAYS,
    MODELS,
    Weather,
    answering,
    service,
    uses,
    weather,
)
from tests.servers import Json, ProviderServer, Sse, openai_responses, openai_wire
from tests.servers.replies import Recorded, Reply
from tests.telemetry import Telemetry


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


async def streamed(agent: ChatCompletionAgent, how: str, **options: Any) -> str:
    return "".join(
        [str(item.message) async for item in getattr(agent, how)(messages="Paris?", **options)]
    )


def test_an_agent(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    answering(server, uses("Weather-get_weather"))
    agent = weather(server, Weather(), description="Knows the weather.", id="agent-1")
    answer = asyncio.run(agent.get_response(messages="What is the weather in Paris?"))
    assert str(answer) == "It is sunny."
    assert draw(telemetry, tokens) == tree(AGENT)
    ran = told(telemetry, "invoke_agent")
    assert ran["gen_ai.agent.id"] == "agent-1"
    assert ran["gen_ai.agent.description"] == "Knows the weather."
    assert "What is the weather in Paris?" in ran["gen_ai.input.messages"]
    assert "It is sunny." in ran["gen_ai.output.messages"]
    assert "Be brief." in ran["gen_ai.system_instructions"]
    (offered,) = json.loads(ran["gen_ai.tool.definitions"])
    assert offered["name"] == "Weather-get_weather"
    assert offered["parameters"]["required"] == ["city"]
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert "sunny in Paris" in used["gen_ai.tool.call.result"]
    assert (used["gen_ai.tool.type"], used["gen_ai.tool.call.id"]) == ("function", "call_0")
    assert used["gen_ai.tool.description"] == "The weather in a city."
    chat = told(telemetry, "chat")
    assert chat["gen_ai.provider.name"] == "openai"
    assert chat["server.address"] == "127.0.0.1"
    assert chat["gen_ai.usage.cost"] > 0
    assert ran["otelier.cost.total"] == pytest.approx(2 * chat["gen_ai.usage.cost"])
    (conversation,) = {
        dict(span.attributes or {}).get("gen_ai.conversation.id") for span in telemetry.spans()
    }
    assert conversation == answer.thread.id


@pytest.mark.parametrize("how", ["invoke", "invoke_stream"])
def test_read(server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str) -> None:
    answering(server, uses("Weather-get_weather"))
    said = asyncio.run(streamed(weather(server, Weather()), how))
    assert said == "It is sunny."
    assert draw(telemetry, tokens) == tree(AGENT)
    assert "It is sunny." in told(telemetry, "invoke_agent")["gen_ai.output.messages"]


def test_model_calls_stay_its_own(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    answering(server, uses("Weather-get_weather"))
    asyncio.run(weather(server, Weather()).get_response(messages="Paris?"))
    made_by = {span.instrumentation_scope.name for span in model_calls(telemetry)}
    # Programs that have not switched them on pay nothing for a look at them.
    assert bool(natives.watched) == (diagnostics != "off")
    assert made_by == {"otelier" if diagnostics == "off" else MODELS}


@pytest.mark.parametrize("how", ["invoke", "invoke_stream"])
@pytest.mark.parametrize("leaves", ["closed", "dropped"])
def test_left_early(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str, leaves: str
) -> None:
    async def main() -> None:
        stream = getattr(weather(server), how)(messages="Paris?")
        async for _ in stream:
            with telemetry.tracer.start_as_current_span("mine"):
                pass
            break
        if leaves == "closed":
            await stream.aclose()
        del stream
        gc.collect()
        await asyncio.sleep(0)

    answering(server, lambda body: openai_wire.chat_message())
    asyncio.run(main())
    gc.collect()
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
        mine
    """)


def test_cancelled(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    class Waits:
        @kernel_function
        async def wait(self, city: str) -> str:
            started.set()
            await asyncio.Event().wait()
            return city

    async def main() -> None:
        task = asyncio.create_task(weather(server, Waits()).get_response(messages="Paris?"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = asyncio.Event()
    answering(server, uses("Waits-wait"))
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool Waits-wait
    """)


def test_parallel_tools(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    answering(server, uses("Weather-get_weather", "Weather-get_weather"))
    asyncio.run(weather(server, Weather()).get_response(messages="Paris twice?"))
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool Weather-get_weather
          execute_tool Weather-get_weather
          chat gpt-4o
    """)
    ids = [
        dict(span.attributes or {})["gen_ai.tool.call.id"]
        for span in telemetry.spans("execute_tool")
    ]
    assert sorted(ids) == ["call_0", "call_1"]


class Broken:
    @kernel_function
    def fail(self, city: str) -> str:
        raise KeyError(f"secret {city}")


def test_a_failing_tool(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    answering(server, uses("Broken-fail"))
    answer = asyncio.run(weather(server, Broken()).get_response(messages="Paris?"))
    assert str(answer) == "It is sunny."
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather 24+18
          chat gpt-4o 12+9
          execute_tool Broken-fail !KeyError
          chat gpt-4o 12+9
    """)


@pytest.mark.parametrize("how", ["get_response", "invoke", "invoke_stream"])
def test_a_failing_model(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str
) -> None:
    async def main() -> None:
        agent = weather(server)
        if how == "get_response":
            await agent.get_response(messages="Paris?")
        else:
            await streamed(agent, how)

    server.route("/chat/completions", lambda request: Json({"error": {}}, status=400))
    with pytest.raises(Exception, match="service failed") as caught:
        asyncio.run(main())
    error = f"{type(caught.value).__module__}.{type(caught.value).__qualname__}"
    chat = told(telemetry, "chat")["error.type"]
    assert draw(telemetry) == tree(f"""
        invoke_agent weather !{error}
          chat gpt-4o !{chat}
    """)


def test_filters(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    async def changes(context: Any, next: Any) -> None:
        with telemetry.tracer.start_as_current_span("filter"):
            await next(context)
        context.result.value = "rain"

    kernel = Kernel()
    kernel.add_filter(FilterTypes.FUNCTION_INVOCATION, changes)
    answering(server, uses("Weather-get_weather"))
    asyncio.run(weather(server, Weather(), kernel=kernel).get_response(messages="Paris?"))
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool Weather-get_weather
            filter
          chat gpt-4o
    """)
    assert told(telemetry, "execute_tool")["gen_ai.tool.call.result"] == '{"result":"rain"}'


def test_a_filter_that_ends_it(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    async def ends(context: Any, next: Any) -> None:
        await next(context)
        context.terminate = True

    kernel = Kernel()
    kernel.add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, ends)
    answering(server, uses("Weather-get_weather"))
    asyncio.run(weather(server, Weather(), kernel=kernel).get_response(messages="Paris?"))
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather 12+9
          chat gpt-4o 12+9
          execute_tool Weather-get_weather
    """)


def test_inside_a_tool(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    class Asks:
        @kernel_function
        async def ask(self, city: str) -> str:
            with telemetry.tracer.start_as_current_span("mine"):
                client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k")
                message: Any = {"role": "tool", "content": city, "tool_call_id": "x"}
                await client.chat.completions.create(model="gpt-4o-mini", messages=[message])
            return city

    answering(server, uses("Asks-ask"))
    asyncio.run(weather(server, Asks()).get_response(messages="Paris?"))
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather 36+27
          chat gpt-4o 12+9
          execute_tool Asks-ask
            mine
              chat gpt-4o-mini 12+9
          chat gpt-4o 12+9
    """)


def test_a_declared_tool_is_one_span(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    class Declared:
        @kernel_function
        @otelier.tool("look_up", description="Looks it up.")
        def look_up(self, city: str) -> str:
            return city

    answering(server, uses("Declared-look_up"))
    asyncio.run(weather(server, Declared()).get_response(messages="Paris?"))
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool look_up
          chat gpt-4o
    """)


def test_conversations(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    async def main() -> None:
        agent, thread = weather(server, Weather()), ChatHistoryAgentThread(thread_id="thread-7")
        await agent.get_response(messages="Paris?", thread=thread)
        async for _ in agent.invoke_stream(messages="And now?", thread=thread):
            pass
        with otelier.session(conversation_id="mine"):
            await agent.get_response(messages="Paris?")

    answering(server, uses("Weather-get_weather"))
    asyncio.run(main())
    assert draw(telemetry, conversation) == tree("""
        invoke_agent weather [thread-7]
          chat gpt-4o [thread-7]
          execute_tool Weather-get_weather [thread-7]
          chat gpt-4o [thread-7]
        invoke_agent weather [thread-7]
          chat gpt-4o [thread-7]
        invoke_agent weather [mine]
          chat gpt-4o [mine]
          execute_tool Weather-get_weather [mine]
          chat gpt-4o [mine]
    """)


def test_agents_of_agents(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][0]["content"] == "Delegate.":
            name = body["tools"][0]["function"]["name"]
            return uses(name, messages="Paris?")(body)
        return uses("Weather-get_weather")(body)

    answering(server, say)
    inner = weather(server, Weather(), description="Knows the weather.")
    lead = weather(server, inner, name="lead", instructions="Delegate.")
    thread = ChatHistoryAgentThread(thread_id="thread-7")
    asyncio.run(lead.get_response(messages="How is Paris?", thread=thread))
    assert draw(telemetry, conversation) == tree("""
        invoke_agent lead [thread-7]
          chat gpt-4o [thread-7]
          execute_tool weather-weather [thread-7]
            invoke_agent weather [thread-7]
              chat gpt-4o [thread-7]
              execute_tool Weather-get_weather [thread-7]
              chat gpt-4o [thread-7]
          chat gpt-4o [thread-7]
    """)


def test_without_a_name(server: ProviderServer, telemetry: Telemetry, diagnostics: str) -> None:
    answering(server, lambda body: openai_wire.chat_message())
    agent = ChatCompletionAgent(service=service(server))
    asyncio.run(agent.get_response(messages="Hello?"))
    assert draw(telemetry) == "invoke_agent\n  chat gpt-4o"


@pytest.mark.parametrize("how", ["get_response", "invoke", "invoke_stream"])
@pytest.mark.parametrize("store", [True, False])
def test_an_agent_of_responses(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str, how: str, store: bool
) -> None:
    responses = pytest.importorskip("semantic_kernel.agents.open_ai.openai_responses_agent")
    if ALWAYS and not store:
        pytest.skip("older versions then do not send results of tools")

    def answer(request: Recorded) -> Reply:
        body = request.json()
        asked = str(body["input"])
        items = [
            openai_responses.message_item("It is sunny.")
            if "function_call_output" in asked
            else openai_responses.function_call_item("Weather-get_weather", {"city": "Paris"})
        ]
        whole = openai_responses.response_object(*items)
        return Sse(openai_responses.response_events(whole)) if body.get("stream") else Json(whole)

    async def main() -> str:
        client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
        agent = responses.OpenAIResponsesAgent(
            ai_model_id="gpt-4o",
            client=client,
            name="weather",
            instructions="Be brief.",
            plugins=[Weather()],
            store_enabled=store,
        )
        if how == "get_response":
            return str(await agent.get_response(messages="Paris?"))
        return "".join([str(each.message) async for each in getattr(agent, how)(messages="Paris?")])

    server.route("/responses", answer)
    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry, tokens) == tree(AGENT)
    ran = told(telemetry, "invoke_agent")
    assert "It is sunny." in ran["gen_ai.output.messages"]
    assert "Weather-get_weather" in ran["gen_ai.tool.definitions"]
    assert not str(ran.get("gen_ai.conversation.id")).startswith("resp_")


def test_an_agent_of_assistants(
    server: ProviderServer, telemetry: Telemetry, diagnostics: str
) -> None:
    """Its model runs at the provider: there are no calls of it."""
    assistants = pytest.importorskip("semantic_kernel.agents.open_ai.openai_assistant_agent")
    from openai.types.beta import Assistant

    run = {
        "id": "run_1",
        "object": "thread.run",
        "assistant_id": "asst_1",
        "thread_id": "thread_9",
        "status": "completed",
        "created_at": 1,
        "model": "gpt-4o",
        "instructions": "",
        "tools": [],
        "metadata": {},
        "parallel_tool_calls": True,
    }
    said = {"type": "text", "text": {"value": "It is sunny.", "annotations": []}}
    message = {
        "id": "msg_1",
        "object": "thread.message",
        "thread_id": "thread_9",
        "assistant_id": "asst_1",
        "run_id": "run_1",
        "role": "assistant",
        "status": "completed",
        "created_at": 1,
        "content": [said],
        "attachments": [],
        "metadata": {},
    }
    step = {
        "id": "step_1",
        "object": "thread.run.step",
        "assistant_id": "asst_1",
        "thread_id": "thread_9",
        "run_id": "run_1",
        "type": "message_creation",
        "status": "completed",
        "created_at": 1,
        "completed_at": 2,
        "step_details": {
            "type": "message_creation",
            "message_creation": {"message_id": "msg_1"},
        },
    }
    answers = {
        "/threads": {"id": "thread_9", "object": "thread", "created_at": 1, "metadata": {}},
        "/threads/thread_9/messages": message,
        "/threads/thread_9/messages/msg_1": message,
        "/threads/thread_9/runs": {**run, "status": "queued"},
        "/threads/thread_9/runs/run_1": run,
        "/threads/thread_9/runs/run_1/steps": {"object": "list", "data": [step], "has_more": False},
    }
    for path, answer in answers.items():
        server.route(path, lambda request, answer=answer: Json(answer))

    async def main() -> str:
        definition = Assistant.model_validate(
            {
                "id": "asst_1",
                "object": "assistant",
                "created_at": 1,
                "model": "gpt-4o",
                "name": "weather",
                "description": None,
                "instructions": "Be brief.",
                "metadata": {},
                "tools": [],
            }
        )
        client = AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
        at_once = dict.fromkeys(("default_polling_interval", "polling_backoff"), timedelta())
        polling = assistants.RunPollingOptions(**at_once)
        agent = assistants.OpenAIAssistantAgent(
            client=client, definition=definition, polling_options=polling
        )
        return str(await agent.get_response(messages="Paris?"))

    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry, conversation) == "invoke_agent weather [thread_9]"
    ran = told(telemetry, "invoke_agent")
    assert "Paris?" in ran["gen_ai.input.messages"]
    assert "It is sunny." in ran["gen_ai.output.messages"]
    assert ran["gen_ai.agent.id"] == "asst_1"
