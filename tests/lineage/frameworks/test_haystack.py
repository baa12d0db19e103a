"""Haystack's pipelines: programs as people write them, and the trees that they would draw."""

import asyncio
import copy
import gc
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.lineage.frameworks.haystack_offline import HAYSTACK

pytest.importorskip(HAYSTACK)

from haystack import Document, Pipeline, component
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.components.routers import ConditionalRouter
from haystack.dataclasses import ChatMessage
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier import under_way
from otelier.hooks.patching import Patches
from tests.lineage.frameworks import haystack_parts as parts
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.lineage.frameworks.haystack_parts import (
    AsyncPipeline,
    Numbers,
    Parrot,
    Teller,
    Upper,
    model,
    question,
    rag,
    says,
    store,
)
from tests.servers import Gate, Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

asynchronous = pytest.mark.skipif(parts.VERSION < (2, 10), reason="pipelines are synchronous here")

# What a component of the program's own is given is known since then.
own = pytest.mark.skipif(parts.VERSION < (2, 14), reason="nothing is around a component here")


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    yield
    gc.collect()
    assert not under_way.anything()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


RAG = tree(
    """
    invoke_workflow
      retrieval
      chat gpt-4o
    """
)


def test_search_and_answer(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, says("In Norway."))
    answer = rag(llm).run(question())
    assert "In Norway." in str(answer["llm"]["replies"])
    assert draw(telemetry, tokens) == tree(
        """
        invoke_workflow 12+9
          retrieval
          chat gpt-4o 12+9
        """
    )
    search = attributes(telemetry.span("retrieval"))
    assert search["gen_ai.retrieval.query.text"] == "Where is Oslo?"
    assert search["gen_ai.retrieval.top_k"] == 1
    (found,) = json.loads(search["gen_ai.retrieval.documents"])
    assert found.pop("score") > 0
    assert found == {"id": "n1", "content": "Oslo is in Norway.", "metadata": {"page": 1}}
    whole = attributes(telemetry.span("invoke_workflow"))
    assert "gen_ai.workflow.name" not in whole
    assert json.loads(whole["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Where is Oslo?"}]}
    ]
    (said,) = json.loads(whole["gen_ai.output.messages"])
    assert said["parts"] == [{"type": "text", "content": "In Norway."}]


