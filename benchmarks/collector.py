"""How many spans a second one collector takes here, and where it breaks: ``make bench-collector``.

Spans of a chat with 4 KiB of messages are posted at rates that rise until the collector cannot
follow, to each of two configurations: ``gateway/agent.yaml`` (a queue on disk) before a gateway
that is not judged, and ``gateway/gateway.yaml`` (TLS, tail sampling, queues) before a backend that
only answers. Numbers are the collector's own. They are read with the machine in mind: the sender
has its part of the same processors.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from ssl import create_default_context

from tests.backends.gateways import TOKEN, Collector, bearer, certificates, trace
from tests.backends.otlp import add, request
from tests.backends.programs import program
from tests.backends.receiver import Receiver

SECONDS = 8
RATES = (500, 1000, 2000, 4000, 8000, 16000, 32000)
BATCH = 256
TEXT = "Where is the blue parcel? " * 80
SENDERS = 4


class Sink(Receiver):
    """A backend that takes all and looks at nothing."""

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, float | None]:
        return 200, None


def batch() -> bytes:
    """A request of spans with real-size messages, in traces of four."""
    spans = [
        span for _ in range(BATCH // 4) for span in trace(4, tenant=None, gen_ai__usage__cost=0.01)
    ]
    for span in spans:
        add(span.attributes, {"gen_ai.input.messages": TEXT, "gen_ai.output.messages": TEXT})
    return request(spans)


class Load:
    """Posts batches at a rate."""

    def __init__(self, port: int, ca: Path | None) -> None:
        self._port = port
        self._context = create_default_context(cafile=ca) if ca else None
        self.accepted = self.refused = 0
        self._lock = threading.Lock()

    def _connect(self) -> HTTPConnection:
        if self._context is None:
            return HTTPConnection("localhost", self._port, timeout=30)
        return HTTPSConnection("localhost", self._port, timeout=30, context=self._context)

    def run(self, rate: int, seconds: float) -> None:
        """Offer so many spans a second; what was taken and refused is added up."""
        self.accepted = self.refused = 0
        end = time.monotonic() + seconds
        senders = [
            threading.Thread(target=self._send, args=(rate / SENDERS, end)) for _ in range(SENDERS)
        ]
        for each in senders:
            each.start()
        for each in senders:
            each.join()

    def _send(self, rate: float, end: float) -> None:
        connection = self._connect()
        headers = {"Content-Type": "application/x-protobuf", **bearer(TOKEN)}
        due = time.monotonic()
        while time.monotonic() < end:
            # New ids each time: tail sampling counts traces.
            body = batch()
            due += BATCH / rate
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                connection.request("POST", "/v1/traces", body, headers)
                answer = connection.getresponse()
                answer.read()
                taken = answer.status == 200
            except (OSError, HTTPException):
                connection.close()
                taken = False
            with self._lock:
                if taken:
                    self.accepted += BATCH
                else:
                    self.refused += BATCH


def used(collector: Collector) -> tuple[float, float]:
    """Processor seconds and resident MiB of a collector."""
    assert collector.process is not None
    stat = Path(f"/proc/{collector.process.pid}/stat").read_text().rpartition(")")[2].split()
    pages = int(Path(f"/proc/{collector.process.pid}/statm").read_text().split()[1])
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    return (int(stat[11]) + int(stat[12])) / ticks, pages * page / (1 << 20)


def steps(
    name: str,
    collector: Collector,
    load: Load,
    rates: tuple[int, ...] = RATES,
    seconds: float = SECONDS,
) -> None:
    """Raise the rate until less than nine tenths are taken."""
    print(f"{name}\n{'offered/s':>10} {'taken/s':>9} {'refused':>8} {'cpu':>6} {'MiB':>6}")
    for rate in rates:
        before, _ = used(collector)
        started = time.monotonic()
        load.run(rate, seconds)
        took = time.monotonic() - started
        after, memory = used(collector)
        taken = load.accepted / took
        cpu = (after - before) / took
        print(f"{rate:>10} {taken:>9.0f} {load.refused:>8} {cpu:>6.2f} {memory:>6.0f}", flush=True)
        if taken < 0.9 * rate:
            break


@contextmanager
def gateway(here: Path) -> Iterator[tuple[Collector, Path]]:
    """A gateway before a backend that takes all."""
    keys = here / "keys"
    certificates(keys)
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        made = Collector(
            "gateway",
            "gateway.yaml",
            here,
            TLS_CERT=keys / "gateway.pem",
            TLS_KEY=keys / "gateway-key.pem",
            **{f"{name}_ENDPOINT": sink.url for name in ("ACME", "UMBRELLA", "DEFAULT")},
        )
        made.start()
        stack.callback(made.stop)
        yield made, keys / "ca.pem"


def main() -> int:
    if program("otelcol") is None:
        print("bench-collector: no collector: make backends")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        with gateway(here) as (behind, ca):
            steps("gateway.yaml", behind, Load(behind.http, ca))
        second = here / "second"
        second.mkdir()
        with gateway(second) as (behind, ca):
            gateways = f"[localhost:{behind.grpc}]"
            agent = Collector("agent", "agent.yaml", here, GATEWAYS=gateways, GATEWAY_CA=ca)
            agent.start()
            try:
                steps("agent.yaml", agent, Load(agent.http, None))
            finally:
                agent.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
