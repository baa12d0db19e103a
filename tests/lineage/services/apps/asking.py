"""Asks a model once, by an SDK or by a library of HTTP: ``python -m …asking requests``."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import aiohttp
import httpx
import openai
import requests

import otelier

URL = os.environ["MODEL"]
CHAT = f"{URL}/chat/completions"
BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "tea?"}]}


def by_openai() -> None:
    client = openai.OpenAI(base_url=URL, api_key="k", max_retries=0)
    client.chat.completions.create(**BODY)


def by_openai_again() -> None:
    """The SDK tries again by itself."""
    client = openai.OpenAI(base_url=URL, api_key="k", max_retries=1)
    client.chat.completions.create(**BODY)


def by_openai_async() -> None:
    async def ask() -> None:
        async with openai.AsyncOpenAI(base_url=URL, api_key="k", max_retries=0) as client:
            asked = [client.chat.completions.create(**BODY) for _ in range(2)]
            await asyncio.gather(*asked)

    asyncio.run(ask())


def by_openai_streamed() -> None:
    client = openai.OpenAI(base_url=URL, api_key="k", max_retries=0)
    usage: Any = {"stream": True, "stream_options": {"include_usage": True}}
    for _ in client.chat.completions.create(**BODY, **usage):
        httpx.get(URL.removesuffix("/v1") + "/elsewhere")
        break


def by_httpx() -> None:
    httpx.post(CHAT, json=BODY).json()


def by_requests() -> None:
    requests.post(CHAT, json=BODY).json()


def by_aiohttp() -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession() as http, http.post(CHAT, json=BODY) as answer:
            await answer.json()

    asyncio.run(ask())


if __name__ == "__main__":
    with otelier.session(user_id="ada"), otelier.workflow("ask"):
        globals()[f"by_{sys.argv[1]}"]()
