"""LlamaIndex's agents: programs as people write them, and the trees that they would draw."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

pytest.importorskip("llama_index.core.agent.workflow")

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.tools import FunctionTool, QueryEngineTool
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier.frameworks.llama_index import engines, models, seen
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.lineage.frameworks.llama_index_flows import confirm
from tests.lineage.frameworks.llama_index_parts import ask, index, memory, model, saying, uses
from tests.servers import Json, ProviderServer
from tests.servers.openai_wire import chat_message, tool_call
from tests.telemetry import Telemetry

OSLO = {"city": "Oslo"}


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    yield
    assert not len(seen.runs)
    assert not models._streams
    assert not engines._writing
    gc.collect()
    # Contexts that are still there may have a last one.
    assert len(models._own) <= 4


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


def agent(llm: Any, *tools: Any, name: str = "weather", **more: Any) -> FunctionAgent:
    return FunctionAgent(
        name=name, description="Knows the weather.", tools=list(tools), llm=llm, **more
    )


ONE_TOOL = tree(
    """
    invoke_agent weather
      chat gpt-4o
      execute_tool get_weather
      chat gpt-4o
    """
)


def test_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, uses("get_weather", OSLO))
    answer = ask(agent(llm, get_weather, system_prompt="Be brief."))
    assert str(answer) == "It is sunny."
    assert draw(telemetry) == ONE_TOOL
    whole = attributes(telemetry.span("invoke_agent"))
    assert whole["gen_ai.agent.name"] == "weather"
    assert whole["gen_ai.agent.description"] == "Knows the weather."
    assert whole["gen_ai.request.model"] == "gpt-4o"
    assert whole["gen_ai.response.finish_reasons"] == ("stop",)
    assert json.loads(whole["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "How is Oslo?"}]}
    ]
    (said,) = json.loads(whole["gen_ai.output.messages"])
    assert said["parts"] == [{"type": "text", "content": "It is sunny."}]
    assert json.loads(whole["gen_ai.system_instructions"]) == [
        {"type": "text", "content": "Be brief."}
    ]
    (offered,) = json.loads(whole["gen_ai.tool.definitions"])
    assert offered["name"] == "get_weather"
    assert offered["parameters"]["required"] == ["city"]
    tool = attributes(telemetry.span("execute_tool"))
    assert tool["gen_ai.tool.name"] == "get_weather"
    assert tool["gen_ai.tool.type"] == "function"
    assert tool["gen_ai.tool.call.id"] == "call_0"
    assert tool["gen_ai.agent.name"] == "weather"
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == OSLO
    assert json.loads(tool["gen_ai.tool.call.result"]) == {"result": "sunny in Oslo"}
    assert "Tells the weather." in tool["gen_ai.tool.description"]


def test_tokens_are_there_once(server: ProviderServer, telemetry: Telemetry) -> None:
    if "streaming" not in FunctionAgent.model_fields:
        pytest.skip("agents of this version stream always")
    ask(agent(model(server, uses("get_weather", OSLO)), get_weather, streaming=False))
    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent weather 24+18
          chat gpt-4o 12+9
          execute_tool get_weather
          chat gpt-4o 12+9
        """
    )


def triage_then_weather(body: dict[str, Any]) -> dict[str, Any]:
    """The first agent hands over, the second one looks."""
    asked = body["messages"]
    if asked[0]["content"].startswith("You are the triage"):
        given = {"to_agent": "weather", "reason": "It is about weather."}
        return chat_message(tool_calls=[tool_call("handoff", given, id="h1")])
    if any(each["role"] == "tool" and "sunny in" in str(each["content"]) for each in asked):
        return chat_message("It is sunny.")
    return chat_message(tool_calls=[tool_call("get_weather", OSLO, id="w1")])


def team(server: ProviderServer) -> AgentWorkflow:
    llm = model(server, triage_then_weather)
    triage = agent(
        llm, name="triage", system_prompt="You are the triage.", can_handoff_to=["weather"]
    )
    weather = agent(llm, get_weather, system_prompt="You know the weather.")
    return AgentWorkflow(agents=[triage, weather], root_agent="triage")


