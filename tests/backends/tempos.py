"""Tempo's API, and the programs of collector-config/tempo on ports of their own."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.backends.otlp import attributes, plain, post, request, span, spans_of_json
from tests.backends.programs import program
from tests.backends.prometheus import Prometheus, prometheus
from tests.backends.running import (
    CONFIGS,
    Otelcol,
    collector,
    free_ports,
    get,
    healthy,
    running,
    until,
    workload,
)
from tests.backends.truth import Row, Truth

HERE = CONFIGS / "tempo"
TEMPO, PROMETHEUS = program("tempo"), program("prometheus")
LIMIT = 1 << 20
# A prompt of 30 KiB, one that is larger than most, and one beyond Tempo's limit.
LONG = ["ä" * 15360, "x" * 500_000, "y" * (LIMIT + 1)]
LATE = 600
Identity = tuple[int, str, str | None]


class Tempo:
    """A Tempo with ports and a folder that it keeps, its API, and the truth of what was sent."""

    truth: Truth

    def __init__(self, here: Path) -> None:
        self._here = here
        self.port, self._internal, self._otlp = free_ports(3)
        self._url = f"http://127.0.0.1:{self.port}"
        self.otlp = f"127.0.0.1:{self._otlp}"
        self._step = step(int(time.time()))
        self.spans: dict[str, Row] = {}

    @contextmanager
    def run(self) -> Iterator[None]:
        """Run it, and kill it: asked to stop soon after a query, 2.8 waits for ever."""
        settings = {
            "TEMPO_HOST": "127.0.0.1",
            "TEMPO_HTTP_PORT": self.port,
            "TEMPO_GRPC_PORT": self._internal,
            "TEMPO_OTLP_GRPC": self.otlp,
            "TEMPO_DATA": self._here / "tempo",
        }
        command = [TEMPO, f"-config.file={HERE / 'tempo.yaml'}", "-config.expand-env=true"]
        with running(command, self._here, self._otlp, **settings) as process:
            try:
                until(self._ready, "Tempo's answers")
                yield
            finally:
                process.kill()

    def get(self, path: str, **asked: Any) -> Any:
        """What Tempo answers."""
        found = get(f"{self._url}{path}?{urlencode(asked)}")
        assert found is not None, f"Tempo does not answer {path}"
        return found

    def _ready(self) -> bool | None:
        """True once it answers searches and metrics queries: it listens before."""
        now = int(time.time())
        metrics = urlencode({"q": "{} | rate()", "start": now - 60, "end": now, "step": "60s"})
        searched = healthy(f"{self._url}/api/search?q=%7B%7D")
        return searched and healthy(f"{self._url}/api/metrics/query_range?{metrics}")

    def traces(self, query: str, until: float = -60, limit: int = 1000) -> list[Row]:
        """Traces with the spans that a query finds, of the week that ended so many seconds ago."""
        end = int(time.time() - until)
        found = self.get(
            "/api/search", q=query, start=end - 7 * 86400, end=end, limit=limit, spss=1000
        )
        return list(found["traces"])

    def search(self, query: str, until: float = -60) -> list[Row]:
        """The spans that a query finds, with what it selects."""
        return [
            {
                "id": span["spanID"],
                "trace": trace["traceID"].zfill(32),
                **attributes(span.get("attributes", ())),
            }
            for trace in self.traces(query, until)
            # Several, when the trace came in pieces.
            for found in trace["spanSets"]
            for span in found["spans"]
        ]

    def sums(self, query: str) -> dict[Any, float]:
        """What a metrics query gives over 26 hours, by its labels' values.

        Range queries: instant ones, and those whose step is as long as their range, are wrong in
        2.8 (grafana/tempo#5164).
        """
        now = int(time.time())
        asked = {"q": query, "start": now - 26 * 3600, "end": now + 1, "step": f"{self._step}s"}
        found = self.get("/api/metrics/query_range", **asked)
        sums: dict[Any, float] = {}
        for series in found["series"]:
            key = tuple(plain(label["value"]) for label in series["labels"])
            told = [sample["value"] for sample in series["samples"] if "value" in sample]
            # All of the workload is within one step: a mean of means would be none.
            assert len(told) <= 1, series
            sums[key[0] if len(key) == 1 else key] = sum(told)
        return sums

    def load(self) -> None:
        """All spans, whole, by the trace API: to know what a found span is."""
        roots = sorted(
            self.traces("{ span.session.id != nil }"), key=lambda each: each["startTimeUnixNano"]
        )
        for turn, trace in enumerate(roots, 1):
            whole = json.dumps(self.get(f"/api/v2/traces/{trace['traceID']}"))
            for each in spans_of_json(whole):
                self.spans[each["span_id"]] = {
                    **each["attributes"],
                    "turn": turn,
                    "name": each["name"],
                    "parent": each["parent_id"],
                    "trace": each["trace_id"],
                    "seconds": each["seconds"],
                }

    def identities(self, found: list[Row]) -> Counter[Identity]:
        """Which spans were found, so that rows of the truth can be compared."""
        spans = [self.spans[each["id"]] for each in found]
        return Counter((span["turn"], span["name"], span.get("error.type")) for span in spans)

    def turn(self, trace: str) -> Any:
        """Which turn a trace is."""
        return {span["trace"]: span["turn"] for span in self.spans.values()}[trace.zfill(32)]


def step(now: int) -> int:
    """A step of about a day in the middle of whose present interval it is now.

    Intervals begin at multiples of the step.
    """
    steps = range(20 * 3600, 24 * 3600, 60)
    return max(steps, key=lambda seconds: min(now % seconds, seconds - now % seconds))


def send(url: str, name: str, age: float = 0, **attributes: str) -> None:
    """Send one span to the collector."""
    assert post(url, request([span(name, age=age, **attributes)])) == 200


@contextmanager
def beside(here: Path, tempo: Tempo) -> Iterator[tuple[Otelcol, Prometheus]]:
    """The compose file's collector and Prometheus, for a Tempo."""
    page, own = free_ports(2)
    settings = {
        "TEMPO_ENDPOINT": tempo.otlp,
        "PROMETHEUS_ENDPOINT": f"127.0.0.1:{page}",
        "METRICS_PORT": own,
    }
    targets = {"collector:8889": page, "collector:8888": own, "tempo:3200": tempo.port}
    with (
        collector(here, "tempo/collector.yaml", "metrics/from-spans.yaml", **settings) as into,
        prometheus(here, targets, HERE) as asked,
    ):
        yield into, asked


class Stack:
    """The programs of the compose file, on ports of their own, filled by the workload."""

    def __init__(self, here: Path, tempo: Tempo, into: Otelcol, prometheus: Prometheus) -> None:
        self.here, self.tempo, self.into, self.prometheus = here, tempo, into, prometheus

    def fill(self) -> None:
        """Send the workload and some spans besides; wait until all is found."""
        for number, text in enumerate(LONG):
            send(self.into.http, f"long {number}", gen_ai__input__messages=text)
        send(self.into.http, "late", LATE)
        # All spans at once: pieces of a trace are searched in part until their block is complete.
        self.tempo.truth = workload(self.here, self.into.http, OTEL_BSP_SCHEDULE_DELAY="60000")
        self.await_spans()
        self.tempo.load()

    def await_spans(self) -> None:
        """Wait until search and metrics have the workload's spans."""
        wanted, query = len(self.tempo.truth.rows), "{ span.session.id != nil }"
        until(lambda: len(self.tempo.search(query)) == wanted or None, "the spans in Tempo")
        counted = {"count_over_time": wanted}
        query += " | count_over_time()"
        until(lambda: self.tempo.sums(query) == counted or None, "the spans in Tempo's metrics")
