"""The terminal's exporter: the tree of each trace as soon as it is complete."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, TextIO

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otelier import guard
from otelier.store.spans import StoredSpan, stored

MAX_SPANS: Final = 10_000
MAX_TRACES: Final = 200
_REMEMBERED: Final = 1_000

INCOMPLETE: Final = "(incomplete: the trace's first span has not ended yet)"
LATE: Final = "(later spans of a trace that is printed above)"


class TreeSpanExporter(SpanExporter):
    """Collects spans by trace and prints a trace when its first span in this process has ended.

    It holds at most 10,000 spans of 200 traces; beyond that the oldest trace is printed as far as
    it is known. Nothing is raised, and the program's own output is left alone.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        messages: bool | None = None,
        color: bool | None = None,
    ) -> None:
        """``stream``: where to print, by default what ``sys.stderr`` is at that time.

        ``messages`` and ``color`` are by default what the settings and the terminal say.
        """
        self._stream = stream
        self._messages = messages
        self._color = color
        self._start_empty()
        if hasattr(os, "register_at_fork"):
            empty = weakref.WeakMethod(self._start_empty)
            os.register_at_fork(after_in_child=lambda: (method := empty()) and method())

    def _start_empty(self) -> None:
        # A forked child must neither wait for a lock held elsewhere nor print its parent's spans.
        self._lock = threading.Lock()
        self._open: OrderedDict[str, list[StoredSpan]] = OrderedDict()
        self._count = 0
        self._printed: OrderedDict[str, None] = OrderedDict()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take the spans in; print the traces that are complete now."""
        try:
            with self._lock:
                self._take(spans)
        except Exception:
            guard.failed("viewer.console.export")
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Print what is left."""
        try:
            with self._lock:
                for trace_id in list(self._open):
                    self._print(trace_id, INCOMPLETE)
        except Exception:
            guard.failed("viewer.console.shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing to do: what is complete has been printed."""
        return True

    def _take(self, spans: Sequence[ReadableSpan]) -> None:
        complete: dict[str, str] = {}
        for readable in spans:
            span = stored(readable)
            self._open.setdefault(span.trace_id, []).append(span)
            self._count += 1
            if span.trace_id in self._printed:
                complete.setdefault(span.trace_id, LATE)
            elif span.parent_id is None or span.remote_parent:
                complete[span.trace_id] = ""
        for trace_id, note in complete.items():
            self._print(trace_id, note)
        while self._count > MAX_SPANS or len(self._open) > MAX_TRACES:
            self._print(next(iter(self._open)), INCOMPLETE)

    def _print(self, trace_id: str, note: str) -> None:
        spans = self._open.pop(trace_id)
        self._count -= len(spans)
        self._printed[trace_id] = None
        if len(self._printed) > _REMEMBERED:
            self._printed.popitem(last=False)
        stream = self._stream if self._stream is not None else sys.stderr
        if stream is None:  # A program without a console.
            return
        # Not before something is shown: it brings rich.
        from otelier.viewer import terminal
        from otelier.viewer.look import Look
        from otelier.viewer.tree import render

        look = Look(
            messages=_tree_messages() if self._messages is None else self._messages,
            color=terminal.wants_color(stream) if self._color is None else self._color,
            width=terminal.columns(stream),
            ascii=terminal.needs_ascii(stream),
        )
        terminal.write(stream, f"\n{note}{note and chr(10)}{render(spans, look)}")


def _tree_messages() -> bool:
    from otelier.settings import tree_messages

    return tree_messages()
