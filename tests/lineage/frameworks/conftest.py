"""Fixtures that the tests of frameworks share."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["ours first", "theirs first"])
def theirs_first(request: pytest.FixtureRequest) -> bool:
    """Whether another instrumentation is there before otelier is."""
    return bool(request.param == "theirs first")


@pytest.fixture(params=["off", "on", "sensitive"])
def diagnostics(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Semantic Kernel's own telemetry, as the program has set it."""
    from tests.lineage.frameworks.semantic_kernel_parts import switch

    switch(request.param, monkeypatch)
    return str(request.param)
