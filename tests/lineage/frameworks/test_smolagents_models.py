"""smolagents: models that no SDK carries have their call's span all the same, once."""

from __future__ import annotations

import copy
import gc
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("smolagents")

from smolagents import CodeAgent, Model, OpenAIServerModel, TransformersModel, tool
from smolagents.models import ChatMessage

import otelier
from otelier import model_runs, under_way
from tests.lineage.frameworks import smolagents_parts as parts
from tests.lineage.frameworks.drawing import draw, model_calls, tokens, tree
from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry

try:
    # Not later: while a test runs, no setting keeps it off the network.
    import litellm as LITELLM
except ImportError:
    LITELLM = None

GENERATES = hasattr(Model, "generate")
# Messages tell the tokens; before, the model does.
TELLS = "token_usage" in vars(ChatMessage)["__dataclass_fields__"]
NEW = pytest.mark.skipif(parts.VERSION < (1, 19), reason="since 1.19")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert not under_way.anything()
    mark = model_runs.mark.get()
    assert mark is None or mark.seen


def message(text: str) -> Any:
    said = ChatMessage(role="assistant", content=text)
    if TELLS:
        from smolagents.monitoring import TokenUsage

        said.token_usage = TokenUsage(input_tokens=3, output_tokens=4)
    return said


def code(text: str) -> str:
    return f"Thought: code.\n{parts.OPEN}\n{text}\n{parts.CLOSE}"


def make(bases: tuple[type, ...], answer: Any, name: str = "Mine") -> Any:
    """A class of the program's whose models give this answer."""

    def generate(self: Any, messages: Any, stop_sequences: Any = None, **kwargs: Any) -> Any:
        if not TELLS:
            self.last_input_token_count, self.last_output_token_count = 3, 4
        return answer(self, messages)

    return type(name, bases, {"generate" if GENERATES else "__call__": generate})


def scripted(*texts: str) -> Any:
    left = list(texts)
    return lambda model, messages: message(left.pop(0))


def run(model: Any, **options: Any) -> Any:
    given = {"tools": [parts.get_weather], "model": model, "verbosity_level": -1, **options}
    return CodeAgent(**given).run("What is it in Oslo?")


