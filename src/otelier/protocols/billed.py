"""Tools that providers run and bill by themselves, beside the tokens: one table for all protocols.

A tool that the price list has a price for is counted in :class:`~otelier.usage.Usage`; one that it
has no price for leaves the answer without a cost, since its tokens' price would be too low. A tool
that is in no row is taken to be billed: an unknown fee must not be missing from a cost.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from otelier import wire
from otelier.expressions import later
from otelier.protocols import Reply

# Where the tool's uses cost nothing beyond their tokens.
FREE: Final = ""

# Tool -> the field of Usage that is priced, FREE, or None where no price list has its fee.
TOOLS: Final[dict[str, str | None]] = {
    "web_search": "web_searches",
    "file_search": "file_searches",
    "code_interpreter": None,
    "image_generation": None,
    "mcp": FREE,
    # Anthropic, "Web fetch tool": no charge but the tokens; Gemini API, "URL context" and "Code
    # execution": billed as tokens.
    "web_fetch": FREE,
    "url_context": FREE,
    # Fees that the price list has for no provider: Google's maps and file search, xAI's searches
    # and sources, Mistral's connectors, Cohere's units, Groq's tools.
    "code_execution": None,
    "x_search": None,
    "collections_search": None,
    "live_search": None,
    "maps_grounding": None,
    "retrieval": None,
    "connector": None,
    "search_units": None,
    "server_tool": None,
}

# Models that search before each answer, which is billed by the request, and models that are systems
# with tools of their own (OpenAI, "Web search"; Groq, "Compound"). The answer does not count them.
_SEARCHES: Final = later(r"gpt-[\w.-]+-search-(?:preview|api)")
_SYSTEMS: Final = later(r"(?:groq/)?compound(?:-|$)")
_TOLD: Final = frozenset({"num_sources_used", "plugins", "search_context_size"})


def note(reply: Reply, tool: str, uses: int | None) -> None:
    """Count ``uses`` of a tool in ``reply``; None: it was used, how often is not told."""
    if uses == 0:
        return
    field = TOOLS.get(tool)
    if field == FREE:
        return
    if field is None or uses is None or reply.usage is None:
        reply.unpriced = True
        return
    setattr(reply.usage, field, (getattr(reply.usage, field) or 0) + uses)


def note_chat(reply: Reply, usage: Any, used: str | None) -> None:
    """What OpenAI's dialect of chats tells, of all who speak it: by the model's name, by counts in
    ``usage`` (xAI's ``num_sources_used``, Alibaba's ``plugins``), and by ``used``, the tool that a
    message shows.
    """
    by_itself = _by_itself(reply.model or "")
    if by_itself or used:
        note(reply, by_itself or used or "", None)
    raw = wire.fields(usage)
    if _TOLD.isdisjoint(raw):
        return
    sources = wire.count(raw.get("num_sources_used"))
    if sources:
        note(reply, "live_search", sources)
    for plugin, told in wire.fields(raw.get("plugins")).items():
        # Alibaba's ``{"search": {"count": 1, "strategy": "turbo"}}``.
        note(reply, f"plugin_{plugin}", wire.count(wire.fields(told).get("count")))
    size = wire.text(raw.get("search_context_size"))
    if size:
        # Perplexity's fee of a request depends on it.
        reply.pricing["search_context_size"] = size


@lru_cache(maxsize=256)
def _by_itself(model: str) -> str | None:
    """The tool that a model uses before each answer, by its name."""
    name = model.rpartition(":")[2]
    if _SEARCHES.search(name):
        return "web_search"
    return "server_tool" if _SYSTEMS.match(name) else None


def shown(message: wire.Wire) -> str | None:
    """The tool that a chat's message or delta shows to have run: citations of the web (OpenAI), or
    Groq's ``executed_tools``.
    """
    if message.get("executed_tools"):
        return "server_tool"
    for note in wire.items(message.get("annotations")):
        if wire.fields(note).get("type") == "url_citation":
            return "web_search"
    return None
