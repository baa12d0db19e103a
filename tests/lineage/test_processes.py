"""OTELIER_THREADS: what is handed to another process has the parent of where it was handed over.

Whole programs are in tests/lineage/services; here is what one of them cannot show.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import Pool, ThreadPool
from typing import Any

import pytest
from opentelemetry import propagate
from opentelemetry.instrumentation.utils import (
    is_instrumentation_enabled,
    suppress_instrumentation,
)
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import INVALID_SPAN, get_current_span

import otelier
from otelier import context as ctx
from otelier import guard, runtime
from otelier.hooks import processes
from tests.telemetry import Telemetry

FORK: Any = multiprocessing.get_context("fork") if hasattr(__import__("os"), "fork") else None
pytestmark = pytest.mark.skipif(FORK is None, reason="no fork on this platform")


@pytest.fixture
def threaded() -> Iterator[Telemetry]:
    running = Telemetry().start(threads=True)
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


def seen(*_: Any) -> tuple[int, int]:
    """Which span is current, as far as it can be told to another process."""
    found = get_current_span().get_span_context()
    return found.trace_id, found.span_id


def fails(*_: Any) -> None:
    raise ValueError("as the program does", 7)


def by_executor() -> list[Any]:
    with ProcessPoolExecutor(1, mp_context=FORK) as pool:
        return [pool.submit(seen).result(), *pool.map(seen, range(2))]


def by_pool() -> list[Any]:
    with FORK.Pool(1) as pool:
        return [
            pool.apply(seen),
            pool.apply_async(func=seen).get(),
            *pool.map(seen, range(2)),
            *pool.starmap(seen, [(1,), (2,)]),
            *pool.map_async(seen, range(2)).get(),
            *pool.imap(seen, range(2)),
            *pool.imap_unordered(seen, range(2)),
            *pool.imap(seen, range(4), chunksize=2),
        ]


def by_process() -> list[Any]:
    reading, writing = FORK.Pipe(duplex=False)
    process = FORK.Process(target=lambda: writing.send(seen()))
    process.start()
    found = reading.recv()
    process.join()
    return [found]


WAYS: dict[str, Callable[[], list[Any]]] = {
    "executor": by_executor,
    "pool": by_pool,
    "process": by_process,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_parent_is_kept(way: str, threaded: Telemetry) -> None:
    with otelier.workflow("work"):
        here = seen()
        assert set(WAYS[way]()) == {here}


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_is_current_nothing_is_carried(way: str, threaded: Telemetry) -> None:
    assert set(WAYS[way]()) == {(0, 0)}


def test_a_pool_of_one_work_serves_another(threaded: Telemetry) -> None:
    with otelier.workflow("first"):
        pool = ProcessPoolExecutor(1, mp_context=FORK)
        assert pool.submit(seen).result() == seen()
    with pool:
        assert pool.submit(seen).result() == (0, 0)
        with otelier.workflow("second"):
            assert pool.submit(seen).result() == seen()


def records() -> bool:
    """Whether content is recorded."""
    with otelier.tool("look up") as step:
        step.set_arguments({"of": "a secret"})
        return "secret" in str(dict(step.span.attributes))


def test_a_pool_that_began_in_a_scope_serves_others(threaded: Telemetry) -> None:
    with otelier.capture("NO_CONTENT"):
        pool = ProcessPoolExecutor(1, mp_context=FORK)
        assert not pool.submit(records).result()
        assert not records()
    with pool, otelier.workflow("work"):
        assert pool.submit(records).result()
        with otelier.capture("NO_CONTENT"):
            assert not pool.submit(records).result()


def test_a_manager_is_of_nobody(threaded: Telemetry) -> None:
    with otelier.workflow("work"), FORK.Manager() as manager:
        assert list(manager.list([1, 2])) == [1, 2]


def serve_all(out: Any) -> None:
    out.send(seen())


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("lasts", [False, True])
def test_workers_of_other_pools_are_of_nobody(
    threaded: Telemetry, monkeypatch: pytest.MonkeyPatch, method: str, lasts: bool
) -> None:
    how: Any = multiprocessing.get_context(method)
    reading, writing = how.Pipe(duplex=False)
    with otelier.workflow("work"):
        process = how.Process(target=serve_all, args=(writing,))
        if lasts:
            # As if it were a pool's.
            monkeypatch.setattr(processes, "_LASTING", frozenset({serve_all.__module__}))
        process.start()
        assert reading.recv() == ((0, 0) if lasts else seen())
    process.join()


def test_whose_processes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not processes._lasts(serve_all)
    assert not processes._lasts(None)
    monkeypatch.setattr(serve_all, "__module__", "joblib.externals.loky.process_executor")
    assert processes._lasts(serve_all)


def there(work: Callable[[], Any]) -> Any:
    """What work gives in another process, which is this one again: there nothing is current."""
    handed = processes._sent(work, runtime.here())
    arrived = pickle.loads(pickle.dumps(handed))
    token = ctx.attach(ctx.Context())
    try:
        return arrived()
    finally:
        ctx.detach(token)


def a_step() -> None:
    with otelier.tool("look up") as step:
        step.set_arguments({"of": "a secret"})


class Named(multiprocessing.get_context("spawn").Process):  # type: ignore[name-defined,misc]
    """A program's own kind of process, which looks at what it is given."""

    def run(self) -> None:
        assert self._target.__name__ == serve_all.__name__
        super().run()


