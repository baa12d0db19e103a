"""Ray and Dask: what their workers do is beneath the work that asks them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lineage.frameworks.drawing import tree
from tests.lineage.services.sites import APPS, Site, site


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.mark.parametrize(
    ("library", "how"),
    [
        ("ray", "ray"),
        ("dask", "dask_threads"),
        ("dask", "dask_processes"),
        ("distributed", "dask_cluster"),
    ],
)
def test_a_cluster(here: Site, library: str, how: str) -> None:
    pytest.importorskip(library)
    # About processes: the requests to the model are not shown.
    env = {
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "httpx,httpx2",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    assert "about tea" in here.run(f"{APPS}.clusters", how, service="work", **env).ends()
    assert here.drawn() == tree(
        """
        work: invoke_workflow work
          work: chat gpt-4o
        """
    )
    # Each process has sent its own.
    senders = len(here.receiver.bodies("/v1/traces"))
    assert senders == (1 if how == "dask_threads" else 2)
