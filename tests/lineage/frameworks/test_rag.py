"""Research and answer by LangGraph and by LlamaIndex: a library asks models quietly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, TypedDict

import pytest

pytest.importorskip("langgraph")
pytest.importorskip("llama_index.core")
pytest.importorskip("cohere")

from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, StateGraph
from llama_index.core import QueryBundle
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever as LlamaRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.tools import QueryEngineTool

import otelier
from tests.lineage.frameworks.drawing import conversation, draw, tree
from tests.lineage.frameworks.llama_index_parts import memory, model
from tests.lineage.handbook import REWRITE, AsyncHandbook, Handbook, found, serve
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

QUESTION = "How many holidays do I have?"
CALLS = ("chat", "embeddings", "rerank")


@pytest.fixture(autouse=True)
def handbook(server: ProviderServer) -> Iterator[None]:
    serve(server)
    yield


def shown_all(telemetry: Telemetry, server: ProviderServer) -> bool:
    """Whether each request has its span, and none has two."""
    calls = [span for span in telemetry.spans() if span.name.split()[0] in CALLS]
    return len(calls) == len(server.requests)


# --- LangGraph -----------------------------------------------------------------------------------


class Shelf(BaseRetriever):
    """The handbook as LangChain has it."""

    book: Any
    abook: Any

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return _documents(self.book.find(query))

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return _documents(await self.abook.find(query))


def _documents(pages: list[tuple[str, str, float]]) -> list[Document]:
    return [Document(text, id=id, metadata={"score": score}) for id, text, score in pages]


class State(TypedDict, total=False):
    question: str
    pages: str
    answer: str


def graph(server: ProviderServer, *, is_async: bool) -> Any:
    shelf = Shelf(book=Handbook(server.url), abook=AsyncHandbook(server.url))
    llm = ChatOpenAI(
        model="gpt-4o",
        api_key="k",  # type: ignore[arg-type]
        base_url=server.url + "/v1",
        max_retries=0,
    )

    @tool
    def look_up(question: str) -> str:
        """Looks into the handbook."""
        return "\n".join(each.page_content for each in shelf.invoke(question))

    @tool("look_up")
    async def alook_up(question: str) -> str:
        """Looks into the handbook."""
        return "\n".join(each.page_content for each in await shelf.ainvoke(question))

    answerer = create_agent(llm, [alook_up if is_async else look_up], name="answerer")

    def asked(state: State) -> Any:
        return {"messages": [{"role": "user", "content": state["question"] + state["pages"]}]}

    def search(state: State) -> State:
        return {"pages": str(shelf.invoke(state["question"]))}

    def answer(state: State) -> State:
        return {"answer": str(answerer.invoke(asked(state))["messages"][-1].content)}

    async def asearch(state: State) -> State:
        return {"pages": str(await shelf.ainvoke(state["question"]))}

    async def aanswer(state: State) -> State:
        return {"answer": str((await answerer.ainvoke(asked(state)))["messages"][-1].content)}

    made = StateGraph(State)
    made.add_node("search", asearch if is_async else search)
    made.add_node("answer", aanswer if is_async else answer)
    made.add_edge(START, "search")
    made.add_edge("search", "answer")
    return made.compile(name="research-and-answer")


@pytest.mark.parametrize("how", ["sync", "async", "stream"])
def test_by_langgraph(telemetry: Telemetry, server: ProviderServer, how: str) -> None:
    research = graph(server, is_async=how == "async")
    asked: Any = {"question": QUESTION}
    thread: Any = {"configurable": {"thread_id": "c1"}}
    if how == "sync":
        state = research.invoke(asked, thread)
    elif how == "async":
        state = asyncio.run(research.ainvoke(asked, thread))
    else:
        *_, state = research.stream(asked, thread, stream_mode="values")
    assert state["answer"] == "Thirty days."
    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow research-and-answer [c1]
          retrieval [c1]
            chat gpt-4o-mini [c1]
            embeddings text-embedding-3-small [c1]
            rerank rerank-v3.5 [c1]
          invoke_agent answerer [c1]
            chat gpt-4o [c1]
            execute_tool look_up [c1]
              retrieval [c1]
                chat gpt-4o-mini [c1]
                embeddings text-embedding-3-small [c1]
                rerank rerank-v3.5 [c1]
            chat gpt-4o [c1]
        """
    )
    assert shown_all(telemetry, server)
    first, second = telemetry.spans("retrieval")
    assert [id for id, _ in found(first)] == [id for id, _ in found(second)] == ["p3", "p1"]
    hidden = next(span for span in telemetry.spans() if span.name == "chat gpt-4o-mini")
    assert REWRITE + QUESTION in str((hidden.attributes or {})["gen_ai.input.messages"])


