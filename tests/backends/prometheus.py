"""The stack of collector-config/metrics, run with ports and intervals of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.backends.programs import program
from tests.backends.running import CONFIGS, free_ports, get, healthy, running, until
from tests.backends.truth import near

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
            return True if last[0] == near(expected) else None

        try:
            until(same, "an answer")
        except AssertionError:
            raise AssertionError(f"{expression}: {last} is not {expected}") from None


def rendered(source: Path, target: Path, **changes: str) -> None:
    """Copy a file with some texts replaced, each of which it must have."""
    text = source.read_text()
    for old, new in changes.items():
        assert old in text, f"{source} has no {old}"
        text = text.replace(old, new)
    target.write_text(text)


@contextmanager
def prometheus(
    here: Path, targets: dict[str, int], source: Path = METRICS, **budgets: str
) -> Iterator[Prometheus]:
    """Prometheus with a folder's file and the rules, every interval a second.

    ``targets`` are the ports here of the hosts and ports that the file names.
    """
    (here / "rules").mkdir()
    for rules in (METRICS / "rules").glob("*.yaml"):
        changes = {"interval: 1m": "interval: 1s"} if "interval: 1m" in rules.read_text() else {}
        if rules.name == "budgets.yaml":
            changes.update(budgets)
        rendered(rules, here / "rules" / rules.name, **changes)
    changes = {
        "scrape_interval: 15s": "scrape_interval: 1s",
        "evaluation_interval: 1m": "evaluation_interval: 1s",
        **{host: f"127.0.0.1:{port}" for host, port in targets.items()},
    }
    rendered(source / "prometheus.yaml", here / "prometheus.yaml", **changes)
    (port,) = free_ports(1)
    command = [
        program("prometheus"),
        f"--config.file={here / 'prometheus.yaml'}",
        f"--storage.tsdb.path={here / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, here, port):
        asked = Prometheus(port)
        until(lambda: healthy(f"{asked.url}/-/ready"), "Prometheus")
        yield asked
