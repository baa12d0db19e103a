"""Searches in LlamaIndex' vector stores: one retrieval each, with ids and scores."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import json
import pickle
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

pytest.importorskip("llama_index.core")
pytest.importorskip("llama_index.embeddings.openai")
pytest.importorskip("llama_index.vector_stores.chroma")

from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.retrievers import QueryFusionRetriever, RouterRetriever
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.tools import FunctionTool, RetrieverTool
from llama_index.core.vector_stores import SimpleVectorStore, VectorStoreQuery
from llama_index.core.vector_stores.types import BasePydanticVectorStore, VectorStoreQueryResult
from llama_index.embeddings.openai import OpenAIEmbedding

import otelier
from tests.lineage.frameworks.drawing import conversation, draw, tree
from tests.lineage.frameworks.letters import (
    IDS,
    WORDS,
    documents,
    embeds,
    told,
    vector,
)
from tests.lineage.frameworks.llama_index_parts import ask, model, uses
from tests.servers import ProviderServer
from tests.servers.openai_wire import chat_message
from tests.telemetry import Telemetry


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    yield
    from otelier.frameworks.llama_index import seen

    assert not len(seen.runs)


class Letters(BaseEmbedding):
    """Embeddings that no provider makes."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return vector(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return vector(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return vector(query)


# --- stores -------------------------------------------------------------------------------


def shelf() -> list[Any]:
    numbered = enumerate(zip(WORDS, IDS, strict=True), 1)
    return [
        TextNode(text=word, id_=id, metadata={"n": number}, embedding=vector(word))
        for number, (word, id) in numbered
    ]


def _simple(folder: Path) -> Any:
    return SimpleVectorStore()


def _chroma(folder: Path) -> Any:
    from llama_index.vector_stores.chroma import ChromaVectorStore

    client = pytest.importorskip("chromadb").EphemeralClient()
    with contextlib.suppress(Exception):
        client.delete_collection("letters")
    return ChromaVectorStore(chroma_collection=client.create_collection("letters"))


def _faiss(folder: Path) -> Any:
    module = pytest.importorskip("llama_index.vector_stores.faiss")
    return module.FaissVectorStore(faiss_index=pytest.importorskip("faiss").IndexFlatL2(8))


def _qdrant(folder: Path) -> Any:
    module = pytest.importorskip("llama_index.vector_stores.qdrant")
    clients = pytest.importorskip("qdrant_client")
    return module.QdrantVectorStore(
        "letters",
        client=clients.QdrantClient(":memory:"),
        aclient=clients.AsyncQdrantClient(":memory:"),
    )


def _lancedb(folder: Path) -> Any:
    module = pytest.importorskip("llama_index.vector_stores.lancedb")
    return module.LanceDBVectorStore(uri=str(folder), table_name="letters")


# How it is made; the name of the span; how near "bed" and "head" are to "bed" for it.
STORES: Final[dict[str, tuple[Callable[[Path], Any], str, list[float]]]] = {
    "simple": (_simple, "retrieval", [1.0, 0.656]),
    "chroma": (_chroma, "retrieval letters", [1.0, 0.05]),
    "faiss": (_faiss, "retrieval", [0.0, 3.0]),
    "qdrant": (_qdrant, "retrieval letters", [1.0, 0.656]),
    "lancedb": (_lancedb, "retrieval letters", [1.0, 0.05]),
}
# They know ids and vectors; texts are the index'.
NO_TEXTS: Final = ("simple", "faiss")


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def filled(kind: str, folder: Path, embeddings: Any = None) -> Any:
    """An index over the store."""
    store = STORES[kind][0](folder)
    if kind == "qdrant":
        # Each client has a memory of its own.
        asyncio.run(store.async_add(shelf()))
        store._collection_initialized = False
    return VectorStoreIndex(
        shelf(),
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=embeddings or Letters(),
    )


def query(words: str = "bed", most: int = 2) -> Any:
    return VectorStoreQuery(query_embedding=vector(words), query_str=words, similarity_top_k=most)


def near(span: Any) -> list[tuple[Any, Any]]:
    """The ids and the scores of what was found."""
    return [(each["id"], round(each["score"], 3)) for each in documents(span)]


async def _whole(result: Any) -> Any:
    return await result


