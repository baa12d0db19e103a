"""Wire formats as pure functions over plain data. No SDK and no OpenTelemetry in here.

A protocol reads a request body into attributes and content, and what comes back (a whole body or
a stream's events, one by one) into a :class:`Reply`. :class:`Route` binds the two to an endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from otelier import semconv, wire
from otelier.protocols import finish
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

# Messages and parts in the conventions' JSON shape.
Message: TypeAlias = dict[str, Any]
Part: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Content:
    """What a request carries, in the conventions' shapes."""

    messages: list[Message] = field(default_factory=list)
    system: list[Part] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    # What a retrieval looks for.
    query: str | None = None


@dataclass(slots=True)
class Cost:
    """What the provider said the call cost, in USD; parts only where it said them."""

    total: float
    input: float | None = None
    output: float | None = None
    # Who said it, where that is not the provider itself.
    source: str = "provider"


@dataclass(slots=True, repr=False)
class Reply:
    """What came back, read so far."""

    attributes: Attributes = field(default_factory=dict)
    model: str | None = None
    # One for each choice, in order; None for one whose reason was not told (see finish.settle).
    finish_reasons: list[str | None] = field(default_factory=list)
    usage: Usage | None = None
    cost: Cost | None = None
    # What prices depend on: {"processing": "batch"} or {"service_tier": "flex"}.
    pricing: dict[str, str] = field(default_factory=dict)
    # Something was used that price lists do not cover: the price of its tokens is not the cost.
    unpriced: bool = False
    # Usage is of what came before the answer was cut off: the whole of it costs more.
    partial: bool = False
    messages: list[Message] = field(default_factory=list)
    # Instructions that only the answer shows (a fetched response).
    system: list[Part] = field(default_factory=list)
    # What a retrieval found.
    documents: list[dict[str, Any]] = field(default_factory=list)
    # The last that was told is that the answer is not there yet, or that it has come to its end,
    # whatever that was; neither where nothing was told.
    waiting: bool = False
    ended: bool = False
    # The answers that this one is the sum of, each priced apart (a batch's results).
    parts: list[Reply] = field(default_factory=list)
    # The provider said in the body that it failed, though HTTP said 200.
    error: str | None = None
    error_message: str | None = None

    def output(self, released: bool) -> list[Message]:
        """The messages; in the released conventions each says why it ended.

        gen-ai-output-messages.json of 1.41 requires that; backends that check the schema show none
        of an answer's messages without it. The schema takes any word: ``unknown`` where no reason
        was told, or where reasons and messages cannot be matched.
        """
        if not released:
            return self.messages
        reasons: Sequence[str | None] = self.finish_reasons
        if len(self.messages) != len(reasons):
            # A message for each choice, and a reason for each choice: else nobody knows whose.
            reasons = [None] * len(self.messages)
        return [
            {**message, "finish_reason": reason or finish.UNKNOWN}
            for message, reason in zip(self.messages, reasons, strict=True)
        ]


class Reader(Protocol):
    """Reads one answer. ``keep`` content or only facts; never raises for odd data on purpose."""

    def chunk(self, event: Any) -> None:
        """One event of a stream."""

    def whole(self, body: Any) -> None:
        """The body of an answer that is not streamed."""

    def reply(self, complete: bool) -> Reply:
        """What was read. ``complete`` is False when the answer was cut off or left early."""


# Takes the events of a stream, one by one.
Take: TypeAlias = Callable[[Any], object]


def taking(reader: Reader, first: Any) -> Take:
    """What takes the events of a stream, of which ``first`` is the first.

    A reader may have a quicker way than ``chunk`` for the models of an SDK: its ``quick(first)``.
    """
    quick: Callable[[Any], Take] | None = getattr(reader, "quick", None)
    return reader.chunk if quick is None else quick(first)


class WholeReader:
    """Base of readers of answers that are never streamed: they have the body as ``_raw``."""

    __slots__ = ("_keep", "_raw")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._raw: Wire = _NOTHING

    def chunk(self, event: Any) -> None:
        """Such answers have no events."""

    def whole(self, body: Any) -> None:
        """The body, or what was found in the end of a large one."""
        self._raw = wire.fields(body)


