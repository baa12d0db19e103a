"""The pytest plugin: the fixture ``traces``, ``--otelier`` and ``--otelier-max-cost``.

Every pytest run imports this where otelier is installed: it imports nothing but what is asked for.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from otelier.testing.recorded import Traces


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("otelier", "model calls, by otelier")
    group.addoption(
        "--otelier",
        action="store_true",
        help="print model calls, tokens and cost of each test that makes some, and of all",
    )
    group.addoption(
        "--otelier-max-cost",
        type=_dollars,
        metavar="USD",
        help="fail the run if the known cost of its model calls is above this",
    )


def _dollars(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise ArgumentTypeError(f"not an amount of US dollars: {text!r}")
    return amount


def pytest_configure(config: pytest.Config) -> None:
    """Count, where an option asks for it."""
    if config.getoption("--otelier") or config.getoption("--otelier-max-cost") is not None:
        from otelier.testing import counting

        counting.install(config)


@pytest.fixture(scope="session")
def otelier_options() -> Mapping[str, Any]:
    """Options of ``otelier.instrument()`` for the fixture ``traces``: to be overridden."""
    return {}


@pytest.fixture
def traces(request: pytest.FixtureRequest, otelier_options: Mapping[str, Any]) -> Iterator[Traces]:
    """What the test calls: model calls, tools, agents, cost, as a tree (otelier.testing.Traces)."""
    from otelier.testing import reporting
    from otelier.testing.recorded import traces as recorded

    with recorded(**otelier_options) as found:
        reporting.show_if_failed(request, found)
        yield found
