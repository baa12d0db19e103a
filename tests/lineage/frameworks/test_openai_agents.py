"""OpenAI's Agents SDK: the trees of its runs, over both of OpenAI's APIs."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("agents")

import agents
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
    trace,
)

import otelier
from otelier.frameworks.openai_agents import opened
from tests.lineage.frameworks.drawing import conversation, draw, tokens, tree
from tests.lineage.frameworks.openai_agents import (
    VERSION,
    Api,
    by_last,
    paris,
    quiet,
    weather_agent,
)
from tests.servers import Gate, Hang, Json, ProviderServer, Sse
from tests.servers import openai_wire as wire
from tests.telemetry import Telemetry


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    quiet()
    yield
    assert not opened.count()


def running(result: Any) -> Any:
    """The task in which a streamed run works."""
    return getattr(result, "run_loop_task", None) or result._run_impl_task


APIS = pytest.mark.parametrize("kind", [OpenAIChatCompletionsModel, OpenAIResponsesModel])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@APIS
@STREAMED
def test_one_agent_has_no_workflow_around_it(
    kind: type, stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(kind, server, stream)
    server.script(paris(api), api.says())

    result = asyncio.run(api.run(weather_agent(api)))

    assert result.final_output == "It is sunny."
    if stream and kind is OpenAIChatCompletionsModel:
        # The SDK does not ask for the usage of streams unless it is told to.
        assert draw(telemetry) == tree(
            """
            invoke_agent weather_agent
              chat gpt-4o-mini
              execute_tool get_weather
              chat gpt-4o-mini
            """
        )
        return
    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent weather_agent 24+18
          chat gpt-4o-mini 12+9
          execute_tool get_weather
          chat gpt-4o-mini 12+9
        """
    )


@STREAMED
def test_what_agents_and_tools_say(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(paris(api), api.says())

    asyncio.run(api.run(weather_agent(api, handoff_description="Knows the weather.")))

    agent = dict(telemetry.span("invoke_agent").attributes or {})
    agent.pop("otelier.cost.total")
    definition = json.loads(str(agent.pop("gen_ai.tool.definitions")))
    assert [(each["name"], each["description"]) for each in definition] == [
        ("get_weather", "Tell the weather of a city.")
    ]
    assert definition[0]["parameters"]["required"] == ["city"]
    assert agent == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "weather_agent",
        "gen_ai.agent.description": "Knows the weather.",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 24,
        "gen_ai.usage.output_tokens": 18,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.system_instructions": '[{"type":"text","content":"You know the weather."}]',
        "gen_ai.input.messages": '[{"role":"user","parts":'
        '[{"type":"text","content":"Weather in Paris?"}]}]',
        "gen_ai.output.messages": '[{"role":"assistant","parts":'
        '[{"type":"text","content":"It is sunny."}],"finish_reason":"stop"}]',
    }
    assert telemetry.span("execute_tool").attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Tell the weather of a city.",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.call.arguments": '{"city":"Paris"}',
        "gen_ai.tool.call.result": '{"result":"sunny in Paris"}',
        "gen_ai.agent.name": "weather_agent",
    }


def test_run_sync_is_a_run(server: ProviderServer, telemetry: Telemetry) -> None:
    api = Api(OpenAIResponsesModel, server)
    server.script(paris(api), api.says())

    # As a script calls it: no loop runs here.
    asyncio.set_event_loop(asyncio.new_event_loop())
    Runner.run_sync(weather_agent(api), "Weather in Paris?")

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
        """
    )


@STREAMED
def test_a_handoff_makes_siblings_in_one_workflow(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    triage = Agent(name="triage", model=api.model, handoffs=[weather_agent(api)])
    server.script(api.calls(("transfer_to_weather_agent", {}, "call_0")), paris(api), api.says())

    asyncio.run(api.run(triage, run_config=RunConfig(workflow_name="support", group_id="chat-7")))

    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow support [chat-7]
          invoke_agent triage [chat-7]
            chat gpt-4o-mini [chat-7]
          invoke_agent weather_agent [chat-7]
            chat gpt-4o-mini [chat-7]
            execute_tool get_weather [chat-7]
            chat gpt-4o-mini [chat-7]
        """
    )
    workflow = telemetry.span("invoke_workflow").attributes or {}
    assert workflow["gen_ai.usage.input_tokens"] == 36
    assert "Weather in Paris?" in str(workflow["gen_ai.input.messages"])
    assert "It is sunny." in str(workflow["gen_ai.output.messages"])


