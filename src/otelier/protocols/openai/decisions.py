"""OpenAI Decisions: answers to questions about an input, as probabilities instead of text.

Wire format: OpenAI API reference, "Decisions". Price: that of the model's input tokens, "no charges
for output, cache reads or cache writes" (OpenAI's pricing of the public beta, 2026-10).
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import Content, Message, Reply, Route, WholeReader, body_error, unshaped
from otelier.protocols.openai import responses as openai_responses
from otelier.protocols.openai import usage as openai_usage
from otelier.semconv import Attributes
from otelier.wire import Wire


def request(body: Wire) -> Attributes:
    """Attributes of the request's parameters."""
    model = wire.text(body.get("model"))
    return {semconv.REQUEST_MODEL: model} if model else {}


def content(body: Wire) -> Content:
    """The input, and the questions about it."""
    found = openai_responses.content({"input": body.get("input")})
    questions = _parts(body.get("questions"))
    if questions:
        found.messages.append({"role": "user", "parts": questions})
    return found


def _parts(items: Any) -> list[dict[str, Any]]:
    return [unshaped(wire.fields(item)) for item in wire.items(items)]


class Reader(WholeReader):
    """Reads the answers."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply, raw = Reply(), self._raw
        reply.model = wire.text(raw.get("model"))
        used = reply.usage = openai_usage.usage(raw.get("usage"))
        if used is not None:
            # Lists have the model's prices for these, and here they are not billed.
            reply.unpriced = bool(used.output or used.cache_read or used.cache_write)
        if self._keep:
            reply.messages = _answers(raw)
        if raw.get("error") is not None:
            body_error(raw["error"], reply)
        return reply


def _answers(raw: Wire) -> list[Message]:
    parts = _parts(raw.get("answers"))
    return [{"role": "assistant", "parts": parts}] if parts else []


ROUTE: Final = Route(
    semconv.GENERATE_CONTENT, request, content, Reader, {semconv.OUTPUT_TYPE: "json"}
)
