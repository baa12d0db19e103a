"""Random spans and log records, the same for each seed: all that OTLP can hold."""

from __future__ import annotations

import json
import math
import random
from typing import Any, Final

from otelier.store.spans import (
    KINDS,
    STATUSES,
    StoredEvent,
    StoredLink,
    StoredLog,
    StoredResource,
    StoredScope,
    StoredSpan,
)

_TEXTS: Final = (
    "",
    "plain",
    "über 😀 \u2028 \x1b[31m",
    "\x00 and \x7f",
    '["a", "b"]',
    "[]",
    "{",
    "long " * 80,
    json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi " * 150}]}] * 3),
    json.dumps([{"role": "user", "parts": []}, {"role": "assistant", "parts": []}], indent=2),
)
_NAMES: Final = (
    "",
    "a",
    "ключ",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.operation.name",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.cost",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.id",
    "otelier.tags",
    "text",
    "history",
    "bytesValue",
    "doubleValue",
    "kvlistValue",
)
_NUMBERS: Final = (0, 1, -1, 2**63 - 1, -(2**63), 2**53 + 1)
_FLOATS: Final = (0.0, -0.0, 1.0, 0.1, -1e308, 5e-324, math.nan, math.inf, -math.inf)
_MOMENTS: Final = (0, 1, 1_795_168_800_123_456_789, 2**63, 2**64 - 1)


class Randomly:
    """Makes them. One of these makes what one process would send."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._resources = [self._resource() for _ in range(3)]
        self._scopes = [self._scope() for _ in range(4)]

    def spans(self, count: int) -> list[StoredSpan]:
        """So many spans."""
        return [self._span() for _ in range(count)]

    def events(self, count: int) -> list[StoredLog]:
        """So many log records that a store keeps."""
        return [self._log() for _ in range(count)]

    def value(self, depth: int = 0) -> Any:
        """Any value of an attribute."""
        pick = self._random.choice
        match self._random.randrange(9 if depth < 4 else 6):
            case 0:
                return pick((True, False, None))
            case 1:
                return pick(_NUMBERS)
            case 2:
                return pick(_FLOATS)
            case 3:
                return self._random.randbytes(self._random.randrange(5))
            case 4 | 5:
                return pick(_TEXTS)
            case 6:
                return [self.value(depth + 1) for _ in range(self._random.randrange(4))]
            case 7:
                return [pick(_TEXTS)] * self._random.randrange(4)
        return {pick(_NAMES): self.value(depth + 1) for _ in range(self._random.randrange(4))}

    def _attributes(self) -> dict[str, Any]:
        return {self._random.choice(_NAMES): self.value() for _ in range(self._random.randrange(6))}

    def _text(self) -> str:
        return self._random.choice(_TEXTS)

    def _count(self) -> int:
        return self._random.choice((0, 0, 1, 2**32 - 1))

    def _moment(self) -> int:
        return self._random.choice((*_MOMENTS, self._random.randrange(2**62)))

    def _id(self, length: int) -> str:
        return self._random.randbytes(length).hex()

    def _resource(self) -> StoredResource:
        return StoredResource(self._attributes(), self._text(), self._count())

    def _scope(self) -> StoredScope:
        return StoredScope(
            self._text(), self._text(), self._attributes(), self._count(), self._text()
        )

    def _event(self) -> StoredEvent:
        return StoredEvent(self._text(), self._moment(), self._attributes(), self._count())

    def _link(self) -> StoredLink:
        return StoredLink(
            self._id(16), self._id(8), self._attributes(), self._text(), self._count(),
            self._count(),
        )  # fmt: skip

    def _some(self, make: Any) -> tuple[Any, ...]:
        return tuple(make() for _ in range(self._random.choice((0, 0, 1, 3))))

    def _span(self) -> StoredSpan:
        pick = self._random.choice
        return StoredSpan(
            trace_id=self._id(16),
            span_id=self._id(8),
            parent_id=pick((None, self._id(8))),
            name=self._text(),
            kind=pick(KINDS),
            start_ns=self._moment(),
            end_ns=self._moment(),
            attributes=self._attributes(),
            status=pick(STATUSES),
            status_message=self._text(),
            events=self._some(self._event),
            links=self._some(self._link),
            scope=pick(self._scopes),
            resource=pick(self._resources),
            trace_state=pick(("", "vendor=value,other=1")),
            flags=self._count(),
            dropped_attributes=self._count(),
            dropped_events=self._count(),
            dropped_links=self._count(),
        )

    def _log(self) -> StoredLog:
        pick = self._random.choice
        return StoredLog(
            name=f"gen_ai.{self._text()}",
            time_ns=self._moment(),
            observed_ns=self._moment(),
            body=self.value(),
            severity_number=pick((0, 1, 24, 2**31 - 1, -(2**31))),
            severity_text=self._text(),
            trace_id=pick(("", self._id(16))),
            span_id=pick(("", self._id(8))),
            flags=self._count(),
            attributes=self._attributes(),
            scope=pick(self._scopes),
            resource=pick(self._resources),
            dropped_attributes=self._count(),
        )
