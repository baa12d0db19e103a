"""What gateways between a program and a provider tell in headers: cost, cache, who answered.

Only headers that their makers document:

- LiteLLM proxy, "Response Headers": ``x-litellm-response-cost`` is this call's cost in USD. A
  stream's headers are sent before it has a cost, so there it is not read; ``x-litellm-key-spend``
  is what a key has spent in all and never read.
- Cloudflare AI Gateway, "Header Glossary" and "Caching": ``cf-aig-log-id``,
  ``cf-aig-cache-status`` (``HIT``, ``MISS``).
- Portkey, "Response Schema": ``x-portkey-trace-id``, ``x-portkey-cache-status`` (``HIT``,
  ``SEMANTIC HIT``, …).
- Helicone, "Headers": ``helicone-id``, ``helicone-cache`` (``HIT``, ``MISS``).
- Bifrost, "Response Headers": ``x-bifrost-provider``.
- ngrok AI Gateway: ``ngrok-aig-request-id``, ``ngrok-aig-model``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from otelier import semconv

_CACHE: Final = semconv.PROVIDER_PREFIX + "gateway.cache_status"

# Headers that are recorded as they are.
HEADERS: Final = (
    ("x-litellm-model-id", semconv.PROVIDER_PREFIX + "litellm_model_id"),
    ("x-litellm-model-group", semconv.PROVIDER_PREFIX + "litellm_model_group"),
    ("cf-aig-log-id", semconv.PROVIDER_PREFIX + "gateway.log_id"),
    ("cf-aig-cache-status", _CACHE),
    ("x-portkey-trace-id", semconv.PROVIDER_PREFIX + "gateway.trace_id"),
    ("x-portkey-cache-status", _CACHE),
    ("helicone-id", semconv.PROVIDER_PREFIX + "gateway.log_id"),
    ("helicone-cache", _CACHE),
    ("ngrok-aig-request-id", semconv.PROVIDER_PREFIX + "gateway.request_id"),
    ("ngrok-aig-model", semconv.PROVIDER_PREFIX + "gateway.model"),
    ("x-bifrost-provider", semconv.PROVIDER_UPSTREAM),
)
# The call's cost in USD.
_COSTS: Final = ("x-litellm-response-cost",)
_CACHED: Final = tuple(name for name, attribute in HEADERS if attribute == _CACHE)
_WANTED: Final = frozenset((*_COSTS, *_CACHED))
_RAW: Final = {name.encode(): name for name in _WANTED}


def told(headers: Any, streamed: bool) -> tuple[float | None, bool]:
    """The cost in USD that response ``headers`` tell, and whether the answer was a cached one."""
    found = _found(headers)
    if not found:
        return None, False
    cached = any(found.get(name, "").upper().endswith("HIT") for name in _CACHED)
    if streamed or cached:
        return None, cached
    return next((usd for name in _COSTS if (usd := dollars(found.get(name)))), None), False


def dollars(value: str | None) -> float | None:
    """A header's amount; None for what is no finite amount above zero.

    Zero is what LiteLLM says of models that it has no price for, too.
    """
    try:
        amount = float(value or "")
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount > 0 else None


def _found(headers: Any) -> Mapping[str, str]:
    # httpx decodes every header on each look-up; its raw list is looked through once instead.
    raw = getattr(headers, "raw", None)
    if isinstance(raw, list):
        return {
            name: value.decode("latin-1").strip()
            for key, value in raw
            if (name := _RAW.get(key.lower())) is not None
        }
    return {
        name: str(value).strip()
        for key, value in headers.items()
        if (name := str(key).lower()) in _WANTED
    }
