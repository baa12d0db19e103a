"""Searches in LangChain's vector stores: one retrieval each, with ids and scores."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import json
import pickle
import weakref
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest

pytest.importorskip("langchain_openai")
pytest.importorskip("langchain_community")
pytest.importorskip("langgraph")

from langchain_community.retrievers import BM25Retriever, TFIDFRetriever
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore
from langchain_openai import OpenAIEmbeddings

import otelier
from tests.lineage.frameworks.drawing import conversation, draw, tree
from tests.lineage.frameworks.langchain_programs import (
    asks,
    call,
    chat_model,
    create_agent,
    leaving_nothing,
    text,
    thinks,
)
from tests.lineage.frameworks.letters import (
    IDS,
    WORDS,
    documents,
    embeds,
    searches,
    told,
    vector,
)
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

_OLD: Final = version("langchain-core").startswith("0.2.")
# LangChain's retrievers have moved to a package of their own.
_CLASSIC: Final = "langchain" if _OLD else "langchain_classic"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield from leaving_nothing()


class Letters(Embeddings):
    """Embeddings that no provider makes."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector(each) for each in texts]

    def embed_query(self, text: str) -> list[float]:
        return vector(text)


# --- stores -------------------------------------------------------------------------------


def shelf() -> list[Document]:
    numbered = enumerate(zip(WORDS, IDS, strict=True), 1)
    return [Document(word, id=id, metadata={"n": number}) for number, (word, id) in numbered]


def _memory(embeddings: Any, folder: Path) -> Any:
    store = InMemoryVectorStore(embeddings)
    store.add_documents(shelf(), ids=list(IDS))
    return store


def _chroma(embeddings: Any, folder: Path) -> Any:
    module = pytest.importorskip("langchain_chroma")
    client = pytest.importorskip("chromadb").EphemeralClient()
    return module.Chroma.from_documents(
        shelf(), embeddings, ids=list(IDS), client=client, collection_name="letters"
    )


def _faiss(embeddings: Any, folder: Path) -> Any:
    pytest.importorskip("faiss")
    from langchain_community.vectorstores import FAISS

    return FAISS.from_documents(shelf(), embeddings, ids=list(IDS))


def _qdrant(embeddings: Any, folder: Path) -> Any:
    module = pytest.importorskip("langchain_qdrant")
    return module.QdrantVectorStore.from_documents(
        shelf(), embeddings, ids=list(IDS), location=":memory:", collection_name="letters"
    )


def _lancedb(embeddings: Any, folder: Path) -> Any:
    pytest.importorskip("lancedb")
    from langchain_community.vectorstores import LanceDB

    store = LanceDB(embedding=embeddings, uri=str(folder), table_name="letters")
    store.add_texts(list(WORDS), [each.metadata for each in shelf()], list(IDS))
    return store


# How it is made; the name of the span; how near "bed" and "head" are to "bed" for it.
STORES: Final[dict[str, tuple[Callable[[Any, Path], Any], str, list[float]]]] = {
    "memory": (_memory, "retrieval", [1.0, 0.656]),
    "chroma": (_chroma, "retrieval letters", [0.0, 3.0]),
    "faiss": (_faiss, "retrieval", [0.0, 3.0]),
    "qdrant": (_qdrant, "retrieval letters", [1.0, 0.656]),
    "lancedb": (_lancedb, "retrieval letters", [0.0, 3.0]),
}


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def filled(kind: str, folder: Path, embeddings: Any = None) -> Any:
    return STORES[kind][0](embeddings or Letters(), folder)


def near(span: Any) -> list[tuple[Any, Any]]:
    """The ids and the scores of what was found."""
    pairs = [(each.get("id"), each.get("score")) for each in documents(span)]
    return [(id, None if score is None else round(score, 3)) for id, score in pairs]


def ids(kind: str) -> tuple[Any, ...]:
    """The ids that documents have: earlier versions of this store keep them to themselves."""
    return (None, None, None) if _OLD and kind == "faiss" else IDS


