"""Services that ask each other by HTTP: one request, one trace, whichever server and worker."""

from __future__ import annotations

import http.client
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("requests")
pytest.importorskip("opentelemetry.instrumentation.fastapi")
pytest.importorskip("opentelemetry.instrumentation.httpx")

from tests.backends.running import free_ports, listening, opened, until
from tests.lineage.frameworks.drawing import tree
from tests.lineage.services.sites import APPS, Program, Site, site
from tests.servers import Gate, Sse
from tests.servers.openai_wire import chat_chunks, chat_message

SERVERS = {
    "uvicorn": ("uvicorn", "APP", "--port", "PORT"),
    "uvicorn, two workers": ("uvicorn", "APP", "--port", "PORT", "--workers", "2"),
    "gunicorn": (
        *("gunicorn", "APP", "-b", "127.0.0.1:PORT", "-k", "uvicorn.workers.UvicornWorker"),
        *("-w", "2"),
    ),
}


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as made:
        yield made


class Served:
    """A server that runs."""

    def __init__(self, program: Program, port: int) -> None:
        self.program = program
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **asked: str) -> Any:
        with opened(f"{self.url}{path}?{urllib.parse.urlencode(asked)}") as answer:
            return json.loads(answer.read())


def serve(here: Site, app: str, service: str, server: str = "uvicorn", **env: Any) -> Served:
    pytest.importorskip(SERVERS[server][0])
    (port,) = free_ports(1)
    named = {"APP": f"{APPS}.research:{app}", "PORT": str(port)}
    words = [
        each.replace("PORT", named["PORT"]).replace("APP", named["APP"])
        for each in SERVERS[server]
    ]
    program = here.run(*words, service=service, **env)
    until(lambda: listening(port) if program.process.poll() is None else True, "the server")
    assert program.process.poll() is None, program.said
    return Served(program, port)


TWO = tree(
    """
    front: GET /research
      front: invoke_agent researcher
        front: chat gpt-4o
          front: POST
        front: execute_tool look_up
          front: GET
            archive: GET /documents
              archive: retrieval archive
              archive: chat gpt-4o
                archive: POST
        front: chat gpt-4o
          front: POST
    """
)


def two(here: Site, server: str = "uvicorn", **env: Any) -> Served:
    """Two services; the first of them, with both ended at the end of the test."""
    second = serve(here, "archive", "archive", server, **env)
    return serve(here, "app", "front", server, ARCHIVE=second.url, **env)


def over(here: Site) -> None:
    """All servers end, and send what they have."""
    for each in here.programs:
        each.stop()


@pytest.mark.parametrize("server", SERVERS)
def test_two_services(here: Site, server: str) -> None:
    front = two(here, server)
    front.get("/research", question="tea")
    over(here)
    assert here.drawn() == TWO


@pytest.mark.parametrize("server", SERVERS)
def test_two_services_that_instrument_themselves(here: Site, server: str) -> None:
    front = two(here, server, agent=False, INSTRUMENT="1")
    front.get("/research", question="tea")
    over(here)
    assert here.drawn() == TWO


def test_two_services_by_requests(here: Site) -> None:
    front = two(here, CLIENT="requests")
    front.get("/research", question="tea")
    over(here)
    assert here.drawn() == TWO
