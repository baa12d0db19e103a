"""``span_of``: the span of a call from what it gave, of every SDK, while it runs and when over."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import tracemalloc
import weakref
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link

import otelier
from otelier import following, guard
from tests.servers import Json, ProviderServer, Sse, anthropic_wire, openai_wire
from tests.telemetry import Telemetry
from tests.transparency.app import App
from tests.transparency.providers import Case, Provider, open_client, providers
from tests.tripwires import Tripwire

ASK: Any = [{"role": "user", "content": "hi"}]
CHAT: Any = {"model": "gpt-4o", "messages": ASK}


@pytest.fixture
def gpt(server: ProviderServer) -> openai.OpenAI:
    numbers = iter(range(10_000))

    def chat(request: Any) -> Any:
        told = {"id": f"chatcmpl-{next(numbers)}"}
        message = openai_wire.chat_message("Hello.")
        if request.json().get("stream"):
            return Sse(openai_wire.chat_chunks(message, **told))
        return Json(openai_wire.chat_completion(message, **told))

    server.route("/chat/completions", chat)
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)


def is_of(result: Any, telemetry: Telemetry, name: str = "chat") -> bool:
    """Whether a result is known to be of the last span of that name."""
    found = otelier.span_of(result)
    address = telemetry.spans(name)[-1].context
    return found is not None and found.get_span_context() == address


# --- an SDK's results ---------------------------------------------------------------------------


def test_an_answer(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    first = gpt.chat.completions.create(**CHAT)
    second = gpt.chat.completions.create(**CHAT)
    spans = telemetry.spans("chat")
    for answer, span in zip((first, second), spans, strict=True):
        found = otelier.span_of(answer)
        assert found is not None and found.get_span_context() == span.context
        assert not found.is_recording()
    # It can be linked to.
    with telemetry.tracer.start_as_current_span("later", links=[Link(spans[0].context)]):
        pass


def test_what_a_program_makes_of_an_answer(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    answer = gpt.chat.completions.create(**CHAT)

    @dataclass
    class Mine:
        response: Any

    @dataclass(slots=True)
    class Slotted:
        inside: Any = field(default=None)

    for held in (
        answer.model_dump(),
        answer.model_copy(deep=True),
        json.loads(answer.model_dump_json()),
        {"answer": answer},
        [None, answer],
        ("before", answer),
        Mine(answer),
        Slotted(answer),
        SimpleNamespace(response_id=answer.id),
        {"responseId": answer.id},
    ):
        assert is_of(held, telemetry), held


def test_the_last_of_several(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    answers = [gpt.chat.completions.create(**CHAT) for _ in range(3)]
    assert is_of(answers, telemetry)
    assert is_of({"messages": [{"id": answer.id} for answer in answers]}, telemetry)


def test_a_stream(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    stream = gpt.chat.completions.create(**CHAT, stream=True)
    chunk = next(iter(stream))
    found = otelier.span_of(stream)
    assert found is not None and found.is_recording()
    found.set_attribute("shop.cart", 3)
    assert otelier.span_of({"answer": stream}) is found
    chunks = [chunk, *stream]
    assert telemetry.span("chat").attributes["shop.cart"] == 3
    assert is_of(stream, telemetry)
    assert is_of(chunks, telemetry) and is_of(chunks[0], telemetry)


def test_stream_helpers(gpt: openai.OpenAI, server: ProviderServer, telemetry: Telemetry) -> None:
    with gpt.chat.completions.stream(**CHAT) as stream:
        running = otelier.span_of(stream)
        assert running is not None and running.is_recording()
        stream.until_done()
    assert is_of(stream, telemetry) and is_of(stream.get_final_completion(), telemetry)
    server.route(
        "/v1/messages",
        lambda request: Sse(anthropic_wire.message_events(anthropic_wire.message()), named=True),
    )
    claude = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)
    telemetry.clear()
    with claude.messages.stream(model="claude-haiku-4-5", max_tokens=9, messages=ASK) as events:
        running = otelier.span_of(events)
        assert running is not None and running.is_recording()
        events.until_done()
        assert is_of(events, telemetry) and is_of(events.get_final_message(), telemetry)


def test_raw_responses(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    raw = gpt.chat.completions.with_raw_response.create(**CHAT)
    assert is_of(raw, telemetry)
    assert is_of(raw.parse(), telemetry)
    with gpt.chat.completions.with_streaming_response.create(**CHAT) as lazy:
        running = otelier.span_of(lazy)
        assert running is not None and running.is_recording()
        lazy.read()
    assert is_of(lazy, telemetry)


def test_responses(server: ProviderServer, telemetry: Telemetry) -> None:
    told = openai_wire.response_object(openai_wire.message_item("Hello."), id="resp_1")
    server.route("/responses", lambda request: Json(told))
    server.route("/responses/resp_1", lambda request: Json(told))
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    assert is_of(client.responses.create(model="gpt-4o", input="hi"), telemetry)
    # One that is fetched again is the answer of the call that gave it.
    assert is_of(client.responses.retrieve("resp_1"), telemetry)
    assert len(telemetry.spans("fetch_response")) == 1
    # Of one that another process has begun this one knows the call that fetched it.
    following.forget()
    assert is_of(client.responses.retrieve("resp_1"), telemetry, "fetch_response")


def test_the_answer_before_is_not_this_one(server: ProviderServer, telemetry: Telemetry) -> None:
    def told(number: int, **more: Any) -> Json:
        item = openai_wire.message_item("Hello.")
        return Json(openai_wire.response_object(item, id=f"resp_{number}", **more))

    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    server.route("/responses", lambda request: told(1))
    client.responses.create(model="gpt-4o", input="hi")
    server.route("/responses", lambda request: told(2, previous_response_id="resp_1"))
    second = client.responses.create(model="gpt-4o", input="and?", previous_response_id="resp_1")
    assert second.previous_response_id == "resp_1" and is_of(second, telemetry)
    # It was not sampled, say, or is of long ago.
    del following._answers["resp_2"]
    assert otelier.span_of(second) is None
    assert otelier.span_of({"previousResponseId": "resp_1"}) is None


# No image is one; and what the program gets of Bedrock's InvokeModel is a body to read.
WITHOUT = ("image", "invoke")
CASES = [
    pytest.param(provider, case, id=f"{provider.name}-{case.name}")
    for provider in providers()
    for case in provider.cases
    if not case.streamed
    and case.requests == 1
    and "sync" in case.flavours
    and case.name not in WITHOUT
]


@pytest.mark.parametrize(("provider", "case"), CASES)
def test_other_sdks(
    provider: Provider, case: Case, server: ProviderServer, telemetry: Telemetry
) -> None:
    """Where the span has the answer's id, the answer leads to the span."""
    app = App(server, telemetry, False)
    client = open_client(provider, app)
    app.script(case.reply())
    result = case.start(client, False)
    told = [s for s in telemetry.spans() if "gen_ai.response.id" in (s.attributes or {})]
    found = otelier.span_of(result)
    asyncio.run(app.finish())
    if told:
        assert found is not None
        assert found.get_span_context() in [span.context for span in told]
    else:
        # Of a body that waits to be read.
        assert found is None or found.is_recording()


