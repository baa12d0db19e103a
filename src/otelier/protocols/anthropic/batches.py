"""Anthropic message batches: their results, a line of JSON for each request.

Wire format: Anthropic API reference, "Retrieve Message Batch results": ``{custom_id, result}``,
where the result is ``succeeded`` with a message, ``errored``, ``canceled`` or ``expired``.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import Reply
from otelier.protocols.anthropic import messages
from otelier.semconv import Attributes
from otelier.usage import Usage, add
from otelier.wire import Wire

_KINDS: Final = ("succeeded", "errored", "canceled", "expired")
# Prices may depend on the size of a request; all known limits are multiples of this.
_STEP: Final = 1000


def request(body: Wire) -> Attributes:
    """Results are asked for by the batch's id alone."""
    return {}


class Reader:
    """Counts results; keeps sums only, however many they are."""

    __slots__ = ("_groups", "_kinds", "_models", "_usage")

    def __init__(self, keep: bool) -> None:
        self._kinds: dict[str, int] = {}
        self._models: set[str | None] = set()
        self._usage: Usage | None = None
        self._groups: dict[Any, Reply] = {}

    def chunk(self, event: Any) -> None:
        """One result."""
        result = wire.fields(wire.fields(event).get("result"))
        kind = result.get("type")
        if kind in _KINDS:
            self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if kind != "succeeded":
            return
        reader = messages.Reader(False)
        reader.whole(result.get("message"))
        reply = reader.reply(True)
        self._models.add(reply.model)
        if reply.usage is None:
            return
        self._usage = self._usage or Usage()
        add(self._usage, reply.usage)
        reply.pricing["processing"] = "batch"
        for part in reply.parts or (reply,):
            self._price(part, part.model or reply.model)

    def _price(self, part: Reply, model: str | None) -> None:
        used = part.usage or Usage()
        size = -(-(used.input or 0) // _STEP)
        key = (model, part.unpriced, size, *sorted(part.pricing.items()))
        group = self._groups.get(key)
        if group is None:
            group = Reply(
                model=model, pricing=part.pricing, usage=Usage(tier_input=used.input or 0)
            )
            group.unpriced = part.unpriced
            self._groups[key] = group
        add(group.usage, used)  # type: ignore[arg-type]

    def whole(self, body: Any) -> None:
        """Results are read line by line."""

    def reply(self, complete: bool) -> Reply:
        """The sums of what was read."""
        reply = Reply(usage=self._usage, parts=list(self._groups.values()))
        for kind in _KINDS:
            reply.attributes[semconv.BATCH_COUNT + kind] = self._kinds.get(kind, 0)
        if len(self._models) == 1:
            reply.model = next(iter(self._models))
        return reply
