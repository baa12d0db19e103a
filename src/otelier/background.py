"""Answers that a provider goes on with after the call that began them has returned.

Their tokens are told only to who asks again, and are counted once: on the call that first shows
the answer complete. Known is what this process began, by server and id; a forked child begins with
nothing, or what its parent began would count twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from otelier import billing, forks, semconv
from otelier.identity import Identity
from otelier.protocols import Reply, Route
from otelier.semconv import Attributes
from otelier.wire import Wire

MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Begun:
    """What counts the tokens of an answer: the operation that began it, and the model asked."""

    operation: str
    model: str | None
    # Price lists do not cover what was asked for.
    unpriced: bool = False


_Key: TypeAlias = tuple[str | None, int | None, str]
# Oldest first. Each step is one operation of a dict, which is atomic: the garbage collector may end
# a call in the middle of another's end, and then a lock would be waited for forever.
_begun: Final[dict[_Key, Begun]] = {}
forks.in_child(_begun.clear)


def account(
    route: Route,
    attributes: Attributes,
    body: Wire,
    identity: Identity,
    reply: Reply,
    streamed: bool,
) -> Begun | None:
    """What the usage in ``reply`` counts for; None where it counts at another call, or not at all.

    ``attributes`` and ``body`` are the request's. Called once, when the call is over.
    """
    if route.fetches:
        begun = _take(attributes, identity, reply)
        if begun is not None:
            reply.unpriced = reply.unpriced or begun.unpriced
            if begun.model:
                # Sums are by the model that was asked.
                reply.attributes[semconv.REQUEST_MODEL] = begun.model
        return begun
    asked = attributes.get(semconv.REQUEST_MODEL)
    listed = route.listed is None or route.listed(body)
    if not listed or billing.untold(body, reply):
        reply.unpriced = True
    begun = Begun(route.operation, asked if isinstance(asked, str) else None, reply.unpriced)
    if not reply.waiting or route.background is None or (streamed and not route.background(body)):
        return begun
    id = reply.attributes.get(semconv.RESPONSE_ID)
    if isinstance(id, str):
        _keep((identity.address, identity.port, id), begun)
    reply.attributes[semconv.BACKGROUND] = True
    # What a provider tells of an answer that is not there yet is not all of it.
    return None


def _keep(key: _Key, begun: Begun) -> None:
    _begun.pop(key, None)
    _begun[key] = begun
    if len(_begun) > MOST:
        try:
            _begun.pop(next(iter(_begun)), None)
        except (RuntimeError, StopIteration):
            pass  # Another thread is at it: the next one makes up for it.


def _take(attributes: Attributes, identity: Identity, reply: Reply) -> Begun | None:
    id = attributes.get(semconv.RESPONSE_ID)
    told = reply.usage is not None or reply.cost is not None
    if not (_begun and reply.ended and told and isinstance(id, str)):
        return None
    return _begun.pop((identity.address, identity.port, id), None)
