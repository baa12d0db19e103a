"""Frameworks in each other and side by side: one tree, each step by who runs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypedDict

import pytest

pytest.importorskip("langgraph")
pytest.importorskip("llama_index.core")
pytest.importorskip("agents")
pytest.importorskip("fastapi")

import agents
import httpx
import openai
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain.agents import create_agent
from langchain_core.tools import tool as langchain_tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.tools import FunctionTool
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

import otelier
from otelier import guard
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tree
from tests.lineage.frameworks.llama_index_parts import Say, index, memory, model, saying
from tests.servers import ProviderServer
from tests.servers.openai_wire import chat_message, tool_call
from tests.telemetry import Telemetry

OSLO = {"city": "Oslo"}


@pytest.fixture(autouse=True)
def nothing_is_sent_elsewhere() -> Iterator[None]:
    # The Agents SDK would export to OpenAI.
    agents.set_trace_processors([])
    yield


@pytest.fixture
def mind(server: ProviderServer) -> Callable[[Say], None]:
    """Whatever asks the server is answered by this."""
    return lambda say: server.route("/chat/completions", saying(say))


def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


def lookup(body: dict[str, Any]) -> dict[str, Any]:
    """Uses the first tool that there is, and answers with its result."""
    offered = [each["function"]["name"] for each in body.get("tools") or ()]
    last = body["messages"][-1]
    if not offered or last["role"] == "tool":
        return chat_message("It is sunny.")
    arguments = json.dumps(OSLO)
    return chat_message(tool_calls=[tool_call(offered[0], arguments, id=f"call_{offered[0]}")])


def langchain_model(server: ProviderServer) -> ChatOpenAI:
    return ChatOpenAI(
        model="gpt-4o",
        api_key="k",  # type: ignore[arg-type]
        base_url=server.url + "/v1",
        max_retries=0,
    )


def langchain_agent(server: ProviderServer, *tools: Any, name: str = "chain") -> Any:
    return create_agent(langchain_model(server), list(tools), name=name)


def llama_agent(server: ProviderServer, *tools: Any, name: str = "llama") -> FunctionAgent:
    return FunctionAgent(name=name, description="d", tools=list(tools), llm=model(server))


def openai_agent(server: ProviderServer, *tools: Any, name: str = "openai") -> agents.Agent[Any]:
    client = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    answers = agents.OpenAIChatCompletionsModel(model="gpt-4o", openai_client=client)
    return agents.Agent(name=name, tools=list(tools), model=answers)


def asked(words: str = "How is Oslo?") -> Any:
    return {"messages": [{"role": "user", "content": words}]}


WEATHER = tree(
    """
    invoke_agent {name}
      chat gpt-4o
      execute_tool get_weather
      chat gpt-4o
    """
)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_of_langchains_asks_a_query_engine(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None], is_async: bool
) -> None:
    mind(lookup)
    engine = index(server).as_query_engine(llm=model(server))

    @langchain_tool
    def docs(city: str) -> str:
        """Looks into documents."""
        return str(engine.query(city))

    @langchain_tool
    async def adocs(city: str) -> str:
        """Looks into documents."""
        return str(await engine.aquery(city))

    agent = langchain_agent(server, adocs if is_async else docs)
    if is_async:
        asyncio.run(agent.ainvoke(asked()))
    else:
        agent.invoke(asked())
    assert draw(telemetry) == tree(
        f"""
        invoke_agent chain
          chat gpt-4o
          execute_tool {"adocs" if is_async else "docs"}
            invoke_workflow
              retrieval
                embeddings text-embedding-ada-002
              chat gpt-4o
          chat gpt-4o
        """
    )


class State(TypedDict):
    said: str


def test_a_node_of_langgraphs_runs_an_agent_of_the_agents_sdk(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None]
) -> None:
    mind(lookup)
    agent = openai_agent(server, agents.function_tool(get_weather))

    async def ask(state: State) -> State:
        result = await agents.Runner.run(agent, state["said"])
        return {"said": str(result.final_output)}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    support = graph.compile(name="support")

    async def main() -> Any:
        return await support.ainvoke(
            {"said": "How is Oslo?"}, {"configurable": {"thread_id": "t1"}}
        )

    assert asyncio.run(main()) == {"said": "It is sunny."}
    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow support [t1]
          invoke_agent openai [t1]
            chat gpt-4o [t1]
            execute_tool get_weather [t1]
            chat gpt-4o [t1]
        """
    )


