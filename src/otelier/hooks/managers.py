"""Context managers of SDKs that send their request when they are entered, not when they are made.

``client.messages.stream(…)`` and ``client.chat.completions.with_streaming_response.create(…)`` of
SDKs by the Stainless generator: they keep a function, or a coroutine where they are asynchronous,
that sends the request. A step that returns one is around that request, and ends with its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType
from typing import Any, Final

from otelier import following, statics

# Names of what sends the request; private ones begin with the name of their class.
_REQUESTS: Final = ("_request_func", "_api_request", "__api_request")
_roots: frozenset[str] = frozenset()


def know(module: str) -> None:
    """Managers of this module's library are known from now on."""
    global _roots
    _roots |= {module.partition(".")[0]}
    if _waits not in following.lazies:
        following.lazies.append(_waits)


def _waits(given: Any, around: Callable[[Any], Any]) -> bool:
    """Put ``around`` about the request that ``given`` has yet to send; False where it has none."""
    kind = type(given)
    if not statics.made_by(kind, _roots):
        return False
    if not any(statics.on_class(kind, name) for name in ("__enter__", "__aenter__")):
        return False
    members = statics.storage(given)
    for name, request in members.items():
        if type(name) is not str or not name.endswith(_REQUESTS):
            continue
        if type(request) is CoroutineType or statics.on_class(type(request), "__call__"):
            members[name] = around(request)  # type: ignore[index]
            return True
    return False
