"""The stack of collector-config/metrics, run with ports and intervals of a test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.backends.programs import program
from tests.backends.running import CONFIGS, free_ports, get, running, until

METRICS = CONFIGS / "metrics"
Answer = Mapping[Any, float]


class Prometheus:
    """Prometheus' query API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def api(self, path: str, **asked: Any) -> Any:
        """The data that a path of the API gives; what it refuses is an error."""
        found = get(f"{self.url}/api/v1/{path}?{urlencode(asked, doseq=True)}")
        assert found is not None, f"Prometheus refuses {path} {asked}"
        return found["data"]

    def query(self, expression: str, *labels: str) -> Answer:
        """Values now, by one label's value or by the values of several."""
        values: dict[Any, float] = {}
        for each in self.api("query", query=expression)["result"]:
            found = tuple(each["metric"].get(label) for label in labels)
            values[found[0] if len(found) == 1 else found] = float(each["value"][1])
        return values

    def soon(self, expression: str, expected: Answer, *labels: str) -> None:
        """What is expected is the answer, as soon as all has been scraped and recorded."""
        last: list[Answer] = []

        def same() -> bool | None:
            last[:] = [self.query(expression, *labels)]
            return True if close(last[0], expected) else None

        try:
            until(same, "an answer")
        except AssertionError:
            raise AssertionError(f"{expression}: {last} is not {expected}") from None


def close(one: Answer, other: Answer) -> bool:
    """Equal but for the order of additions."""
    return one.keys() == other.keys() and all(
        math.isclose(one[key], other[key], rel_tol=1e-9) for key in one
    )


def rendered(source: Path, target: Path, **changes: str) -> None:
    """Copy a file with some texts replaced, each of which it must have."""
    text = source.read_text()
    for old, new in changes.items():
        assert old in text, f"{source} has no {old}"
        text = text.replace(old, new)
    target.write_text(text)


@contextmanager
def prometheus(
    here: Path, metrics: int, telemetry: int, alertmanager: int = 1, **budgets: str
) -> Iterator[Prometheus]:
    """Prometheus with the configuration's files, every interval a second."""
    (here / "rules").mkdir()
    for rules in (METRICS / "rules").glob("*.yaml"):
        changes = {"interval: 1m": "interval: 1s"} if "interval: 1m" in rules.read_text() else {}
        if rules.name == "budgets.yaml":
            changes.update(budgets)
        rendered(rules, here / "rules" / rules.name, **changes)
    changes = {
        "scrape_interval: 15s": "scrape_interval: 1s",
        "evaluation_interval: 1m": "evaluation_interval: 1s",
        "alertmanager:9093": f"127.0.0.1:{alertmanager}",
        "collector:8889": f"127.0.0.1:{metrics}",
        "collector:8888": f"127.0.0.1:{telemetry}",
    }
    rendered(METRICS / "prometheus.yaml", here / "prometheus.yaml", **changes)
    (port,) = free_ports(1)
    command = [
        program("prometheus"),
        f"--config.file={here / 'prometheus.yaml'}",
        f"--storage.tsdb.path={here / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, here, port):
        asked = Prometheus(port)
        until(lambda: get(f"{asked.url}/api/v1/status/buildinfo"), "Prometheus")
        yield asked
