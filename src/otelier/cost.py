"""What a call cost, in USD: the provider's own figure, else the user's prices, else price data.

Price data comes from ``genai-prices``, which is imported once, in a thread of its own, when the
first call that may need it begins (about 30 ms beside an imported SDK). A model's prices are then
kept as plain numbers, so that a call costs a few multiplications. A price that is not known, or
that does not cover what was used (audio tokens at a text price), gives no cost at all.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from otelier import billing, guard, semconv, wire
from otelier.identity import Identity
from otelier.protocols import Reply
from otelier.semconv import Attributes
from otelier.usage import Usage

# The conventions' provider names that genai-prices calls otherwise.
PROVIDERS: Final = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "aws.bedrock": "aws",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
}
_BEDROCK: Final = "aws.bedrock"
# ARNs whose id is a model's; those of other kinds say nothing about the model.
_MODEL_ARNS: Final = (":foundation-model", ":inference-profile")
# Since Claude 4.5 Vertex's regional and multi-region endpoints cost more than the global one, whose
# prices are the listed ones.
_VERTEX_GLOBAL: Final = "aiplatform.googleapis.com"
_REGIONAL_PREMIUM: Final = re.compile(r"claude-(?!3|(?:sonnet|opus)-4(?:-1)?(?:@|-2025|$))")
# Usage fields as genai-prices names them, with the price they must have to be priced apart.
_UNITS: Final = (
    ("input", "input_tokens", None),
    ("output", "output_tokens", None),
    ("reasoning", "output_reasoning_tokens", None),
    ("cache_read", "cache_read_tokens", None),
    ("cache_write", "cache_write_tokens", None),
    ("cache_write_5m", "cache_write_5m_tokens", None),
    ("cache_write_1h", "cache_write_1h_tokens", None),
    ("audio_input", "input_audio_tokens", "input_audio_mtok"),
    ("audio_output", "output_audio_tokens", "output_audio_mtok"),
    ("image_input", "input_image_tokens", None),
    ("image_output", "output_image_tokens", None),
    ("video_input", "input_video_tokens", None),
    ("audio_cache_read", "cache_audio_read_tokens", None),
    ("image_cache_read", "cache_image_read_tokens", None),
    ("audio_seconds", "input_audio_seconds", None),
    ("web_searches", "web_searches", None),
)
# What the library would charge as other input where it has no price for it.
_CACHES: Final = (
    ("cache_read", "cache_read_mtok"),
    ("cache_write_1h", "cache_write_1h_mtok"),
)
# Where a modality was cached in part, its share must be told even if it is none.
_SHARES: Final = {"audio_cache_read": "audio_input", "image_cache_read": "image_input"}
# Prices hold for a while: some depend on the date or the time of day.
_TTL: Final = 300.0
_WAIT: Final = 1.0
_MAX_RATES: Final = 2048


@dataclass(slots=True)
class Priced:
    """A cost in USD and where it comes from."""

    total: float
    source: str
    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    # It is of the part that was told before the answer was cut off: the whole cost is higher.
    partial: bool = False


Pricer: TypeAlias = Callable[[Usage], "Priced | None"]


def put(priced: Priced, attributes: Attributes, aliases: frozenset[str]) -> None:
    """Write a cost into span ``attributes``."""
    attributes[semconv.COST] = priced.total
    attributes[semconv.COST_SOURCE] = priced.source
    if priced.partial:
        attributes[semconv.COST_PARTIAL] = True
    for name, value in (
        (semconv.COST_INPUT, priced.input),
        (semconv.COST_OUTPUT, priced.output),
        (semconv.COST_CACHE_READ, priced.cache_read),
        (semconv.COST_CACHE_WRITE, priced.cache_write),
    ):
        if value:
            attributes[name] = value
    for alias in aliases:
        attributes[alias] = priced.total
    if "gen_ai.usage.cost.amount" in aliases:
        attributes["gen_ai.usage.cost.currency"] = "USD"
        attributes["gen_ai.usage.cost.source"] = (
            "provider" if priced.source in ("provider", "gateway") else "local"
        )


class Prices:
    """Finds prices. One per runtime; thread-safe; nothing in it raises."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self._own: dict[str, Any] | None = None
        self._rates: dict[Any, tuple[float, Pricer | None]] = {}
        self._library: Any = None
        self._started = False
        self._ready = threading.Event()
        self._patience = _WAIT
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def warm(self) -> None:
        """Begin to load price data, once, without waiting."""
        if self._started:
            return
        with self._lock:
            if self._started:
                return
            self._started = True
        try:
            threading.Thread(target=self._load, name="otelier-prices", daemon=True).start()
        except Exception:  # No more threads: the program is in trouble, or ends.
            guard.failed("cost.warm")
            self._ready.set()

    def _forked(self) -> None:
        # A thread that was loading is not there in the child.
        if not self._ready.is_set():
            self._started = False
            self._ready = threading.Event()
        self._lock = threading.Lock()

    def _load(self) -> None:
        try:
            if self._path:
                self._own = read_own(self._path)
            from genai_prices import data_snapshot, types

            data_snapshot.get_snapshot()
            types.Usage(input_tokens=1)
            self._library = (data_snapshot, types)
        except Exception:
            guard.failed("cost.load")
        finally:
            self._ready.set()

    def price(
        self, identity: Identity, model: str | None, asked: str | None, reply: Reply
    ) -> Priced | None:
        """Cost of ``reply``; ``model`` is the answer's, ``asked`` the request's."""
        try:
            if reply.cost is not None:
                said = reply.cost
                return Priced(
                    said.total, said.source, said.input, said.output, partial=reply.partial
                )
            usage = reply.usage
            if usage is None or not (usage.input or usage.output or usage.audio_seconds):
                return None
            if reply.unpriced:
                return None
            pricer = self._pricer(identity, model, asked, reply.pricing)
            found = pricer(usage) if pricer is not None else None
            if found is not None:
                found.partial = reply.partial
            return found
        except Exception:
            guard.failed("cost.price")
            return None

    def price_sum(self, identity: Identity, parts: list[Reply]) -> Priced | None:
        """Cost of several answers together; None unless every one has a price."""
        found = [self.price(identity, part.model, None, part) for part in parts]
        known = [priced for priced in found if priced is not None]
        if not known or len(known) < len(found):
            return None
        total = Priced(0.0, known[0].source, 0.0, 0.0, 0.0, 0.0)
        for priced in known:
            for name in ("total", "input", "output", "cache_read", "cache_write"):
                setattr(total, name, getattr(total, name) + (getattr(priced, name) or 0.0))
        return total

    def _pricer(
        self, identity: Identity, model: str | None, asked: str | None, context: Mapping[str, str]
    ) -> Pricer | None:
        key: tuple[Any, ...] = (
            identity.provider,
            identity.assumed,
            identity.url,
            model,
            asked,
        )
        if context:
            key += tuple(context.items())
        now = time.monotonic()
        known = self._rates.get(key)
        if known is not None and known[0] > now:
            return known[1]
        self.warm()
        if not self._ready.wait(self._patience):
            self._patience = 0.0  # Once is enough.
            return None
        pricer = self._find(identity, model, asked, context)
        if len(self._rates) >= _MAX_RATES:
            self._rates.clear()
        self._rates[key] = (now + _TTL, pricer)
        if pricer is None:
            guard.say_once(
                f"price {identity.provider} {model or asked}",
                "no price is known for provider %s, model %s: its spans carry no cost",
                identity.provider,
                model or asked,
                level=10,
            )
        return pricer

    def _find(
        self, identity: Identity, model: str | None, asked: str | None, context: Mapping[str, str]
    ) -> Pricer | None:
        names = _names(identity.provider, model, asked)
        if self._own:
            for name in names:
                # A provider that is only assumed may stand in the file by its host.
                for key in (f"{identity.provider}/{name}", f"{identity.address}/{name}", name):
                    own = self._own.get(key)
                    if isinstance(own, str):
                        owner, _, aliased = own.partition("/")
                        return self._listed(owner, None, aliased, context)
                    if own is not None:
                        return _flat(own, "user")
        if identity.assumed:
            return None
        names = billing.listed_names(identity.provider, names, model)
        if identity.provider == "gcp.vertex_ai" and identity.address != _VERTEX_GLOBAL:
            names = [name for name in names if not _REGIONAL_PREMIUM.match(name)]
        for name in names:
            ways: tuple[tuple[str | None, str | None], ...] = (
                (None, identity.url),
                (PROVIDERS.get(identity.provider, identity.provider), None),
            )
            for provider, url in ways:
                pricer = self._listed(provider, url, name, context)
                if pricer is not None:
                    return pricer
        return None

    def _listed(
        self, provider: str | None, url: str | None, model: str, context: Mapping[str, str]
    ) -> Pricer | None:
        if self._library is None:
            return None
        snapshot, types = self._library
        try:
            _, found = snapshot.get_snapshot().find_provider_model(model, None, provider, url)
        except LookupError:
            return None
        if context and not billing.covered(context, billing.conditions(found)):
            return None
        rates = found.get_prices(datetime.now(UTC), dict(context) or None)
        members = {name: value for name, value in vars(rates).items() if value is not None}
        if not members:
            return None
        return _listed_pricer(members, rates, types, model)


