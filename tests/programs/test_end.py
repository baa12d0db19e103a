"""What is under way when a program ends has its span: in fresh processes, with a real exporter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import otelier

pytest.importorskip("openai")

from tests.servers import ProviderServer
from tests.servers.replies import Gate

_START = """
import asyncio, os, sys, threading
import otelier
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

class Told(SpanExporter):
    def export(self, spans):
        for span in spans:
            how = span.attributes.get("otelier.stream.end")
            print(span.name, span.status.status_code.name, how)
        sys.stdout.flush()

def provide():
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Told(), schedule_delay_millis=600_000))
    trace.set_tracer_provider(provider)
    return provider

def client(asynchronous=False):
    import openai
    made = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return made(base_url=sys.argv[1] + "/v1", api_key="k")

ASK = dict(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True)
"""
_CHAT = "chat gpt-4o UNSET abandoned"
PROGRAMS = {
    "sync": (
        """
provide()
otelier.instrument()
stream = client().chat.completions.create(**ASK)
next(stream)
""",
        [_CHAT],
    ),
    "a provider that comes after": (
        """
otelier.instrument(configure_sdk=False)
provide()
stream = client().chat.completions.create(**ASK)
next(stream)
""",
        [_CHAT],
    ),
    "shut down by the program": (
        """
provider = provide()
otelier.instrument()
stream = client().chat.completions.create(**ASK)
next(stream)
provider.shutdown()
""",
        [_CHAT],
    ),
    "async, its loop is gone": (
        """
provide()
otelier.instrument()
async def main():
    global stream
    stream = await client(True).chat.completions.create(**ASK)
    await stream.__anext__()
asyncio.run(main())
""",
        [_CHAT],
    ),
    "a daemon's": (
        """
provide()
otelier.instrument()
begun = threading.Event()
def read():
    for chunk in client().chat.completions.create(**ASK):
        begun.set()
threading.Thread(target=read, daemon=True).start()
begun.wait()
""",
        [_CHAT],
    ),
    "in steps that are not left": (
        """
provide()
otelier.instrument()
def work():
    with otelier.workflow("w"), otelier.tool("t"):
        yield client().chat.completions.create(**ASK)
at = work()
stream = next(at)
next(stream)
""",
        [_CHAT, "execute_tool t UNSET abandoned", "invoke_workflow w UNSET abandoned"],
    ),
    "a decorated generator": (
        """
provide()
otelier.instrument()
@otelier.tool
def count():
    yield 1
at = count()
next(at)
""",
        ["execute_tool count UNSET abandoned"],
    ),
    "a child that forks": (
        """
provide()
otelier.instrument()
stream = client().chat.completions.create(**ASK)
next(stream)
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
else:
    own = otelier.tool("own").start()
""",
        # The child ends its own, and not its parent's.
        ["execute_tool own UNSET abandoned", _CHAT],
    ),
    "a child of multiprocessing": (
        """
import multiprocessing
provide()
otelier.instrument()
def work():
    global stream
    stream = client().chat.completions.create(**ASK)
    next(stream)
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
""",
        [_CHAT],
    ),
}


@pytest.fixture
def held() -> Iterator[ProviderServer]:
    """A server whose streams stop after their first event."""
    with ProviderServer() as server:
        gate = Gate()

        def answer(request: object) -> object:
            reply = server.defaults.answer(request)  # type: ignore[arg-type]
            reply.gate = gate  # type: ignore[union-attr]
            return reply

        server.route("", answer)  # type: ignore[arg-type]
        yield server
        gate.open()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_end_of_a_program(tmp_path: Path, held: ProviderServer, name: str) -> None:
    program, spans = PROGRAMS[name]
    if "fork" in program and not hasattr(os, "fork"):
        pytest.skip("no fork on this platform")
    source = tmp_path / "program.py"
    source.write_text(_START + program)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", source, held.url],
        env={**os.environ, "PYTHONASYNCIODEBUG": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    # An event loop that ends closes the streams of some versions of the SDK.
    assert done.stdout.replace("closed", "abandoned").splitlines() == spans, done.stderr
    assert str(Path(otelier.__file__).parent) not in done.stderr
