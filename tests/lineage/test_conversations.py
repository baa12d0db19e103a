"""What agents and workflows were asked and what they answered, as messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import openai
import pytest

import otelier
from otelier import conversation, semconv
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

QUESTION, ANSWER = "Where is my parcel?", "In room 7."
KINDS = [otelier.agent, otelier.workflow]


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def messages(telemetry: Telemetry) -> tuple[Any, Any]:
    """The input and output messages of the only span; None where there are none."""
    found = telemetry.span().attributes or {}
    return tuple(  # type: ignore[return-value]
        json.loads(str(found[name])) if name in found else None
        for name in (semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES)
    )


ASKED, SAID = [said("user", QUESTION)], [said("assistant", ANSWER)]


@pytest.mark.parametrize("declare", KINDS)
def test_a_text_is_what_the_user_says(telemetry: Telemetry, declare: Any) -> None:
    @declare
    def support(question: str) -> str:
        return ANSWER

    assert support(QUESTION) == ANSWER
    assert messages(telemetry) == (ASKED, SAID)
    # Nothing of what was recorded before is lost.
    attributes = telemetry.span().attributes
    assert json.loads(attributes["otelier.arguments"]) == {"question": QUESTION}
    assert json.loads(attributes["otelier.result"]) == ANSWER


def test_coroutines_and_functions_that_return_them(telemetry: Telemetry) -> None:
    async def support(question: str) -> str:
        return ANSWER

    assert asyncio.run(otelier.agent(support)(QUESTION)) == ANSWER
    assert messages(telemetry) == (ASKED, SAID)
    telemetry.clear()

    @otelier.agent
    def later(question: str) -> Any:
        return support(question)

    assert asyncio.run(later(QUESTION)) == ANSWER
    assert messages(telemetry) == (ASKED, SAID)


HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
    {"role": "assistant", "content": None, "tool_calls": [openai_wire.tool_call("look", {"a": 1})]},
    {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
]
ANTHROPIC = [
    {"role": "user", "content": "Hello"},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}}],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "seen"}]},
]
GEMINI = [
    {"role": "user", "parts": [{"text": "Hello"}]},
    {"role": "model", "parts": [{"text": "Hi"}]},
]
RESPONSES = [
    {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
    {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "seen"},
]


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (HISTORY, ["text", "text", "tool_call", "tool_call_response"]),
        (ANTHROPIC, ["text", "tool_call", "tool_call_response"]),
        (GEMINI, ["text", "text"]),
        (RESPONSES, ["text", "tool_call", "tool_call_response"]),
        ([said("user", "Hello")], ["text"]),
        (tuple(HISTORY), ["text", "text", "tool_call", "tool_call_response"]),
    ],
    ids=["openai", "anthropic", "gemini", "responses", "conventions", "tuple"],
)
def test_chat_messages_are_messages(telemetry: Telemetry, given: Any, kinds: list[str]) -> None:
    @otelier.agent
    def support(history: Any, temperature: float) -> None:
        pass

    support(given, 0.5)
    asked, answered = messages(telemetry)
    assert [part["type"] for message in asked for part in message["parts"]] == kinds
    assert asked[0]["role"] == given[0]["role"]
    assert answered is None
    # They are not recorded twice.
    assert json.loads(telemetry.span().attributes["otelier.arguments"]) == {"temperature": 0.5}


def test_the_text_comes_after_the_history(telemetry: Telemetry) -> None:
    @otelier.agent
    def support(question: str, history: Any) -> Any:
        return {"role": "assistant", "content": ANSWER}

    support(QUESTION, HISTORY[:1])
    assert messages(telemetry) == ([said("system", "Be brief."), *ASKED], SAID)
    telemetry.clear()
    support(QUESTION, [{"role": "user", "content": QUESTION}])
    assert messages(telemetry)[0] == ASKED


def _by(*names: str) -> Callable[..., Any]:
    """A function with these parameters."""
    found: dict[str, Any] = {}
    exec(f"def run({', '.join(names)}): return None", found)
    run: Callable[..., Any] = found["run"]
    return run


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (["question"], "question"),
        (["anything"], "anything"),
        (["tenant", "question"], "question"),
        (["customer_id", "user_message"], "user_message"),
        (["system_prompt", "prompt"], "prompt"),
        (["task_id", "first", "second"], "first"),
        (["user_id"], None),
        (["model", "language"], None),
        (["self", "question"], "question"),
    ],
)
def test_which_argument_is_the_message(
    telemetry: Telemetry, parameters: list[str], told: str | None
) -> None:
    otelier.agent(_by(*parameters))(*parameters)
    asked, answered = messages(telemetry)
    assert asked == (None if told is None else [said("user", told)])
    assert answered is None


@pytest.mark.parametrize("value", [3, None, ["a", "b"], [{"a": 1}], {"a": "b"}, "", [], object()])
def test_what_is_no_message(telemetry: Telemetry, value: Any) -> None:
    @otelier.agent
    def support(thing: Any) -> Any:
        return value

    assert support(value) is value
    assert messages(telemetry) == (None, None)
    assert "otelier.arguments" in telemetry.span().attributes


def test_a_mock_is_not_asked() -> None:
    from unittest.mock import Mock

    mock = Mock()
    for value in (mock, [mock, mock], {"role": mock, "content": mock}):
        for look in (conversation.heard, conversation.said):
            assert look(value)[0] == []
    assert not mock.mock_calls


def test_an_sdk_s_message_is_one(telemetry: Telemetry) -> None:
    from openai.types.chat import ChatCompletionMessage

    message = ChatCompletionMessage(role="assistant", content=ANSWER)
    assert otelier.agent(lambda: message)() is message
    assert messages(telemetry) == (None, SAID)


def test_generators_of_texts(telemetry: Telemetry) -> None:
    @otelier.agent
    def support(question: str) -> Iterator[str]:
        yield "In "
        yield "room 7."

    assert list(support(QUESTION)) == ["In ", "room 7."]
    assert messages(telemetry) == (ASKED, SAID)


def test_asynchronous_generators_of_texts(telemetry: Telemetry) -> None:
    @otelier.workflow
    async def support(question: str) -> AsyncIterator[str]:
        yield "In "
        yield "room 7."

    async def main() -> list[str]:
        return [piece async for piece in support(QUESTION)]

    assert asyncio.run(main()) == ["In ", "room 7."]
    assert messages(telemetry) == (ASKED, SAID)


@pytest.mark.parametrize("how", ["left", "error"])
def test_a_generator_that_ends_early_has_said_what_it_said(telemetry: Telemetry, how: str) -> None:
    @otelier.agent
    def support() -> Iterator[str]:
        yield "In "
        if how == "error":
            raise KeyError("room")
        yield "room 7."

    given = support()
    assert next(given) == "In "
    if how == "error":
        with pytest.raises(KeyError):
            next(given)
    else:
        given.close()
    assert messages(telemetry) == (None, [said("assistant", "In ")])


def test_generators_of_other_things_say_nothing(telemetry: Telemetry) -> None:
    @otelier.agent
    def support() -> Iterator[Any]:
        yield "one"
        yield {"type": "event"}
        yield "two"

    assert len(list(support())) == 3
    assert messages(telemetry) == (None, None)


def test_of_an_endless_answer_little_is_held(server: ProviderServer) -> None:
    telemetry = Telemetry().start(message_bytes="1k")

    @otelier.agent
    def support() -> Iterator[str]:
        for _ in range(10_000):
            yield "words "

    assert sum(map(len, support())) == 60_000
    telemetry.stop()
    attributes = telemetry.span().attributes
    assert attributes["otelier.content.truncated"] is True
    assert 400 < len(attributes[semconv.OUTPUT_MESSAGES]) <= 1024


def test_a_long_text_is_recorded_once(telemetry: Telemetry) -> None:
    long = "parcel " * 1000

    @otelier.agent
    def support(question: str, top: int) -> str:
        return question

    support(long, 3)
    assert messages(telemetry) == ([said("user", long)], [said("assistant", long)])
    attributes = telemetry.span().attributes
    assert attributes["otelier.arguments"] == '{"top":3}'
    assert "otelier.result" not in attributes


def test_context_managers(telemetry: Telemetry) -> None:
    with otelier.agent("a") as agent:
        agent.set_input(QUESTION)
        agent.set_output(ANSWER)
    assert messages(telemetry) == (ASKED, SAID)
    assert not any(name.startswith("otelier.") for name in telemetry.span().attributes)
    telemetry.clear()
    with otelier.agent("a") as agent:
        agent.set_input(HISTORY[:1])
        agent.set_output([{"role": "assistant", "content": ANSWER}])
    assert messages(telemetry) == ([said("system", "Be brief.")], SAID)
    telemetry.clear()
    with otelier.workflow("w") as workflow:
        workflow.set_arguments({"question": QUESTION})
        workflow.set_result(ANSWER)
    assert messages(telemetry) == (ASKED, SAID)
    telemetry.clear()
    # Other steps have no messages; nothing happens without a span.
    for step in (otelier.tool("t"), otelier.retrieval("r"), otelier.step("s")):
        with step as handle:
            handle.set_input(QUESTION)
            handle.set_output(ANSWER)
    telemetry.stop()
    with otelier.agent("a") as agent:
        agent.set_input(QUESTION)
        agent.set_output(ANSWER)
    for span in telemetry.spans():
        assert not {semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES} & span.attributes.keys()


@pytest.mark.parametrize("capture", ["NO_CONTENT", "EVENT_ONLY", "off"])
def test_no_content(server: ProviderServer, capture: str) -> None:
    telemetry = Telemetry().start(**({} if capture == "off" else {"capture": capture}))

    @otelier.agent(capture=capture != "off")
    def support(question: str) -> str:
        return question

    @otelier.agent(capture=capture != "off")
    def stream(question: str) -> Iterator[str]:
        yield question

    support(QUESTION)
    list(stream(QUESTION))
    telemetry.stop()
    for span in telemetry.spans():
        assert not any(QUESTION in str(value) for value in span.attributes.values())


def test_secrets_and_masks(server: ProviderServer) -> None:
    masked: dict[str, Any] = {}

    def mask(name: str, value: Any) -> Any:
        masked[name] = value
        return json.loads(json.dumps(value).replace("Ada", "X"))

    telemetry = Telemetry().start(mask=mask)
    otelier.agent(lambda question: f"for {question}")("Ada: sk-abcdefghijklmnopqrstuvwxyz")
    telemetry.stop()
    assert messages(telemetry) == (
        [said("user", "X: [REDACTED]")],
        [said("assistant", "for X: [REDACTED]")],
    )
    assert {semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES} <= masked.keys()


@pytest.mark.parametrize("latest", [False, True])
def test_the_answer_says_why_it_ended(server: ProviderServer, latest: bool) -> None:
    """As the released conventions want it, without which Phoenix shows no answer."""
    options: dict[str, Any] = {"generation": semconv.LATEST} if latest else {}
    telemetry = Telemetry().start(**options)
    server.route("/chat/completions", lambda request: Json(openai_wire.chat_completion()))
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")

    @otelier.agent
    def support(question: str) -> str:
        asked: list[Any] = [{"role": "user", "content": question}]
        client.chat.completions.create(model="gpt-4o", messages=asked)
        return ANSWER

    support(QUESTION)
    telemetry.stop()
    found = telemetry.span("invoke_agent").attributes[semconv.OUTPUT_MESSAGES]
    (message,) = json.loads(found)
    assert message.get("finish_reason") == (None if latest else "stop")
