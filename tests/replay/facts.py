"""What a span must carry, worked out here from the recorded JSON alone.

Nothing of otelier is used: names are spelled out, and each rule is stated again. Content is
compared in a flat form, see :func:`flat`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from tests.replay.recordings import Interaction

Facts: TypeAlias = dict[str, Any]
# (role, parts), each part a tuple of its type and what identifies it.
FlatMessage: TypeAlias = tuple[str, list[tuple[Any, ...]]]

FINISH = {
    "chat": {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_call",
        "content_filter": "content_filter",
    },
    "messages": {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "tool_use": "tool_call",
        "refusal": "content_filter",
    },
}
HEADERS = {
    "x-request-id": "otelier.provider.request_id",
    "request-id": "otelier.provider.request_id",
    "openai-organization": "otelier.provider.organization",
    "anthropic-organization-id": "otelier.provider.organization",
    "openai-project": "otelier.provider.project",
}
# Of a larger body of vectors that the SDK does not parse only the end is looked at.
LARGE_BODY = 64 * 1024
ERRORS = {400: "BadRequestError", 404: "NotFoundError"}

_REQUEST: dict[str, dict[str, str]] = {
    "chat": {
        "model": "gen_ai.request.model",
        "max_tokens": "gen_ai.request.max_tokens",
        "max_completion_tokens": "gen_ai.request.max_tokens",
        "temperature": "gen_ai.request.temperature",
        "top_p": "gen_ai.request.top_p",
        "seed": "gen_ai.request.seed",
        "reasoning_effort": "gen_ai.request.reasoning.level",
    },
    "responses": {
        "model": "gen_ai.request.model",
        "max_output_tokens": "gen_ai.request.max_tokens",
        "temperature": "gen_ai.request.temperature",
        "top_p": "gen_ai.request.top_p",
        "previous_response_id": "gen_ai.request.previous_response.id",
    },
    "messages": {
        "model": "gen_ai.request.model",
        "max_tokens": "gen_ai.request.max_tokens",
        "temperature": "gen_ai.request.temperature",
        "top_p": "gen_ai.request.top_p",
        "top_k": "gen_ai.request.top_k",
    },
    "embeddings": {
        "model": "gen_ai.request.model",
        "dimensions": "gen_ai.embeddings.dimension.count",
    },
}


def kind(interaction: Interaction) -> str:
    """Which API: chat, responses, messages or embeddings."""
    return interaction.path.partition("?")[0].removeprefix("/v1/").removesuffix("/completions")


def attributes(interaction: Interaction, body: Mapping[str, Any], parsed: bool) -> Facts:
    """All attributes but content, cost and times. ``body`` is what the SDK sent; ``parsed`` says
    whether the SDK parsed the answer before we saw it.
    """
    api = kind(interaction)
    found: Facts = {
        "gen_ai.operation.name": "embeddings" if api == "embeddings" else "chat",
        "gen_ai.provider.name": interaction.sdk,
        "server.address": interaction.host,
        "server.port": interaction.port,
        **_request(api, body),
        **{HEADERS[name]: value for name, value in interaction.headers.items() if name in HEADERS},
    }
    if interaction.status >= 400:
        error = interaction.answer["error"]
        return found | {
            "error.type": f"{interaction.sdk}.{ERRORS[interaction.status]}",
            "http.response.status_code": interaction.status,
            "otelier.provider.error_code": error.get("code") or error["type"],
        }
    found |= _RESPONSE[api](interaction)
    if api == "embeddings" and (parsed or len(interaction.body) <= LARGE_BODY):
        vector = interaction.answer["data"][0]["embedding"]
        if isinstance(vector, list):
            found["gen_ai.embeddings.dimension.count"] = len(vector)
        elif parsed and "encoding_format" not in interaction.asked:  # Then the SDK decodes it.
            found["gen_ai.embeddings.dimension.count"] = len(base64.b64decode(vector)) // 4
    return {name: value for name, value in found.items() if value is not None}


def _request(api: str, body: Mapping[str, Any]) -> Facts:
    table = _REQUEST[api]
    found: Facts = {table[name]: value for name, value in body.items() if name in table}
    if body.get("stream"):
        found["gen_ai.request.stream"] = True
    if body.get("n", 1) != 1:
        found["gen_ai.request.choice.count"] = body["n"]
    stop = body.get("stop") or body.get("stop_sequences")
    if stop:
        found["gen_ai.request.stop_sequences"] = (stop,) if isinstance(stop, str) else tuple(stop)
    if api in ("chat", "responses"):
        found["openai.api.type"] = {"chat": "chat_completions"}.get(api, api)
        if body.get("service_tier", "auto") != "auto":
            found["openai.request.service_tier"] = body["service_tier"]
    if "reasoning" in body:
        found["gen_ai.request.reasoning.level"] = body["reasoning"]["effort"]
    shape = body.get("response_format") or body.get("text", {}).get("format")
    if shape:
        found["gen_ai.output.type"] = "text" if shape["type"] == "text" else "json"
    if body.get("output_config"):
        found["gen_ai.output.type"] = "json"
    if api == "embeddings":
        if "encoding_format" in body:  # older SDKs leave it to the server
            found["gen_ai.request.encoding_formats"] = (body["encoding_format"],)
        given = body["input"]
        found["otelier.embeddings.inputs"] = 1 if isinstance(given, str) else len(given)
    return found


def _parts(found: Facts, **counts: int | None) -> Facts:
    """Totals as they are; a part of a total only where it is not zero."""
    names = {
        "reasoning": "gen_ai.usage.reasoning.output_tokens",
        "cache_read": "gen_ai.usage.cache_read.input_tokens",
        "cache_write": "gen_ai.usage.cache_write.input_tokens",
        "audio_input": "gen_ai.usage.audio.input_tokens",
        "audio_output": "gen_ai.usage.audio.output_tokens",
    }
    found |= {names[name]: value for name, value in counts.items() if value}
    if counts.get("cache_write"):
        found["gen_ai.usage.cache_creation.input_tokens"] = counts["cache_write"]
    return found


def _chat(interaction: Interaction) -> Facts:
    if interaction.streamed:
        chunks = interaction.events
        told = [choice for chunk in chunks for choice in chunk["choices"]]
        last = {c["index"]: c["finish_reason"] for c in told if c["finish_reason"]}
        reasons = [last.get(index, "error") for index in sorted({c["index"] for c in told})]
        first = next(chunk for chunk in chunks if chunk["id"])  # Azure: not the very first.
        usage = next((chunk["usage"] for chunk in chunks if chunk.get("usage")), None)
    else:
        first = interaction.answer
        reasons = [choice["finish_reason"] for choice in first["choices"]]
        usage = first["usage"]
    found: Facts = {
        "gen_ai.response.id": first["id"],
        "gen_ai.response.model": first["model"],
        "gen_ai.response.finish_reasons": tuple(FINISH["chat"].get(r, r) for r in reasons),
        "openai.response.system_fingerprint": first.get("system_fingerprint"),
        "openai.response.service_tier": first.get("service_tier"),
    }
    if usage is None:
        return found
    found["gen_ai.usage.input_tokens"] = usage["prompt_tokens"]
    found["gen_ai.usage.output_tokens"] = usage["completion_tokens"]
    into = usage.get("prompt_tokens_details", {})
    out = usage.get("completion_tokens_details", {})
    return _parts(
        found,
        cache_read=into.get("cached_tokens"),
        audio_input=into.get("audio_tokens"),
        reasoning=out.get("reasoning_tokens"),
        audio_output=out.get("audio_tokens"),
    )


def _responses(interaction: Interaction) -> Facts:
    answer = response_of(interaction)
    types = [item["type"] for item in answer["output"]]
    calls = {"function_call", "custom_tool_call", "computer_call"} & set(types)
    assert answer["status"] == "completed"
    usage = answer["usage"]
    found: Facts = {
        "gen_ai.response.id": answer["id"],
        "gen_ai.response.model": answer["model"],
        "gen_ai.response.finish_reasons": ("tool_call" if calls else "stop",),
        "openai.response.service_tier": answer.get("service_tier"),
        "gen_ai.conversation.compacted": True if "compaction" in types else None,
        "gen_ai.usage.input_tokens": usage["input_tokens"],
        "gen_ai.usage.output_tokens": usage["output_tokens"],
    }
    return _parts(
        found,
        cache_read=usage["input_tokens_details"]["cached_tokens"],
        cache_write=usage["input_tokens_details"].get("cache_write_tokens"),
        reasoning=usage["output_tokens_details"]["reasoning_tokens"],
    )


def response_of(interaction: Interaction) -> dict[str, Any]:
    """The response object of the Responses API, whole or from the last event."""
    if not interaction.streamed:
        return interaction.answer
    found: dict[str, Any] = interaction.events[-1]["response"]
    return found


def _messages(interaction: Interaction) -> Facts:
    if interaction.streamed:
        events = {event["type"]: event for event in interaction.events}
        answer = events["message_start"]["message"]
        reason = events["message_delta"]["delta"]["stop_reason"]
        usage = {**answer["usage"], **events["message_delta"]["usage"]}
    else:
        answer = interaction.answer
        reason = answer["stop_reason"]
        usage = answer["usage"]
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    found: Facts = {
        "gen_ai.response.id": answer["id"],
        "gen_ai.response.model": answer["model"],
        "gen_ai.response.finish_reasons": (FINISH["messages"][reason],),
        "gen_ai.usage.input_tokens": usage["input_tokens"] + read + written,
        "gen_ai.usage.output_tokens": usage["output_tokens"],
        "otelier.provider.service_tier": usage.get("service_tier"),
        "otelier.provider.inference_geo": usage.get("inference_geo"),
    }
    return _parts(found, cache_read=read, cache_write=written)


def _embeddings(interaction: Interaction) -> Facts:
    answer = interaction.answer
    return {
        "gen_ai.response.model": answer["model"],
        "gen_ai.usage.input_tokens": answer["usage"]["prompt_tokens"],
    }


_RESPONSE = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "embeddings": _embeddings,
}


# --- content ----------------------------------------------------------------------------------


def flat(messages: Iterable[Mapping[str, Any]]) -> list[FlatMessage]:
    """A span's messages, flattened."""
    return [(message["role"], flat_parts(message["parts"])) for message in messages]


