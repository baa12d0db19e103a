"""What a model call carried, as content of its span or event."""

from __future__ import annotations

from typing import Any

from otelier import guard, semconv
from otelier.protocols import Content, Reply, Route
from otelier.runtime import Runtime
from otelier.scope import Share
from otelier.semconv import Attributes
from otelier.wire import Wire


def render(
    run: Runtime, route: Route, body: Wire, reply: Reply, share: Share | None, held: Attributes
) -> list[Any]:
    """Write the messages of a request and of its answer into ``held``; never raises.

    ``share`` is told, too: a loop of requests is asked what its first request is. Gives the
    messages of the answer.
    """
    said: list[Any] = []
    try:
        asked = route.content(body)
    except Exception:
        guard.failed("call.content")
        asked = Content()
    try:
        said = reply.output(run.settings.generation.released)
        system = asked.system or reply.system
        if share is not None:
            share.said(asked.messages, said)
        run.policy.render(asked.messages, said, system, asked.tools, held)
        if asked.query:
            run.policy.text(semconv.RETRIEVAL_QUERY, asked.query, held)
        if reply.documents:
            run.policy.value(semconv.RETRIEVAL_DOCUMENTS, reply.documents, held)
    except Exception:
        guard.failed("call.render")
    return said
