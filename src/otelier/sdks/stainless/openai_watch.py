"""The responses of one WebSocket of ``openai``'s: which call each event belongs to.

Realtime's server tells responses apart by their ids, and by the user's metadata before they have
one; Responses has one response per lane. Servers may leave ids out, and send what is no string.
"""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import replace
from typing import Any, Final

from otelier import identity, runtime, semconv, wire
from otelier.call import Call, begin
from otelier.hooks import calling
from otelier.protocols import routes
from otelier.protocols.openai import realtime
from otelier.sdks.stainless import client as stainless
from otelier.sdks.stainless import families
from otelier.sdks.stainless.openai_transcripts import Transcripts

_DIALECT: Final = families.DIALECTS["openai"]
_RESPONSES: Final = replace(
    routes.OPENAI["post", "/responses"],
    attributes={
        **routes.OPENAI["post", "/responses"].attributes,
        semconv.REQUEST_STREAM: True,
    },
)
_LAST: Final = frozenset(
    f"response.{end}" for end in ("done", "completed", "incomplete", "failed", "cancelled")
)
# How many responses that have ended are known, for events of theirs that come late.
_ENDED: Final = 64
_SESSION: Final = semconv.PROVIDER_PREFIX + "session.id"
_BUSY: Final = "conversation_already_has_active_response"


class Asked:
    """A response that was asked for and has no id yet."""

    __slots__ = ("call", "event_id", "key")

    def __init__(self, call: Call | None, event: wire.Wire, key: Any) -> None:
        self.call = call
        self.event_id = event.get("event_id")
        # What the server repeats in response.created.
        self.key = key


def _named(id: Any) -> str | None:
    """An id as a key: servers may send others than strings, lists even."""
    return None if id is None else str(id)[:256]


