"""Runs a scenario without otelier and with it, and compares all that can be seen."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from unittest import mock

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import INVALID_SPAN, get_current_span

from otelier import guard
from otelier.call import Call
from otelier.hooks.raw import Watch
from otelier.hooks.streams import AsyncItems, Items
from tests.servers import ProviderServer
from tests.telemetry import Telemetry
from tests.transparency.app import WAIT, App, drive
from tests.transparency.describe import describe_error, plain, wire

Scenario: TypeAlias = Callable[[App], Awaitable[Any]]

_OURS: Final = (Call, Items, AsyncItems, Watch)
_RUNNING: Final = "aclose(): asynchronous generator is already running"
# Of gRPC's, which polls for all event loops, also for one that has just been closed.
_POLLER: Final = "PollerCompletionQueue._handle_events"
_BUILT: Final = "qualifier. Pydantic will not protect"
_JSON: Final = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
)


@dataclass
class Seen:
    """What one run shows to the application, to its terminal and to the provider."""

    log: list[Any] = field(default_factory=list)
    wire: list[Any] = field(default_factory=list)
    aborts: int | None = None
    output: tuple[str, str] = ("", "")
    warnings: list[tuple[Any, str]] = field(default_factory=list)
    logs: list[tuple[str, str, str]] = field(default_factory=list)
    unhandled: list[Any] = field(default_factory=list)
    alive: list[bool] = field(default_factory=list)


class World:
    """A server and a telemetry that scenarios share."""

    def __init__(self, server: ProviderServer, telemetry: Telemetry, **options: Any) -> None:
        self.server = server
        self.telemetry = telemetry
        host = server.url.removeprefix("http://")
        self.options = {"provider_hosts": f"{host}=openai", **options}

    def compare(
        self,
        scenario: Scenario,
        *,
        asynchronous: bool = False,
        spans: int | None = 1,
        parents: Sequence[str] = ("caller",),
        failures: bool = False,
    ) -> list[ReadableSpan]:
        """Run twice and compare; the spans that otelier made.

        ``spans`` is how many (None: it varies), ``parents`` the names of the spans that they may
        have as parent.
        """
        gc.freeze()  # collections look at the objects of this scenario only
        # otelier takes the place of the SDK's own spans, which add a header of their own.
        with mock.patch.dict(os.environ, {"ANTHROPIC_OPEN_TELEMETRY": "false"}):
            bare = self.observe(scenario, asynchronous)
        assert not self.ours(), "spans without otelier"
        _skip_unknown_arguments(bare)
        self.telemetry.start(**self.options)
        swallowed = None if failures else _Swallowed()
        try:
            with_otelier = self.observe(scenario, asynchronous)
        finally:
            self.telemetry.stop()
            if swallowed is not None:
                swallowed.remove()
                assert not guard.failures(), swallowed.text
        _same(bare, with_otelier)
        self.telemetry.log_exporter.clear()  # records keep the context that they were made in
        kept = _left()
        end = time.monotonic() + 60
        while kept and time.monotonic() < end:
            time.sleep(0.01)  # gRPC's thread of a call runs in the context that made it
            kept = _left()
        assert not kept, "objects of otelier are left"
        found = self.ours()
        if spans is not None:
            assert len(found) == spans, [span.name for span in found]
        self._check(found, parents)
        return found

    def observe(self, scenario: Scenario, asynchronous: bool) -> Seen:
        """One run."""
        self.server.clear()
        self.telemetry.exporter.clear()
        seen = Seen()
        app = App(self.server, self.telemetry, asynchronous)
        gc.collect()
        gc.disable()
        try:
            with _watched(seen):
                _play(scenario, app, seen)
                gc.collect()
        finally:
            gc.enable()
        assert get_current_span() is INVALID_SPAN
        seen.log = app.log
        seen.wire = [wire(request) for request in self.server.requests]
        seen.aborts = None if app.aborts is None else self.server.client_aborts
        seen.alive = [ref() is not None for ref in app.refs]
        assert not self.server.errors, self.server.errors
        return seen

    def ours(self) -> list[ReadableSpan]:
        """Finished spans of otelier's scope."""
        return [
            span
            for span in self.telemetry.exporter.get_finished_spans()
            if span.instrumentation_scope is not None
            and span.instrumentation_scope.name == "otelier"
        ]

    def _check(self, found: list[ReadableSpan], parents: Sequence[str]) -> None:
        by_id = {
            span.context.span_id: span.name
            for span in self.telemetry.exporter.get_finished_spans()
            if span.context is not None
        }
        for span in found:
            assert span.end_time is not None
            parent = by_id[span.parent.span_id] if span.parent is not None else None
            assert parent in parents
            for name in _JSON:
                value = (span.attributes or {}).get(name)
                if value is not None:
                    assert isinstance(json.loads(str(value)), list)
        assert encode_spans(found).SerializeToString() or not found


