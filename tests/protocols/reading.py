"""Short ways to read answers with the protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from otelier.protocols import Reader, Reply

Make = Callable[[bool], Reader]


def whole(make: Make, body: Any, *, keep: bool = True) -> Reply:
    """What a whole body says."""
    reader = make(keep)
    reader.whole(body)
    return reader.reply(True)


def streamed(
    make: Make, events: Sequence[Any], *, keep: bool = True, complete: bool = True
) -> Reply:
    """What a stream's events say."""
    reader = make(keep)
    for event in events:
        reader.chunk(event)
    return reader.reply(complete)


def parts(reply: Reply) -> list[dict[str, Any]]:
    """The parts of the only output message."""
    (message,) = reply.messages
    found: list[dict[str, Any]] = message["parts"]
    return found
