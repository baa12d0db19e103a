"""A model call on a span that somebody else made says there what was asked, too."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from opentelemetry.trace import SpanKind

from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry

ASK: Any = [{"role": "user", "content": "Hi"}]


def ask(server: ProviderServer, **options: Any) -> Any:
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    return client.chat.completions.create(model="gpt-4o-mini", messages=ASK, **options)


def around(
    server: ProviderServer, telemetry: Telemetry, name: str = "chat", **attributes: Any
) -> Any:
    """The span of a framework around one call."""
    server.script(Json(openai_wire.chat_completion()))
    tracer = telemetry.tracer_provider.get_tracer("framework")
    held = {"gen_ai.operation.name": "chat", **attributes}
    with tracer.start_as_current_span(name, kind=SpanKind.INTERNAL, attributes=held):
        ask(server, temperature=0.5, max_tokens=9)
    return telemetry.span()


def test_what_it_lacks(server: ProviderServer, telemetry: Telemetry) -> None:
    span = around(server, telemetry)
    assert (span.name, span.kind) == ("chat gpt-4o-mini", SpanKind.INTERNAL)
    found = dict(span.attributes)
    for name, value in {
        "gen_ai.provider.name": "openai",
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2]),
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.finish_reasons": ("stop",),
    }.items():
        assert found[name] == value, name
    assert found["gen_ai.usage.cost"] > 0


def test_what_it_says_stays(server: ProviderServer, telemetry: Telemetry) -> None:
    said = {
        "gen_ai.provider.name": "azure.ai.openai",
        "server.address": "proxy",
        "gen_ai.request.model": "house-model",
        "gen_ai.request.temperature": 0.1,
    }
    span = around(server, telemetry, **said)
    assert span.name == "chat house-model"
    assert {name: span.attributes[name] for name in said} == said


@pytest.mark.parametrize("name", ["ask the model", "chat house-model", "Chat"])
def test_a_name_of_its_own_stays(server: ProviderServer, telemetry: Telemetry, name: str) -> None:
    assert around(server, telemetry, name=name).name == name


@pytest.mark.parametrize("where", ["gen_ai.system", "gen_ai.provider.name"])
def test_a_framework_that_names_itself(
    server: ProviderServer, telemetry: Telemetry, where: str
) -> None:
    found = around(server, telemetry, **{where: "strands-agents"}).attributes
    assert found["gen_ai.provider.name"] == "openai"
    assert found["gen_ai.usage.cost"] > 0


def test_a_url_is_no_address(server: ProviderServer, telemetry: Telemetry) -> None:
    found = around(server, telemetry, **{"server.address": server.url + "/v1"}).attributes
    assert found["server.address"] == "127.0.0.1"


def test_who_answered_shows_in_the_answer(server: ProviderServer) -> None:
    """A provider that was assumed when the call began is put right."""
    running = Telemetry().start()
    body = {**openai_wire.chat_completion(), "system_fingerprint": "fp_ollama"}
    server.script(Json(body))
    tracer = running.tracer_provider.get_tracer("framework")
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}):
        ask(server)
    running.stop()
    found = running.span().attributes or {}
    assert found["gen_ai.provider.name"] == "ollama"
    assert "gen_ai.usage.cost" not in found


def streamed(server: ProviderServer, telemetry: Telemetry, told: dict[str, Any]) -> Any:
    """A stream that goes on when the framework's span has ended, with what that was told."""
    server.script(Sse(openai_wire.chat_chunks(include_usage=True)))
    tracer = telemetry.tracer_provider.get_tracer("framework")
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as span:
        stream = iter(ask(server, stream=True, stream_options={"include_usage": True}))
        next(stream)
        span.set_attributes(told)
    return stream


def test_ended_with_usage(server: ProviderServer, telemetry: Telemetry) -> None:
    """Nothing is made beside it, and it says who was asked."""
    list(streamed(server, telemetry, {"gen_ai.usage.input_tokens": 12}))
    span = telemetry.span()
    found = span.attributes or {}
    assert span.name == "chat gpt-4o-mini"
    assert found["gen_ai.provider.name"] == "openai"
    assert found["server.address"] == "127.0.0.1"


def test_ended_without_usage(server: ProviderServer, telemetry: Telemetry) -> None:
    list(streamed(server, telemetry, {}))
    told = [(span.attributes or {}).get("gen_ai.usage.input_tokens") for span in telemetry.spans()]
    assert told == [None, 12]


def test_ended_and_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    """What was left has nothing to say that its span does not."""
    streamed(server, telemetry, {}).close()
    assert telemetry.span().name == "chat gpt-4o-mini"


def test_metrics_that_its_library_records_are_not_doubled(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    """But for the cost, which nobody else knows."""
    server.script(Json(openai_wire.chat_completion()))
    tracer = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.genai.openai")
    held = {"gen_ai.operation.name": "chat"}
    with tracer.start_as_current_span("chat", attributes=held):
        ask(server)
    metrics = telemetry.metrics()
    assert set(metrics) == {"gen_ai.client.operation.cost"}
    assert metrics["gen_ai.client.operation.cost"][0].value > 0
