"""Instructor: nothing of ours is needed. Each try of its asks a model, and that call has its span.

Instructor patches the SDK's clients; the hook of the SDK is below, where each request is made.
"""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from typing import Any

import pytest

pytest.importorskip("instructor")

import instructor
import openai
from instructor import Mode
from instructor.exceptions import InstructorRetryException
from pydantic import BaseModel, field_validator

import otelier
from otelier import guard
from tests.lineage.frameworks.drawing import draw, model_calls, tokens, tree
from tests.servers import Json, ProviderServer, Reply, Sse, anthropic_wire, openai_wire
from tests.telemetry import Telemetry

MODEL = "gpt-4o-mini"
VERSION = tuple(int(part) for part in version("instructor").split(".")[:2])
ASKED = [{"role": "user", "content": "Who is it?"}]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int

    @field_validator("name")
    @classmethod
    def capital(cls, name: str) -> str:
        if name and not name[0].isupper():
            raise ValueError("a name begins with a capital")
        return name


ADA = {"name": "Ada", "age": 36}
SMALL = {"name": "ada", "age": 36}


def message(found: Any, mode: Mode, name: str = "Person") -> Any:
    if mode is Mode.TOOLS:
        return openai_wire.chat_message(None, tool_calls=[openai_wire.tool_call(name, found)])
    text = json.dumps(found)
    return openai_wire.chat_message(text if mode is Mode.JSON else f"```json\n{text}\n```")


def script(server: ProviderServer, *messages: Any, stream: bool = False) -> None:
    replies: list[Reply] = [
        Sse(openai_wire.chat_chunks(each, include_usage=True))
        if stream
        else Json(openai_wire.chat_completion(each))
        for each in messages
    ]
    server.route("/chat/completions", lambda request: replies.pop(0))


def client(server: ProviderServer, mode: Mode = Mode.TOOLS, kind: Any = openai.OpenAI) -> Any:
    given = kind(api_key="local", base_url=f"{server.url}/v1", max_retries=0)
    return instructor.from_openai(given, mode=mode)


def create(to: Any, **options: Any) -> Any:
    return to.chat.completions.create(
        **{"model": MODEL, "messages": list(ASKED), "response_model": Person, **options}
    )


@pytest.fixture(params=[Mode.TOOLS, Mode.JSON, Mode.MD_JSON], ids=lambda mode: str(mode.value))
def mode(request: pytest.FixtureRequest) -> Mode:
    return Mode(request.param)


def test_one_call(server: ProviderServer, telemetry: Telemetry, mode: Mode) -> None:
    script(server, message(ADA, mode))
    assert create(client(server, mode)).model_dump() == ADA
    assert draw(telemetry, tokens) == f"chat {MODEL} 12+9"
    told = dict(telemetry.span().attributes or {})
    assert "Who is it?" in str(told["gen_ai.input.messages"])
    assert "Ada" in str(told["gen_ai.output.messages"])


def test_a_call_for_each_try(server: ProviderServer, telemetry: Telemetry, mode: Mode) -> None:
    script(server, message(SMALL, mode), message(ADA, mode))
    with otelier.agent("asker"):
        assert create(client(server, mode), max_retries=3).name == "Ada"
    assert draw(telemetry, tokens) == tree(
        f"""
        invoke_agent asker 24+18
          chat {MODEL} 12+9
          chat {MODEL} 12+9
        """
    )
    assert len(server.requests) == 2
    # What was wrong is what the second one is asked to mend.
    second = dict(telemetry.spans("chat")[1].attributes or {})
    assert "a name begins with a capital" in str(second["gen_ai.input.messages"])


def test_all_tries_fail(server: ProviderServer, telemetry: Telemetry) -> None:
    answer = openai_wire.chat_completion(message(SMALL, Mode.TOOLS))
    server.route("/chat/completions", Json(answer))
    with pytest.raises(InstructorRetryException):
        create(client(server), max_retries=2)
    # Models have answered: their calls have not failed.
    assert draw(telemetry).splitlines() == [f"chat {MODEL}"] * len(server.requests)
    assert len(server.requests) > 1