def test_each_framework_is_a_tool_of_the_next(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None]
) -> None:
    mind(lookup)
    inner = llama_agent(server, get_weather)
    middle: list[Any] = []

    async def ask_llama(city: str) -> str:
        """Asks LlamaIndex."""
        return str(await inner.run(user_msg=city))

    @langchain_tool
    async def ask_openai(city: str) -> str:
        """Asks the Agents SDK."""
        return str((await agents.Runner.run(middle[0], city)).final_output)

    async def main() -> None:
        middle.append(openai_agent(server, agents.function_tool(ask_llama)))
        await langchain_agent(server, ask_openai).ainvoke(asked())

    asyncio.run(main())
    assert draw(telemetry) == tree(
        """
        invoke_agent chain
          chat gpt-4o
          execute_tool ask_openai
            invoke_agent openai
              chat gpt-4o
              execute_tool ask_llama
                invoke_agent llama
                  chat gpt-4o
                  execute_tool get_weather
                  chat gpt-4o
              chat gpt-4o
          chat gpt-4o
        """
    )
    assert len(model_calls(telemetry)) == len(server.requests) == 6


def runs(server: ProviderServer, which: str) -> Callable[[str, str], Any]:
    """One run of an agent of a framework's: (words, conversation) -> what it answers."""
    if which == "chain":
        chain = langchain_agent(server, langchain_tool(get_weather))

        async def run_chain(words: str, conversation_id: str) -> str:
            thread: Any = {"configurable": {"thread_id": conversation_id}}
            return str((await chain.ainvoke(asked(words), thread))["messages"][-1].content)

        return run_chain
    if which == "llama":
        llama = llama_agent(server, get_weather)

        async def run_llama(words: str, conversation_id: str) -> str:
            return str(await llama.run(user_msg=words, memory=memory(conversation_id)))

        return run_llama
    openais = openai_agent(server, agents.function_tool(get_weather))

    async def run_openai(words: str, conversation_id: str) -> str:
        settings = agents.RunConfig(group_id=conversation_id)
        return str((await agents.Runner.run(openais, words, run_config=settings)).final_output)

    return run_openai


ALL = ("chain", "llama", "openai")


@pytest.mark.parametrize("name", ALL)
def test_the_programs_own_agent_is_around_a_frameworks(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None], name: str
) -> None:
    mind(lookup)

    @otelier.agent("mine", description="The program's own.")
    async def mine(words: str) -> str:
        with otelier.session(user_id="u1"), telemetry.tracer.start_as_current_span("work"):
            return str(await runs(server, name)(words, "c1"))

    assert asyncio.run(mine("How is Oslo?")) == "It is sunny."
    inside = "\n".join(f"    {line} [c1]" for line in WEATHER.format(name=name).splitlines())
    assert draw(telemetry, conversation) == f"invoke_agent mine\n  work\n{inside}"
    for span in telemetry.spans():
        whose = (span.attributes or {}).get("user.id")
        assert whose == (None if span.name == "invoke_agent mine" else "u1")


def test_frameworks_side_by_side_in_one_event_loop(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None]
) -> None:
    mind(lookup)

    async def main() -> list[str]:
        started = {name: runs(server, name) for name in ALL}
        return await asyncio.gather(
            *(
                started[name]("How is Oslo?", f"{name}-{number}")
                for number in range(4)
                for name in ALL
            )
        )

    assert asyncio.run(main()) == ["It is sunny."] * 12
    drawn = draw(telemetry, conversation).replace("\ninvoke_agent", "\n\ninvoke_agent")
    assert sorted(drawn.split("\n\n")) == sorted(
        "\n".join(f"{line} [{name}-{number}]" for line in WEATHER.format(name=name).splitlines())
        for number in range(4)
        for name in ALL
    )


