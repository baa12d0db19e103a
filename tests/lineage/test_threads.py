"""OTELIER_THREADS: what is handed to a thread has the parent of where it was handed over."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.trace import INVALID_SPAN, get_current_span

import otelier
from otelier import guard
from tests.telemetry import Telemetry


@pytest.fixture
def threaded() -> Iterator[Telemetry]:
    running = Telemetry().start(threads=True)
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


def seen(*_: Any, **__: Any) -> Any:
    """Which span is current."""
    return get_current_span()


# --- the ways to hand work over -----------------------------------------------------------------


def by_submit() -> list[Any]:
    with ThreadPoolExecutor(1) as pool:
        return [pool.submit(seen).result()]


def by_map() -> list[Any]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(seen, range(4)))


def by_executor() -> list[Any]:
    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        return [await loop.run_in_executor(None, seen), await asyncio.to_thread(seen)]

    return asyncio.run(main())


def by_pool(method: str) -> Callable[[], list[Any]]:
    def run() -> list[Any]:
        with ThreadPool(2) as pool:
            if method == "apply":
                return [pool.apply(seen), pool.apply_async(seen).get()]
            if method == "apply by name":
                return [pool.apply_async(func=seen).get()]
            if method == "starmap":
                return pool.starmap(seen, [(1, 2), (3, 4)])
            return list(getattr(pool, method)(seen, range(4)))

    return run


def by_thread(make: Callable[[Callable[[], None]], threading.Thread]) -> Callable[[], list[Any]]:
    def run() -> list[Any]:
        found: list[Any] = []
        thread = make(lambda: found.append(seen()))
        thread.start()
        thread.join()
        assert "run" not in vars(thread)
        return found

    return run


class Own(threading.Thread):
    """A program's own kind of thread."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self.work = work

    def run(self) -> None:
        self.work()


WAYS: dict[str, Callable[[], list[Any]]] = {
    "submit": by_submit,
    "map": by_map,
    "run_in_executor": by_executor,
    **{
        name: by_pool(name)
        for name in ("apply", "apply by name", "map", "imap", "imap_unordered", "starmap")
    },
    "thread": by_thread(lambda work: threading.Thread(target=work)),
    "daemon": by_thread(lambda work: threading.Thread(target=work, daemon=True)),
    "timer": by_thread(lambda work: threading.Timer(0, work)),
    "own": by_thread(Own),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_parent_is_kept(way: str, threaded: Telemetry) -> None:
    with threaded.tracer.start_as_current_span("here") as here:
        assert set(WAYS[way]()) == {here}
    assert set(WAYS[way]()) == {INVALID_SPAN}


@pytest.mark.parametrize("way", WAYS)
def test_without_the_setting_nothing_is_carried(way: str, telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("here") as here:
        expected = {here, INVALID_SPAN} if way == "run_in_executor" else {INVALID_SPAN}
        assert set(WAYS[way]()) == expected


def test_steps_and_sessions_are_kept(threaded: Telemetry) -> None:
    @otelier.step
    def work(number: int) -> int:
        return number

    with otelier.session(session_id="s"), otelier.agent("a"), ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(4))) == [0, 1, 2, 3]
    agent = threaded.span("invoke_agent")
    steps = [span for span in threaded.spans() if span.name == "work"]
    assert len(steps) == 4
    for span in steps:
        assert span.parent is not None and span.parent.span_id == agent.context.span_id
        assert (span.attributes or {})["session.id"] == "s"


def test_each_work_has_the_parent_of_its_own(threaded: Telemetry) -> None:
    """One thread serves them all, and forgets each."""
    with ThreadPoolExecutor(1) as pool:
        for name in ("first", "second"):
            with threaded.tracer.start_as_current_span(name) as span:
                assert pool.submit(seen).result() is span
            assert pool.submit(seen).result() is INVALID_SPAN


def test_what_carries_its_own_context_keeps_it(threaded: Telemetry) -> None:
    with threaded.tracer.start_as_current_span("first") as first:
        copied = contextvars.copy_context()
    with threaded.tracer.start_as_current_span("second"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(copied.run, seen).result() is first


def test_a_threads_own_initializer_stays_where_nothing_is_current(threaded: Telemetry) -> None:
    key = otel_context.create_key("mine")
    made = otel_context.set_value(key, "x")
    with ThreadPoolExecutor(1, initializer=otel_context.attach, initargs=(made,)) as pool:
        assert pool.submit(otel_context.get_value, key).result() == "x"


def test_results_and_exceptions_are_the_programs(threaded: Telemetry) -> None:
    class OopsError(BaseException):
        pass

    def fail(*_: Any, **__: Any) -> None:
        raise OopsError("x")

    with threaded.tracer.start_as_current_span("here"), ThreadPoolExecutor(1) as pool:
        future = pool.submit(dict, [("a", 1)], b=2)
        assert type(future) is Future and future.result() == {"a": 1, "b": 2}
        with pytest.raises(OopsError, match="x"):
            pool.submit(fail).result()
        with pytest.raises(TypeError):
            pool.submit()  # type: ignore[call-arg]


def test_a_thread_that_cannot_start_is_as_it_was(threaded: Telemetry) -> None:
    thread = threading.Thread(target=seen)
    with threaded.tracer.start_as_current_span("here"):
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError):
            thread.start()
    assert "run" not in vars(thread)


