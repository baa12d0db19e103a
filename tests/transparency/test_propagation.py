"""OTELIER_PROPAGATE: listed hosts get the call's trace context; nothing else differs."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.trace import SpanKind

from tests.servers import ProviderServer
from tests.telemetry import Telemetry
from tests.transparency.app import App
from tests.transparency.calls import STREAMS, WHOLE, Call
from tests.transparency.providers import Case, Provider, providers
from tests.transparency.runner import Scenario, Seen, World
from tests.transparency.test_providers import answered, full, refused

_HEADER = "traceparent"


class Sending(World):
    """Keeps the trace contexts that are sent out of the comparison of requests."""

    def __init__(self, server: ProviderServer, telemetry: Telemetry) -> None:
        super().__init__(server, telemetry, propagate="127.0.0.1,localhost")
        self.sent: list[str | None] = []

    def observe(self, scenario: Scenario, asynchronous: bool) -> Seen:
        seen = super().observe(scenario, asynchronous)
        self.sent = []
        for number, (method, path, headers, body) in enumerate(seen.wire):
            found = [value for name, value in headers if name.lower() == _HEADER]
            assert len(found) <= 1
            self.sent.append(found[0] if found else None)
            rest = [each for each in headers if each[0].lower() != _HEADER]
            seen.wire[number] = method, path, rest, body
        return seen

    def check(self, scenario: Scenario, asynchronous: bool, spans: int | None, **more: Any) -> None:
        """Each request's trace context is that of a call's span."""
        found = self.compare(scenario, asynchronous=asynchronous, spans=spans, **more)
        calls = [span for span in found if span.kind is SpanKind.CLIENT]
        contexts = [span.context for span in calls if span.context is not None]
        ours = {
            f"00-{each.trace_id:032x}-{each.span_id:016x}-{each.trace_flags:02x}"
            for each in contexts
        }
        if calls:
            assert set(self.sent) - {None} == ours
        else:
            assert set(self.sent) <= {None}


@pytest.fixture(scope="module")
def sending(world: World) -> Sending:
    return Sending(world.server, world.telemetry)


def _parameters() -> list[Any]:
    return [
        pytest.param(provider, case, id=f"{provider.name}-{case.name}")
        for provider in providers()
        for case in provider.cases
    ]


@pytest.mark.parametrize(("provider", "case"), _parameters())
def test_provider(sending: Sending, provider: Provider, case: Case, asynchronous: bool) -> None:
    if ("async" if asynchronous else "sync") not in case.flavours:
        pytest.skip(f"{provider.name} has no such call")
    pytest.importorskip((asynchronous and provider.asynchronous) or provider.module)
    path = full if case.streamed else answered

    async def scenario(app: App) -> None:
        await app.attempt(path(app, provider, case))

    parents = ("caller", *case.parents)
    sending.check(scenario, asynchronous, case.spans, parents=parents)


@pytest.mark.parametrize("provider", providers(), ids=lambda provider: provider.name)
def test_refused(sending: Sending, provider: Provider, asynchronous: bool) -> None:
    if "refused" in provider.without:
        pytest.skip(provider.without["refused"])
    case = next(each for each in provider.cases if each.spans)
    if ("async" if asynchronous else "sync") not in case.flavours:
        pytest.skip(f"{provider.name} has no such call")
    pytest.importorskip((asynchronous and provider.asynchronous) or provider.module)

    async def scenario(app: App) -> None:
        await app.attempt(refused(app, provider, case))

    sending.check(scenario, asynchronous, None, parents=("caller", *case.parents))


@pytest.mark.parametrize("call", [*WHOLE, *STREAMS], ids=str)
def test_stainless(sending: Sending, call: Call, asynchronous: bool) -> None:
    async def play(app: App) -> None:
        result = await app.got(call.start(app))
        if hasattr(result, "__iter__") or hasattr(result, "__aiter__"):
            await app.drain(result)

    async def scenario(app: App) -> None:
        await app.attempt(play(app))

    sending.check(scenario, asynchronous, None)
