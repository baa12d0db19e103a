"""Programs that run while a test does, on ports of their own."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError

from tests.backends.programs import ROOT, program
from tests.backends.truth import Truth
from tests.settings import bending

CONFIGS = ROOT / "collector-config"
OTELCOL = program("otelcol")
_PATIENCE = 60.0
_COLLECTORS = ("otelcol", "jaeger")
_STARTED = "Everything is ready"
AGENT = Path(sys.executable).parent / "opentelemetry-instrument"
# What otelier says where spans, metrics or events find no taker.
LOST = "telemetry cannot be sent"
T = TypeVar("T")


def environment(**more: Any) -> dict[str, str]:
    """This process' environment without what bends a run, and with more."""
    left_out = set(bending(network=True))
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, **{name: str(value) for name, value in more.items()}}


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def until(look: Callable[[], T | None], what: str) -> T:
    """What ``look`` gives, asked until it is something."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def opened(
    asked: str | urllib.request.Request, timeout: float = 30, tls: ssl.SSLContext | None = None
) -> HTTPResponse:
    """The answer to a request, which goes through no proxy."""
    handlers: list[Any] = [urllib.request.ProxyHandler({})]
    if tls is not None:
        handlers.append(urllib.request.HTTPSHandler(context=tls))
    answer: HTTPResponse = urllib.request.build_opener(*handlers).open(asked, timeout=timeout)
    return answer


def get(url: str) -> Any:
    """The JSON at a URL; None while nobody listens or connections are cut, and only then."""
    try:
        with opened(url) as response:
            return json.loads(response.read() or b"null")
    except HTTPError as refused:
        said = refused.read().decode(errors="replace")
        raise AssertionError(f"{url} answers {refused.code}: {said}") from None
    except (URLError, ConnectionError, TimeoutError) as problem:
        if isinstance(getattr(problem, "reason", problem), ConnectionError):
            return None
        raise AssertionError(f"{url}: {problem}") from None


def healthy(url: str) -> bool | None:
    """True once a URL answers 200: programs that listen already may say that they still start."""
    try:
        with opened(url) as response:
            return response.status == 200 or None
    except (URLError, ConnectionError):
        return None


def listening(port: int) -> bool | None:
    """True once somebody listens."""
    with socket.socket() as tried:
        tried.settimeout(1)
        return True if tried.connect_ex(("127.0.0.1", port)) == 0 else None


@contextmanager
def running(
    command: list[Any], cwd: Path, ready: int, **env: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block is left; ``ready`` is the port that it opens."""
    log = cwd / f"{Path(str(command[0])).name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=environment(**env),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            until(lambda: process.poll() is not None or listening(ready), f"port {ready}")
            if log.stem in _COLLECTORS:
                # They listen before all of their parts have started, and can then fall over.
                until(
                    lambda: process.poll() is not None or _STARTED in log.read_text() or None,
                    _STARTED,
                )
            assert process.poll() is None, log.read_text()[-2000:]
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


@dataclass
class Otelcol:
    """A running collector: where it takes OTLP, and what it says."""

    http: str
    grpc: str
    process: subprocess.Popen[bytes]
    _log: Path

    @property
    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.wait()


@contextmanager
def collector(here: Path, *configs: str | Path, **env: Any) -> Iterator[Otelcol]:
    """A collector of files of ``collector-config``, or others; later ones change earlier ones."""
    grpc, http, telemetry, health = free_ports(4)
    settings = {
        "OTLP_GRPC": f"127.0.0.1:{grpc}",
        "OTLP_HTTP": f"127.0.0.1:{http}",
        "METRICS_PORT": telemetry,
        "HEALTH": f"127.0.0.1:{health}",
        **env,
    }
    command = [OTELCOL, *(word for each in configs for word in ("--config", CONFIGS / each))]
    with running(command, here, http, **settings) as process:
        addresses = (f"http://127.0.0.1:{port}" for port in (http, grpc))
        yield Otelcol(*addresses, process, here / "otelcol.log")


def instrumented(module: str, *words: Any, endpoint: str, **env: Any) -> None:
    """Run a module under ``opentelemetry-instrument``, which sends to an endpoint."""
    settings = {
        "OTEL_SERVICE_NAME": module.rpartition(".")[2],
        # The server stands for OpenAI's where the SDK alone does not tell whose it is.
        "OTELIER_PROVIDER_HOSTS": "localhost=openai",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        **env,
    }
    done = subprocess.run(
        [AGENT, sys.executable, "-m", module, *(str(word) for word in words)],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 and LOST not in done.stderr, done.stderr


def workload(cwd: Path, endpoint: str, **env: Any) -> Truth:
    """Run the program of known traffic under ``opentelemetry-instrument``; its truth."""
    truth = cwd / "truth.json"
    instrumented("tests.backends.workload", truth, endpoint=endpoint, **env)
    return Truth(truth)
