"""When a list's price is the price of an answer, and when it would be a wrong number.

Pure functions over names, the context of a call and the members of a price.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from otelier import gateways, identity
from otelier.identity import Identity
from otelier.protocols import Cost, Reply, finish
from otelier.usage import Usage

# Values that say what a listed price says anyway (OpenAI and Groq API references: ``service_tier``;
# Anthropic, "Service tiers", "Data residency", "Fast mode"; AWS and Google: "standard").
_LISTED: Final[Mapping[str, frozenset[str]]] = {
    "service_tier": frozenset({"default", "standard", "auto", "standard_only", "on_demand"}),
    "inference_geo": frozenset({"global", "not_available"}),
    "speed": frozenset({"standard"}),
    "latency": frozenset({"standard"}),
}
_BATCH: Final = ("processing", "batch")
_AZURE: Final = ("azure.ai.openai", "azure.ai.inference")
_HEARS: Final = re.compile(r"audio|realtime|transcribe|live|tts")


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


def split(usage: Usage, members: Iterable[str], model: str) -> bool:
    """Whether ``usage`` says which of its tokens are images or audio, where prices differ by it."""
    if (
        "output_image_mtok" in members
        and usage.output
        and usage.image_output is None
        and usage.text_output is None
    ):
        return False
    if _HEARS.search(model) is None:
        return True
    return not (
        (
            "input_audio_mtok" in members
            and usage.input
            and usage.audio_input is None
            and usage.text_input is None
        )
        or (
            "output_audio_mtok" in members
            and usage.output
            and usage.audio_output is None
            and usage.text_output is None
        )
    )


def answered(reply: Reply, headers: Any, who: Identity, complete: bool, streamed: bool) -> Identity:
    """Note in ``reply`` what headers tell of its cost and whether its usage is of a part only;
    who answered, as far as that shows.

    A cost in the body wins over one in a header. What a gateway's cache answered was not bought
    from the provider: nobody tells its cost. Every protocol tells its final usage with the finish
    reason, or after it: an answer that was cut off before has usage of a part.
    """
    if headers is not None:
        cost, cached = gateways.told(headers, streamed)
        if cached:
            # A cost in its body is that of the call that filled the cache.
            reply.unpriced, reply.cost, reply.parts = True, None, []
        elif cost is not None and reply.cost is None:
            # It is that of all parts together.
            reply.cost, reply.parts = Cost(cost, source="gateway"), []
    reasons = reply.finish_reasons
    reply.partial = not complete and (not reasons or not all(reasons) or finish.ERROR in reasons)
    return identity.confirmed(who, reply.attributes, reply.model) if who.assumed else who
