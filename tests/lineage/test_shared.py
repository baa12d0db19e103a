"""One declaration, or one session, that a thousand tasks and threads use at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from opentelemetry import context, trace

import otelier
from tests.telemetry import Telemetry

MANY = 200


def left_behind(key: str, value: Any) -> None:
    """As libraries do that attach a context, and never leave it."""
    context.attach(context.set_value(key, value))


def fails(handle: Any, session: Any, number: int) -> None:
    handle.fail("no luck")


def updates(handle: Any, session: Any, number: int) -> None:
    session.update(user_id=f"u{number}")


def leaves_something(handle: Any, session: Any, number: int) -> None:
    left_behind("mine", number)


def nothing(handle: Any, session: Any, number: int) -> None:
    pass


Inside = Callable[[Any, Any, int], None]
ALL = (nothing, fails, updates, leaves_something)


def check(telemetry: Telemetry, agent: Any, session: Any) -> None:
    """Each use has ended with what was in it, and nothing has stayed current."""
    spans = telemetry.spans()
    agents = {span.context.span_id: span for span in spans if span.name == "invoke_agent shared"}
    assert len(agents) == MANY
    assert sorted(span.attributes["number"] for span in agents.values()) == [*range(MANY)]
    inner = [span for span in spans if span.name == "inner"]
    assert len(inner) == MANY
    for span in inner:
        above = agents[span.parent.span_id]
        assert above.attributes["number"] == span.attributes["number"]
    ended = {span.attributes["number"]: span.end_time for span in inner}
    for span in agents.values():
        assert span.parent is None
        if "error.type" not in span.attributes:
            assert span.end_time > ended[span.attributes["number"]]
    after = [span for span in spans if span.name == "after"]
    assert [span.parent for span in after] == [None] * MANY
    assert not agent._held and not session._held


@pytest.mark.parametrize("inside", ALL)
def test_many_tasks_use_one_declaration(telemetry: Telemetry, inside: Inside) -> None:
    agent, session = otelier.agent("shared"), otelier.session()

    async def one(number: int) -> None:
        with agent as handle:
            handle.set("number", number)
            await asyncio.sleep(0)
            inside(handle, session, number)
            # Those that began first are not those that end first.
            for _ in range(number * 7 % 5):
                await asyncio.sleep(0)
            with telemetry.tracer.start_as_current_span("inner", attributes={"number": number}):
                await asyncio.sleep(0)
        with telemetry.tracer.start_as_current_span("after"):
            await asyncio.sleep(0)

    async def main() -> None:
        with session:
            await asyncio.gather(*map(one, range(MANY)))

    asyncio.run(main())
    check(telemetry, agent, session)


@pytest.mark.parametrize("inside", ALL)
def test_many_threads_use_one_declaration(telemetry: Telemetry, inside: Inside) -> None:
    agent, session = otelier.agent("shared"), otelier.session()
    workers = 20
    together = Barrier(workers)

    def one(number: int) -> None:
        token = context.attach(context.Context())
        with session, agent as handle:
            handle.set("number", number)
            together.wait()
            inside(handle, session, number)
            with telemetry.tracer.start_as_current_span("inner", attributes={"number": number}):
                pass
        assert not trace.get_current_span().get_span_context().is_valid
        with telemetry.tracer.start_as_current_span("after"):
            pass
        context.detach(token)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(MANY)))
    check(telemetry, agent, session)


def test_what_was_entered_elsewhere_is_left_here(telemetry: Telemetry) -> None:
    agent = otelier.agent("shared")

    async def main() -> None:
        agent.__enter__()

        async def leave() -> None:
            agent.__exit__(None, None, None)

        await asyncio.create_task(leave())

    asyncio.run(main())
    assert telemetry.span().name == "invoke_agent shared"
    assert not agent._held


def test_where_nothing_is_seen_nothing_is_compared(telemetry: Telemetry) -> None:
    class Mine:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("it was compared")

        __hash__ = None  # type: ignore[assignment]

    agent = otelier.agent("shared")
    telemetry.stop()

    async def one(number: int) -> None:
        left_behind("mine", Mine())
        with agent:
            await asyncio.sleep(0)
            left_behind("more", Mine())
            for _ in range(number % 3):
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*map(one, range(9)))

    asyncio.run(main())
    assert not agent._held
    assert not telemetry.spans()