def test_a_call_that_is_refused(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/chat/completions", Json({"error": {"message": "no"}}, status=400))
    with pytest.raises(InstructorRetryException):
        create(client(server), max_retries=1)
    assert draw(telemetry) == f"chat {MODEL} !openai.BadRequestError"


def test_asynchronous(server: ProviderServer, telemetry: Telemetry, mode: Mode) -> None:
    script(server, message(SMALL, mode), message(ADA, mode))

    async def main() -> Any:
        with telemetry.tracer.start_as_current_span("request"):
            return await create(client(server, mode, openai.AsyncOpenAI), max_retries=3)

    assert asyncio.run(main()).name == "Ada"
    assert draw(telemetry, tokens) == tree(
        f"""
        request
          chat {MODEL} 12+9
          chat {MODEL} 12+9
        """
    )


def test_many_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/chat/completions", Json(openai_wire.chat_completion(message(ADA, Mode.TOOLS))))

    async def one(to: Any, number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"user {number}"):
            await create(to)

    async def main() -> None:
        to = client(server, kind=openai.AsyncOpenAI)
        await asyncio.gather(*(one(to, number) for number in range(10)))

    asyncio.run(main())
    assert draw(telemetry, ordered=False) == "\n".join(
        f"user {number}\n  chat {MODEL}" for number in range(10)
    )


# --- streams ------------------------------------------------------------------------------------


def test_a_partial_answer(server: ProviderServer, telemetry: Telemetry, mode: Mode) -> None:
    script(server, message(ADA, mode), stream=True)
    to = client(server, mode).chat.completions
    found = list(to.create_partial(model=MODEL, messages=list(ASKED), response_model=Person))
    assert found[-1].name == "Ada"
    assert len(found) > 1
    assert draw(telemetry) == f"chat {MODEL}"
    told = dict(telemetry.span().attributes or {})
    assert "otelier.stream.end" not in told
    assert "Ada" in str(told["gen_ai.output.messages"])


def test_a_partial_answer_that_is_left(server: ProviderServer, telemetry: Telemetry) -> None:
    script(server, message(ADA, Mode.TOOLS), stream=True)
    to = client(server).chat.completions
    found = to.create_partial(model=MODEL, messages=list(ASKED), response_model=Person)
    next(iter(found))
    # Newer versions have read all of it by then, and give a list.
    left = not isinstance(found, list)
    del found
    told = dict(telemetry.span().attributes or {})
    assert ("otelier.stream.end" in told) is left
    assert "error.type" not in told


def test_several(server: ProviderServer, telemetry: Telemetry, mode: Mode) -> None:
    both = {"tasks": [ADA, {"name": "Bob", "age": 40}]}
    script(server, message(both, mode, "IterablePerson"), stream=True)
    to = client(server, mode).chat.completions
    found = to.create_iterable(model=MODEL, messages=list(ASKED), response_model=Person)
    assert [each.name for each in found] == ["Ada", "Bob"]
    assert draw(telemetry) == f"chat {MODEL}"


def test_streams_asynchronously(server: ProviderServer, telemetry: Telemetry) -> None:
    both = {"tasks": [ADA, {"name": "Bob", "age": 40}]}
    script(
        server, message(ADA, Mode.TOOLS), message(both, Mode.TOOLS, "IterablePerson"), stream=True
    )

    async def main() -> list[Any]:
        to = client(server, kind=openai.AsyncOpenAI).chat.completions
        given = {"model": MODEL, "messages": list(ASKED), "response_model": Person}
        found = []
        with telemetry.tracer.start_as_current_span("request"):
            for make in (to.create_partial, to.create_iterable):
                made = make(**given)
                # Older versions' are awaited.
                made = await made if hasattr(made, "__await__") else made
                found.append([each.name async for each in made][-1])
        return found

    assert asyncio.run(main()) == ["Ada", "Bob"]
    assert draw(telemetry) == f"request\n  chat {MODEL}\n  chat {MODEL}"


# --- others -------------------------------------------------------------------------------------


@pytest.mark.skipif(VERSION < (1, 8), reason="since 1.8")
def test_responses(server: ProviderServer, telemetry: Telemetry) -> None:
    call = openai_wire.function_call_item("Person", ADA)
    server.route("/responses", Json(openai_wire.response_object(call)))
    to = client(server, Mode.RESPONSES_TOOLS)
    assert to.responses.create(model=MODEL, input="Who is it?", response_model=Person).age == 36
    assert draw(telemetry) == f"chat {MODEL}"


def test_anthropic(server: ProviderServer, telemetry: Telemetry) -> None:
    anthropic = pytest.importorskip("anthropic")
    replies = [
        Json(anthropic_wire.message(anthropic_wire.tool_use_block("Person", each)))
        for each in (SMALL, ADA)
    ]
    server.route("/messages", lambda request: replies.pop(0))
    to = instructor.from_anthropic(
        anthropic.Anthropic(api_key="local", base_url=server.url, max_retries=0)
    )
    found = create(to, model=anthropic_wire.CLAUDE, max_tokens=100, max_retries=3)
    assert found.name == "Ada"
    assert len(model_calls(telemetry)) == len(server.requests) == 2
    assert draw(telemetry) == "\n".join([f"chat {anthropic_wire.CLAUDE}"] * 2)


def test_results_are_the_same(server: ProviderServer, mode: Mode) -> None:
    found = []
    for instrumented in (True, False):
        telemetry = Telemetry()
        if instrumented:
            telemetry.start()
        script(server, message(SMALL, mode), message(ADA, mode))
        result = create(client(server, mode), max_retries=2)
        found.append((result.model_dump(), result._raw_response.model_dump()))
        telemetry.stop()
    assert found[0] == found[1]
    assert not guard.failures()