def _left() -> list[str]:
    gc.collect()
    return [type(thing).__name__ for thing in gc.get_objects() if issubclass(type(thing), _OURS)]


def _play(scenario: Scenario, app: App, seen: Seen) -> None:
    async def play() -> None:
        if app.asynchronous:
            asyncio.get_running_loop().set_exception_handler(
                lambda loop, context: seen.unhandled.append(
                    (plain(context["message"]), describe_error(context.get("exception")))
                )
            )
        try:
            with app.inside():
                await scenario(app)
        finally:
            app.caller = None
            await app.finish()

    if app.asynchronous:
        asyncio.run(play())
    else:
        drive(play())
    seen.log = app.log
    _skip_unknown_arguments(seen)
    if app.aborts:
        assert app.server.wait_aborts(app.aborts, WAIT)


@contextlib.contextmanager
def _watched(seen: Seen) -> Iterator[None]:
    def unraisable(problem: Any) -> None:
        seen.unhandled.append((problem.err_msg, describe_error(problem.exc_value)))

    def in_thread(problem: Any) -> None:
        seen.unhandled.append(("thread", describe_error(problem.exc_value)))

    hooks = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = unraisable, in_thread
    handler = _Logs(seen)
    logging.getLogger().addHandler(handler)
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            warnings.simplefilter("always")
            yield
    finally:
        sys.unraisablehook, threading.excepthook = hooks
        logging.getLogger().removeHandler(handler)
    # Of an abandoned asynchronous stream: which of its generators say so depends on a set's order.
    seen.unhandled = [
        each
        for each in seen.unhandled
        if _RUNNING not in str(each[1]) and _POLLER not in str(each[0])
    ]
    seen.output = plain(out.getvalue()), plain(err.getvalue())
    # Pydantic warns where a class is built, on its first use in a process: without otelier.
    seen.warnings = [
        (each.category, plain(str(each.message)))
        for each in warned
        if _BUILT not in str(each.message)
    ]


class _Logs(logging.Handler):
    """Keeps what programs without a logging configuration would print."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(logging.WARNING)
        self._seen = seen

    def emit(self, record: logging.LogRecord) -> None:
        self._seen.logs.append((record.name, record.levelname, plain(record.getMessage())))
        record.exc_info = None  # pytest keeps records, and a traceback keeps all of its callers


class _Swallowed(logging.Handler):
    """Keeps the tracebacks of exceptions that otelier swallowed, for a failing test to show."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""
        guard.logger.addHandler(self)
        guard.logger.setLevel(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        self.text += logging.Formatter().format(record)

    def remove(self) -> None:
        guard.logger.removeHandler(self)
        guard.logger.setLevel(logging.NOTSET)


def _skip_unknown_arguments(seen: Seen) -> None:
    for entry in seen.log:
        if isinstance(entry, tuple) and entry[0] == "raised":
            kind, message = entry[1][:2]
            if kind is TypeError and "unexpected keyword argument" in message:
                pytest.skip(f"this version takes less: {message}")
            if kind is AttributeError and "Stream' object has no attribute '__" in message:
                pytest.skip(f"this version's streams are no context managers: {message}")


def _same(bare: Seen, seen: Seen) -> None:
    for number, (before, now) in enumerate(zip(bare.log, seen.log, strict=False)):
        assert now == before, f"entry {number} of {len(bare.log)}"
    assert seen.log == bare.log
    assert seen.wire == bare.wire
    assert seen.aborts == bare.aborts
    assert seen.output == bare.output
    assert seen.warnings == bare.warnings
    assert seen.logs == bare.logs
    assert seen.unhandled == bare.unhandled
    assert seen.alive == bare.alive
