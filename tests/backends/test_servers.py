"""Servers that are told to end by SIGTERM, as each deployment does: what was finished arrives.

Rows of the table of faults in collector-config/README.md, as tests/backends/test_faults.py has.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.faulty import Model, arrived, as_promised
from tests.backends.programs import ROOT
from tests.backends.receiver import Receiver
from tests.backends.running import AGENT, environment, free_ports, until

CALLS = 50
ASGI, WSGI = "tests.backends.served:served", "tests.backends.served:application"
# PORT is a free one.
SERVERS: dict[str, tuple[str, ...]] = {
    "uvicorn": ("uvicorn", ASGI, "--port", "PORT"),
    "uvicorn, two workers": ("uvicorn", ASGI, "--port", "PORT", "--workers", "2"),
    "gunicorn": ("gunicorn", WSGI, "-b", "127.0.0.1:PORT"),
    "gunicorn, threads": ("gunicorn", WSGI, "-b", "127.0.0.1:PORT", "--threads", "2"),
    "gunicorn with uvicorn's workers": (
        *("gunicorn", ASGI, "-b", "127.0.0.1:PORT"),
        *("-k", "uvicorn.workers.UvicornWorker"),
    ),
    "hypercorn": ("hypercorn", ASGI, "-b", "127.0.0.1:PORT"),
    "hypercorn, two workers": ("hypercorn", ASGI, "-b", "127.0.0.1:PORT", "-w", "2"),
    "granian": ("granian", "--interface", "asgi", ASGI, "--port", "PORT"),
    "granian, two workers": (
        *("granian", "--interface", "asgi", ASGI, "--port", "PORT"),
        *("--workers", "2"),
    ),
}


class Served:
    """What a server has finished."""

    def __init__(self) -> None:
        self.finished: list[str] = []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as here:
        yield here


@contextlib.contextmanager
def running(
    here: Path, receiver: Receiver, command: list[str], **env: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A command, whose spans are sent in batches of 30 and what is left in a minute."""
    log = here / "log"
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": 60_000,
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 30,
        "C_FORCE_ROOT": "1",
        **env,
    }
    with Model() as model, log.open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(MODEL=model.url + "/v1", **settings),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            # Its workers, too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            print(log.read_text()[-4000:])


def ended(process: subprocess.Popen[bytes]) -> None:
    """Tell it to end, and wait until it has."""
    process.terminate()
    process.wait(60)


def asked(url: str, process: subprocess.Popen[bytes]) -> list[str] | None:
    """The ids that a server answers with, once it does."""
    assert process.poll() is None, "the server has ended"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            found: list[str] = json.load(answer)["ids"]
            return found
    except urllib.error.URLError:
        return None


@pytest.mark.parametrize("itself", [False, True], ids=["agent", "itself"])
@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_told_to_end(
    tmp_path: Path, receiver: Receiver, name: str, itself: bool
) -> None:
    module, *given = SERVERS[name]
    pytest.importorskip(module)
    if "uvicorn.workers" in str(given):
        pytest.importorskip("uvicorn.workers")
    (port,) = free_ports(1)
    program = [sys.executable, "-m", module, *(each.replace("PORT", str(port)) for each in given)]
    env = {"INSTRUMENT": "1"} if itself else {}
    server = Served()
    with running(
        tmp_path, receiver, program if itself else [str(AGENT), *program], **env
    ) as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: asked(url, process), "the server")
        if module == "granian":
            # It waits without end for a worker that it tells to end before that has started.
            workers = 2 if "two" in name else 1
            log = tmp_path / "log"
            until(lambda: log.read_text().count("Started worker") == workers or None, "workers")
        for _ in range(CALLS // 10):
            ids = asked(f"{url}/10", process)
            assert ids
            server.finished += ids
        ended(process)
        as_promised(name, server, receiver)
        assert len(receiver.spans()) == len(arrived(receiver))


def test_a_worker_of_celery_that_is_told_to_end(tmp_path: Path, receiver: Receiver) -> None:
    pytest.importorskip("celery")
    finished = tmp_path / "finished"
    finished.touch()
    folder = tmp_path / "messages"
    folder.mkdir()
    env = {"FOLDER": folder, "FINISHED": finished}
    celery = [sys.executable, "-m", "celery", "-A", "tests.backends.served"]
    worker = [str(AGENT), *celery, "worker", "-c", "2"]
    server = Served()
    with running(tmp_path, receiver, worker, **env) as process:
        for _ in range(CALLS // 10):
            subprocess.run(
                [*celery, "call", "served.work", "--args=[10]"],
                cwd=ROOT,
                env=environment(**env),
                check=True,
                capture_output=True,
            )
        until(lambda: len(finished.read_text().split()) == CALLS or None, "the tasks")
        ended(process)
        server.finished = finished.read_text().split()
        as_promised("Celery", server, receiver)
