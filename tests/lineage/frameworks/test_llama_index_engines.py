"""LlamaIndex's engines, retrievers, workflows and models: the trees that people would draw."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("llama_index.core.workflow")

from llama_index.core.base.llms.types import ChatMessage, CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.query_engine import (
    CustomQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
)
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import FunctionTool, QueryEngineTool
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier import deferred
from otelier.frameworks.llama_index import engines, models, seen
from tests.lineage.frameworks.drawing import conversation, draw, tokens, tree
from tests.lineage.frameworks.llama_index_flows import Broken, Letters
from tests.lineage.frameworks.llama_index_parts import index, memory, model
from tests.servers import Json, ProviderServer
from tests.servers.openai_wire import chat_message
from tests.telemetry import Telemetry

QUERY = tree(
    """
    invoke_workflow
      retrieval
        embeddings text-embedding-ada-002
      chat gpt-4o
    """
)
HELLO = "Hello from the local server."


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    yield
    assert not len(seen.runs)
    assert not models._streams
    assert not engines._writing
    gc.collect()
    # Contexts that are still there may have a last one.
    assert len(models._own) <= 4


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def text(span: ReadableSpan, name: str) -> str:
    (message,) = json.loads(attributes(span)[name])
    return str(message["parts"][0]["content"])


def hi() -> list[ChatMessage]:
    return [ChatMessage(role="user", content="hi")]


# --- query engines -----------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_a_query(server: ProviderServer, telemetry: Telemetry, is_async: bool) -> None:
    engine = index(server).as_query_engine(llm=model(server))
    if is_async:
        answer = asyncio.run(engine.aquery("Where is Oslo?"))
    else:
        answer = engine.query("Where is Oslo?")
    assert str(answer) == HELLO
    assert draw(telemetry) == QUERY
    whole, found = telemetry.span("invoke_workflow"), attributes(telemetry.span("retrieval"))
    assert text(whole, "gen_ai.input.messages") == "Where is Oslo?"
    assert text(whole, "gen_ai.output.messages") == HELLO
    assert "gen_ai.workflow.name" not in attributes(whole)
    assert found["gen_ai.retrieval.query.text"] == "Where is Oslo?"
    assert found["gen_ai.retrieval.top_k"] == 2
    documents = json.loads(found["gen_ai.retrieval.documents"])
    assert [(each["id"], each["content"]) for each in documents] == [
        ("n1", "Oslo is in Norway."),
        ("n2", "Rome is in Italy."),
    ]
    assert all(type(each["score"]) is float for each in documents)


def test_tokens_are_there_once(server: ProviderServer, telemetry: Telemetry) -> None:
    index(server).as_query_engine(llm=model(server)).query("Where is Oslo?")
    told = draw(telemetry, tokens)
    assert told.splitlines()[-1] == "  chat gpt-4o 12+9"
    read, wrote = told.splitlines()[0].removeprefix("invoke_workflow ").split("+")
    assert int(read) > 12
    assert int(wrote) == 9


@pytest.mark.parametrize("is_async", [False, True])
def test_a_streamed_query(server: ProviderServer, telemetry: Telemetry, is_async: bool) -> None:
    engine = index(server).as_query_engine(llm=model(server), streaming=True)

    async def aread() -> str:
        answer = await engine.aquery("Where is Oslo?")
        return "".join([each async for each in answer.async_response_gen()])

    def read() -> str:
        answer = engine.query("Where is Oslo?")
        with telemetry.tracer.start_as_current_span("mine"):
            return "".join(answer.response_gen)

    assert (asyncio.run(aread()) if is_async else read()) == HELLO
    assert draw(telemetry) == (QUERY if is_async else QUERY + "\nmine")
    whole = telemetry.span("invoke_workflow")
    assert text(whole, "gen_ai.output.messages") == HELLO
    assert (whole.end_time or 0) >= (telemetry.span("chat").end_time or 0)


def test_a_stream_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    answer = index(server).as_query_engine(llm=model(server), streaming=True).query("Oslo?")
    next(answer.response_gen)
    answer.response_gen.close()
    del answer
    assert draw(telemetry) == QUERY


def test_a_stream_that_nobody_reads(server: ProviderServer, telemetry: Telemetry) -> None:
    answer = index(server).as_query_engine(llm=model(server), streaming=True).query("Oslo?")
    del answer
    assert draw(telemetry) == QUERY.replace("\n  chat gpt-4o", "")
    model(server).chat(hi())
    assert draw(telemetry).endswith("\nchat gpt-4o")


def test_a_search_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/embeddings", Json({"error": {"message": "no"}}, status=400))
    with pytest.raises(Exception, match="no"):
        index(server).as_query_engine(llm=model(server)).query("Oslo?")
    assert draw(telemetry) == tree(
        """
        invoke_workflow !openai.BadRequestError
          retrieval !openai.BadRequestError
            embeddings text-embedding-ada-002 !openai.BadRequestError
        """
    )


def test_one_engine_of_several(server: ProviderServer, telemetry: Telemetry) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        choice = '[{"choice": 1, "reason": "It fits."}]'
        return chat_message(choice if "choices are given" in str(body) else "Oslo.")

    llm = model(server, say)
    tools = [
        QueryEngineTool.from_defaults(index(server).as_query_engine(llm=llm), description=each)
        for each in ("Cities.", "Countries.")
    ]
    selector = LLMSingleSelector.from_defaults(llm=llm)
    RouterQueryEngine(selector=selector, query_engine_tools=tools, llm=llm).query("Oslo?")
    assert draw(telemetry) == tree(
        """
        invoke_workflow
          chat gpt-4o
          retrieval
            embeddings text-embedding-ada-002
          chat gpt-4o
        """
    )


def test_several_questions(server: ProviderServer, telemetry: Telemetry) -> None:
    def say(body: dict[str, Any]) -> dict[str, Any]:
        asked = [{"sub_question": each, "tool_name": "docs"} for each in ("Oslo?", "Rome?")]
        questions = f"```json\n{json.dumps({'items': asked})}\n```"
        return chat_message(questions if "sub_question" in str(body) else "ok")

    llm = model(server, say)
    tool = QueryEngineTool.from_defaults(
        index(server).as_query_engine(llm=llm), name="docs", description="Documents."
    )
    SubQuestionQueryEngine.from_defaults(
        [tool],
        llm=llm,
        question_gen=LLMQuestionGenerator.from_defaults(llm=llm),
        use_async=False,
        verbose=False,
    ).query("Oslo and Rome?")
    one = QUERY.replace("\n", "\n  ")
    assert draw(telemetry) == "\n  ".join(
        ["invoke_workflow", "chat gpt-4o", one, one, "chat gpt-4o"]
    )


class Librarian(CustomQueryEngine):
    """An engine of the program's own."""

    llm: Any

    def custom_query(self, query_str: str) -> str:
        return str(self.llm.complete(query_str))


