"""``OTELIER_COMPAT=openinference``: what Phoenix reads, from what is recorded anyway."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan

import otelier
from otelier import openinference
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

QUESTION, ANSWER = "Where is my parcel?", "In room 7."
NAMES = {
    "openinference.span.kind",
    "input.value",
    "input.mime_type",
    "output.value",
    "output.mime_type",
}


def run(server: ProviderServer, **options: Any) -> dict[str, dict[str, Any]]:
    """What is added to each span of a small program, by the spans' operations."""
    said = openai_wire.chat_completion(openai_wire.chat_message(ANSWER))
    server.route("/chat/completions", lambda request: Json(said))
    server.route("/embeddings", lambda request: Json(openai_wire.embeddings()))
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    telemetry = Telemetry().start(**options)

    @otelier.tool
    def look(city: str) -> list[str]:
        return [city]

    @otelier.agent
    def support(question: str) -> str:
        look("Paris")
        asked: list[Any] = [{"role": "user", "content": question}]
        client.chat.completions.create(model="gpt-4o", messages=asked)
        return ANSWER

    @otelier.step
    def clean(question: str) -> str:
        return question.strip()

    @otelier.workflow
    def answer(question: str) -> str:
        with otelier.retrieval("handbook", query=question) as found:
            client.embeddings.create(model="text-embedding-3-small", input=question)
            found.set_documents([{"id": "d"}])
        return support(clean(question))

    with otelier.session(session_id="s", user_id="u"):
        answer(QUESTION)
    telemetry.stop()
    spans = telemetry.spans()
    assert {(span.attributes or {})["session.id"] for span in spans} == {"s"}
    return {_operation(span): _added(span) for span in spans}


def _operation(span: ReadableSpan) -> str:
    return str((span.attributes or {}).get("gen_ai.operation.name", "step"))


def _added(span: ReadableSpan) -> dict[str, Any]:
    return {name: (span.attributes or {})[name] for name in NAMES & (span.attributes or {}).keys()}


def shown(kind: str, asked: str | None, answered: str | None, mime: str) -> dict[str, Any]:
    found = {"openinference.span.kind": kind}
    for side, value in (("input", asked), ("output", answered)):
        if value is not None:
            found[f"{side}.value"] = value
            found[f"{side}.mime_type"] = mime
    return found


def test_it_is_off_by_default(server: ProviderServer) -> None:
    assert not any(run(server).values())


def test_kinds_inputs_and_outputs(server: ProviderServer) -> None:
    found = run(server, compat="openinference")
    talk = (QUESTION, ANSWER, "text/plain")
    assert found["invoke_workflow"] == shown("CHAIN", *talk)
    assert found["invoke_agent"] == shown("AGENT", *talk)
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}])
    asked = said.replace(": ", ":").replace(", ", ",")
    chat = found["chat"]
    assert chat.pop("output.value").startswith('[{"role":"assistant"')
    assert chat.pop("output.mime_type") == "application/json"
    assert chat == shown("LLM", asked, None, "application/json")
    assert found["execute_tool"] == shown(
        "TOOL", '{"city":"Paris"}', '{"result":["Paris"]}', "application/json"
    )
    assert found["embeddings"] == {"openinference.span.kind": "EMBEDDING"}
    assert found["retrieval"] == {
        "openinference.span.kind": "RETRIEVER",
        "input.value": QUESTION,
        "input.mime_type": "text/plain",
        "output.value": '[{"id":"d"}]',
        "output.mime_type": "application/json",
    }
    assert found["step"]["openinference.span.kind"] == "CHAIN"
    assert json.loads(found["step"]["input.value"]) == {"question": QUESTION}


@pytest.mark.parametrize("capture", ["NO_CONTENT", "EVENT_ONLY"])
def test_without_content_there_are_kinds_alone(server: ProviderServer, capture: str) -> None:
    found = run(server, compat="openinference", capture=capture)
    assert {name for added in found.values() for name in added} == {"openinference.span.kind"}


def test_the_content_policy_has_seen_it(server: ProviderServer) -> None:
    def mask(name: str, value: Any) -> Any:
        return json.loads(json.dumps(value).replace("room 7", "…").replace("parcel", "…"))

    telemetry = Telemetry().start(compat="openinference", mask=mask, message_bytes="256")

    @otelier.agent
    def support(question: str) -> str:
        return ANSWER + " Use sk-abcdefghijklmnopqrstuvwxyz." + " word" * 1000

    support(QUESTION)
    telemetry.stop()
    added = _added(telemetry.span())
    assert added["input.value"] == "Where is my …?"
    assert added["output.value"].startswith("In …. Use [REDACTED]. word")
    assert len(added["output.value"]) < 256


def test_spans_of_others_keep_what_they_say(server: ProviderServer) -> None:
    server.route("/chat/completions", lambda request: Json(openai_wire.chat_completion()))
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k")
    telemetry = Telemetry().start(compat="openinference")
    theirs = {"gen_ai.operation.name": "chat", "input.value": "theirs"}
    with telemetry.tracer.start_as_current_span("chat", attributes=theirs):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    telemetry.stop()
    added = _added(telemetry.span())
    assert added["input.value"] == "theirs"
    assert "input.mime_type" not in added
    assert added["output.mime_type"] == "application/json"


@pytest.mark.parametrize(
    "value",
    ["no json", "[]", "[1]", "[{}]", '[{"parts":[]}]', '[{"parts":[{"type":"text"}]}]', "null"],
)
def test_odd_messages_stay_as_they_are(value: str) -> None:
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.input.messages": value}
    assert openinference.also(attributes)["input.value"] == value
    assert openinference.also({"gen_ai.input.messages": 3, "gen_ai.operation.name": ["x"]}) == {}
