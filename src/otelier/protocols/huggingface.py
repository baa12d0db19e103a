"""Hugging Face inference: chat, text generation, embeddings, and the tasks that generate content.

Wire formats: text-generation-inference (docs/openapi.json: ``GenerateRequest``,
``GenerateResponse``, ``StreamResponse``, ``ErrorResponse``; its headers in router/src/server.rs),
text-embeddings-inference (headers in router/src/http/server.rs) and the task specifications of
huggingface.js (``packages/tasks``). Third parties behind the router speak OpenAI's dialect, or one
of their own of which only prompts, texts and addresses of files are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Parameter,
    Part,
    Reply,
    Route,
    Texts,
    blob,
    body_error,
    finish,
    integer,
    located,
    no_content,
    parameters,
    put,
    strings,
)
from otelier.protocols.openai import chat as openai_chat
from otelier.protocols.openai import completions as openai_completions
from otelier.protocols.openai import media as openai_media
from otelier.protocols.openai import usage as openai_usage
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

_GENERATION: Final[tuple[Parameter, ...]] = (
    ("max_new_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("top_k", semconv.REQUEST_TOP_K, integer),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY, wire.number),
    ("seed", semconv.REQUEST_SEED, integer),
    ("stop", semconv.REQUEST_STOP_SEQUENCES, strings),
)
# text-generation-inference's grammars; the others (regex) are text.
_JSON_GRAMMARS: Final = frozenset({"json", "json_schema"})
# What the SDK sends as model where the user gave a URL and no model.
_NO_MODEL: Final = "dummy"
_ROUTER: Final = "https://router.huggingface.co/"


def upstream(url: str) -> str | None:
    """The provider that the router's address names; None where the router chooses."""
    if not url.startswith(_ROUTER):
        return None
    first = url[len(_ROUTER) :].partition("/")[0]
    return None if first in ("", "v1") else first


def routed(url: str, chosen: Any) -> str | None:
    """The router's address of the provider that it chose; None where it had no choice."""
    if isinstance(chosen, str) and chosen and url.startswith(_ROUTER) and upstream(url) is None:
        return _ROUTER + chosen
    return None


# --- requests ---------------------------------------------------------------------------------


def chat_request(body: Wire) -> Attributes:
    """Attributes of a chat's parameters."""
    found = openai_chat.request(body)
    if found.get(semconv.REQUEST_MODEL) == _NO_MODEL:
        del found[semconv.REQUEST_MODEL]
    if wire.fields(body.get("response_format")).get("type") in _JSON_GRAMMARS:
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def generation_request(body: Wire) -> Attributes:
    """Attributes of a text generation's ``parameters``."""
    given = wire.fields(body.get("parameters"))
    found = parameters(given, _GENERATION)
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    if wire.fields(given.get("grammar")).get("type") in _JSON_GRAMMARS:
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def embeddings_request(body: Wire) -> Attributes:
    """Attributes of a feature extraction; its texts are ``inputs``, or ``input`` elsewhere."""
    inputs = body.get("inputs")
    return openai_media.embeddings_request(body if inputs is None else {**body, "input": inputs})


def task_request(body: Wire) -> Attributes:
    """Attributes of a task that generates content."""
    found = openai_media.request(body)
    seed = integer(wire.fields(body.get("parameters")).get("seed", body.get("seed")))
    if seed is not None:
        found[semconv.REQUEST_SEED] = seed
    return found


# Where tasks have what they work on; Replicate has it in an object ``input``.
_TEXTS: Final = ("inputs", "prompt", "text", "input")
_FILES: Final = (
    ("image_url", "image"),
    ("image", "image"),
    ("audio_url", "audio"),
    ("audio", "audio"),
)


def task_content(body: Wire) -> Content:
    """The text, or the file's address, that a task works on, as a user message."""
    found = Content()
    raw = wire.fields(body["input"]) if isinstance(body.get("input"), Mapping) else body
    text = next((raw[name] for name in _TEXTS if isinstance(raw.get(name), str)), None)
    parts: list[Part] = [{"type": "text", "content": text}] if text else []
    for name, modality in _FILES:
        if isinstance(raw.get(name), str):
            parts.append(located(modality, raw[name]))
            break
    if parts:
        found.messages.append({"role": "user", "parts": parts})
    return found


# --- answers ----------------------------------------------------------------------------------


