"""Who and why: session, user, conversation, tags and metadata on every span started inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import Token
from typing import Any

from opentelemetry import baggage
from opentelemetry.context import Context

from otelier import context as ctx
from otelier import guard, runtime, semconv, unicode, values
from otelier.semconv import Attributes, Scalar


class session:  # noqa: N801 - used as a function
    """Put who and why on every span that is started inside, by whomever.

    ``conversation_id`` becomes ``gen_ai.conversation.id``, ``session_id`` ``session.id``,
    ``user_id`` ``user.id``, ``tags`` ``otelier.tags`` and each of ``metadata``
    ``otelier.metadata.<key>``. An inner session adds to the outer one. Works with ``with`` and
    ``async with``, and in threads and tasks that inherit the context. The values stay in this
    process unless ``OTELIER_BAGGAGE=true``. Values of wrong types are left out; nothing is raised.
    """

    __slots__ = ("_attributes", "_held")

    def __init__(
        self,
        *,
        conversation_id: str | None = None,
        session_id: str | None = None,
        user_id: str | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Scalar] | None = None,
    ) -> None:
        self._held: list[tuple[Token[Context] | None, Context | None]] = []
        found: Attributes = {}
        try:
            for name, value in (
                (semconv.CONVERSATION_ID, conversation_id),
                (semconv.SESSION_ID, session_id),
                (semconv.USER_ID, user_id),
            ):
                told = "" if value is None else values.words(value)
                if told:
                    found[name] = told
            listed = values.plain(tags)
            if listed:
                listed = listed if type(listed) is list else [listed]
                found[semconv.TAGS] = [values.words(tag) for tag in listed]
            shown = values.plain(metadata)
            for key, member in shown.items() if type(shown) is dict else ():
                if member is not None:
                    scalar = type(member) is not list and type(member) is not dict
                    found[semconv.METADATA + key] = member if scalar else values.words(member)
        except Exception:
            guard.failed("session")
        self._attributes = unicode.attributes(found)

    def __enter__(self) -> session:
        token, inner = None, None
        try:
            run = runtime.current()
            if run is not None and run.late is not None:
                run.late()
            held = ctx.current()
            outer: Any = held.get(ctx.SESSION) or {}
            merged = {**outer, **self._attributes}
            if semconv.TAGS in outer and semconv.TAGS in self._attributes:
                both = [*outer[semconv.TAGS], *self._attributes[semconv.TAGS]]  # type: ignore[misc]
                merged[semconv.TAGS] = list(dict.fromkeys(both))
            inner = ctx.with_value(held, ctx.SESSION, merged)
            if run is not None and run.settings.baggage:
                for name, value in self._attributes.items():
                    if isinstance(value, str):
                        inner = baggage.set_baggage(name, value, inner)
            token = ctx.attach(inner)
        except Exception:
            guard.failed("session.enter")
        self._held.append((token, inner))
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._held:
            return
        # One session object may be used by several tasks at once.
        current = ctx.current()
        mine = next((n for n, (_, inner) in enumerate(self._held) if inner is current), -1)
        token, _ = self._held.pop(mine)
        if token is not None:
            ctx.detach(token)

    async def __aenter__(self) -> session:
        return self.__enter__()

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__()