class Watch:
    """The responses of one connection."""

    def __init__(self, is_realtime: bool, url: Any = None, client: Any = None) -> None:
        self._realtime = is_realtime
        self._client = weakref.ref(client) if client is not None else None
        self._url = url
        self._session = realtime.Session()
        self._asked: list[Asked] = []
        self._open: dict[str | None, Call | None] = {}
        # Responses has lanes, and its events no other id: the response that is open in each.
        self._lanes: dict[str | None, str | None] = {}
        self._ended: deque[str | None] = deque(maxlen=_ENDED)
        self._transcripts = Transcripts(self._hear)

    def made(self, client: Any, url: str | None, model: Any) -> None:
        """What the connection was made by, at ``url``, and for which model."""
        if client is not None:
            self._client = weakref.ref(client)
            self._url = url
        if isinstance(model, str):
            self._session = realtime.Session(model)

    # --- what the client sends -------------------------------------------------------------

    def sent(self, event: wire.Wire) -> Asked | None:
        """Something is being sent; what began with it."""
        if event.get("type") != "response.create":
            self._session.sent(event)
            return None
        key = self._key(event, wire.fields(event.get("response")))
        asked = Asked(self._begin(event), event, key)
        self._asked.append(asked)
        return asked

    def unsent(self, asked: Asked, error: BaseException) -> None:
        """It could not be sent."""
        if asked in self._asked:
            self._asked.remove(asked)
        if asked.call is not None:
            asked.call.fail(error)

    def _begin(self, event: wire.Wire | None) -> Call | None:
        run = runtime.current()
        if run is None:
            return None
        more: semconv.Attributes = {}
        if self._realtime:
            route, body = realtime.ROUTE, self._session.body(event)
            if self._session.id:
                more[_SESSION] = self._session.id
        else:
            route, body = _RESPONSES, dict(event or {})
        return begin(route, body, self._identity(run), attributes=more)

    def _hear(self, body: dict[str, Any]) -> Call | None:
        run = runtime.current()
        return None if run is None else begin(realtime.HEARD, body, self._identity(run))

    def _identity(self, run: runtime.Runtime) -> identity.Identity:
        client = self._client() if self._client is not None else None
        if client is None:
            return calling.identify(run, self._url or "", assumed=_DIALECT.assumed)
        if self._url is None:
            return stainless.identify(_DIALECT, client, run)
        provider = stainless.by_class(_DIALECT, client)
        return calling.identify(run, self._url, provider, assumed=_DIALECT.assumed)

    # --- what the server sends -------------------------------------------------------------

    def received(self, event: wire.Wire) -> None:
        """One event, on its way to the user."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return
        if kind.startswith("response.") and kind.endswith((".delta", ".output_item.done")):
            call = self._open.get(self._id(event))
            if call is not None:
                call.chunk(event)
        elif kind == "response.created":
            self._created(event, wire.fields(event.get("response")))
        elif kind in _LAST:
            self._done(event, event.get("response"))
        elif kind == "error":
            self._failed(event)
        else:
            self._session.received(event)
            if self._realtime:
                self._transcripts.received(kind, event, self._session)

    def _id(self, event: wire.Wire) -> str | None:
        id = event.get("response_id")
        return self._lanes.get(_named(event.get("stream_id"))) if id is None else _named(id)

    def _created(self, event: wire.Wire, response: wire.Wire) -> None:
        id = _named(response.get("id"))
        asked = self._match(self._key(event, response))
        if asked is None and id is not None and id in self._ended:
            return
        call = (
            asked.call if asked is not None else self._begin(None if self._realtime else response)
        )
        # Without ids, or with one id for all, the one before can end no more.
        before = self._open.pop(id, None)
        self._open[id] = call
        self._lanes[_named(event.get("stream_id"))] = id
        if before is not None:
            before.end("closed")
        if call is None:
            return
        for name, value in (
            (semconv.RESPONSE_ID, wire.text(response.get("id"))),
            (semconv.CONVERSATION_ID, wire.text(response.get("conversation_id"))),
            # Programs may ask before they read what the server said first.
            (_SESSION, self._session.id),
        ):
            if value:
                call.put(name, value)

    def _key(self, event: wire.Wire, response: wire.Wire) -> Any:
        # Responses has lanes; Realtime tells responses apart by the user's metadata.
        if not self._realtime:
            return event.get("stream_id")
        said = wire.fields(response.get("metadata"))
        return tuple(sorted((str(k), str(v)) for k, v in said.items()))

    def _match(self, key: Any) -> Asked | None:
        for position, asked in enumerate(self._asked):
            if asked.key == key:
                return self._asked.pop(position)
        # Only Realtime's server begins responses of its own accord.
        return self._asked.pop(0) if self._asked and not self._realtime else None

    def _done(self, event: wire.Wire, value: Any) -> None:
        response = wire.fields(value)
        call = self._take(event, response)
        if call is None:
            return
        call.whole(value)
        # Interrupted by the user: an end like any other.
        call.end("cancelled" if response.get("status") == "cancelled" else None)

    def _take(self, event: wire.Wire, response: wire.Wire) -> Call | None:
        """The call that ends: the one with this id, or the only one that it can be."""
        id, lane = _named(response.get("id")), _named(event.get("stream_id"))
        at = self._lanes.get(lane)
        if id not in self._open and (id is None or None in self._open):
            id = at  # One of both had no id.
        if at == id:
            self._lanes.pop(lane, None)
        if id in self._open:
            self._note(id)
            return self._open.pop(id)
        if id is not None and id in self._ended:
            return None
        asked = self._match(self._key(event, response))  # It was never told that it began.
        self._note(id)
        return None if asked is None else asked.call

    def _note(self, id: str | None) -> None:
        if id is not None:
            self._ended.append(id)

    def _failed(self, event: wire.Wire) -> None:
        error = wire.fields(event.get("error")) or event
        call = None
        for asked in list(self._asked):
            if self._caused(asked, event, error):
                self._asked.remove(asked)
                call = asked.call
                break
        else:
            if not self._realtime:
                call = self._open.pop(self._id(event), None)
        if call is not None:
            call.whole({"error": error})
            call.end()

    def _caused(self, asked: Asked, event: wire.Wire, error: wire.Wire) -> bool:
        """Whether an error is that of a response which was asked for."""
        if not self._realtime:
            return bool(asked.key == event.get("stream_id"))
        id = error.get("event_id")
        if id is not None:
            return bool(id == asked.event_id)
        # Errors of other events leave the response as it is.
        return error.get("code") == _BUSY or str(error.get("param")).startswith("response")

    # --- the end ---------------------------------------------------------------------------

    def _left(self) -> list[Call]:
        found = [*self._open.values(), *(asked.call for asked in self._asked)]
        found += self._transcripts.left()
        self._open, self._asked = {}, []
        return [call for call in found if call is not None]

    def closed(self, error: BaseException | None = None) -> None:
        """The connection is closed, or was lost by ``error``."""
        for call in self._left():
            if error is None:
                call.end("closed")
            else:
                call.fail(error)

    def __del__(self) -> None:
        for call in self._left():
            call.abandoned()


class Delegated(Watch):
    """The responses that a Live session asks for in the user's place, whose events it carries.

    The session itself has no answers that begin and end, and is billed by the second.
    """

    def sent(self, event: wire.Wire) -> Asked | None:
        """What the client sends is the session's."""
        return None

    def received(self, event: wire.Wire) -> None:
        """One event, on its way to the user."""
        if event.get("type") == "response.event":
            inner = wire.fields(event.get("event"))
            super().received({**inner, "stream_id": event.get("delegation_id")})
