"""Results of message batches: one span for the read, with sums."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from otelier import semconv
from otelier.protocols.anthropic import batches as anthropic_batches
from tests.servers import ProviderServer, Raw
from tests.telemetry import Telemetry

MODEL = "claude-sonnet-4-5"
ID = "msgbatch_local_1"


def line(number: int, kind: str = "succeeded", model: str = MODEL, **used: int) -> bytes:
    result: dict[str, Any] = {"type": kind}
    if kind == "succeeded":
        result["message"] = {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": "Hi"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 100, "output_tokens": 10, "service_tier": "batch", **used},
        }
    elif kind == "errored":
        error = {"type": "overloaded_error", "message": "busy"}
        result["error"] = {"type": "error", "error": error}
    return json.dumps({"custom_id": f"r{number}", "result": result}).encode() + b"\n"


MIXED = [
    line(1, cache_read_input_tokens=50),
    line(2, cache_creation_input_tokens=20),
    line(3, "errored"),
    line(4, "expired"),
    line(5, "canceled"),
]


if not hasattr(anthropic.Anthropic(api_key="k").messages, "batches"):
    pytest.skip("this version has no message batches", allow_module_level=True)


# A client that is let go of closes its connections, whenever the garbage collector comes.
_held: list[anthropic.Anthropic] = []


def client(server: ProviderServer) -> anthropic.Anthropic:
    _held.append(anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0))
    return _held[-1]


@pytest.fixture
def priced(server: ProviderServer, telemetry: Telemetry) -> Telemetry:
    telemetry.stop()
    host = server.url.removeprefix("http://")
    return telemetry.start(provider_hosts=f"{host}=anthropic")


def serve(server: ProviderServer, *lines: bytes) -> None:
    server.route("/results", Raw(b"".join(lines), "application/x-jsonl"))


def test_sums(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, *MIXED)
    results = list(client(server).messages.batches.results(ID))
    assert [result.custom_id for result in results] == ["r1", "r2", "r3", "r4", "r5"]
    span = priced.span("batch_results")
    assert span.name == "batch_results" and span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    for name, value in {
        "gen_ai.operation.name": "batch_results",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.response.model": MODEL,
        "otelier.batch.id": ID,
        "otelier.batch.succeeded": 2,
        "otelier.batch.errored": 1,
        "otelier.batch.expired": 1,
        "otelier.batch.canceled": 1,
        "gen_ai.usage.input_tokens": 270,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 50,
        "gen_ai.usage.cache_write.input_tokens": 20,
        "otelier.cost.source": "prices",
    }.items():
        assert span.attributes[name] == value, name
    # Half of 3 and 15 USD per million; cached at 0.1, written at 1.25 of the input's price.
    expected = (200 * 1.5 + 20 * 7.5 + 50 * 0.15 + 20 * 1.875) / 1e6
    assert span.attributes[semconv.COST] == pytest.approx(expected)
    assert "gen_ai.response.id" not in span.attributes
    assert semconv.STREAM_END not in span.attributes
    metrics = priced.metrics()
    assert "gen_ai.client.operation.duration" in metrics
    assert "gen_ai.client.token.usage" not in metrics
    assert "gen_ai.client.operation.cost" not in metrics


def test_large_requests_are_priced_one_by_one(server: ProviderServer, priced: Telemetry) -> None:
    # Together they pass 200,000 tokens, above which one request would cost twice as much.
    serve(server, *(line(n, input_tokens=150_000) for n in range(4)))
    list(client(server).messages.batches.results(ID))
    cost = priced.span("batch_results").attributes[semconv.COST]
    assert cost == pytest.approx((600_000 * 1.5 + 40 * 7.5) / 1e6)


def test_unpriced_model_gives_no_cost(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, line(1), line(2, model="claude-of-tomorrow"))
    list(client(server).messages.batches.results(ID))
    span = priced.span("batch_results")
    assert semconv.COST not in span.attributes
    assert semconv.RESPONSE_MODEL not in span.attributes
    assert span.attributes["gen_ai.usage.input_tokens"] == 200


def test_left_early(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, *MIXED)
    results = client(server).messages.batches.results(ID)
    next(iter(results))
    results.close()
    span = priced.span("batch_results")
    assert span.attributes[semconv.STREAM_END] == "closed"
    assert span.attributes["otelier.batch.succeeded"] == 1
    assert span.attributes["gen_ai.usage.input_tokens"] == 150


def test_abandoned(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, *MIXED)
    results = client(server).messages.batches.results(ID)
    next(iter(results))
    del results
    assert priced.span("batch_results").attributes[semconv.STREAM_END] in ("abandoned", "closed")


def test_nothing_is_read_ahead(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, *MIXED)
    results = client(server).messages.batches.results(ID)
    kind = type(results).__name__
    assert kind == "JSONLDecoder"
    for number, result in enumerate(results, 1):
        assert result.custom_id == f"r{number}"
        assert not priced.spans("batch_results")
    assert priced.span("batch_results")


def test_broken(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, line(1), b'{"custom_id": "r2", "res\n')
    with pytest.raises(Exception) as caught:
        list(client(server).messages.batches.results(ID))
    span = priced.span("batch_results")
    assert span.attributes[semconv.ERROR_TYPE].endswith(caught.type.__name__)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["otelier.batch.succeeded"] == 1


def test_asynchronous_and_beta(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, *MIXED)

    async def run() -> int:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
            found = 0
            for batches in (client.messages.batches, client.beta.messages.batches):
                async for _ in await batches.results(ID):
                    found += 1
            return found

    assert asyncio.run(run()) == 10
    for span in priced.spans("batch_results"):
        assert span.attributes["otelier.batch.succeeded"] == 2
        assert span.attributes["gen_ai.usage.input_tokens"] == 270
    assert len(priced.spans("batch_results")) == 2


def test_raw_response(server: ProviderServer, priced: Telemetry) -> None:
    serve(server, *MIXED)
    batches = client(server).messages.batches.with_raw_response
    if not hasattr(batches, "results"):
        pytest.skip("this anthropic has no raw results")
    raw = batches.results(ID)
    assert len(list(raw.parse())) == 5
    span = priced.span("batch_results")
    assert span.attributes["otelier.batch.succeeded"] == 2


def test_holds_little(telemetry: Telemetry) -> None:
    reader = anthropic_batches.Reader(True)
    for number in range(2000):
        reader.chunk(json.loads(line(number, input_tokens=number % 500)))
    reply = reader.reply(True)
    assert len(reply.parts) <= 2
    assert reply.usage is not None and reply.usage.output == 20_000
    assert reply.attributes["otelier.batch.succeeded"] == 2000