def _names(provider: str, model: str | None, asked: str | None) -> list[str]:
    """The names that prices are looked for by, best first."""
    if provider != _BEDROCK:
        return [name for name in (model, asked) if name]
    # The id that was asked tells how the call is routed, which has a price; what answers a routed
    # call is an ARN, and other names in an answer are the model vendor's own.
    found = []
    for name in (asked, model if model and model.startswith("arn:") else None):
        kind, _, id = (name or "").partition("/")
        if not kind.startswith("arn:"):
            found += [name] if name else []
        elif kind.endswith(_MODEL_ARNS):
            found.append(id)
    return found


def _listed_pricer(members: dict[str, Any], rates: Any, types: Any, model: str) -> Pricer:
    simple = _simple(members)
    free = not any(_positive(price) for price in members.values())

    def price(usage: Usage) -> Priced | None:
        if not billing.split(usage, members, model):
            return None
        if simple is not None and not (
            usage.audio_input
            or usage.audio_output
            or usage.image_input
            or usage.image_output
            or usage.video_input
            or usage.audio_seconds
        ):
            return simple(usage)
        return _by_library(usage, members, rates, types, free)

    return price


def _positive(price: Any) -> bool:
    if hasattr(price, "tiers"):
        return bool(price.base) or any(tier.price for tier in price.tiers)
    return bool(price)


