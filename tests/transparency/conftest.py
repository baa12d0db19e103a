"""One server and one telemetry per module, and an end to what scenarios freeze."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from tests.servers import ProviderServer
from tests.telemetry import Telemetry
from tests.transparency.runner import World

FLAVOURS = [pytest.param(False, id="sync"), pytest.param(True, id="async")]


@pytest.fixture(params=FLAVOURS)
def asynchronous(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with warnings.catch_warnings(), ProviderServer() as server:
        yield World(server, Telemetry())


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[None]:
    """Scenarios freeze what is there: a full collection takes 0.1 s with the SDKs loaded."""
    gc.collect()
    yield
    gc.unfreeze()