def _failed(raw: Wire, reply: Reply) -> None:
    """``{"error": "text", "error_type": "overloaded"}``, or an error in OpenAI's shape."""
    body_error(raw["error"], reply)
    kind = wire.text(raw.get("error_type"))
    if kind:
        reply.error = kind


class ChatReader(openai_chat.Reader):
    """Reads a chat; an error in its stream is one whatever came before, as the SDK raises it."""

    __slots__ = ("_failure",)

    def __init__(self, keep: bool) -> None:
        super().__init__(keep)
        self._failure: Wire | None = None

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        raw = wire.fields(event)
        if raw.get("error") is not None:
            self._failure = raw
        super().chunk(event)

    def whole(self, body: Any) -> None:
        """A chat completion, or a legacy completion of text."""
        raw = wire.fields(body)
        if raw.get("error") and not raw.get("choices"):
            self._failure = raw
        super().whole(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = super().reply(complete)
        if self._failure is not None:
            _failed(self._failure, reply)
        return reply


class GenerationReader:
    """Reads a text generation, whole or token by token.

    A stream is counted in its ``details``, if the request wanted them; an answer in its headers,
    and in ``details``, there with the input as a list (``decoder_input_details``).
    """

    __slots__ = (
        "_answers",
        "_counts",
        "_details",
        "_failure",
        "_keep",
        "_reasons",
        "_text",
    )

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._answers: list[str] = []
        self._counts: Any = None
        self._details: list[Wire] = []
        self._reasons: list[str | None] = []
        self._text = Texts()
        self._failure: Wire | None = None

    def chunk(self, event: Any) -> None:
        """One token of a stream; the last one has the whole text and its details."""
        raw = wire.fields(event)
        if self._keep:
            token = wire.fields(raw.get("token"))
            text = token.get("text")
            if type(text) is str and token.get("special") is not True:
                self._text.add(text)
        if raw.get("generated_text") is not None or raw.get("error") is not None:
            self._one(raw)

    def whole(self, body: Any) -> None:
        """An answer, a list of them, or what the headers count."""
        if "counts" in wire.fields(body):
            self._counts = wire.fields(body)["counts"]
            return
        for answer in wire.items(body) or (body,):
            self._one(wire.fields(answer))

    def _one(self, raw: Wire) -> None:
        if raw.get("error") is not None:
            self._failure = raw
        text, details = raw.get("generated_text"), wire.fields(raw.get("details"))
        reason = wire.text(details.get("finish_reason"))
        if isinstance(text, str):
            self._answers.append(text)
        if isinstance(text, str) or reason:
            self._reasons.append(reason)
        if details:
            self._details.append(details)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        reply.finish_reasons = [finish.reason(each) for each in self._reasons]
        reply.usage = openai_usage.usage(self._counts)
        if reply.usage is None and len(self._details) == 1:
            reply.usage = _counted(self._details[0])
        if self._keep:
            texts = self._answers or ([str(self._text)] if self._text else [])
            reply.messages = [
                {"role": "assistant", "parts": [{"type": "text", "content": text}]}
                for text in texts
            ]
        if self._failure is not None:
            _failed(self._failure, reply)
        return reply


def _counted(details: Wire) -> Usage | None:
    read = wire.count(details.get("input_length"))
    if read is None:
        read = len(wire.items(details.get("prefill"))) or None
    made = wire.count(details.get("generated_tokens"))
    return None if read is None and made is None else Usage(input=read, output=made)


class EmbeddingsReader(openai_media.EmbeddingsReader):
    """Reads vectors that come bare (nested by text and token), or in OpenAI's list."""

    __slots__ = ("_counts",)

    def __init__(self, keep: bool) -> None:
        super().__init__(keep)
        self._counts: Any = None

    def whole(self, body: Any) -> None:
        """Vectors, an OpenAI list of embeddings or its tail, or what the headers count."""
        if "counts" in wire.fields(body):
            self._counts = wire.fields(body)["counts"]
        else:
            super().whole(body)

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = super().reply(complete)
        if reply.usage is None:
            reply.usage = openai_usage.usage(self._counts)
        vector, inner = None, self._body
        while isinstance(inner, list) and inner:
            vector, inner = inner, inner[0]
        if vector is not None and isinstance(inner, int | float):
            reply.attributes[semconv.EMBEDDINGS_DIMENSIONS] = len(vector)
        raw = wire.fields(self._body)
        if raw.get("error"):
            _failed(raw, reply)
        return reply


_ANSWERS: Final = ("text", "generated_text", "summary_text", "translation_text")


class TaskReader:
    """Reads the answer of a task that generates content; bytes of images and sound are no JSON."""

    __slots__ = ("_keep", "_modality", "_raw")

    def __init__(self, keep: bool, modality: str = "image") -> None:
        self._keep = keep
        self._modality = modality
        self._raw: Wire = {}

    def chunk(self, event: Any) -> None:
        """These tasks do not stream."""

    def whole(self, body: Any) -> None:
        """An object, or a list of one."""
        listed = wire.items(body)
        self._raw = wire.fields(listed[0] if listed else body)

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        raw = self._raw
        reply.model = wire.text(raw.get("model"))
        # fal.ai calls the id of a job in its queue so.
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id") or raw.get("request_id"))
        reply.usage = openai_usage.usage(raw.get("usage"))
        parts = self._parts(raw) if self._keep else []
        if parts:
            reply.messages = [{"role": "assistant", "parts": parts}]
        if raw.get("error"):
            _failed(raw, reply)
        return reply

    def _parts(self, raw: Wire) -> list[Part]:
        parts: list[Part] = [
            {"type": "text", "content": raw[name]} for name in _ANSWERS if wire.text(raw.get(name))
        ]
        kind, output = self._modality, raw.get("output")
        found = [*wire.items(raw.get("images")), *wire.items(raw.get("data")), raw.get(kind)]
        for each in found:
            members = wire.fields(each)
            if isinstance(members.get("b64_json"), str):
                parts.append(blob(kind, None, members["b64_json"]))
            elif isinstance(members.get("url"), str):
                parts.append(located(kind, members["url"], wire.text(members.get("content_type"))))
        # Replicate: addresses of files, or of one, or text.
        for each in wire.items(output) or (output,):
            if isinstance(each, str):
                told = each.startswith(("https://", "http://", "data:"))
                parts.append(located(kind, each) if told else {"type": "text", "content": each})
        return parts


# --- tasks ------------------------------------------------------------------------------------


def _task(output: str | None, modality: str = "image") -> Route:
    return Route(
        semconv.GENERATE_CONTENT,
        task_request,
        task_content,
        lambda keep: TaskReader(keep, modality),
        {} if output is None else {semconv.OUTPUT_TYPE: output},
        large_body=True,
    )


_GENERATE: Final = Route(
    semconv.TEXT_COMPLETION, generation_request, task_content, GenerationReader
)
# Every task that generates something, by the SDK's name of it. Those that judge, extract, separate
# or rank are left alone: text-classification, token-classification, fill-mask, question-answering,
# table-question-answering, sentence-similarity, object-detection, audio-to-audio, ….
TASKS: Final[Mapping[str, Route]] = {
    "conversational": Route(semconv.CHAT, chat_request, openai_chat.content, ChatReader),
    "text-generation": _GENERATE,
    "feature-extraction": Route(
        semconv.EMBEDDINGS, embeddings_request, no_content, EmbeddingsReader, large_body=True
    ),
    "summarization": _task("text"),
    "translation": _task("text"),
    "image-to-text": _task("text"),
    "automatic-speech-recognition": _task("text", "audio"),
    "text-to-image": _task("image"),
    "image-to-image": _task("image"),
    "text-to-speech": _task("speech", "audio"),
    # The conventions have no word for this output.
    "text-to-video": _task(None, "video"),
    "image-to-video": _task(None, "video"),
}
_COMPLETION: Final = Route(
    semconv.TEXT_COMPLETION,
    openai_chat.request,
    openai_completions.content,
    ChatReader,
)


# Of answers whose body does not always count: headers, and OpenAI's names for what they say.
_COUNTS: Final = {
    "text-generation": (
        ("x-prompt-tokens", "prompt_tokens"),
        ("x-generated-tokens", "completion_tokens"),
    ),
    "feature-extraction": (("x-compute-tokens", "prompt_tokens"),),
}


def counts(route: Route, headers: Mapping[str, str]) -> dict[str, dict[str, int]] | None:
    """What the headers of an answer count, for ``whole`` of the route's reader; or None."""
    for task, table in _COUNTS.items():
        if route is TASKS[task]:
            found = {name: headers.get(header, "") for header, name in table}
            numbers = {name: int(value) for name, value in found.items() if value.isdecimal()}
            return {"counts": numbers} if numbers else None
    return None


def find(task: str, body: Wire) -> Route | None:
    """The route of a task; None for those that are left alone."""
    route = TASKS.get(task)
    return _COMPLETION if route is _GENERATE and "prompt" in body else route
