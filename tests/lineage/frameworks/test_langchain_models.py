"""Models of LangChain's that no SDK is below: fake ones, local ones, clients of their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_openai")

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import FakeListChatModel, FakeListLLM
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool

from tests.lineage.frameworks.drawing import draw, model_calls, tokens, tree
from tests.lineage.frameworks.langchain_programs import (
    asks,
    chat_model,
    create_agent,
    leaving_nothing,
    says,
    text,
)
from tests.servers import Json, ProviderServer
from tests.telemetry import Telemetry


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield from leaving_nothing()


class Local(BaseChatModel):
    """A model in this process: says what it is told to, and what that took."""

    answers: Any = ()

    @property
    def _llm_type(self) -> str:
        return "local"

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {
            "ls_provider": "llamacpp",
            "ls_model_name": "llama-3",
            "ls_model_type": "chat",
            "ls_temperature": 0.5,
            "ls_max_tokens": 100,
        }

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self,
        messages: Any,
        stop: Any = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = self.answers.pop(0) if self.answers else AIMessage("so")
        if isinstance(answer, Exception):
            raise answer
        return ChatResult(generations=[ChatGeneration(message=answer)])


class Streaming(Local):
    """The same, piece by piece."""

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        for piece in ("so ", "it ", "is"):
            yield ChatGenerationChunk(message=AIMessageChunk(piece))


def used(read: int, wrote: int) -> Any:
    return {"input_tokens": read, "output_tokens": wrote, "total_tokens": read + wrote}


def local_call(name: str, args: Any, id: str) -> Any:
    return {"name": name, "args": args, "id": id, "type": "tool_call"}


def test_an_agent_on_a_local_model(telemetry: Telemetry) -> None:
    pytest.importorskip("langgraph")

    @tool
    def get_weather(city: str) -> str:
        """The weather."""
        return "sunny"

    answers = [
        AIMessage(
            "",
            tool_calls=[local_call("get_weather", {"city": "Paris"}, "c1")],
            usage_metadata=used(10, 5),
            response_metadata={"finish_reason": "tool_calls", "model_name": "llama-3-8b"},
        ),
        AIMessage(
            "Sunny.",
            usage_metadata=used(20, 6) | {"input_token_details": {"cache_read": 8}},
            response_metadata={"finish_reason": "stop", "id": "answer-1"},
        ),
    ]
    agent = create_agent(Local(answers=answers), [get_weather], name="weather_agent")
    agent.invoke(asks(), {"configurable": {"thread_id": "t1"}})
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather_agent 30+11
          chat llama-3 10+5
          execute_tool get_weather
          chat llama-3 20+6
    """)
    first, second = (dict(span.attributes or {}) for span in model_calls(telemetry))
    assert first["gen_ai.provider.name"] == "llamacpp"
    assert first["gen_ai.request.temperature"] == 0.5
    assert first["gen_ai.request.max_tokens"] == 100
    assert first["gen_ai.response.model"] == "llama-3-8b"
    assert first["gen_ai.conversation.id"] == "t1"
    (answer,) = json.loads(first["gen_ai.output.messages"])
    assert answer["parts"] == [
        {"type": "tool_call", "name": "get_weather", "id": "c1", "arguments": {"city": "Paris"}}
    ]
    assert second["gen_ai.response.id"] == "answer-1"
    assert second["gen_ai.usage.cache_read.input_tokens"] == 8
    assert second["gen_ai.response.finish_reasons"] == ("stop",)
    asked = json.loads(second["gen_ai.input.messages"])
    assert [each["role"] for each in asked] == ["user", "assistant", "tool"]
    assert asked[2]["parts"][0]["id"] == "c1"


