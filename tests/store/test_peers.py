"""The benchmark of stores: what is measured of each is there, and of spans that were found."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.store import peers, workload
from benchmarks.store.others import local, rows

COUNT = 600


@pytest.mark.parametrize("peer", [local, rows], ids=lambda peer: peer.__name__.rpartition(".")[2])
def test_every_figure_is_there(peer: ModuleType, tmp_path: Path) -> None:
    found = peer.measure(workload.spans(COUNT, "real"), tmp_path)
    assert found.keys() == peers.FIGURES.keys()
    assert all(value > 0 for value in found.values())


def test_nothing_said_is_not_searched(tmp_path: Path) -> None:
    found = rows.measure(workload.spans(COUNT, "small"), tmp_path)
    assert peers.FIGURES.keys() - found.keys() == {"rare", "common"}


def test_a_table_has_a_cell_for_each_figure() -> None:
    assert len(peers.HEADS) == 2 + len(peers.FIGURES)
    assert peers.shown("rate", 56789.4) == "56,789"
    assert peers.shown("trace", 0.0912) == "0.09"
    assert peers.shown("rare", None) == "–"
