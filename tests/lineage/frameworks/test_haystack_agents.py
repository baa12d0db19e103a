"""Haystack's agents and tools, as people write them, and the trees that they would draw."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lineage.frameworks.haystack_offline import HAYSTACK

pytest.importorskip(f"{HAYSTACK}.components.agents")

from haystack import Pipeline
from haystack.components.agents import Agent
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.tools import ComponentTool, Tool
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier import under_way
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.lineage.frameworks.haystack_parts import OSLO, VERSION, Parrot, model, says, store, uses
from tests.servers import Gate, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message, tool_call
from tests.telemetry import Telemetry

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
asynchronous = pytest.mark.skipif(VERSION < (2, 13), reason="agents are synchronous here")


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    yield
    gc.collect()
    assert not under_way.anything()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def get_weather(city: str) -> str:
    return f"sunny in {city}"


def no_weather(city: str) -> str:
    raise ConnectionError("no weather today")


def tool(function: Any = get_weather, **more: Any) -> Tool:
    name = function.__name__
    return Tool(
        name=name, description="Tells the weather.", parameters=CITY, function=function, **more
    )


def agent(llm: Any, *tools: Any, **more: Any) -> Agent:
    found = Agent(chat_generator=llm, tools=list(tools), **more)
    found.warm_up()
    return found


def asked(text: str = "How is Oslo?") -> list[ChatMessage]:
    return [ChatMessage.from_user(text)]


ONE_TOOL = tree(
    """
    invoke_agent
      chat gpt-4o
      execute_tool get_weather
      chat gpt-4o
    """
)


def test_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, uses("get_weather", OSLO))
    answer = agent(llm, tool(), system_prompt="Be brief.").run(messages=asked())
    assert answer["messages"][-1].text == "It is sunny."
    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent 24+18
          chat gpt-4o 12+9
          execute_tool get_weather
          chat gpt-4o 12+9
        """
    )
    whole = attributes(telemetry.span("invoke_agent"))
    assert "gen_ai.agent.name" not in whole
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
    assert offered["parameters"] == CITY
    used = attributes(telemetry.span("execute_tool"))
    assert used["gen_ai.tool.name"] == "get_weather"
    assert used["gen_ai.tool.type"] == "function"
    assert used["gen_ai.tool.call.id"] == "call_0"
    assert used["gen_ai.tool.description"] == "Tells the weather."
    assert json.loads(used["gen_ai.tool.call.arguments"]) == OSLO
    assert json.loads(used["gen_ai.tool.call.result"]) == {"result": "sunny in Oslo"}


def test_its_prompt_is_filled_in(server: ProviderServer, telemetry: Telemetry) -> None:
    if VERSION < (3, 0):
        pytest.skip("prompts are no templates here")
    llm = model(server, uses("get_weather", OSLO))
    made = agent(llm, tool(), system_prompt="Speak {{ tongue }}.", user_prompt="How is {{ city }}?")
    made.run(messages=[], tongue="Norwegian", city="Oslo")
    whole = attributes(telemetry.span("invoke_agent"))
    assert "Speak Norwegian." in whole["gen_ai.system_instructions"]
    assert "How is Oslo?" in whole["gen_ai.input.messages"]


def test_an_agent_in_a_pipeline(server: ProviderServer, telemetry: Telemetry) -> None:
    made = Pipeline()
    made.add_component("weatherman", agent(model(server, uses("get_weather", OSLO)), tool()))
    with otelier.session(conversation_id="c1"):
        made.run({"weatherman": {"messages": asked()}})
    named = " weatherman" if VERSION >= (2, 17) else ""
    assert draw(telemetry, conversation) == tree(
        f"""
        invoke_workflow [c1]
          invoke_agent{named} [c1]
            chat gpt-4o [c1]
            execute_tool get_weather [c1]
            chat gpt-4o [c1]
        """
    )
    whole = attributes(telemetry.span("invoke_workflow"))
    assert "How is Oslo?" in whole["gen_ai.input.messages"]
    assert "It is sunny." in whole["gen_ai.output.messages"]


@asynchronous
def test_asynchronous(server: ProviderServer, telemetry: Telemetry) -> None:
    made = agent(model(server, uses("get_weather", OSLO)), tool())
    answer = asyncio.run(made.run_async(messages=asked()))
    assert answer["messages"][-1].text == "It is sunny."
    assert draw(telemetry) == ONE_TOOL
    used = attributes(telemetry.span("execute_tool"))
    assert used["gen_ai.tool.call.id"] == "call_0"
    assert json.loads(used["gen_ai.tool.call.arguments"]) == OSLO