def test_a_model_of_the_program(telemetry: Telemetry) -> None:
    kind = make((Model,), scripted(code("print(get_weather('Oslo'))"), code("final_answer(1)")))
    model = kind(temperature=0.5) if parts.VERSION >= (1, 3) else kind()
    model.model_id = "my-model"
    assert run(model) == 1
    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent 6+8
          chat my-model 3+4
          execute_tool python_interpreter
            execute_tool get_weather
          chat my-model 3+4
          execute_tool python_interpreter
        """
    )
    told = dict(telemetry.spans("chat")[1].attributes or {})
    assert told["gen_ai.request.temperature"] == 0.5
    assert told["gen_ai.request.stop_sequences"]
    asked = json.loads(str(told["gen_ai.input.messages"]))
    assert {each["role"] for each in asked} <= {"system", "user", "assistant"}
    assert "What is it in Oslo?" in str(asked)
    assert "final_answer(1)" in str(told["gen_ai.output.messages"])
    assert "gen_ai.provider.name" not in told


def test_tools_are_told(telemetry: Telemetry) -> None:
    kind = make((Model,), scripted("fine"))
    kind()([{"role": "user", "content": "And?"}], tools_to_call_from=[parts.get_weather])
    told = dict(telemetry.span("chat").attributes or {})
    (offered,) = json.loads(str(told["gen_ai.tool.definitions"]))
    assert offered["name"] == "get_weather"


def test_a_model_that_runs_here(telemetry: Telemetry) -> None:
    kind = make((TransformersModel,), scripted(code("final_answer(1)")))
    model = kind.__new__(kind)
    Model.__init__(model)
    model.model_id = "tiny/model"
    assert run(model) == 1
    (call,) = model_calls(telemetry)
    assert call.name == "chat tiny/model"
    assert (call.attributes or {})["gen_ai.provider.name"] == "huggingface"


def test_a_model_that_fails(telemetry: Telemetry) -> None:
    def fail(model: Any, messages: Any) -> Any:
        raise MemoryError("no room")

    model = make((Model,), fail)()
    with pytest.raises(MemoryError):
        model([{"role": "user", "content": "And?"}])
    assert draw(telemetry) == "chat !MemoryError"


def test_a_model_that_asks_another(server: ProviderServer, telemetry: Telemetry) -> None:
    """By its class, or one that it has: one span, of who was asked."""
    parts.script(server, parts.says("one"), parts.says("two"))
    inner = parts.model(server)
    outer = make((Model,), lambda model, messages: inner(messages))()
    asked = [{"role": "user", "content": "And?"}]
    assert outer(asked).content == "one"

    class Careful(OpenAIServerModel):  # type: ignore[misc]
        def generate(self, messages: Any, **kwargs: Any) -> Any:
            return super().generate(messages, **kwargs)

    careful = Careful(parts.MODEL, api_base=f"{server.url}/v1", api_key="local")
    assert careful(asked).content == "two"
    local = make((make((Model,), scripted("three")),), scripted("four"))
    assert local()(asked).content == "four"
    wrapped = make((Model,), lambda model, messages: own(messages))()
    own = make((Model,), scripted("five"))()
    assert wrapped(asked).content == "five"
    assert draw(telemetry) == f"chat {parts.MODEL}\nchat {parts.MODEL}\nchat\nchat"


def test_one_that_keeps_answers_asks_nobody(server: ProviderServer, telemetry: Telemetry) -> None:
    kept = make((OpenAIServerModel,), scripted("kept"))
    model = kept(parts.MODEL, api_base=f"{server.url}/v1", api_key="local")
    assert model([{"role": "user", "content": "And?"}]).content == "kept"
    assert not telemetry.spans()


# --- models of SDKs -----------------------------------------------------------------------------


@pytest.mark.skipif(parts.VERSION < (1, 16), reason="since 1.16")
@pytest.mark.parametrize("stream", [False, True])
def test_hugging_face(server: ProviderServer, telemetry: Telemetry, stream: bool) -> None:
    from smolagents import InferenceClientModel

    said = openai_wire.chat_message(code("final_answer(1)"))
    whole = Json(openai_wire.chat_completion(said))
    parts.script(
        server, Sse(openai_wire.chat_chunks(said, include_usage=True)) if stream else whole
    )
    model = InferenceClientModel(f"{server.url}/v1/chat/completions", token="local")
    assert run(model, stream_outputs=stream) == 1
    (call,) = model_calls(telemetry)
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent 12+9
          {call.name} 12+9
          execute_tool python_interpreter
        """
    )
    assert call.instrumentation_scope is not None
    assert (call.attributes or {})["server.address"] == "127.0.0.1"


@pytest.mark.skipif(not LITELLM, reason="LiteLLM is not there")
def test_litellm(server: ProviderServer, telemetry: Telemetry) -> None:
    from smolagents import LiteLLMModel, LiteLLMRouterModel

    replies = [parts.writes("final_answer(1)"), parts.writes("final_answer(1)")]
    parts.script(server, *replies)
    at = {"api_base": f"{server.url}/v1", "api_key": "local"}
    assert run(LiteLLMModel(f"openai/{parts.MODEL}", **at)) == 1
    known = {"model_name": "mine", "litellm_params": {"model": f"openai/{parts.MODEL}", **at}}
    assert run(LiteLLMRouterModel("mine", model_list=[known], **at)) == 1
    assert len(model_calls(telemetry)) == len(server.requests) == 2
    for span in telemetry.spans("invoke_agent"):
        assert (span.attributes or {})["gen_ai.usage.input_tokens"] == 12
        assert "/" not in str((span.attributes or {}).get("gen_ai.request.model"))


# --- streams ------------------------------------------------------------------------------------


