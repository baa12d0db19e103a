"""Recorded Bedrock traffic, made again without and with otelier: the same for the application, and
a span that says what the recording says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from otelier import guard
from tests.conftest import RECORDINGS
from tests.hooks.reading import facts
from tests.servers import Chunked, ProviderServer, Raw, Recorded, Reply
from tests.telemetry import Telemetry
from tests.transparency.providers.bedrock import Clients

ParamValidationError = pytest.importorskip("botocore.exceptions").ParamValidationError

FILES = [path for name in ("bedrock", "bedrock-runtime") for path in (RECORDINGS / name).glob("*")]
CASES = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(FILES)] or [
    pytest.param(
        None, marks=pytest.mark.skip(f"no recordings in {RECORDINGS}"), id="recordings are absent"
    )
]
METHODS = {
    "converse": ("converse", None),
    "converse-stream": ("converse_stream", "stream"),
    "invoke": ("invoke_model", "body"),
    "invoke-with-response-stream": ("invoke_model_with_response_stream", "body"),
}
NOT_REPLAYED = {"connection", "date", "set-cookie", "transfer-encoding", "content-length"}
FINISH = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_call",
    "stop_sequence": "stop",
    "length": "length",
    "LENGTH": "length",
    "MAX_TOKENS": "length",
    "STOP_SEQUENCE": "stop",
    "stop": "stop",
    "COMPLETE": "stop",
    "FINISH": "stop",
}


@cache
def interactions(path: Path) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(), loader)["interactions"]


def replied(server: ProviderServer, request: Recorded, response: Any) -> Reply:
    body = response["body"]["string"]
    data = body if isinstance(body, bytes) else body.encode()
    unset = dict.fromkeys(server.defaults.headers(request))
    headers = {**unset, **{name.lower(): value[0] for name, value in response["headers"].items()}}
    kept = {name: value for name, value in headers.items() if name not in NOT_REPLAYED}
    kind = kept.pop("content-type", None) or "application/json"
    if "eventstream" in kind:
        return Chunked([data], kind, kept)
    return Raw(data, kind, response["status"]["code"], kept)


def play(client: Clients, interaction: Any) -> tuple[Any, Any]:
    """Make a recorded call: what the application sees, and the events or the body in it."""
    _, model, action = interaction["request"]["uri"].rsplit("/", 2)
    method, member = METHODS[action]
    body = interaction["request"]["body"] or "{}"
    given = json.loads(body) if "converse" in action else {"body": body}
    try:
        result = client.call("models", method, modelId=unquote(model), **given)
        if member is None:
            return result, result
        stream = result.pop(member)
        parts: Any = list(stream) if action != "invoke" else json.loads(stream.read())
        return [type(stream), result, parts], parts
    except client.models().exceptions.ClientError as error:
        return [type(error), str(error), error.response], None


@pytest.fixture
def client(server: ProviderServer) -> Iterator[Clients]:
    made = Clients(server.url, "botocore")
    yield made
    made.close()


@pytest.mark.parametrize("path", CASES)
def test_replay(path: Path, server: ProviderServer, client: Clients) -> None:
    def run() -> list[tuple[Any, Any]]:
        server.clear()
        for each in interactions(path):
            server.script(lambda request, each=each: replied(server, request, each["response"]))
        return [play(client, each) for each in interactions(path)]

    try:
        bare = run()
    except ParamValidationError as problem:
        pytest.skip(f"this version knows less: {problem}")
    asked = [(request.path, request.body) for request in server.requests]
    telemetry = Telemetry().start()
    try:
        seen = run()
    finally:
        telemetry.stop()
    assert seen == bare
    assert [(request.path, request.body) for request in server.requests] == asked
    assert not guard.failures(), guard.failures()
    spans = telemetry.spans()
    assert len(spans) == len(seen)
    for interaction, (_, answer), span in zip(interactions(path), seen, spans, strict=True):
        found = facts(span)
        model = unquote(interaction["request"]["uri"].rsplit("/", 2)[1])
        assert found["gen_ai.request.model"] == model
        headers = {k.lower(): v[0] for k, v in interaction["response"]["headers"].items()}
        if "x-amzn-requestid" in headers:
            assert found["otelier.provider.request_id"] == headers["x-amzn-requestid"]
        if answer is None:
            assert found["otelier.provider.error_code"] == "ValidationException"
            assert found["http.response.status_code"] == interaction["response"]["status"]["code"]
            continue
        told = list(values(answer))
        reasons = [v for k, v in told if k in REASONS and isinstance(v, str)]
        assert found["gen_ai.response.finish_reasons"] == [FINISH[reasons[-1]]]
        assert_counts(found, told, headers)
        assert texts(found.get("gen_ai.output.messages", ())) == said(told)


REASONS = ("stopReason", "stop_reason", "finish_reason", "completionReason")
SAID = ("text", "outputText", "generation")


def values(value: Any) -> Iterator[tuple[str, Any]]:
    """All members of an answer, in its order; bytes are JSON."""
    if isinstance(value, bytes):
        value = json.loads(value)
    for item in value if isinstance(value, list) else ():
        yield from values(item)
    for name, item in value.items() if isinstance(value, dict) else ():
        yield name, item
        if name not in ("ResponseMetadata", "chat_history"):
            yield from values(item)


def said(told: list[tuple[str, Any]]) -> str:
    return "".join(value for name, value in told if name in SAID and isinstance(value, str))


def texts(messages: Any) -> str:
    return "".join(
        part["content"]
        for message in messages
        for part in message["parts"]
        if part["type"] == "text"
    )


def assert_counts(found: Any, told: list[tuple[str, Any]], headers: Any) -> None:
    last = dict(told)
    base, made, read, written = (
        next((last[name] for name in names if last.get(name) is not None), None)
        for names in (
            ("inputTokens", "input_tokens", "inputTokenCount"),
            ("outputTokens", "output_tokens", "outputTokenCount"),
            ("cacheReadInputTokens", "cacheReadInputTokenCount"),
            ("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
        )
    )
    if base is None:
        base = int(headers["x-amzn-bedrock-input-token-count"])
        made = int(headers["x-amzn-bedrock-output-token-count"])
    assert found["gen_ai.usage.input_tokens"] == base + (read or 0) + (written or 0)
    assert found["gen_ai.usage.output_tokens"] == made
    assert found.get("gen_ai.usage.cache_read.input_tokens") == (read or None)
    assert found.get("gen_ai.usage.cache_write.input_tokens") == (written or None)
