"""What the tests of Haystack share: a model that answers by rule, documents, a pipeline.

Haystack reads annotations of components; earlier versions as they stand there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import haystack
from haystack import Document, Pipeline, component
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.utils import Secret

from tests.lineage.frameworks.haystack_offline import HAYSTACK
from tests.lineage.frameworks.replying import Say as Say
from tests.lineage.frameworks.replying import saying as saying
from tests.lineage.frameworks.replying import uses as uses
from tests.servers import ProviderServer
from tests.servers.openai_wire import chat_message

VERSION = tuple(int(part) for part in version(f"{HAYSTACK}-ai").split(".")[:2])
OSLO = {"city": "Oslo"}
# Later versions have one class for both.
AsyncPipeline: Any = getattr(haystack, "AsyncPipeline", Pipeline)


def says(text: str) -> Say:
    return lambda body: chat_message(text)


def model(server: ProviderServer, say: Say | None = None, **more: Any) -> OpenAIChatGenerator:
    if say is not None:
        server.route("/chat/completions", saying(say))
    if VERSION >= (2, 8):
        more.setdefault("max_retries", 0)
    return OpenAIChatGenerator(
        api_key=Secret.from_token("k"), model="gpt-4o", api_base_url=server.url + "/v1", **more
    )


def store() -> InMemoryDocumentStore:
    found = InMemoryDocumentStore()
    found.write_documents(
        [
            Document(id="n1", content="Oslo is in Norway.", meta={"page": 1}, embedding=[1.0, 0.0]),
            Document(id="n2", content="Rome is in Italy.", embedding=[0.0, 1.0]),
            Document(id="n3", content="Paris is in France.", embedding=[0.7, 0.7]),
        ]
    )
    return found


@component
class Ask:
    """Makes of documents and a question what a model is asked."""

    @component.output_types(messages=list[ChatMessage])
    def run(self, documents: list[Document], question: str) -> dict[str, Any]:
        texts = " ".join(document.content or "" for document in documents)
        return {"messages": [ChatMessage.from_user(f"{texts} {question}")]}


def rag(llm: Any, kind: Any = Pipeline, retriever: Any = None, **more: Any) -> Any:
    """Search, prompt, answer."""
    made = kind(**more)
    made.add_component("retriever", retriever or InMemoryBM25Retriever(store(), top_k=1))
    made.add_component("ask", Ask())
    made.add_component("llm", llm)
    made.connect("retriever.documents", "ask.documents")
    made.connect("ask.messages", "llm.messages")
    return made


def question(text: str = "Where is Oslo?") -> dict[str, Any]:
    return {"retriever": {"query": text}, "ask": {"question": text}}


@component
class Parrot:
    """A model in this process, of the program's own: no SDK carries its calls."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.model = "parrot-1"

    @component.output_types(replies=list[ChatMessage])
    def run(
        self,
        messages: list[ChatMessage],
        tools: Any = None,
        generation_kwargs: Any = None,
        streaming_callback: Any = None,
    ) -> dict[str, Any]:
        said = self.replies.pop(0) if self.replies else "squawk"
        if isinstance(said, Exception):
            raise said
        if isinstance(said, ChatMessage):
            return {"replies": [said]}
        counts = {"prompt_tokens": 3, "completion_tokens": 2}
        return {"replies": [ChatMessage.from_assistant(said, meta={"usage": counts})]}


@component
class Teller:
    """A model in this process, which goes on with a text."""

    @component.output_types(replies=list[str], meta=list[dict[str, Any]])
    def run(self, prompt: str, generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        meta = {"model": "teller-2", "finish_reason": "stop", "usage": {"prompt_tokens": 4}}
        return {"replies": ["Once upon a time."], "meta": [meta]}


@component
class Numbers:
    """Embeds a text by hand."""

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        return {"embedding": [1.0, 0.0] if "Oslo" in text else [0.0, 1.0]}


@component
class Upper:
    """A component that does something else."""

    @component.output_types(text=str)
    def run(self, text: str) -> dict[str, Any]:
        if text == "fail":
            raise ConnectionError("no upper case today")
        return {"text": text.upper()}


@contextmanager
def raised(kind: type[BaseException] | tuple[type[BaseException], ...]) -> Iterator[list[Any]]:
    """What was raised, for those who want to compare it."""
    found: list[Any] = []
    try:
        yield found
    except kind as error:
        found.append(error)
    assert found, kind