def test_a_handoff(server: ProviderServer, telemetry: Telemetry) -> None:
    assert str(ask(team(server), memory=memory("c1"))) == "It is sunny."
    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow [c1]
          invoke_agent triage [c1]
            chat gpt-4o [c1]
            execute_tool handoff [c1]
          invoke_agent weather [c1]
            chat gpt-4o [c1]
            execute_tool get_weather [c1]
            chat gpt-4o [c1]
        """
    )
    whole = attributes(telemetry.span("invoke_workflow"))
    assert json.loads(whole["gen_ai.input.messages"])[0]["parts"][0]["content"] == "How is Oslo?"
    assert json.loads(whole["gen_ai.output.messages"])[0]["parts"][0]["content"] == "It is sunny."
    _, weather = sorted(telemetry.spans("invoke_agent"), key=lambda span: span.start_time or 0)
    assert json.loads(attributes(weather)["gen_ai.output.messages"])[0]["parts"] == [
        {"type": "text", "content": "It is sunny."}
    ]


def test_a_workflow_of_one_agent_is_the_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, uses("get_weather", OSLO))
    ask(AgentWorkflow.from_tools_or_functions([get_weather], llm=llm))
    assert draw(telemetry) == ONE_TOOL.replace("invoke_agent weather", "invoke_agent")


def test_tools_at_the_same_time(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, uses("get_weather", OSLO, {"city": "Rome"}))
    ask(agent(llm, get_weather))
    assert draw(telemetry, ordered=False) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          chat gpt-4o
          execute_tool get_weather
          execute_tool get_weather
        """
    )
    called = {
        attributes(span)["gen_ai.tool.call.id"]: (
            attributes(span)["gen_ai.tool.call.arguments"],
            attributes(span)["gen_ai.tool.call.result"],
        )
        for span in telemetry.spans("execute_tool")
    }
    assert called == {
        "call_0": ('{"city":"Oslo"}', '{"result":"sunny in Oslo"}'),
        "call_1": ('{"city":"Rome"}', '{"result":"sunny in Rome"}'),
    }


def test_a_tool_that_fails_and_is_tried_again(server: ProviderServer, telemetry: Telemetry) -> None:
    tries: list[str] = []

    def look(city: str) -> str:
        """Looks."""
        tries.append(city)
        if len(tries) == 1:
            raise ConnectionError("no weather today")
        return "sunny"

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if str(body["messages"][-1]["content"]).endswith("sunny"):
            return chat_message("It is sunny.")
        return chat_message(tool_calls=[tool_call("look", OSLO, id=f"call_{len(tries)}")])

    assert str(ask(agent(model(server, say), look))) == "It is sunny."
    assert draw(telemetry) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool look !ConnectionError
          chat gpt-4o
          execute_tool look
          chat gpt-4o
        """
    )


def test_a_tool_that_answers_by_itself(server: ProviderServer, telemetry: Telemetry) -> None:
    tool = FunctionTool.from_defaults(get_weather, return_direct=True)
    assert str(ask(agent(model(server, uses("get_weather", OSLO)), tool))) == "sunny in Oslo"
    assert draw(telemetry) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool get_weather
        """
    )


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_tool_does_is_inside(
    server: ProviderServer, telemetry: Telemetry, is_async: bool
) -> None:
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
    llm = model(server, uses("look", OSLO))

    def look(city: str) -> str:
        """Looks."""
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
        with telemetry.tracer.start_as_current_span("GET /weather"):
            pass
        server.script(Json({**_PLAIN}))
        client.chat.completions.create(**asked)  # type: ignore[call-overload]
        return "sunny"

    async def alook(city: str) -> str:
        """Looks."""
        return look(city)

    tool = FunctionTool.from_defaults(alook if is_async else look, name="look")
    ask(agent(llm, tool))
    assert draw(telemetry) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool look
            GET /weather
            chat gpt-4o-mini
          chat gpt-4o
        """
    )


_PLAIN: dict[str, Any] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": chat_message("hi")}],
}


def test_a_query_engine_is_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, uses("docs", {"input": "Where is Oslo?"}))
    tool = QueryEngineTool.from_defaults(
        index(server).as_query_engine(llm=llm), name="docs", description="Documents."
    )
    ask(agent(llm, tool))
    assert draw(telemetry) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool docs
            invoke_workflow
              retrieval
                embeddings text-embedding-ada-002
              chat gpt-4o
          chat gpt-4o
        """
    )
    used = attributes(telemetry.span("execute_tool"))
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"input": "Where is Oslo?"}


def test_an_agent_is_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        names = [each["function"]["name"] for each in body["tools"]]
        return uses(names[0], OSLO)(body)

    llm = model(server, say)
    weather = agent(llm, get_weather)

    async def ask_weather(city: str) -> str:
        """Asks who knows."""
        return str(await weather.run(user_msg=city))

    ask(agent(llm, ask_weather, name="lead"))
    assert draw(telemetry) == tree(
        """
        invoke_agent lead
          chat gpt-4o
          execute_tool ask_weather
            invoke_agent weather
              chat gpt-4o
              execute_tool get_weather
              chat gpt-4o
          chat gpt-4o
        """
    )