@pytest.mark.parametrize("is_async", [False, True])
def test_a_store_that_is_asked_without_a_retriever(
    kind: str, is_async: bool, telemetry: Telemetry, tmp_path: Path
) -> None:
    store = filled(kind, tmp_path).vector_store
    assert not telemetry.spans()
    found = asyncio.run(_whole(store.aquery(query()))) if is_async else store.query(query())
    assert len(found.ids) == 2
    name, scores = STORES[kind][1:]
    assert draw(telemetry) == name
    span = telemetry.span()
    assert told(span) == ("bed", 2)
    # FAISS' are places in its index.
    ids = ("1", "2") if kind == "faiss" else IDS[1:]
    assert near(span) == [(ids[0], scores[0]), (ids[1], scores[1])]
    if kind not in NO_TEXTS:
        first = documents(span)[0]
        assert first["content"] == "bed"
        assert first["metadata"]["n"] == 2


@pytest.mark.parametrize("is_async", [False, True])
def test_a_retriever(kind: str, is_async: bool, telemetry: Telemetry, tmp_path: Path) -> None:
    retriever = filled(kind, tmp_path).as_retriever(similarity_top_k=2)
    if is_async:
        asyncio.run(retriever.aretrieve("bed"))
    else:
        retriever.retrieve("bed")
    name, scores = STORES[kind][1:]
    assert draw(telemetry) == name
    span = telemetry.span()
    assert told(span) == ("bed", 2)
    assert near(span) == [(IDS[1], scores[0]), (IDS[2], scores[1])]
    first = documents(span)[0]
    assert first["content"] == "bed"
    assert first["metadata"]["n"] == 2


def test_a_query_engine(
    kind: str, server: ProviderServer, telemetry: Telemetry, tmp_path: Path
) -> None:
    embeds(server)
    url = f"{server.url}/v1"
    embeddings = OpenAIEmbedding(api_key="k", api_base=url, max_retries=0, reuse_client=False)
    made = filled(kind, tmp_path, embeddings)
    telemetry.clear()
    engine = made.as_query_engine(llm=model(server, lambda body: chat_message("A bed.")))
    assert str(engine.query("bed")) == "A bed."
    assert draw(telemetry) == tree(f"""
        invoke_workflow
          {STORES[kind][1]}
            embeddings text-embedding-ada-002
          chat gpt-4o
    """)


def test_what_is_asked_for_by_name_and_without_a_text(
    kind: str, telemetry: Telemetry, tmp_path: Path
) -> None:
    store = filled(kind, tmp_path).vector_store
    store.query(query=query())
    with contextlib.suppress(Exception):
        store.query(VectorStoreQuery(query_embedding=vector("bed"), mode="mmr"))
    one, other = telemetry.spans()
    assert told(one) == ("bed", 2)
    assert told(other)[0] is None


# --- retrievers ---------------------------------------------------------------------------


def _over(store: Any = None) -> Any:
    context = StorageContext.from_defaults(vector_store=store or Counted())
    return VectorStoreIndex(shelf(), storage_context=context, embed_model=Letters())


class Counted(SimpleVectorStore):
    """A store of the program's, which counts how often it is asked for what."""

    def query(self, query: Any, **kwargs: Any) -> Any:
        ASKED.append((query.query_str, query.similarity_top_k, sorted(kwargs)))
        return super().query(query, **kwargs)


ASKED: list[Any] = []


def _asked() -> tuple[list[Any], list[Any]]:
    ASKED.clear()
    made = _over()
    retriever = made.as_retriever(similarity_top_k=1)
    found = [
        made.vector_store.query(query()).ids,
        asyncio.run(_whole(made.vector_store.aquery(query()))).ids,
        [each.node.node_id for each in retriever.retrieve("bed")],
        [each.node.node_id for each in asyncio.run(_whole(retriever.aretrieve("bed")))],
    ]
    return found, list(ASKED)


def test_a_store_is_asked_for_the_same_with_and_without_otelier(server: ProviderServer) -> None:
    before = _asked()
    running = Telemetry().start()
    during = _asked()
    running.stop()
    assert before == during == _asked()
    assert draw(running) == "\n".join(["retrieval"] * 4)


