"""Google ADK's small agent. It expects Gemini's answers: a call of ``get_weather``, then a text."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable


def prepare(url: str) -> Callable[[], object]:
    """An agent that asks the server at ``url``; each call runs it once."""
    os.environ["GOOGLE_GEMINI_BASE_URL"] = url
    os.environ.setdefault("GOOGLE_API_KEY", "k")
    from google.adk.agents import Agent
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    def get_weather(city: str) -> dict[str, str]:
        """The weather in a city."""
        return {"weather": f"sunny in {city}"}

    get_weather.__annotations__ = {"city": str, "return": dict}
    agent = Agent(model="gemini-2.5-flash", name="weather_agent", tools=[get_weather])
    question = types.Content(role="user", parts=[types.Part(text="What is the weather in Paris?")])

    async def ask() -> list[object]:
        runner = InMemoryRunner(agent=agent, app_name="app")
        session = await runner.session_service.create_session(app_name="app", user_id="ann")
        events = runner.run_async(user_id="ann", session_id=session.id, new_message=question)
        return [event async for event in events]

    return lambda: asyncio.run(ask())