# --- web -----------------------------------------------------------------------------------


def serving(telemetry: Telemetry, pieces: Callable[[], AsyncIterator[str]]) -> FastAPI:
    app = FastAPI()

    @app.get("/ask")
    async def ask() -> StreamingResponse:
        return StreamingResponse(pieces(), media_type="text/plain")

    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=telemetry.tracer_provider, exclude_spans=["receive", "send"]
    )
    return app


def reading(app: FastAPI) -> str:
    async def main() -> str:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return (await client.get("/ask")).text

    return asyncio.run(main())


def streams(server: ProviderServer, which: str) -> Callable[[], AsyncIterator[str]]:
    """An agent of a framework's whose answer is streamed, piece by piece."""

    async def chain() -> AsyncIterator[str]:
        agent = langchain_agent(server, langchain_tool(get_weather))
        async for piece, _ in agent.astream(asked(), stream_mode="messages"):
            if piece.type == "AIMessageChunk" and piece.content:
                yield str(piece.content)

    async def llama() -> AsyncIterator[str]:
        handler = llama_agent(server, get_weather).run(user_msg="How is Oslo?")
        async for event in handler.stream_events():
            if type(event).__name__ == "AgentStream" and event.delta:
                yield event.delta
        await handler

    async def openais() -> AsyncIterator[str]:
        agent = openai_agent(server, agents.function_tool(get_weather))
        result = agents.Runner.run_streamed(agent, "How is Oslo?")
        async for event in result.stream_events():
            delta = getattr(getattr(event, "data", None), "delta", None)
            kind = getattr(getattr(event, "data", None), "type", "")
            if kind == "response.output_text.delta" and delta:
                yield str(delta)

    return {"chain": chain, "llama": llama, "openai": openais}[which]


@pytest.mark.parametrize("name", ALL)
def test_an_endpoint_that_streams(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None], name: str
) -> None:
    mind(lookup)
    assert reading(serving(telemetry, streams(server, name))) == "It is sunny."
    inside = "\n".join(f"  {line}" for line in WEATHER.format(name=name).splitlines())
    assert draw(telemetry) == f"GET /ask\n{inside}"


@pytest.mark.parametrize("name", ALL)
def test_a_reader_that_goes_away(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None], name: str
) -> None:
    mind(lookup)
    app = serving(telemetry, streams(server, name))

    async def main() -> None:
        gone = asyncio.Event()
        asked_for = False

        async def receive() -> dict[str, Any]:
            nonlocal asked_for
            if not asked_for:
                asked_for = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body" and message.get("body"):
                gone.set()

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": "/ask",
            "raw_path": b"/ask",
            "query_string": b"",
            "scheme": "http",
            "headers": [],
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "server": ("shop", 80),
        }
        await app(scope, receive, send)
        # Who goes on without a reader comes to its end.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[arg-type]
            await asyncio.wait(others)

    asyncio.run(main())
    inside = "\n".join(f"  {line}" for line in WEATHER.format(name=name).splitlines())
    assert draw(telemetry) == f"GET /ask\n{inside}"


# --- parts of one in another ---------------------------------------------------------------