_NOTHING: Final[Wire] = {}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Route:
    """One endpoint of a wire format."""

    operation: str
    request: Callable[[Wire], Attributes]
    content: Callable[[Wire], Content]
    reader: Callable[[bool], Reader]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    # The member of a request that alone names the model, if one does.
    model_in: str | None = None
    # Span names carry the model, but for operations that have none.
    named_by_model: bool = True
    # The attribute that a span's name carries where that is not the model.
    named_by: str = semconv.REQUEST_MODEL
    # Whether it shows an answer that another call began: what that used counts here only where the
    # other call returned before it was told.
    fetches: bool = False
    # Whether a request asks for an answer that the provider goes on with when the call is over.
    background: Callable[[Wire], bool] | None = None
    # Whether price lists cover what a request asks for.
    listed: Callable[[Wire], bool] | None = None
    # Whether metrics count its tokens and cost (a batch's results may be read again).
    metered: bool = True
    # What the id in the path is.
    id_attribute: str = semconv.RESPONSE_ID
    # A body that may be large and holds little for us (vectors, images) is not parsed whole.
    large_body: bool = False

    def asked(self, body: Wire, model: str | None, extra: Attributes | None) -> str | None:
        """The model that is asked for, where that needs no reading of all of the request.

        ``model`` and ``extra`` are what is known beside the body.
        """
        if self.model_in is None or (extra is not None and semconv.REQUEST_MODEL in extra):
            return None
        return wire.text(body.get(self.model_in)) or model

    def name(self, attributes: Attributes) -> str:
        """The name of a span with these attributes."""
        asked = attributes.get(self.named_by) if self.named_by_model else None
        return f"{self.operation} {asked}" if asked else self.operation


Routes: TypeAlias = Mapping[tuple[str, str], Route]
# What to read of a request parameter: wire name, attribute, how.
Parameter: TypeAlias = tuple[str, str, Callable[[Any], Any]]


def parameters(body: Wire, table: Sequence[Parameter]) -> Attributes:
    """The request's attributes by a table; a parameter of a wrong type is left out."""
    found: Attributes = {}
    for name, attribute, read in table:
        value = body.get(name)
        if value is not None:
            value = read(value)
            if value is not None:
                found[attribute] = value
    return found


def integer(value: Any) -> int | None:
    """An int, or None."""
    return value if type(value) is int else None


def string(value: Any) -> str:
    """A string, exactly of that type; an empty one for anything else."""
    return value if type(value) is str else wire.text(value) or ""


def strings(value: Any) -> list[str] | None:
    """A string or a list of strings as a list, or None."""
    if issubclass(type(value), str):
        return [str.__str__(value)]
    found = [str.__str__(item) for item in wire.items(value) if issubclass(type(item), str)]
    return found or None


def blob(modality: str, mime_type: str | None, content: str) -> Part:
    """A part for base64 data; the content stays a reference until the content policy sees it."""
    part: Part = {"type": "blob", "modality": modality, "content": content}
    if mime_type:
        part["mime_type"] = mime_type
    return part


_MODALITIES: Final = frozenset({"image", "audio", "video"})


def modality(mime_type: Any) -> str:
    """What a MIME type is about, in the conventions' word."""
    head = string(mime_type).partition("/")[0].lower()
    return head if head in _MODALITIES else "document"


def located(modality: str, url: Any, mime_type: str | None = None) -> Part:
    """A part for a URL: ``data:`` URLs become blobs, others are kept as they are."""
    address = string(url)
    if address[:5].lower() == "data:":
        head, _, data = address.partition(",")
        mime = head[5:].split(";")[0] or mime_type
        return blob(modality, mime, data)
    part: Part = {"type": "uri", "modality": modality, "uri": address}
    if mime_type:
        part["mime_type"] = mime_type
    return part