def test_a_process_that_looks_at_its_work(threaded: Telemetry) -> None:
    reading, writing = multiprocessing.get_context("spawn").Pipe(duplex=False)
    with otelier.workflow("work"):
        process = Named(target=serve_all, args=(writing,))
        process.start()
        assert reading.recv() == seen()
    process.join()
    assert process.exitcode == 0


def test_who_and_why_go_along(threaded: Telemetry) -> None:
    with otelier.session(session_id="s-1", tags=["beta"], metadata={"tier": 2}):
        with otelier.workflow("work"):
            there(a_step)
    tool, work = threaded.spans()
    assert tool.parent is not None and tool.parent.span_id == work.context.span_id
    for span in (tool, work):
        held = span.attributes or {}
        assert held["session.id"] == "s-1"
        assert held["otelier.tags"] == ("beta",)
        assert held["otelier.metadata.tier"] == 2


def test_the_parent_is_kept_where_nothing_is_sent_to_others(
    threaded: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagate, "propagator", CompositePropagator([]))
    with otelier.workflow("work"):
        assert there(seen) == seen()


def test_a_scope_without_content_goes_along(threaded: Telemetry) -> None:
    with otelier.capture("NO_CONTENT"), otelier.workflow("work"):
        there(a_step)
    assert all("secret" not in str(dict(span.attributes or {})) for span in threaded.spans())


def test_content_stays_out_where_the_rest_is_lost(
    threaded: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with otelier.capture("NO_CONTENT"), otelier.session(user_id="ada"):
        handed = processes._sent(a_step, runtime.here())
    monkeypatch.setattr(processes, "arrived", None)
    handed()
    (tool,) = threaded.spans()
    assert "secret" not in str(dict(tool.attributes or {}))
    assert guard.failures() == {"processes.context": 1}
    guard.reset()


def test_what_is_not_to_be_seen_is_not_seen_there(threaded: Telemetry) -> None:
    with otelier.workflow("work"), suppress_instrumentation():
        there(a_step)
        with ProcessPoolExecutor(1, mp_context=FORK) as pool, FORK.Pool(1) as other:
            assert not pool.submit(is_instrumentation_enabled).result()
            assert not other.apply(is_instrumentation_enabled)
    assert [span.name for span in threaded.spans()] == ["invoke_workflow work"]


@pytest.mark.parametrize("way", ["submit", "apply"])
def test_exceptions_are_the_programs(way: str, threaded: Telemetry) -> None:
    with otelier.workflow("work"):
        with ProcessPoolExecutor(1, mp_context=FORK) as pool, FORK.Pool(1) as other:
            with pytest.raises(ValueError) as raised:
                pool.submit(fails).result() if way == "submit" else other.apply(fails)
    assert raised.value.args == ("as the program does", 7)


def test_what_cannot_be_sent_fails_as_before(threaded: Telemetry) -> None:
    kinds = set()
    with ProcessPoolExecutor(1, mp_context=FORK) as pool:
        with pytest.raises(Exception) as alone:
            pool.submit(lambda: 1).result()
        with otelier.workflow("work"), pytest.raises(Exception) as raised:
            pool.submit(lambda: 1).result()
    kinds = {type(alone.value), type(raised.value)}
    assert len(kinds) == 1


def test_taken_back(threaded: Telemetry) -> None:
    otelier.uninstrument()
    for kind, name in (
        (ProcessPoolExecutor, "submit"),
        (Pool, "apply_async"),
        (ThreadPool, "apply_async"),
        (multiprocessing.process.BaseProcess, "start"),
    ):
        assert not hasattr(getattr(kind, name), "__wrapped__")


def test_without_the_setting_nothing_is_patched(telemetry: Telemetry) -> None:
    assert not hasattr(ProcessPoolExecutor.submit, "__wrapped__")
    assert not hasattr(multiprocessing.process.BaseProcess.start, "__wrapped__")
    assert INVALID_SPAN is get_current_span()


def test_if_ours_breaks_the_work_is_done(
    threaded: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_sent", None)
    monkeypatch.setattr(processes, "_lasts", None)
    with otelier.workflow("work"), ProcessPoolExecutor(1, mp_context=FORK) as pool:
        assert pool.submit(int, "7").result() == 7
    assert guard.failures() == {"processes.submit": 1, "processes.start": 1}
    guard.reset()
