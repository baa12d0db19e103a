"""What was used times what it costs, in USD; nothing where a price does not cover what was used.

Most models are priced by tokens of text alone (:func:`_sum`, which also tells the parts). Where a
list tells other units apart, all of them are taken apart as genai-prices does it
(:func:`_by_units`): a unit counts what no more special unit with a price does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from otelier import wire
from otelier.prices.listing import Price, Unit
from otelier.usage import Usage


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
Steps: TypeAlias = tuple[float, tuple[tuple[int, float], ...]]

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
    # Sound that goes in is sound: lists have the price of either.
    ("audio_seconds", "audio_seconds", None),
    ("audio_seconds", "input_audio_seconds", None),
    ("web_searches", "web_searches", "web_searches_kcount"),
    ("file_searches", "storage_searches", "storage_searches_kcount"),
)
# What would be charged as other input where there is no price for it.
_CACHES: Final = (
    ("cache_read", "cache_read_mtok"),
    ("cache_write_1h", "cache_write_1h_mtok"),
)
# Where a modality was cached in part, its share must be told even if it is none.
_SHARES: Final = {"audio_cache_read": "audio_input", "image_cache_read": "image_input"}
_RATE_NAMES: Final = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "web_searches_kcount": "web_searches",
    "storage_searches_kcount": "file_searches",
}
# Tools of the provider's that are billed by use.
_TOOLS: Final = ("web_searches", "file_searches")
_OTHER_MODALITY: Final = ("audio", "image", "video")
_OWN_RATES: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
# Groq bills at least ten seconds of these (https://groq.com/pricing).
_LEAST_SECONDS: Final = 10.0
_LEAST_BILLED: Final = frozenset({("groq", "whisper-large-v3"), ("groq", "whisper-large-v3-turbo")})


def listed(
    members: Mapping[str, Price], units: Mapping[str, Unit], owner: str, model: str
) -> Pricer:
    """Applies the prices of a list: ``members`` by their keys, ``units`` what these count."""
    simple = _simple(members)
    free = not any(map(_positive, members.values()))
    least = _LEAST_SECONDS if (owner, model) in _LEAST_BILLED else 0.0

    def price(usage: Usage) -> Priced | None:
        # Spelled out: this is asked of every call.
        if simple is not None and not (
            usage.audio_input
            or usage.audio_output
            or usage.image_input
            or usage.image_output
            or usage.video_input
            or usage.audio_seconds
        ):
            return _sum(usage, simple, "prices")
        return _by_units(usage, members, units, free, least)

    return price


def own(prices: Mapping[str, Any]) -> Pricer:
    """Applies the user's own prices, USD per million tokens of text and images.

    What was cached, and not priced apart, costs what other input does. Sound has no price there.
    """
    rates: dict[str, Steps] = {
        name: (float(value), ())
        for name, value in prices.items()
        if name in _OWN_RATES and wire.number(value) is not None
    }
    free = not any(rate for rate, _ in rates.values())

    def price(usage: Usage) -> Priced | None:
        heard = usage.audio_seconds or usage.audio_input or usage.audio_output
        if not free and (heard or usage.audio_cache_read):
            return None  # At the price of text it would be a wrong number.
        return _sum(usage, rates, "user")

    return price


def _positive(price: Price) -> bool:
    base, tiers = _steps(price)
    return bool(base) or any(higher for _, higher in tiers)


def _simple(members: Mapping[str, Price]) -> dict[str, Steps] | None:
    """Prices by what they are for, where nothing but text tokens and searches matters."""
    rest = [
        name
        for name in members
        if name not in _RATE_NAMES and not any(word in name for word in _OTHER_MODALITY)
    ]
    if rest or "input_mtok" not in members:
        return None
    return {
        _RATE_NAMES[name]: _steps(price) for name, price in members.items() if name in _RATE_NAMES
    }


def _steps(price: Price) -> Steps:
    if isinstance(price, list):
        return float(price[0]), tuple((start, float(higher)) for start, higher in price[1])
    return float(price), ()


def _rate(steps: Steps | None, total: float) -> float | None:
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
    if rate_in and usage.input is None and usage.output:
        return None  # Nobody told how much was asked.
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
    if usage.web_searches or usage.file_searches:
        for tool in _TOOLS:
            uses = getattr(usage, tool)
            if uses:
                fee = _rate(rates.get(tool), size)
                if fee is None:
                    return None
                searches += uses * fee
    total = cost_in + cost_read + cost_write + cost_out + searches * 1e3
    return Priced(
        _usd(total),
        source,
        _usd(cost_in),
        _usd(cost_out),
        _usd(cost_read) if read else 0.0,
        _usd(cost_write) if written else 0.0,
    )


def _usd(millionths: float) -> float:
    """Millionths of a dollar in dollars, to twelve places. ``round(x, 12)`` goes through text."""
    return round(millionths * 1e6) / 1e12


class _UntoldError(Exception):
    """Counts do not say how much of a unit was used."""


def _by_units(
    usage: Usage,
    members: Mapping[str, Price],
    units: Mapping[str, Unit],
    free: bool,
    least: float,
) -> Priced | None:
    if usage.tier_input is not None:
        return None  # The tier would be taken from the sum of many requests.
    if usage.input is None and usage.output and not free:
        return None  # Nobody told how much was asked.
    if any(getattr(usage, name) and needs not in members for name, needs in _CACHES):
        return None
    counts: dict[str, float] = {}
    for name, unit, needs in _UNITS:
        value = getattr(usage, name)
        if not value and (value is None or not getattr(usage, _SHARES.get(name, ""), None)):
            continue
        if needs is not None and needs not in members:
            return None  # Audio at a text price would be a wrong number.
        counts[unit] = max(value, least) if name == "audio_seconds" else value
    try:
        parts = _parts(counts, members, units)
    except _UntoldError:
        return None
    total = sum(parts.values())
    if total == 0 and not free:
        return None
    into = round(parts.get("input", 0.0), 12)
    out = round(parts.get("output", 0.0), 12)
    return Priced(round(total, 12), "prices", into or None, out or None)


def _parts(
    counts: Mapping[str, float], members: Mapping[str, Price], units: Mapping[str, Unit]
) -> dict[str, float]:
    """Costs by direction (``input``, ``output``, or empty). Raises _UntoldError."""
    priced = sorted(
        ((units[key], _steps(price)) for key, price in members.items() if key in units),
        key=lambda each: (-len(each[0].dimensions), each[0].usage_key),
    )
    all_units = {unit.usage_key: unit for unit in units.values()}
    size = (
        _count("input_tokens", counts, all_units) if any(steps[1] for _, steps in priced) else 0.0
    )
    leaves: list[tuple[Unit, float]] = []
    found: dict[str, float] = {}
    for unit, steps in priced:
        if unit.usage_key == "requests":
            left = 1.0
        else:
            left = _count(unit.usage_key, counts, all_units)
            left -= sum(amount for leaf, amount in leaves if _within(leaf, unit))
            if left < 0:
                raise _UntoldError
            leaves.append((unit, left))
        direction = unit.dimensions.get("direction", "")
        cost = left * (_rate(steps, size) or 0.0) / unit.per
        found[direction] = found.get(direction, 0.0) + cost
    return found


def _within(special: Unit, general: Unit) -> bool:
    return general.dimensions.items() <= special.dimensions.items()


def _count(key: str, counts: Mapping[str, float], units: Mapping[str, Unit]) -> float:
    """How much of a unit was used; what is not told is none, unless a part of it is told."""
    told = counts.get(key)
    if told is not None:
        return told
    wanted = units[key]
    used = [units[other] for other, value in counts.items() if value > 0]
    if any(_within(unit, wanted) for unit in used):
        raise _UntoldError
    for position, one in enumerate(used):
        for other in used[position + 1 :]:
            if _within(one, other) or _within(other, one) or not _compatible(one, other):
                continue
            # Of both at once, such as sound that was cached, something may be in either.
            if {**one.dimensions, **other.dimensions} == dict(wanted.dimensions):
                raise _UntoldError
    return 0.0


def _compatible(one: Unit, other: Unit) -> bool:
    return all(other.dimensions.get(key, value) == value for key, value in one.dimensions.items())
