"""Tempo's API, and the programs of collector-config/tempo on ports of their own."""

from __future__ import annotations

import base64
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.backends.programs import program
from tests.backends.running import CONFIGS, free_ports, get, running, until, workload
from tests.backends.truth import Row, Truth

HERE = CONFIGS / "tempo"
TEMPO, OTELCOL, PROMETHEUS = program("tempo"), program("otelcol"), program("prometheus")
LIMIT = 1 << 20
# A prompt of 30 KiB, one that is larger than most, and one beyond Tempo's limit.
LONG = ["ä" * 15360, "x" * 500_000, "y" * (LIMIT + 1)]
LATE = 600
Identity = tuple[int, str, str | None]


class Tempo:
    """Tempo's API, and the truth of what was sent."""

    truth: Truth

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self.spans: dict[str, Row] = {}

    def get(self, path: str, **asked: Any) -> Any:
        """What Tempo answers; None while it does not."""
        return get(f"{self._url}{path}?{urlencode(asked)}")

    def traces(self, query: str, until: float = -60, limit: int = 1000) -> list[Row]:
        """Traces with the spans that a query finds, of the week that ended so many seconds ago."""
        end = int(time.time() - until)
        found = self.get(
            "/api/search", q=query, start=end - 7 * 86400, end=end, limit=limit, spss=1000
        )
        return [] if found is None else list(found["traces"])

    def search(self, query: str, until: float = -60) -> list[Row]:
        """The spans that a query finds, with what it selects."""
        return [
            {"id": span["spanID"], "trace": trace["traceID"].zfill(32), **attributes(span)}
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
        asked = {"q": query, "start": now - 26 * 3600, "end": now + 1, "step": f"{step(now)}s"}
        found = self.get("/api/metrics/query_range", **asked)
        sums: dict[Any, float] = {}
        for series in [] if found is None else found["series"]:
            key = tuple(value(label["value"]) for label in series["labels"])
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
            whole = self.get(f"/api/v2/traces/{trace['traceID']}")["trace"]
            for resource in whole["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        self.spans[hexed(span["spanId"])] = {
                            **attributes(span),
                            "turn": turn,
                            "name": span["name"],
                            "parent": hexed(span.get("parentSpanId", "")),
                            "trace": trace["traceID"].zfill(32),
                            "seconds": (
                                int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
                            )
                            / 1e9,
                        }

    def identities(self, found: list[Row]) -> Counter[Identity]:
        """Which spans were found, so that rows of the truth can be compared."""
        spans = [self.spans[each["id"]] for each in found]
        return Counter((span["turn"], span["name"], span.get("error.type")) for span in spans)

    def turn(self, trace: str) -> Any:
        """Which turn a trace is."""
        return {span["trace"]: span["turn"] for span in self.spans.values()}[trace.zfill(32)]


def step(now: int) -> int:
    """A step of about a day whose present interval began before the workload."""
    return next(hours * 3600 for hours in (23, 22, 21) if now % (hours * 3600) > 1800)


def hexed(encoded: str) -> str:
    """An id of OTLP JSON as Tempo's search writes it."""
    return base64.b64decode(encoded).hex()


def value(told: Row) -> Any:
    """A value of OTLP JSON."""
    ((kind, found),) = told.items()
    return int(found) if kind == "intValue" else found


def attributes(span: Row) -> Row:
    """A span's attributes."""
    return {each["key"]: value(each["value"]) for each in span.get("attributes", ())}


def send(port: int, name: str, seconds_ago: float = 0, **attributes: str) -> None:
    """Send one span to the collector."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.trace_id, span.span_id = name, name.encode().rjust(16, b"0"), b"12345678"
    span.end_time_unix_nano = int((time.time() - seconds_ago) * 1e9)
    span.start_time_unix_nano = span.end_time_unix_nano - 1_000_000
    for key, text in attributes.items():
        attribute = span.attributes.add(key=key.replace("__", "."))
        attribute.value.string_value = text
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces",
        request.SerializeToString(),
        {"content-type": "application/x-protobuf"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200


def prometheus_files(here: Path, targets: dict[str, int]) -> Path:
    """prometheus.yaml with these ports, and the rules beside it as the compose file mounts them."""
    text = (
        (HERE / "prometheus.yaml")
        .read_text()
        .replace("scrape_interval: 15s", "scrape_interval: 1s")
    )
    for host, port in targets.items():
        assert host in text
        text = text.replace(host, f"127.0.0.1:{port}")
    (here / "rules").symlink_to(CONFIGS / "metrics" / "rules")
    rendered = here / "prometheus.yaml"
    rendered.write_text(text)
    return rendered


class Stack:
    """The programs of the compose file, on ports of their own, filled by the workload."""

    def __init__(self, here: Path) -> None:
        ports = free_ports(9)
        http, grpc, self.otlp, into_grpc, self.into, health, page, own, self.prometheus = ports
        self.here = here
        self.environment = {
            "TEMPO_HOST": "127.0.0.1",
            "TEMPO_HTTP_PORT": http,
            "TEMPO_GRPC_PORT": grpc,
            "TEMPO_OTLP_GRPC": f"127.0.0.1:{self.otlp}",
            "TEMPO_DATA": here / "data",
            "OTLP_GRPC": f"127.0.0.1:{into_grpc}",
            "OTLP_HTTP": f"127.0.0.1:{self.into}",
            "HEALTH": f"127.0.0.1:{health}",
            "TEMPO_ENDPOINT": f"127.0.0.1:{self.otlp}",
            "PROMETHEUS_ENDPOINT": f"127.0.0.1:{page}",
            "TELEMETRY_HOST": "127.0.0.1",
            "TELEMETRY_PORT": own,
        }
        targets = {"collector:8889": page, "collector:8888": own, "tempo:3200": http}
        self._rules = prometheus_files(here, targets)
        self.tempo = Tempo(http)

    @contextmanager
    def run_tempo(self) -> Iterator[None]:
        """Run Tempo, and kill it: asked to stop soon after a query, 2.8 waits for ever."""
        command = [TEMPO, f"-config.file={HERE / 'tempo.yaml'}", "-config.expand-env=true"]
        with running(command, self.here, self.otlp, **self.environment) as process:
            try:
                yield
            finally:
                process.kill()

    @contextmanager
    def run_others(self) -> Iterator[None]:
        """Run the collector and Prometheus."""
        collector = [OTELCOL, "--config", HERE / "collector.yaml"]
        collector += ["--config", CONFIGS / "metrics" / "from-spans.yaml"]
        prometheus = [
            PROMETHEUS,
            f"--config.file={self._rules}",
            f"--storage.tsdb.path={self.here / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.prometheus}",
        ]
        with (
            running(collector, self.here, self.into, **self.environment),
            running(prometheus, self.here, self.prometheus),
        ):
            yield

    def fill(self) -> None:
        """Send the workload and some spans besides; wait until all is found."""
        for number, text in enumerate(LONG):
            send(self.into, f"long {number}", gen_ai__input__messages=text)
        send(self.into, "late", LATE)
        # All spans at once: pieces of a trace are searched in part until their block is complete.
        self.tempo.truth = workload(
            self.here, f"http://127.0.0.1:{self.into}", OTEL_BSP_SCHEDULE_DELAY="60000"
        )
        self.await_spans()
        self.tempo.load()

    def await_spans(self) -> None:
        """Wait until search and metrics have the workload's spans."""
        wanted, query = len(self.tempo.truth.rows), "{ span.session.id != nil }"
        until(lambda: len(self.tempo.search(query)) == wanted or None, "the spans in Tempo")
        counted = {"count_over_time": wanted}
        query += " | count_over_time()"
        until(lambda: self.tempo.sums(query) == counted or None, "the spans in Tempo's metrics")
