"""What a call cost, in USD: the provider's own figure, else the user's prices, else price data.

The public list (:mod:`otelier.prices`) loads in milliseconds when the first call that may need it
begins. Where the installed genai-prices is another than the one whose list is shipped, and nothing
of it is in the user's cache yet, a thread builds the list, once: calls that end meanwhile are
finished by that thread, so that nobody waits and no cost is lost. A price that is not known, or
that does not cover what was used (audio tokens at a text price), gives no cost at all.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

from otelier import billing, forks, guard, semconv, wire
from otelier.expressions import later
from otelier.identity import Identity
from otelier.prices import arithmetic, sources
from otelier.prices.arithmetic import Priced, Pricer
from otelier.prices.listing import Entry, PriceList
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
_REGIONAL_PREMIUM: Final = later(r"claude-(?!3|(?:sonnet|opus)-4(?:-1)?(?:@|-2025|$))")
# Ways in which AWS and Google serve a model at other prices than the listed ones.
_OTHER_PRICES: Final = frozenset(
    {
        ("service_tier", "flex"),
        ("service_tier", "priority"),
        ("service_tier", "reserved"),
        ("service_tier", "off_peak"),
        ("service_tier", "provisioned_throughput"),
        ("latency", "optimized"),
    }
)
# Prices hold for a while: some depend on the date or the time of day.
_TTL: Final = 300.0
# How many ends may wait for a list that is being built; more than a second's worth.
_MOST_WAITING: Final = 1000
# How long a flush or the program's end waits for it at most, in seconds.
PATIENCE: Final = 10.0
_MAX_RATES: Final = 2048


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


_all: Final[WeakSet[Prices]] = WeakSet()
_builders: Final[set[Prices]] = set()


def settle(seconds: float | None = None) -> None:
    """Wait until all that was handed to a list that is being built has ended; bounded."""
    for prices in tuple(_builders):
        prices.wait(PATIENCE if seconds is None else min(seconds, PATIENCE))


def _leave() -> None:
    """The program ends: what still waits ends without a cost, rather than not at all."""
    settle()
    for prices in tuple(_builders):
        prices.give_up()


@forks.in_child
def _forked() -> None:
    _builders.clear()
    for prices in tuple(_all):
        prices.forked()


class Prices:
    """Finds prices. One per runtime; thread-safe; nothing in it raises."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self._own: dict[str, Any] | None = None
        self._rates: dict[Any, tuple[float, Pricer | None]] = {}
        self._list: PriceList | None = None
        # Where the list comes from, for doctor: shipped, cached, built, missing.
        self.source = "not loaded"
        self._started = False
        # Whether a thread builds the list: then :meth:`later` takes what needs a price.
        self.building = False
        self._waiting: deque[Callable[[], None]] = deque()
        self._done = threading.Event()
        self._lock = threading.Lock()
        _all.add(self)

    def warm(self) -> None:
        """Load price data, once: within milliseconds, or in a thread where that takes longer."""
        if self._started:
            return
        with self._lock:
            if self._started:
                return
            self._load()
            self._started = True

    def _load(self) -> None:
        try:
            if self._path:
                self._own = read_own(self._path)
            found = sources.ready()
            if found is not None:
                self._list, self.source = found
                return
            self.building = True
            _builders.add(self)
            # Before the providers' own, which were registered earlier, end.
            atexit.unregister(_leave)
            atexit.register(_leave)
            threading.Thread(target=self._build, name="otelier-prices", daemon=True).start()
        except Exception:  # No more threads: the program is in trouble, or ends.
            guard.failed("cost.load")
            self.source = "missing"
            self.give_up()

    def _build(self) -> None:
        try:
            self._list, self.source = sources.build()
        except Exception:
            guard.failed("cost.build")
            self.source = "missing"
        finally:
            self.give_up()

    def give_up(self) -> None:
        """There is a list now, or there will be none: end what waits."""
        self.building = False
        self._finish_waiting()
        self._done.set()
        _builders.discard(self)

    def later(self, end: Callable[[], None]) -> bool:
        """Whether ``end`` is called once the list is there, by the thread that builds it.

        False where the list is there, or too many wait already: then the caller does it.
        """
        if not self.building or len(self._waiting) >= _MOST_WAITING:
            return False
        self._waiting.append(end)
        if not self.building:
            # The thread may have looked for the last time before this one came.
            self._finish_waiting()
        return True

    def _finish_waiting(self) -> None:
        while True:
            try:
                end = self._waiting.popleft()
            except IndexError:
                return
            try:
                end()
            except Exception:
                guard.failed("cost.later")

    def wait(self, seconds: float) -> None:
        """Wait until no end waits for the list any more, at most so many seconds."""
        if self.building or self._waiting:
            self._done.wait(max(0.0, seconds))

    def forked(self) -> None:
        """This is a forked child."""
        # A thread that was building is not there in the child; what waited for it is the parent's.
        if self.building:
            self._started = self.building = False
            self._waiting.clear()
            self._done = threading.Event()
        self._lock = threading.Lock()

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

    def price_sum(
        self, identity: Identity, model: str | None, asked: str | None, parts: list[Reply]
    ) -> Priced | None:
        """Cost of several answers together; None unless every one has a price.

        A part without a model of its own is of ``model``, the answer's; ``asked`` is no other's.
        """
        found = [
            self.price(identity, part.model or model, None if part.model else asked, part)
            for part in parts
        ]
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
        if self.building:
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
            for name in _own_names(identity.provider, model, asked):
                # A provider that is only assumed may stand in the file by its host.
                for key in (f"{identity.provider}/{name}", f"{identity.address}/{name}", name):
                    own = self._own.get(key)
                    if isinstance(own, str):
                        owner, _, aliased = own.partition("/")
                        return self._listed(owner, None, aliased, context)
                    if own is not None:
                        return arithmetic.own(own)
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
        if self._list is None:
            return None
        custom, found = sources.custom(model, provider, url)
        if not custom:
            found = self._list.find(model, provider, url)
        if found is None:
            return None
        entry, now = found, datetime.now(UTC)
        pricer = self._applied(entry, context, now)
        if not entry.changes(now):
            return pricer

        def price(usage: Usage) -> Priced | None:
            at_present = self._applied(entry, context, datetime.now(UTC))
            return at_present(usage) if at_present is not None else None

        return price

    def _applied(self, found: Entry, context: Mapping[str, str], now: datetime) -> Pricer | None:
        """Applies a model's prices at a moment."""
        assert self._list is not None
        if context and not billing.covered(context, found.whens(now)):
            return None
        listed, special = found.at(now, context), found.special(now, context)
        members = billing.prices_of(context, listed, special, found.owner)
        if not members:
            return None
        pricer = arithmetic.listed(members, self._list.units, found.owner, found.id)
        told = billing.split(members, found.id)
        if told is None:
            return pricer
        return lambda usage: pricer(usage) if told(usage) else None


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


def _own_names(provider: str, model: str | None, asked: str | None) -> list[str]:
    """The same for the user's own prices: an ARN that tells no list anything may tell the user."""
    return _names(provider, model, asked) or [name for name in (asked, model) if name]


def own_key(provider: str, model: str | None, asked: str | None) -> str | None:
    """What a price file has to call the model of such a call; None where nobody named one."""
    names = _own_names(provider, model, asked)
    if not names:
        return None
    return f"{provider}/{names[0]}" if provider else names[0]


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