def test_a_workflow_without_a_name_of_the_programs_has_none(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server)
    triage = Agent(name="triage", model=api.model, handoffs=[weather_agent(api)])
    server.script(api.calls(("transfer_to_weather_agent", {}, "call_0")), api.says())

    asyncio.run(api.run(triage))

    assert draw(telemetry) == tree(
        """
        invoke_workflow
          invoke_agent triage
            chat gpt-4o-mini
          invoke_agent weather_agent
            chat gpt-4o-mini
        """
    )


@STREAMED
def test_a_workflow_of_the_programs_own_has_none_without_a_name_in_it(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    triage = Agent(name="triage", model=api.model, handoffs=[weather_agent(api)])
    server.script(api.calls(("transfer_to_weather_agent", {}, "call_0")), api.says())

    @otelier.workflow("support")
    async def program(question: str) -> Any:
        return (await api.run(triage, question)).final_output

    asyncio.run(program("Weather in Paris?"))

    assert draw(telemetry) == tree(
        """
        invoke_workflow support
          invoke_agent triage
            chat gpt-4o-mini
          invoke_agent weather_agent
            chat gpt-4o-mini
        """
    )


@STREAMED
def test_a_trace_of_the_programs_is_one_workflow_of_several_runs(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(api.says(), paris(api), api.says())

    async def program() -> None:
        with trace("research", group_id="chat-8"):
            await api.run(Agent(name="planner", model=api.model), "Plan.")
            with telemetry.tracer.start_as_current_span("own"):
                await api.run(weather_agent(api))

    asyncio.run(program())

    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow research [chat-8]
          invoke_agent planner [chat-8]
            chat gpt-4o-mini [chat-8]
          own [chat-8]
            invoke_agent weather_agent [chat-8]
              chat gpt-4o-mini [chat-8]
              execute_tool get_weather [chat-8]
              chat gpt-4o-mini [chat-8]
        """
    )


@STREAMED
def test_an_agent_as_a_tool(stream: bool, server: ProviderServer, telemetry: Telemetry) -> None:
    api = Api(OpenAIResponsesModel, server)
    asks = weather_agent(api).as_tool("ask_weather", "Asks about the weather.")
    boss = Api(OpenAIResponsesModel, server, stream)
    server.script(
        boss.calls(("ask_weather", {"input": "Paris?"}, "call_0")),
        paris(api),
        api.says("Sunny."),
        boss.says("It is sunny."),
    )

    asyncio.run(boss.run(Agent(name="boss", model=boss.model, tools=[asks])))

    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent boss 48+36
          chat gpt-4o-mini 12+9
          execute_tool ask_weather
            invoke_agent weather_agent 24+18
              chat gpt-4o-mini 12+9
              execute_tool get_weather
              chat gpt-4o-mini 12+9
          chat gpt-4o-mini 12+9
        """
    )


@STREAMED
def test_tools_side_by_side_and_one_that_fails(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(
        api.calls(
            ("get_weather", {"city": "Paris"}, "call_1"),
            ("get_weather", {"city": "Nowhere"}, "call_2"),
            ("get_weather", {"city": "Rome"}, "call_3"),
        ),
        # The model tries again.
        api.calls(("get_weather", {"city": "Oslo"}, "call_4")),
        api.says(),
    )

    asyncio.run(api.run(weather_agent(api)))

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
          execute_tool get_weather !LookupError
          execute_tool get_weather
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
        """
    )
    found = {
        (span.attributes or {})["gen_ai.tool.call.id"]: span
        for span in telemetry.spans("execute_tool")
    }
    assert {
        id: (span.attributes or {})["gen_ai.tool.call.arguments"] for id, span in found.items()
    } == {
        "call_1": '{"city":"Paris"}',
        "call_2": '{"city":"Nowhere"}',
        "call_3": '{"city":"Rome"}',
        "call_4": '{"city":"Oslo"}',
    }
    assert found["call_2"].status.description == "no such city"
    agent = telemetry.metrics()["gen_ai.invoke_agent.duration"]
    assert [point.attributes.get("error.type") for point in agent] == [None]


@STREAMED
def test_a_tool_whose_failure_ends_the_run(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    @function_tool(failure_error_function=None)
    def broken() -> str:
        raise LookupError("nothing there")

    api = Api(OpenAIResponsesModel, server, stream)
    server.script(api.calls(("broken", {}, "call_1")))

    with pytest.raises(agents.UserError):
        asyncio.run(api.run(weather_agent(api, tools=[broken])))

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent !agents.exceptions.UserError
          chat gpt-4o-mini
          execute_tool broken !LookupError
        """
    )


def test_a_tools_request_and_own_span_are_its_children(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server)
    seen: list[str] = []
    server.route("/weather", lambda request: seen.append("asked") or Json({"sky": "blue"}))

    @function_tool
    async def look(city: str) -> str:
        """Look."""
        with telemetry.tracer.start_as_current_span("own span"):
            await asyncio.to_thread(urllib.request.urlopen, f"{server.url}/weather", b"{}")
        answer = (
            await api.model._client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "inner"}]
            )
            if hasattr(api.model, "_client")
            else None
        )
        return str(answer is not None)

    @function_tool
    def plain(city: str) -> str:
        """Runs in a thread in some versions."""
        with telemetry.tracer.start_as_current_span("own in a thread"):
            return "x"

    server.script(
        api.calls(("look", {"city": "Paris"}, "call_1")),
    )
    server.route("/chat/completions", Json(wire.chat_completion(wire.chat_message("inner"))))

    def answers(body: Any) -> Any:
        made = [item for item in body["input"] if item.get("type") == "function_call"]
        return api.calls(("plain", {"city": "x"}, "call_2")) if len(made) == 1 else api.says()

    server.route("/responses", by_last(answers))

    asyncio.run(api.run(weather_agent(api, tools=[look, plain])))

    assert seen == ["asked"]
    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool look
            own span
            chat gpt-4o-mini
          chat gpt-4o-mini
          execute_tool plain
            own in a thread
          chat gpt-4o-mini
        """
    )


def test_a_tool_of_the_programs_own_declaration_is_one_span(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    @otelier.tool("lookup", description="Declared.")
    def weather(city: str) -> str:
        """Look."""
        return "blue"

    api = Api(OpenAIResponsesModel, server)
    server.script(api.calls(("weather", {"city": "Paris"}, "call_1")), api.says())

    asyncio.run(api.run(weather_agent(api, tools=[function_tool(weather)])))

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool lookup
          chat gpt-4o-mini
        """
    )
    assert (telemetry.span("execute_tool").attributes or {})["gen_ai.tool.call.id"] == "call_1"