def test_an_engine_of_the_programs_own(server: ProviderServer, telemetry: Telemetry) -> None:
    assert str(Librarian(llm=model(server)).query("Oslo?")) == HELLO
    assert draw(telemetry) == "invoke_workflow Librarian\n  chat gpt-4o"


# --- retrievers --------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_a_search_of_several_is_one(
    server: ProviderServer, telemetry: Telemetry, is_async: bool
) -> None:
    one = index(server).as_retriever()
    llm = model(server, lambda body: chat_message("Where is it?"))
    fusion = QueryFusionRetriever([one, one], llm=llm, num_queries=2, use_async=is_async)
    fusion.retrieve("Oslo?")
    told = draw(telemetry)
    assert told.startswith("retrieval\n  chat gpt-4o\n  embeddings")
    assert set(told.splitlines()[2:]) == {"  embeddings text-embedding-ada-002"}


class Found(BaseRetriever):
    """A retriever of the program's own."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        super().__init__()

    def _retrieve(self, query_bundle: Any) -> list[NodeWithScore]:
        with self._telemetry.tracer.start_as_current_span("SELECT"):
            return [NodeWithScore(node=TextNode(text="t", id_="i", metadata={"a": 1}), score=0.5)]


def test_a_retriever_of_the_programs_own(telemetry: Telemetry) -> None:
    Found(telemetry).retrieve("Oslo?")
    assert draw(telemetry) == "retrieval\n  SELECT"
    found = attributes(telemetry.span("retrieval"))
    assert json.loads(found["gen_ai.retrieval.documents"]) == [
        {"id": "i", "content": "t", "score": 0.5, "metadata": {"a": 1}}
    ]


# --- chat engines ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["context", "condense_question", "condense_plus_context"])
@pytest.mark.parametrize("how", ["chat", "achat", "stream_chat", "astream_chat"])
def test_a_chat(server: ProviderServer, telemetry: Telemetry, mode: Any, how: str) -> None:
    engine = index(server).as_chat_engine(
        chat_mode=mode, llm=model(server), memory=memory("c1"), streaming=True
    )
    assert chatting(engine, how) == HELLO
    told = "\n".join(f"{line} [c1]" for line in QUERY.splitlines())
    assert draw(telemetry, conversation) == told
    whole = telemetry.span("invoke_workflow")
    assert text(whole, "gen_ai.input.messages") == "Where is Oslo?"
    assert text(whole, "gen_ai.output.messages") == HELLO
    assert (whole.end_time or 0) >= (telemetry.span("chat").end_time or 0)
    telemetry.clear()
    # Now there is something to condense.
    assert chatting(engine, how) == HELLO
    condensed = told.replace("\n", "\n  chat gpt-4o [c1]\n", 1)
    assert draw(telemetry, conversation) == (told if mode == "context" else condensed)


def chatting(engine: Any, how: str) -> str:
    async def main() -> str:
        answer = await getattr(engine, how)("Where is Oslo?")
        if how == "achat":
            return str(answer)
        return "".join([each async for each in answer.async_response_gen()])

    if how in ("achat", "astream_chat"):
        return asyncio.run(main())
    answer = getattr(engine, how)("Where is Oslo?")
    if how == "chat":
        return str(answer)
    read = "".join(answer.response_gen)
    # Earlier versions do not wait for the thread that reads the model.
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    return read


@pytest.mark.parametrize("how", ["chat", "achat", "stream_chat", "astream_chat"])
def test_a_chat_with_a_model_alone(server: ProviderServer, telemetry: Telemetry, how: str) -> None:
    from llama_index.core.chat_engine import SimpleChatEngine

    engine = SimpleChatEngine.from_defaults(llm=model(server), memory=memory("c1"))
    assert chatting(engine, how) == HELLO
    assert draw(telemetry, conversation) == "chat gpt-4o [c1]"


def test_a_chat_whose_loop_ends_before_it_is_read(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    engine = index(server).as_chat_engine(chat_mode="context", llm=model(server))

    async def main() -> None:
        await engine.astream_chat("Where is Oslo?")

    asyncio.run(main())
    told = draw(telemetry)
    assert told.startswith("invoke_workflow\n  retrieval")
    assert "!" not in told


@pytest.mark.parametrize("how", ["chat", "achat", "stream_chat"])
def test_an_agent_of_an_earlier_version(
    server: ProviderServer, telemetry: Telemetry, how: str
) -> None:
    pytest.importorskip("llama_index.core.agent.runner.base", reason="agents are workflows here")
    from llama_index.core.agent import ReActAgent
    from llama_index.core.memory import ChatMemoryBuffer

    def get_weather(city: str) -> str:
        """Tells the weather."""
        return "sunny"

    def say(body: dict[str, Any]) -> dict[str, Any]:
        if "Observation: sunny" in str(body["messages"]):
            return chat_message("Thought: I know.\nAnswer: It is sunny.")
        asks = 'Thought: I look.\nAction: get_weather\nAction Input: {"city": "Oslo"}'
        return chat_message(asks)

    held = ChatMemoryBuffer.from_defaults(chat_store_key="c1")
    agent: Any = ReActAgent.from_tools(
        [FunctionTool.from_defaults(get_weather)], llm=model(server, say), memory=held
    )
    assert chatting(agent, how).endswith("It is sunny.")
    assert draw(telemetry, conversation) == tree(
        """
        invoke_agent [c1]
          chat gpt-4o [c1]
          execute_tool get_weather [c1]
          chat gpt-4o [c1]
        """
    )


# --- workflows ---------------------------------------------------------------------------


def letters(server: ProviderServer) -> Letters:
    flow = Letters()
    flow.llm = model(server)
    return flow


def test_a_workflow_of_the_programs_own(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> Any:
        return await letters(server).run(about="Oslo")

    assert asyncio.run(main()) == HELLO
    assert draw(telemetry) == "invoke_workflow Letters\n  chat gpt-4o"


def test_a_workflow_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        await Broken().run()

    with pytest.raises(Exception, match="nothing there"):
        asyncio.run(main())
    assert draw(telemetry) == "invoke_workflow Broken !LookupError"


def test_steps_are_seen_where_that_is_asked_for(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry.stop()
    monkeypatch.setenv("OTELIER_FRAMEWORK_STEPS", "all")
    telemetry.start()

    async def main() -> Any:
        return await letters(server).run(about="Oslo")

    asyncio.run(main())
    index(server).as_query_engine(llm=model(server)).query("Oslo?")
    told = draw(telemetry)
    assert told.startswith("invoke_workflow Letters\n  write\n    chat gpt-4o\n")
    assert told.endswith("\n  CompactAndRefine\n    chat gpt-4o")


# --- tools and models --------------------------------------------------------------------


def test_a_tool_that_the_program_calls(telemetry: Telemetry) -> None:
    @otelier.tool
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    tool = FunctionTool.from_defaults(add)
    assert tool(a=1, b=2).raw_output == 3
    assert tool.call(1, b=2).raw_output == 3
    assert asyncio.run(tool.acall(a=1, b=2)).raw_output == 3
    assert draw(telemetry) == "execute_tool add\nexecute_tool add\nexecute_tool add"
    given = [
        json.loads(attributes(span)["gen_ai.tool.call.arguments"]) for span in telemetry.spans()
    ]
    assert given == [{"a": 1, "b": 2}, {"args": [1], "b": 2}, {"a": 1, "b": 2}]


@pytest.mark.parametrize("how", ["complete", "chat", "stream_chat", "astream_chat", "acomplete"])
def test_a_model_without_an_sdk(telemetry: Telemetry, how: str) -> None:
    llm = MockLLM(max_tokens=3)

    async def areading() -> None:
        if how == "acomplete":
            await llm.acomplete("hi")
        else:
            async for _ in await llm.astream_chat(hi()):
                pass

    with otelier.agent("mine"):
        if how.startswith("a"):
            asyncio.run(areading())
        elif how == "complete":
            llm.complete("hi")
        elif how == "chat":
            llm.chat(hi())
        else:
            for _ in llm.stream_chat(hi()):
                pass
    assert draw(telemetry) == "invoke_agent mine\n  chat"
    call = telemetry.span("chat")
    assert text(call, "gen_ai.input.messages") == "hi"
    assert text(call, "gen_ai.output.messages").startswith("text text")


class Local(CustomLLM):
    """A model of the program's own."""

    model: str = "llama-local"
    broken: bool = False

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=self.model)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        if self.broken:
            raise ConnectionError("no")
        raw = {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}
        return CompletionResponse(text="Hello!", raw=raw)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        for piece in ("Hel", "lo"):
            yield CompletionResponse(text=piece, delta=piece)