@pytest.mark.parametrize("shown", [False, True])
def test_retrievers_that_ask_retrievers(
    shown: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    telemetry.stop()
    running = Telemetry().start(framework_steps=shown)
    llm = model(server, lambda body: chat_message("cab\nhead"))
    made = _over()
    # Others that are made in a retriever are a part of it, and so is the store.
    fusion = QueryFusionRetriever(
        [made.as_retriever(similarity_top_k=1)], llm=llm, num_queries=1, use_async=False
    )
    fusion.retrieve("bed")
    inner = "\n  VectorIndexRetriever" if shown else ""
    assert draw(running) == f"retrieval{inner}"
    assert near(running.span("retrieval"))[0][0] == IDS[1]
    running.stop()


def test_a_router(server: ProviderServer, telemetry: Telemetry) -> None:
    from llama_index.core.selectors import LLMSingleSelector

    choice = '[{"choice": 1, "reason": "x"}]'
    llm = model(server, lambda body: chat_message(choice))
    tools = [
        RetrieverTool.from_defaults(_over().as_retriever(similarity_top_k=1), description="words")
    ]
    selector = LLMSingleSelector.from_defaults(llm=llm)
    RouterRetriever(selector=selector, retriever_tools=tools, llm=llm).retrieve("bed")
    assert draw(telemetry) == "retrieval\n  chat gpt-4o"
    assert near(telemetry.span("retrieval")) == [(IDS[1], 1.0)]


def test_parents_take_the_place_of_what_is_found(telemetry: Telemetry) -> None:
    from llama_index.core.retrievers import AutoMergingRetriever

    whole = TextNode(text="bed and head", id_="whole")
    children = shelf()[1:]
    for each in children:
        each.relationships[NodeRelationship.PARENT] = RelatedNodeInfo(node_id="whole")
    whole.relationships[NodeRelationship.CHILD] = [
        RelatedNodeInfo(node_id=each.node_id) for each in children
    ]
    context = StorageContext.from_defaults()
    context.docstore.add_documents([whole, *children])
    made = VectorStoreIndex(children, storage_context=context, embed_model=Letters())
    AutoMergingRetriever(made.as_retriever(similarity_top_k=2), context).retrieve("bed")
    assert draw(telemetry) == "retrieval"
    assert [each["id"] for each in documents(telemetry.span())] == ["whole"]


def test_a_search_by_words(telemetry: Telemetry) -> None:
    module = pytest.importorskip("llama_index.retrievers.bm25")
    retriever = module.BM25Retriever.from_defaults(nodes=shelf(), similarity_top_k=1)
    telemetry.clear()
    retriever.retrieve("bed")
    assert draw(telemetry) == "retrieval"
    assert told(telemetry.span()) == ("bed", 1)
    ((id, score),) = near(telemetry.span())
    assert id == IDS[1]
    assert score > 0


def test_a_hybrid_search(telemetry: Telemetry) -> None:
    module = pytest.importorskip("llama_index.vector_stores.qdrant")
    client = pytest.importorskip("qdrant_client").QdrantClient(":memory:")

    def letters(texts: list[str]) -> Any:
        found = [sorted({ord(letter) for letter in text}) for text in texts]
        return found, [[1.0] * len(each) for each in found]

    store = module.QdrantVectorStore(
        "letters",
        client=client,
        enable_hybrid=True,
        sparse_doc_fn=letters,
        sparse_query_fn=letters,
    )
    retriever = _over(store).as_retriever(
        vector_store_query_mode="hybrid", similarity_top_k=2, sparse_top_k=3
    )
    retriever.retrieve("bed")
    assert draw(telemetry) == "retrieval letters"
    assert {id for id, _ in near(telemetry.span())} == {IDS[1], IDS[2]}


def test_an_agent_whose_tool_searches_a_store(server: ProviderServer, telemetry: Telemetry) -> None:
    workflows = pytest.importorskip("llama_index.core.agent.workflow")
    store = _over().vector_store
    llm = model(server, uses("find", {"words": "bed"}))

    def find(words: str) -> str:
        """Finds what looks alike."""
        return str(store.query(query(words)).ids[0])

    agent = workflows.FunctionAgent(
        name="searcher", tools=[FunctionTool.from_defaults(find)], llm=llm
    )
    with otelier.session(conversation_id="t1"):
        ask(agent)
    assert draw(telemetry, conversation) == tree("""
        invoke_agent searcher [t1]
          chat gpt-4o [t1]
          execute_tool find [t1]
            retrieval [t1]
          chat gpt-4o [t1]
    """)
    assert near(telemetry.span("retrieval"))[0] == (IDS[1], 1.0)


# --- classes ------------------------------------------------------------------------------


def test_classes_that_are_defined_before_and_after(telemetry: Telemetry) -> None:
    class Later(Counted):
        stores_text: bool = True

        def query(self, query: Any, **kwargs: Any) -> Any:
            """Searches."""
            with telemetry.tracer.start_as_current_span("SELECT"):
                return super().query(query, **kwargs)

        async def aquery(self, query: Any, **kwargs: Any) -> Any:
            return self.query(query, **kwargs)

    store = Later()
    store.add(shelf())
    store.query(query())
    asyncio.run(_whole(store.aquery(query())))
    Counted().query(query())
    one = "retrieval\n  SELECT"
    assert draw(telemetry) == f"{one}\n{one}\nretrieval"
    assert isinstance(store, BasePydanticVectorStore)
    assert str(inspect.signature(store.query)).startswith("(query: ")
    assert store.query.__doc__ == "Searches."
    assert inspect.iscoroutinefunction(store.aquery)
    assert not inspect.iscoroutinefunction(store.query)
    assert inspect.ismethod(store.query)


def test_stores_are_pickled_and_classes_not_kept(telemetry: Telemetry) -> None:
    store = Counted()
    store.add(shelf())
    again = pickle.loads(pickle.dumps(store))
    search = pickle.loads(pickle.dumps(again.query))
    assert search(query()).ids[0] == IDS[1]
    assert draw(telemetry) == "retrieval"

    class Once(Counted):
        def query(self, query: Any, **kwargs: Any) -> Any:
            return super().query(query, **kwargs)

    Once().query(query())
    telemetry.spans()
    held = weakref.ref(Once)
    del Once
    gc.collect()
    assert held() is None


def test_all_is_taken_back_and_comes_again(telemetry: Telemetry) -> None:
    held = Counted().query
    telemetry.stop()
    assert "__init_subclass__" not in vars(BasePydanticVectorStore)
    for kind in (Counted, SimpleVectorStore):
        assert inspect.isfunction(vars(kind)["query"])
        assert not hasattr(vars(kind)["query"], "__wrapped__")
    Counted().query(query())
    held(query())
    assert not telemetry.spans()
    telemetry.start()
    Counted().query(query())
    assert draw(telemetry) == "retrieval"


def test_a_search_that_fails_or_is_cancelled(telemetry: Telemetry) -> None:
    class Broken(Counted):
        def query(self, query: Any, **kwargs: Any) -> Any:
            raise OSError("gone")

        async def aquery(self, query: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(60)

    with pytest.raises(OSError, match="gone"):
        Broken().query(query())

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await Broken().aquery(query())

    asyncio.run(main())
    with telemetry.tracer.start_as_current_span("after"):
        pass
    assert draw(telemetry) == "retrieval !OSError\nretrieval\nafter"


def test_what_a_store_may_answer(telemetry: Telemetry) -> None:
    class Odd(Counted):
        def query(self, query: Any, **kwargs: Any) -> Any:
            return next(answers)

    answers = iter(
        (
            VectorStoreQueryResult(ids=["a", "b"]),
            VectorStoreQueryResult(nodes=shelf()[:1], similarities=[0.5, 0.25], ids=["a"]),
            VectorStoreQueryResult(),
            None,
        )
    )
    store = Odd()
    for _ in range(4):
        store.query(query())
    held = [(span.attributes or {}).get("gen_ai.retrieval.documents") for span in telemetry.spans()]
    found = [json.loads(str(each)) if each else None for each in held]
    assert found[0] == [{"id": "a"}, {"id": "b"}]
    assert found[1] == [{"id": IDS[0], "content": "cab", "metadata": {"n": 1}}]


def test_ten_users_in_one_loop(telemetry: Telemetry) -> None:
    made = _over()
    retriever = made.as_retriever(similarity_top_k=1)

    async def user(number: int) -> None:
        with otelier.session(conversation_id=f"c{number}"), otelier.workflow(f"user {number}"):
            await made.vector_store.aquery(query())
            await asyncio.to_thread(made.vector_store.query, query())
            await retriever.aretrieve("bed")

    async def main() -> None:
        await asyncio.gather(*(user(number) for number in range(10)))

    asyncio.run(main())
    expected = "\n".join(
        f"invoke_workflow user {n} [c{n}]" + f"\n  retrieval [c{n}]" * 3 for n in range(10)
    )
    assert draw(telemetry, conversation, ordered=False) == expected


def test_without_content_and_disabled(telemetry: Telemetry) -> None:
    telemetry.stop()
    running = Telemetry().start(capture="NO_CONTENT")
    made = _over()
    made.vector_store.query(query())
    made.as_retriever().retrieve("bed")
    assert draw(running) == "retrieval\nretrieval"
    for span in running.spans():
        shown = json.dumps(dict(span.attributes or {}))
        assert not any(word in shown for word in (*WORDS, *IDS, "score"))
    running.stop()
    running = Telemetry().start(disabled=["llama_index"])
    made.vector_store.query(query())
    assert not running.spans()
    running.stop()