# --- what is none, and what is kept ---------------------------------------------------------------


def test_what_is_no_answer(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    answer = gpt.chat.completions.create(**CHAT)
    loop: list[Any] = []
    loop.append(loop)
    deep: Any = answer
    for _ in range(50):
        deep = [deep]
    things: list[Any] = [None, 3, "hi", answer.id, b"{}", object(), object, len, loop, deep]
    things += [{"content": answer.id}, {"tool_call_id": None}, Tripwire(), [Tripwire()]]
    things += [iter([answer]), (each for each in [answer])]
    for thing in things:
        assert otelier.span_of(thing) is None
    # Nothing was consumed.
    assert next(things[-1]) is answer and next(things[-2]) is answer
    assert not guard.failures()


def test_a_large_thing_is_looked_at_for_a_while(telemetry: Telemetry, gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(**CHAT)
    wide = [[{"n": number} for number in range(300)] for _ in range(300)]
    assert otelier.span_of([*wide[:100], {"answer": answer}]) is not None
    assert otelier.span_of([[wide, [[answer]]], *wide]) is None


def test_no_more_of_it_is_touched_however_large_it_is(
    telemetry: Telemetry, gpt: openai.OpenAI
) -> None:
    """By the memory that a copy of it would need."""
    answer = gpt.chat.completions.create(**CHAT)
    large = {str(number): number for number in range(100_000)}
    several = list(range(200_000))

    class Named(dict[str, Any]):
        pass

    class Listed(list[Any]):
        pass

    mine = SimpleNamespace()
    mine.__dict__.update(large)
    assert otelier.span_of([answer]) is not None
    for thing in (large, several, tuple(several), mine, Named(large), Listed(several)):
        tracemalloc.start()
        try:
            assert otelier.span_of([thing]) is None
            assert tracemalloc.get_traced_memory()[1] < 500_000
        finally:
            tracemalloc.stop()
    assert otelier.span_of([*several, answer]) is not None
    assert otelier.span_of(Named(large, answer=answer)) is None
    assert otelier.span_of(Named(answer=answer)) is not None
    # Of bodies no more than a few megabytes are read.
    body = json.dumps({"id": answer.id, "told": "a" * (3 << 20)}).encode()
    unknown = [SimpleNamespace(_content=body.replace(b"chatcmpl", b"unknown")) for _ in range(3)]
    assert otelier.span_of([SimpleNamespace(_content=body)]) is not None
    assert otelier.span_of([SimpleNamespace(_content=body), *unknown]) is None


def test_what_another_thread_changes(telemetry: Telemetry, gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(**CHAT)

    class Changed(dict[str, Any]):
        pass

    held: Any = Changed(answer=answer)
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            held[f"more-{number % 100}"] = number
            held.pop(f"more-{(number + 50) % 100}", None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        found = [otelier.span_of(held) for _ in range(2000)]
    finally:
        stop.set()
        thread.join()
    assert not guard.failures()
    assert sum(each is not None for each in found) > 1900


def test_no_answer_is_held(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    answer = gpt.chat.completions.create(**CHAT)
    assert is_of(answer, telemetry)
    gone = weakref.ref(answer)
    del answer
    gc.collect()
    assert gone() is None


def test_a_thousand_are_known(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    first = gpt.chat.completions.create(**CHAT)
    second = gpt.chat.completions.create(**CHAT)
    address = telemetry.spans()[0]
    for number in range(following.ANSWERS - 2):
        following.answer(f"other-{number}", address)  # type: ignore[arg-type]
    assert is_of([first], telemetry) is False and otelier.span_of(first) is not None
    assert otelier.span_of(second) is not None
    for number in range(5 * following.ANSWERS):
        following.answer(f"another-{number}", address)  # type: ignore[arg-type]
        assert following.known() <= following.ANSWERS + following.SOME + 1
    assert otelier.span_of(first) is None and otelier.span_of(second) is None


def test_what_is_not_recorded_has_no_span(server: ProviderServer, gpt: openai.OpenAI) -> None:
    running = Telemetry(sampler=ALWAYS_OFF).start()
    assert otelier.span_of(gpt.chat.completions.create(**CHAT)) is None
    running.stop()


def test_nothing_is_known_any_more(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    answer = gpt.chat.completions.create(**CHAT)
    otelier.uninstrument()
    assert otelier.span_of(answer) is None
    assert not following.known()


def test_without_content(server: ProviderServer, gpt: openai.OpenAI) -> None:
    running = Telemetry().start(capture="NO_CONTENT")
    answer = gpt.chat.completions.create(**CHAT)
    assert is_of(answer, running)
    running.stop()


def test_a_span_of_others_that_is_enriched(gpt: openai.OpenAI, telemetry: Telemetry) -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    with telemetry.tracer.start_as_current_span("theirs", attributes=told) as span:
        answer = gpt.chat.completions.create(**CHAT)
    found = otelier.span_of(answer)
    assert found is not None and found.get_span_context() == span.get_span_context()