def test_react(server: ProviderServer, telemetry: Telemetry) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        if "Observation: sunny in" in str(body["messages"]):
            return chat_message("Thought: I know.\nAnswer: It is sunny.")
        return chat_message(
            'Thought: I need a tool.\nAction: get_weather\nAction Input: {"city": "Oslo"}'
        )

    llm = model(server, say)
    answer = ask(ReActAgent(name="weather", description="d", tools=[get_weather], llm=llm))
    assert str(answer) == "It is sunny."
    assert draw(telemetry) == ONE_TOOL


def test_events_that_are_not_all_read(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> str:
        here = trace.get_current_span()
        handler = agent(model(server, uses("get_weather", OSLO)), get_weather).run(user_msg="Oslo?")
        # Nothing of the run is current where it was started.
        assert trace.get_current_span() is here
        async for event in handler.stream_events():
            if type(event).__name__ == "ToolCallResult":
                break
        with telemetry.tracer.start_as_current_span("mine"):
            pass
        answer = str(await handler)
        assert trace.get_current_span() is here
        return answer

    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry) == ONE_TOOL + "\nmine"


def test_a_run_that_is_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        handler = agent(model(server, uses("get_weather", OSLO)), get_weather).run(user_msg="Oslo?")
        async for event in handler.stream_events():
            if type(event).__name__ == "ToolCallResult":
                await handler.cancel_run()
                break
        with pytest.raises(Exception, match=""):
            await handler

    asyncio.run(main())
    told = draw(telemetry)
    assert told.startswith("invoke_agent weather\n  chat gpt-4o\n  execute_tool get_weather")
    assert "!" not in told


def test_a_model_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server)
    server.route("/chat/completions", Json({"error": {"message": "no"}}, status=400))
    with pytest.raises(Exception, match="no"):
        ask(agent(llm, get_weather))
    assert draw(telemetry) == tree(
        """
        invoke_agent weather !openai.BadRequestError
          chat gpt-4o !openai.BadRequestError
        """
    )


def test_users_at_the_same_time(server: ProviderServer, telemetry: Telemetry) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        asked = next(each["content"] for each in body["messages"] if each["role"] == "user")
        return uses("get_weather", {"city": asked}, then=f"sunny in {asked}")(body)

    shared = agent(model(server, say), get_weather)

    async def one(number: int) -> str:
        run = shared.run(user_msg=f"u{number}", memory=memory(f"c{number}"))
        return str(await run)

    async def main() -> list[str]:
        return await asyncio.gather(*map(one, range(10)))

    assert asyncio.run(main()) == [f"sunny in u{number}" for number in range(10)]
    trees = draw(telemetry, lambda span: conversation(span) + city(span)).split("\ninvoke_agent")
    assert sorted(each.removeprefix("invoke_agent") for each in trees) == [
        f" weather [c{number}]\n"
        f"  chat gpt-4o [c{number}]\n"
        f"  execute_tool get_weather [c{number}] u{number}\n"
        f"  chat gpt-4o [c{number}]"
        for number in range(10)
    ]


def city(span: ReadableSpan) -> str:
    given = attributes(span).get("gen_ai.tool.call.arguments")
    return f" {json.loads(given)['city']}" if given else ""


def test_a_declared_tool_and_agent_are_the_same(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    @otelier.tool("look_up")
    def look(city: str) -> str:
        """Looks."""
        return "sunny"

    llm = model(server, uses("look", OSLO))

    @otelier.agent("mine")
    async def main() -> str:
        with otelier.session(conversation_id="said by me"):
            run = agent(llm, FunctionTool.from_defaults(look, name="look"))
            return str(await run.run(user_msg="Oslo?", memory=memory("c1")))

    asyncio.run(main())
    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent mine
          invoke_agent weather [said by me]
            chat gpt-4o [said by me]
            execute_tool look_up [said by me]
            chat gpt-4o [said by me]
        """
    )


def test_a_person_is_asked(server: ProviderServer, telemetry: Telemetry) -> None:
    from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent

    if not hasattr(Context, "wait_for_event"):
        pytest.skip("tools of this version cannot wait")

    llm = model(server, uses("confirm", {}))

    async def main() -> str:
        handler = agent(llm, confirm).run(user_msg="Oslo?")
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                handler.ctx.send_event(HumanResponseEvent(response="yes"))  # type: ignore[call-arg]
        return str(await handler)

    assert asyncio.run(main()) == "It is sunny."
    told = draw(telemetry)
    assert "!" not in told
    assert told.replace("  execute_tool confirm\n", "", told.count("execute_tool") - 1) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool confirm
          chat gpt-4o
        """
    )


