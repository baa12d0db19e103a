"""A small agent of Agno: it asks, uses its tool, and asks again. Expects two chat completions."""

from __future__ import annotations

from collections.abc import Callable

from tests.lineage.frameworks import agno_parts as parts


def prepare(url: str) -> Callable[[], object]:
    """An agent whose model is at ``url``; what it gives runs it once."""
    from agno.agent import Agent

    teller = Agent(
        name="weather",
        model=parts.model(url),
        tools=[parts.get_weather],
        instructions="Be brief.",
        telemetry=False,
    )
    return lambda: teller.run("Paris?")
