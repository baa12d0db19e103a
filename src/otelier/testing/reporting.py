"""The trace of a failed test, in its report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from otelier.testing.recorded import Traces

_TRACES: Final = pytest.StashKey[Traces]()
_NAME: Final = "otelier-failed"


def show_if_failed(request: pytest.FixtureRequest, traces: Traces) -> None:
    """Show it where the test fails."""
    request.node.stash[_TRACES] = traces
    # With the first test that has the fixture: others pay nothing for it.
    plugins = request.config.pluginmanager
    if not plugins.has_plugin(_NAME):
        plugins.register(_Failed(), _NAME)


class _Failed:
    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        outcome: Any = yield
        report: pytest.TestReport = outcome.get_result()
        traces = item.stash.get(_TRACES, None)
        if traces is None:
            return
        if report.when == "teardown":
            del item.stash[_TRACES]
        elif report.failed and traces.spans:
            report.sections.append(("otelier", str(traces).rstrip("\n")))
