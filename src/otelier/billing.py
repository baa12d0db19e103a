"""When a list's price is the price of an answer, and when it would be a wrong number.

Pure functions over names, the context of a call and the members of a price.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final

from otelier import gateways, identity, semconv, wire
from otelier.expressions import later
from otelier.identity import Identity
from otelier.prices.listing import Price
from otelier.protocols import Cost, Reply, finish
from otelier.usage import Usage
from otelier.wire import Wire

# Values that say what a listed price says anyway (OpenAI and Groq API references: ``service_tier``;
# Anthropic, "Service tiers", "Data residency", "Fast mode"; AWS and Google: "standard").
_LISTED: Final[Mapping[str, frozenset[str]]] = {
    "service_tier": frozenset(
        {"default", "standard", "auto", "standard_only", "on_demand", "unspecified"}
    ),
    "inference_geo": frozenset({"global", "not_available"}),
    "speed": frozenset({"standard"}),
    "latency": frozenset({"standard"}),
    # Looked at with the fee of a request, which depends on it; where there is none, nothing does.
    "search_context_size": frozenset({"low", "medium", "high"}),
}
# What requests ask for, by its names in bodies.
_ASKED: Final = {
    "service_tier": "service_tier",
    "serviceTier": "service_tier",
    "inference_geo": "inference_geo",
    "speed": "speed",
}
# A request that has none of these asks for no other price.
NAMES: Final = frozenset(_ASKED)
_BATCH: Final = ("processing", "batch")
_AZURE: Final = ("azure.ai.openai", "azure.ai.inference")
_REQUESTS: Final = "requests_kcount"
_SEARCH_SIZE: Final = "search_context_size"
_LARGEST: Final = "high"
_INPUT: Final = "input_mtok"
_TOKENS: Final = "_mtok"
_HEARS: Final = later(r"audio|realtime|transcribe|live|tts")


def covered(context: Mapping[str, str], variants: Iterable[Mapping[str, str]]) -> bool:
    """Whether a price list has the price of a call in ``context``.

    ``variants`` are the conditions of the model's other prices. What is neither among them nor
    known to be the listed price is billed by an amount that the list does not have.
    """
    other = [
        (name, value)
        for name, value in context.items()
        if value not in _LISTED.get(name, ())
        # Anthropic's tier of a batch says what the processing says.
        and not (name == "service_tier" and value == "batch" and _BATCH in context.items())
    ]
    if not other:
        return True
    known = {item for when in variants for item in when.items()}
    if not known.issuperset(other):
        return False
    # Together they need one price, not halves of two.
    return any(set(other) <= set(when.items()) for when in variants)


def listed_names(provider: str, names: list[str], model: str | None) -> list[str]:
    """The names to look for in a public list: on Azure the asked one is a deployment's."""
    if provider in _AZURE:
        return [name for name in names if name == model]
    return names


def untold(body: Wire, reply: Reply) -> bool:
    """Whether a request asks for another price than the listed one, and the answer does not say
    which it got: providers may serve a call in another tier than the one that was asked for.
    """
    tiers = (semconv.PROVIDER_SERVICE_TIER, semconv.OPENAI_RESPONSE_SERVICE_TIER)
    for member, name in _ASKED.items():
        value = body.get(member)
        if value is None:
            continue
        # AWS: ``{"type": "priority"}``.
        asked = value if isinstance(value, str) else wire.fields(value).get("type")
        if not isinstance(asked, str) or asked.lower() in _LISTED[name] or name in reply.pricing:
            continue
        if name != "service_tier" or not any(tier in reply.attributes for tier in tiers):
            return True
    return False


def prices_of(
    context: Mapping[str, str],
    members: Mapping[str, Price],
    special: Container[str],
    owner: str,
) -> Mapping[str, Price]:
    """Those of a list's ``members`` that are prices of a call in ``context``.

    ``special`` are the members that the context, such as a tier, has prices of its own for. Where
    it has one of input, the standard price of other tokens is not its price: OpenAI's table of
    batches has none of cached input, though the list goes on with the standard one. Google's says
    that cached input stays at it (Gemini API, "Pricing"). Fees of searches are the same in all.

    The fee of a request that the list has is Perplexity's for the largest context of a search.
    """
    if _REQUESTS in members and context.get(_SEARCH_SIZE) != _LARGEST:
        return {}
    if owner == "google" or _INPUT not in special:
        return members
    return {
        name: price
        for name, price in members.items()
        if name in special or not name.endswith(_TOKENS)
    }


def split(members: Container[str], model: str) -> Callable[[Usage], bool] | None:
    """Tells whether a usage says which of its tokens are images or audio, where prices differ by
    it; None where they do not.
    """
    hears = _HEARS.search(model) is not None
    drawn = "output_image_mtok" in members
    shown = "input_image_mtok" in members
    heard = hears and "input_audio_mtok" in members
    spoken = hears and "output_audio_mtok" in members
    if not (drawn or shown or heard or spoken):
        return None

    def told(usage: Usage) -> bool:
        into, out = usage.text_input is not None, usage.text_output is not None
        return not (
            (drawn and usage.output and usage.image_output is None and not out)
            or (
                shown
                and usage.input
                and usage.image_input is None
                and usage.audio_input is None
                and not into
            )
            or (heard and usage.input and usage.audio_input is None and not into)
            or (spoken and usage.output and usage.audio_output is None and not out)
        )

    return told


def answered(reply: Reply, headers: Any, who: Identity, complete: bool, streamed: bool) -> Identity:
    """Note in ``reply`` what headers tell of its cost and whether its usage is of a part only;
    who answered, as far as that shows.

    A cost in the body wins over one in a header. What a gateway's cache answered was not bought
    from the provider: nobody tells its cost. Every protocol tells its final usage with the finish
    reason, or with the end that it tells: an answer that was cut off before has usage of a part.
    """
    if headers and not gateways.READ.isdisjoint(headers):
        cost, cached = gateways.told(headers, streamed)
        if cached:
            # A cost in its body is that of the call that filled the cache.
            reply.unpriced, reply.cost, reply.parts = True, None, []
        elif cost is not None and reply.cost is None:
            # It is that of all parts together.
            reply.cost, reply.parts = Cost(cost, source="gateway"), []
    reasons = reply.finish_reasons
    # Not every SDK raises what a stream tells of an error.
    complete = complete and not (streamed and reply.error)
    whole = complete or reply.ended or (reasons and all(reasons) and finish.ERROR not in reasons)
    reply.partial = not whole
    return identity.confirmed(who, reply.attributes, reply.model) if who.assumed else who
