"""What the tests of collector-config/gateway share: collectors to kill and restart, and spans."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.backends.otlp import add, dotted, span
from tests.backends.receiver import Receiver, lasting_port
from tests.backends.running import CONFIGS, OTELCOL, healthy, opened, running, until

HERE = CONFIGS / "gateway"
TOKEN = "t0p-secret"
_SAMPLE = re.compile(r"^(\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)
_STARTS = 3
_DIED = "nil pointer dereference"
# Seconds: spans that ended.
AGE = 60


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
        """Run it, with other settings this time where they are given, until it is ready.

        Once more where it died: up to 0.145 a request that comes while it starts may end it
        (opentelemetry-collector#15485), and who runs it in production starts it again, too.
        """
        settings = {**self.env, **env}
        command = [OTELCOL, *(word for each in self.configs for word in ("--config", each))]
        for _ in range(_STARTS):
            try:
                self.process = self._stack.enter_context(
                    running(command, self.here, self.http, **settings)
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
        return self.process.poll() is not None or healthy(self.health)

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
        with opened(url) as response:
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
        with ExitStack() as stack:
            # A set of backends for each gateway tells which gateway a span came through.
            self.backends = [
                {name: stack.enter_context(Receiver()) for name in ("acme", "umbrella", "default")}
                for _ in range(gateways)
            ]
            self.gateways = [
                self._gateway(f"gateway-{number}", backends)
                for number, backends in enumerate(self.backends, 1)
            ]
            self.agent = self._agent(agent)
            # The agent first, then the gateways, whichever of them fails.
            for each in self.gateways:
                stack.callback(each.stop)
            # It would try for a while to deliver what it has: that is what it is for.
            stack.callback(self.agent.kill)
            self._stack = stack.pop_all()

    def _gateway(self, name: str, backends: dict[str, Receiver]) -> Collector:
        return Collector(
            name,
            "gateway.yaml",
            self.here,
            TLS_CERT=self.certificates / "gateway.pem",
            TLS_KEY=self.certificates / "gateway-key.pem",
            # Too long for a test: the root has to be what they go by.
            DECISION_WAIT="300s",
            DECISION_AFTER_ROOT="1s",
            KEEP_PERCENT=100,
            **{f"{tenant.upper()}_ENDPOINT": each.url for tenant, each in backends.items()},
        )

    def _agent(self, config: str) -> Collector:
        addresses = [f"localhost:{each.grpc}" for each in self.gateways]
        return Collector(
            "agent",
            config,
            self.here,
            REROUTE_AFTER="2s",
            **{f"GATEWAY_{number}": each for number, each in enumerate(addresses, 1)},
            GATEWAYS=f"[{', '.join(addresses)}]",
            GATEWAY_CA=self.certificates / "ca.pem",
        )

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
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
    made: list[Span] = []
    for number in range(spans):
        above = made[0] if made else None
        made.append(span(f"step {number}", age=AGE, seconds=seconds, within=above))
        if tenant is not None:
            add(made[-1].attributes, {"otelier.metadata.tenant": tenant})
    add(made[-1].attributes, dotted(attributes))
    if error:
        made[-1].status.code = made[-1].status.STATUS_CODE_ERROR
    return made


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def ids(spans: Iterable[Span]) -> set[str]:
    """Their span ids, as backends tell them."""
    return {span.span_id.hex() for span in spans}