def test_a_run_of_the_programs_own_stays(threaded: Telemetry) -> None:
    found: list[Any] = []
    thread = threading.Thread()
    thread.run = run = lambda: found.append("mine")  # type: ignore[method-assign]
    with threaded.tracer.start_as_current_span("here"):
        thread.start()
    thread.join()
    assert found == ["mine"] and thread.run is run


def test_nothing_of_the_work_is_held_when_it_is_done(threaded: Telemetry) -> None:
    import weakref

    class Thing:
        pass

    thing = Thing()
    held = weakref.ref(thing)
    with ThreadPoolExecutor(1) as pool:
        key = otel_context.create_key("thing")
        token = otel_context.attach(otel_context.set_value(key, thing))
        pool.submit(seen).result()
        otel_context.detach(token)
        del thing, token
        pool.submit(seen).result()  # the pool's thread has let go of what it did before
        assert held() is None


def test_threads_that_export_are_of_nobody(threaded: Telemetry) -> None:
    found: list[Any] = []
    targets = {}
    for name in ("opentelemetry.sdk.x", "otelier.x", "langsmith.x", "mine.x"):
        space: dict[str, Any] = {"__name__": name, "found": found, "seen": seen}
        exec("def work():\n    found.append((__name__, seen()))", space)
        targets[name] = space["work"]
    with threaded.tracer.start_as_current_span("here") as here:
        for target in targets.values():
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert found == [
        ("opentelemetry.sdk.x", INVALID_SPAN),
        ("otelier.x", INVALID_SPAN),
        ("langsmith.x", INVALID_SPAN),
        ("mine.x", here),
    ]


def test_threads_of_other_pools_are_of_nobody(threaded: Telemetry) -> None:
    """loky's, which joblib uses, asks for more work by itself, of whichever program's part."""
    found: list[Any] = []
    space: dict[str, Any] = {"__name__": "joblib.externals.loky.process_executor"}
    space |= {"Thread": threading.Thread, "found": found, "seen": seen}
    exec("class Manager(Thread):\n    def run(self):\n        found.append(seen())", space)
    with threaded.tracer.start_as_current_span("here"):
        thread = space["Manager"]()
        thread.start()
        thread.join()
    assert found == [INVALID_SPAN]


def test_taken_back(threaded: Telemetry) -> None:
    submit, start = ThreadPoolExecutor.__dict__["submit"], threading.Thread.__dict__["start"]
    assert hasattr(submit, "__wrapped__") and hasattr(start, "__wrapped__")
    otelier.uninstrument()
    assert ThreadPoolExecutor.__dict__["submit"] is submit.__wrapped__
    assert threading.Thread.__dict__["start"] is start.__wrapped__
    assert not set(vars(ThreadPool)) & {"apply_async", "_map_async", "imap", "imap_unordered"}


def test_if_ours_breaks_the_work_is_done(
    threaded: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otelier.hooks import threads

    def broken(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(threads, "_Carried", broken)
    monkeypatch.setattr(threads, "_Run", broken)
    with threaded.tracer.start_as_current_span("here"):
        assert by_submit() == [INVALID_SPAN]
        assert by_thread(lambda work: threading.Thread(target=work))() == [INVALID_SPAN]
    assert guard.failures().keys() == {"threads.submit", "threads.start"}
    guard.reset()


def test_otelier_run_asks_for_it(tmp_path: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import otelier\n"
        "from opentelemetry.trace import get_current_span\n"
        "with otelier.step('x'), ThreadPoolExecutor(1) as pool:\n"
        "    print(pool.submit(get_current_span).result() is get_current_span())\n"
    )
    command = [sys.executable, "-m", "otelier.cli", "run", "--no-tree", "--", sys.executable]
    for chosen, expected in (({}, "True"), ({"OTELIER_THREADS": "false"}, "False")):
        done = subprocess.run(
            [*command, str(program)],
            env={**os.environ, **chosen},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.split()[:1] == [expected], done.stderr
