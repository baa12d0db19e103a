"""Text that is no Unicode, and NUL, reach no attribute: strict parsers and PostgreSQL read all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

import otelier
from otelier import unicode, wire
from otelier.content import Policy
from otelier.settings import Settings
from tests.servers import Json, ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message, tool_call
from tests.telemetry import Telemetry

HALF = "a\ud83d"
NUL = "b\x00"
BAD = HALF + NUL + "\udc00c"
GOOD = "a\ufffdb\ufffd\ufffdc"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("é🎉", "é🎉"),
        (BAD, GOOD),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("x\ud83d\ud83d\ude00", "x\ufffd😀"),
        ("é\x00", "é\ufffd"),
    ],
)
def test_clean(text: str, clean: str) -> None:
    assert unicode.clean(text) == clean
    found = {"a": text, "n": 1, "l": [text, "x"], text: True}
    expected = {"a": clean, "n": 1, "l": [clean, "x"], clean: True}
    assert unicode.attributes(found) == expected
    assert (unicode.attributes(found) is found) == (text == clean)
    data = wire.dumps({"a": [text], text: {"x": text}})
    assert json.loads(data) == {"a": [clean], clean: {"x": clean}}
    strict(data.decode())


def test_a_text_that_speaks_of_escapes_stays() -> None:
    text = r"JSON writes NUL as \u0000 and half a pair as \ud83d"
    assert json.loads(wire.dumps([text])) == [text]


def test_arguments_with_half_a_pair_are_data() -> None:
    found = wire.parsed(r'{"a": "x\ud83d", "b": "\u0000", "c": "\ud83d\ude00"}')
    assert json.loads(wire.dumps(found)) == {"a": "x\ufffd", "b": "\ufffd", "c": "😀"}
    assert wire.parsed(r'{"a": "x\ud83d') == r'{"a": "x\ud83d'
    assert json.loads(wire.dumps(wire.parsed(r'["\ud83d", NaN, 1e999]'))) == ["\ufffd", None, None]
    assert wire.parsed("[" * 100_000 + r"\u") == "[" * 100_000 + r"\u"


def strict(value: Any) -> None:
    """Raises for what PostgreSQL's text and jsonb, or a strict JSON parser, would not take."""
    if isinstance(value, str):
        value.encode()
        assert "\x00" not in value
        if value[:1] in ("{", "["):
            strict(json.loads(value))
    elif isinstance(value, dict):
        for name, member in value.items():
            strict(name)
            strict(member)
    elif isinstance(value, list | tuple):
        for member in value:
            strict(member)


def check(telemetry: Telemetry) -> None:
    spans = telemetry.spans()
    encode_spans(spans).SerializeToString()
    for span in spans:
        strict(span.name)
        strict(dict(span.attributes or {}))
        strict(span.status.description)
        assert "\\udc" not in span.to_json() and "\\ud8" not in span.to_json().replace(
            "\\ud83c", ""
        )
    for event in telemetry.events():
        strict(json.loads(json.dumps(dict(event.attributes), default=list)))
    for points in telemetry.metrics().values():
        for point in points:
            strict(dict(point.attributes))


@pytest.fixture
def everywhere(server: ProviderServer) -> Iterator[Telemetry]:
    running = Telemetry().start(capture="SPAN_AND_EVENT")
    yield running
    running.stop()


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_provider_sends(everywhere: Telemetry, server: ProviderServer, stream: bool) -> None:
    openai = pytest.importorskip("openai")
    message = chat_message(tool_calls=[tool_call(BAD, {"q": BAD}, id=BAD)])
    message["content"] = BAD
    if stream:
        chunks = chat_chunks(message, include_usage=True, model=BAD)
        for chunk in chunks:
            chunk.update(id=BAD, system_fingerprint=BAD, service_tier=BAD)
        server.script(Sse(chunks))
    else:
        body = chat_completion(message, model=BAD)
        body.update(id=BAD, system_fingerprint=BAD, service_tier=BAD)
        body["choices"][0]["finish_reason"] = BAD
        server.script(Json(body))
    client = openai.OpenAI(api_key="k", base_url=server.url)
    asked = [{"role": "user", "content": "hi"}]
    result = client.chat.completions.create(model="m", messages=asked, stream=stream)
    if stream:
        list(result)
    check(everywhere)
    output = json.loads(everywhere.span("chat").attributes["gen_ai.output.messages"])
    parts = {part["type"]: part for part in output[0]["parts"]}
    assert parts["tool_call"]["arguments"] == {"q": GOOD}
    assert everywhere.span("chat").attributes["gen_ai.response.model"] == GOOD


