"""OpenAI Realtime: the events of one connection, in both directions.

Wire format: OpenAI API reference, "Realtime", client events and server events; the beta's names
where they differ. A response has no model of its own: the session has. Audio is never kept, only
what was said in it.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Message,
    Reply,
    Route,
    Texts,
    body_error,
    finish,
    no_content,
    put,
)
from otelier.protocols.openai import media as openai_media
from otelier.protocols.openai import responses
from otelier.protocols.openai import usage as openai_usage
from otelier.semconv import Attributes
from otelier.wire import Wire

_TRANSCRIBED: Final = "conversation.item.input_audio_transcription.completed"
_TOLD: Final = frozenset(
    f"{session}.{what}"
    for session in ("session", "transcription_session")
    for what in ("created", "updated")
)
_MAX_ITEMS: Final = 256
_AUDIO: Final = frozenset({"input_audio", "output_audio", "audio"})


class Session:
    """One connection's session, and the conversation items since the last response."""

    def __init__(self, model: str | None = None) -> None:
        self.id: str | None = None
        # The model that writes down what the user says, where one is asked to.
        self.transcriber: str | None = None
        self._settings: dict[str, Any] = {"model": model} if model else {}
        self._items: list[Any] = []
        # Speech that was committed, until its transcript comes.
        self._heard: dict[str, dict[str, Any]] = {}

    def sent(self, event: Wire) -> None:
        """An event that the client sends, other than ``response.create``."""
        kind = event.get("type")
        if kind in ("session.update", "transcription_session.update"):
            self._update(wire.fields(event.get("session")))
        elif kind == "conversation.item.create":
            self._add(_silent(wire.fields(event.get("item"))))

    def received(self, event: Wire) -> None:
        """An event of the server's, other than those of a response."""
        kind = event.get("type")
        if kind == "input_audio_buffer.committed":
            spoken: dict[str, Any] = {"type": "input_audio"}
            self._add({"role": "user", "content": [spoken]})
            self._heard[str(event.get("item_id"))] = spoken
            if len(self._heard) > _MAX_ITEMS:
                del self._heard[next(iter(self._heard))]
        elif kind == _TRANSCRIBED:
            heard = self._heard.pop(str(event.get("item_id")), None)
            if heard is not None:
                heard["transcript"] = event.get("transcript")
        elif kind in _TOLD:
            session = wire.fields(event.get("session"))
            self._update({k: v for k, v in session.items() if v is not None})
            self.id = wire.text(session.get("id"))

    def _update(self, session: Wire) -> None:
        self._settings.update(session)
        # The beta has it at the top.
        heard = wire.fields(wire.fields(session.get("audio")).get("input"))
        for place, name in ((heard, "transcription"), (session, "input_audio_transcription")):
            if name in place:
                self.transcriber = wire.text(wire.fields(place[name]).get("model"))

    def hears(self) -> dict[str, Any]:
        """What a transcription is asked with."""
        return {"model": self.transcriber, "stream": True}

    def _add(self, item: Wire) -> None:
        # A session that only transcribes never has a response.
        self._items = [*self._items[-_MAX_ITEMS:], item]

    def body(self, event: Wire | None) -> dict[str, Any]:
        """What a response is asked with; ``event`` is the client's, None if the server began it."""
        asked = wire.fields((event or {}).get("response"))
        body = {**self._settings, **{k: v for k, v in asked.items() if v is not None}}
        if asked.get("input") is None:
            body["input"] = self._items
            if asked.get("conversation") != "none":
                self._items = []
        return body


def _silent(item: Wire) -> Wire:
    parts = [
        {name: value for name, value in wire.fields(part).items() if name != "audio"}
        for part in wire.items(item.get("content"))
    ]
    return {**item, "content": parts} if parts else item


