"""What an Anthropic message is billed by: its ``usage``, the samplings it is the sum of, its tools.

Anthropic docs: "Prompt caching" (``input_tokens`` leaves cached tokens out); "Compaction",
"Understanding usage" (a compaction is in no top-level count: all entries of ``usage.iterations``
together are billed); "Advisor tool", "Usage and billing" (advisor entries at the advisor's rates,
and top-level input that is the first sampling's only); "Refusals and fallback", "How server-side
fallback is billed" and "How refusals are billed" (each attempt at the rates of its own model; one
that declined before any output is free but for some categories); "Fallback credit" (a credit shows
in the cache counts themselves); "Code execution tool" (billed by time; free beside web tools that
call it).
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import Reply, billed, string
from otelier.usage import Usage, add
from otelier.wire import Wire

# Refusals before any output are billed in these categories (since 2026-09-24), in others not.
_BILLED_REFUSALS: Final = frozenset({"bio", "frontier_llm", "reasoning_extraction"})
# Samplings of the model that was asked or that answered: the top-level counts are of these.
_EXECUTOR: Final = frozenset({"message", "fallback_message"})
_KNOWN: Final = _EXECUTOR | {"compaction", "advisor_message"}
_CODE: Final = "code_execution"
_WEB: Final = frozenset({"web_search", "web_fetch"})
_ITERATIONS: Final = semconv.PROVIDER_PREFIX + "iterations"
# Ways in which a model is served that say nothing of the other models of a call.
_PER_MODEL: Final = (("speed", "fast"), ("service_tier", "priority"))


def usage(value: Any) -> Usage | None:
    """The counts of a ``usage`` object, or of one of its ``iterations``."""
    raw = wire.fields(value)
    base = wire.count(raw.get("input_tokens"))
    produced = wire.count(raw.get("output_tokens"))
    if base is None and produced is None:
        return None
    used = Usage(output=produced)
    used.cache_read = wire.count(raw.get("cache_read_input_tokens"))
    used.cache_write = wire.count(raw.get("cache_creation_input_tokens"))
    by_ttl = wire.fields(raw.get("cache_creation"))
    used.cache_write_5m = wire.count(by_ttl.get("ephemeral_5m_input_tokens"))
    used.cache_write_1h = wire.count(by_ttl.get("ephemeral_1h_input_tokens"))
    if used.cache_write is None and by_ttl:
        used.cache_write = (used.cache_write_5m or 0) + (used.cache_write_1h or 0)
    if base is not None:
        used.input = base + (used.cache_read or 0) + (used.cache_write or 0)
    details = wire.fields(raw.get("output_tokens_details"))
    used.reasoning = wire.count(details.get("thinking_tokens"))
    return used


class Blocks:
    """What an answer's content blocks say of its bill; whether or not content is kept."""

    __slots__ = ("advised", "any", "compacted", "declined", "executed", "filtered", "server")

    def __init__(self) -> None:
        self.any = self.advised = self.compacted = self.executed = self.filtered = False
        # Models that declined, with the category they declined for; and who went on.
        self.declined: dict[str, Any] = {}
        self.server: str | None = None

    def see(self, block: Any) -> None:
        """One block, as it is or as a stream begins it."""
        raw = wire.fields(block)
        kind = raw.get("type")
        if kind == "fallback":
            # The SDK's models have it as ``from_``.
            before = wire.fields(raw.get("from") or raw.get("from_"))
            category = wire.fields(raw.get("trigger")).get("category")
            self.declined[string(before.get("model"))] = category
            self.server = wire.text(wire.fields(raw.get("to")).get("model")) or self.server
            return
        self.any = True
        if kind == "compaction":
            self.compacted = True
        elif kind == "server_tool_use":
            name = string(raw.get("name"))
            self.advised = self.advised or name == "advisor"
            self.executed = self.executed or name.endswith(_CODE)
            if name in _WEB:
                caller = string(wire.fields(raw.get("caller")).get("type"))
                self.filtered = self.filtered or caller.startswith(_CODE)


