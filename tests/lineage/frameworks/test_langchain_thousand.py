"""A thousand runs of one LangGraph graph at once: no span lost, no parent wrong."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import pytest

pytest.importorskip("langgraph")

import openai
from langchain.agents import create_agent
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.graph import START, StateGraph

import otelier
from tests.lineage import thousand
from tests.lineage.frameworks.drawing import tree
from tests.lineage.thousand import MANY

KINDS = ("whole", "streams", "early", "refused", "cancelled")
# What langchain-openai makes of it.
REFUSED = "langchain_openai.chat_models.base.OpenAIRateLimitError"
WHOLE = tree(
    """
    invoke_workflow research
      retrieval
        embeddings text-embedding-3-small
      invoke_agent lead
        chat gpt-4o
        execute_tool look
          invoke_agent expert
            chat gpt-4o-mini
        chat gpt-4o
    """
)
TREES = {
    "whole": WHOLE,
    "streams": WHOLE,
    # The last answer is left after its first piece.
    "early": WHOLE,
    "refused": tree(
        f"""
        invoke_workflow research !{REFUSED}
          retrieval
            embeddings text-embedding-3-small
          invoke_agent lead !{REFUSED}
            chat gpt-4o
            execute_tool look !{REFUSED}
              invoke_agent expert !{REFUSED}
                chat gpt-refused !openai.RateLimitError
        """
    ),
    "cancelled": tree(
        """
        invoke_workflow research
          retrieval
            embeddings text-embedding-3-small
          invoke_agent lead
            chat gpt-4o
            execute_tool look
              invoke_agent expert
                chat gpt-endless
        """
    ),
}


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


class State(TypedDict, total=False):
    question: str
    found: str
    messages: list[Any]


class Library(BaseRetriever):
    """A search of the program's own."""

    embeddings: Any

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        await self.embeddings.aembed_query(query)
        token = query.split()[0]
        return [Document(f"{token} is a document.", id=f"d-{token}")]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        raise NotImplementedError


class Hears(AsyncCallbackHandler):
    """Tells that all pieces have come that there are: what ends with them swallows who is gone."""

    def __init__(self, gone: asyncio.Event) -> None:
        self.gone = gone
        self.said = ""

    async def on_llm_new_token(self, token: str, **_: Any) -> None:
        self.said += token
        if self.said.endswith("."):
            self.gone.set()


class Program:
    """One graph, which all requests share."""

    def __init__(self, url: str) -> None:
        given: dict[str, Any] = {
            "base_url": url + "/v1",
            "api_key": "k",
            "max_retries": 0,
            "timeout": 100,
        }
        mini, refused = (ChatOpenAI(model=name, **given) for name in ("gpt-4o-mini", "gpt-refused"))
        endless = ChatOpenAI(model="gpt-endless", streaming=True, stream_usage=True, **given)
        below = {"refused": refused, "cancelled": endless}
        experts = {kind: create_agent(below.get(kind, mini), [], name="expert") for kind in KINDS}
        library = Library(
            embeddings=OpenAIEmbeddings(
                model="text-embedding-3-small", check_embedding_ctx_length=False, **given
            )
        )

        @tool
        async def look(token: str) -> str:
            """Looks something up."""
            expert = experts[kind_of(int(token[1:]))]
            asked: Any = {"messages": [{"role": "user", "content": f"{token} is asked."}]}
            return str((await expert.ainvoke(asked))["messages"][-1].content)

        lead = create_agent(
            ChatOpenAI(model="gpt-4o", stream_usage=True, **given), [look], name="lead"
        )

        async def search(state: State) -> State:
            found = await library.ainvoke(state["question"])
            return {"found": found[0].page_content}

        async def answer(state: State) -> State:
            asked: Any = {"messages": [{"role": "user", "content": state["question"]}]}
            return {"messages": (await lead.ainvoke(asked))["messages"]}

        graph = StateGraph(State)
        graph.add_node("search", search)
        graph.add_node("answer", answer)
        graph.add_edge(START, "search")
        graph.add_edge("search", "answer")
        self.graph = graph.compile(name="research")

    async def answer(self, number: int, gone: asyncio.Event) -> str:
        """One request, as its user gets it."""
        kind = kind_of(number)
        asked: Any = {"question": f"t{number} is asked."}
        config: Any = {"configurable": {"thread_id": f"conversation-{number}"}}
        with otelier.session(user_id=f"user-{number}", session_id=f"session-{number}"):
            if kind in ("whole", "refused", "cancelled"):
                config["callbacks"] = [Hears(gone)]
                return str((await self.graph.ainvoke(asked, config))["messages"][-1].content)
            said = ""
            pieces = self.graph.astream(asked, config, stream_mode="messages", subgraphs=True)
            async for _, (piece, about) in pieces:
                if piece.type != "AIMessageChunk" or not piece.content:
                    continue
                if about["ls_model_name"] == "gpt-4o":
                    said += piece.content
                    if kind == "early":
                        await pieces.aclose()
                        break
            return said

    async def one(self, number: int) -> str:
        """One request, as a server handles it."""
        gone = asyncio.Event()
        if kind_of(number) == "cancelled":
            return await thousand.until_gone(self.answer(number, gone), gone)
        return await asyncio.create_task(self.answer(number, gone))


@pytest.mark.timeout(300)
def test_a_thousand_runs_of_a_graph() -> None:
    with thousand.running() as run:

        async def main() -> list[Any]:
            program = Program(run.server.url)
            return await asyncio.gather(*map(program.one, range(MANY)), return_exceptions=True)

        answers = asyncio.run(main())
        for number, answer in enumerate(answers):
            kind = kind_of(number)
            if kind == "refused":
                assert isinstance(answer, openai.RateLimitError)
                assert f"t{number} is too much." in str(answer)
            elif kind == "cancelled":
                assert type(answer) is asyncio.CancelledError
            elif kind == "early":
                assert f"t{number} is the answer.".startswith(answer)
            else:
                assert answer == f"t{number} is the answer."
        del answers, answer
        counted = thousand.check(run.telemetry, lambda number: TREES[kind_of(number)])
        assert counted == sum(len(TREES[kind_of(number)].splitlines()) for number in range(MANY))
