"""Numbers that were wrong once, each beside what the provider's documents say."""

from __future__ import annotations

from typing import Any

import pytest

from otelier import billing
from otelier.cost import Priced, Prices
from otelier.identity import Identity, by_host
from otelier.protocols import Reply, endpoints, litellm, ollama, xai
from otelier.protocols.bedrock import invoke as bedrock_invoke
from otelier.protocols.gemini import content as gemini
from otelier.protocols.mistral import conversations as mistral_conversations
from otelier.protocols.openai import chat as openai_chat
from otelier.protocols.openai import media as openai_media

PRICES = Prices()


def read(reader: Any, body: Any) -> Reply:
    reader.whole(body)
    found: Reply = reader.reply(True)
    return found


def price(reply: Reply, provider: str, asked: str, host: str | None = None) -> Priced | None:
    url = f"https://{host}" if host else ""
    return PRICES.price(Identity(provider, host, 443, url), reply.model, asked, reply)


def chat(**usage: Any) -> Reply:
    return read(openai_chat.Reader(True), {"usage": usage, "choices": []})


def test_cached_input_without_a_listed_price_has_no_cost() -> None:
    """Mistral bills cached input at a tenth; the list has no price for it."""
    spent = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    assert price(chat(**spent), "mistral_ai", "mistral-large-latest") is not None
    spent["prompt_tokens_details"] = {"cached_tokens": 900}  # type: ignore[assignment]
    assert price(chat(**spent), "mistral_ai", "mistral-large-latest") is None


def test_thoughts_that_only_geminis_total_tells() -> None:
    body = {
        "model": "gemini-2.5-flash",
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 530},
    }
    reply = read(openai_chat.Reader(True), body)
    assert reply.usage is not None
    assert (reply.usage.output, reply.usage.reasoning) == (520, 500)
    found = price(reply, "gcp.gemini", "gemini-2.5-flash")
    assert found is not None and found.total == pytest.approx(0.001303)
    # Of another model nobody knows what the rest is.
    other = read(openai_chat.Reader(True), {**body, "model": "gpt-4o"})
    assert other.usage is not None and other.usage.output == 20
    assert other.unpriced


def test_an_answer_of_thoughts_alone_has_an_output() -> None:
    spent = {"prompt_tokens": 10, "reasoning_tokens": 50, "total_tokens": 60}
    reply = read(xai.Reader(True), {"model": "grok-4", "usage": spent})
    assert reply.usage is not None
    assert (reply.usage.input, reply.usage.output, reply.usage.reasoning) == (10, 50, 50)


def test_tools_of_xais_own_are_billed_by_themselves() -> None:
    spent: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    priced = read(xai.Reader(True), {"model": "grok-4", "usage": spent})
    assert not priced.unpriced
    spent["server_side_tools_used"] = ["SERVER_SIDE_TOOL_X_SEARCH"]
    assert read(xai.Reader(True), {"model": "grok-4", "usage": spent}).unpriced


@pytest.mark.parametrize(
    ("model", "host", "known"),
    [
        ("claude-sonnet-4-5@20250929", "aiplatform.googleapis.com", True),
        ("claude-sonnet-4-5@20250929", "us-east5-aiplatform.googleapis.com", False),
        ("claude-sonnet-4-5@20250929", None, False),
        ("claude-sonnet-4@20250514", "us-east5-aiplatform.googleapis.com", True),
        ("gemini-2.5-flash", "us-east5-aiplatform.googleapis.com", True),
    ],
)
def test_regional_endpoints_of_vertex_cost_more_for_new_claudes(
    model: str, host: str | None, known: bool
) -> None:
    reply = chat(prompt_tokens=1000, completion_tokens=1000, total_tokens=2000)
    assert (price(reply, "gcp.vertex_ai", model, host) is not None) is known