def request(body: Wire) -> Attributes:
    """Attributes of a response's parameters."""
    limit = body.get("max_output_tokens") or body.get("max_response_output_tokens")
    found = responses.request({**body, "max_output_tokens": limit, "text": None})
    found.pop(semconv.CONVERSATION_ID, None)
    modalities = wire.items(body.get("output_modalities") or body.get("modalities"))
    if modalities:
        found[semconv.OUTPUT_TYPE] = "speech" if "audio" in modalities else "text"
    return found


def content(body: Wire) -> Content:
    """Items, instructions and tool definitions that a response is made from."""
    found = responses.content(
        {"instructions": body.get("instructions"), "tools": body.get("tools")}
    )
    found.messages = [message for item in wire.items(body.get("input")) for message in _item(item)]
    return found


def _item(item: Any) -> list[Message]:
    raw = wire.fields(item)
    if raw.get("type") not in (None, "message"):
        return responses.messages([raw])
    message: Message = {"role": wire.text(raw.get("role")) or "user", "parts": []}
    for value in wire.items(raw.get("content")):
        part = wire.fields(value)
        if part.get("type") in _AUDIO:
            said = wire.text(part.get("transcript"))
            # Without a transcript all that is known is that there was sound.
            message["parts"].append(
                {"type": "text", "content": said} if said else {"type": "audio"}
            )
        else:
            message["parts"] += responses.messages([{"content": [part]}])[0]["parts"]
    return [message]


class Reader:
    """Reads one response."""

    __slots__ = ("_deltas", "_error", "_items", "_keep", "_response")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._response: Any = None
        self._items: list[Any] = []
        self._deltas: Texts | None = None
        self._error: Any = None

    def chunk(self, event: Any) -> None:
        """A delta, or an item that is done."""
        if not self._keep:
            return
        raw = wire.fields(event)
        kind = str(raw.get("type"))
        if kind.endswith(("transcript.delta", "text.delta")):
            piece = raw.get("delta")
            if type(piece) is str:
                self._deltas = self._deltas or Texts()
                self._deltas.add(piece)
        elif kind == "response.output_item.done":
            self._items.append(raw.get("item"))
            self._deltas = None

    def whole(self, body: Any) -> None:
        """The ``response`` of ``response.done``, or the event of an error."""
        raw = wire.fields(body)
        self._response = raw
        details = wire.fields(raw.get("status_details"))
        self._error = raw.get("error") or details.get("error")
        if raw.get("output"):
            self._deltas = None

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        raw = wire.fields(self._response)
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        put(reply.attributes, semconv.CONVERSATION_ID, raw.get("conversation_id"))
        reply.usage = openai_usage.usage(raw.get("usage"))
        items = wire.items(raw.get("output")) or self._items
        self._finish(raw, reply, items)
        if self._keep:
            parts = [part for item in items for said in _item(item) for part in said["parts"]]
            if self._deltas:
                parts.append({"type": "text", "content": str(self._deltas)})
            if parts:
                reply.messages = [{"role": "assistant", "parts": parts}]
        return reply

    def _finish(self, raw: Wire, reply: Reply, items: Any) -> None:
        status = raw.get("status")
        if status == "completed":
            called = any(wire.fields(item).get("type") == "function_call" for item in items)
            reply.finish_reasons = [finish.reason(finish.STOP, called)]
        elif status == "incomplete":
            details = wire.fields(raw.get("status_details"))
            reply.finish_reasons = [finish.reason(details.get("reason")) or "incomplete"]
        elif status == "failed" or self._error is not None:
            reply.finish_reasons = [finish.ERROR]
        # Cancelled by the application, or by somebody who spoke: nothing failed.
        if status == "failed" or (self._error is not None and status is None):
            body_error(self._error, reply)


HEARD: Final = Route(
    semconv.GENERATE_CONTENT,
    openai_media.request,
    no_content,
    openai_media.Reader,
    attributes={semconv.OUTPUT_TYPE: "text"},
)
# Every response is streamed: events are all that there is.
ROUTE: Final = Route(
    semconv.CHAT, request, content, Reader, attributes={semconv.REQUEST_STREAM: True}
)
