"""genai-prices' objects as compact JSON. Nothing of that library is imported in here.

The format, for :mod:`~otelier.prices.listing`: one line that describes the list, then one line for
each provider. A clause is ``[kind, text]`` or ``[kind, [clauses]]``, a price a number in USD or
``[base, [[start, price], …]]``, a condition ``["from", date]`` or ``["between", start, end]`` with
times of day in seconds of UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from re._parser import parse  # type: ignore[import-not-found,unused-ignore]
from typing import Any, Final

from otelier.prices.listing import FORMAT

# Kinds of clauses, by the attribute that holds their text.
_TEXTS: Final = {
    "equals": "equals",
    "starts_with": "starts",
    "ends_with": "ends",
    "contains": "contains",
    "regex": "regex",
}
_LISTS: Final = {"or_": "or", "and_": "and"}


def compiled(providers: Iterable[Any], units: Mapping[str, Any], version: str) -> bytes:
    """The list as a file: ``providers`` and ``units`` are genai-prices' own."""
    lines = [_line(_provider(provider)) for provider in providers]
    head = {
        "format": FORMAT,
        "version": version,
        "source": "genai-prices, https://github.com/pydantic/genai-prices, MIT",
        "units": {
            unit["price_key"] if "price_key" in unit else key: [
                key,
                unit["per"],
                dict(unit["dimensions"]),
            ]
            for key, unit in units.items()
        },
        "providers": [
            [
                provider.id,
                provider.api_pattern,
                _always(provider.api_pattern),
                _clause(provider.provider_match),
            ]
            for provider in providers
        ],
    }
    return b"\n".join([_line(head), *lines]) + b"\n"


def _always(pattern: str) -> str:
    """The longest text that is in whatever a pattern matches: patterns take time to compile."""
    runs = [""]
    for kind, what in parse(pattern):
        if str(kind) == "LITERAL":
            runs[-1] += chr(what)
        else:
            runs.append("")
    return max(runs, key=len)


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _provider(provider: Any) -> dict[str, Any]:
    return {
        "fallback": list(provider.fallback_model_providers or ()),
        "models": [model(each) for each in provider.models],
    }


def model(each: Any) -> list[Any]:
    """One model: its id, clause, prices and variants."""
    prices = each.prices if isinstance(each.prices, list) else None
    return [
        each.id,
        _clause(each.match),
        [[None, _prices(each.prices)]]
        if prices is None
        else [[_condition(one.constraint), _prices(one.prices)] for one in prices],
        [
            [dict(variant.when), _condition(variant.constraint), _prices(variant.prices)]
            for variant in each.price_variants or ()
        ],
    ]


def _clause(clause: Any) -> list[Any] | None:
    if clause is None:
        return None
    for name, kind in _TEXTS.items():
        text = getattr(clause, name, None)
        if text is not None:
            # Texts are compared in lower case; patterns are as they are.
            return [kind, text if kind == "regex" else text.lower()]
    for name, kind in _LISTS.items():
        clauses = getattr(clause, name, None)
        if clauses is not None:
            return [kind, [_clause(one) for one in clauses]]
    raise ValueError(f"a clause that is not known: {type(clause).__name__}")


def _prices(prices: Any) -> dict[str, Any]:
    return {
        key: _price(value)
        for key, value in vars(prices).items()
        if value is not None and not key.startswith("_")
    }


def _price(value: Any) -> Any:
    if hasattr(value, "tiers"):
        return [_number(value.base), [[tier.start, _number(tier.price)] for tier in value.tiers]]
    return _number(value)


def _number(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


def _condition(constraint: Any) -> list[Any] | None:
    if constraint is None:
        return None
    start: date | None = getattr(constraint, "start_date", None)
    if start is not None:
        return ["from", start.isoformat()]
    return ["between", _seconds(constraint.start_time), _seconds(constraint.end_time)]


def _seconds(of_day: time) -> int:
    if of_day.tzinfo is not None:
        of_day = datetime.combine(date(1970, 1, 1), of_day).astimezone(UTC).time()
    return of_day.hour * 3600 + of_day.minute * 60 + of_day.second