@STREAMED
def test_too_many_turns(stream: bool, server: ProviderServer, telemetry: Telemetry) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(paris(api), paris(api, "call_2"))

    with pytest.raises(agents.MaxTurnsExceeded):
        asyncio.run(api.run(weather_agent(api), max_turns=2))

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent !agents.exceptions.MaxTurnsExceeded
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
          execute_tool get_weather
        """
    )


@STREAMED
def test_a_model_that_refuses(stream: bool, server: ProviderServer, telemetry: Telemetry) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(Json(wire.error_body("no", code="x"), status=401))

    with pytest.raises(Exception, match="no"):
        asyncio.run(api.run(weather_agent(api)))

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent !openai.AuthenticationError
          chat gpt-4o-mini !openai.AuthenticationError
        """
    )


@STREAMED
def test_a_tripwire_is_the_agents_error(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    @agents.output_guardrail
    async def polite(context: Any, agent: Any, output: Any) -> Any:
        return agents.GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    api = Api(OpenAIResponsesModel, server, stream)
    server.script(api.says())

    with pytest.raises(agents.OutputGuardrailTripwireTriggered):
        asyncio.run(api.run(weather_agent(api, output_guardrails=[polite])))

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent !agents.exceptions.OutputGuardrailTripwireTriggered
          chat gpt-4o-mini
        """
    )


@STREAMED
def test_a_model_that_a_guardrail_asks_is_the_agents_child(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    whole = Api(OpenAIResponsesModel, server)
    judge = Agent(name="judge", model=whole.model)

    @agents.input_guardrail
    async def harmless(context: Any, agent: Any, given: Any) -> Any:
        await Runner.run(judge, "Is it harmless?")
        return agents.GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    server.route(
        "/responses",
        by_last(lambda body: (whole if "harmless" in json.dumps(body) else api).says()),
    )

    asyncio.run(api.run(weather_agent(api, input_guardrails=[harmless])))

    assert draw(telemetry, ordered=False) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          invoke_agent judge
            chat gpt-4o-mini
        """
    )


