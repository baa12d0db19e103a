"""A request that has come: where it belongs, and what is known of how it came."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Span

from otelier import context as ctx
from otelier.frameworks import steps
from otelier.frameworks.mcp import carrier, others, transports
from otelier.frameworks.mcp.exchange import Exchange, begin


def sees() -> bool:
    """Whether requests are seen at all here."""
    return steps.shown("mcp", others.candidates)


def arrived(
    method: Any, params: Any, meta: Any, request: Any, known: dict[str, Any]
) -> Exchange | None:
    """A request has come: its span belongs to who has sent it, if that is known."""
    if not sees() or steps.is_own():
        return None
    around_it = transports.around(request) or ctx.current()
    parent, ambient = carrier.came(meta, around_it)
    known = {name: value for name, value in known.items() if value is not None}
    known.update(transports.served(request))
    made = begin(method, params, True, parent, known)
    if made is not None and ambient is not None and request is not None:
        _link(made.span, ambient)
    return made


def _link(span: Span, ambient: Span) -> None:
    """The HTTP request that has brought it led here, too."""
    add = getattr(span, "add_link", None)  # OpenTelemetry before 1.23 has none.
    if add is not None:
        add(ambient.get_span_context())