def test_its_name_is_what_the_program_calls_it(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    class Capitals(Pipeline):  # type: ignore[misc]
        """The program's own."""

    rag(model(server, says("In Norway.")), Capitals).run(question())
    assert draw(telemetry).startswith("invoke_workflow Capitals\n")
    telemetry.clear()
    rag(model(server, says("In Norway.")), metadata={"name": "capitals"}).run(question())
    assert draw(telemetry).startswith("invoke_workflow capitals\n")
    telemetry.span("invoke_workflow")


@asynchronous
def test_asynchronous(server: ProviderServer, telemetry: Telemetry) -> None:
    made = rag(model(server, says("In Norway.")), AsyncPipeline)
    asyncio.run(made.run_async(question()))
    assert draw(telemetry) == RAG
    said = attributes(telemetry.span("invoke_workflow"))["gen_ai.output.messages"]
    assert "In Norway." in said


@asynchronous
def test_an_asynchronous_one_in_a_synchronous_program(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    rag(model(server, says("In Norway.")), AsyncPipeline).run(question())
    assert draw(telemetry) == RAG


@asynchronous
def test_step_by_step(server: ProviderServer, telemetry: Telemetry) -> None:
    made = rag(model(server, says("In Norway.")), AsyncPipeline)

    async def main() -> list[str]:
        found = []
        async for partial in made.run_async_generator(question(), {"retriever"}):
            # The reader's own work is not the pipeline's.
            with telemetry.tracer.start_as_current_span("mine"):
                found += list(partial)
        return found

    assert "llm" in asyncio.run(main())
    assert draw(telemetry, leave_out=lambda span: span.name == "mine") == RAG
    assert all(span.parent is None for span in telemetry.spans("mine"))
    said = attributes(telemetry.span("invoke_workflow"))["gen_ai.output.messages"]
    assert "In Norway." in said


@asynchronous
def test_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    made = rag(model(server, says("In Norway.")), AsyncPipeline)

    async def main() -> None:
        steps = made.run_async_generator(question(), {"retriever"})
        async for _ in steps:
            break
        await steps.aclose()

    asyncio.run(main())
    assert draw(telemetry) == "invoke_workflow\n  retrieval"
    assert attributes(telemetry.span("invoke_workflow"))["otelier.stream.end"] == "closed"


@asynchronous
def test_never_read(server: ProviderServer, telemetry: Telemetry) -> None:
    made = rag(model(server), AsyncPipeline)
    made.run_async_generator(question())
    assert draw(telemetry) == "invoke_workflow"
    assert attributes(telemetry.span())["otelier.stream.end"] == "abandoned"


@asynchronous
def test_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    gate = Gate(hold_after=0)
    server.route("/chat/completions", Sse(chat_chunks(chat_message("In Norway.")), gate=gate))
    made = rag(model(server), AsyncPipeline)

    async def main() -> None:
        task = asyncio.ensure_future(made.run_async(question()))
        await asyncio.to_thread(server.wait_requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gate.open()
    assert draw(telemetry) == RAG
    assert attributes(telemetry.span("invoke_workflow"))["otelier.stream.end"] == "cancelled"


def test_a_streamed_answer(server: ProviderServer, telemetry: Telemetry) -> None:
    chunks: list[str] = []
    llm = model(
        server,
        says("In Norway."),
        streaming_callback=lambda chunk: chunks.append(chunk.content),
    )
    rag(llm).run(question())
    assert "".join(chunks) == "In Norway."
    assert draw(telemetry) == RAG


@pytest.mark.skipif(not hasattr(Pipeline, "stream"), reason="streams are by callbacks here")
@pytest.mark.parametrize("early", [False, True])
def test_a_pipeline_that_is_read(server: ProviderServer, telemetry: Telemetry, early: bool) -> None:
    made = rag(model(server, says("In Norway.")))

    async def main() -> str:
        handle = made.stream(question())
        found = ""
        async for chunk in handle:
            with telemetry.tracer.start_as_current_span("mine"):
                found += chunk.content
            if early and found:
                break
        await handle.aclose()
        return found

    found = asyncio.run(main())
    assert found and (early or found == "In Norway.")
    assert draw(telemetry, leave_out=lambda span: span.name == "mine") == RAG
    assert all(span.parent is None for span in telemetry.spans("mine"))


@own
def test_a_search_by_an_embedding_knows_its_text(telemetry: Telemetry) -> None:
    made = Pipeline()
    made.add_component("embedder", Numbers())
    made.add_component("retriever", InMemoryEmbeddingRetriever(store(), top_k=2))
    made.connect("embedder.embedding", "retriever.query_embedding")
    made.run({"embedder": {"text": "Oslo, please"}})
    assert draw(telemetry) == "invoke_workflow\n  retrieval"
    search = attributes(telemetry.span("retrieval"))
    assert search["gen_ai.retrieval.query.text"] == "Oslo, please"
    assert [each["id"] for each in json.loads(search["gen_ai.retrieval.documents"])] == ["n1", "n3"]
    # Outside of a pipeline nobody knows.
    telemetry.clear()
    InMemoryEmbeddingRetriever(store()).run(query_embedding=[1.0, 0.0])
    assert draw(telemetry) == "retrieval"
    assert "gen_ai.retrieval.query.text" not in attributes(telemetry.span())


@own
def test_a_search_of_ones_own(server: ProviderServer, telemetry: Telemetry) -> None:
    @component
    class AtlasRetriever:
        @component.output_types(documents=list[Document])
        def run(self, query: str, top_k: int = 3) -> dict[str, Any]:
            with telemetry.tracer.start_as_current_span("look"):
                return {"documents": [Document(id="a1", content="Oslo: 59 N")]}

    rag(model(server, says("In Norway.")), retriever=AtlasRetriever()).run(question())
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          retrieval
            look
          chat gpt-4o
        """
    )
    search = attributes(telemetry.span("retrieval"))
    assert search["gen_ai.retrieval.query.text"] == "Where is Oslo?"
    assert json.loads(search["gen_ai.retrieval.documents"]) == [
        {"id": "a1", "content": "Oslo: 59 N"}
    ]
    # A class of the program's stays as it is written.
    assert type(AtlasRetriever.__dict__["run"]).__name__ == "function"


@own
def test_a_search_of_ones_own_by_one_of_haystacks(telemetry: Telemetry) -> None:
    @component
    class Louder(InMemoryBM25Retriever):  # type: ignore[misc]
        @component.output_types(documents=list[Document])
        def run(self, query: str) -> dict[str, Any]:
            return InMemoryBM25Retriever.run(self, query=query.upper())

        @component.output_types(documents=list[Document])
        async def run_async(self, query: str) -> dict[str, Any]:
            raise NotImplementedError

    made = Pipeline()
    made.add_component("retriever", Louder(store()))
    made.run({"retriever": {"query": "oslo"}})
    assert draw(telemetry) == "invoke_workflow\n  retrieval"
    assert attributes(telemetry.span("retrieval"))["gen_ai.retrieval.query.text"] == "oslo"


def test_a_search_by_itself(telemetry: Telemetry) -> None:
    InMemoryBM25Retriever(store()).run("Oslo", top_k=2)
    assert draw(telemetry) == "retrieval"
    search = attributes(telemetry.span())
    assert search["gen_ai.retrieval.query.text"] == "Oslo"
    assert search["gen_ai.retrieval.top_k"] == 2
    assert search["gen_ai.operation.name"] == "retrieval"


@pytest.mark.parametrize("inner", [False, True])
def test_searches_of_a_search(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, inner: bool
) -> None:
    several = pytest.importorskip("haystack.components.retrievers")
    if not hasattr(several, "MultiQueryTextRetriever"):
        pytest.skip("no such retriever here")
    telemetry.stop()
    if inner:
        monkeypatch.setenv("OTELIER_FRAMEWORK_STEPS", "all")
    telemetry.start()
    retriever = several.MultiQueryTextRetriever(retriever=InMemoryBM25Retriever(store()))
    retriever.run(queries=["Oslo", "Rome"])
    plain = "retrieval\n  InMemoryBM25Retriever\n  InMemoryBM25Retriever"
    assert draw(telemetry) == (plain if inner else "retrieval")
    whole = attributes(telemetry.span("retrieval"))
    assert whole["gen_ai.retrieval.query.text"] == "Oslo\nRome"


@own
def test_a_model_of_ones_own(telemetry: Telemetry) -> None:
    made = rag(Parrot("In Norway."))
    made.run(question())
    assert draw(telemetry, tokens) == tree(
        """
        invoke_workflow 3+2
          retrieval
          chat parrot-1 3+2
        """
    )
    asked = attributes(telemetry.span("chat"))
    assert "Where is Oslo?" in asked["gen_ai.input.messages"]
    assert "In Norway." in asked["gen_ai.output.messages"]


def test_a_model_of_ones_own_that_asks_an_sdk(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server, says("In Norway."))

    @component
    class Polite:
        @component.output_types(replies=list[ChatMessage])
        def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
            return llm.run(messages=messages)  # type: ignore[no-any-return]

    rag(Polite()).run(question())
    assert draw(telemetry) == RAG


@own
def test_a_model_of_ones_own_that_goes_on_with_a_text(telemetry: Telemetry) -> None:
    made = Pipeline()
    made.add_component("teller", Teller())
    made.run({"teller": {"prompt": "Tell me.", "generation_kwargs": {"temperature": 0.5}}})
    assert draw(telemetry) == "invoke_workflow\n  chat"
    told = attributes(telemetry.span("chat"))
    assert told["gen_ai.request.temperature"] == 0.5
    assert told["gen_ai.response.model"] == "teller-2"
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert told["gen_ai.usage.input_tokens"] == 4
    assert "gen_ai.usage.output_tokens" not in told
    assert "gen_ai.provider.name" not in told
    assert "Tell me." in told["gen_ai.input.messages"]
    assert "Once upon a time." in told["gen_ai.output.messages"]


@pytest.mark.parametrize("run", ["run", "run_async"])
def test_a_model_of_haystacks_own(telemetry: Telemetry, run: str) -> None:
    """One that no SDK carries, as local ones are; also without a pipeline."""
    mocks = pytest.importorskip("haystack.components.generators.chat.mock")
    answer = getattr(mocks.MockChatGenerator("In Norway."), run)([ChatMessage.from_user("Oslo?")])
    if run == "run_async":
        asyncio.run(answer)
    assert draw(telemetry) == "chat mock-model"
    told = attributes(telemetry.span())
    assert "Oslo?" in told["gen_ai.input.messages"]
    assert "In Norway." in told["gen_ai.output.messages"]


@own
def test_a_model_of_ones_own_that_fails(telemetry: Telemetry) -> None:
    with pytest.raises(Exception, match="no voice"):
        rag(Parrot(ConnectionError("no voice"))).run(question())
    assert draw(telemetry) == tree(
        """
        invoke_workflow !ConnectionError
          retrieval
          chat parrot-1 !ConnectionError
        """
    )


def test_a_model_that_another_stands_in_for(server: ProviderServer, telemetry: Telemetry) -> None:
    chat = pytest.importorskip("haystack.components.generators.chat")
    if not hasattr(chat, "FallbackChatGenerator"):
        pytest.skip("no such generator here")
    server.route("/chat/completions", Json({"error": {"message": "busy"}}, status=500))
    first = model(server)
    both = chat.FallbackChatGenerator(chat_generators=[first, Parrot("In Norway.")])
    rag(both).run(question())
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          retrieval
          chat gpt-4o !openai.InternalServerError
          chat parrot-1
        """
    )


def steps_of_a_failure(telemetry: Telemetry) -> Exception:
    made = Pipeline()
    made.add_component("first", Upper())
    made.add_component("second", Upper())
    made.connect("first.text", "second.text")
    with pytest.raises(Exception, match="upper case") as failed:
        made.run({"first": {"text": "fail"}})
    return failed.value


def test_a_component_that_fails(telemetry: Telemetry) -> None:
    steps_of_a_failure(telemetry)
    assert draw(telemetry) == "invoke_workflow !ConnectionError"


@own
def test_inner_steps(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.stop()
    monkeypatch.setenv("OTELIER_FRAMEWORK_STEPS", "all")
    telemetry.start()
    rag(model(server, says("In Norway."))).run(question())
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          retrieval
          ask
          llm
            chat gpt-4o
        """
    )
    telemetry.clear()
    rag(Parrot("In Norway.")).run(question())
    assert draw(telemetry).endswith("\n  llm\n    chat parrot-1")
    telemetry.clear()
    steps_of_a_failure(telemetry)
    assert draw(telemetry) == tree(
        """
        invoke_workflow !ConnectionError
          first !ConnectionError
        """
    )


@own
def test_a_search_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    @component
    class LostRetriever:
        @component.output_types(documents=list[Document])
        def run(self, query: str) -> dict[str, Any]:
            raise FileNotFoundError("no atlas")

    with pytest.raises(Exception, match="no atlas"):
        rag(model(server), retriever=LostRetriever()).run(question())
    assert draw(telemetry) == tree(
        """
        invoke_workflow !FileNotFoundError
          retrieval !FileNotFoundError
        """
    )


@own
def test_a_pipeline_in_a_pipeline(server: ProviderServer, telemetry: Telemetry) -> None:
    supers = pytest.importorskip("haystack.core.super_component")
    inner = rag(model(server, says("In Norway.")))
    made = Pipeline()
    made.add_component("upper", Upper())
    made.add_component(
        "capitals",
        supers.SuperComponent(
            pipeline=inner,
            input_mapping={"query": ["retriever.query", "ask.question"]},
            output_mapping={"llm.replies": "replies"},
        ),
    )
    made.connect("upper.text", "capitals.query")
    made.run({"upper": {"text": "Where is Oslo?"}})
    named = " capitals" if parts.VERSION >= (2, 16) else ""
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow
          invoke_workflow{named}
            retrieval
            chat gpt-4o
        """
    )


def test_a_search_that_is_a_pipeline(telemetry: Telemetry) -> None:
    supers = pytest.importorskip("haystack.core.super_component")

    @supers.super_component
    class TwofoldRetriever:
        def __init__(self) -> None:
            self.pipeline = Pipeline()
            for name in ("few", "many"):
                self.pipeline.add_component(name, InMemoryBM25Retriever(store()))
            self.input_mapping = {"query": ["few.query", "many.query"]}
            self.output_mapping = {"few.documents": "documents"}

    made = Pipeline()
    made.add_component("search", TwofoldRetriever())
    made.run({"search": {"query": "Oslo"}})
    named = "search" if parts.VERSION >= (2, 16) else "TwofoldRetriever"
    assert draw(telemetry) == tree(
        f"""
        invoke_workflow
          invoke_workflow {named}
            retrieval
            retrieval
        """
    )


def test_what_only_hands_over_asks_no_model(telemetry: Telemetry) -> None:
    supers = pytest.importorskip("haystack.core.super_component")
    known = {"output": "{{ prompt }}", "output_name": "replies", "output_type": str}
    other = {"output": "{{ prompt }}", "output_name": "unknown", "output_type": str}
    routes = [
        {"condition": "{{ prompt == 'Oslo' }}", **known},
        {"condition": "{{ prompt != 'Oslo' }}", **other},
    ]
    inner = Pipeline()
    inner.add_component("router", ConditionalRouter(routes))
    inner.add_component("llm", Teller())
    inner.connect("router.unknown", "llm.prompt")
    made = Pipeline()
    made.add_component("router", ConditionalRouter(routes))
    made.add_component(
        "answers",
        supers.SuperComponent(
            pipeline=inner,
            input_mapping={"prompt": ["router.prompt"]},
            output_mapping={"router.replies": "replies"},
        ),
    )
    made.connect("router.replies", "answers.prompt")
    assert made.run({"router": {"prompt": "Oslo"}}) == {"answers": {"replies": "Oslo"}}
    assert not model_calls(telemetry)


def test_pipelines_of_haystacks_own_are_none(telemetry: Telemetry) -> None:
    preprocessors = pytest.importorskip("haystack.components.preprocessors")
    if not hasattr(preprocessors, "DocumentPreprocessor"):
        pytest.skip("no such component here")
    made = Pipeline()
    made.add_component("prepare", preprocessors.DocumentPreprocessor())
    made.run({"prepare": {"documents": [Document(content="Oslo is in Norway.")]}})
    assert draw(telemetry) == "invoke_workflow"


def test_indexing(telemetry: Telemetry) -> None:
    from haystack.components.writers import DocumentWriter

    made = Pipeline()
    made.add_component("writer", DocumentWriter(store()))
    made.run({"writer": {"documents": [Document(id="n9", content="Bern is in Switzerland.")]}})
    assert draw(telemetry) == "invoke_workflow"
    result = attributes(telemetry.span())["otelier.result"]
    assert json.loads(result) == {"writer": {"documents_written": 1}}


@asynchronous
def test_ten_users_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/chat/completions", parts.saying(lambda body: chat_message("In Norway.")))
    made = rag(model(server), AsyncPipeline)

    async def one(user: int) -> None:
        with otelier.session(conversation_id=f"c{user}"):
            await made.run_async(question(f"Where is Oslo? {user}"))

    async def main() -> None:
        await asyncio.gather(*map(one, range(10)))

    asyncio.run(main())
    trees = (
        f"""
        invoke_workflow [c{user}]
          chat gpt-4o [c{user}]
          retrieval [c{user}]
        """
        for user in range(10)
    )
    assert draw(telemetry, conversation, ordered=False) == "\n".join(map(tree, trees))
    for span in telemetry.spans("retrieval"):
        found = attributes(span)
        who = found["gen_ai.conversation.id"].removeprefix("c")
        assert found["gen_ai.retrieval.query.text"] == f"Where is Oslo? {who}"


def test_ten_users_in_threads(server: ProviderServer, telemetry: Telemetry) -> None:
    made = rag(model(server, says("In Norway.")))

    def one(user: int) -> None:
        with otelier.session(conversation_id=f"c{user}"):
            made.run(question(f"Where is Oslo? {user}"))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(one, range(10)))
    trees = (
        f"""
        invoke_workflow [c{user}]
          chat gpt-4o [c{user}]
          retrieval [c{user}]
        """
        for user in range(10)
    )
    assert draw(telemetry, conversation, ordered=False) == "\n".join(map(tree, trees))


@asynchronous
def test_branches_at_the_same_time(server: ProviderServer, telemetry: Telemetry) -> None:
    @component
    class Slow:
        """Holds no event loop up."""

        @component.output_types(messages=list[ChatMessage])
        def run(self, text: str) -> dict[str, Any]:
            with telemetry.tracer.start_as_current_span(f"prepare {text}"):
                return {"messages": [ChatMessage.from_user(text)]}

    made = AsyncPipeline()
    for name in ("a", "b"):
        made.add_component(f"prepare_{name}", Slow())
        made.add_component(f"llm_{name}", model(server, says("Yes.")))
        made.connect(f"prepare_{name}.messages", f"llm_{name}.messages")
    asyncio.run(made.run_async({f"prepare_{name}": {"text": name} for name in ("a", "b")}))
    assert draw(telemetry, ordered=False) == tree(
        """
        invoke_workflow
          chat gpt-4o
          chat gpt-4o
          prepare a
          prepare b
        """
    )


def test_a_store_has_a_name(telemetry: Telemetry) -> None:
    name = "haystack_integrations.components.retrievers.qdrant"
    retrievers = pytest.importorskip(name)
    from haystack_integrations.document_stores.qdrant import QdrantDocumentStore

    capitals = QdrantDocumentStore(":memory:", index="capitals", embedding_dim=2)
    capitals.write_documents([Document(content="Oslo is in Norway.", embedding=[1.0, 0.0])])
    retrievers.QdrantEmbeddingRetriever(capitals, top_k=3).run(query_embedding=[1.0, 0.0])
    assert draw(telemetry) == "retrieval capitals"
    search = attributes(telemetry.span())
    assert search["gen_ai.data_source.id"] == "capitals"
    assert search["gen_ai.retrieval.top_k"] == 3
    (found,) = json.loads(search["gen_ai.retrieval.documents"])
    assert found["content"] == "Oslo is in Norway."


def test_methods_go_to_other_processes(telemetry: Telemetry) -> None:
    made = Pipeline()
    made.add_component("upper", Upper())
    copies = (pickle.loads(pickle.dumps(made.run)), copy.copy(made.run), copy.deepcopy(made.run))
    for run in copies:
        assert run({"upper": {"text": "a"}}) == {"upper": {"text": "A"}}
    assert draw(telemetry) == "invoke_workflow\ninvoke_workflow\ninvoke_workflow"


def test_a_chat_with_a_history(telemetry: Telemetry) -> None:
    """Haystack's word for a conversation, as its stores of messages have it."""

    @component
    class HistoryRetriever:
        @component.output_types(messages=list[ChatMessage])
        def run(self, chat_history_id: str) -> dict[str, Any]:
            return {"messages": []}

    made = Pipeline()
    made.add_component("history", HistoryRetriever())
    made.add_component("retriever", InMemoryBM25Retriever(store()))
    made.run({"history": {"chat_history_id": "c1"}, "retriever": {"query": "Oslo"}})
    assert draw(telemetry, conversation) == "invoke_workflow [c1]\n  retrieval [c1]"


@own
def test_no_content(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    telemetry.start(capture="NO_CONTENT")
    rag(model(server, says("In Norway."))).run(question())
    rag(Parrot("In Norway.")).run(question())
    assert len(model_calls(telemetry)) == 2
    for span in telemetry.spans():
        said = str(attributes(span))
        for word in ("Oslo", "Norway", "messages", "arguments", "documents"):
            assert word not in said, span.name


@pytest.mark.parametrize("name", ["haystack", "haystack-ai"])
def test_disabled(server: ProviderServer, telemetry: Telemetry, name: str) -> None:
    telemetry.stop()
    telemetry.start(disabled=[name])
    rag(model(server, says("In Norway."))).run(question())
    assert draw(telemetry) == "chat gpt-4o"


def test_off_and_on_again(server: ProviderServer, telemetry: Telemetry) -> None:
    made = rag(model(server, says("In Norway.")))
    telemetry.stop()
    made.run(question())
    assert not telemetry.spans()
    assert type(Pipeline.__dict__["run"]).__name__ == "function"
    assert type(InMemoryBM25Retriever.__dict__["run"]).__name__ == "function"
    telemetry.start()
    made.run(question())
    assert draw(telemetry) == RAG


@pytest.mark.parametrize(
    "hook",
    (
        *("agents", "asking", "calls", "components", "fallbacks", "pipelines", "supers"),
        *("threads", "tools"),
    ),
)
def test_a_version_without_a_seam(hook: str) -> None:
    room = import_module(f"otelier.frameworks.haystack.{hook}")
    with pytest.raises(LookupError):
        room.patch("haystack", ModuleType("haystack.newer"), Patches())


def test_with_and_without(server: ProviderServer, telemetry: Telemetry) -> None:
    def play() -> tuple[str, list[str]]:
        answer = rag(model(server, says("In Norway."))).run(question())
        failed = steps_of_a_failure(telemetry)
        told = [type(failed).__name__, str(failed), type(failed.__cause__).__name__]
        return repr(answer), told

    with_it = play()
    telemetry.stop()
    assert play() == with_it


def test_components_are_what_they_were(telemetry: Telemetry) -> None:
    retriever = InMemoryBM25Retriever(store(), top_k=1)
    for one in (retriever, copy.copy(retriever)):
        assert [each.id for each in one.run("Oslo")["documents"]] == ["n1"]
    assert pickle.loads(pickle.dumps(InMemoryBM25Retriever)) is InMemoryBM25Retriever
    made = Pipeline()
    made.add_component("retriever", retriever)
    written = made.to_dict()
    again = Pipeline.from_dict(copy.deepcopy(written))
    assert again.to_dict() == written
    assert again.inputs() == made.inputs()


# What goes on in another process.
GOES_ON = """
import json, sys
from tests.lineage.frameworks import haystack_parts as parts
from tests.lineage.frameworks.drawing import draw
from tests.telemetry import Telemetry
from haystack.dataclasses.breakpoints import PipelineSnapshot

telemetry = Telemetry().start()
snapshot = PipelineSnapshot.from_dict(json.loads(sys.stdin.read()))
answer = parts.rag(parts.Parrot("In Norway.")).run({}, pipeline_snapshot=snapshot)
assert answer["llm"]["replies"][0].text == "In Norway."
print(draw(telemetry))
"""


def test_a_breakpoint_is_no_failure(telemetry: Telemetry) -> None:
    breakpoints = pytest.importorskip("haystack.dataclasses.breakpoints")
    from haystack.core.errors import BreakpointException

    stops = breakpoints.Breakpoint(component_name="llm", visit_count=0)
    with pytest.raises(BreakpointException) as stopped:
        rag(Parrot("In Norway.")).run(question(), break_point=stops)
    assert draw(telemetry) == "invoke_workflow\n  retrieval"
    for span in telemetry.spans():
        assert "error.type" not in attributes(span)
    # Another process goes on with it.
    done = subprocess.run(
        [sys.executable, "-c", GOES_ON],
        input=json.dumps(stopped.value.pipeline_snapshot.to_dict()),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == "invoke_workflow\n  chat parrot-1\n", done.stderr


def test_a_breakpoint_before_a_search_of_ones_own(telemetry: Telemetry) -> None:
    breakpoints = pytest.importorskip("haystack.dataclasses.breakpoints")

    @component
    class AtlasRetriever:
        @component.output_types(documents=list[Document])
        def run(self, query: str) -> dict[str, Any]:
            raise NotImplementedError

    stops = breakpoints.Breakpoint(component_name="retriever", visit_count=0)
    with pytest.raises(Exception, match="Breaking at"):
        rag(Parrot(), retriever=AtlasRetriever()).run(question(), break_point=stops)
    assert draw(telemetry) == "invoke_workflow"


def test_an_own_span_in_a_component(server: ProviderServer, telemetry: Telemetry) -> None:
    @component
    class Audit:
        @component.output_types(query=str)
        def run(self, text: str) -> dict[str, Any]:
            with telemetry.tracer.start_as_current_span("audit"):
                return {"query": text}

    made = Pipeline()
    made.add_component("audit", Audit())
    made.add_component("retriever", InMemoryBM25Retriever(store()))
    made.connect("audit.query", "retriever.query")
    made.run({"audit": {"text": "Oslo"}})
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          audit
          retrieval
        """
    )


def test_the_slot_for_a_tracer_is_the_programs(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    tracing = pytest.importorskip("haystack.tracing")
    if parts.VERSION < (2, 8):
        pytest.skip("another tracer here")
    assert not tracing.is_tracing_enabled()
    made = rag(model(server, says("In Norway.")))
    made.run(question())
    assert not tracing.is_tracing_enabled()
    assert not tracing.tracer.is_content_tracing_enabled
    seen = Tracing()
    tracing.enable_tracing(seen)
    try:
        telemetry.clear()
        made.run(question())
        assert tracing.tracer.actual_tracer is seen
    finally:
        tracing.disable_tracing()
    assert draw(telemetry) == RAG
    assert seen.operations.count("haystack.pipeline.run") == 1
    assert seen.operations.count("haystack.component.run") == 3
    # What is content is not told where the program has not asked for it.
    assert not seen.content


class Tracing:
    """A tracer of the program's own, as Datadog's and OpenTelemetry's are."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.content: list[str] = []

    def trace(self, operation_name: str, tags: Any = None, parent_span: Any = None) -> Any:
        from contextlib import nullcontext

        from haystack.tracing import Span

        outer = self

        class Mine(Span):
            def set_tag(self, key: str, value: Any) -> None:
                if key.endswith(("input", "output")):
                    outer.content.append(key)

        self.operations.append(operation_name)
        return nullcontext(Mine())

    def current_span(self) -> Any:
        return None


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_beside_opentelemetry_in_the_slot(
    server: ProviderServer, telemetry: Telemetry, first: str
) -> None:
    tracing = pytest.importorskip("haystack.tracing")
    if parts.VERSION < (2, 8):
        pytest.skip("another tracer here")
    try:
        from haystack.tracing.opentelemetry import OpenTelemetryTracer
    except ImportError:
        integration = pytest.importorskip("haystack_integrations.tracing.opentelemetry")
        OpenTelemetryTracer = integration.OpenTelemetryTracer
    made = rag(model(server, says("In Norway.")))
    if first == "theirs":
        telemetry.stop()
    tracing.enable_tracing(OpenTelemetryTracer(telemetry.tracer))
    if first == "theirs":
        telemetry.start()
    try:
        made.run(question())
    finally:
        tracing.disable_tracing()
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          haystack.pipeline.run
            haystack.component.run
              retrieval
            haystack.component.run
            haystack.component.run
              chat gpt-4o
        """
    )
