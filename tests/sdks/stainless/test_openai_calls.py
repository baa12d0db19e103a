"""openai's calls beside chat, responses and media: what their spans say."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from otelier import semconv
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

# Videos are to be shut down.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
QUESTIONS = [{"type": "predicate", "name": "polite", "instructions": "It is polite."}]


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> Any:
    return openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0)


def needs(client: Any, path: str) -> Any:
    found = client
    for name in path.split("."):
        if not hasattr(found, name):
            pytest.skip(f"this openai has no {path}")
        found = getattr(found, name)
    return found


def of(span: Any, name: str) -> Any:
    return json.loads(span.attributes[name])


def test_tokens_are_counted(client: Any, telemetry: Telemetry) -> None:
    needs(client, "responses.input_tokens").count(model="gpt-5", input="Hi")
    span = telemetry.span()
    assert span.name == "count_tokens gpt-5"
    assert span.attributes[semconv.COUNTED_TOKENS] == 12
    assert not {semconv.USAGE_INPUT, semconv.COST} & span.attributes.keys()
    assert of(span, semconv.INPUT_MESSAGES)[0]["parts"][0]["content"] == "Hi"
    assert semconv.TOKEN_USAGE.name not in telemetry.metrics()


def test_decisions(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    decisions = needs(client, "decisions")
    server.script(Json(openai_wire.decision()))
    decisions.create(model="gpt-6-luna", input="Please.", questions=QUESTIONS)
    span = telemetry.span()
    assert span.name == "generate_content gpt-6-luna"
    assert span.attributes[semconv.OUTPUT_TYPE] == "json"
    assert span.attributes[semconv.RESPONSE_MODEL] == "gpt-6-luna"
    assert span.attributes[semconv.USAGE_INPUT] == 40
    assert span.attributes[semconv.COST] == pytest.approx(40 * 0.1 / 1e6)
    asked, questions = of(span, semconv.INPUT_MESSAGES)
    assert asked["parts"] == [{"type": "text", "content": "Please."}]
    assert questions["parts"] == QUESTIONS
    (said,) = of(span, semconv.OUTPUT_MESSAGES)
    assert said["parts"] == [{"type": "predicate", "name": "polite", "probability": 0.9}]


def test_decisions_whose_price_is_not_the_models(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    decisions = needs(client, "decisions")
    server.script(Json(openai_wire.decision(output=3)))
    decisions.create(model="gpt-6-luna", input="Please.", questions=QUESTIONS)
    assert telemetry.span().attributes[semconv.USAGE_OUTPUT] == 3
    assert semconv.COST not in telemetry.span().attributes


@pytest.mark.parametrize("verb", ["create", "edit", "extend", "remix"])
def test_videos(client: Any, server: ProviderServer, telemetry: Telemetry, verb: str) -> None:
    make = needs(client, f"videos.{verb}")
    arguments: dict[str, dict[str, Any]] = {
        "create": {"model": "sora-2", "input_reference": ("a.png", b"png", "image/png")},
        "edit": {"video": ("a.mp4", b"mp4", "video/mp4")},
        "extend": {"video": ("a.mp4", b"mp4", "video/mp4"), "seconds": "4"},
        "remix": {"video_id": "video_0"},
    }
    server.script(Json(openai_wire.video()))
    make(prompt="A cat.", **arguments[verb])
    span = telemetry.span()
    assert span.name == "generate_content" + (" sora-2" if verb == "create" else "")
    got = span.attributes
    assert got[semconv.OUTPUT_TYPE] == "video"
    assert got[semconv.RESPONSE_ID] == "video_local_1"
    assert got["otelier.provider.video.seconds"] == "4"
    assert got.get("otelier.provider.video.remixed_from") == (
        "video_0" if verb == "remix" else None
    )
    assert semconv.COST not in got
    assert of(span, semconv.INPUT_MESSAGES)[0]["parts"] == [{"type": "text", "content": "A cat."}]


def test_waiting_for_a_video_is_no_call(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    make = needs(client, "videos.create_and_poll")
    server.script(Json(openai_wire.video()), Json(openai_wire.video("completed")))
    make(model="sora-2", prompt="A cat.")
    assert telemetry.span().name == "generate_content sora-2"


def test_search_in_a_vector_store(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    search = needs(client, "vector_stores.search")
    server.script(Json(openai_wire.found()))
    (page,) = search("vs_1", query=["a", "b"], max_num_results=3)
    assert page.file_id == "file_1"
    span = telemetry.span()
    assert span.name == "retrieval vs_1"
    assert span.attributes[semconv.DATA_SOURCE_ID] == "vs_1"
    assert span.attributes[semconv.RETRIEVAL_TOP_K] == 3
    assert span.attributes[semconv.RETRIEVAL_QUERY] == "a\nb"
    assert of(span, semconv.RETRIEVAL_DOCUMENTS) == [
        {"id": "file_1", "score": 0.75, "name": "a.txt", "content": "All about a."}
    ]


def test_search_in_a_vector_store_asynchronously(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=f"{server.url}/v1") as client:
            search = needs(client, "vector_stores.search")
            server.script(Json(openai_wire.found()))
            async for page in search("vs_1", query="a"):
                assert page.file_id == "file_1"

    asyncio.run(main())
    assert telemetry.span().name == "retrieval vs_1"


def test_a_stored_chat_completion_is_fetched(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    retrieve = needs(client, "chat.completions.retrieve")
    server.script(Json(openai_wire.chat_completion()))
    retrieve("chatcmpl_1")
    span = telemetry.span()
    assert span.name == "fetch_response"
    assert span.attributes[semconv.RESPONSE_FINISH_REASONS] == ("stop",)
    assert not {semconv.USAGE_INPUT, semconv.COST} & span.attributes.keys()