_RATE_NAMES: Final = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "web_searches_kcount": "web_searches",
}
_COVERED: Final = frozenset(_RATE_NAMES) | {"storage_searches_kcount"}
_OTHER_MODALITY: Final = ("audio", "image", "video")


def _simple(members: dict[str, Any]) -> Pricer | None:
    """Prices as plain numbers, where nothing but text tokens and searches matters."""
    rest = [
        name
        for name in members
        if name not in _COVERED and not any(word in name for word in _OTHER_MODALITY)
    ]
    if rest or "input_mtok" not in members:
        return None
    rates = {
        _RATE_NAMES[name]: _steps(price) for name, price in members.items() if name in _RATE_NAMES
    }

    def price(usage: Usage) -> Priced | None:
        return _sum(usage, rates, "prices")

    return price


Steps: TypeAlias = tuple[float, tuple[tuple[int, float], ...]]


def _steps(price: Any) -> Steps:
    if hasattr(price, "tiers"):
        return float(price.base), tuple((tier.start, float(tier.price)) for tier in price.tiers)
    return float(price), ()


def _rate(steps: Steps | None, total: int) -> float | None:
    if steps is None:
        return None
    rate = steps[0]
    for start, higher in steps[1]:
        if total > start:
            rate = higher
    return rate


def _sum(usage: Usage, rates: Mapping[str, Steps], source: str) -> Priced | None:
    total_in = usage.input or 0
    read, written = usage.cache_read or 0, usage.cache_write or 0
    if read + written > total_in:
        return None
    size = total_in if usage.tier_input is None else usage.tier_input
    rate_in = _rate(rates.get("input"), size)
    rate_out = _rate(rates.get("output"), size)
    if rate_in is None or (usage.output and rate_out is None):
        return None
    cost_read = cost_write = 0.0
    # A list without a price for cached input does not say that it costs what other input does; the
    # user's own file does. What is written costs as input where no price says otherwise.
    if read:
        rate_read = _rate(rates.get("cache_read"), size)
        if rate_read is None and source != "user":
            return None
        cost_read = read * (rate_in if rate_read is None else rate_read)
    if written:
        hour = min(usage.cache_write_1h or 0, written)
        rate_write = _rate(rates.get("cache_write"), size)
        rate_write = rate_in if rate_write is None else rate_write
        rate_hour = _rate(rates.get("cache_write_1h"), size)
        if rate_hour is None and hour and source != "user":
            return None
        cost_write = (written - hour) * rate_write
        cost_write += hour * (rate_write if rate_hour is None else rate_hour)
    cost_in = (total_in - read - written) * rate_in
    cost_out = (usage.output or 0) * (rate_out or 0.0)
    searches = 0.0
    if usage.web_searches:
        rate_search = _rate(rates.get("web_searches"), size)
        if rate_search is None:
            return None
        searches = usage.web_searches * rate_search
    total = (cost_in + cost_read + cost_write + cost_out) * 1e-6 + searches * 1e-3
    return Priced(
        round(total, 12),
        source,
        round(cost_in * 1e-6, 12),
        round(cost_out * 1e-6, 12),
        round(cost_read * 1e-6, 12),
        round(cost_write * 1e-6, 12),
    )


