"""OpenAI wire format: chat completions and legacy completions, and their streams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

TEXT = "Hello from the local server."
MODEL = "gpt-4o-mini-2024-07-18"
CREATED = 1763600000
CHAT_ID = "chatcmpl-local-1"

JsonDict = dict[str, Any]


def chat_usage(
    prompt: int = 12,
    completion: int = 9,
    *,
    cached: int = 0,
    reasoning: int = 0,
    audio_in: int = 0,
    audio_out: int = 0,
) -> JsonDict:
    """The `usage` of chat and legacy completions."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio_in},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": audio_out,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def tool_call(name: str, arguments: Any = None, *, id: str = "call_local_1") -> JsonDict:
    """A call of a function; `arguments` is the JSON string, or what to make it from."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {"id": id, "type": "function", "function": {"name": name, "arguments": text}}


def chat_audio(transcript: str = TEXT) -> JsonDict:
    """The audio of a message."""
    return {
        "id": "audio_local_1",
        "data": "UklGRg==",
        "expires_at": CREATED + 3600,
        "transcript": transcript,
    }


def chat_message(
    text: str | None = TEXT,
    *,
    tool_calls: Sequence[JsonDict] = (),
    refusal: str | None = None,
    audio: JsonDict | None = None,
) -> JsonDict:
    """The message of an assistant."""
    silent = bool(tool_calls) or refusal is not None or audio is not None
    message: JsonDict = {"role": "assistant", "content": None if silent else text}
    if tool_calls:
        message["tool_calls"] = list(tool_calls)
    message |= {"refusal": refusal, "annotations": []}
    if audio is not None:
        message["audio"] = audio
    return message


def finish_of(message: JsonDict) -> str:
    """The finish reason that goes with a message."""
    return "tool_calls" if message.get("tool_calls") else "stop"


def chat_completion(
    *messages: JsonDict,
    model: str = MODEL,
    usage: JsonDict | None = None,
    finish_reason: str | None = None,
    id: str = CHAT_ID,
    service_tier: str = "default",
    **extra: Any,
) -> JsonDict:
    """A whole completion, one choice for each message."""
    choices = [
        {
            "index": index,
            "message": message,
            "logprobs": None,
            "finish_reason": finish_reason or finish_of(message),
        }
        for index, message in enumerate(messages or [chat_message()])
    ]
    return {
        "id": id,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": choices,
        "usage": usage or chat_usage(),
        "service_tier": service_tier,
        "system_fingerprint": "fp_local",
        **extra,
    }


def chat_chunk(*choices: JsonDict, model: str = MODEL, id: str = CHAT_ID, **extra: Any) -> JsonDict:
    """One chunk of a stream."""
    return {
        "id": id,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_local",
        "choices": list(choices),
        **extra,
    }


def delta_choice(delta: JsonDict, index: int = 0, finish_reason: str | None = None) -> JsonDict:
    """One choice of a chunk."""
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def chat_chunks(
    *messages: JsonDict,
    model: str = MODEL,
    include_usage: bool = False,
    usage: JsonDict | None = None,
    finish_reason: str | None = None,
    id: str = CHAT_ID,
    pieces: int = 3,
) -> list[JsonDict]:
    """The chunks of a stream, the choices taking turns, the usage last and only when asked."""
    more: JsonDict = {"usage": None} if include_usage else {}
    runs = [
        [delta_choice(delta, index) for delta in message_deltas(message, pieces)]
        + [delta_choice({}, index, finish_reason or finish_of(message))]
        for index, message in enumerate(messages or [chat_message()])
    ]
    chunks: list[JsonDict] = []
    for turn in range(max(map(len, runs))):
        for run in runs:
            if turn < len(run):
                chunks.append(chat_chunk(run[turn], model=model, id=id, **more))
    if include_usage:
        chunks.append(chat_chunk(model=model, id=id, usage=usage or chat_usage()))
    return chunks


def message_deltas(message: JsonDict, pieces: int = 3) -> list[JsonDict]:
    """A message as the deltas that build it."""
    deltas: list[JsonDict] = []
    text, refusal, audio = message["content"], message.get("refusal"), message.get("audio")
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        start = {**call, "function": {"name": function["name"], "arguments": ""}}
        deltas.append({"tool_calls": [{"index": index, **start}]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": part}}]}
            for part in cut(function["arguments"], pieces)
        ]
    if text is not None:
        deltas.append({"content": ""})
        deltas += [{"content": part} for part in cut(text, pieces)]
    if refusal is not None:
        deltas.append({"refusal": ""})
        deltas += [{"refusal": part} for part in cut(refusal, pieces)]
    if audio is not None:
        deltas.append({"audio": {"id": audio["id"], "transcript": ""}})
        deltas += [{"audio": {"transcript": part}} for part in cut(audio["transcript"], pieces)]
        deltas += [{"audio": {"data": audio["data"]}}]
        deltas += [{"audio": {"expires_at": audio["expires_at"]}}]
    head = {"role": "assistant", "content": None, "refusal": None}
    return [{**head, **deltas[0]}, *deltas[1:]] if deltas else [head]


def cut(text: str, pieces: int) -> list[str]:
    """A text in about so many parts; an empty text has none."""
    size = max(1, -(-len(text) // max(1, pieces)))
    return [text[i : i + size] for i in range(0, len(text), size)]


def completion(
    *texts: str, model: str = "gpt-3.5-turbo-instruct", usage: JsonDict | None = None
) -> JsonDict:
    """A legacy text completion."""
    return {
        "id": "cmpl-local-1",
        "object": "text_completion",
        "created": CREATED,
        "model": model,
        "choices": [
            {"text": text, "index": index, "logprobs": None, "finish_reason": "stop"}
            for index, text in enumerate(texts or [TEXT])
        ],
        "usage": usage or chat_usage(),
    }


def completion_chunks(
    text: str = TEXT,
    *,
    model: str = "gpt-3.5-turbo-instruct",
    include_usage: bool = False,
    usage: JsonDict | None = None,
) -> list[JsonDict]:
    """The stream of a legacy text completion."""
    base: JsonDict = {
        "id": "cmpl-local-1",
        "object": "text_completion",
        "created": CREATED,
        "model": model,
    }
    more: JsonDict = {"usage": None} if include_usage else {}
    parts: list[tuple[str, str | None]] = [(part, None) for part in cut(text, 3)]
    chunks = [
        {
            **base,
            "choices": [{"text": part, "index": 0, "logprobs": None, "finish_reason": end}],
            **more,
        }
        for part, end in [*parts, ("", "stop")]
    ]
    if include_usage:
        chunks.append({**base, "choices": [], "usage": usage or chat_usage()})
    return chunks


def error_body(
    message: str = "The local server refuses.",
    *,
    type: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
) -> JsonDict:
    """The body of an error status."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}