def _awaited(result: Any) -> Any:
    async def main() -> Any:
        return await result()

    return asyncio.run(main())


# --- what a program calls -----------------------------------------------------------------

# By the text: functions, and how many documents they are asked for.
BY_TEXT: Final[dict[str, Callable[[Any], Any]]] = {
    "similarity_search": lambda store: store.similarity_search("bed", 2),
    "by_name": lambda store: store.similarity_search(query="bed", k=2),
    "with_score": lambda store: store.similarity_search_with_score("bed", k=2),
    "search": lambda store: store.search("bed", "similarity", k=2),
    "mmr": lambda store: store.max_marginal_relevance_search("bed", k=2),
    "asimilarity_search": lambda store: store.asimilarity_search("bed", k=2),
    "awith_score": lambda store: store.asimilarity_search_with_score("bed", k=2),
    "asearch": lambda store: store.asearch("bed", "similarity", k=2),
    "ammr": lambda store: store.amax_marginal_relevance_search("bed", k=2),
    "retriever": lambda store: store.as_retriever(search_kwargs={"k": 2}).invoke("bed"),
    "aretriever": lambda store: store.as_retriever(search_kwargs={"k": 2}).ainvoke("bed"),
    "mmr_retriever": lambda store: store.as_retriever(
        search_type="mmr", search_kwargs={"k": 2}
    ).invoke("bed"),
}


@pytest.mark.parametrize("how", BY_TEXT)
def test_each_search_is_one_retrieval(
    kind: str, how: str, telemetry: Telemetry, tmp_path: Path
) -> None:
    store = filled(kind, tmp_path)
    assert not telemetry.spans()
    try:
        result = BY_TEXT[how](store)
        if inspect.isawaitable(result):
            result = asyncio.run(_whole(result))
    except NotImplementedError:
        pytest.skip("not by this store")
    assert len(result) == 2
    name, scores = STORES[kind][1:]
    assert draw(telemetry) == name
    span = telemetry.span()
    assert told(span) == ("bed", 2)
    found = near(span)
    assert found[0] == (ids(kind)[1], scores[0])
    # What is both near and different is not the same for all.
    assert len(found) == 2 if "mmr" in how else found[1] == (ids(kind)[2], scores[1])
    first = documents(span)[0]
    assert first["content"] == "bed"
    assert first["metadata"]["n"] == 2


async def _whole(result: Any) -> Any:
    return await result


def test_a_search_by_a_vector_has_no_query(kind: str, telemetry: Telemetry, tmp_path: Path) -> None:
    store = filled(kind, tmp_path)
    store.similarity_search_by_vector(vector("bed"), k=2)
    asyncio.run(_whole(store.asimilarity_search_by_vector(vector("bed"), k=2)))
    name, scores = STORES[kind][1:]
    assert draw(telemetry) == f"{name}\n{name}"
    for span in telemetry.spans():
        assert told(span) == (None, 2)
        # Earlier versions of this one ask the database for documents alone.
        first, second = (None, None) if _OLD and kind == "qdrant" else scores
        assert near(span) == [(ids(kind)[1], first), (ids(kind)[2], second)]


@pytest.mark.parametrize("is_async", [False, True])
def test_scores_of_relevance_are_those_that_the_program_gets(
    kind: str, is_async: bool, telemetry: Telemetry, tmp_path: Path
) -> None:
    if kind == "memory":
        pytest.skip("this store has none")
    store = filled(kind, tmp_path)
    options = {"score_threshold": 0.01, "k": 1}
    retriever = store.as_retriever(search_type="similarity_score_threshold", search_kwargs=options)
    if is_async:
        given = asyncio.run(_whole(store.asimilarity_search_with_relevance_scores("bed", k=1)))
        asyncio.run(retriever.ainvoke("bed"))
    else:
        given = store.similarity_search_with_relevance_scores("bed", k=1)
        retriever.invoke("bed")
    name = STORES[kind][1]
    assert draw(telemetry) == f"{name}\n{name}"
    for span in telemetry.spans():
        assert told(span) == ("bed", 1)
        assert near(span) == [(ids(kind)[1], round(float(given[0][1]), 3))]


