"""What instrumenting imports. Counted in fresh processes."""

from __future__ import annotations

from benchmarks import counting


def test_program_without_genai_sdk() -> None:
    """Over the OpenTelemetry SDK alone, which ``opentelemetry-instrument`` has imported anyway."""
    found = counting.start(counting.INSTRUMENT)
    assert not found.heavy
    assert len(found.modules) <= 84, found.modules


def test_program_with_sdks() -> None:
    bare = set(counting.start(counting.USE).modules)
    found = set(counting.start(counting.INSTRUMENT + counting.USE).modules)
    more = found - bare
    assert len(more) <= 124, sorted(more)
    assert not any(name.split(".")[0] in ("genai_prices", "grpc", "fsspec") for name in more)


def test_importing_otelier_imports_no_sdk() -> None:
    found = counting.start("import otelier", before="")
    # The processor and the file exporter are of the OpenTelemetry SDK: only used with one.
    assert not found.heavy
