"""What OpenAI Realtime hears: a span per turn of speech that a transcription model writes down.

It is billed by itself, as its own events tell: no response's usage has it. Begins when the speech
is committed, ends with its transcript.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otelier import wire
from otelier.call import Call
from otelier.protocols.openai import realtime

_PREFIX: Final = "conversation.item.input_audio_transcription."
_MOST: Final = 256


class Transcripts:
    """The transcriptions of one connection that are under way."""

    __slots__ = ("_begin", "_open")

    def __init__(self, begin: Callable[[dict[str, Any]], Call | None]) -> None:
        self._begin = begin
        self._open: dict[str, Call | None] = {}

    def received(self, kind: str, event: wire.Wire, session: realtime.Session) -> None:
        """An event of the server's that is none of a response."""
        if kind == "input_audio_buffer.committed":
            if session.transcriber is not None:
                self._forget()
                self._open[str(event.get("item_id"))] = self._begin(session.hears())
        elif kind.startswith(_PREFIX):
            end = kind.removeprefix(_PREFIX)
            id = str(event.get("item_id"))
            if end == "delta":
                call = self._open.get(id)
                if call is not None:
                    call.chunk({**event, "type": "transcript.text.delta"})
            elif end in ("completed", "failed"):
                call = self._open.pop(id, None) or self._begin(session.hears())
                if call is not None:
                    told = {"text": event.get("transcript"), "usage": event.get("usage")}
                    call.whole(told if end == "completed" else {"error": event.get("error") or {}})
                    call.end()

    def _forget(self) -> None:
        # Sessions may stop to transcribe, and speech may be none.
        if len(self._open) >= _MOST:
            call = self._open.pop(next(iter(self._open)))
            if call is not None:
                call.end("closed")

    def left(self) -> list[Call]:
        """What is under way when the connection ends."""
        found, self._open = list(self._open.values()), {}
        return [call for call in found if call is not None]