def test_an_asynchronous_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    if not hasattr(Tool, "invoke_async"):
        pytest.skip("tools are synchronous here")

    async def look(city: str) -> str:
        await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span("look up"):
            return f"sunny in {city}"

    one = Tool(name="look", description="Looks.", parameters=CITY, async_function=look)
    made = agent(model(server, uses("look", OSLO, {"city": "Rome"})), one)
    asyncio.run(made.run_async(messages=asked()))
    assert draw(telemetry, ordered=False) == tree(
        """
        invoke_agent
          chat gpt-4o
          chat gpt-4o
          execute_tool look
            look up
          execute_tool look
            look up
        """
    )
    assert calls(telemetry) == CALLS


CALLS = {
    "call_0": ('{"city":"Oslo"}', '{"result":"sunny in Oslo"}'),
    "call_1": ('{"city":"Rome"}', '{"result":"sunny in Rome"}'),
}


def calls(telemetry: Telemetry) -> dict[str, tuple[str, str]]:
    return {
        attributes(span)["gen_ai.tool.call.id"]: (
            attributes(span)["gen_ai.tool.call.arguments"],
            attributes(span)["gen_ai.tool.call.result"],
        )
        for span in telemetry.spans("execute_tool")
    }


@pytest.mark.parametrize("run", ["run", pytest.param("run_async", marks=asynchronous)])
def test_tools_at_the_same_time(server: ProviderServer, telemetry: Telemetry, run: str) -> None:
    made = agent(model(server, uses("get_weather", OSLO, {"city": "Rome"})), tool())
    answer = getattr(made, run)(messages=asked())
    if run == "run_async":
        asyncio.run(answer)
    assert draw(telemetry, ordered=False) == tree(
        """
        invoke_agent
          chat gpt-4o
          chat gpt-4o
          execute_tool get_weather
          execute_tool get_weather
        """
    )
    assert calls(telemetry) == CALLS


def test_a_tool_that_works(server: ProviderServer, telemetry: Telemetry) -> None:
    def work(city: str) -> str:
        with telemetry.tracer.start_as_current_span("GET"):
            urllib.request.urlopen(f"{server.url}/v1/models").read()
        llm.run(messages=[ChatMessage.from_user("Shorten it.")])
        return "sunny"

    llm = model(server, uses("work", OSLO))
    agent(llm, tool(work)).run(messages=asked())
    assert draw(telemetry) == tree(
        """
        invoke_agent
          chat gpt-4o
          execute_tool work
            GET
            chat gpt-4o
          chat gpt-4o
        """
    )


def test_a_tool_that_fails_and_is_tried_again(server: ProviderServer, telemetry: Telemetry) -> None:
    tries: list[str] = []

    def look(city: str) -> str:
        tries.append(city)
        if len(tries) == 1:
            raise ConnectionError("no weather today")
        return "sunny"

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if str(body["messages"][-1]["content"]).endswith("sunny"):
            return chat_message("It is sunny.")
        return chat_message(tool_calls=[tool_call("look", OSLO, id=f"call_{len(tries)}")])

    agent(model(server, say), tool(look)).run(messages=asked())
    assert draw(telemetry) == tree(
        """
        invoke_agent
          chat gpt-4o
          execute_tool look !ConnectionError
          chat gpt-4o
          execute_tool look
          chat gpt-4o
        """
    )


def test_a_tool_that_fails_for_good(server: ProviderServer, telemetry: Telemetry) -> None:
    if VERSION < (2, 15):
        pytest.skip("a tool's failure is always told to the model here")
    more: dict[str, Any] = {"raise_on_tool_invocation_failure": True}
    made = agent(model(server, uses("no_weather", OSLO)), tool(no_weather), **more)
    with pytest.raises(Exception, match="no weather today"):
        made.run(messages=asked())
    assert draw(telemetry) == tree(
        """
        invoke_agent !ConnectionError
          chat gpt-4o
          execute_tool no_weather !ConnectionError
        """
    )


