"""Generators in the place of an SDK's: whatever a user does with them, they behave as the SDK's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from opentelemetry import trace

from otelier import semconv
from otelier.call import Call, begin
from otelier.hooks import generators
from otelier.identity import Identity
from otelier.protocols import Route, no_content
from otelier.protocols.openai.chat import Reader, request
from tests.telemetry import Telemetry

CHAT = Route(semconv.CHAT, request, no_content, Reader)


def opened() -> Call | None:
    return begin(CHAT, {"model": "m"}, Identity("acme", None, None, ""))


class Log(list[Any]):
    """What an SDK's generator goes through."""

    def sync(self) -> Generator[Any, Any, str]:
        try:
            self.append(trace.get_current_span().get_span_context().is_valid)
            got = yield 1
            self.append(got)
            try:
                got = yield 2
            except ValueError as error:
                self.append(error)
                got = yield 3
            self.append(trace.get_current_span().get_span_context().is_valid)
            return "done"
        finally:
            self.append("closed")

    async def asynchronous(self) -> AsyncGenerator[Any, Any]:
        try:
            self.append(trace.get_current_span().get_span_context().is_valid)
            got = yield 1
            self.append(got)
            try:
                got = yield 2
            except ValueError as error:
                self.append(error)
                yield 3
            self.append(trace.get_current_span().get_span_context().is_valid)
        finally:
            self.append("closed")


def test_send_throw_and_return(telemetry: Telemetry) -> None:
    log, problem = Log(), ValueError()
    stream = generators.lazily(log.sync(), opened)
    assert inspect.isgenerator(stream)
    assert (stream.__name__, stream.__qualname__) == ("sync", "Log.sync")
    assert next(stream) == 1
    assert stream.send("a") == 2
    assert stream.throw(problem) == 3
    with pytest.raises(StopIteration) as end:
        next(stream)
    assert end.value.value == "done"
    # Our span is current while the request leaves, and at no other time.
    assert log == [True, "a", problem, False, "closed"]
    assert "otelier.stream.end" not in telemetry.span().attributes


def test_asend_and_athrow(telemetry: Telemetry) -> None:
    log, problem = Log(), ValueError()

    async def main() -> None:
        stream = generators.lazily(log.asynchronous(), opened)
        assert inspect.isasyncgen(stream)
        assert await stream.__anext__() == 1
        assert await stream.asend("a") == 2
        assert await stream.athrow(problem) == 3
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()

    asyncio.run(main())
    assert log == [True, "a", problem, False, "closed"]
    assert telemetry.span().name == "chat m"


def test_close(telemetry: Telemetry) -> None:
    log = Log()
    stream = generators.lazily(log.sync(), opened)
    next(stream)
    stream.close()
    assert log == [True, "closed"]
    assert telemetry.span().attributes["otelier.stream.end"] == "closed"


def test_aclose(telemetry: Telemetry) -> None:
    log = Log()

    async def main() -> None:
        stream = generators.lazily(log.asynchronous(), opened)
        await stream.__anext__()
        await stream.aclose()
        assert log == [True, "closed"]

    asyncio.run(main())
    assert telemetry.span().attributes["otelier.stream.end"] == "closed"


@pytest.mark.parametrize("answer", [lambda: None, lambda: 1 / 0])
def test_calls_that_are_not_seen(telemetry: Telemetry, answer: Any) -> None:
    log = Log()
    stream = generators.lazily(log.sync(), answer)
    assert [*stream] == [1, 2]
    assert log == [False, None, False, "closed"]

    async def main() -> list[Any]:
        return [item async for item in generators.lazily(Log().asynchronous(), answer)]

    assert asyncio.run(main()) == [1, 2]
    assert not telemetry.spans()
    from otelier import guard

    guard.reset()


def test_an_error_inside(telemetry: Telemetry) -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        raise RuntimeError("cut")

    stream = generators.lazily(broken(), opened)
    next(stream)
    with pytest.raises(RuntimeError, match="cut"):
        next(stream)
    assert telemetry.span().attributes["error.type"] == "RuntimeError"


def test_never_iterated(telemetry: Telemetry) -> None:
    generators.lazily(Log().sync(), opened)
    assert not telemetry.spans()


def test_closing_that_fails(telemetry: Telemetry) -> None:
    """The span ends though the SDK's generator raises when it is closed."""

    def broken() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise RuntimeError("while closing")

    stream = generators.lazily(broken(), opened)
    next(stream)
    with pytest.raises(RuntimeError, match="while closing"):
        stream.close()
    assert telemetry.span().attributes["otelier.stream.end"] == "closed"


@pytest.mark.parametrize("bare", [True, False])
def test_held_when_the_loop_ends(telemetry: Telemetry, bare: bool) -> None:
    """The loop closes ours and the SDK's generator at once, without a word."""
    problems: list[Any] = []
    held: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: problems.append(what))
        inner = Log().asynchronous()
        held.append(inner if bare else generators.lazily(inner, opened))
        await held[0].__anext__()

    asyncio.run(main())
    assert not problems
    assert len(telemetry.spans()) == (not bare)


def test_dropped_while_it_waits(telemetry: Telemetry) -> None:
    """A coroutine that nobody waits for any longer is no failure."""
    from otelier.hooks import calling

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    def found(*_: Any) -> Any:
        return opened(), CHAT

    _, arequest = calling.around(found, calling.whole)

    async def main() -> None:
        work = arequest(wait, None, (), {})
        work.send(None)
        work.close()

    asyncio.run(main())
    span = telemetry.span()
    assert span.attributes["otelier.stream.end"] == "abandoned"
    assert "error.type" not in span.attributes
