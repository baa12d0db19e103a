"""``pytest --otelier``: which test calls models, and what that costs.

Nothing of the suite's own is replaced: where the program starts otelier, its otelier is the one
that is counted; where it does not, one runs that records no content, and gives way to it. Sums
travel on the tests' reports, which pytest-xdist brings to the process that prints them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from otelier.testing.summary import Sums, Told

_NAME: Final = "otelier-counting"
# On a test's last report; of what ends only then, in what a worker hands over at its own end.
_REPORT, _WORKER = "otelier", "otelier_after"


def install(config: pytest.Config) -> None:
    """Count in this process, if it runs tests, and tell, if it is the one that prints."""
    plugins = config.pluginmanager
    worker = hasattr(config, "workerinput")
    if not config.option.collectonly and (worker or not _has_workers(config)):
        from otelier.testing.counter import Counter

        plugins.register(_Counting(config, Counter()), _NAME)
    if not worker:
        plugins.register(_Telling(config), _NAME + "-told")


def _has_workers(config: pytest.Config) -> bool:
    """Whether pytest-xdist runs the tests in other processes."""
    return config.getoption("dist", "no") != "no" or bool(config.getoption("tx", None))


class _Counting:
    """In each process that runs tests."""

    def __init__(self, config: pytest.Config, counter: Any) -> None:
        self._config = config
        self._counter = counter

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> None:
        self._counter.begin()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        outcome: Any = yield
        report = outcome.get_result()
        if report.when == "teardown":
            sums = self._counter.told()
            if sums.calls:
                setattr(report, _REPORT, sums.data())

    # Before those who send what a worker hands over, and before the summary.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        late = self._counter.stop().data()
        handed: Any = getattr(self._config, "workeroutput", None)
        if handed is not None:
            handed[_WORKER] = late
        else:
            telling: Any = self._config.pluginmanager.get_plugin(_NAME + "-told")
            telling.late(late)


class _Telling:
    """In the process that prints."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._told = Told()
        self._most: float | None = config.getoption("--otelier-max-cost")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        sums: Mapping[str, Any] | None = getattr(report, _REPORT, None)
        if sums is not None:
            self._told.test(report.nodeid, Sums.of(sums))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        handed = getattr(node, "workeroutput", None)
        if handed is None or _WORKER not in handed:
            self._told.lost += 1
        else:
            self.late(handed[_WORKER])

    def late(self, data: Mapping[str, Any]) -> None:
        """What ended when the reports were made."""
        self._told.after = self._told.after.plus(Sums.of(data))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        passed = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if passed and self._told.above(self._most):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._config.option.collectonly:
            return
        terminalreporter.section("otelier: model calls, tokens and cost")
        each = self._config.getoption("--otelier")
        for line, style in self._told.lines(self._most, each=each):
            terminalreporter.write_line(line, **dict.fromkeys(style, True))
