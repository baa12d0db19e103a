"""What a program of a user's does, for tests of what is recorded of it."""

from __future__ import annotations

from typing import Any

import openai

import otelier
from tests.servers import ProviderServer


def client(server: ProviderServer) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0)


def ask(of: openai.OpenAI, text: str = "Hi", model: str = "gpt-4o-mini") -> Any:
    return of.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])


@otelier.tool
def weather(city: str, days: int = 1) -> str:
    return f"sunny in {city}"


def host(server: ProviderServer) -> str:
    """A setting: the local server is known as OpenAI, and so has prices."""
    return f"{server.url.removeprefix('http://')}=openai"