@pytest.mark.parametrize(
    ("grounding", "unpriced"),
    [
        ({"webSearchQueries": ["a"], "groundingChunks": [{"web": {}}]}, False),
        ({"groundingChunks": [{"maps": {"uri": "u"}}]}, True),
        ({"groundingChunks": [{"retrievedContext": {}}]}, True),
        ({"webSearchQueries": ["a"], "imageSearchQueries": ["b"]}, True),
    ],
)
def test_grounding_that_lists_do_not_cover(grounding: Any, unpriced: bool) -> None:
    body = {
        "modelVersion": "gemini-2.5-flash",
        "candidates": [{"groundingMetadata": grounding}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 100},
    }
    assert read(gemini.Reader(True), body).unpriced is unpriced


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("amazon.nova-lite-v1:0", True),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", True),
        ("arn:aws:bedrock:us-east-1:1:custom-model/amazon.nova-lite-v1:0:300k/abc", False),
        ("arn:aws:sagemaker:us-east-1:1:endpoint/amazon.nova-lite-v1-ft", False),
    ],
)
def test_arns_of_other_kinds_have_other_prices(model: str, known: bool) -> None:
    reply = chat(prompt_tokens=1000, completion_tokens=1000, total_tokens=2000)
    assert (price(reply, "aws.bedrock", model) is not None) is known


def test_arguments_that_come_by_paths() -> None:
    pieces = [
        {"jsonPath": "$.location.city", "stringValue": "Par"},
        {"jsonPath": "$.location.city", "stringValue": "is"},
        {"jsonPath": "$.days[0]", "numberValue": 1},
        {"jsonPath": "$.days[1]", "numberValue": 2},
        {"jsonPath": "$['odd name']", "boolValue": True},
    ]
    reader = gemini.Reader(True)
    for number, piece in enumerate(pieces):
        call = {"partialArgs": [piece], "willContinue": number < len(pieces) - 1}
        if not number:
            call["name"] = "weather"
        parts = [{"functionCall": call}]
        reader.chunk({"candidates": [{"content": {"role": "model", "parts": parts}}]})
    (message,) = reader.reply(True).messages
    assert message["parts"][0]["arguments"] == {
        "location": {"city": "Paris"},
        "days": [1, 2],
        "odd name": True,
    }


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("aiplatform.us.rep.googleapis.com", "gcp.vertex_ai"),
        ("us-east5-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("x.openai.azure.us", "azure.ai.openai"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("vpce-0a-bc.bedrock-runtime.us-east-1.vpce.amazonaws.com", "aws.bedrock"),
        ("sagemaker-runtime.us-east-1.amazonaws.com", "amazonaws"),
    ],
)
def test_hosts(host: str, provider: str) -> None:
    assert by_host(host, 443) == provider


def test_pictures_in_answers_of_functions_and_in_streams() -> None:
    shot = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    answer = {"name": "shot", "response": {"ok": 1}, "parts": [shot]}
    found = gemini.content({"contents": [{"parts": [{"functionResponse": answer}]}]})
    response = found.messages[0]["parts"][0]["response"]
    assert response[0] == {"ok": 1}
    assert response[1]["modality"] == "image"
    reader = openai_chat.Reader(True)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    reader.chunk({"choices": [{"index": 0, "delta": {"content": "here", "images": [image]}}]})
    parts = reader.reply(True).messages[0]["parts"]
    assert [part["type"] for part in parts] == ["text", "blob"]


def test_small_facts() -> None:
    titan = bedrock_invoke.route("amazon.titan-text-lite-v1", {})
    said = {"results": [{"outputText": "Hi", "completionReason": "FINISHED"}]}
    assert read(titan.reader(True), said).finish_reasons == ["stop"]
    assert "gen_ai.request.max_tokens" not in ollama.request({"options": {"num_predict": -1}})
    at = endpoints.find("ollama", "post", "/api/chat", {"model": "m"})
    assert at is not None and at.route.request(at.body)["gen_ai.request.stream"] is True
    at = endpoints.find("ollama", "post", "/api/chat", {"model": "m", "stream": False})
    assert at is not None and "gen_ai.request.stream" not in at.route.request(at.body)