def test_how_many_are_wanted_where_the_program_does_not_say(
    kind: str, telemetry: Telemetry, tmp_path: Path
) -> None:
    store = filled(kind, tmp_path)
    store.similarity_search("bed")
    store.as_retriever().invoke("bed")
    # LanceDB's has a limit of its own, which it was told when it was made.
    expected = None if kind == "lancedb" else 4
    assert [told(span) for span in telemetry.spans()] == [("bed", expected)] * 2
    assert [len(documents(span)) for span in telemetry.spans()] == [3, 3]


def test_the_embedding_is_a_child_of_the_search(
    kind: str, server: ProviderServer, telemetry: Telemetry, tmp_path: Path
) -> None:
    embeds(server)
    url = f"{server.url}/v1"
    embeddings = OpenAIEmbeddings(
        model="letters", api_key="key", base_url=url, check_embedding_ctx_length=False
    )
    store = filled(kind, tmp_path, embeddings)
    telemetry.clear()

    async def main() -> None:
        await store.asimilarity_search("bed", k=2)
        await store.as_retriever().ainvoke("bed")

    store.similarity_search("bed", k=2)
    store.as_retriever().invoke("bed")
    asyncio.run(main())
    one = f"{STORES[kind][1]}\n  embeddings letters"
    assert draw(telemetry) == "\n".join([one] * 4)


# --- stores of the program's own ----------------------------------------------------------


class Counted(InMemoryVectorStore):
    """A store of the program's, which counts how often it is asked for what."""

    def __init__(self, embedding: Any) -> None:
        super().__init__(embedding)
        self.asked: list[tuple[str, Any]] = []
        self.add_documents(shelf(), ids=list(IDS))

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        self.asked.append(("similarity_search", (query, k, kwargs)))
        return super().similarity_search(query, k, **kwargs)

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Any:
        self.asked.append(("similarity_search_with_score", (query, k, kwargs)))
        return super().similarity_search_with_score(query, k, **kwargs)

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        self.asked.append(("asimilarity_search", (query, k, kwargs)))
        return await super().asimilarity_search(query, k, **kwargs)


def _asked() -> tuple[list[Any], list[Any]]:
    store = Counted(Letters())

    def scored(document: Document) -> bool:
        return True

    found: list[Any] = [
        store.similarity_search("bed"),
        store.similarity_search("bed", 1, filter=scored),
        store.similarity_search_with_score("bed", k=2),
        store.as_retriever().invoke("bed"),
        store.max_marginal_relevance_search("bed", k=1),
        asyncio.run(_whole(store.asimilarity_search("bed", k=1))),
        asyncio.run(store.as_retriever().ainvoke("bed")),
    ]
    asked = [(name, (query, k, sorted(rest))) for name, (query, k, rest) in store.asked]
    return found, asked


def test_a_store_is_asked_for_the_same_with_and_without_otelier(server: ProviderServer) -> None:
    before = _asked()
    running = Telemetry().start()
    during = _asked()
    running.stop()
    assert before == during == _asked()
    assert len(running.spans("retrieval")) == 7


