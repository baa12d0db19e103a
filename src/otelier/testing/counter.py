"""Counts model calls, test by test, over every TracerProvider that otelier uses meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from otelier import guard, processor, runtime, semconv, settings
from otelier.hooks import registry
from otelier.runtime import Runtime
from otelier.store.spans import StoredSpan, stored
from otelier.testing.summary import Sums
from otelier.viewer import forest
from otelier.viewer.facts import facts
from otelier.viewer.totals import account

# What is as large as what was said.
_CONTENT: Final = frozenset(
    {
        semconv.INPUT_MESSAGES,
        semconv.OUTPUT_MESSAGES,
        semconv.SYSTEM_INSTRUCTIONS,
        semconv.TOOL_DEFINITIONS,
        semconv.TOOL_CALL_ARGUMENTS,
        semconv.TOOL_CALL_RESULT,
        semconv.RETRIEVAL_QUERY,
        semconv.RETRIEVAL_DOCUMENTS,
        semconv.ARGUMENTS,
        semconv.RESULT,
    }
)


class Counter:
    """The spans of each test, without what was said in them."""

    def __init__(self) -> None:
        self._test: list[StoredSpan] = []
        # Those of all tests: what has not been told when its test was over.
        self._tests: list[list[StoredSpan]] = []
        self._watched: WeakKeyDictionary[Any, None] = WeakKeyDictionary()
        self._watcher = _Watcher()
        self._provider: TracerProvider | None = None
        self._run: Runtime | None = None
        processor.told.append(self._watch)

    def begin(self) -> None:
        """A test begins."""
        self._watcher.test = self._test = []
        self._tests.append(self._test)
        run = runtime.current()
        if run is None:
            self._start()
        else:
            processor.install(run)

    def told(self) -> Sums:
        """What the test has called until now, which is told only once."""
        _settle()
        spans = self._test.copy()
        del self._test[: len(spans)]
        return sums(spans)

    def stop(self) -> Sums:
        """Count no more; returns what no test has told."""
        _settle()
        processor.told.remove(self._watch)
        self._watcher.over = True
        run = runtime.current()
        if run is not None and run is self._run:
            registry.unregister()
            runtime.stop()
        return sums(span for test in self._tests for span in test)

    def _start(self) -> None:
        if self._provider is None:
            self._provider = TracerProvider(ALWAYS_ON, Resource.get_empty(), shutdown_on_exit=False)
            self._provider._disabled = False
        from opentelemetry._logs import NoOpLoggerProvider
        from opentelemetry.metrics import NoOpMeterProvider

        self._run = Runtime(
            settings.load(capture="NO_CONTENT"),
            tracer_provider=self._provider,
            meter_provider=NoOpMeterProvider(),
            logger_provider=NoOpLoggerProvider(),
        )
        self._run.gives_way = True
        runtime.put(self._run)
        processor.install(self._run)
        registry.register()

    def _watch(self, provider: Any) -> None:
        try:
            if provider not in self._watched:
                self._watched[provider] = None
                provider.add_span_processor(self._watcher)
        except Exception:
            guard.failed("testing.watch")


class _Watcher(SpanProcessor):
    """A span counts for the test in which it began. Never raises."""

    def __init__(self) -> None:
        self.test: list[StoredSpan] | None = None
        self.over = False
        self._open: dict[tuple[int, int], list[StoredSpan]] = {}

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        if self.test is not None and not self.over:
            self._open[_key(span)] = self.test

    def on_end(self, span: ReadableSpan) -> None:
        try:
            test = self._open.pop(_key(span), None)
            if test is None or self.over:
                return
            made = stored(span)
            kept = {name: value for name, value in made.attributes.items() if name not in _CONTENT}
            test.append(replace(made, attributes=kept, events=(), links=()))
        except Exception:
            guard.failed("testing.count")


def _key(span: Any) -> tuple[int, int]:
    context = span.get_span_context()
    return context.trace_id, context.span_id


def _settle() -> None:
    """End what waits for a price, or for the garbage collector to be done."""
    processor.OtelierSpanProcessor().force_flush()


def sums(spans: Iterable[StoredSpan]) -> Sums:
    """Those of a test."""
    whole = Sums()
    for group in forest.traces(spans):
        one = account([(node, facts(node.span)) for node in forest.walk(group)])
        models: dict[str, int] = {}
        for _, known in one.unpriced:
            models[known.model] = models.get(known.model, 0) + 1
        told = one.sums
        whole = whole.plus(
            Sums(
                told.calls,
                told.tokens.input,
                told.tokens.output,
                told.cost,
                told.partial,
                models,
            )
        )
    return whole