def test_a_model_of_the_programs_own(server: ProviderServer, telemetry: Telemetry) -> None:
    index(server).as_query_engine(llm=Local()).query("Oslo?")
    assert draw(telemetry, tokens).splitlines()[-1] == "  chat llama-local 5+2"
    telemetry.clear()
    with pytest.raises(ConnectionError):
        Local(broken=True).complete("hi")
    assert draw(telemetry) == "chat llama-local !ConnectionError"


def test_a_models_stream_left_early(telemetry: Telemetry) -> None:
    pieces = MockLLM(max_tokens=3).stream_chat(hi())
    next(pieces)
    pieces.close()
    never = MockLLM(max_tokens=3).stream_chat(hi())
    del never
    assert draw(telemetry) == "chat"


def test_a_models_stream_that_is_dropped_while_it_is_read(telemetry: Telemetry) -> None:
    for _ in MockLLM(max_tokens=3).stream_chat(hi()):
        break
    with pytest.raises(KeyError):
        for _ in MockLLM(max_tokens=3).stream_complete("hi"):
            raise KeyError("the program's")

    async def main() -> None:
        async for _ in await MockLLM(max_tokens=3).astream_chat(hi()):
            break
        await asyncio.sleep(0)

    asyncio.run(main())
    assert draw(telemetry) == "chat\nchat\nchat"
    telemetry.clear()
    MockLLM(max_tokens=3).complete("hi")
    assert draw(telemetry) == "chat"