def flat_parts(parts: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """A span's parts, flattened."""
    return [_flat(part) for part in parts]


def _flat(part: Mapping[str, Any]) -> tuple[Any, ...]:
    match part["type"]:
        case "tool_call":
            return "tool_call", part.get("id"), part["name"], part.get("arguments")
        case "tool_call_response":
            response = part["response"]
            if isinstance(response, list):
                response = flat_parts(response)
            return "tool_call_response", part.get("id"), response
        case "blob":
            return "blob", part["modality"], part.get("mime_type")
        case "file":
            return "file", part["modality"], part["file_id"]
        case "uri":
            return "uri", part["modality"], part["uri"]
        case "compaction":
            return "compaction", part.get("id")
        case other:
            return other, part.get("content")


def _data(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _located(modality: str, url: str) -> tuple[Any, ...]:
    if url.startswith("data:"):
        return "blob", modality, url[5:].partition(";")[0]
    return "uri", modality, url


def _asked_part(part: Mapping[str, Any]) -> tuple[Any, ...]:
    match part["type"]:
        case "text" | "input_text" | "output_text":
            return "text", part["text"]
        case "image_url":
            return _located("image", part["image_url"]["url"])
        case "input_image":
            return _located("image", part["image_url"])
        case "input_audio":
            return "blob", "audio", f"audio/{part['input_audio']['format']}"
        case "file" if "file_id" in part["file"]:
            return "file", "document", part["file"]["file_id"]
        case "file":
            return _located("document", part["file"]["file_data"])
        case other:
            raise AssertionError(f"a recording has a part of type {other}")


def _asked_parts(content: Any) -> list[tuple[Any, ...]]:
    if isinstance(content, str):
        return [("text", content)]
    return [_asked_part(part) for part in content or ()]


def _function(call: Mapping[str, Any]) -> tuple[Any, ...]:
    function = call["function"]
    return "tool_call", call["id"], function["name"], _data(function["arguments"])


def _chat_message(message: Mapping[str, Any]) -> FlatMessage:
    if message["role"] == "tool":
        return "tool", [("tool_call_response", message["tool_call_id"], message["content"])]
    parts = _asked_parts(message.get("content"))
    if message.get("refusal"):
        parts.append(("refusal", message["refusal"]))
    return message["role"], parts + [_function(call) for call in message.get("tool_calls") or ()]


def _item(item: Mapping[str, Any]) -> FlatMessage:
    match item.get("type", "message"):
        case "message":
            return item["role"], _asked_parts(item["content"])
        case "function_call":
            arguments = _data(item["arguments"])
            return "assistant", [("tool_call", item["call_id"], item["name"], arguments)]
        case "custom_tool_call":
            return "assistant", [("tool_call", item["call_id"], item["name"], item["input"])]
        case "computer_call":
            arguments = {"actions": item["actions"]}
            return "assistant", [("tool_call", item["call_id"], "computer", arguments)]
        case "reasoning":
            return "assistant", [("reasoning", part["text"]) for part in item["summary"]]
        case "compaction":
            return "assistant", [("compaction", item["id"])]
        case "computer_call_output":
            shot = _located("image", item["output"]["image_url"])
            return "tool", [("tool_call_response", item["call_id"], [shot])]
        case "function_call_output" | "custom_tool_call_output":
            return "tool", [("tool_call_response", item["call_id"], item["output"])]
        case other:
            raise AssertionError(f"a recording has an item of type {other}")


def asked(api: str, body: Mapping[str, Any]) -> list[FlatMessage]:
    """Input messages, from the request."""
    if api == "chat":
        return [_chat_message(message) for message in body["messages"]]
    if api == "messages":
        return [(each["role"], _asked_parts(each["content"])) for each in body["messages"]]
    if api == "embeddings":
        return []
    if isinstance(body["input"], str):
        return [("user", [("text", body["input"])])]
    found: list[FlatMessage] = []
    for item in body["input"]:
        role, parts = _item(item)
        if role == "assistant" and found and found[-1][0] == role:
            found[-1][1].extend(parts)  # What one turn of the model said is one message.
        else:
            found.append((role, parts))
    return found


def answered(interaction: Interaction) -> list[FlatMessage]:
    """Output messages, from the answer: one for each choice."""
    api = kind(interaction)
    if interaction.status >= 400 or api == "embeddings":
        return []
    if api == "responses":
        items = response_of(interaction)["output"]
        return [("assistant", [part for item in items for part in _item(item)[1]])]
    if api == "messages":
        return [("assistant", _blocks(interaction))]
    if not interaction.streamed:
        return [_chat_message(choice["message"]) for choice in interaction.answer["choices"]]
    return _joined(interaction.events)


def _blocks(interaction: Interaction) -> list[tuple[Any, ...]]:
    if not interaction.streamed:
        blocks = interaction.answer["content"]
    else:
        blocks = [
            {**event["content_block"], "text": _text(interaction, event["index"])}
            for event in interaction.events
            if event["type"] == "content_block_start"
        ]
    return [
        ("tool_call", block["id"], block["name"], block["input"])
        if block["type"] == "tool_use"
        else ("text", block["text"])
        for block in blocks
    ]


def _text(interaction: Interaction, index: int) -> str:
    return "".join(
        event["delta"]["text"]
        for event in interaction.events
        if event["type"] == "content_block_delta" and event["index"] == index
    )


def _joined(chunks: Iterable[Mapping[str, Any]]) -> list[FlatMessage]:
    texts: dict[int, str] = {}
    calls: dict[int, dict[int, dict[str, str]]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            at, delta = choice["index"], choice["delta"]
            texts[at] = texts.get(at, "") + (delta.get("content") or "")
            for call in delta.get("tool_calls") or ():
                held = calls.setdefault(at, {}).setdefault(call["index"], {"arguments": ""})
                held["arguments"] += call["function"]["arguments"]
                if "id" in call:
                    held["id"], held["name"] = call["id"], call["function"]["name"]
    return [
        (
            "assistant",
            ([("text", texts[at])] if texts[at] else [])
            + [
                ("tool_call", call["id"], call["name"], _data(call["arguments"]))
                for call in calls.get(at, {}).values()
            ],
        )
        for at in sorted(texts)
    ]


def system(api: str, body: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """System instructions that the API takes apart from the history."""
    return [("text", body["instructions"])] if api == "responses" and "instructions" in body else []


def tools(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Tool definitions: (type, name)."""
    found = []
    for tool in body.get("tools", ()):
        inner = tool.get("function", tool)
        type_ = tool.get("type", "function")
        found.append((type_, inner.get("name", type_)))
    return found
