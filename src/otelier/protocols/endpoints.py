"""What a plain HTTP request asks for, by provider and path: for programs that use no SDK."""

from __future__ import annotations

from typing import Final

from otelier.protocols import Route, ollama, routes
from otelier.protocols.table import Table

# Whose own paths come first; every other host may speak OpenAI's dialect, Anthropic's or Ollama's.
_OWN: Final = {"anthropic": Table(routes.ANTHROPIC), "writer": Table(routes.WRITER)}
_ANY: Final = Table({**routes.OPENAI, **routes.ANTHROPIC, **ollama.PATHS})


def find(provider: str, method: str, path: str) -> tuple[Route, str | None] | None:
    """The route of a request and the id in its path; None where it is no call of ours."""
    own = _OWN.get(provider)
    found = own.find(method, path) if own is not None else None
    return found or _ANY.find(method, path)
