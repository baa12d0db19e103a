"""The start of otelier in a program under ``otelier run``, and what that program tells of itself.

A report is one JSON object in a file of the process's own. It is written at the start and again at
the end: of a program that is killed only the first is there.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from otelier import guard, runtime
from otelier.hooks import foreign, registry
from otelier.hooks.table import HTTP, LIBRARIES
from otelier.settings import FILE_EXPORTER, STORE_EXPORTER, traces_exporters

BOOT: Final = str(Path(__file__).with_name("boot"))
# What they write is counted when the program has ended.
_OURS: Final = frozenset({STORE_EXPORTER, FILE_EXPORTER})

# SDKs and programs for models that otelier has no hook for, by their module.
UNSUPPORTED: Final = (
    *("ai21", "aleph_alpha_client", "assemblyai", "baseten", "dashscope", "deepgram", "elevenlabs"),
    *("fal_client", "google.generativeai", "gpt4all", "ibm_watsonx_ai", "llama_cpp", "modal"),
    *("qianfan", "replicate", "sentence_transformers", "stability_sdk", "transformers"),
    *("vertexai", "vllm", "voyageai", "volcenginesdkarkruntime", "zhipuai"),
)


def start(folder: str) -> None:
    """Start every instrumentation that is installed, otelier among them. Never raises."""
    try:
        report = Report(folder)
        report.write(ended=False)
        # Before the SDK's own, which therefore runs earlier.
        atexit.register(report.write)
        # What the start itself may start has to start without.
        if runtime.current() is None:
            with _without_boot():
                _initialize()
        report.watch()
    except Exception:
        guard.failed("cli.booted")


@contextmanager
def _without_boot() -> Iterator[None]:
    before = os.environ.get("PYTHONPATH")
    if before is None:
        yield
        return
    places = before.split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(place for place in places if place != BOOT)
    try:
        yield
    finally:
        os.environ["PYTHONPATH"] = before


def _initialize() -> None:
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    initialize()


class Report:
    """What this process knows about why something, or nothing, was seen."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._counter: Any = None

    def watch(self) -> None:
        """Count what neither the store nor a file of ours will have."""
        from opentelemetry import trace

        provider: Any = trace.get_tracer_provider()
        writes = not _OURS.isdisjoint(traces_exporters(os.environ))
        if not writes and hasattr(provider, "add_span_processor"):
            from otelier.cli.counting import Counter

            self._counter = Counter()
            provider.add_span_processor(self._counter)

    def write(self, ended: bool = True) -> None:
        """Write it down; of a forked child under the child's number."""
        try:
            path = Path(self._folder, f"{os.getpid()}.json")
            path.write_text(json.dumps({**self._told(), "ended": ended}))
        except Exception:
            guard.failed("cli.report")

    def _told(self) -> dict[str, Any]:
        states = registry.states()
        of = {
            status: sorted({s.library.distribution for s in states if s.status == status})
            for status in ("hooked", "failed", "disabled")
        }
        imported = {row.distribution for row in LIBRARIES if row.module in sys.modules}
        counter = self._counter
        return {
            "python": sys.executable,
            "program": sys.argv[0] if getattr(sys, "argv", None) else "",
            "started": runtime.current() is not None or bool(states),
            "hooked": [name for name in of["hooked"] if name in imported],
            "failed": of["failed"],
            "disabled": [name for name in of["disabled"] if name in imported],
            "others": _others(imported),
            "http": sorted({row.distribution for row in HTTP if row.module in sys.modules}),
            "unsupported": [name for name in UNSUPPORTED if name in sys.modules],
            "counted": counter and [counter.traces, counter.calls, counter.cost],
        }


def _others(imported: set[str]) -> list[str]:
    """Other instrumentations that have a library which is imported."""
    names = {row.name for row in LIBRARIES if row.distribution in imported}
    try:
        return sorted({other for name in names if (other := foreign.find(name)) is not None})
    except Exception:
        guard.failed("cli.others")
        return []
