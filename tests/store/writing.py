"""A program that writes spans: ``python -m tests.store.writing STORE NAME [fork]``.

It exports batches of real spans without end, until its input ends, and tells the ids of each batch
in a line once its export has returned success. With ``fork`` it has a child after its first batch,
and both go on.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelier.store.exporter import StoreSpanExporter
from tests.store.spans import provider

BATCH = 20
CONTENT = '[{"role":"user","parts":[{"type":"text","content":"%s"}]}]'


def batch(name: str, number: int) -> Sequence[ReadableSpan]:
    """Spans of a trace; what they say is partly what all say, partly new."""
    memory = InMemorySpanExporter()
    tracer = provider(memory, service=name).get_tracer("writing")
    with tracer.start_as_current_span("outer"):
        for each in range(BATCH - 1):
            texts = {
                "gen_ai.input.messages": CONTENT % (f"all say this {each} " * 30),
                "gen_ai.output.messages": CONTENT % (f"{name} says {number} {each} " * 30),
            }
            with tracer.start_as_current_span("inner", attributes=texts):
                pass
    return memory.get_finished_spans()


def main(store: Path, name: str, fork: bool) -> None:
    exporter = StoreSpanExporter(store)
    number, stop = 0, False
    while not stop:
        number += 1
        spans = batch(name, number)
        if exporter.export(spans) is not SpanExportResult.SUCCESS:
            sys.exit("the export failed")
        ids = " ".join(format(span.get_span_context().span_id, "016x") for span in spans)
        # One system call: a process that is killed tells a batch, or does not.
        os.write(1, f"{ids}\n".encode())
        if fork and number == 1 and os.fork() == 0:
            name += "'s child"
        stop = bool(select.select([0], [], [], 0)[0])
    exporter.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "fork" in sys.argv[3:])


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    rest = folder / "rest"
    with rest.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return rest
