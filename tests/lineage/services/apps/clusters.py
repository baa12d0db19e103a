"""Work for clusters that live as long as the program: ``python -m …clusters ray``."""

from __future__ import annotations

import sys
from typing import Any

import otelier
from tests.lineage.services.apps.processes import ask, carried, carrier


def ray() -> None:
    """Workers of Ray's are processes of their own, with this one's environment."""
    import ray

    ray.init(num_cpus=1, include_dashboard=False, configure_logging=False, log_to_driver=False)

    @ray.remote
    def work(words: str, taken: dict[str, str]) -> str:
        said = carried(words, taken)
        # A worker is killed when the cluster ends.
        otelier.flush()
        return said

    with otelier.workflow("work"):
        print(ray.get(work.remote("tea", carrier())))
    ray.shutdown()


def dask_threads() -> None:
    """Dask's own scheduler of threads."""
    import dask

    with otelier.workflow("work"):
        print(dask.delayed(ask)("tea").compute(scheduler="threads"))


def dask_processes() -> None:
    import dask

    with otelier.workflow("work"):
        print(dask.delayed(carried)("tea", carrier()).compute(scheduler="processes"))


def dask_cluster() -> None:
    from distributed import Client, LocalCluster

    how: Any = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(processes=True, **how) as cluster, Client(cluster) as client:
        with otelier.workflow("work"):
            print(client.submit(carried, "tea", carrier()).result())
        client.run(otelier.flush)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