def test_an_error_that_a_provider_sends(everywhere: Telemetry, server: ProviderServer) -> None:
    openai = pytest.importorskip("openai")
    server.script(Json({"error": {"message": BAD, "code": BAD, "type": BAD}}, status=400))
    client = openai.OpenAI(api_key="k", base_url=server.url, max_retries=0)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    check(everywhere)
    assert everywhere.span("chat").attributes["otelier.provider.error_code"] == GOOD


def test_what_a_program_declares(everywhere: Telemetry) -> None:
    class BadError(Exception): ...

    BadError.__qualname__ = BAD
    with otelier.session(
        session_id=BAD,
        user_id=BAD,
        conversation_id=BAD,
        tags=[BAD],
        metadata={BAD: BAD, "l": [BAD]},
    ):
        for declare in (
            otelier.workflow,
            otelier.agent,
            otelier.tool,
            otelier.retrieval,
            otelier.step,
        ):
            with pytest.raises(BadError):
                with declare(BAD) as handle:
                    handle.set(BAD, BAD)
                    handle.set("list", [BAD, BAD])
                    handle.set_arguments({BAD: BAD})
                    handle.set_result(BAD)
                    handle.set_query(BAD)
                    handle.set_documents([BAD, {"content": BAD}])
                    raise BadError(BAD)
        otelier.record_evaluation(BAD, label=BAD, explanation=BAD, response_id=BAD)
    check(everywhere)
    span = everywhere.span("execute_tool")
    assert span.name == f"execute_tool {GOOD}"
    assert span.attributes["session.id"] == GOOD and span.attributes["list"] == (GOOD, GOOD)
    assert span.attributes[f"otelier.metadata.{GOOD}"] == GOOD
    assert span.status.description == GOOD
    assert span.attributes["error.type"].endswith(GOOD)


@pytest.mark.parametrize("redact", [True, False])
@pytest.mark.parametrize("size", [10, 100_000])
def test_content(redact: bool, size: int) -> None:
    found: dict[str, Any] = {}
    policy = Policy(Settings(redact=redact, message_bytes=5_000))
    message = {"role": "user", "parts": [{"type": "text", "content": BAD * size}]}
    policy.render([message], [message], [{"type": "text", "content": BAD}], [], found)
    policy.value("gen_ai.tool.call.arguments", {BAD: [BAD * size]}, found)
    policy.text("gen_ai.retrieval.query.text", BAD * size, found)
    for value in found.values():
        strict(value)
    assert policy.message(ValueError(BAD)) == policy.clean(BAD) == GOOD


def test_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in sys.modules if name == "otelier" or name.startswith("otelier.")]
    held = {name: sys.modules.pop(name) for name in names}
    monkeypatch.setitem(sys.modules, "orjson", None)
    try:
        from otelier import unicode as plainly
        from otelier import wire as slowly

        assert slowly.orjson is None
        assert slowly.dumps({"a": BAD, BAD: [1]}) == wire.dumps({"a": BAD, BAD: [1]})
        assert slowly.parsed(r'{"a": "\ud83d"}') == {"a": "\ud83d"}
        assert plainly.attributes({"a": BAD}) == {"a": GOOD}
        fine = {"a": "é"}
        assert plainly.attributes(fine) is fine
    finally:
        for name in [
            name for name in sys.modules if name == "otelier" or name.startswith("otelier.")
        ]:
            del sys.modules[name]
        sys.modules.update(held)