@pytest.mark.parametrize(
    ("provider", "model", "usage", "message"),
    [
        ("openai", "gpt-4o-search-preview-2025-03-11", {}, {}),
        ("openai", "gpt-4o-mini-search-preview", {}, {}),
        ("openai", "gpt-4o", {}, {"annotations": [{"type": "url_citation"}]}),
        ("groq", "openai/gpt-oss-120b", {}, {"executed_tools": [{"type": "browser_search"}]}),
        ("x_ai", "grok-4", {"num_sources_used": 3}, {}),
        ("alibaba", "qwen3-max", {"plugins": {"search": {"count": 1, "strategy": "turbo"}}}, {}),
        ("alibaba", "qwen3-max", {"plugins": {"search": {"strategy": "turbo"}}}, {}),
    ],
)
def test_a_chat_that_used_what_is_billed_by_itself(
    provider: str, model: str, usage: Any, message: Any
) -> None:
    spent = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, **usage}
    said = {"role": "assistant", "content": "hi", **message}
    whole = {"model": model, "usage": spent, "choices": [{"index": 0, "message": said}]}
    reader = openai_chat.Reader(False)
    reader.chunk({"model": model, "id": "c", "choices": [{"index": 0, "delta": said}]})
    reader.chunk({"model": model, "id": "c", "choices": [], "usage": spent})
    for reply in (read(openai_chat.Reader(True), whole), reader.reply(True)):
        assert reply.unpriced
        assert price(reply, provider, model) is None


def test_a_chat_that_used_nothing_else_has_its_price() -> None:
    spent = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "num_sources_used": 0}
    said = {"role": "assistant", "content": "hi", "annotations": []}
    body = {"model": "gpt-4o", "usage": spent, "choices": [{"index": 0, "message": said}]}
    assert price(read(openai_chat.Reader(True), body), "openai", "gpt-4o") is not None


def test_plugins_that_were_not_used() -> None:
    spent = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    assert not chat(**spent, plugins={"search": {"count": 0}}).unpriced


@pytest.mark.parametrize("name", ["enterpriseWebSearch", "enterprise_web_search"])
def test_a_search_for_enterprises_is_dearer_than_the_list_says(name: str) -> None:
    for path in ("models/gemini-2.5-flash:generateContent", "models/m:streamGenerateContent"):
        at = endpoints.find("gcp.vertex_ai", "post", f"/v1beta/{path}", {})
        assert at is not None and at.route.listed is not None
        assert at.route.listed({"tools": [{"googleSearch": {}}]})
        assert not at.route.listed({"tools": [{"functionDeclarations": []}, {name: {}}]})


def test_tools_that_mistral_ran_are_billed_by_themselves() -> None:
    """Also where the usage does not count them."""
    spent = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    said = {"type": "message.output", "content": "hi"}
    ran = {"type": "tool.execution", "name": "image_generation", "id": "t"}
    for outputs, unpriced in (([said], False), ([ran, said], True)):
        body = {"conversation_id": "c", "outputs": outputs, "usage": spent}
        assert read(mistral_conversations.ConversationReader(False), body).unpriced is unpriced
    reader = mistral_conversations.ConversationReader(False)
    reader.chunk({"type": "tool.execution.started", "name": "web_search", "id": "t"})
    reader.chunk({"type": "conversation.response.done", "usage": spent})
    assert reader.reply(True).unpriced


def test_a_rerank_is_billed_by_the_search() -> None:
    meta = {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 9}}
    reader = litellm.ROUTES["rerank"].reader(False)
    assert read(reader, {"id": "r", "meta": meta, "results": []}).unpriced


def test_a_conversation_left_after_its_last_event_is_whole() -> None:
    spent = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    reader = mistral_conversations.ConversationReader(False)
    for kind, partial in (("started", True), ("done", False)):
        reader.chunk({"type": f"conversation.response.{kind}", "usage": spent})
        reply = reader.reply(False)
        billing.answered(reply, None, Identity("mistral_ai", None, None, ""), False, True)
        assert reply.partial is partial


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("last", ["transcript.text.done", "image_generation.completed"])
def test_a_stream_left_after_its_last_event_is_whole(last: str, keep: bool) -> None:
    spent = {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10}
    reader = openai_media.Reader(keep)
    for kind, partial in (("transcript.text.delta", True), (last, False)):
        reader.chunk({"type": kind, "delta": "a", "usage": spent})
        reply = reader.reply(False)
        billing.answered(reply, None, Identity("openai", None, None, ""), False, True)
        assert reply.partial is partial