def test_a_tool_that_is_not_there(server: ProviderServer, telemetry: Telemetry) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][-1]["role"] == "tool":
            return chat_message("I cannot.")
        return chat_message(tool_calls=[tool_call("nothing", OSLO, id="call_0")])

    agent(model(server, say), tool()).run(messages=asked())
    assert draw(telemetry) == "invoke_agent\n  chat gpt-4o\n  chat gpt-4o"


def test_a_tool_that_is_declared(server: ProviderServer, telemetry: Telemetry) -> None:
    @otelier.tool("weather service", description="Asks the service.")
    def get_weather(city: str) -> str:
        return f"sunny in {city}"

    agent(model(server, uses("get_weather", OSLO)), tool(get_weather)).run(messages=asked())
    assert draw(telemetry) == ONE_TOOL.replace("get_weather", "weather service")
    assert attributes(telemetry.span("execute_tool"))["gen_ai.tool.call.id"] == "call_0"


def test_beside_opentelemetry_in_the_slot(server: ProviderServer, telemetry: Telemetry) -> None:
    if VERSION < (3, 4):
        pytest.skip("other traces here")
    tracing = pytest.importorskip("haystack.tracing")
    theirs = pytest.importorskip("haystack_integrations.tracing.opentelemetry")
    tracing.enable_tracing(theirs.OpenTelemetryTracer(telemetry.tracer))
    asks = ChatMessage.from_assistant(tool_calls=[ToolCall("get_weather", OSLO, id="c1")])
    try:
        agent(Parrot(asks, "It is sunny."), tool()).run(messages=asked())
    finally:
        tracing.disable_tracing()
    assert draw(telemetry) == tree(
        """
        invoke_agent
          haystack.agent.run
            haystack.agent.step
              haystack.agent.step.llm
                chat parrot-1
              haystack.agent.step.tool
                execute_tool get_weather
            haystack.agent.step
              haystack.agent.step.llm
                chat parrot-1
        """
    )


def test_a_tool_by_itself(telemetry: Telemetry) -> None:
    assert tool().invoke(city="Oslo") == "sunny in Oslo"
    assert draw(telemetry) == "execute_tool get_weather"
    used = attributes(telemetry.span())
    assert json.loads(used["gen_ai.tool.call.arguments"]) == OSLO
    assert "gen_ai.tool.call.id" not in used


def test_a_streamed_answer(server: ProviderServer, telemetry: Telemetry) -> None:
    pieces: list[str] = []
    made = agent(model(server, uses("get_weather", OSLO)), tool())
    made.run(messages=asked(), streaming_callback=lambda chunk: pieces.append(chunk.content or ""))
    assert "It is sunny." in "".join(pieces)
    assert draw(telemetry) == ONE_TOOL