def test_of_langgraph_what_is_asked_quietly_is_counted(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    graph(server, is_async=False).invoke({"question": QUESTION})
    (whole,) = telemetry.spans("invoke_workflow")
    chats = [span.attributes or {} for span in telemetry.spans("chat")]
    assert len(chats) == 4
    said = whole.attributes or {}
    counted = sum(each["gen_ai.usage.output_tokens"] for each in chats)  # type: ignore[misc]
    assert said["gen_ai.usage.output_tokens"] == counted


# --- LlamaIndex ----------------------------------------------------------------------------------


class LlamaShelf(LlamaRetriever):
    """The handbook as LlamaIndex has it: a rewriter and a vector, quietly."""

    def __init__(self, book: Handbook, abook: AsyncHandbook) -> None:
        self.book = book
        self.abook = abook
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(self.book.find(query_bundle.query_str))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(await self.abook.find(query_bundle.query_str))


def _nodes(pages: list[tuple[str, str, float]]) -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(text=text, id_=id), score=score) for id, text, score in pages
    ]


class Reorders(BaseNodePostprocessor):
    """Asks once more for an order of what was found."""

    book: Any

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return _nodes(self.book.ordered("holidays", [node.node.node_id for node in nodes]))


def engine(server: ProviderServer, *, reorders: bool = False) -> Any:
    book = Handbook(server.url)
    return RetrieverQueryEngine.from_args(
        LlamaShelf(book, AsyncHandbook(server.url)),
        llm=model(server),
        node_postprocessors=[Reorders(book=book)] if reorders else [],
    )


@pytest.mark.parametrize("how", ["sync", "async"])
def test_by_a_query_engine(telemetry: Telemetry, server: ProviderServer, how: str) -> None:
    asks = engine(server)
    with otelier.session(conversation_id="c1"):
        answer = asks.query(QUESTION) if how == "sync" else asyncio.run(asks.aquery(QUESTION))
    assert str(answer) == "Thirty days."
    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow [c1]
          retrieval [c1]
            chat gpt-4o-mini [c1]
            embeddings text-embedding-3-small [c1]
            rerank rerank-v3.5 [c1]
          chat gpt-4o [c1]
        """
    )
    assert shown_all(telemetry, server)
    (searched,) = telemetry.spans("retrieval")
    assert found(searched) == [("p3", 0.98), ("p1", 0.02)]


def test_an_order_that_is_asked_for_after_the_search(
    telemetry: Telemetry, server: ProviderServer
) -> None:
    engine(server, reorders=True).query(QUESTION)
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          retrieval
            chat gpt-4o-mini
            embeddings text-embedding-3-small
            rerank rerank-v3.5
          rerank rerank-v3.5
          chat gpt-4o
        """
    )
    assert shown_all(telemetry, server)


def test_by_an_agent_of_llama_index(telemetry: Telemetry, server: ProviderServer) -> None:
    looks = QueryEngineTool.from_defaults(
        engine(server), name="look_up", description="Looks into the handbook."
    )
    answerer = FunctionAgent(name="answerer", description="d", tools=[looks], llm=model(server))

    @otelier.workflow("research-and-answer")
    async def research(question: str) -> str:
        pages = await AsyncHandbook(server.url).find(question)
        asked = f"{question} {pages}"
        return str(await answerer.run(user_msg=asked, memory=memory("c1")))

    assert asyncio.run(research(QUESTION)) == "Thirty days."
    assert draw(telemetry, conversation) == tree(
        """
        invoke_workflow research-and-answer
          chat gpt-4o-mini
          embeddings text-embedding-3-small
          rerank rerank-v3.5
          invoke_agent answerer [c1]
            chat gpt-4o [c1]
            execute_tool look_up [c1]
              invoke_workflow [c1]
                retrieval [c1]
                  chat gpt-4o-mini [c1]
                  embeddings text-embedding-3-small [c1]
                  rerank rerank-v3.5 [c1]
                chat gpt-4o [c1]
            chat gpt-4o [c1]
        """
    )
    assert shown_all(telemetry, server)
