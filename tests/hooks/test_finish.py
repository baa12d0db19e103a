"""Why answers end, as spans of real SDKs say it: ``error`` stands only beside an error."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from otelier import semconv
from tests import installed as sdks
from tests.servers import Json, ProviderServer, openai_responses
from tests.servers.replies import Sse
from tests.telemetry import Telemetry

openai = pytest.importorskip("openai")

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
ASKED: dict[str, Any] = {"model": "gpt-4o", "input": "Hi"}


@pytest.fixture
def client(server: ProviderServer) -> Any:
    return openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)


def _choice(reason: str | None, text: str = "Hi", index: int = 0, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"index": index, "message": message, "finish_reason": reason, **more}


def _answer(*choices: dict[str, Any]) -> Json:
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o"}
    return Json({**head, "choices": list(choices)})


def _delta(text: str, index: int = 0, reason: str | None = None) -> dict[str, Any]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    choice = {"index": index, "delta": {"content": text}, "finish_reason": reason}
    return {**head, "choices": [choice]}


def _told(telemetry: Telemetry) -> tuple[Any, Any, bool]:
    """The reasons of the span, those of its messages, and whether it failed."""
    import json

    span = telemetry.span()
    attributes = span.attributes or {}
    messages = json.loads(str(attributes.get("gen_ai.output.messages", "[]")))
    return (
        attributes.get(semconv.RESPONSE_FINISH_REASONS),
        [message["finish_reason"] for message in messages],
        span.status.status_code is StatusCode.ERROR,
    )


@pytest.mark.parametrize(
    ("reasons", "wanted"),
    [
        ([None], (None, ["unknown"], False)),
        ([""], (None, ["unknown"], False)),
        (["stop", None], (("stop", "unknown"), ["stop", "unknown"], False)),
        (["stop", "error"], (("stop", "error"), ["stop", "error"], False)),
        # The provider says that all of it failed.
        (["error"], (("error",), ["error"], True)),
    ],
)
def test_whole(
    client: Any, server: ProviderServer, telemetry: Telemetry, reasons: list[Any], wanted: Any
) -> None:
    server.script(_answer(*(_choice(each, index=at) for at, each in enumerate(reasons))))
    client.chat.completions.create(**CHAT)
    assert _told(telemetry) == wanted


def test_the_error_of_a_choice(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    error = {"code": 502, "message": "Upstream is gone"}
    server.script(_answer(_choice("error", error=error)))
    client.chat.completions.create(**CHAT)
    span = telemetry.span()
    assert (span.attributes or {})["error.type"] == "502"
    assert span.status.description == "Upstream is gone"


@sdks.openai_streams
def test_a_stream_left_early(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Sse([_delta("a"), _delta("b", 1, "length"), _delta("c"), _delta("d")]))
    with client.chat.completions.create(**CHAT, stream=True) as stream:
        for _, _ in zip(range(2), stream, strict=False):
            pass
    # What is known of the other choice stays in its place.
    assert _told(telemetry) == (("unknown", "length"), ["unknown", "length"], False)


def test_a_stream_that_is_cut(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Sse([_delta("a", 0, "stop"), _delta("b", 1), _delta("c", 1)], drop_after=2))
    with pytest.raises(Exception, match=r"(?i)peer|connection|body|chunk"):
        list(client.chat.completions.create(**CHAT, stream=True))
    assert _told(telemetry) == (("stop", "error"), ["stop", "error"], True)


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_responses_that_have_not_ended(
    client: Any, server: ProviderServer, telemetry: Telemetry, status: str
) -> None:
    if not hasattr(client, "responses"):
        pytest.skip("this version has no responses")
    server.script(Json({**openai_responses.response_object(), "status": status, "output": []}))
    client.responses.create(**ASKED)
    assert _told(telemetry) == (None, [], False)
