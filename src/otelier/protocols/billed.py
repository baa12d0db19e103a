"""Tools that providers run and bill by themselves, beside the tokens: one table for all protocols.

A tool that the price list has a price for is counted in :class:`~otelier.usage.Usage`; one that it
has no price for leaves the answer without a cost, since its tokens' price would be too low. A tool
that is in no row is taken to be billed: an unknown fee must not be missing from a cost.
"""

from __future__ import annotations

from typing import Final

from otelier.protocols import Reply

# Where the tool's uses cost nothing beyond their tokens.
FREE: Final = ""

# Tool -> the field of Usage that is priced, FREE, or None where no price list has its fee.
TOOLS: Final[dict[str, str | None]] = {
    "web_search": "web_searches",
    "file_search": None,
    "code_interpreter": None,
    "image_generation": None,
    "mcp": FREE,
}


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