_SHAPED: Final = frozenset(
    {
        "text",
        "tool_call",
        "tool_call_response",
        "server_tool_call",
        "server_tool_call_response",
        "blob",
        "file",
        "uri",
        "reasoning",
        "compaction",
    }
)


def unshaped(raw: Wire) -> Part:
    """A part of a kind that nobody knows, as it came; never under a name of the conventions'."""
    part: Part = wire.plain(raw)
    kind = wire.text(raw.get("type"))
    part["type"] = "unknown" if kind is None or kind in _SHAPED else kind
    return part


def ranked(results: Any) -> list[dict[str, Any]]:
    """The results of a reranking as documents: position, score, and the text where it is told."""
    found = []
    for result in map(wire.fields, wire.items(results)):
        score = result.get("relevance_score", result.get("relevanceScore"))
        document = {"index": result.get("index"), "score": score}
        if result.get("document") is not None:
            document["document"] = wire.plain(result["document"])
        found.append(document)
    return found


def no_attributes(body: Wire) -> Attributes:
    """For operations whose request has nothing to tell but its path."""
    return {}


def put(attributes: Attributes, name: str, value: Any) -> None:
    """Set an attribute to a non-empty string; anything else is left out."""
    if isinstance(value, str) and value:
        attributes[name] = value


def body_error(error: Any, reply: Reply) -> None:
    """An ``{"error": …}`` in a body that HTTP called a success."""
    raw = wire.fields(error)
    code = raw.get("code")
    kind = raw.get("type")
    reply.error = str(code) if isinstance(code, str | int) else wire.text(kind) or "_OTHER"
    message = raw.get("message")
    reply.error_message = message if isinstance(message, str) else wire.text(error)


def no_content(body: Wire) -> Content:
    """For operations whose request carries no messages."""
    return Content()


def in_background(body: Wire) -> bool:
    """Whether a request asks for its answer in the background."""
    return body.get("background") is True


def tool_call(name: Any, id: Any, arguments: Any) -> Part:
    """A tool call part; ``id`` only where the provider gave one."""
    part: Part = {"type": "tool_call", "name": string(name)}
    told = wire.text(id)
    if told is not None:
        part["id"] = told
    if arguments is not None and (type(arguments) is not str or arguments):
        part["arguments"] = wire.parsed(arguments)
    return part


def server_call(name: str, id: Any, arguments: Any) -> Part:
    """The part of a tool call that the provider makes by itself."""
    inner: dict[str, Any] = {"type": name}
    if arguments is not None:
        inner["input"] = wire.plain(arguments)
    part: Part = {"type": "server_tool_call", "name": name, "server_tool_call": inner}
    if isinstance(id, str) and id:
        part["id"] = id
    return part


def server_result(kind: str, id: Any, content: Any) -> Part:
    """The part of what came of such a call; ``content`` is plain, None where nothing did."""
    inner: dict[str, Any] = {"type": kind}
    if content is not None:
        inner["content"] = content
    part: Part = {"type": "server_tool_call_response", "server_tool_call_response": inner}
    if isinstance(id, str) and id:
        part["id"] = id
    return part


def function_definition(tool: Wire) -> dict[str, Any]:
    """A tool definition from a flat ``{name, description, parameters}`` object."""
    kind = tool.get("type")
    known: dict[str, Any] = {
        "type": kind if isinstance(kind, str) else "function",
        "name": wire.text(tool.get("name")) or string(kind),
    }
    description = tool.get("description")
    if description is not None:
        known["description"] = description
    parameters = tool.get("input_schema")
    if parameters is None:
        parameters = tool.get("parameters")
    if parameters is not None:
        known["parameters"] = parameters
    return known


class Texts:
    """Text that arrives in pieces, joined every few hundred so that little is held."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def add(self, piece: str) -> None:
        """One more piece."""
        pieces = self.pieces
        pieces.append(piece)
        if len(pieces) > MOST_PIECES:
            pieces[:] = ("".join(pieces),)

    def __str__(self) -> str:
        return "".join(self.pieces)

    def __bool__(self) -> bool:
        return bool(self.pieces)


MOST_PIECES: Final = 512
