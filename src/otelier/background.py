"""Answers that a provider goes on with after the call that began them has returned.

Their tokens are told only to who asks again, and are counted once: on the call that first shows
the answer complete. Known is what this process began, by server and id; a forked child begins with
nothing, or what its parent began would count twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from opentelemetry.context import Context

from otelier import billing, forks, semconv, tightening
from otelier import context as ctx
from otelier.identity import Identity
from otelier.protocols import Reply, Route
from otelier.semconv import Attributes
from otelier.setting_texts import Capture
from otelier.wire import Wire

MOST: Final = 10_000
_NOWHERE: Final = Context()


@dataclass(slots=True)
class Begun:
    """What counts the tokens of an answer: the operation that began it, and the model asked."""

    operation: str
    model: str | None
    # Price lists do not cover what was asked for.
    unpriced: bool = False


_Value = TypeVar("_Value")
_Key: TypeAlias = tuple[str | None, int | None, str]
# Oldest first. Each step is one operation of a dict, which is atomic: the garbage collector may end
# a call in the middle of another's end, and then a lock would be waited for forever.
_begun: Final[dict[_Key, Begun]] = {}
forks.in_child(_begun.clear)
# What was asked of content where it was begun, if anything was.
_private: Final[dict[_Key, Capture]] = {}


def narrowed(route: Route, attributes: Attributes, identity: Identity, context: Context) -> Context:
    """``context`` with what was asked of content where the answer was begun that is read here."""
    id = attributes.get(semconv.RESPONSE_ID)
    if not (_private and isinstance(id, str)):
        return context
    then = _private.get((identity.address, identity.port, id))
    return context if then is None else tightening.narrowed(context, then)


def account(
    route: Route,
    attributes: Attributes,
    body: Wire,
    identity: Identity,
    reply: Reply,
    streamed: bool,
    context: Context = _NOWHERE,
) -> Begun | None:
    """What the usage in ``reply`` counts for; None where it counts at another call, or not at all.

    ``attributes`` and ``body`` are the request's, ``context`` that of the call. Called once, when
    the call is over.
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
    if not listed or (not billing.NAMES.isdisjoint(body) and billing.untold(body, reply)):
        reply.unpriced = True
    begun = Begun(route.operation, asked if isinstance(asked, str) else None, reply.unpriced)
    if not reply.waiting or route.background is None or (streamed and not route.background(body)):
        return begun
    id = reply.attributes.get(semconv.RESPONSE_ID)
    if isinstance(id, str):
        key = (identity.address, identity.port, id)
        _keep(_begun, key, begun)
        less: Any = context.get(ctx.CAPTURE)
        if less is not None:
            _keep(_private, key, less)
    reply.attributes[semconv.BACKGROUND] = True
    # What a provider tells of an answer that is not there yet is not all of it.
    return None


def _keep(held: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    held.pop(key, None)
    held[key] = value
    if len(held) > MOST:
        try:
            held.pop(next(iter(held)), None)
        except (RuntimeError, StopIteration):
            pass  # Another thread is at it: the next one makes up for it.


def _take(attributes: Attributes, identity: Identity, reply: Reply) -> Begun | None:
    id = attributes.get(semconv.RESPONSE_ID)
    told = reply.usage is not None or reply.cost is not None
    if not (_begun and reply.ended and told and isinstance(id, str)):
        return None
    return _begun.pop((identity.address, identity.port, id), None)