def put(merged: Wire, refused: Wire | None, blocks: Blocks, reply: Reply) -> None:
    """Write usage, and what it depends on, into ``reply``; ``refused``: a refusal's details."""
    reply.usage = usage(merged)
    _served(merged, reply)
    entries = [wire.fields(entry) for entry in wire.items(merged.get("iterations"))]
    kinds = [string(entry.get("type")) for entry in entries]
    _samplings(entries, refused, blocks, reply)
    server = wire.fields(merged.get("server_tool_use"))
    searches = wire.count(server.get("web_search_requests")) or 0
    # With which of the parts they are counted does not matter: they cost the same with all models.
    for each in (reply, *reply.parts[:1]):
        billed.note(each, "web_search", searches)
    if blocks.compacted or "compaction" in kinds:
        reply.attributes[semconv.CONVERSATION_COMPACTED] = True
    if blocks.executed and not blocks.filtered:
        billed.note(reply, _CODE, None)
    missing = (blocks.advised and "advisor_message" not in kinds) or (
        blocks.compacted and "compaction" not in kinds
    )
    if missing or (blocks.declined and not entries):
        reply.unpriced = True
    if refused is not None and not entries and not blocks.any:
        unbilled = refused.get("category") not in _BILLED_REFUSALS
        # A refusal before any output may be told as one token.
        if unbilled and reply.usage is not None and (reply.usage.output or 0) <= 1:
            reply.unpriced = True
    if reply.unpriced:
        reply.parts = []


def _served(merged: Wire, reply: Reply) -> None:
    tier = wire.text(merged.get("service_tier"))
    if tier:
        reply.attributes[semconv.PROVIDER_SERVICE_TIER] = tier
        reply.pricing["service_tier"] = tier
        if tier == "batch":
            reply.pricing["processing"] = "batch"
    for name in ("inference_geo", "speed"):
        value = wire.text(merged.get(name))
        if value:
            reply.attributes[semconv.PROVIDER_PREFIX + name] = value
            reply.pricing[name] = value
    credit = wire.fields(wire.fields(merged.get("fallback_credit")).get("status"))
    if wire.text(credit.get("type")):
        reply.attributes[semconv.PROVIDER_PREFIX + "fallback_credit"] = credit["type"]


def _samplings(entries: list[Wire], refused: Wire | None, blocks: Blocks, reply: Reply) -> None:
    """Sum up ``iterations``: all that are billed, each a part at the prices of its own model."""
    top = reply.usage
    if not entries or top is None:
        return
    kinds = [string(entry.get("type")) for entry in entries]
    fell_back = "fallback_message" in kinds
    total, executed = Usage(), Usage()
    for kind, entry in zip(kinds, entries, strict=True):
        used, model = usage(entry), wire.text(entry.get("model"))
        if kind == "fallback_message":
            # A stream began with the name of the model that then declined.
            reply.model = model or reply.model
        if used is None or kind not in _KNOWN:
            reply.unpriced = True
            continue
        if kind in _EXECUTOR:
            add(executed, used)
            if fell_back and not used.output and _free(kind, model, refused, blocks):
                continue
        add(total, used)
        # Without a fallback all but advisors are the model that was asked, by whatever name.
        own = fell_back or kind == "advisor_message"
        if own and model is None:
            reply.unpriced = True
        if used.input or used.output:
            part = Reply(model=model if own else None, usage=used, pricing=reply.pricing)
            reply.parts.append(part)
    if kinds != ["message"]:
        reply.attributes[_ITERATIONS] = kinds
    if set(kinds) == {"compaction"}:
        add(total, top)  # The samplings besides are in the top-level counts.
        reply.parts.append(Reply(usage=top, pricing=reply.pricing))
    elif (executed.input or 0) < (top.input or 0) or (executed.output or 0) < (top.output or 0):
        # Some were not told: the top-level counts are nearer, and the bill is not known.
        total, reply.unpriced = top, True
    total.reasoning = top.reasoning
    reply.usage = total
    if any(part.model for part in reply.parts):
        # Modes of the model that was asked are not modes of the others.
        if any(reply.pricing.get(name) == value for name, value in _PER_MODEL):
            reply.unpriced = True
    elif len(reply.parts) == 1:
        reply.parts = []


def _free(kind: str, model: str | None, refused: Wire | None, blocks: Blocks) -> bool:
    """Whether an attempt without output declined, for a reason that is not billed."""
    if kind == "message":
        return blocks.declined.get(model or "") not in _BILLED_REFUSALS
    return refused is not None and refused.get("category") not in _BILLED_REFUSALS