def test_all_ways_to_ask(telemetry: Telemetry) -> None:
    model = Streaming()

    async def main() -> None:
        await Local().ainvoke("hi")
        assert [each async for each in model.astream("hi")]
        await Local().abatch(["a", "b"])

    Local().invoke([SystemMessage("Be brief."), HumanMessage("hi")])
    assert list(model.stream("hi"))
    Local().batch(["a", "b"])
    asyncio.run(main())
    assert draw(telemetry) == "\n".join(["chat llama-3"] * 8)
    first, streamed = (dict(span.attributes or {}) for span in model_calls(telemetry)[:2])
    assert json.loads(first["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "hi"}]},
    ]
    (answer,) = json.loads(streamed["gen_ai.output.messages"])
    assert answer["parts"] == [{"type": "text", "content": "so it is"}]


def test_several_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    messages: Any = [[HumanMessage(word)] for word in ("a", "b", "c")]
    Local().generate(messages)
    asyncio.run(Local().agenerate(messages))
    said = [json.loads(s.attributes["gen_ai.input.messages"]) for s in model_calls(telemetry)]  # type: ignore[index]
    assert sorted(each[0]["parts"][0]["content"] for each in said) == list("aabbcc")
    telemetry.clear()
    says(server, text("x"), text("y"), text("z"))
    chat_model(server).generate(messages)
    says(server, text("x"), text("y"), text("z"))
    asyncio.run(chat_model(server).agenerate(messages))
    assert draw(telemetry) == "\n".join(["chat gpt-4o-mini"] * 6)


def test_a_model_of_texts(telemetry: Telemetry) -> None:
    FakeListLLM(responses=["x", "y"]).batch(["a", "b"])
    assert draw(telemetry) == "chat\nchat"
    for span in model_calls(telemetry):
        held = span.attributes or {}
        assert json.loads(held["gen_ai.input.messages"])[0]["role"] == "user"
        assert json.loads(held["gen_ai.output.messages"])[0]["role"] == "assistant"


def test_one_that_asks_another(server: ProviderServer, telemetry: Telemetry) -> None:
    class Router(Local):
        inner: Any = None

        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=self.inner.invoke(messages))])

    says(server, text("x"))
    Router(inner=chat_model(server)).invoke("hi")
    Router(inner=Local()).invoke("hi")
    assert draw(telemetry) == "chat gpt-4o-mini\nchat llama-3"


def test_a_failing_one_and_its_stand_in(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"error": {"message": "no"}}, status=400))
    broken = Local(answers=[ValueError("no model")])
    broken.with_fallbacks([chat_model(server), Streaming()]).invoke("hi")
    first, failed, refused, answered = draw(telemetry).splitlines()
    assert first == "invoke_workflow"
    assert failed == "  chat llama-3 !ValueError"
    assert refused.startswith("  chat gpt-4o-mini !")
    assert answered == "  chat llama-3"


@pytest.mark.parametrize("everybodys", [True, False])
def test_an_answer_from_the_cache_is_no_call(
    server: ProviderServer, telemetry: Telemetry, everybodys: bool
) -> None:
    from langchain_core import globals as settings
    from langchain_core.caches import InMemoryCache

    says(server, text("x"))
    cache = InMemoryCache()
    settings.set_llm_cache(cache if everybodys else None)
    try:
        model = chat_model(server, cache=None if everybodys else cache)
        model.invoke("hi")
        answer = model.invoke("hi")
    finally:
        settings.set_llm_cache(None)
    if not everybodys and "total_cost" not in (answer.usage_metadata or {}):
        pytest.skip("nothing tells what the model's own cache has answered")
    assert draw(telemetry) == "chat gpt-4o-mini"


def test_a_stream_left_early(telemetry: Telemetry) -> None:
    stream = Streaming().stream("hi")
    next(stream)
    stream.close()
    span = telemetry.span("chat")
    assert span.status.is_unset
    assert (span.attributes or {})["otelier.stream.end"] == "closed"


def test_a_cancelled_one(telemetry: Telemetry) -> None:
    class Slow(Local):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(60)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Slow().ainvoke("hi"), 0.01)

    asyncio.run(main())
    assert "!" not in draw(telemetry)


def test_no_content(server: ProviderServer) -> None:
    telemetry = Telemetry().start(capture="NO_CONTENT")
    Local(answers=[AIMessage("SECRET", usage_metadata=used(1, 2))]).invoke("SECRET")
    held = telemetry.span("chat").attributes or {}
    assert held["gen_ai.usage.input_tokens"] == 1
    assert "SECRET" not in str(held)
    assert not [name for name in held if "messages" in name]


def test_metrics(telemetry: Telemetry) -> None:
    FakeListChatModel(responses=["x"]).invoke("hi")
    assert "gen_ai.client.operation.duration" in telemetry.metrics()
