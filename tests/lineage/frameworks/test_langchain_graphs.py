"""Graphs, chains, searches and batches of LangChain's and LangGraph's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import pytest

pytest.importorskip("langchain_openai")
pytest.importorskip("langgraph")

from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough
from langgraph.graph import END, START, MessagesState, StateGraph

import otelier
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tree
from tests.lineage.frameworks.langchain_programs import (
    asks,
    call,
    chat_model,
    create_agent,
    leaving_nothing,
    says,
    text,
    thinks,
)
from tests.servers import Gate, Hang, ProviderServer
from tests.telemetry import Telemetry


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield from leaving_nothing()


class Shelf(BaseRetriever):
    """Finds a document, by embeddings if it has a client of them."""

    tracer: Any = None
    embed: Any = None

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        with self.tracer.start_as_current_span("SELECT"):
            pass
        if self.embed is not None:
            self.embed.embed_query(query)
        return [Document("a book", id="d1", metadata={"score": 0.5, "source": "shelf"})]

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        with self.tracer.start_as_current_span("SELECT"):
            await asyncio.sleep(0)
        return [Document("a book", id="d1")]


class State(TypedDict):
    question: str
    said: str


def support(server: ProviderServer, telemetry: Telemetry, name: str | None = "support") -> Any:
    """A graph of three nodes: a model, a search, a model."""
    model, shelf = chat_model(server), Shelf(tracer=telemetry.tracer)

    def sort(state: State) -> Any:
        return {"said": model.invoke(state["question"]).content}

    def search(state: State) -> Any:
        shelf.invoke(state["question"])
        return {"said": ""}

    def answer(state: State) -> Any:
        return {"said": (model | StrOutputParser()).invoke(state["question"])}

    graph = StateGraph(State)
    for node in (sort, search, answer):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "sort")
    graph.add_edge("sort", "search")
    graph.add_edge("search", "answer")
    graph.add_edge("answer", END)
    made = graph.compile()
    if name:
        made.name = name
    return made


SUPPORT = """
    invoke_workflow support
      chat gpt-4o-mini
      retrieval
        SELECT
      chat gpt-4o-mini
