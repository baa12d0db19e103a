"""What calls of Anthropic's models cost that are more than one sampling, by every client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from tests import installed as sdks
from tests.hooks.reading import facts
from tests.servers import Json, ProviderServer, Sse, anthropic_wire, bedrock_wire
from tests.telemetry import Telemetry

MODEL = "claude-sonnet-4-5"
BEDROCK = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ASK: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 99,
    "messages": [{"role": "user", "content": "Hi"}],
}
# As the API tells it: the summary's tokens are in no top-level count.
COMPACTED: dict[str, Any] = {
    "type": "compaction",
    "input_tokens": 55_000,
    "cache_read_input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "output_tokens": 196,
}
USAGE: dict[str, Any] = {
    **anthropic_wire.message_usage(200, 20),
    "iterations": [
        COMPACTED,
        {**COMPACTED, "type": "message", "input_tokens": 200, "output_tokens": 20},
    ],
}
# USD 3 and 15 per million.
COST = (55_200 * 3 + 216 * 15) / 1e6


def answer() -> dict[str, Any]:
    return anthropic_wire.message(model=MODEL, usage=USAGE)


def stream() -> Sse:
    return Sse(anthropic_wire.message_events(answer()), done=None, named=True)


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    host = server.url.removeprefix("http://")
    running = Telemetry().start(provider_hosts=f"{host}=anthropic")
    yield running
    running.stop()


def client(server: ProviderServer) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)


def _streamed(server: ProviderServer) -> None:
    with client(server).messages.stream(**ASK) as events:
        events.get_final_message()


def _beta_streamed(server: ProviderServer) -> None:
    for _ in client(server).beta.messages.create(stream=True, **ASK):
        pass


def _asynchronous(server: ProviderServer) -> None:
    async def run() -> None:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as made:
            await made.beta.messages.create(**ASK)

    asyncio.run(run())


Way = Callable[[ProviderServer], Any]
WAYS: dict[str, tuple[Way, bool]] = {
    "whole": (lambda server: client(server).messages.create(**ASK), False),
    "beta": (lambda server: client(server).beta.messages.create(**ASK), False),
    "raw": (lambda server: client(server).messages.with_raw_response.create(**ASK), False),
    "stream": (_streamed, True),
    "beta stream": (_beta_streamed, True),
    "asynchronous": (_asynchronous, False),
}


@sdks.anthropic_betas
@pytest.mark.parametrize(("way", "streams"), WAYS.values(), ids=WAYS)
def test_a_compaction(
    server: ProviderServer, telemetry: Telemetry, way: Way, streams: bool
) -> None:
    server.script(stream() if streams else Json(answer()))
    way(server)
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 55_200
    assert found["gen_ai.usage.output_tokens"] == 216
    assert found["gen_ai.usage.cost"] == pytest.approx(COST)
    assert found["otelier.provider.iterations"] == ["compaction", "message"]
    assert found["gen_ai.conversation.compacted"] is True


def test_a_compaction_on_bedrock(server: ProviderServer) -> None:
    botocore = pytest.importorskip("botocore.session")
    config = pytest.importorskip("botocore.config").Config
    unsigned = pytest.importorskip("botocore").UNSIGNED
    telemetry = Telemetry().start()
    try:
        server.script(bedrock_wire.invoked(answer()), Json(answer()))
        runtime = botocore.Session().create_client(
            "bedrock-runtime",
            endpoint_url=server.url,
            region_name="us-east-1",
            config=config(signature_version=unsigned),
        )
        asked = {name: value for name, value in ASK.items() if name != "model"}
        body = json.dumps({**asked, "anthropic_version": "bedrock-2023-05-31"})
        runtime.invoke_model(modelId=BEDROCK, body=body)["body"].read()
        runtime.close()
        made = anthropic.AnthropicBedrock(base_url=server.url, api_key="k", aws_region="us-east-1")
        made.messages.create(**{**ASK, "model": BEDROCK})
        spans = [facts(span) for span in telemetry.spans()]
    finally:
        telemetry.stop()
    assert len(spans) == 2
    for found in spans:
        assert found["gen_ai.provider.name"] == "aws.bedrock"
        assert found["gen_ai.usage.input_tokens"] == 55_200
        # An endpoint of one region costs a tenth more.
        assert found["gen_ai.usage.cost"] == pytest.approx(1.1 * COST)


@sdks.anthropic_betas
def test_the_tokens_of_a_thread_go_on_from_an_answer(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(answer()))
    thread = {"type": "continue", "previous_message_id": "msg_0"}
    client(server).beta.messages.create(**ASK, extra_body={"thread": thread})
    assert facts(telemetry.span())["gen_ai.request.previous_response.id"] == "msg_0"