@asynchronous
def test_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    gate = Gate(hold_after=0)
    server.route("/chat/completions", Sse(chat_chunks(chat_message("It is sunny.")), gate=gate))
    made = agent(model(server), tool())

    async def main() -> None:
        task = asyncio.ensure_future(made.run_async(messages=asked()))
        await asyncio.to_thread(server.wait_requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gate.open()
    assert draw(telemetry) == "invoke_agent\n  chat gpt-4o"
    assert attributes(telemetry.span("invoke_agent"))["otelier.stream.end"] == "cancelled"


def researcher(server: ProviderServer, delegated: bool) -> Any:
    inner = agent(model(server), tool())
    if delegated:
        from haystack.tools import AgentTool

        return AgentTool(agent=inner, name="research", description="Researches.")
    return ComponentTool(
        component=inner,
        name="research",
        description="Researches.",
        **({"outputs_to_string": {"source": "last_message"}} if VERSION >= (2, 16) else {}),
    )


def delegates(body: dict[str, Any]) -> dict[str, Any]:
    """The one who asks has the tool ``research``, the other one the weather's."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return chat_message("It is sunny.")
    offered = [each["function"]["name"] for each in body["tools"]]
    if offered == ["research"]:
        spoken = {"role": "user", "content": [{"text": "How is Oslo?"}], "name": None, "meta": {}}
        if VERSION >= (3, 4):
            spoken = {"role": "user", "content": "How is Oslo?"}
        given = {"messages": [spoken]}
        return chat_message(tool_calls=[tool_call("research", given, id="r1")])
    return chat_message(tool_calls=[tool_call("get_weather", OSLO, id="w1")])


@pytest.mark.parametrize("delegated", [False, True])
@pytest.mark.parametrize("run", ["run", pytest.param("run_async", marks=asynchronous)])
def test_an_agent_as_a_tool(
    server: ProviderServer, telemetry: Telemetry, run: str, delegated: bool
) -> None:
    if delegated and VERSION < (3, 4):
        pytest.skip("no tool of its own for this here")
    made = agent(model(server, delegates), researcher(server, delegated))
    answer = getattr(made, run)(messages=asked())
    if run == "run_async":
        answer = asyncio.run(answer)
    assert answer["messages"][-1].text == "It is sunny."
    assert draw(telemetry) == tree(
        """
        invoke_agent
          chat gpt-4o
          execute_tool research
            invoke_agent research
              chat gpt-4o
              execute_tool get_weather
              chat gpt-4o
          chat gpt-4o
        """
    )
    inner = attributes(telemetry.span("invoke_agent research"))
    assert inner["gen_ai.agent.description"] == "Researches."
    if VERSION >= (2, 15):
        used = attributes(telemetry.span("execute_tool research"))
        assert json.loads(used["gen_ai.tool.call.result"]) == {"result": "It is sunny."}


def test_a_search_as_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    search = ComponentTool(
        component=InMemoryBM25Retriever(store(), top_k=1), name="search", description="Searches."
    )
    made = agent(model(server, uses("search", {"query": "Oslo"})), search)
    made.run(messages=asked("Where is Oslo?"))
    assert draw(telemetry) == tree(
        """
        invoke_agent
          chat gpt-4o
          execute_tool search
            retrieval
          chat gpt-4o
        """
    )


def test_a_pipeline_as_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    tools = pytest.importorskip("haystack.tools")
    if not hasattr(tools, "PipelineTool"):
        pytest.skip("no such tool here")
    inner = Pipeline()
    inner.add_component("retriever", InMemoryBM25Retriever(store(), top_k=1))
    search = tools.PipelineTool(
        pipeline=inner,
        input_mapping={"query": ["retriever.query"]},
        output_mapping={"retriever.documents": "documents"},
        name="search",
        description="Searches.",
    )
    agent(model(server, uses("search", {"query": "Oslo"})), search).run(messages=asked())
    assert draw(telemetry) == tree(
        """
        invoke_agent
          chat gpt-4o
          execute_tool search
            invoke_workflow
              retrieval
          chat gpt-4o
        """
    )


def test_a_tool_of_a_server(server: ProviderServer, telemetry: Telemetry, tmp_path: Path) -> None:
    """The tool that Haystack executes and the request to the server that has it are one."""
    integration = pytest.importorskip("haystack_integrations.tools.mcp")
    from tests.lineage.frameworks.mcp_away import ROLES, Away

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][-1]["role"] == "tool":
            return chat_message("It is sunny.")
        if "tools" not in body:
            return chat_message("Sunny.")
        return chat_message(tool_calls=[tool_call("summarise", OSLO, id="c1")])

    away = Away(tmp_path, server.url)
    command, *arguments = away.command("stdio")
    place = integration.StdioServerInfo(command=command, args=arguments, env=away.environment)
    far = integration.MCPTool(name="summarise", server_info=place)
    agent(model(server, say), far).run(messages=asked())
    far.close()

    def named(span: Any) -> str:
        served = "mcp.method.name" in span.attributes
        return str(span.name) + (ROLES.get(span.kind, "") if served else "")

    whole = draw([*telemetry.spans(), *away.spans], named)
    assert whole[whole.index("invoke_agent") :] == tree(
        """
        invoke_agent
          chat gpt-4o
          execute_tool summarise
            tools/call summarise (server)
              chat gpt-4o-mini
          chat gpt-4o
        """
    )
    assert attributes(telemetry.span("execute_tool"))["gen_ai.tool.call.id"] == "c1"


@pytest.mark.parametrize("run", ["run", pytest.param("run_async", marks=asynchronous)])
def test_a_model_of_ones_own(telemetry: Telemetry, run: str) -> None:
    if VERSION < (2, 18):
        pytest.skip("nothing is around such a call here")
    asks = ChatMessage.from_assistant(
        tool_calls=[ToolCall("get_weather", OSLO, id="c1")],
        meta={"usage": {"prompt_tokens": 1, "completion_tokens": 1}},
    )
    answer = getattr(agent(Parrot(asks, "It is sunny."), tool()), run)(messages=asked())
    if run == "run_async":
        asyncio.run(answer)
    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent 4+3
          chat parrot-1 1+1
          execute_tool get_weather
          chat parrot-1 3+2
        """
    )
    first, second = (attributes(span) for span in telemetry.spans("chat"))
    assert "How is Oslo?" in first["gen_ai.input.messages"]
    assert "It is sunny." not in first["gen_ai.output.messages"]
    assert "sunny in Oslo" in second["gen_ai.input.messages"]
    assert "It is sunny." in second["gen_ai.output.messages"]
    assert "get_weather" in second["gen_ai.tool.definitions"]