def test_a_run_that_waits_is_taken_up_from_a_text(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    from llama_index.core import workflow

    if not hasattr(workflow.Context, "wait_for_event"):
        pytest.skip("tools of this version cannot wait")
    if not hasattr(workflow.handler.WorkflowHandler, "get_stop_event"):
        pytest.skip("what waits in this version is not kept")
    asks = agent(model(server, uses("confirm", {})), confirm)
    kind = workflow.JsonPickleSerializer

    async def before() -> str:
        handler = asks.run(user_msg="Oslo?")
        async for event in handler.stream_events():
            if isinstance(event, workflow.InputRequiredEvent):
                break
        kept = json.dumps(handler.ctx.to_dict(serializer=kind()))
        await handler.cancel_run()
        with pytest.raises(Exception, match=""):
            await handler
        return kept

    async def after(kept: str) -> str:
        context = workflow.Context.from_dict(asks, json.loads(kept), serializer=kind())
        handler = asks.run(ctx=context)
        handler.ctx.send_event(workflow.HumanResponseEvent(response="yes"))  # type: ignore[call-arg]
        return str(await handler)

    assert asyncio.run(after(asyncio.run(before()))) == "It is sunny."
    assert draw(telemetry) == tree(
        """
        invoke_agent weather
          chat gpt-4o
          execute_tool confirm
        invoke_agent weather
          execute_tool confirm
          chat gpt-4o
        """
    )


def test_steps_of_the_framework_are_seen_where_that_is_asked_for(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.stop()
    monkeypatch.setenv("OTELIER_FRAMEWORK_STEPS", "all")
    telemetry.start()
    ask(agent(model(server, uses("get_weather", OSLO)), get_weather))
    told = draw(telemetry)
    assert "\n  run_agent_step\n    chat gpt-4o\n" in told
    assert "\n  call_tool\n    execute_tool get_weather\n" in told
    assert told.count("chat gpt-4o") == 2
    telemetry.clear()
    ask(team(server))
    assert "\n  invoke_agent weather\n    setup_agent\n" in draw(telemetry)


def test_no_content(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    telemetry.start(capture="NO_CONTENT")
    ask(team(server))
    ask(agent(model(server, uses("get_weather", OSLO)), get_weather, system_prompt="Be brief."))
    for span in telemetry.spans():
        said = str(attributes(span))
        for word in ("Oslo", "sunny", "Be brief", "messages", "arguments"):
            assert word not in said, span.name


@pytest.mark.parametrize("name", ["llama_index", "llama-index-core"])
def test_disabled(server: ProviderServer, telemetry: Telemetry, name: str) -> None:
    telemetry.stop()
    telemetry.start(disabled=[name])
    ask(agent(model(server, uses("get_weather", OSLO)), get_weather))
    assert draw(telemetry) == "chat gpt-4o\nchat gpt-4o"


def test_taken_back_and_on_again(server: ProviderServer, telemetry: Telemetry) -> None:
    from llama_index.core.instrumentation import get_dispatcher

    run = agent(model(server, uses("get_weather", OSLO)), get_weather)
    root = get_dispatcher()
    with_ours = len(root.span_handlers), len(root.event_handlers)
    telemetry.stop()
    assert (len(root.span_handlers) + 1, len(root.event_handlers) + 1) == with_ours
    ask(run)
    assert not telemetry.spans()
    telemetry.start()
    assert (len(root.span_handlers), len(root.event_handlers)) == with_ours
    ask(run)
    assert draw(telemetry) == ONE_TOOL


def test_programs_see_the_same(server: ProviderServer, telemetry: Telemetry) -> None:
    def look(city: str) -> str:
        """Looks."""
        raise ValueError(f"no {city}")

    async def main() -> tuple[list[str], str, int]:
        handler = agent(model(server, uses("look", OSLO)), look).run(user_msg="Oslo?")
        events = [type(event).__name__ async for event in handler.stream_events()]
        answer = await handler
        return events, answer.model_dump_json(), len(server.requests)

    def failing() -> str:
        with pytest.raises(Exception, match="no") as caught:
            ask(agent(model(server), get_weather))
        return repr(caught.value)

    found = []
    for _ in range(2):
        server.clear()
        told = asyncio.run(main())
        server.route("/chat/completions", Json({"error": {"message": "no"}}, status=400))
        found.append((told, failing()))
        telemetry.stop()
    assert found[0] == found[1]


def test_each_model_call_is_there_once(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/chat/completions", saying(uses("get_weather", OSLO)))
    ask(agent(model(server), get_weather))
    assert len(model_calls(telemetry)) == len(server.requests) == 2
