"""What metrics tell apart, and which instrument measures an operation."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from otelier import semconv
from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry

TIER, PRINT = semconv.OPENAI_RESPONSE_SERVICE_TIER, semconv.OPENAI_SYSTEM_FINGERPRINT
CHUNKS = openai_wire.chat_chunks(openai_wire.chat_message(), model="gpt-5")
CHAT: dict[str, Any] = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hi"}]}


def _client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0)


def _answer(**more: Any) -> Json:
    return Json(
        {
            **openai_wire.chat_completion(model="gpt-5"),
            "service_tier": "flex",
            "system_fingerprint": "fp_1",
            **more,
        }
    )


def _points(server: ProviderServer, provider: str = "openai", **options: Any) -> dict[str, Any]:
    host = server.url.removeprefix("http://")
    telemetry = Telemetry().start(provider_hosts=f"{host}={provider}", **options)
    try:
        _client(server).chat.completions.create(**CHAT)
        return telemetry.metrics()
    finally:
        telemetry.stop()


def test_service_tier(server: ProviderServer) -> None:
    server.script(_answer())
    for name, points in _points(server).items():
        for point in points:
            assert point.attributes[TIER] == "flex", name
            assert PRINT not in point.attributes, name


def test_fingerprint_if_asked_for(server: ProviderServer) -> None:
    server.script(_answer())
    for name, points in _points(server, metrics_fingerprint=True).items():
        for point in points:
            assert (point.attributes[TIER], point.attributes[PRINT]) == ("flex", "fp_1"), name


def test_an_answer_that_does_not_tell(server: ProviderServer) -> None:
    server.script(_answer(service_tier=None))
    for points in _points(server).values():
        assert not any(TIER in point.attributes for point in points)


def test_other_providers_have_other_conventions(server: ProviderServer) -> None:
    server.script(_answer())
    for points in _points(server, provider="groq", metrics_fingerprint=True).values():
        for point in points:
            assert not {TIER, PRINT} & point.attributes.keys()


def test_the_first_chunk_has_no_tier(server: ProviderServer) -> None:
    """The conventions add it to durations and tokens alone."""
    host = server.url.removeprefix("http://")
    telemetry = Telemetry().start(provider_hosts=f"{host}=openai")
    server.script(Sse([{**chunk, "service_tier": "default"} for chunk in CHUNKS]))
    for _ in _client(server).chat.completions.create(**CHAT, stream=True):
        pass
    metrics = telemetry.metrics()
    telemetry.stop()
    assert metrics[semconv.OPERATION_DURATION.name][0].attributes[TIER] == "default"
    assert TIER not in metrics[semconv.FIRST_CHUNK.name][0].attributes


@pytest.mark.parametrize(
    ("generation", "durations", "tokens"),
    [
        (semconv.COMPAT, [semconv.OPERATION_DURATION], [semconv.TOKEN_USAGE]),
        (semconv.LATEST, [semconv.EMBEDDINGS_DURATION], [semconv.EMBEDDINGS_INPUT]),
        (
            semconv.DUPLICATE,
            [semconv.OPERATION_DURATION, semconv.EMBEDDINGS_DURATION],
            [semconv.TOKEN_USAGE, semconv.EMBEDDINGS_INPUT],
        ),
    ],
)
def test_embeddings(
    server: ProviderServer,
    generation: semconv.Generation,
    durations: list[semconv.Instrument],
    tokens: list[semconv.Instrument],
) -> None:
    telemetry = Telemetry().start(generation=generation)
    made = _client(server).embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    metrics = telemetry.metrics()
    telemetry.stop()
    metrics.pop(semconv.OPERATION_COST.name, None)
    assert metrics.keys() == {instrument.name for instrument in (*durations, *tokens)}
    for instrument in tokens:
        (point,) = metrics[instrument.name]
        assert (point.count, point.sum) == (1, made.usage.prompt_tokens)


def test_embeddings_that_failed(server: ProviderServer) -> None:
    telemetry = Telemetry().start(generation=semconv.LATEST)
    server.script(Json({"error": {"message": "No."}}, status=400))
    with pytest.raises(openai.BadRequestError):
        _client(server).embeddings.create(model="m", input="a")
    ((point,),) = telemetry.metrics().values()
    telemetry.stop()
    assert point.attributes[semconv.ERROR_TYPE] == "openai.BadRequestError"
