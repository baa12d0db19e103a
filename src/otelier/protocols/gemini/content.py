"""Gemini: generateContent and its streams, embeddings, token counts, Imagen's predict.

Wire format: Gemini API reference ("generateContent", "UsageMetadata", "Embeddings", "countTokens")
and that of Vertex AI ("predict" for Imagen and text embeddings). The API also takes members in
snake case, and the SDK sends nested ones so.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.expressions import later
from otelier.protocols import (
    Content,
    Message,
    Parameter,
    Part,
    Reply,
    Route,
    Texts,
    WholeReader,
    billed,
    blob,
    finish,
    modality,
    parameters,
    put,
    string,
    strings,
    tool_call,
    unshaped,
)
from otelier.protocols.gemini.usage import TRAFFIC, member, searches, tier, usage
from otelier.semconv import Attributes
from otelier.wire import Wire

_CONFIG: Final[tuple[Parameter, ...]] = (
    ("maxOutputTokens", semconv.REQUEST_MAX_TOKENS, wire.count),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("topP", semconv.REQUEST_TOP_P, wire.number),
    # The SDK's own type is a float.
    ("topK", semconv.REQUEST_TOP_K, wire.count),
    ("frequencyPenalty", semconv.REQUEST_FREQUENCY_PENALTY, wire.number),
    ("presencePenalty", semconv.REQUEST_PRESENCE_PENALTY, wire.number),
    ("seed", semconv.REQUEST_SEED, wire.count),
    ("stopSequences", semconv.REQUEST_STOP_SEQUENCES, strings),
)
_OUTPUT_TYPES: Final = {"application/json": "json", "text/plain": "text", "text/x.enum": "text"}
_MODALITIES: Final = (("IMAGE", "image"), ("AUDIO", "speech"), ("TEXT", "text"))
_TEXT_ONLY: Final = frozenset({"text", "thought", "thoughtSignature", "thought_signature"})


# --- requests ---------------------------------------------------------------------------------


def request(body: Wire) -> Attributes:
    """Attributes of a generateContent request's parameters."""
    config = wire.fields(body.get("generationConfig"))
    found = parameters(config, _CONFIG)
    choices = wire.count(config.get("candidateCount"))
    if choices is not None and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    wanted = _output_type(config)
    if wanted:
        found[semconv.OUTPUT_TYPE] = wanted
    thinking = wire.fields(config.get("thinkingConfig"))
    put(found, semconv.REQUEST_REASONING_LEVEL, member(thinking, "thinkingLevel"))
    put(found, semconv.PROVIDER_PREFIX + "cached_content", body.get("cachedContent"))
    return found


def _output_type(config: Wire) -> str | None:
    wanted = {string(each).upper() for each in wire.items(config.get("responseModalities"))}
    for name, kind in _MODALITIES[:2]:
        if name in wanted:
            return kind
    mime = _OUTPUT_TYPES.get(string(config.get("responseMimeType")))
    return mime or ("text" if "TEXT" in wanted else None)


def stream_request(body: Wire) -> Attributes:
    """The same of streamGenerateContent."""
    return {**request(body), semconv.REQUEST_STREAM: True}


def content(body: Wire) -> Content:
    """Contents, system instruction and tools."""
    body = wire.fields(member(body, "generateContentRequest")) or body
    found = Content()
    found.system = _parts(wire.fields(member(body, "systemInstruction")).get("parts"))
    for each in wire.items(body.get("contents")):
        raw = wire.fields(each)
        role = wire.text(raw.get("role")) or "user"
        found.messages.append({"role": role, "parts": _parts(raw.get("parts"))})
    for tool in wire.items(body.get("tools")):
        found.tools += _definitions(wire.fields(tool))
    return found


def _definitions(raw: Wire) -> list[dict[str, Any]]:
    found = []
    for declared in wire.items(member(raw, "functionDeclarations")):
        function = wire.fields(declared)
        known: dict[str, Any] = {"type": "function", "name": string(function.get("name"))}
        if function.get("description") is not None:
            known["description"] = function["description"]
        shape = member(function, "parameters") or member(function, "parametersJsonSchema")
        if shape is not None:
            known["parameters"] = _json_schema(wire.plain(shape))
        found.append(known)
    # Google's own tools are members without a name: {"googleSearch": {}}.
    found += [
        {"type": kind, "name": kind}
        for kind, value in raw.items()
        if value is not None and kind not in ("functionDeclarations", "function_declarations")
    ]
    return found


