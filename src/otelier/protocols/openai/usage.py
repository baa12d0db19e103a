"""Usage and cost as OpenAI's dialects report them.

Sources: OpenAI API reference (``usage`` of chat completions and responses); DeepSeek
(``prompt_cache_hit_tokens``), Moonshot (``cached_tokens``), xAI (``cost_in_usd_ticks``, 1 tick =
1e-10 USD), OpenRouter and Vercel (``cost``, ``is_byok``, ``cost_details``), Perplexity (``cost``),
Mistral and vLLM (``prompt_tokens_details``), Writer (``prompt_token_details``) API references.
"""

from __future__ import annotations

import re
from typing import Any, Final

from otelier import wire
from otelier.expressions import later
from otelier.protocols import Cost
from otelier.usage import Usage
from otelier.wire import Wire

_DECIMAL: Final = later(r"\d{1,9}(?:\.\d{1,30})?", re.ASCII)
_INPUT_DETAILS: Final = (
    ("cached_tokens", "cache_read"),
    ("cache_write_tokens", "cache_write"),
    ("cache_creation_tokens", "cache_write"),
    ("audio_tokens", "audio_input"),
    ("image_tokens", "image_input"),
    ("text_tokens", "text_input"),
)
_OUTPUT_DETAILS: Final = (
    ("reasoning_tokens", "reasoning"),
    ("audio_tokens", "audio_output"),
    ("image_tokens", "image_output"),
    ("text_tokens", "text_output"),
)
_CACHED_DETAILS: Final = (
    ("audio_tokens", "audio_cache_read"),
    ("image_tokens", "image_cache_read"),
    ("text_tokens", "text_cache_read"),
)
# Where other dialects put the same; asked only when the details said nothing.
_ELSEWHERE: Final = (
    ("prompt_cache_hit_tokens", "cache_read"),
    ("cached_tokens", "cache_read"),
    ("num_cached_tokens", "cache_read"),
    ("cache_read_input_tokens", "cache_read"),
    ("cache_creation_input_tokens", "cache_write"),
    ("reasoning_tokens", "reasoning"),
    ("num_search_queries", "web_searches"),
    ("prompt_audio_seconds", "audio_seconds"),
    # xAI's own API (xai.api.v1.SamplingUsage): what is cached is text.
    ("cached_prompt_text_tokens", "cache_read"),
    ("cached_prompt_text_tokens", "text_cache_read"),
    ("prompt_text_tokens", "text_input"),
    ("prompt_image_tokens", "image_input"),
)
_INPUT_IN: Final = (
    "prompt_tokens_details",
    "input_tokens_details",
    "input_token_details",
    "prompt_token_details",  # Writer
)
_OUTPUT_IN: Final = (
    "completion_tokens_details",
    "output_tokens_details",
    "output_token_details",
)
_NOTHING: Final[Wire] = {}
_KNOWN: Final = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
        "input_tokens",
        "output_tokens",
        "input_tokens_details",
        "output_tokens_details",
    }
)
_GEMINI: Final = ("gemini-", "models/gemini-", "google/gemini-")
_TICK: Final = 1e-10


def usage(value: Any) -> Usage | None:
    """A ``usage`` object, or None where there is nothing in it."""
    raw = wire.fields(value)
    if not raw:
        return None
    used = Usage()
    told = raw.get("prompt_tokens")
    used.input = wire.count(raw.get("input_tokens") if told is None else told)
    told = raw.get("completion_tokens")
    used.output = wire.count(raw.get("output_tokens") if told is None else told)
    found = used.input is not None or used.output is not None
    details = _first(raw, _INPUT_IN)
    if details:
        _read(details, _INPUT_DETAILS, used)
        cached = details.get("cached_tokens_details")
        if cached is not None:
            _read(wire.fields(cached), _CACHED_DETAILS, used)
    details = _first(raw, _OUTPUT_IN)
    if details:
        _read(details, _OUTPUT_DETAILS, used)
    if not _KNOWN.issuperset(raw):
        _read(raw, _ELSEWHERE, used)
        if raw.get("type") == "duration":
            used.audio_seconds = wire.number(raw.get("seconds"))
            found = found or used.audio_seconds is not None
    if used.reasoning:
        _fold_reasoning(raw, used)
    return used if found else None


