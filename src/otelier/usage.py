"""Tokens of one operation, normalised as the conventions say, and never invented.

``input`` is all input tokens, cached ones included; ``output`` is all output tokens, reasoning
included; every other count is a part of one of them. ``None`` is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from otelier import semconv
from otelier.semconv import Attributes, Generation


@dataclass(slots=True)
class Usage:
    """Counts as the provider billed them."""

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    text_input: int | None = None
    image_input: int | None = None
    audio_input: int | None = None
    # For prices alone: the conventions have no name for it.
    video_input: int | None = None
    text_output: int | None = None
    image_output: int | None = None
    audio_output: int | None = None
    text_cache_read: int | None = None
    image_cache_read: int | None = None
    audio_cache_read: int | None = None
    web_searches: int | None = None
    file_searches: int | None = None
    # What tools of the provider's used of other models: never part of the totals.
    image_tool_input: int | None = None
    image_tool_output: int | None = None
    # Sound that is billed by its length (transcription), in seconds.
    audio_seconds: float | None = None
    # Where these are sums over many requests: the input of one, which prices may depend on.
    tier_input: int | None = None


_COUNTS: Final = tuple(field.name for field in fields(Usage) if field.name != "tier_input")


def add(total: Usage, used: Usage) -> None:
    """Add the counts of ``used`` to ``total``."""
    for name in _COUNTS:
        value = getattr(used, name)
        if value is not None:
            setattr(total, name, (getattr(total, name) or 0) + value)


# Zero is a fact for the totals; for the parts it says nothing and is left out.
PARTS: Final = (
    ("reasoning", semconv.USAGE_REASONING),
    ("cache_read", semconv.USAGE_CACHE_READ),
    ("cache_write", semconv.USAGE_CACHE_WRITE),
    ("cache_write_5m", semconv.CACHE_WRITE_5M),
    ("cache_write_1h", semconv.CACHE_WRITE_1H),
    ("text_input", semconv.USAGE_TEXT_INPUT),
    ("image_input", semconv.USAGE_IMAGE_INPUT),
    ("audio_input", semconv.USAGE_AUDIO_INPUT),
    ("text_output", semconv.USAGE_TEXT_OUTPUT),
    ("image_output", semconv.USAGE_IMAGE_OUTPUT),
    ("audio_output", semconv.USAGE_AUDIO_OUTPUT),
    ("text_cache_read", semconv.USAGE_TEXT_CACHE_READ),
    ("image_cache_read", semconv.USAGE_IMAGE_CACHE_READ),
    ("audio_cache_read", semconv.USAGE_AUDIO_CACHE_READ),
    ("web_searches", semconv.WEB_SEARCHES),
    ("file_searches", semconv.FILE_SEARCHES),
    ("image_tool_input", semconv.IMAGE_TOOL_INPUT),
    ("image_tool_output", semconv.IMAGE_TOOL_OUTPUT),
    ("audio_seconds", semconv.AUDIO_SECONDS),
)
_NAMES: Final = tuple(name for _, name in PARTS)
_parts: Final = attrgetter(*(field for field, _ in PARTS))


def put(usage: Usage, attributes: Attributes, generation: Generation) -> None:
    """Write ``usage`` into span ``attributes``."""
    if usage.input is not None:
        attributes[semconv.USAGE_INPUT] = usage.input
    if usage.output is not None:
        attributes[semconv.USAGE_OUTPUT] = usage.output
    parts = _parts(usage)
    if any(parts):
        for name, value in zip(_NAMES, parts, strict=True):
            if value:
                attributes[name] = value
    if usage.cache_write and generation.released:
        attributes[semconv.USAGE_CACHE_CREATION] = usage.cache_write


def split(total: int | None, parts: tuple[tuple[str, int | None], ...]) -> list[tuple[str, int]]:
    """``total`` by modality for the token counters; ``unknown`` where the parts do not add up."""
    if not total:
        return []
    known = [(name, value) for name, value in parts if value]
    if known and sum(value for _, value in known) == total:
        return known
    return [("unknown", total)]
