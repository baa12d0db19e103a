"""``cohere``, version 1: more texts than one request takes."""

from __future__ import annotations

from tests.servers import cohere_wire
from tests.servers.cohere_wire import ok
from tests.transparency.providers import Case, Provider
from tests.transparency.providers.cohere import EMBED, ONCE, made

# Two requests, which are equal: they are made at the same time.
TEXTS = ["a"] * 192
_RACE = "whether the second request is sent before the first one fails is a race of the SDK's"

PROVIDER = Provider(
    "cohere_many",
    "cohere",
    lambda app: made(app, "Client"),
    (
        Case(
            "embed",
            lambda c, _: c.embed(**EMBED, texts=TEXTS, request_options=ONCE),
            lambda: ok(cohere_wire.embed(96)),
            requests=2,
        ),
    ),
    without={"refused": _RACE, "dropped": _RACE, "cancelled": _RACE},
)
