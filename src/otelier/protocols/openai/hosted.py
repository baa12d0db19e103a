"""What OpenAI's own tools cost beside a response's tokens.

Sources: OpenAI's types of ``tool_usage`` and of output items; guides "Web search" (search actions
are billed, opening a page and looking in it are not), "File search", "Code interpreter", "Shell"
(billed by call, and by container), "MCP and connectors" (no fee), and the pricing page, read
2026-11.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from otelier import wire
from otelier.protocols import Reply, billed
from otelier.wire import Wire

# A tool's name in :mod:`otelier.protocols.billed`, and how often it was used if that is told.
Use: TypeAlias = tuple[str, int | None]

_SEARCH: Final = "web_search"
# Items whose tool the application runs itself, and what is no tool's.
_OWN: Final = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "computer_call",
        "local_shell_call",
        "apply_patch_call",
        # Looks through the request's own tools: tokens alone.
        "tool_search_call",
    }
)
# Free, however it ended: what failed before it did anything costs nothing.
_FAILED: Final = "failed"
# Models that do not reason: with the preview of web search each call is 25 instead of 10 USD per
# thousand, and with the released tool the small ones pay a fixed block of 8,000 input tokens per
# call, which may not be in the usage.
_NOT_REASONING: Final = ("gpt-4o", "gpt-4.1", "chatgpt-4o", "gpt-4.5")
_PREVIEW: Final = "web_search_preview"
_BLOCKS: Final = "web_search_block"


def used(item: Any) -> Use | None:
    """The use of a provider's tool that an output item is, or None."""
    raw = wire.fields(item)
    kind = raw.get("type")
    if type(kind) is not str or kind in _OWN or raw.get("status") == _FAILED:
        return None
    if kind == "web_search_call":
        return _searched(wire.fields(raw.get("action")))
    if kind == "shell_call":
        place = wire.fields(raw.get("environment")).get("type")
        return None if place in (None, "local") else ("shell", 1)
    if kind == "mcp_call":
        return "mcp", 1
    if kind == "program":
        return "code_execution", 1
    return (kind.removesuffix("_call"), 1) if kind.endswith("_call") else None


def _searched(action: Wire) -> Use | None:
    # Before there were actions, every item was a search.
    if action.get("type") not in (None, "search"):
        return None
    # Whether several queries of one action are billed as one is not told.
    return _SEARCH, None if len(wire.items(action.get("queries"))) > 1 else 1


def note(reply: Reply, raw: Wire, uses: list[Use]) -> None:
    """Count in ``reply`` what the response ``raw``, with these uses of tools, is billed for."""
    tools = wire.fields(raw.get("tool_usage"))
    _searches(reply, raw, wire.fields(tools.get("web_search")).get("num_requests"), uses)
    drawn = wire.fields(tools.get("image_gen"))
    read, made = wire.count(drawn.get("input_tokens")), wire.count(drawn.get("output_tokens"))
    if read or made:
        # By the prices of an image model that the response does not name.
        billed.note(reply, "image_generation", None)
        if reply.usage is not None:
            reply.usage.image_tool_input, reply.usage.image_tool_output = read, made
    for tool, count in uses:
        if tool != _SEARCH:
            billed.note(reply, tool, count)
    reply.unpriced = reply.unpriced or _kept_longer(wire.fields(raw.get("usage")))


def _searches(reply: Reply, raw: Wire, told: Any, uses: list[Use]) -> None:
    counts = [count for tool, count in uses if tool == _SEARCH]
    number = wire.count(told)
    if number is None:
        number = None if None in counts else sum(count or 0 for count in counts)
    elif number < len(counts):
        # What it leaves out was billed at a discount ("discounted searches are excluded").
        billed.note(reply, _SEARCH, number)
        number = None
    billed.note(reply, _SEARCH, number)
    if number != 0 and (reply.model or "").startswith(_NOT_REASONING):
        kinds = [str(wire.fields(tool).get("type")) for tool in wire.items(raw.get("tools"))]
        if any(kind.startswith(_PREVIEW) for kind in kinds):
            billed.note(reply, _PREVIEW, number)
        elif "-mini" in (reply.model or ""):
            billed.note(reply, _BLOCKS, number)


def _kept_longer(usage: Wire) -> bool:
    """Whether input was cached for twelve hours; the list has the price of thirty minutes."""
    details = wire.fields(usage.get("input_tokens_details"))
    written = wire.fields(details.get("cache_write_tokens_details"))
    return bool(wire.count(written.get("ttl_12h_tokens")))