def _first(raw: Wire, names: tuple[str, ...]) -> Wire:
    """The first of these members that is there."""
    for name in names:
        value = raw.get(name)
        if value is not None:
            return wire.fields(value)
    return _NOTHING


def _read(raw: Wire, table: tuple[tuple[str, str], ...], used: Usage) -> None:
    for name, field in table:
        value = raw.get(name)
        if value is not None and getattr(used, field) is None:
            setattr(used, field, wire.count(value))


def _fold_reasoning(raw: Wire, used: Usage) -> None:
    # xAI leaves reasoning out of completion_tokens; its total says so.
    total = wire.count(raw.get("total_tokens"))
    if total is None or used.input is None or used.output is None or not used.reasoning:
        return
    if total == used.input + used.output + used.reasoning:
        used.output += used.reasoning


def explain(value: Any, used: Usage | None, model: str | None) -> bool:
    """Whether ``used`` is all that the total says; Gemini's thoughts are added to it.

    Gemini's endpoint of OpenAI's dialect counts thoughts in ``total_tokens`` alone. What the user's
    own key was billed beside a gateway's fee, and nobody tells, is in no list either.
    """
    raw = wire.fields(value)
    if raw.get("is_byok") is True and cost(raw) is None:
        return False
    total = wire.count(raw.get("total_tokens"))
    if used is None or total is None or used.input is None or used.output is None:
        return True
    rest = total - used.input - used.output
    if rest > 0 and used.reasoning is None and (model or "").startswith(_GEMINI):
        used.reasoning = rest
        used.output += rest
        return True
    return rest <= 0


def cost(value: Any) -> Cost | None:
    """The cost that the provider wrote into ``usage``, or None."""
    raw = wire.fields(value)
    if _KNOWN.issuperset(raw):
        return None
    ticks = wire.number(raw.get("cost_in_usd_ticks"))
    if ticks is not None:
        return Cost(ticks * _TICK)
    reported = raw.get("cost")
    if reported is None:
        return None
    total = wire.number(reported)
    if total is not None:
        return _openrouter(raw, total)
    parts = wire.fields(reported)
    total = wire.number(parts.get("total_cost"))
    if total is None:
        return None
    return Cost(
        total,
        wire.number(parts.get("input_tokens_cost")),
        wire.number(parts.get("output_tokens_cost")),
    )


def gateway(value: Any) -> tuple[Cost | None, str | None]:
    """What Vercel's AI Gateway wrote into ``provider_metadata``: cost and who answered behind it.

    Its amounts are decimal text (Vercel, "AI Gateway", "Evaluation": ``cost``, ``marketCost``;
    ``routing.finalProvider``). No cost where it charges nothing for what has a market price: by
    the user's own key the provider's bill is not told.
    """
    told = wire.fields(wire.fields(value).get("gateway"))
    behind = wire.text(wire.fields(told.get("routing")).get("finalProvider"))
    total = _decimal(told.get("cost"))
    if total is None or (total == 0 and _decimal(told.get("marketCost"))):
        return None, behind
    return Cost(total), behind


def _decimal(value: Any) -> float | None:
    if type(value) is not str or _DECIMAL.fullmatch(value) is None:
        return None
    return wire.number(float(value))


def _openrouter(raw: Wire, total: float) -> Cost | None:
    # With the user's own key (BYOK), `cost` is OpenRouter's fee alone; the upstream bill is apart.
    details = wire.fields(raw.get("cost_details"))
    if raw.get("is_byok") is True:
        upstream = wire.number(details.get("upstream_inference_cost"))
        return Cost(total + upstream) if upstream is not None else None
    into = wire.number(details.get("upstream_inference_prompt_cost"))
    out = wire.number(details.get("upstream_inference_completions_cost"))
    if into is not None and out is not None and abs(into + out - total) <= 1e-9 + total * 1e-6:
        return Cost(total, into, out)
    return Cost(total)
