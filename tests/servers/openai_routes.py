"""The default answers of OpenAI, Azure OpenAI and Groq."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from email.parser import BytesParser
from typing import Any

from . import openai_chat as chat
from . import openai_media as media
from . import openai_responses as responses
from .openai_chat import JsonDict
from .replies import Json, Raw, Recorded, Reply, Sse, encode_json
from .schema import example_of

_SNAPSHOTS = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "o3": "o3-2025-04-16",
    "o4-mini": "o4-mini-2025-04-16",
    "gpt-3.5-turbo-instruct": "gpt-3.5-turbo-instruct:20230824-v2",
}
_SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "violence")}


class OpenAIRoutes:
    """Keeps the responses and batches it made, so that they can be asked for again."""

    def __init__(self) -> None:
        self._stored: dict[str, JsonDict] = {}
        self._by_end: dict[str, Callable[[Recorded, str], Reply]] = {
            "/chat/completions": _chat,
            "/completions": _completions,
            "/responses": self._create_response,
            "/responses/compact": lambda *_: Json(responses.compaction()),
            "/responses/input_tokens": lambda *_: Json(responses.input_tokens()),
            "/embeddings": _embeddings,
            "/images/generations": _images,
            "/images/edits": _images,
            "/images/variations": lambda *_: Json(media.images(url=True)),
            "/audio/speech": _speech,
            "/audio/transcriptions": _transcription,
            "/audio/translations": _translation,
            "/moderations": _moderation,
            "/models": lambda *_: Json(media.list_object(media.model_object())),
            "/batches": self._batches,
            "/files": _files,
        }

    def answer(self, request: Recorded, family: str) -> Reply:
        """The reply for one request."""
        ends = [end for end in self._by_end if request.route.endswith(end)]
        if ends:
            return self._by_end[max(ends, key=len)](request, family)
        parts = request.route.strip("/").split("/")
        for known, reply in (
            ("responses", self._stored_response),
            ("batches", self._stored_batch),
            ("files", _stored_file),
        ):
            if known in parts:
                rest = parts[parts.index(known) + 1 :]
                return reply(request, rest[0], rest[1] if len(rest) > 1 else "")
        if "models" in parts:
            return Json(media.model_object("/".join(parts[parts.index("models") + 1 :])))
        error = chat.error_body(f"Invalid URL ({request.method} {request.path})")
        return Json(error, status=404)

    def _create_response(self, request: Recorded, family: str) -> Reply:
        body = request.json()
        echoed = {key: body[key] for key in _ECHOED if body.get(key) is not None}
        if body.get("conversation"):
            given = body["conversation"]
            echoed["conversation"] = {"id": given if isinstance(given, str) else given["id"]}
        made = responses.response_object(
            *_output_items(body),
            model=resolved_model(body.get("model")),
            usage=responses.response_usage(reasoning=4) if body.get("reasoning") else None,
            **echoed,
        )
        self._stored[made["id"]] = made
        if body.get("stream"):
            events = responses.response_events(made, queued=bool(body.get("background")))
            return Sse(events, done=None, named=True)
        if body.get("background"):
            waiting: JsonDict = {
                "status": "queued",
                "output": [],
                "usage": None,
                "service_tier": "auto",
            }
            return Json({**made, **waiting})
        return Json(made)

    def _stored_response(self, request: Recorded, id: str, what: str) -> Reply:
        if id not in self._stored:
            return Json(chat.error_body(f"Response with id '{id}' not found."), status=404)
        stored = self._stored[id]
        if request.method == "DELETE":
            return Json({"id": id, "object": "response.deleted", "deleted": True})
        if what == "cancel":
            stored = {**stored, "status": "cancelled", "output": [], "usage": None}
            self._stored[id] = stored
        elif what == "input_items":
            return Json(media.list_object(paged=True))
        if "stream=true" in request.path:
            return Sse(responses.response_events(stored), done=None, named=True)
        return Json(stored)

    def _batches(self, request: Recorded, family: str) -> Reply:
        if request.method == "GET":
            return Json(media.list_object(media.batch("completed"), paged=True))
        body = request.json()
        keys = ("endpoint", "input_file_id", "completion_window", "metadata")
        made = media.batch(**{key: body[key] for key in keys if key in body})
        self._stored[made["id"]] = made
        return Json(made)

    def _stored_batch(self, request: Recorded, id: str, what: str) -> Reply:
        made = self._stored.get(id, {})
        keys = ("endpoint", "input_file_id", "completion_window", "metadata")
        same = {key: made[key] for key in keys if key in made}
        status = "cancelling" if what == "cancel" else "completed"
        return Json(media.batch(status, **same, id=id))


_ECHOED = (
    "background",
    "instructions",
    "max_output_tokens",
    "metadata",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "user",
)


def resolved_model(name: str | None) -> str:
    """The model that answers: a snapshot for an alias, else the same."""
    return _SNAPSHOTS.get(name or "", name or chat.MODEL)


def _chat(request: Recorded, family: str) -> Reply:
    body = request.json()
    model = resolved_model(body.get("model"))
    messages = [_chat_message(body)] * (body.get("n") or 1)
    usage = chat.chat_usage(reasoning=4) if body.get("reasoning_effort") else chat.chat_usage()
    if family == "groq":
        times = {"queue_time": 0.01, "prompt_time": 0.002, "completion_time": 0.03}
        usage = {k: usage[k] for k in ("prompt_tokens", "completion_tokens", "total_tokens")}
        usage |= {**times, "total_time": 0.032}
    if not body.get("stream"):
        whole = chat.chat_completion(*messages, model=model, usage=usage)
        return Json(_dressed(whole, family))
    asked = bool((body.get("stream_options") or {}).get("include_usage"))
    chunks = chat.chat_chunks(*messages, model=model, include_usage=asked, usage=usage)
    return Sse(_dressed_chunks(chunks, family, usage))


def _dressed(whole: JsonDict, family: str) -> JsonDict:
    if family == "azure":
        whole["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        for choice in whole["choices"]:
            choice["content_filter_results"] = _SAFE
    if family == "groq":
        whole |= {"service_tier": "on_demand", "x_groq": {"id": "req_local_1"}}
    return whole


def _dressed_chunks(chunks: list[JsonDict], family: str, usage: JsonDict) -> list[JsonDict]:
    if family == "azure":
        first = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        results = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        return [{**first, "prompt_filter_results": results}, *chunks]
    if family == "groq":
        last = [chunk for chunk in chunks if chunk["choices"]][-1]
        chunks[0]["x_groq"] = {"id": "req_local_1"}
        last["x_groq"] = {"id": "req_local_1", "usage": usage}
    return chunks


def _chat_message(body: JsonDict) -> JsonDict:
    named = _wanted_tool(body, lambda tool: tool.get("function") or {})
    if named and not any(m.get("role") == "tool" for m in body.get("messages") or ()):
        name, schema = named
        return chat.chat_message(tool_calls=[chat.tool_call(name, example_of(schema))])
    if "audio" in (body.get("modalities") or ()):
        return chat.chat_message(audio=chat.chat_audio())
    form = body.get("response_format") or {}
    schema = (form.get("json_schema") or {}).get("schema")
    return chat.chat_message(_text_for(form.get("type"), schema))


def _output_items(body: JsonDict) -> list[JsonDict]:
    thought = [responses.reasoning_item("I think.")] if body.get("reasoning") else []
    given = body.get("input")
    items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    done = any(str(item.get("type", "")).endswith("_call_output") for item in items)
    named = _wanted_tool(body, lambda tool: tool if tool.get("type") == "function" else {})
    if named and not done:
        return [*thought, responses.function_call_item(named[0], example_of(named[1]))]
    hosted = {str(tool.get("type")) for tool in body.get("tools") or ()}
    if any(kind.startswith("web_search") for kind in hosted):
        thought.append(responses.web_search_item())
    form = (body.get("text") or {}).get("format") or {}
    return [*thought, responses.message_item(_text_for(form.get("type"), form.get("schema")))]


def _wanted_tool(
    body: JsonDict, function_of: Callable[[JsonDict], JsonDict]
) -> tuple[str, Any] | None:
    choice = body.get("tool_choice")
    if choice == "none":
        return None
    tools = [function_of(tool) for tool in body.get("tools") or ()]
    tools = [tool for tool in tools if tool.get("name")]
    if isinstance(choice, dict):
        forced = (choice.get("function") or choice).get("name")
        tools = [tool for tool in tools if tool["name"] == forced] or tools
    return (tools[0]["name"], tools[0].get("parameters")) if tools else None


def _text_for(kind: str | None, schema: Any) -> str:
    if kind == "json_schema":
        return json.dumps(example_of(schema))
    return '{"answer": 42}' if kind == "json_object" else chat.TEXT


def _completions(request: Recorded, family: str) -> Reply:
    body = request.json()
    model = resolved_model(body.get("model"))
    if body.get("stream"):
        asked = bool((body.get("stream_options") or {}).get("include_usage"))
        return Sse(chat.completion_chunks(model=model, include_usage=asked))
    prompts = body["prompt"] if isinstance(body.get("prompt"), list) else [body.get("prompt")]
    count = len(prompts) if all(isinstance(p, str | list) for p in prompts) else 1
    return Json(chat.completion(*[chat.TEXT] * (count * (body.get("n") or 1)), model=model))


def _embeddings(request: Recorded, family: str) -> Reply:
    body = request.json()
    given = body.get("input")
    several = isinstance(given, list) and bool(given) and not isinstance(given[0], int)
    return Json(
        media.embeddings(
            len(given) if several else 1,
            model=body.get("model"),
            dimensions=body.get("dimensions") or 8,
            base64_encoded=body.get("encoding_format") == "base64",
        )
    )


def _images(request: Recorded, family: str) -> Reply:
    body = fields_of(request)
    if body.get("stream") in (True, "true"):
        edit = request.route.endswith("edits")
        count = int(body.get("partial_images") or 0)
        events = media.image_events("image_edit" if edit else "image_generation", count)
        return Sse(events, done=None, named=True)
    dall_e = str(body.get("model")).startswith("dall-e")
    count = int(body.get("n") or 1)
    if dall_e and body.get("response_format") == "b64_json":
        data = [{"b64_json": media.B64_IMAGE}] * count
        return Json({"created": chat.CREATED, "data": data})
    return Json(media.images(count, url=dall_e))


def _speech(request: Recorded, family: str) -> Reply:
    if request.json().get("stream_format") == "sse":
        return Sse(media.speech_events(), done=None)
    return Raw(media.SPEECH, "audio/mpeg")


def _transcription(request: Recorded, family: str) -> Reply:
    body = fields_of(request)
    form = body.get("response_format") or "json"
    if body.get("stream") == "true":
        return Sse(media.transcription_events(), done=None)
    if form in ("text", "srt", "vtt"):
        return Raw(f"{chat.TEXT}\n".encode(), "text/plain; charset=utf-8")
    if form == "verbose_json":
        return Json(media.transcription_verbose())
    by_time = str(body.get("model")).startswith("whisper")
    return Json(media.transcription(usage=media.duration_usage() if by_time else None))


def _translation(request: Recorded, family: str) -> Reply:
    form = fields_of(request).get("response_format") or "json"
    if form in ("text", "srt", "vtt"):
        return Raw(f"{chat.TEXT}\n".encode(), "text/plain; charset=utf-8")
    verbose = media.transcription_verbose(task="translate")
    return Json(verbose if form == "verbose_json" else {"text": chat.TEXT})


def _moderation(request: Recorded, family: str) -> Reply:
    given = request.json().get("input")
    texts = isinstance(given, list) and all(isinstance(text, str) for text in given)
    return Json(media.moderation(len(given) if texts else 1))


def _files(request: Recorded, family: str) -> Reply:
    if request.method == "GET":
        return Json(media.list_object(media.file_object(), paged=True))
    body = fields_of(request)
    size = len(body.get("file") or "")
    return Json(media.file_object(body.get("purpose") or "batch", size))


def _stored_file(request: Recorded, id: str, what: str) -> Reply:
    if what == "content":
        return Raw(encode_json(media.batch_line()) + b"\n", "application/octet-stream")
    if request.method == "DELETE":
        return Json({"id": id, "object": "file", "deleted": True})
    return Json({**media.file_object(), "id": id})


def fields_of(request: Recorded) -> JsonDict:
    """The fields of a JSON body or of a form."""
    kind = request.header("content-type") or ""
    if not kind.startswith("multipart/"):
        fields: JsonDict = request.json() if request.body else {}
        return fields
    head = f"content-type: {kind}\r\n\r\n".encode("latin-1")
    parts: Iterable[Any] = BytesParser().parsebytes(head + request.body).get_payload()
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(
            decode=True
        ).decode("utf-8", "replace")
        for part in parts
    }