@STREAMED
def test_ten_users_in_one_loop(stream: bool, server: ProviderServer, telemetry: Telemetry) -> None:
    api = Api(OpenAIResponsesModel, server, stream)

    def answers(body: Any) -> Any:
        text = json.dumps(body["input"])
        user = text.partition("user ")[2].partition(" ")[0].rstrip('".')
        if "function_call_output" in text:
            return api.says(f"for {user}")
        return api.calls(("get_weather", {"city": f"city {user}"}, f"call_{user}"))

    server.route("/responses", by_last(answers))
    agent = weather_agent(api)

    async def everybody() -> Any:
        return await asyncio.gather(
            *(
                api.run(
                    agent,
                    f"I am user {number} here",
                    run_config=RunConfig(workflow_name=f"user {number}", group_id=f"g{number}"),
                )
                for number in range(10)
            )
        )

    results = asyncio.run(everybody())

    assert [result.final_output for result in results] == [f"for {n}" for n in range(10)]
    assert draw(telemetry, conversation, ordered=False) == "\n".join(
        tree(
            f"""
            invoke_workflow user {n} [g{n}]
              invoke_agent weather_agent [g{n}]
                chat gpt-4o-mini [g{n}]
                chat gpt-4o-mini [g{n}]
                execute_tool get_weather [g{n}]
            """
        )
        for n in range(10)
    )
    by_trace: dict[int, set[str]] = {}
    for span in telemetry.spans("execute_tool"):
        held = span.attributes or {}
        by_trace.setdefault(span.context.trace_id, set()).add(
            f"{held['gen_ai.conversation.id']} {held['gen_ai.tool.call.id']}"
        )
    assert sorted(by_trace.values(), key=str) == [{f"g{n} call_{n}"} for n in range(10)]


def test_a_stream_whose_run_is_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    api = Api(OpenAIResponsesModel, server, stream=True)
    began = asyncio.Event()

    @function_tool
    async def slow() -> str:
        began.set()
        await asyncio.Event().wait()
        return "never"

    server.script(api.calls(("slow", {}, "call_1")))

    async def program() -> None:
        result = Runner.run_streamed(weather_agent(api, tools=[slow]), "Weather in Paris?")

        async def read() -> None:
            async for _ in result.stream_events():
                pass

        reader = asyncio.create_task(read())
        await began.wait()
        task = running(result)
        result.cancel()
        await asyncio.wait([task])
        # In older versions nobody tells the reader.
        reader.cancel()
        await asyncio.wait([reader])

    asyncio.run(program())

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool slow
        """
    )
    for name in ("invoke_agent", "execute_tool"):
        assert (telemetry.span(name).attributes or {})["otelier.stream.end"] == "cancelled"


def test_a_stream_that_is_left_goes_on_to_its_end(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream=True)
    server.script(paris(api), api.says())

    async def program() -> None:
        result = Runner.run_streamed(weather_agent(api), "Weather in Paris?")
        async for _ in result.stream_events():
            break
        await asyncio.wait([running(result)])

    asyncio.run(program())

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
        """
    )


def test_a_run_whose_task_is_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    api = Api(OpenAIResponsesModel, server)
    began = asyncio.Event()

    @function_tool
    async def slow() -> str:
        began.set()
        await asyncio.Event().wait()
        return "never"

    server.script(api.calls(("slow", {}, "call_1")))

    async def program() -> None:
        task = asyncio.create_task(Runner.run(weather_agent(api, tools=[slow]), "Hi"))
        await began.wait()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(program())

    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool slow
        """
    )


@pytest.mark.parametrize("blocking", [False, True], ids=["side by side", "before"])
@STREAMED
def test_a_tripwire_before_the_model_answers(
    stream: bool, blocking: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    if blocking and VERSION < (0, 6):
        pytest.skip("this version has no guardrails that run before")
    api = Api(OpenAIResponsesModel, server, stream)
    gate = Gate()

    async def never(context: Any, agent: Any, given: Any) -> Any:
        if not blocking:
            await asyncio.to_thread(server.wait_requests)
        return agents.GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    options = {"run_in_parallel": False} if blocking else {}
    guardrail = (
        agents.input_guardrail(**options)(never) if options else agents.input_guardrail(never)
    )
    server.script(Hang(gate, api.says()))

    with pytest.raises(agents.InputGuardrailTripwireTriggered):
        asyncio.run(api.run(weather_agent(api, input_guardrails=[guardrail])))
    gate.open()

    # The model's call is cancelled, which is no error of its own.
    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent !agents.exceptions.InputGuardrailTripwireTriggered
          chat gpt-4o-mini
        """
        if not blocking
        else """
        invoke_agent weather_agent !agents.exceptions.InputGuardrailTripwireTriggered
        """
    )