def test_many_streams_that_are_dropped_at_once(telemetry: Telemetry) -> None:
    """All readers go at the same time: what was read of each is told later, by the event loop."""
    many = 200

    async def one() -> Any:
        pieces = await MockLLM(max_tokens=3).astream_chat(hi())
        await anext(pieces)
        return pieces

    async def main() -> None:
        held = await asyncio.gather(*(one() for _ in range(many)))
        held.clear()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert draw(telemetry) == "\n".join(["chat"] * many)


def test_a_dropped_stream_ends_later_where_telemetry_runs(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = MockLLM(max_tokens=3).stream_chat(hi())
    next(pieces)
    with monkeypatch.context() as inside:
        inside.setattr(deferred, "inside_telemetry", lambda: True)
        del pieces
        assert draw(telemetry) == ""
    deferred.drain()
    assert draw(telemetry) == "chat"
    assert telemetry.span("chat").status.is_unset


class Asks(CustomLLM):
    """A model that asks another one."""

    inner: Any

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self.inner.complete(prompt).text)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        yield from self.inner.stream_complete(prompt)


def test_a_model_around_another_one(server: ProviderServer, telemetry: Telemetry) -> None:
    for inner in (Local(), model(server)):
        Asks(inner=inner).chat(hi())
        list(Asks(inner=inner).stream_chat(hi()))
    local, known = ["chat llama-local"] * 2, ["chat gpt-4o"] * 2
    assert draw(telemetry) == "\n".join([*local, *known])


