"""How many spans and events there were, for people."""

from __future__ import annotations


def counted(spans: int, events: int = 0) -> str:
    """``1 span``, ``2 spans and 1 event``; events only where there are some."""
    parts = [_number(spans, "span")] * (spans > 0 or not events)
    return " and ".join([*parts, *[_number(events, "event")] * (events > 0)])


def _number(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"
