"""OpenAI videos: create, edit, extend, remix. Each begins a job; the video itself is fetched later.

Wire format: OpenAI API reference, "Videos". Billed by the second, for which lists have no price.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from otelier import semconv, wire
from otelier.protocols import Reply, Route, WholeReader, body_error, put
from otelier.protocols.openai import media as openai_media


class Reader(WholeReader):
    """Reads a video job, as it is when it begins."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply, raw = Reply(), self._raw
        reply.model = wire.text(raw.get("model"))
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        for name in ("status", "seconds", "size"):
            put(reply.attributes, f"{semconv.PROVIDER_PREFIX}video.{name}", raw.get(name))
        if raw.get("error") is not None:
            body_error(raw["error"], reply)
        return reply


# The conventions' output types have no video; the list is open.
ROUTE: Final = Route(
    semconv.GENERATE_CONTENT,
    openai_media.request,
    openai_media.content,
    Reader,
    {semconv.OUTPUT_TYPE: "video"},
)
# The id in its path is that of the video it begins with.
REMIXED: Final = replace(ROUTE, id_attribute=semconv.PROVIDER_PREFIX + "video.remixed_from")
