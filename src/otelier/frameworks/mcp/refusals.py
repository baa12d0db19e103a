"""Errors of the protocol: their codes, and whether they are failures."""

from __future__ import annotations

from typing import Any, Final

from otelier import statics, wire

# A probe: whoever does not know it says so, and that is an answer.
_PROBE: Final = "server/discover"
# What is wrong with the request, not with who serves it.
_ITS_SENDERS: Final = frozenset({-32700, -32600, -32601, -32602, -32002})
# What the SDKs (1.x; 2.x) say themselves of an answer that does not come, and how they say it.
_TIMEOUTS: Final = {408: ("Timed out",), -32001: ("Timed out", "Request ")}
_CLOSED: Final = (-32000, "Connection closed")
_MCP: Final = frozenset({"mcp"})
TIMEOUT: Final = "timeout"
CLOSED: Final = "connection_closed"


def raised(error: BaseException) -> tuple[int, str | None] | None:
    """The code and the message of an exception that stands for an error of the protocol."""
    if not any(statics.made_by(base, _MCP) for base in statics.bases(type(error))):
        return None
    return told(statics.storage(error).get("error"))


def told(error: Any) -> tuple[int, str | None] | None:
    """The code and the message of an error of the protocol; None of anything else."""
    found = wire.fields(error)
    code = found.get("code")
    if not isinstance(code, int):
        return None
    return int(code), wire.text(found.get("message"))


def unanswered(code: int, message: str | None) -> str | None:
    """What happened, where an error's code was in no answer: the SDK made it itself."""
    said = message or ""
    if code in _TIMEOUTS:
        return TIMEOUT if said.startswith(_TIMEOUTS[code]) else None
    return CLOSED if (code, said) == _CLOSED else None


def fails(method: str, code: int, serves: bool) -> bool:
    """Whether an answer with this code is a failure of who sent the request, or serves it."""
    return method != _PROBE and not (serves and code in _ITS_SENDERS)
