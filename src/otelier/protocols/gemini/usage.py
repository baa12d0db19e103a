"""Gemini's counts: tokens, searches, and the tiers that their prices depend on.

Wire format: Gemini API reference, "UsageMetadata"; Vertex AI reference, "TrafficType".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import Reply, string
from otelier.usage import Usage
from otelier.wire import Wire

# "TrafficType": what prices know of it.
TRAFFIC: Final = {
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_OFFPEAK": "off_peak",
    "PROVISIONED_THROUGHPUT": "provisioned_throughput",
}
_COUNTED: Final = frozenset({"text", "image", "audio", "video"})


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def member(raw: Wire, name: str) -> Any:
    """A member by its name in camel case, however it is spelled."""
    value = raw.get(name)
    return raw.get(_snake(name)) if value is None else value


def modalities(found: Usage, side: str, details: Iterable[Any]) -> None:
    """Add counts by modality to the fields of ``side`` (``input``, ``output``, ``cache_read``)."""
    for detail in details:
        raw = wire.fields(detail)
        modality = string(raw.get("modality")).lower()
        field = f"{modality}_{side}"
        tokens = wire.count(raw.get("tokens", member(raw, "tokenCount")))
        if tokens is not None and modality in _COUNTED and hasattr(found, field):
            setattr(found, field, (getattr(found, field) or 0) + tokens)


def shares(found: Usage) -> Usage:
    """Note that a modality has no part in the cached tokens, where others have all of them:
    without that, audio beside cached text has no price.
    """
    parts = (found.text_cache_read, found.image_cache_read, found.audio_cache_read)
    if found.cache_read and total(*parts) == found.cache_read:
        found.image_cache_read = found.image_cache_read or 0
        found.audio_cache_read = found.audio_cache_read or 0
    return found


def total(*parts: int | None) -> int | None:
    """The sum of those that are known; None where none is."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def totals(raw: Wire, *names: str) -> Usage | None:
    """The counts by their names: prompt, tools' part of it, answer, thoughts, cached."""
    asked, tools, answered, thoughts, cached = (wire.count(raw.get(name)) for name in names)
    found = Usage(
        input=total(asked, tools),
        output=total(answered, thoughts),
        reasoning=thoughts,
        cache_read=cached,
    )
    return None if found.input is None and found.output is None else found


def usage(raw: Wire) -> Usage | None:
    """``UsageMetadata``: thoughts are not among the candidates' tokens, cached ones are among the
    prompt's, and what server tools gave the model to read is beside the prompt.
    """
    found = totals(
        raw,
        "promptTokenCount",
        "toolUsePromptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
    )
    if found is None:
        return None
    for side, names in (
        ("input", ("promptTokensDetails", "promptTokenDetails", "toolUsePromptTokensDetails")),
        ("output", ("candidatesTokensDetails",)),
        ("cache_read", ("cacheTokensDetails",)),
    ):
        for name in names:
            modalities(found, side, wire.items(raw.get(name)))
    return shares(found)


def searches(model: str | None, queries: int) -> int | None:
    """Google searches as they are billed: each query, but before Gemini 3 each grounded answer
    (Gemini API, "Pricing", "Grounding with Google Search").
    """
    if not queries:
        return None
    return 1 if (model or "").startswith(("gemini-1", "gemini-2")) else queries


def tier(reply: Reply, *said: Any) -> None:
    """Note the service tier, for the span and for prices: the first that the provider said."""
    for each in said:
        if isinstance(each, str) and each:
            reply.attributes[semconv.PROVIDER_SERVICE_TIER] = each
            reply.pricing["service_tier"] = each.lower()
            return
