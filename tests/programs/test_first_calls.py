"""The first calls of a process have their cost, and nobody waits for the price list."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from otelier.cost import Prices
from tests.servers import ProviderServer

# A program of a few fast calls. `installed` is the genai-prices that it believes to have.
PROGRAM = """
import asyncio, json, sys, threading
import otelier
from otelier import cost, runtime
from otelier.prices import sources
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

url, installed, how = sys.argv[1:4]
if installed:
    sources.installed = lambda: installed
if how == "unbuildable":
    sources.build = lambda: 1 / 0
if how == "never":
    cost.PATIENCE = 0.2
    sources.build = lambda: threading.Event().wait()

class File(SpanExporter):
    def export(self, spans):
        for span in spans:
            print(json.dumps([span.name, dict(span.attributes), span.start_time, span.end_time]),
                  flush=True)
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(File()))
host = url.removeprefix("http://")
otelier.instrument(tracer_provider=provider, configure_sdk=False, provider_hosts=f"{host}=openai")
import openai
ASK = [{"role": "user", "content": "hi"}]

gate = threading.Event()
if how in ("held", "fork"):
    build = sources.build
    def held():
        gate.wait(20)
        return build()
    sources.build = held

def call(client):
    messages = [{"role": "user", "content": "before"}]
    client.chat.completions.create(model="gpt-4o", messages=messages)
    messages[0]["content"] = "changed afterwards"

async def acall(client):
    await client.chat.completions.create(model="gpt-4o", messages=ASK)

def loaded():
    return "genai_prices" in sys.modules

if how == "async":
    async def main():
        client = openai.AsyncOpenAI(base_url=url, api_key="x")
        await asyncio.gather(*(acall(client) for _ in range(20)))
    asyncio.run(main())
else:
    client = openai.OpenAI(base_url=url, api_key="x")
    for _ in range(20):
        call(client)
if how == "held":
    # No call waited for the list; all that the calls were is known.
    print(json.dumps(["held", len(runtime.current().prices._waiting)]))
    gate.set()
if how == "fork":
    import os
    child = os.fork()
    if not child:
        # The parent's ends are the parent's; the child has a list of its own.
        gate.set()
        print(json.dumps(["child", len(runtime.current().prices._waiting)]), flush=True)
        call(client)
        provider.force_flush()
        os._exit(0)
    os.waitpid(child, 0)
    gate.set()
if how == "flush":
    provider.force_flush()
    print(json.dumps(["flushed"]))
if how == "uninstrument":
    otelier.uninstrument()
print(json.dumps(["imported", loaded(), runtime.current() and runtime.current().prices.source]))
"""


@pytest.fixture
def run(server: ProviderServer, tmp_path: Path) -> Iterator[Any]:
    def start(installed: str = "", how: str = "") -> list[Any]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, server.url, installed, how],
            env={"XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", **_paths()},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    yield start


def _paths() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path)}


def chats(lines: list[Any]) -> list[Any]:
    return [line for line in lines if line[0].startswith("chat")]


def test_the_shipped_list_needs_no_thread_and_no_library(run: Any) -> None:
    lines = run()
    assert ["imported", False, "shipped"] in lines
    assert len(chats(lines)) == 20
    assert all("gen_ai.usage.cost" in attributes for _, attributes, *_ in chats(lines))


@pytest.mark.parametrize("how", ["", "async", "flush", "uninstrument"])
def test_while_the_list_is_built_no_cost_is_lost(run: Any, how: str) -> None:
    lines = run("9.9.9", how)
    assert len(chats(lines)) == 20
    assert all("gen_ai.usage.cost" in attributes for _, attributes, *_ in chats(lines))
    if how == "flush":
        # All of it had come when the flush was over.
        assert lines.index(["flushed"]) == 20
    again = run("9.9.9", "")
    assert ["imported", False, "cached"] in again
    assert all("gen_ai.usage.cost" in attributes for _, attributes, *_ in chats(again))


def test_nobody_waits_for_the_list(run: Any) -> None:
    lines = run("9.9.9", "held")
    # Twenty calls were made and over while the list was not there.
    assert ["held", 20] in lines
    found = chats(lines)
    assert len(found) == 20
    for _, attributes, *_ in found:
        assert "gen_ai.usage.cost" in attributes
        assert "before" in attributes["gen_ai.input.messages"]
    # Ends are those of the calls: each before the next one began.
    times = sorted((start, end) for *_, start, end in found)
    assert all(end <= following for (_, end), (following, _) in pairwise(times))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
def test_a_fork_takes_nothing_along(run: Any) -> None:
    lines = run("9.9.9", "fork")
    assert ["child", 0] in lines
    assert len(chats(lines)) == 21
    assert all("gen_ai.usage.cost" in attributes for _, attributes, *_ in chats(lines))


def test_a_list_that_cannot_be_built_loses_the_cost_and_nothing_else(run: Any) -> None:
    lines = run("9.9.9", "unbuildable")
    assert ["imported", False, "missing"] in lines
    assert len(chats(lines)) == 20
    assert not any("gen_ai.usage.cost" in attributes for _, attributes, *_ in chats(lines))


def test_a_list_that_never_comes_takes_no_span_with_it(run: Any) -> None:
    lines = run("9.9.9", "never")
    assert len(chats(lines)) == 20
    assert not any("gen_ai.usage.cost" in attributes for _, attributes, *_ in chats(lines))


def test_starting_again_and_again_holds_nothing() -> None:
    made = weakref.WeakSet(Prices() for _ in range(20))
    gc.collect()
    assert not made
