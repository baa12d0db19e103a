"""The time between chunks is a metric on request, one value for each chunk but the first."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.servers import ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_message
from tests.telemetry import Telemetry

NAME = "gen_ai.client.operation.time_per_output_chunk"


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("raw", [True, False])
def test_time_per_output_chunk(server: ProviderServer, wanted: bool, raw: bool) -> None:
    telemetry = Telemetry().start(chunk_times=wanted)
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    chunks = chat_chunks(chat_message())
    server.script(Sse(chunks))
    asked: dict[str, Any] = {"model": "m", "messages": [], "stream": True}
    if raw:
        list(client.chat.completions.with_raw_response.create(**asked).parse())
    else:
        list(client.chat.completions.create(**asked))
    points = telemetry.metrics()
    assert sum(point.count for point in points.get(NAME, [])) == (len(chunks) - 1) * wanted
    assert sum(p.count for p in points["gen_ai.client.operation.time_to_first_chunk"]) == 1
    telemetry.stop()