def test_a_team_and_a_graph(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None]
) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][0]["content"] == "Triage.":
            given = {"to_agent": "expert", "reason": "It is about weather."}
            return chat_message(tool_calls=[tool_call("handoff", given)])
        if not body.get("tools"):
            return chat_message("Sunny.")
        if str(body["messages"][-1]["content"]) == "Sunny.":
            return chat_message("It is sunny.")
        return chat_message(tool_calls=[tool_call("ask_graph", OSLO)])

    mind(say)
    llm = langchain_model(server)

    async def think(state: State) -> State:
        return {"said": str((await llm.ainvoke(state["said"])).content)}

    graph = StateGraph(State)
    graph.add_node("think", think)
    graph.add_edge(START, "think")
    compiled = graph.compile(name="weather graph")

    async def ask_graph(city: str) -> str:
        """Asks the graph."""
        return str((await compiled.ainvoke({"said": city}))["said"])

    triage = FunctionAgent(
        name="triage", description="d", llm=model(server), system_prompt="Triage."
    )
    expert = FunctionAgent(
        name="expert",
        description="d",
        llm=model(server),
        system_prompt="You know.",
        tools=[FunctionTool.from_defaults(async_fn=ask_graph)],
        can_handoff_to=[],
    )
    team = AgentWorkflow(agents=[triage, expert], root_agent="triage")

    async def main() -> str:
        return str(await team.run(user_msg="How is Oslo?", memory=memory("c1")))

    assert asyncio.run(main()) == "It is sunny."
    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow [c1]
          invoke_agent triage [c1]
            chat gpt-4o [c1]
            execute_tool handoff [c1]
          invoke_agent expert [c1]
            chat gpt-4o [c1]
            execute_tool ask_graph [c1]
              invoke_workflow weather graph [c1]
                chat gpt-4o [c1]
            chat gpt-4o [c1]
        """
    )


def test_a_tool_of_llama_indexs_is_an_mcp_servers(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None]
) -> None:
    from tests.lineage.frameworks import mcp_sides

    def say(body: dict[str, Any]) -> dict[str, Any]:
        return lookup(body) if body.get("tools") else chat_message("sunny")

    mind(say)
    away = mcp_sides.new()
    asks = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)

    @away.tool()
    async def look(city: str) -> str:
        """Looks."""
        said: Any = [{"role": "user", "content": city}]
        answer = await asks.chat.completions.create(model="gpt-4o-mini", messages=said)
        return str(answer.choices[0].message.content)

    async def main() -> str:
        async with mcp_sides.connected(away) as client:

            async def look(city: str) -> str:
                """Looks."""
                return mcp_sides.text(await client.call_tool("look", {"city": city}))

            return str(await llama_agent(server, look).run(user_msg="How is Oslo?"))

    assert asyncio.run(main()) == "It is sunny."
    # What the SDK asks a server by itself.
    greeting = ("initialize", "tools/list", "server/discover")
    assert draw(telemetry, leave_out=lambda span: span.name.endswith(greeting)) == tree(
        """
        invoke_agent llama
          chat gpt-4o
          execute_tool look
            tools/call look
              chat gpt-4o-mini
          chat gpt-4o
        """
    )


@pytest.mark.parametrize("name", ALL)
def test_one_is_left_alone_and_the_others_are_seen(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None], name: str
) -> None:
    mind(lookup)
    telemetry.stop()
    library = {"chain": "langchain", "llama": "llama_index", "openai": "openai_agents"}[name]
    telemetry.start(disabled=[library])

    async def main() -> None:
        for each in ALL:
            await runs(server, each)("How is Oslo?", "c1")

    asyncio.run(main())
    shown = {each: WEATHER.format(name=each) for each in ALL}
    shown[name] = "chat gpt-4o\nchat gpt-4o"
    assert draw(telemetry) == "\n".join(shown.values())


def test_nothing_stays_current(
    server: ProviderServer, telemetry: Telemetry, mind: Callable[[Say], None]
) -> None:
    mind(lookup)

    async def main() -> None:
        here = trace.get_current_span()
        for each in ALL:
            await runs(server, each)("How is Oslo?", "c1")
            assert trace.get_current_span() is here
            async for _ in streams(server, each)():
                pass
            assert trace.get_current_span() is here

    asyncio.run(main())
    assert not guard.failures()
    assert all(span.parent is not None for span in model_calls(telemetry))
