"""A framework whose version has no seam that otelier knows: the program runs as without us."""

from __future__ import annotations

from types import ModuleType

import pytest

from otelier import guard
from otelier.hooks.registry import State, apply
from otelier.hooks.table import FRAMEWORKS, Library
from tests.telemetry import Telemetry


@pytest.mark.parametrize("row", FRAMEWORKS, ids=lambda row: f"{row.module} {row.hook}")
def test_an_import_does_not_fail_for_it(
    telemetry: Telemetry, row: Library, caplog: pytest.LogCaptureFixture
) -> None:
    """Each room is given a module of the right name that has nothing in it."""
    module = ModuleType(row.module)
    state = State(row)
    apply(state, module)
    optional = row.optional or row.moved
    assert state.status in (("absent", "failed", "hooked") if row.moved else ("absent", "failed"))
    assert set(vars(module)) == set(vars(ModuleType(row.module)))
    said = [record.getMessage() for record in caplog.records if "no seam" in record.getMessage()]
    assert len(said) <= 1
    if not optional:
        assert row.distribution in said[0]
    guard.reset()