def test_classes_that_are_defined_before_and_after(telemetry: Telemetry) -> None:
    class Later(Counted):
        def similarity_search_by_vector(self, *args: Any, **kwargs: Any) -> Any:
            return super().similarity_search_by_vector(*args, **kwargs)

    class Wide(Later, contextlib.AbstractContextManager[Any]):
        def __init_subclass__(cls, /, shade: str, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            cls.shade = shade

        def __exit__(self, *_: Any) -> None:
            return None

    class Widest(Wide, shade="red"):
        def similarity_search(self, query: str, k: int = 3, **kwargs: Any) -> Any:
            return super().similarity_search(query, k=k, **kwargs)

    store = Widest(Letters())
    assert Widest.shade == "red"  # type: ignore[attr-defined]
    Counted(Letters()).similarity_search("bed")
    store.similarity_search("bed")
    store.similarity_search_by_vector(vector("bed"))
    store.similarity_search_with_score("bed")
    assert draw(telemetry) == "\n".join(["retrieval"] * 4)
    assert [told(span)[1] for span in telemetry.spans()][:2] == [4, 3]
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        type("Bad", (Counted,), {}, colour="red")


def test_what_is_seen_of_a_class_stays(telemetry: Telemetry) -> None:
    class Later(Counted):
        """A store."""

        def similarity_search(self, query: str, k: int = 2, **kwargs: Any) -> list[Document]:
            """Searches."""
            return super().similarity_search(query, k, **kwargs)

    store = Later(Letters())
    assert isinstance(store, VectorStore)
    assert str(inspect.signature(store.similarity_search)).startswith("(query: ")
    assert str(inspect.signature(Later.similarity_search)).startswith("(self, query: ")
    assert store.similarity_search.__doc__ == "Searches."
    assert inspect.isfunction(Later.similarity_search)
    assert inspect.ismethod(store.similarity_search)
    assert inspect.iscoroutinefunction(store.asimilarity_search)
    assert not inspect.iscoroutinefunction(store.similarity_search)
    assert "Searches." in inspect.getsource(Later.similarity_search)
    assert Later.asimilarity_search == Counted.asimilarity_search
    assert not inspect.isabstract(Later)
    with pytest.raises(TypeError, match="abstract"):
        VectorStore()  # type: ignore[abstract]


def test_functions_of_stores_are_passed_on(telemetry: Telemetry) -> None:
    from unittest import mock

    store = Counted(Letters())
    assert RunnableLambda(store.similarity_search).invoke("bed")[0].id == IDS[1]
    lazily = RunnableLambda(store.asimilarity_search)
    assert asyncio.run(lazily.ainvoke("bed"))[0].id == IDS[1]
    used = tool(store.similarity_search)
    assert set(used.args) >= {"query", "k"}
    assert used.invoke({"query": "bed", "k": 1})[0].id == IDS[1]
    assert draw(telemetry) == tree("""
        invoke_workflow similarity_search
          retrieval
        invoke_workflow asimilarity_search
          retrieval
        execute_tool similarity_search
          retrieval
    """)
    with mock.patch.object(Counted, "similarity_search", autospec=True) as played:
        played.return_value = []
        assert store.similarity_search("bed", k=1) == []
        played.assert_called_once_with(store, "bed", k=1)
    assert store.similarity_search("bed", k=1)[0].id == IDS[1]


def test_stores_and_their_classes_are_pickled(telemetry: Telemetry) -> None:
    store = pickle.loads(pickle.dumps(Counted(Letters())))
    assert store.similarity_search("bed", k=1)[0].id == IDS[1]
    assert draw(telemetry) == "retrieval"
    search = pickle.loads(pickle.dumps(store.similarity_search))
    assert search("bed", k=1)[0].id == IDS[1]
    by_value = pytest.importorskip("cloudpickle")

    class Local(Counted):
        def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
            return Counted.similarity_search(self, query, k, **kwargs)

    again = pickle.loads(by_value.dumps(Local))
    assert again(Letters()).similarity_search("bed", k=1)[0].id == IDS[1]


def test_classes_are_not_kept(telemetry: Telemetry) -> None:
    class Once(Counted):
        def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
            return super().similarity_search(query, k, **kwargs)

    Once(Letters()).similarity_search("bed")
    telemetry.spans()
    held = weakref.ref(Once)
    del Once
    gc.collect()
    assert held() is None


def test_all_is_taken_back_and_comes_again(telemetry: Telemetry) -> None:
    def functions() -> list[Any]:
        return [vars(kind)["similarity_search"] for kind in (Counted, InMemoryVectorStore)]

    during = functions()
    held = Counted(Letters()).similarity_search
    telemetry.stop()
    assert "__init_subclass__" not in vars(VectorStore)
    before = functions()
    assert all(inspect.isfunction(each) and not hasattr(each, "__wrapped__") for each in before)
    assert [each.__wrapped__ for each in during] == before
    Counted(Letters()).similarity_search("bed")
    held("bed")
    assert not telemetry.spans()

    class Between(Counted):
        def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
            return list(shelf())

    telemetry.start()
    Counted(Letters()).similarity_search("bed")
    Between(Letters()).similarity_search("bed")
    assert draw(telemetry) == "retrieval\nretrieval"
    telemetry.stop()
    assert functions() == before


def test_functions_that_are_not_asynchronous_but_return_what_is(telemetry: Telemetry) -> None:
    class Late(Counted):
        def asimilarity_search(self, *args: Any, **kwargs: Any) -> Any:
            async def search() -> Any:
                with telemetry.tracer.start_as_current_span("SELECT"):
                    return self.similarity_search(*args, **kwargs)

            return search()

    found = asyncio.run(_whole(Late(Letters()).asimilarity_search("bed", k=1)))
    assert [each.id for each in found] == [IDS[1]]
    assert draw(telemetry) == "retrieval\n  SELECT"
    assert near(telemetry.span("retrieval")) == [(IDS[1], 1.0)]


# --- errors, ends -------------------------------------------------------------------------


def test_a_search_that_fails_or_is_cancelled(telemetry: Telemetry) -> None:
    class Broken(Counted):
        def similarity_search_with_score(self, *args: Any, **kwargs: Any) -> Any:
            raise OSError("gone")

        async def asimilarity_search(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(60)

    store = Broken(Letters())
    with pytest.raises(OSError, match="gone"):
        store.similarity_search("bed")
    with pytest.raises(OSError, match="gone"):
        store.as_retriever().invoke("bed")

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await store.asimilarity_search("bed")

    asyncio.run(main())
    with telemetry.tracer.start_as_current_span("after"):
        pass
    assert draw(telemetry) == tree("""
        retrieval !OSError
        retrieval !OSError
        retrieval
        after
    """)


def test_ten_users_in_one_loop(telemetry: Telemetry) -> None:
    store = Counted(Letters())

    async def user(number: int) -> None:
        with otelier.session(conversation_id=f"c{number}"), otelier.workflow(f"user {number}"):
            await store.asimilarity_search("bed", k=1)
            await asyncio.to_thread(store.similarity_search, "cab", k=1)
            await store.as_retriever().ainvoke("bed")

    async def main() -> None:
        await asyncio.gather(*(user(number) for number in range(10)))

    asyncio.run(main())
    expected = "\n".join(
        f"invoke_workflow user {n} [c{n}]" + f"\n  retrieval [c{n}]" * 3 for n in range(10)
    )
    assert draw(telemetry, conversation, ordered=False) == expected


def test_what_goes_on_after_a_search_is_not_in_it(telemetry: Telemetry) -> None:
    tasks = []

    class Eager(Counted):
        async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> Any:
            found = await super().asimilarity_search(query, k, **kwargs)
            tasks.append(asyncio.create_task(later()))
            return found

    async def later() -> None:
        await over.wait()
        Counted(Letters()).similarity_search("cab")

    async def main() -> None:
        await Eager(Letters()).asimilarity_search("bed")
        over.set()
        await asyncio.gather(*tasks)

    over = asyncio.Event()
    asyncio.run(main())
    assert draw(telemetry) == "retrieval\n  retrieval"


def test_without_content(telemetry: Telemetry) -> None:
    telemetry.stop()
    running = Telemetry().start(capture="NO_CONTENT")
    store = Counted(Letters())
    store.similarity_search("bed", k=2)
    store.as_retriever().invoke("bed")
    assert draw(running) == "retrieval\nretrieval"
    for span in running.spans():
        shown = json.dumps(dict(span.attributes or {}))
        assert not any(word in shown for word in (*WORDS, *IDS, "score"))
    assert told(running.spans()[0]) == (None, 2)
    running.stop()


def test_disabled(telemetry: Telemetry) -> None:
    telemetry.stop()
    running = Telemetry().start(disabled=["langchain"])

    class Later(Counted):
        pass

    Later(Letters()).similarity_search("bed")
    assert not running.spans()
    running.stop()


def test_suppressed(telemetry: Telemetry) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        assert len(Counted(Letters()).similarity_search("bed", k=1)) == 1
    assert not telemetry.spans()


# --- retrievers ---------------------------------------------------------------------------


def classic(name: str) -> Any:
    """One of LangChain's retrievers."""
    module, _, attribute = name.rpartition(".")
    return getattr(pytest.importorskip(f"{_CLASSIC}.{module}"), attribute)


RAG: Final = """
    invoke_workflow rag
      retrieval
        SELECT
      chat gpt-4o-mini
"""


def test_a_chain_of_search_prompt_and_model(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: text("A bed."))

    class Traced(Counted):
        def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Any:
            with telemetry.tracer.start_as_current_span("SELECT"):
                return super().similarity_search_with_score(query, k, **kwargs)

        async def asimilarity_search_with_score(self, *args: Any, **kwargs: Any) -> Any:
            with telemetry.tracer.start_as_current_span("SELECT"):
                return await super().asimilarity_search_with_score(*args, **kwargs)

    prompt = ChatPromptTemplate.from_template("Of {found} answer {question}.")
    retriever = Traced(Letters()).as_retriever(search_kwargs={"k": 1})
    chain = (
        {"found": retriever, "question": RunnablePassthrough()}
        | prompt
        | chat_model(server)
        | StrOutputParser()
    ).with_config(run_name="rag")
    thread: Any = {"metadata": {"thread_id": "t1"}}

    async def main() -> None:
        assert await chain.ainvoke("bed", thread) == "A bed."
        assert "".join([each async for each in chain.astream("bed", thread)]) == "A bed."

    assert chain.invoke("bed", thread) == "A bed."
    assert "".join(chain.stream("bed", thread)) == "A bed."
    asyncio.run(main())
    assert draw(telemetry) == "\n".join([tree(RAG)] * 4)
    for span in searches(telemetry):
        assert told(span) == ("bed", 1)
        assert near(span) == [(IDS[1], 1.0)]
        assert (span.attributes or {})["gen_ai.conversation.id"] == "t1"


@pytest.mark.parametrize("is_async", [False, True])
def test_an_agent_whose_tool_searches_a_store(
    is_async: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    store = Counted(Letters())

    @tool
    def find(words: str) -> str:
        """Finds what looks alike."""
        return store.similarity_search(words, k=1)[0].page_content

    @tool
    async def afind(words: str) -> str:
        """Finds what looks alike."""
        return (await store.asimilarity_search(words, k=1))[0].page_content

    used = afind if is_async else find
    thinks(
        server,
        lambda said: (
            text("A bed.") if said[-1]["role"] == "tool" else call(used.name, {"words": "bed"})
        ),
    )
    agent = create_agent(chat_model(server), [used], name="searcher")
    thread: Any = {"configurable": {"thread_id": "t1"}}
    if is_async:
        asyncio.run(agent.ainvoke(asks(), thread))
    else:
        agent.invoke(asks(), thread)
    drawn = draw(telemetry, conversation)
    kind = drawn.split(" ", 1)[0]
    assert drawn.partition("\n")[2] == "\n".join(
        (
            "  chat gpt-4o-mini [t1]",
            f"  execute_tool {used.name} [t1]",
            "    retrieval [t1]",
            "  chat gpt-4o-mini [t1]",
        )
    )
    # Earlier agents are graphs like any other.
    assert kind in ("invoke_agent", "invoke_workflow")
    assert near(telemetry.span("retrieval")) == [(IDS[1], 1.0)]


def test_a_tool_that_is_a_retriever(server: ProviderServer, telemetry: Telemetry) -> None:
    from langchain_core.tools import create_retriever_tool

    found = create_retriever_tool(Counted(Letters()).as_retriever(), "find", "Finds.")
    assert "bed" in found.invoke({"query": "bed"})
    assert draw(telemetry) == "execute_tool find\n  retrieval"
    assert near(telemetry.span("retrieval"))[0] == (IDS[1], 1.0)


def test_an_ensemble_has_its_members_inside(telemetry: Telemetry) -> None:
    texts = BM25Retriever.from_documents(shelf(), k=1)
    members = [texts, Counted(Letters()).as_retriever(search_kwargs={"k": 2})]
    ensemble = classic("retrievers.EnsembleRetriever")(retrievers=members, weights=[0.5, 0.5])
    ensemble.invoke("bed")
    asyncio.run(ensemble.ainvoke("bed"))
    one = "retrieval\n  retrieval\n  retrieval"
    assert draw(telemetry) == f"{one}\n{one}"
    for whole, by_words, by_vectors in (searches(telemetry)[:3], searches(telemetry)[3:]):
        assert {each["content"] for each in documents(whole)} == {"bed", "head"}
        assert [each["content"] for each in documents(by_words)] == ["bed"]
        assert "score" not in documents(by_words)[0]
        assert near(by_vectors) == [(IDS[1], 1.0), (IDS[2], 0.656)]


@pytest.mark.parametrize("kind_of", [BM25Retriever, TFIDFRetriever])
def test_searches_by_words(kind_of: Any, telemetry: Telemetry) -> None:
    retriever = kind_of.from_documents(shelf(), k=1)
    retriever.invoke("bed")
    asyncio.run(retriever.ainvoke("bed"))
    assert draw(telemetry) == "retrieval\nretrieval"
    for span in telemetry.spans():
        assert [each["content"] for each in documents(span)] == ["bed"]


def test_several_queries(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: text("cab\nhead"))
    several = classic("retrievers.multi_query.MultiQueryRetriever").from_llm(
        Counted(Letters()).as_retriever(search_kwargs={"k": 1}), chat_model(server)
    )
    several.invoke("bed")
    assert draw(telemetry) == tree("""
        retrieval
          chat gpt-4o-mini
          retrieval
          retrieval
    """)
    assert [told(span)[0] for span in searches(telemetry)] == ["bed", "cab", "head"]


def test_a_compressed_search_has_the_scores_of_who_ranked_last(telemetry: Telemetry) -> None:
    from langchain_core.documents import BaseDocumentCompressor

    class Ranks(BaseDocumentCompressor):
        def compress_documents(self, documents: Any, query: str, callbacks: Any = None) -> Any:
            for number, each in enumerate(documents):
                each.metadata["relevance_score"] = 0.9 - number
            return documents[:1]

    retriever = classic("retrievers.ContextualCompressionRetriever")(
        base_compressor=Ranks(), base_retriever=Counted(Letters()).as_retriever()
    )
    retriever.invoke("bed")
    assert draw(telemetry) == "retrieval\n  retrieval"
    assert near(searches(telemetry)[0]) == [(IDS[1], 0.9)]


def test_parents_of_what_is_found(telemetry: Telemetry) -> None:
    from langchain_core.stores import InMemoryStore

    parents: Any = InMemoryStore()
    store = InMemoryVectorStore(Letters())
    numbered = enumerate(WORDS)
    children = [Document(word, metadata={"doc_id": str(n // 2)}) for n, word in numbered]
    store.add_documents(children)
    parents.mset([("0", Document("cab and bed", id="p0")), ("1", Document("head", id="p1"))])
    retriever = classic("retrievers.multi_vector.MultiVectorRetriever")(
        vectorstore=store, docstore=parents, search_kwargs={"k": 1}
    )
    retriever.invoke("bed")
    asyncio.run(retriever.ainvoke("bed"))
    assert draw(telemetry) == "retrieval\nretrieval"
    for span in telemetry.spans():
        assert told(span) == ("bed", 1)
        assert [each["id"] for each in documents(span)] == ["p0"]


def test_a_model_that_writes_the_query(server: ProviderServer, telemetry: Telemetry) -> None:
    chroma = pytest.importorskip("langchain_chroma")
    client = pytest.importorskip("chromadb").EphemeralClient()
    pytest.importorskip("lark")
    from langchain_community.query_constructors.chroma import ChromaTranslator

    store = chroma.Chroma.from_documents(
        shelf(), Letters(), ids=list(IDS), client=client, collection_name="letters"
    )
    wanted = '```json\n{"query": "bed", "filter": "eq(\\"n\\", 2)"}\n```'
    thinks(server, lambda said: text(wanted))
    retriever = classic("retrievers.self_query.base.SelfQueryRetriever").from_llm(
        chat_model(server), store, "words", [], structured_query_translator=ChromaTranslator()
    )
    retriever.invoke("the second word like bed")
    assert draw(telemetry) == "retrieval letters\n  chat gpt-4o-mini"


def test_a_retriever_of_the_programs_own(telemetry: Telemetry) -> None:
    class Own(BaseRetriever):
        stores: list[Any]

        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            pairs = []
            for store in self.stores:
                pairs += store.similarity_search_with_score(query, k=1)
            return [document for document, _ in pairs]

    Own(stores=[Counted(Letters()), Counted(Letters())]).invoke("bed")
    assert draw(telemetry) == "retrieval"
    assert told(telemetry.span()) == ("bed", None)
    assert near(telemetry.span()) == [(IDS[1], 1.0)] * 2


def test_a_store_in_a_retrieval_of_the_programs(telemetry: Telemetry) -> None:
    @otelier.retrieval("library")
    def look_up(query: str) -> Any:
        return Counted(Letters()).similarity_search(query)

    look_up("bed")
    assert draw(telemetry) == "retrieval library\n  retrieval"


def test_a_name_that_was_made_up_is_none(telemetry: Telemetry) -> None:
    module = pytest.importorskip("langchain_qdrant")
    store = module.QdrantVectorStore.from_documents(shelf(), Letters(), location=":memory:")
    store.similarity_search("bed")
    assert draw(telemetry) == "retrieval"


def test_a_hybrid_search(telemetry: Telemetry) -> None:
    module = pytest.importorskip("langchain_qdrant")
    if not hasattr(module, "SparseEmbeddings"):
        pytest.skip("not in this version")
    from langchain_qdrant.sparse_embeddings import SparseVector

    class Sparse(module.SparseEmbeddings):  # type: ignore[misc]
        def embed_documents(self, texts: list[str]) -> list[Any]:
            return [self.embed_query(each) for each in texts]

        def embed_query(self, text: str) -> Any:
            letters = sorted({ord(letter) for letter in text})
            return SparseVector(indices=letters, values=[1.0] * len(letters))

    store = module.QdrantVectorStore.from_documents(
        shelf(),
        Letters(),
        sparse_embedding=Sparse(),
        retrieval_mode=module.RetrievalMode.HYBRID,
        ids=list(IDS),
        location=":memory:",
        collection_name="letters",
    )
    store.similarity_search("bed", k=2)
    store.as_retriever(search_kwargs={"k": 2}).invoke("bed")
    assert draw(telemetry) == "retrieval letters\nretrieval letters"
    for span in telemetry.spans():
        assert [id for id, _ in near(span)] == [IDS[1], IDS[2]]
        assert all(score for _, score in near(span))


def test_examples_that_are_chosen_by_a_store(telemetry: Telemetry) -> None:
    from langchain_core.example_selectors import SemanticSimilarityExampleSelector

    chosen = SemanticSimilarityExampleSelector(vectorstore=Counted(Letters()), k=1)
    chosen.select_examples({"input": "bed"})
    assert draw(telemetry) == "retrieval"
    assert near(telemetry.span()) == [(IDS[1], 1.0)]