def _json_schema(value: Any) -> Any:
    """Gemini's ``Schema`` as JSON Schema, which writes the names of types in small letters."""
    if isinstance(value, list):
        return [_json_schema(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each.lower() if name == "type" and isinstance(each, str) else _json_schema(each)
        for name, each in value.items()
    }


def _parts(parts: Any) -> list[Part]:
    found = [_part(wire.fields(part)) for part in wire.items(parts)]
    return [part for part in found if part is not None]


def _part(raw: Wire) -> Part | None:
    text = raw.get("text")
    if isinstance(text, str):
        if raw.get("thought") is True:
            return {"type": "reasoning", "content": text}
        return {"type": "text", "content": text}
    for name, read in _PARTS:
        inner = member(raw, name)
        if inner is not None:
            return read(wire.fields(inner))
    if raw.keys() <= _TEXT_ONLY:
        return None  # A signature alone: nothing to read.
    return unshaped(raw)


def _inline(raw: Wire) -> Part:
    mime = wire.text(member(raw, "mimeType"))
    return blob(modality(mime), mime, string(raw.get("data")))


def _file(raw: Wire) -> Part:
    mime = wire.text(member(raw, "mimeType"))
    part: Part = {"type": "uri", "modality": modality(mime)}
    part["uri"] = string(member(raw, "fileUri"))
    if mime:
        part["mime_type"] = mime
    return part


def _called(raw: Wire) -> Part:
    return tool_call(raw.get("name"), raw.get("id"), wire.plain(raw.get("args")))


def _answered(raw: Wire) -> Part:
    part = _known({"type": "tool_call_response"}, raw, "id", "name")
    response = wire.plain(raw.get("response"))
    more = [_part(wire.fields(each)) for each in wire.items(raw.get("parts"))]
    part["response"] = [response, *filter(None, more)] if more else response
    return part


def _known(part: Part, raw: Wire, *names: str) -> Part:
    for name in names:
        if wire.text(raw.get(name)):
            part[name] = raw[name]
    return part


def _server(kind: str, name: str | None) -> Any:
    """Reads what the provider's own tools were asked and answered."""

    def read(raw: Wire) -> Part:
        tool = name or wire.text(member(raw, "toolType")) or "unknown"
        inner = {key: wire.plain(value) for key, value in raw.items() if key != "id"}
        part: Part = {"type": kind, kind: {**inner, "type": tool}}
        if kind == "server_tool_call":
            part["name"] = tool
        return _known(part, raw, "id")

    return read


_PARTS: Final = (
    ("functionCall", _called),
    ("functionResponse", _answered),
    ("inlineData", _inline),
    ("fileData", _file),
    ("executableCode", _server("server_tool_call", "code_execution")),
    ("codeExecutionResult", _server("server_tool_call_response", "code_execution")),
    ("toolCall", _server("server_tool_call", None)),
    ("toolResponse", _server("server_tool_call_response", None)),
)


# --- answers ----------------------------------------------------------------------------------


def error(value: Any, reply: Reply) -> None:
    """An ``{"error": …}`` in a body that HTTP called a success; its ``code`` is HTTP's."""
    raw = wire.fields(value)
    said = raw.get("status") or raw.get("code")
    reply.error = str(said) if isinstance(said, str | int) else "_OTHER"
    reply.error_message = wire.text(raw.get("message"))


class _Candidate:
    """One candidate, as it grows."""

    __slots__ = ("called", "parts", "reason", "role")

    def __init__(self) -> None:
        # Whether the application is asked to run a function: Gemini has no reason for that.
        self.called = False
        self.parts: list[Any] = []
        self.reason: str | None = None
        self.role: str | None = None

    def add(self, parts: Any) -> None:
        """The parts of one chunk; text goes on where the chunk before ended."""
        for position, part in enumerate(wire.items(parts)):
            raw = wire.fields(part)
            text = raw.get("text")
            if type(text) is str and raw.keys() <= _TEXT_ONLY:
                if not text:
                    continue
                thought = raw.get("thought") is True
                last = self.parts[-1] if self.parts and not position else None
                if type(last) is tuple and last[0] is thought:
                    last[1].add(text)
                else:
                    texts = Texts()
                    texts.add(text)
                    self.parts.append((thought, texts))
            elif "functionCall" in raw:
                self._call(raw)
            else:
                self.parts.append(raw)

    def _call(self, raw: Wire) -> None:
        # Vertex AI streams arguments: {"jsonPath": "$.city", "stringValue": "Par"}, a call's
        # first piece with its name, each but the last with willContinue.
        call = wire.fields(raw["functionCall"])
        last = self.parts[-1] if self.parts else None
        if type(last) is _Growing and last.open and "name" not in call:
            last.add(call)
        elif call.get("partialArgs") is not None or call.get("willContinue") is True:
            self.parts.append(_Growing(call))
        else:
            self.parts.append(raw)

    def read(self) -> list[Part]:
        """The parts in the conventions' shape."""
        found: list[Part] = []
        for part in self.parts:
            if type(part) is tuple:
                found.append({"type": "reasoning" if part[0] else "text", "content": str(part[1])})
            elif type(part) is _Growing:
                found.append(tool_call(part.name, part.id, part.read()))
            else:
                found += _parts([part])
        return found


class _Growing:
    """A function call whose arguments are streamed."""

    __slots__ = ("_values", "id", "name", "open")

    def __init__(self, call: Wire) -> None:
        self.name, self.id = call.get("name"), call.get("id")
        self._values: dict[str, Any] = {}
        self.add(call)

    def add(self, call: Wire) -> None:
        """One more piece."""
        self.open = call.get("willContinue") is True
        for each in wire.items(call.get("partialArgs")):
            raw = wire.fields(each)
            path = string(raw.get("jsonPath"))
            text = raw.get("stringValue")
            if isinstance(text, str):
                texts = self._values.setdefault(path, Texts())
                if isinstance(texts, Texts):
                    texts.add(text)
            else:
                values = [raw[name] for name in ("numberValue", "boolValue") if name in raw]
                self._values[path] = values[0] if values else None

    def read(self) -> Any:
        """The arguments that the paths (RFC 9535) lead to; None where one cannot be followed."""
        found: dict[Any, Any] = {}
        for path, value in self._values.items():
            steps = _steps(path)
            if not steps:
                return None
            held = found
            for step in steps[:-1]:
                held = held.setdefault(step, {})
                if type(held) is not dict:
                    return None
            held[steps[-1]] = str(value) if isinstance(value, Texts) else value
        return _lists(found)


_STEP: Final = later(r"\.([^.\[\]]+)|\[(\d{1,4})\]|\['([^']*)'\]")


def _steps(path: str) -> list[Any]:
    """The names and positions of a JSON path; nothing where it has other steps."""
    found: list[Any] = []
    at = 1 if path.startswith("$") else 0
    text = path if at else f".{path}"
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or len(found) > 64:
            return []
        name, position, quoted = step.groups()
        found.append(int(position) if position is not None else name or quoted or "")
        at = step.end()
    return found


def _lists(value: Any) -> Any:
    """What was kept by positions as lists."""
    if type(value) is not dict:
        return value
    if value and all(type(key) is int for key in value):
        return [_lists(value[key]) for key in sorted(value)]
    return {str(key): _lists(member) for key, member in value.items()}


_OTHER_GROUNDING: Final = (
    "googleMapsWidgetContextToken",
    "retrievalQueries",
    # Whether these are billed as other searches are is not told.
    "imageSearchQueries",
)


def listed(body: Wire) -> bool:
    """Whether a request's tools have listed prices: searches for enterprises are dearer than the
    others (Vertex AI pricing, "Web Grounding for Enterprise"), and answers look the same.
    """
    tools = map(wire.fields, wire.items(body.get("tools")))
    return all(member(tool, "enterpriseWebSearch") is None for tool in tools)


def _other_grounding(grounding: Wire) -> bool:
    """Whether maps or a user's own documents were asked, which price lists do not cover."""
    if any(grounding.get(name) for name in _OTHER_GROUNDING):
        return True
    chunks = map(wire.fields, wire.items(grounding.get("groundingChunks")))
    return any("maps" in each or "retrievedContext" in each for each in chunks)


class Reader:
    """Reads a GenerateContentResponse, whole or chunk by chunk."""

    __slots__ = (
        "_blocked",
        "_candidates",
        "_error",
        "_head",
        "_keep",
        "_queries",
        "_unpriced",
        "_usage",
    )

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._candidates: dict[int, _Candidate] = {}
        self._unpriced = False
        self._usage: Wire = {}
        self._head: Wire = {}
        self._queries: dict[int, int] = {}
        self._blocked: str | None = None
        self._error: Any = None

    def chunk(self, event: Any) -> None:
        """One chunk: each tells the usage so far, the last one finally."""
        raw = wire.fields(event)
        counted = raw.get("usageMetadata")
        if counted:
            self._usage = wire.fields(counted)
        if raw.get("responseId") or raw.get("modelVersion"):
            self._head = raw
        for position, candidate in enumerate(wire.items(raw.get("candidates"))):
            self._candidate(position, wire.fields(candidate))
        if raw.get("promptFeedback") is not None:
            blocked = wire.fields(raw["promptFeedback"]).get("blockReason")
            self._blocked = wire.text(blocked) or self._blocked
        if raw.get("error") is not None:
            self._error = raw["error"]

    def _candidate(self, position: int, raw: Wire) -> None:
        index = raw.get("index")
        if type(index) is not int:
            index = position
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = _Candidate()
        found.reason = wire.text(raw.get("finishReason")) or found.reason
        grounding = raw.get("groundingMetadata")
        if grounding is not None:
            queries = len(wire.items(wire.fields(grounding).get("webSearchQueries")))
            self._queries[index] = queries or self._queries.get(index, 0)
            self._unpriced = self._unpriced or _other_grounding(wire.fields(grounding))
        said = wire.fields(raw.get("content"))
        if not found.called:
            found.called = any(_calls(wire.fields(part)) for part in wire.items(said.get("parts")))
        if self._keep:
            found.role = wire.text(said.get("role")) or found.role
            found.add(said.get("parts"))

    def whole(self, body: Any) -> None:
        """An answer that is not streamed, or a stream that came as one JSON array."""
        for each in wire.items(body) or (body,):
            self.chunk(each)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        reply.model = wire.text(self._head.get("modelVersion"))
        put(reply.attributes, semconv.RESPONSE_ID, self._head.get("responseId"))
        put(reply.attributes, semconv.PROVIDER_PREFIX + "block_reason", self._blocked)
        traffic = wire.text(self._usage.get("trafficType"))
        put(reply.attributes, semconv.PROVIDER_PREFIX + "traffic_type", traffic)
        tier(reply, self._usage.get("serviceTier"))
        if traffic in TRAFFIC:
            reply.pricing["service_tier"] = TRAFFIC[traffic]
        reply.usage = usage(self._usage)
        if self._unpriced:
            billed.note(reply, "maps_grounding", None)
        if reply.usage is not None:
            reply.usage.web_searches = searches(reply.model, sum(self._queries.values()))
        candidates = [self._candidates[index] for index in sorted(self._candidates)]
        reply.finish_reasons = [finish.reason(each.reason, each.called) for each in candidates]
        if self._keep:
            messages = [_message(each) for each in candidates]
            # A message for each candidate, in order: one of several may be blocked, and empty.
            reply.messages = messages if any(each["parts"] for each in messages) else []
        if self._error is not None:
            error(self._error, reply)
        return reply


def _calls(part: Wire) -> bool:
    return member(part, "functionCall") is not None


def _message(candidate: _Candidate) -> Message:
    return {"role": candidate.role or "model", "parts": candidate.read()}


class CountReader(WholeReader):
    """Reads a token count, which is no usage."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        # A count of zero is left out of the JSON.
        counted = wire.count(self._raw.get("totalTokens"))
        if counted is not None:
            reply.attributes[semconv.COUNTED_TOKENS] = counted
        return reply


ROUTES: Final = {
    "generateContent": Route(semconv.GENERATE_CONTENT, request, content, Reader, listed=listed),
    "streamGenerateContent": Route(
        semconv.GENERATE_CONTENT, stream_request, content, Reader, listed=listed
    ),
    "countTokens": Route(semconv.COUNT_TOKENS, request, content, CountReader),
}