"""


def test_a_graph(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, text("hm"), text("42"))
    support(server, telemetry).invoke({"question": "why?"})
    assert draw(telemetry) == tree(SUPPORT)
    held = telemetry.span("invoke_workflow").attributes or {}
    assert held["gen_ai.workflow.name"] == "support"
    assert held["gen_ai.usage.input_tokens"] == 24
    found = telemetry.span("retrieval").attributes or {}
    assert found["gen_ai.retrieval.query.text"] == "why?"
    assert json.loads(found["gen_ai.retrieval.documents"]) == [
        {
            "id": "d1",
            "content": "a book",
            "score": 0.5,
            "metadata": {"score": 0.5, "source": "shelf"},
        }
    ]


def test_a_graph_without_a_name(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, text("hm"), text("42"))
    list(support(server, telemetry, None).stream({"question": "why?"}))
    assert draw(telemetry) == tree(SUPPORT.replace(" support", ""))


def test_inner_steps(server: ProviderServer) -> None:
    telemetry = Telemetry().start(framework_steps=True)
    says(server, text("hm"), text("42"))
    support(server, telemetry).invoke({"question": "why?"})
    hidden = ("ChannelWrite", "_write")
    drawn = draw(telemetry, leave_out=lambda span: span.name.startswith(hidden))
    assert drawn == tree("""
        invoke_workflow support
          sort
            chat gpt-4o-mini
          search
            retrieval
              SELECT
          answer
            RunnableSequence
              chat gpt-4o-mini
              StrOutputParser
    """)


def chain(server: ProviderServer) -> Any:
    return ChatPromptTemplate.from_template("Say {word}") | chat_model(server) | StrOutputParser()


def test_a_chain(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, text("so"))
    assert chain(server).invoke({"word": "so"}, {"run_name": "qa"}) == "so"
    says(server, text("so"))
    chain(server).invoke({"word": "so"})
    assert draw(telemetry) == tree("""
        invoke_workflow qa
          chat gpt-4o-mini
        invoke_workflow
          chat gpt-4o-mini
    """)
    qa = telemetry.spans("invoke_workflow")[0].attributes or {}
    assert "so" in str(qa)


def test_a_streamed_chain(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: text("so it is"))

    async def areader() -> None:
        async for _ in chain(server).astream({"word": "so"}, {"run_name": "aqa"}):
            with telemetry.tracer.start_as_current_span("reader") as mine:
                assert mine.parent is None

    for _ in chain(server).stream({"word": "so"}, {"run_name": "qa"}):
        with telemetry.tracer.start_as_current_span("reader") as mine:
            assert mine.parent is None
    asyncio.run(areader())
    assert draw(telemetry, leave_out=lambda span: span.name == "reader") == tree("""
        invoke_workflow qa
          chat gpt-4o-mini
        invoke_workflow aqa
          chat gpt-4o-mini
    """)
    held = telemetry.spans("invoke_workflow")[0].attributes or {}
    (answer,) = json.loads(held["gen_ai.output.messages"])
    assert answer["parts"][0]["content"] == "so it is"
    assert "so" in str(held.get("gen_ai.input.messages")) or "so" in str(held)


def test_a_model_alone_is_a_model_call(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, text("a"), text("b"))
    model = chat_model(server)
    model.invoke("hi")
    model.invoke("hi", {"metadata": {"thread_id": "t3"}})
    ChatPromptTemplate.from_template("Say {word}").invoke({"word": "x"})
    assert draw(telemetry, conversation) == "chat gpt-4o-mini\nchat gpt-4o-mini [t3]"


@pytest.mark.parametrize("kind", ["batch", "abatch"])
def test_a_batch_of_twenty(server: ProviderServer, telemetry: Telemetry, kind: str) -> None:
    thinks(server, lambda said: text(said[-1]["content"]))
    inputs = [{"word": str(n)} for n in range(20)]
    made = chain(server)
    config = {"run_name": "qa", "max_concurrency": 5}
    if kind == "batch":
        results = made.batch(inputs, config)
    else:
        results = asyncio.run(made.abatch(inputs, config))
    assert results == [f"Say {n}" for n in range(20)]
    one = tree("""
        invoke_workflow qa
          chat gpt-4o-mini
    """)
    assert draw(telemetry) == "\n".join([one] * 20)
    by_id = {span.context.span_id: span for span in telemetry.spans()}
    for span in model_calls(telemetry):
        above = by_id[span.parent.span_id]
        said = json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"]
        told = json.loads(above.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"]
        assert said == told


def test_a_batch_in_a_step_of_the_program(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: text("x"))
    made = RunnablePassthrough() | RunnableLambda(lambda words: chain(server).batch(words))
    with otelier.workflow("mine"):
        made.invoke([{"word": "1"}, {"word": "2"}], {"run_name": "both"})
    assert draw(telemetry) == tree("""
        invoke_workflow mine
          invoke_workflow both
            chat gpt-4o-mini
            chat gpt-4o-mini
    """)


def test_a_search_in_a_batch(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: text("x"))
    shelf = Shelf(tracer=telemetry.tracer)
    made = RunnableParallel(found=shelf, asked=RunnablePassthrough()) | RunnableLambda(
        lambda both: both["asked"]
    )
    (made | chat_model(server)).batch(["a", "b"], {"run_name": "rag"})
    one = tree("""
        invoke_workflow rag
          chat gpt-4o-mini
          retrieval
            SELECT
    """)
    assert draw(telemetry, ordered=False) == one + "\n" + one


def test_searches(server: ProviderServer, telemetry: Telemetry) -> None:
    from langchain_openai import OpenAIEmbeddings

    embed = OpenAIEmbeddings(
        api_key="key", base_url=f"{server.url}/v1", check_embedding_ctx_length=False
    )
    shelf = Shelf(tracer=telemetry.tracer, embed=embed)
    shelf.invoke("why?")
    asyncio.run(shelf.ainvoke("why?"))
    lines = draw(telemetry).splitlines()
    assert lines[0] == "retrieval"
    assert lines[1:3] == ["  SELECT", "  embeddings text-embedding-ada-002"]
    assert lines[3:] == ["retrieval", "  SELECT"]


def test_a_search_that_is_cancelled_or_fails(telemetry: Telemetry) -> None:
    class Slow(Shelf):
        async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> Any:
            await asyncio.sleep(60)

        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> Any:
            raise OSError("gone")

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await Slow().ainvoke("why?")
        with telemetry.tracer.start_as_current_span("after"):
            pass

    asyncio.run(main())
    with pytest.raises(OSError, match="gone"):
        Slow().invoke("why?")
    with telemetry.tracer.start_as_current_span("after"):
        pass
    assert draw(telemetry) == "retrieval\nafter\nretrieval !OSError\nafter"


def test_the_programs_own_spans_and_steps_in_nodes(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    thinks(server, lambda said: text("x"))

    def node(state: MessagesState) -> Any:
        with telemetry.tracer.start_as_current_span("own"):
            chain(server).invoke({"word": "a"})
            with otelier.step("mine"):
                chain(server).batch([{"word": "a"}])
        return {"messages": []}

    async def anode(state: MessagesState) -> Any:
        with telemetry.tracer.start_as_current_span("own"):
            await chain(server).ainvoke({"word": "a"})
        return {"messages": []}

    graph = StateGraph(MessagesState)
    graph.add_node("node", RunnableLambda(node, anode))
    graph.add_edge(START, "node")
    made = graph.compile()
    made.invoke({"messages": []})
    asyncio.run(made.ainvoke({"messages": []}))
    assert draw(telemetry) == tree("""
        invoke_workflow
          own
            chat gpt-4o-mini
            mine
              chat gpt-4o-mini
        invoke_workflow
          own
            chat gpt-4o-mini
    """)


def test_agents_in_a_graph(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, text("first"), text("second"))
    graph = StateGraph(MessagesState)
    for name in ("one", "two"):
        graph.add_node(name, create_agent(chat_model(server), [], name=name))
    graph.add_edge(START, "one")
    graph.add_edge("one", "two")
    made = graph.compile()
    made.name = "team"
    made.invoke(asks(), {"configurable": {"thread_id": "t4"}})
    assert draw(telemetry, conversation) == tree("""
        invoke_workflow team [t4]
          invoke_agent one [t4]
            chat gpt-4o-mini [t4]
          invoke_agent two [t4]
            chat gpt-4o-mini [t4]
    """)


def test_a_graph_that_is_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    gate = Gate()
    server.script(Hang(gate))
    model = chat_model(server)

    async def node(state: MessagesState) -> Any:
        return {"messages": await model.ainvoke(state["messages"])}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    made = graph.compile()

    async def main() -> None:
        task = asyncio.create_task(made.ainvoke(asks()))
        await asyncio.to_thread(server.wait_requests)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gate.open()
    assert draw(telemetry) == "invoke_workflow\n  chat gpt-4o-mini"


PROCESS = """
    import sys
    from typing import Any
    from tests.telemetry import Telemetry
    from tests.lineage.frameworks.drawing import conversation, draw
    from tests.lineage.frameworks.langchain_programs import asks, chat_model, create_agent

    class Server:
        url = sys.argv[1]

    telemetry = Telemetry().start()
    from langchain_core.tools import tool
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.types import Command, interrupt

    @tool
    def pay(amount: int) -> str:
        "Pay."
        with telemetry.tracer.start_as_current_span("bank"):
            return "paid" if interrupt("may I?") == "yes" else "not paid"

    with SqliteSaver.from_conn_string(sys.argv[2]) as saver:
        agent = create_agent(chat_model(Server), [pay], name="payer", checkpointer=saver)
        told: Any = asks("Pay 3.") if sys.argv[3] == "ask" else Command(resume="yes")
        agent.invoke(told, {"configurable": {"thread_id": "t5"}})
    print(draw(telemetry, conversation))
