"""OpenAI's Agents SDK: what is spoken has no steps of ours, and works as it did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("agents")
pytest.importorskip("agents.realtime")

from agents import function_tool, realtime

from otelier.frameworks.openai_agents import opened
from tests.lineage.frameworks.openai_agents import quiet
from tests.telemetry import Telemetry


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    quiet()
    yield
    assert not opened.count()


def test_a_tool_of_a_realtime_session(telemetry: Telemetry) -> None:
    from agents.realtime.model import RealtimeModel
    from agents.realtime.model_events import RealtimeModelToolCallEvent

    ran = asyncio.Event()

    @function_tool
    async def look(city: str) -> str:
        """Look."""
        return f"rain in {city}"

    class Model(RealtimeModel):
        """A connection that is told nothing."""

        def __init__(self) -> None:
            self.listeners: list[Any] = []
            self.sent: list[Any] = []

        async def connect(self, options: Any) -> None: ...

        def add_listener(self, listener: Any) -> None:
            self.listeners.append(listener)

        def remove_listener(self, listener: Any) -> None:
            self.listeners.remove(listener)

        async def send_event(self, event: Any) -> None:
            self.sent.append(event)
            if type(event).__name__ == "RealtimeModelSendToolOutput":
                ran.set()

        async def close(self) -> None: ...

    async def program() -> Any:
        model = Model()
        agent = realtime.RealtimeAgent(name="voice", tools=[look])
        async with await realtime.RealtimeRunner(agent, model=model).run() as session:
            await session.on_event(
                RealtimeModelToolCallEvent(
                    name="look", call_id="call_1", arguments='{"city":"Paris"}'
                )
            )
            await asyncio.wait_for(ran.wait(), 30)
        return model.sent

    sent = asyncio.run(program())

    assert [event.output for event in sent if hasattr(event, "output")] == ["rain in Paris"]
    assert not telemetry.spans()
