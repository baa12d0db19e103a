"""A call that covers those which other SDKs make beneath it: one span for one model call."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from otelier import semconv
from otelier.call import Call, begin
from otelier.identity import Identity
from otelier.protocols import Route, no_content
from otelier.protocols.openai.chat import Reader, request
from tests.servers import ProviderServer
from tests.telemetry import Telemetry

CHAT = Route(semconv.CHAT, request, no_content, Reader)
NOWHERE = Identity("acme", None, None, "")
ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k")


def covering(covers: bool = True, route: Route = CHAT) -> Call:
    call = begin(route, {"model": "acme/gpt"}, NOWHERE, covers=covers)
    assert call is not None
    return call


def test_the_call_beneath_makes_no_span(
    client: openai.OpenAI, server: ProviderServer, telemetry: Telemetry
) -> None:
    call = covering()
    token = call.enter()
    client.chat.completions.create(**ASK)
    call.leave(token)
    call.end()
    span = telemetry.span()
    assert span.name == "chat acme/gpt"
    # What it reached is known through it.
    assert span.attributes["server.port"] == int(server.url.rpartition(":")[2])
    assert span.attributes["gen_ai.provider.name"] == "acme"


def test_streams_and_legacy_completions_beneath(
    client: openai.OpenAI, telemetry: Telemetry
) -> None:
    call = covering()
    token = call.enter()
    stream = client.chat.completions.create(**ASK, stream=True)
    client.completions.create(model="m", prompt="Hi")
    call.leave(token)
    assert len(list(stream)) > 1
    call.end()
    assert telemetry.span().name == "chat acme/gpt"


def test_other_operations_beneath_have_their_own(
    client: openai.OpenAI, telemetry: Telemetry
) -> None:
    call = covering()
    token = call.enter()
    client.embeddings.create(model="text-embedding-3-small", input="a")
    call.leave(token)
    call.end()
    assert [span.name for span in telemetry.spans()] == [
        "embeddings text-embedding-3-small",
        "chat acme/gpt",
    ]


def test_calls_outside_of_it_and_inside_of_a_span_between(
    client: openai.OpenAI, telemetry: Telemetry
) -> None:
    call = covering()
    client.chat.completions.create(**ASK)
    token = call.enter()
    with telemetry.tracer.start_as_current_span("guardrail"):
        client.chat.completions.create(**ASK)
    call.leave(token)
    call.end()
    names = [span.name for span in telemetry.spans()]
    assert names == ["chat gpt-4o", "chat gpt-4o", "guardrail", "chat acme/gpt"]


def test_calls_that_cover_nothing_and_calls_that_have_ended(
    client: openai.OpenAI, telemetry: Telemetry
) -> None:
    for covers in (False, True):
        call = covering(covers)
        token = call.enter()
        if covers:
            call.end()
        client.chat.completions.create(**ASK)
        call.leave(token)
        call.end()
    assert len(telemetry.spans()) == 4


def test_what_answers_may_show_late(telemetry: Telemetry) -> None:
    call = covering()
    call.answered_by(Identity("openai", "api.openai.com", 443, "https://api.openai.com"))
    call.whole({"model": "gpt-4o", "usage": {"prompt_tokens": 10, "completion_tokens": 1}})
    call.end()
    span = telemetry.span()
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["server.address"] == "api.openai.com"
    assert span.attributes["gen_ai.usage.cost"] > 0
    points = telemetry.metrics()["gen_ai.client.operation.duration"]
    assert points[0].attributes["gen_ai.provider.name"] == "openai"