"""


def test_a_thread_is_resumed_in_another_process(server: ProviderServer, tmp_path: Path) -> None:
    pytest.importorskip("langgraph.checkpoint.sqlite")
    try:
        from langgraph.types import interrupt  # noqa: F401
    except ImportError:
        pytest.skip("interrupt() is of LangGraph 0.2.57")
    says(server, call("pay", {"amount": 3}), text("Paid."))

    def process(word: str) -> str:
        command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PROCESS)]
        arguments = [server.url, str(tmp_path / "threads.sqlite"), word]
        run = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    assert process("ask") == tree("""
        invoke_agent payer [t5]
          chat gpt-4o-mini [t5]
          execute_tool pay [t5]
            bank !error [t5]
    """)
    assert process("resume") == tree("""
        invoke_agent payer [t5]
          execute_tool pay [t5]
            bank [t5]
          chat gpt-4o-mini [t5]
    """)


def test_an_interrupt_is_no_error(server: ProviderServer, telemetry: Telemetry) -> None:
    from langgraph.checkpoint.memory import MemorySaver

    says(server, call("get_weather", {"city": "Paris"}), text("Sunny."))

    from langchain_core.tools import tool

    @tool
    def get_weather(city: str) -> str:
        """The weather."""
        return "sunny"

    agent = create_agent(
        chat_model(server),
        [get_weather],
        name="careful",
        checkpointer=MemorySaver(),
        interrupt_before=["tools"],
    )
    config = {"configurable": {"thread_id": "t6"}}
    agent.invoke(asks(), config)
    agent.invoke(None, config)
    assert draw(telemetry, conversation) == tree("""
        invoke_agent careful [t6]
          chat gpt-4o-mini [t6]
        invoke_agent careful [t6]
          execute_tool get_weather [t6]
          chat gpt-4o-mini [t6]
    """)


def test_a_chain_with_a_state_of_messages(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, text("so"))
    model = chat_model(server)
    made = RunnableLambda(lambda state: {"messages": [*state["messages"], model.invoke("x")]})
    made.invoke({"messages": [AIMessage("before"), ("user", "hi")]}, {"run_name": "talk"})
    held = telemetry.span("invoke_workflow").attributes or {}
    assert [each["role"] for each in json.loads(held["gen_ai.input.messages"])] == [
        "assistant",
        "user",
    ]
    (answer,) = json.loads(held["gen_ai.output.messages"])
    assert answer["parts"] == [{"type": "text", "content": "so"}]


def test_functions_as_a_graph(server: ProviderServer, telemetry: Telemetry) -> None:
    func = pytest.importorskip("langgraph.func")
    says(server, text("a"), text("b"))
    model = chat_model(server)

    @func.task
    def ask(words: str) -> str:
        return str(model.invoke(words).content)

    @func.entrypoint()
    def poem(topic: str) -> str:
        first = ask(topic).result()
        return first + ask(first).result()

    try:
        assert poem.invoke("otters") == "ab"
    except TypeError:
        pytest.skip("the functional API was made for asyncio first")
    assert draw(telemetry) == tree("""
        invoke_workflow
          chat gpt-4o-mini
          chat gpt-4o-mini
    """)


def test_what_is_passed_on_is_not_looked_into(telemetry: Telemetry) -> None:
    class Touchy(dict[str, Any]):
        def _refuse(self, *args: Any) -> Any:
            raise SystemError

        get = keys = items = __getitem__ = __len__ = __iter__ = __eq__ = __ne__ = _refuse

    pieces = iter("ab")
    assert RunnableLambda(lambda given: pieces).invoke(Touchy(a=1)) is pieces
    assert list(pieces) == ["a", "b"]
    assert draw(telemetry) == "invoke_workflow"


def test_a_search_of_vectors(telemetry: Telemetry) -> None:
    from langchain_core.vectorstores import VectorStore

    class Store(VectorStore):
        def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
            return [Document(word) for word in "abcdef"[:k]]

        @classmethod
        def from_texts(cls, *args: Any, **kwargs: Any) -> Any:
            return cls()

    assert len(Store().as_retriever(search_kwargs={"k": 2}).invoke("a")) == 2
    held = telemetry.span("retrieval").attributes or {}
    assert held["gen_ai.retrieval.top_k"] == 2
    assert len(json.loads(held["gen_ai.retrieval.documents"])) == 2
