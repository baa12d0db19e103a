"""Programs that run while a test does, on ports of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.backends.programs import ROOT
from tests.backends.truth import Truth

CONFIGS = ROOT / "collector-config"
_PATIENCE = 60.0
_COLLECTORS = ("otelcol", "jaeger")
_STARTED = "Everything is ready"
T = TypeVar("T")


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


def get(url: str) -> Any:
    """The JSON at a URL; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.loads(response.read() or b"null")
    except (OSError, ValueError):
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
            env={**os.environ, **{name: str(value) for name, value in env.items()}},
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


def workload(cwd: Path, endpoint: str, **env: str) -> Truth:
    """Run the program of known traffic under ``opentelemetry-instrument``; its truth."""
    truth = cwd / "truth.json"
    done = subprocess.run(
        [
            Path(sys.executable).parent / "opentelemetry-instrument",
            sys.executable,
            "-m",
            "tests.backends.workload",
            str(truth),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "OTEL_SERVICE_NAME": "workload",
            # The server stands for OpenAI's where the SDK alone does not tell whose it is.
            "OTELIER_PROVIDER_HOSTS": "localhost=openai",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            **env,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Truth(truth)