def _by_library(
    usage: Usage, members: Mapping[str, Any], rates: Any, types: Any, free: bool
) -> Priced | None:
    if usage.tier_input is not None:
        return None  # The library takes the tier from the sum of many requests.
    if any(getattr(usage, name) and needs not in members for name, needs in _CACHES):
        return None
    counts = {}
    for name, unit, needs in _UNITS:
        value = getattr(usage, name)
        if not value and (value is None or not getattr(usage, _SHARES.get(name, ""), None)):
            continue
        if needs is not None and needs not in members:
            return None  # Audio at a text price would be a wrong number.
        counts[unit] = value
    try:
        result = rates.calc_price(types.Usage(**counts))
    except (ValueError, LookupError):
        return None
    total = float(result["total_price"])
    if total == 0 and not free:
        return None
    return Priced(
        total, "prices", float(result["input_price"]) or None, float(result["output_price"]) or None
    )


def _flat(own: Mapping[str, Any], source: str) -> Pricer:
    rates: dict[str, Steps] = {
        name: (float(value), ())
        for name, value in own.items()
        if name in _OWN_RATES and wire.number(value) is not None
    }

    def price(usage: Usage) -> Priced | None:
        return _sum(usage, rates, source)

    return price


_OWN_RATES: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


def read_own(path: str) -> dict[str, Any]:
    """The user's price file: model or provider/model -> USD per million tokens, or an alias.

    ``{"my-model": {"input": 1.5, "output": 6, "cache_read": 0.15}, "azure.ai.openai/chat-prod":
    "azure/gpt-4o"}``. A file that cannot be read gives one warning and no prices.
    """
    try:
        table = wire.loads(Path(path).read_bytes())
        if not isinstance(table, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as problem:
        guard.say_once(
            "prices",
            "the price file OTELIER_PRICES cannot be read (%s); it is ignored",
            type(problem).__name__,
        )
        return {}
    wrong = [
        key
        for key, value in table.items()
        if not (isinstance(value, str) and "/" in value)
        and not (isinstance(value, dict) and wire.number(value.get("input")) is not None)
    ]
    for key in wrong:
        del table[key]
    if wrong:
        guard.say_once(
            "prices",
            "%d entries of the price file OTELIER_PRICES have no usable price: %s",
            len(wrong),
            ", ".join(map(str, wrong[:5])),
        )
    return table
