"""LangChain used in ways that are easily taken for something else."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_openai")
pytest.importorskip("langgraph")

from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import ToolException, tool
from langgraph.graph import START, MessagesState, StateGraph

from tests.lineage.frameworks.drawing import draw, tree
from tests.lineage.frameworks.langchain_programs import (
    asks,
    call,
    chat_model,
    create_agent,
    leaving_nothing,
    open_things,
    says,
    text,
)
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

WEATHER = call("get_weather", {"city": "Paris"})
SUNNY = text("It is sunny.")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield from leaving_nothing()


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def test_a_graph_named_after_its_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, WEATHER, SUNNY)
    agent = create_agent(chat_model(server), [get_weather])
    graph = StateGraph(MessagesState)
    graph.add_node(agent.get_name(), agent)
    graph.add_edge(START, agent.get_name())
    graph.compile().invoke(asks())
    assert draw(telemetry) == tree("""
        invoke_workflow
          invoke_agent
            chat gpt-4o-mini
            execute_tool get_weather
            chat gpt-4o-mini
    """)


def test_a_chain_of_an_agents_name(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, SUNNY)
    agent = create_agent(chat_model(server), [get_weather], name="weather")
    chain = RunnableLambda(lambda asked: asked) | chat_model(server)
    contextvars.copy_context().run(
        lambda: (agent.get_name(), chain.with_config(run_name="weather").invoke("How is it?"))
    )
    assert draw(telemetry) == tree("""
        invoke_workflow weather
          chat gpt-4o-mini
    """)


@pytest.mark.parametrize("name", [None, "weather"])
def test_an_agent_whose_run_has_a_name(
    server: ProviderServer, telemetry: Telemetry, name: str | None
) -> None:
    says(server, WEATHER, SUNNY)
    named: Any = {"name": name} if name else {}
    agent = create_agent(chat_model(server), [get_weather], system_prompt="Be brief.", **named)
    graph = StateGraph(MessagesState)
    graph.add_node("ask", lambda state: agent.invoke(state, {"run_name": "morning"}))
    graph.add_edge(START, "ask")
    graph.compile().invoke(asks(), {"run_name": "outer"})
    assert draw(telemetry) == tree(f"""
        invoke_workflow outer
          {"invoke_agent " + name if name else "invoke_agent"}
            chat gpt-4o-mini
            execute_tool get_weather
            chat gpt-4o-mini
    """)
    said = telemetry.span("invoke_agent").attributes or {}
    assert "Be brief." in said["gen_ai.system_instructions"]


class Found(BaseRetriever):
    """Finds the same each time."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document("found")]


class Several(Found):
    """Runs others by a function of its own, as LangChain's ensembles do."""

    def invoke(self, input: str, config: Any = None, **_: Any) -> list[Document]:
        from langchain_core.callbacks import CallbackManager

        run = CallbackManager.configure().on_retriever_start({}, input, name="several")
        found = Found().invoke(input, {"callbacks": run.get_child()})
        run.on_retriever_end(found)
        return found


def test_a_search_that_never_began(telemetry: Telemetry) -> None:
    with pytest.raises(Exception):  # noqa: B017 - as LangChain has it
        Found().invoke("what?", config=5)  # type: ignore[arg-type]
    Several().invoke("what?")
    with telemetry.tracer.start_as_current_span("after"):
        pass
    assert draw(telemetry) == tree("""
        retrieval
          retrieval
        after
    """)


def test_events_left_before_the_graph_has_begun(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    says(server, SUNNY)
    agent = create_agent(chat_model(server), [get_weather], name="weather")

    async def main() -> None:
        events = agent.astream_events(asks(), version="v2")
        async for _ in events:
            break
        await events.aclose()

    asyncio.run(main())
    # LangGraph tells of no end.
    assert draw(telemetry) == "invoke_agent weather"
    assert open_things() == 0


def test_what_a_run_is_given_is_copied(server: ProviderServer) -> None:
    def node(asked: str, config: RunnableConfig) -> str:
        for copied in (copy.copy, copy.deepcopy, lambda held: pickle.loads(pickle.dumps(held))):
            RunnableLambda(len, name="length").invoke(asked, copied(config))
        return asked

    telemetry = Telemetry().start(framework_steps=True)
    RunnableLambda(node, name="outer").invoke("How is it?")
    assert draw(telemetry) == tree("""
        invoke_workflow outer
          length
          length
          length
    """)


def test_what_a_tool_answers_of_its_failure_is_content(server: ProviderServer) -> None:
    @tool
    def find(city: str) -> str:
        """Find it."""
        raise ToolException(f"SECRET {city}")

    find.handle_tool_error = True
    for capture in ("NO_CONTENT", "SPAN_ONLY"):
        says(server, call("find", {"city": "Paris"}), SUNNY)
        telemetry = Telemetry().start(capture=capture)
        create_agent(chat_model(server), [find], name="weather").invoke(asks())
        failed = telemetry.span("execute_tool")
        assert (failed.attributes or {})["error.type"] == "tool_error"
        assert failed.status.description == (None if capture == "NO_CONTENT" else "SECRET Paris")
        telemetry.stop()


def test_a_stream_that_many_tasks_read(telemetry: Telemetry) -> None:
    model = FakeListChatModel(responses=["so it is"])

    async def main() -> None:
        pieces = model.astream("How is it?")
        with contextlib.suppress(StopAsyncIteration):
            while True:
                # As ``asyncio.wait_for()`` does before Python 3.12.
                await asyncio.get_running_loop().create_task(pieces.__anext__())

    asyncio.run(main())
    held = model.stream("How is it?")
    while contextvars.copy_context().run(next, held, None):
        pass
    assert draw(telemetry) == "chat\nchat"