def test_a_model_of_ones_own_that_fails(telemetry: Telemetry) -> None:
    if VERSION < (2, 18):
        pytest.skip("nothing is around such a call here")
    with pytest.raises(Exception, match="no voice"):
        agent(Parrot(ConnectionError("no voice")), tool()).run(messages=asked())
    assert draw(telemetry) == tree(
        """
        invoke_agent !ConnectionError
          chat parrot-1 !ConnectionError
        """
    )


def test_a_prompt_and_a_model_are_no_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    chat = pytest.importorskip("haystack.components.generators.chat")
    if not hasattr(chat, "LLM") or VERSION < (3, 0):
        pytest.skip("no such component here")
    one = chat.LLM(chat_generator=model(server, says("In Norway.")), user_prompt="Where is Oslo?")
    one.run()
    assert draw(telemetry) == "chat gpt-4o"


@asynchronous
def test_ten_users_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    made = agent(model(server, uses("get_weather", OSLO)), tool())

    async def one(user: int) -> None:
        with otelier.session(conversation_id=f"c{user}"):
            await made.run_async(messages=asked())

    async def main() -> None:
        await asyncio.gather(*map(one, range(10)))

    asyncio.run(main())
    trees = (
        f"""
        invoke_agent [c{user}]
          chat gpt-4o [c{user}]
          chat gpt-4o [c{user}]
          execute_tool get_weather [c{user}]
        """
        for user in range(10)
    )
    assert draw(telemetry, conversation, ordered=False) == "\n".join(map(tree, trees))


@pytest.mark.parametrize("run", ["run", "run_async"])
def test_a_chat_with_a_history(server: ProviderServer, telemetry: Telemetry, run: str) -> None:
    """Haystack's word for a conversation."""
    if not (2, 20) <= VERSION <= (2, 24):
        pytest.skip("its agents do not run with this version")
    experimental = pytest.importorskip("haystack_experimental.components.agents")
    stores = pytest.importorskip("haystack_experimental.chat_message_stores")
    llm = model(server, uses("get_weather", OSLO))
    history = stores.InMemoryChatMessageStore()
    made = experimental.Agent(chat_generator=llm, tools=[tool()], chat_message_store=history)
    made.warm_up()
    answer = getattr(made, run)(
        messages=asked(), chat_message_store_kwargs={"chat_history_id": "c1"}
    )
    if run == "run_async":
        asyncio.run(answer)
    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent [c1]
          chat gpt-4o [c1]
          execute_tool get_weather [c1]
          chat gpt-4o [c1]
        """
    )
    whole = attributes(telemetry.span("invoke_agent"))
    assert "How is Oslo?" in whole["gen_ai.input.messages"]
    assert "It is sunny." in whole["gen_ai.output.messages"]


# What goes on in another process.
GOES_ON = """
import json, sys
from tests.lineage.frameworks.haystack_parts import Parrot
from tests.lineage.frameworks.test_haystack_agents import agent, tool
from tests.lineage.frameworks.drawing import draw
from tests.telemetry import Telemetry
from haystack.dataclasses.breakpoints import PipelineSnapshot

