"""Fixtures that the tests of frameworks share."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["ours first", "theirs first"])
def theirs_first(request: pytest.FixtureRequest) -> bool:
    """Whether another instrumentation is there before otelier is."""
    return bool(request.param == "theirs first")
