"""What gateways between a program and a provider tell in headers: cost, cache, who answered.

Only headers that their makers document:

- LiteLLM proxy, "Response Headers": ``x-litellm-response-cost`` is this call's cost in USD. A
  stream's headers are sent before it has a cost, so there it is not read; ``x-litellm-key-spend``
  is what a key has spent in all and never read. ``x-litellm-model-api-base`` is the address of who
  answered. ``x-litellm-cache-key`` is sent with answers of its cache alone ("Caching"), which may
  still carry the cost of the call that filled it.
- Cloudflare AI Gateway, "Header Glossary" and "Caching": ``cf-aig-log-id``,
  ``cf-aig-cache-status`` (``HIT``, ``MISS``).
- Portkey, "Response Schema": ``x-portkey-trace-id``, ``x-portkey-cache-status`` (``HIT``,
  ``SEMANTIC HIT``, …).
- Helicone, "Caching": ``helicone-id``, ``helicone-cache`` (``HIT``, ``MISS``).
- Bifrost, "Response Headers": ``x-bifrost-provider``, ``x-bifrost-resolved-model``.
- ngrok AI Gateway, "Response headers": ``ngrok-aig-request-id``, ``ngrok-aig-model``.
- Kong, "AI Proxy": ``x-kong-llm-model`` (``openai/gpt-4``); "AI Semantic Cache" and "Proxy Cache":
  ``x-cache-status`` (``Hit``, ``Miss``, ``Bypass``, ``Refresh``).
- Apache APISIX, "ai-cache": ``x-ai-cache-status`` (``HIT-L1``, ``HIT-L2``, ``MISS``).
- TrueFoundry, "Request Headers": ``x-tfy-resolved-model`` (an account of the user's, and a model).

OpenRouter and Vercel tell theirs in the body: :mod:`otelier.protocols.openai.usage`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from otelier import semconv
from otelier.expressions import later

_CACHE: Final = semconv.PROVIDER_PREFIX + "gateway.cache_status"
_MODEL: Final = semconv.PROVIDER_PREFIX + "gateway.model"

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
    ("ngrok-aig-model", _MODEL),
    ("x-bifrost-provider", semconv.PROVIDER_UPSTREAM),
    ("x-bifrost-resolved-model", _MODEL),
    ("x-litellm-model-api-base", semconv.PROVIDER_PREFIX + "litellm_model_api_base"),
    ("x-kong-llm-model", _MODEL),
    ("x-cache-status", _CACHE),
    ("x-ai-cache-status", _CACHE),
    ("x-tfy-resolved-model", _MODEL),
)
# Those whose value is the address of who answered, and those that begin with its name.
ADDRESS: Final = "x-litellm-model-api-base"
NAMED: Final = "x-kong-llm-model"
BEHIND: Final = frozenset((ADDRESS, NAMED))
# The call's cost in USD.
_COSTS: Final = ("x-litellm-response-cost",)
_CACHED: Final = tuple(name for name, attribute in HEADERS if attribute == _CACHE)
# Sent with cached answers alone.
_CACHED_ONLY: Final = "x-litellm-cache-key"
_HIT: Final = later(r"\bHIT\b", re.IGNORECASE)
READ: Final = frozenset((*_COSTS, *_CACHED, _CACHED_ONLY))


def told(headers: Mapping[str, str], streamed: bool) -> tuple[float | None, bool]:
    """The cost in USD that response ``headers`` tell, and whether the answer was a cached one.

    Their names are in small letters.
    """
    found = {name: value.strip() for name, value in headers.items() if name in READ}
    if not found:
        return None, False
    cached = bool(found.get(_CACHED_ONLY)) or any(
        name in found and _HIT.search(found[name]) for name in _CACHED
    )
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


def bare(url: str) -> str:
    """A URL without what may be secret in it: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
