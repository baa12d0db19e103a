"""Finding a model's prices in a compiled list, as genai-prices finds them.

The rules are those of its ``DataSnapshot.find_provider_model``, ``Provider.find_model`` and
``ModelInfo.get_prices`` (0.2); a test compares the two over the whole list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TypeAlias

from otelier import wire
from otelier.expressions import later

# Part of the files' names: one more when the format changes.
FORMAT: Final = 1

# A number, or a base and the prices from more input tokens on.
Price: TypeAlias = "float | list[Any]"
# LiteLLM and OpenRouter write ``gpt-5.2-20251211`` for ``gpt-5.2-2025-12-11``.
_COMPACT_DATE: Final = later(r"(-)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_MATCHES: Final[dict[str, Callable[[str, Any], bool]]] = {
    "equals": lambda text, wanted: text == wanted,
    "starts": lambda text, wanted: text.startswith(wanted),
    "ends": lambda text, wanted: text.endswith(wanted),
    "contains": lambda text, wanted: wanted in text,
    "regex": lambda text, wanted: re.search(wanted, text) is not None,
    "or": lambda text, wanted: any(matches(clause, text) for clause in wanted),
    "and": lambda text, wanted: all(matches(clause, text) for clause in wanted),
}


def matches(clause: Sequence[Any], text: str) -> bool:
    """Whether a clause holds for a text in lower case."""
    return _MATCHES[clause[0]](text, clause[1])


class Unit(NamedTuple):
    """What is counted and priced: its usage key, for how many a price is, and what it is of."""

    usage_key: str
    per: int
    dimensions: Mapping[str, str]


class Entry(NamedTuple):
    """One model of the list, as one provider sells it."""

    # Who was asked for; the model may be in the list of another, whose model it is.
    owner: str
    borrowed: bool
    id: str
    prices: Sequence[Any]
    variants: Sequence[Any]

    def changes(self, moment: datetime) -> bool:
        """Whether the prices depend on the time of day, or will change on a date to come."""
        conditions = [
            *(condition for condition, _ in self.prices),
            *(condition for _, condition, _ in self.variants),
        ]
        return any(
            condition[0] == "between" or date.fromisoformat(condition[1]) > moment.date()
            for condition in conditions
            if condition is not None
        )

    def whens(self, moment: datetime) -> list[Mapping[str, str]]:
        """What the prices depend on at a moment: the contexts that have prices of their own."""
        if self.borrowed:
            return []
        return [when for when, condition, _ in self.variants if _holds(condition, moment)]

    def at(self, moment: datetime, context: Mapping[str, str]) -> dict[str, Price]:
        """The prices by their keys, at a moment (UTC), in a context such as a service tier."""
        found = self.prices[0][1]
        for condition, prices in reversed(self.prices):
            if _holds(condition, moment):
                found = prices
                break
        return {**found, **self.special(moment, context)}

    def special(self, moment: datetime, context: Mapping[str, str]) -> dict[str, Price]:
        """Those of the prices at a moment that a context has of its own."""
        special: dict[str, Price] = {}
        if not context or self.borrowed:
            return special
        for when, condition, prices in self.variants:
            fits = all(context.get(key) == value for key, value in when.items())
            if fits and _holds(condition, moment):
                for key, price in prices.items():
                    special.setdefault(key, price)
        return special


def _holds(condition: Sequence[Any] | None, moment: datetime) -> bool:
    if condition is None:
        return True
    if condition[0] == "from":
        return moment.date() >= date.fromisoformat(condition[1])
    _, start, end = condition
    now = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    return bool(now >= start or now < end) if end < start else bool(start <= now < end)


class Seller(NamedTuple):
    """A provider: its id, a pattern of its URLs, what is in all of these, and its other names."""

    id: str
    urls: str
    always: str
    names: Sequence[Any] | None


class PriceList:
    """A compiled list; providers are parsed when one is asked for."""

    __slots__ = ("_lines", "_parsed", "_providers", "units", "version")

    def __init__(
        self, version: str, units: Mapping[str, Unit], providers: list[Seller], lines: list[bytes]
    ) -> None:
        self.version = version
        self.units = units
        self._providers = providers
        # One of JSON for each provider.
        self._lines = lines
        self._parsed: dict[str, Mapping[str, Any]] = {}

    @classmethod
    def read(cls, data: bytes) -> PriceList:
        """Of a file's bytes. Raises ValueError, KeyError or TypeError where it is none of ours."""
        first, *lines = data.rstrip(b"\n").split(b"\n")
        head = wire.loads(first)
        whole = data.endswith(b"\n") and len(lines) == len(head["providers"])
        if head["format"] != FORMAT or not whole:
            raise ValueError("not a list of this format, or not all of it")
        units = {key: Unit(*of) for key, of in head["units"].items()}
        return cls(
            head["version"],
            units,
            [Seller(*each) for each in head["providers"]],
            lines,
        )

    def find(self, model: str, provider: str | None, url: str | None) -> Entry | None:
        """The prices of ``model`` (any name of it) by a provider's id, else by the URL asked."""
        owner = self._by_id(provider) if provider is not None else self._by_url(url or "")
        if owner is None:
            return None
        name = model.lower()
        found = self._match(owner, name)
        if found is None:
            dated = _COMPACT_DATE.sub(_dashed, name)
            found = self._match(owner, dated) if dated != name else None
        return found

    def _by_id(self, provider: str) -> str | None:
        name = provider.lower().strip()
        for each in self._providers:
            if each.id == name:
                return each.id
        for each in self._providers:
            if each.names is not None and matches(each.names, name):
                return each.id
        return None

    def _by_url(self, url: str) -> str | None:
        for each in self._providers:
            if each.always in url and re.match(each.urls, url):
                return each.id
        return None

    def _match(self, owner: str, name: str) -> Entry | None:
        for id in self._sellers(owner):
            for each in self._provider(id)["models"]:
                if matches(each[1], name):
                    return Entry(owner, id != owner, each[0], each[2], each[3])
        return None

    def _sellers(self, owner: str) -> Iterator[str]:
        yield owner
        known = {each.id for each in self._providers}
        for other in self._provider(owner)["fallback"]:
            if other in known:
                yield other

    def _provider(self, id: str) -> Mapping[str, Any]:
        found = self._parsed.get(id)
        if found is None:
            position = next(at for at, each in enumerate(self._providers) if each.id == id)
            found = self._parsed[id] = wire.loads(self._lines[position])
        return found


def _dashed(match: re.Match[str]) -> str:
    year, month, day = (int(match[part]) for part in (2, 3, 4))
    try:
        return f"{match[1]}{date(year, month, day).isoformat()}"
    except ValueError:
        return match[0]