def test_streams_that_are_read_by_turns(telemetry: Telemetry) -> None:
    llm = MockLLM(max_tokens=3)
    one, other = llm.stream_chat(hi()), llm.stream_chat(hi())
    llm.complete("hi")
    for _ in zip(one, other, strict=True):
        pass
    del one, other
    assert draw(telemetry) == "chat\nchat\nchat"


def test_each_call_of_an_sdk_is_there_once(server: ProviderServer, telemetry: Telemetry) -> None:
    llm = model(server)
    llm.chat(hi())
    list(llm.stream_chat(hi()))
    llm.complete("hi")

    async def main() -> None:
        await llm.achat(hi())
        async for _ in await llm.astream_chat(hi()):
            pass

    asyncio.run(main())
    assert draw(telemetry) == "\n".join(["chat gpt-4o"] * 5)


def test_no_content(server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    telemetry.start(capture="NO_CONTENT")
    chatting(index(server).as_chat_engine(llm=model(server), chat_mode="context"), "stream_chat")
    index(server).as_query_engine(llm=MockLLM(max_tokens=3)).query("Where is Oslo?")
    Found(telemetry).retrieve("Oslo?")
    FunctionTool.from_defaults(lambda a: a, name="same", description="d")(a="secret")
    for span in telemetry.spans():
        said = str(attributes(span))
        for word in ("Oslo", "Norway", "text text", "secret", "messages", "documents"):
            assert word not in said, span.name
