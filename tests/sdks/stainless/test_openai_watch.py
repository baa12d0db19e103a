"""Whatever a WebSocket's events hold: nothing raises, and every call that begins ends once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from otelier import guard
from otelier.sdks.stainless.openai_watch import Watch
from tests.telemetry import Telemetry

HEARD = "conversation.item.input_audio_transcription."
RECEIVED = (
    *("response.created", "response.done", "response.completed", "response.failed", "error"),
    *("response.output_text.delta", "response.output_item.done", "session.created"),
    *("session.updated", "transcription_session.updated", "input_audio_buffer.committed"),
    *(HEARD + "completed", HEARD + "failed", HEARD + "delta"),
)
SENT = ("response.create", "session.update", "conversation.item.create", None)
EVENT = (
    *("response", "response_id", "stream_id", "error", "session", "item_id", "item"),
    *("delta", "event_id", "transcript", "usage", "status"),
)
MEMBERS = (
    *("id", "type", "status", "metadata", "response", "model", "transcription", "input", "audio"),
    *("text", "usage", "code", "event_id", "param", "error", "output", "conversation_id"),
)


class _Made:
    """Values and events by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        kind = self.chance.randrange(8)
        if kind == 0:
            return None
        if kind == 1:
            return self.chance.choice([0, 1, 7, -1, 3.5, True])
        if kind == 2 and depth < 3:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(3))]
        if kind in (3, 4) and depth < 3:
            names = self.chance.sample(MEMBERS, 4)
            return {name: self.value(depth + 1) for name in names}
        return self.chance.choice(["resp_1", "resp_2", "", "completed", "in_progress"])

    def events(self, kinds: Any, number: int) -> Iterator[dict[str, Any]]:
        for _ in range(number):
            members = self.chance.sample(EVENT, 6)
            yield {"type": self.chance.choice(kinds), **{name: self.value() for name in members}}


@pytest.mark.parametrize("is_realtime", [False, True])
def test_every_call_ends_once(is_realtime: bool) -> None:
    telemetry = Telemetry()
    begun: list[Any] = []
    inner = telemetry.tracer_provider._active_span_processor
    on_start = inner.on_start
    inner.on_start = lambda span, parent_context=None: (  # type: ignore[method-assign]
        begun.append(span),
        on_start(span, parent_context),
    )[1]
    telemetry.start()
    for seed in range(150):
        made = _Made(seed)
        watch = Watch(is_realtime)
        for event in made.events((*RECEIVED, *SENT), 12):
            (watch.sent if event["type"] in SENT else watch.received)(event)
        watch.closed()
    ended = telemetry.spans()
    telemetry.stop()
    assert len(begun) > 100
    assert sorted(span.context.span_id for span in begun) == sorted(
        span.context.span_id for span in ended
    )
    assert not guard.failures(), guard.failures()
