"""A store with what the workload sent, through the exporter; and stores of spans by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otelier.store.engine import Engine
from otelier.store.opening import opened
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer
from tests.backends.truth import Truth

LIBRARIES = ("openai", "anthropic", "ollama", "google.genai", "mistralai", "cohere", "botocore")


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """The store's path, and the truth."""
    for library in LIBRARIES:
        pytest.importorskip(library)
    from tests.backends.running import workload

    folder = tmp_path_factory.mktemp("questions")
    path = folder / "traces.db"
    truth = workload(
        folder,
        "http://127.0.0.1:9",
        OTELIER_STORE=path,
        OTEL_TRACES_EXPORTER="otelier",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_ONLY",
    )
    return path, truth


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Any]:
    """Makes stores of spans."""
    engines: list[Engine] = []

    def write(*spans: StoredSpan) -> Engine:
        path = tmp_path / f"{len(engines)}.db"
        Writer(path).write(spans)
        engines.append(opened(str(path)))
        return engines[-1]

    yield write
    for engine in engines:
        engine.close()
