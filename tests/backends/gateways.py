"""What the tests of collector-config/gateway share: collectors to kill and restart, and spans."""

from __future__ import annotations

import re
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.programs import program
from tests.backends.receiver import Receiver, lasting_port
from tests.backends.running import CONFIGS, get, running, until

HERE = CONFIGS / "gateway"
TOKEN = "t0p-secret"
OTELCOL = program("otelcol")
_SAMPLE = re.compile(r"^(\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)
_STARTS = 3
_DIED = "nil pointer dereference"
# Numbers that no two spans of a run share.
_ids = iter(range(1, 1 << 40))


class Collector:
    """A collector of one of the configurations, with a directory and ports that it keeps."""

    def __init__(self, name: str, config: str, here: Path, **env: Any) -> None:
        self.here = here / name
        self.here.mkdir()
        self.grpc, self.http, self.telemetry, health = (lasting_port() for _ in range(4))
        self.env = {
            "OTLP_GRPC": f"localhost:{self.grpc}",
            "OTLP_HTTP": f"localhost:{self.http}",
            "METRICS_HOST": "localhost",
            "METRICS_PORT": self.telemetry,
            "HEALTH": f"localhost:{health}",
            "STORAGE": self.here / "queue",
            "GATEWAY_TOKEN": TOKEN,
            **env,
        }
        self.health = f"http://localhost:{health}"
        # Later ones change earlier ones.
        self.configs = [HERE / config]
        self._stack = ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **env: Any) -> None:
        """Run it, with other settings where they are given, until it says that it is ready.

        Once more where it died: up to 0.145 a request that comes while it starts may end it
        (opentelemetry-collector#15485), and who runs it in production starts it again, too.
        """
        self.env.update(env)
        command = [OTELCOL, *(word for each in self.configs for word in ("--config", each))]
        for _ in range(_STARTS):
            try:
                self.process = self._stack.enter_context(
                    running(command, self.here, self.http, **self.env)
                )
            except AssertionError:
                if _DIED not in self.log:
                    raise
                continue
            until(self._settled, "its health")
            if self.process.poll() is None:
                return
            assert _DIED in self.log, self.log[-2000:]
            self._stack.close()
        raise AssertionError(f"it died {_STARTS} times")

    def _settled(self) -> bool | None:
        """True once it is ready, or dead."""
        assert self.process is not None
        return self.process.poll() is not None or get(self.health) is not None or None

    def stop(self) -> None:
        """End it as an orchestrator does, with time to finish."""
        self._stack.close()

    def kill(self) -> None:
        """End it at once, as a lack of memory does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._stack.close()

    @property
    def log(self) -> str:
        return (self.here / "otelcol.log").read_text()

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric of its own telemetry over the label sets that have ``label``."""
        url = f"http://localhost:{self.telemetry}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            text = response.read().decode()
        return sum(
            float(found[2])
            for found in _SAMPLE.finditer(text)
            if found[1].removesuffix("_total") == name and label in found[0]
        )


class Site:
    """An agent, gateways with certificates, and what they are told to send to."""

    def __init__(self, here: Path, gateways: int = 1, agent: str = "agent.yaml") -> None:
        self.here = here
        self.certificates = here / "certificates"
        certificates(self.certificates)
        self._stack = ExitStack()
        # A set of backends for each gateway tells which gateway a span came through.
        self.backends = [
            {
                name: self._stack.enter_context(Receiver())
                for name in ("acme", "umbrella", "default")
            }
            for _ in range(gateways)
        ]
        self.gateways = [
            Collector(
                f"gateway-{number}",
                "gateway.yaml",
                here,
                TLS_CERT=self.certificates / "gateway.pem",
                TLS_KEY=self.certificates / "gateway-key.pem",
                # Too long for a test: the root has to be what they go by.
                DECISION_WAIT="300s",
                DECISION_AFTER_ROOT="1s",
                KEEP_PERCENT=100,
                **{f"{name.upper()}_ENDPOINT": each.url for name, each in backends.items()},
            )
            for number, backends in enumerate(self.backends, 1)
        ]
        self.agent = Collector(
            "agent",
            agent,
            here,
            REROUTE_AFTER="2s",
            **{f"GATEWAY_{n}": f"localhost:{each.grpc}" for n, each in enumerate(self.gateways, 1)},
            GATEWAYS="[" + ", ".join(f"localhost:{each.grpc}" for each in self.gateways) + "]",
            GATEWAY_CA=self.certificates / "ca.pem",
        )

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        # It would try for a while to deliver what it has: that is what it is for.
        self.agent.kill()
        for each in self.gateways:
            each.stop()
        self._stack.close()

    def start(self, **env: Any) -> None:
        """Start all, the gateways with these settings."""
        for gateway in self.gateways:
            gateway.start(**env)
        self.agent.start()

    def arrived(self) -> list[dict[str, Any]]:
        """All spans in all backends."""
        return [
            span
            for backends in self.backends
            for backend in backends.values()
            for span in backend.spans()
        ]

    def wait_for(self, ids: Iterable[str]) -> None:
        """Until spans with all of these ids have arrived."""
        wanted = set(ids)
        until(
            lambda: wanted <= {span["span_id"] for span in self.arrived()} or None,
            f"{len(wanted)} spans",
        )


def certificates(into: Path) -> None:
    """Certificates made as the README says."""
    subprocess.run(["sh", HERE / "certificates.sh", into, "localhost"], check=True)


def trace(
    spans: int = 3,
    *,
    tenant: str | None = "acme",
    seconds: float = 0.01,
    error: bool = False,
    **attributes: Any,
) -> list[Span]:
    """A trace of a root and its children, the last of which has the attributes and the error."""
    trace_id = next(_ids).to_bytes(16, "big")
    made: list[Span] = []
    for number in range(spans):
        span = Span(
            trace_id=trace_id,
            span_id=next(_ids).to_bytes(8, "big"),
            parent_span_id=made[0].span_id if made else b"",
            name=f"step {number}",
            start_time_unix_nano=1_780_000_000_000_000_000,
            end_time_unix_nano=1_780_000_000_000_000_000 + int(seconds * 1e9),
        )
        if tenant is not None:
            span.attributes.add(key="otelier.metadata.tenant").value.string_value = tenant
        made.append(span)
    for key, given in attributes.items():
        added = made[-1].attributes.add(key=key.replace("__", ".")).value
        kind = {str: "string_value", int: "int_value", float: "double_value"}[type(given)]
        setattr(added, kind, given)
    if error:
        made[-1].status.code = made[-1].status.STATUS_CODE_ERROR
    return made


def ids(spans: Iterable[Span]) -> set[str]:
    """Their span ids, as backends tell them."""
    return {span.span_id.hex() for span in spans}


def request(spans: Iterable[Span]) -> bytes:
    """An export request."""
    told = ExportTraceServiceRequest()
    told.resource_spans.add().scope_spans.add().spans.extend(spans)
    return told.SerializeToString()


def post(url: str, body: bytes, token: str | None = None, ca: Path | None = None) -> int:
    """Send an export request; the status of the answer."""
    asked = urllib.request.Request(f"{url}/v1/traces", body)
    asked.add_header("Content-Type", "application/x-protobuf")
    if token is not None:
        asked.add_header("Authorization", f"Bearer {token}")
    tls = ssl.create_default_context(cafile=ca) if url.startswith("https") else None
    try:
        with urllib.request.urlopen(asked, timeout=30, context=tls) as response:
            return int(response.status)
    except urllib.error.HTTPError as refused:
        return refused.code