def streaming(*texts: str) -> Any:
    from smolagents.models import ChatMessageStreamDelta
    from smolagents.monitoring import TokenUsage

    def generate_stream(self: Any, messages: Any, **kwargs: Any) -> Any:
        for at, text in enumerate(texts):
            used = TokenUsage(input_tokens=0 if at else 3, output_tokens=1)
            yield ChatMessageStreamDelta(content=text, token_usage=used)

    kind = type("Streaming", (Model,), {"generate_stream": generate_stream})
    return kind(model_id="my-model")


@NEW
def test_a_stream(telemetry: Telemetry) -> None:
    model = streaming(f"Code.\n{parts.OPEN}\n", "final_answer", "(1)", f"\n{parts.CLOSE}")
    assert run(model, stream_outputs=True) == 1
    assert draw(telemetry, tokens) == tree(
        """
        invoke_agent 3+4
          chat my-model 3+4
          execute_tool python_interpreter
        """
    )
    assert "final_answer(1)" in str(
        (telemetry.span("chat").attributes or {})["gen_ai.output.messages"]
    )


@NEW
def test_a_stream_that_is_read_beside_another_call(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    parts.script(server, parts.says("else"))
    stream = streaming("one", "two").generate_stream([])
    with telemetry.tracer.start_as_current_span("reader"):
        for at, _ in enumerate(stream):
            if not at:
                parts.model(server)([{"role": "user", "content": "And?"}])
    assert draw(telemetry, tokens) == tree(
        f"""
        chat my-model 3+2
        reader
          chat {parts.MODEL} 12+9
        """
    )


@NEW
def test_a_stream_that_is_left(telemetry: Telemetry) -> None:
    stream = streaming("one", "two", "three").generate_stream([{"role": "user", "content": "?"}])
    next(stream)
    stream.close()
    told = dict(telemetry.span("chat").attributes or {})
    assert told["otelier.stream.end"] == "closed"
    assert "error.type" not in told
    telemetry.clear()
    del stream
    # Nobody was asked.
    streaming("one").generate_stream([])
    assert not telemetry.spans()


# --- taken back ---------------------------------------------------------------------------------


def test_taken_back(telemetry: Telemetry) -> None:
    name = "generate" if GENERATES else "__call__"
    before = make((Model,), scripted("one"))
    otelier.uninstrument()
    after = make((Model,), scripted("two"))
    assert type(vars(before)[name]) is type(vars(after)[name]) is type(lambda: 0)
    assert "__init_subclass__" not in vars(Model)
    assert before()([]).content == "one"
    assert not telemetry.spans()


class Sent(Model):  # type: ignore[misc]
    """Of a module, as programs have it."""

    def generate(self, messages: Any, **kwargs: Any) -> Any:
        return message("sent")

    def __call__(self, messages: Any, **kwargs: Any) -> Any:
        return message("sent")


def test_what_it_has_is_sent_and_copied_as_before(telemetry: Telemetry) -> None:
    """Programs hand a model's methods to the processes of a pool."""
    name = "generate" if GENERATES else "__call__"
    model = Sent()
    held = getattr(model, name)
    assert type(vars(Sent)[name]) is not type(lambda: 0)
    for again in (
        pickle.loads(pickle.dumps(held)),
        copy.copy(held),
        copy.deepcopy(held),
        getattr(pickle.loads(pickle.dumps(model)), name),
        getattr(copy.deepcopy(model), name),
    ):
        assert again([]).content == "sent"
    assert pickle.loads(pickle.dumps(getattr(Sent, name)))(model, []).content == "sent"
    assert len(telemetry.spans("chat")) == 6


def test_a_tool_that_asks_a_model(telemetry: Telemetry) -> None:
    helper = make((Model,), scripted("In short"))()

    @tool
    def shorten(text: str) -> str:
        """Shorten a text.

        Args:
            text: The text.
        """
        return str(helper([{"role": "user", "content": text}]).content)

    kind = make((Model,), scripted(code("final_answer(shorten('Long'))")))
    assert run(kind(), tools=[shorten]) == "In short"
    assert draw(telemetry) == tree(
        """
        invoke_agent
          chat
          execute_tool python_interpreter
            execute_tool shorten
              chat
        """
    )
