"""What is off costs nothing, and what a setting switches on costs little. Counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from benchmarks import counting
from tests.servers import ProviderServer, Sse
from tests.servers.openai_wire import chat_chunks
from tests.telemetry import Telemetry

# Calls of functions of otelier's and by them, for work handed over: nothing current, a span.
SUBMIT_CALLS = {False: 3, True: 9}
THREAD_CALLS = {False: 4, True: 12}
OPTED = ("stream_usage", "propagating", "threads", "protocols.stream_usage")
# Calls that one chunk adds where its stream was asked for usage.
CHUNK_CALLS = 7


def work() -> None:
    pass


@pytest.fixture
def threaded() -> Iterator[Telemetry]:
    running = Telemetry().start(threads=True)
    yield running
    running.stop()


def _counted(run: Callable[[], Any], telemetry: Telemetry, inside: bool) -> int:
    def counted() -> int:
        run()
        return counting.calls(run).of("otelier")

    if not inside:
        return counted()
    with telemetry.tracer.start_as_current_span("here"):
        return counted()


@pytest.mark.parametrize("inside", [False, True])
def test_work_for_a_pool(inside: bool, threaded: Telemetry) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = _counted(lambda: pool.submit(work), threaded, inside)
    assert 0 < found <= SUBMIT_CALLS[inside]


@pytest.mark.parametrize("inside", [False, True])
def test_a_thread(inside: bool, threaded: Telemetry) -> None:
    def run() -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert 0 < _counted(run, threaded, inside) <= THREAD_CALLS[inside]


def test_off_threads_are_as_they_were(telemetry: Telemetry) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert _counted(lambda: pool.submit(work), telemetry, True) == 0


def test_modules() -> None:
    off = counting.start(counting.INSTRUMENT + counting.USE).modules
    assert not [name for name in off if name.removeprefix("otelier.hooks.") in OPTED]
    assert "otelier.protocols.stream_usage" not in off
    opted = "import otelier\notelier.instrument(threads=True, stream_usage=True, propagate='a')\n"
    found = set(counting.start(opted + counting.USE).modules) - set(off)
    ours = {name for name in found if name.startswith("otelier.")}
    assert ours <= {
        "otelier.hooks.propagating",
        "otelier.hooks.stream_usage",
        "otelier.hooks.threads",
        "otelier.protocols.stream_usage",
    }


def test_a_chunk_that_was_asked_for_usage(server: ProviderServer) -> None:
    def counted(pieces: int, **options: Any) -> int:
        def answer(request: Any) -> Any:
            asked = "stream_options" in request.json()
            return Sse(chat_chunks(include_usage=asked, pieces=pieces))

        def run() -> None:
            client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k")
            messages: Any = [{"role": "user", "content": "Hi"}]
            list(client.chat.completions.create(model="m", messages=messages, stream=True))

        server.route("/chat/completions", answer)
        telemetry = Telemetry().start(**options)
        try:
            run()
            return counting.calls(run).of("otelier")
        finally:
            telemetry.stop()

    def per_chunk(**options: Any) -> float:
        return (counted(25, **options) - counted(5, **options)) / 20

    assert per_chunk(stream_usage=True) - per_chunk() <= CHUNK_CALLS
