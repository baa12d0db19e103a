"""``google.genai`` over aiohttp, which it takes for asynchronous calls where it is installed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.transparency.app import App
from tests.transparency.providers import google_genai


def make(app: App) -> Any:
    genai = pytest.importorskip("google.genai")
    google_genai.warn_again()
    return genai.Client(api_key="k", http_options={"base_url": app.server.url}).aio


PROVIDER = replace(
    google_genai.PROVIDER,
    name="google_genai_aiohttp",
    make=make,
    cases=tuple(
        replace(case, flavours=("async",))
        for case in google_genai.PROVIDER.cases
        # Interactions go over httpx always.
        if not case.name.startswith("interaction")
    ),
    asynchronous="aiohttp",
    without={"dropped": "the SDK itself waits up to ten seconds and tries again"},
)
