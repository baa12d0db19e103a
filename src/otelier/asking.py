"""What a request asks for, as attributes, beside what its span starts with."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.context import Context

from otelier import context as ctx
from otelier import prompts, semconv, unicode
from otelier.identity import Identity
from otelier.protocols import Route
from otelier.semconv import Attributes
from otelier.wire import Wire


def start(
    route: Route, body: Wire, identity: Identity, model: str | None, extra: Attributes | None
) -> Attributes:
    """What samplers may ask for: what the conventions want on a span that starts."""
    found: Attributes = {semconv.OPERATION_NAME: route.operation}
    if identity.provider:
        found[semconv.PROVIDER_NAME] = identity.provider
    asked = route.asked(body, model, extra)
    if asked:
        found[semconv.REQUEST_MODEL] = unicode.clean(asked)
    if identity.address:
        found[semconv.SERVER_ADDRESS] = identity.address
        if identity.port:
            found[semconv.SERVER_PORT] = identity.port
    return found


def rest(
    route: Route,
    body: Wire,
    model: str | None,
    extra: Attributes | None,
    parent: Context,
    start: Iterable[str],
) -> Attributes:
    """All that the body, and what is known beside it, ask for; without the names in ``start``."""
    found: Attributes = {**route.request(body), **route.attributes}
    if model:
        found.setdefault(semconv.REQUEST_MODEL, model)
    if extra:
        found.update(extra)
    if parent.get(ctx.PROMPT) is not None:
        prompts.put(parent, found)
    found = unicode.attributes(found)
    for name in start:
        found.pop(name, None)
    return found
