"""Searches in LangChain's stores beside other instrumentations: of the databases, of LangChain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_community")
pytest.importorskip("opentelemetry.instrumentation.chromadb")

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from tests.lineage.frameworks.drawing import draw
from tests.lineage.frameworks.letters import IDS, WORDS, documents, vector
from tests.telemetry import Telemetry

DATABASES = {
    "chromadb": "ChromaInstrumentor",
    "qdrant": "QdrantInstrumentor",
    "lancedb": "LanceInstrumentor",
}
INSIDE = {
    "chromadb": "chroma.query",
    "qdrant": "qdrant.query_points",
    "lancedb": "lancedb.search",
}
FRAMEWORK = {
    "openinference.instrumentation.langchain": "LangChainInstrumentor",
    "opentelemetry.instrumentation.langchain": "LangchainInstrumentor",
}


class Letters(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector(each) for each in texts]

    def embed_query(self, text: str) -> list[float]:
        return vector(text)


def _chroma(folder: Path) -> Any:
    from chromadb import EphemeralClient
    from langchain_chroma import Chroma

    return Chroma.from_documents(
        _shelf(), Letters(), client=EphemeralClient(), collection_name="letters"
    )


def _qdrant(folder: Path) -> Any:
    from langchain_qdrant import QdrantVectorStore

    return QdrantVectorStore.from_documents(
        _shelf(), Letters(), ids=list(IDS), location=":memory:", collection_name="letters"
    )


def _lancedb(folder: Path) -> Any:
    from langchain_community.vectorstores import LanceDB

    store = LanceDB(embedding=Letters(), uri=str(folder), table_name="letters")
    store.add_texts(list(WORDS), ids=list(IDS))
    return store


def _shelf() -> list[Document]:
    return [Document(word, id=id) for word, id in zip(WORDS, IDS, strict=True)]


MADE = {"chromadb": _chroma, "qdrant": _qdrant, "lancedb": _lancedb}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.stop()


@pytest.fixture
def instrumented(request: Any, telemetry: Telemetry) -> Iterator[Any]:
    module, name = request.param
    made = getattr(import_module(module), name)()
    made.instrument(tracer_provider=telemetry.tracer_provider, skip_dep_check=True)
    yield request.param
    made.uninstrument()


@pytest.mark.parametrize(
    "instrumented",
    [(f"opentelemetry.instrumentation.{module}", name) for module, name in DATABASES.items()],
    indirect=True,
    ids=DATABASES,
)
def test_what_the_database_does_is_inside(
    instrumented: Any, telemetry: Telemetry, tmp_path: Path
) -> None:
    database = instrumented[0].rpartition(".")[2]
    telemetry.start()
    store = MADE[database](tmp_path)
    telemetry.clear()
    store.similarity_search("bed", k=1)
    asyncio.run(store.as_retriever(search_kwargs={"k": 1}).ainvoke("bed"))
    one = f"retrieval letters\n  {INSIDE[database]}"
    assert draw(telemetry) == f"{one}\n{one}"
    for span in telemetry.spans("retrieval"):
        assert [each["content"] for each in documents(span)] == ["bed"]
        assert "score" in documents(span)[0]


@pytest.mark.parametrize(
    "instrumented", list(FRAMEWORK.items()), indirect=True, ids=list(FRAMEWORK)
)
def test_who_shows_langchain_shows_its_searches(
    instrumented: Any, telemetry: Telemetry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "otelier"):
        telemetry.start()
        store = _qdrant(tmp_path)
        assert len(store.similarity_search("bed", k=1)) == 1
        assert not telemetry.spans()
        store.as_retriever().invoke("bed")
    assert len(telemetry.spans()) == 1
    assert not telemetry.spans("retrieval")