@STREAMED
def test_too_many_turns_of_a_workflow(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(paris(api))

    with pytest.raises(agents.MaxTurnsExceeded):
        asyncio.run(
            api.run(weather_agent(api), max_turns=1, run_config=RunConfig(workflow_name="short"))
        )

    assert draw(telemetry) == tree(
        """
        invoke_workflow short !agents.exceptions.MaxTurnsExceeded
          invoke_agent weather_agent !agents.exceptions.MaxTurnsExceeded
            chat gpt-4o-mini
            execute_tool get_weather
        """
    )


@STREAMED
def test_too_many_turns_that_the_program_has_an_answer_for(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    if VERSION < (0, 9):
        pytest.skip("this version has no handlers of errors")
    api = Api(OpenAIResponsesModel, server, stream)
    server.script(paris(api))

    result = asyncio.run(
        api.run(
            weather_agent(api),
            max_turns=1,
            error_handlers={"max_turns": lambda given: "That took too long."},
        )
    )

    assert result.final_output == "That took too long."
    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
        """
    )


def test_a_run_that_is_made_where_an_exception_is_handled(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server)
    server.script(paris(api), api.says())

    async def program() -> None:
        try:
            raise KeyError("before")
        except KeyError:
            await api.run(weather_agent(api), run_config=RunConfig(workflow_name="instead"))

    asyncio.run(program())

    assert "!" not in draw(telemetry)


def test_spans_of_the_sdks_that_the_program_makes(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    with trace("by hand"):
        with agents.agent_span("planner"):
            with agents.function_span("search", "q") as span:
                span.span_data.output = ["found"]
            with agents.custom_span("whatever"), pytest.raises(LookupError):
                with agents.function_span("search", "q"):
                    raise LookupError("nothing")
        # Not current: nothing is inside of it.
        loose = agents.agent_span("loose")
        loose.start()
        loose.finish()

    assert draw(telemetry) == tree(
        """
        invoke_workflow by hand
          invoke_agent planner
            execute_tool search
            execute_tool search !LookupError
        """
    )
    first = telemetry.spans("execute_tool")[0].attributes or {}
    assert first["gen_ai.tool.call.result"] == '{"result":["found"]}'


def test_what_never_ends_is_let_go_of(server: ProviderServer, telemetry: Telemetry) -> None:
    def begin() -> None:
        agents.agent_span("forgotten").start(mark_as_current=True)

    for _ in range(100):
        contextvars.copy_context().run(begin)
    gc.collect()

    assert not opened.count()


@STREAMED
def test_hooks_see_what_they_saw(
    stream: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream)
    told: list[tuple[str, ...]] = []

    class Hooks(agents.RunHooks):  # type: ignore[type-arg]
        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            with telemetry.tracer.start_as_current_span("hook"):
                told.append(("start", type(context).__name__, tool.name))

        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
            told.append(("end", result))

    server.script(paris(api), api.says())

    asyncio.run(api.run(weather_agent(api), hooks=Hooks()))

    assert told == [("start", told[0][1], "get_weather"), ("end", "sunny in Paris")]
    assert draw(telemetry) == tree(
        """
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
            hook
          chat gpt-4o-mini
        """
    )


def test_nothing_of_ours_runs_for_an_event_of_a_stream(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    api = Api(OpenAIResponsesModel, server, stream=True)
    room = str(Path(opened.__file__).parent)
    counts: list[int] = []

    def counting(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(room):
            counts[-1] += 1

    for pieces in (2, 2, 200):
        made = wire.response_object(wire.message_item("It is sunny. " * 100))
        server.script(Sse(wire.response_events(made, pieces=pieces), done=None, named=True))
        counts.append(0)
        sys.setprofile(counting)
        try:
            asyncio.run(api.run(weather_agent(api)))
        finally:
            sys.setprofile(None)

    # Each wait for the first event counts as a call: how often is the network's matter.
    assert abs(counts[2] - counts[1]) < 20 < counts[1]
