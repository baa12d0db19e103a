"""The benchmark of one collector runs, and a small load is taken whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.collector import Load, gateway, steps
from tests.backends.programs import program
from tests.backends.running import until

pytestmark = pytest.mark.skipif(program("otelcol") is None, reason="no collector: make backends")


def test_a_small_load_is_taken_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway(tmp_path) as (collector, ca):
        load = Load(collector.http, ca)
        steps("gateway.yaml", collector, load, (1000,), 1)
        assert load.accepted > 0 == load.refused
        name = "otelcol_receiver_accepted_spans"
        until(lambda: collector.metric(name) == load.accepted or None, "the collector's own count")
    assert "1000" in capsys.readouterr().out