telemetry = Telemetry().start()
snapshot = PipelineSnapshot.from_dict(json.loads(sys.stdin.read()))
answer = agent(Parrot("It is sunny."), tool()).run(messages=[], snapshot=snapshot.agent_snapshot)
assert answer["messages"][-1].text == "It is sunny."
print(draw(telemetry))
"""


def test_a_breakpoint_is_no_failure(telemetry: Telemetry, tmp_path: Path) -> None:
    breakpoints = pytest.importorskip("haystack.dataclasses.breakpoints")
    if not hasattr(breakpoints, "AgentBreakpoint"):
        pytest.skip("agents have hooks instead here")
    from haystack.core.errors import BreakpointException

    stops = breakpoints.AgentBreakpoint(
        agent_name="weather",
        break_point=breakpoints.ToolBreakpoint(
            component_name="tool_invoker", tool_name=None, snapshot_file_path=str(tmp_path)
        ),
    )
    asks = ChatMessage.from_assistant(tool_calls=[ToolCall("get_weather", OSLO, id="c1")])
    with pytest.raises(BreakpointException) as stopped:
        agent(Parrot(asks), tool()).run(messages=asked(), break_point=stops)
    assert draw(telemetry) == "invoke_agent\n  chat parrot-1"
    for span in telemetry.spans():
        assert "error.type" not in attributes(span)
    done = subprocess.run(
        [sys.executable, "-c", GOES_ON],
        input=json.dumps(stopped.value.pipeline_snapshot.to_dict()),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == "invoke_agent\n  execute_tool get_weather\n  chat parrot-1\n", done.stderr


@pytest.mark.parametrize("answer", ["reject", "modify", "confirm"])
def test_a_person_is_asked(server: ProviderServer, telemetry: Telemetry, answer: str) -> None:
    at = "haystack.hooks.human_in_the_loop" if VERSION >= (3, 0) else "haystack.human_in_the_loop"
    asking = pytest.importorskip(at)

    class Person:
        """Says the same to all."""

        def get_user_confirmation(self, *about: Any) -> Any:
            changed = {"city": "Rome"} if answer == "modify" else None
            return asking.ConfirmationUIResult(action=answer, new_tool_params=changed)

    strategy = asking.BlockingConfirmationStrategy(
        confirmation_policy=asking.AlwaysAskPolicy(), confirmation_ui=Person()
    )
    strategies: Any = {"get_weather": strategy}
    more: Any = {"confirmation_strategies": strategies}
    if VERSION >= (3, 0):
        more = {
            "hooks": {"before_tool": [asking.ConfirmationHook(confirmation_strategies=strategies)]}
        }
    agent(model(server, uses("get_weather", OSLO)), tool(), **more).run(messages=asked())
    executed = "  execute_tool get_weather\n" if answer != "reject" else ""
    assert draw(telemetry) == f"invoke_agent\n  chat gpt-4o\n{executed}  chat gpt-4o"
    if executed:
        used = attributes(telemetry.span("execute_tool"))
        assert used["gen_ai.tool.call.id"] == "call_0"
        city = "Rome" if answer == "modify" else "Oslo"
        assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": city}


def test_a_hook_stops_it(server: ProviderServer, telemetry: Telemetry) -> None:
    hooks = pytest.importorskip("haystack.hooks")
    from haystack.components.agents.state import State

    def refuse(state: Any) -> None:
        state.set("stop_run", "refused")

    refuse.__annotations__ = {"state": State, "return": None}

    agent(
        model(server, uses("get_weather", OSLO)), tool(), hooks={"after_tool": [hooks.hook(refuse)]}
    ).run(messages=asked())
    assert draw(telemetry) == "invoke_agent\n  chat gpt-4o\n  execute_tool get_weather"


def test_no_content(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    telemetry.start(capture="NO_CONTENT")
    llm = model(server, uses("get_weather", OSLO))
    agent(llm, tool(), system_prompt="Be brief.").run(messages=asked())
    assert len(model_calls(telemetry)) == 2
    for span in telemetry.spans():
        said = str(attributes(span))
        for word in ("Oslo", "sunny", "Be brief", "messages", "arguments", "definitions"):
            assert word not in said, span.name


def test_disabled(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    telemetry.start(disabled=["haystack"])
    agent(model(server, uses("get_weather", OSLO)), tool()).run(messages=asked())
    assert draw(telemetry) == "chat gpt-4o\nchat gpt-4o"


def test_off_and_on_again(server: ProviderServer, telemetry: Telemetry) -> None:
    made = agent(model(server, uses("get_weather", OSLO)), tool())
    telemetry.stop()
    made.run(messages=asked())
    assert not telemetry.spans()
    assert type(Agent.__dict__["run"]).__name__ == "function"
    telemetry.start()
    made.run(messages=asked())
    assert draw(telemetry) == ONE_TOOL


def test_with_and_without(server: ProviderServer, telemetry: Telemetry) -> None:
    made = agent(model(server, uses("get_weather", OSLO)), tool())
    with_it = repr(made.run(messages=asked()))
    telemetry.stop()
    assert repr(made.run(messages=asked())) == with_it
