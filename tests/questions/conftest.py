"""A store with what the workload sent, through the exporter."""

from __future__ import annotations

from pathlib import Path

import pytest

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
