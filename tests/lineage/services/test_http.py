"""Services that ask each other by HTTP: one request, one trace, whichever server and worker."""

from __future__ import annotations

import http.client
import json
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("requests")
pytest.importorskip("opentelemetry.instrumentation.fastapi")
pytest.importorskip("opentelemetry.instrumentation.httpx")

from tests.backends.running import free_ports, listening, opened, until
from tests.lineage.frameworks.drawing import tree
from tests.lineage.services.sites import APPS, Program, Site, answered, is_event, site
from tests.servers import Gate, Json, Recorded, Sse
from tests.servers.openai_wire import chat_chunks, chat_message

SERVERS = {
    "uvicorn": ("uvicorn", "APP", "--port", "PORT"),
    "uvicorn, two workers": (
        *("uvicorn", "APP", "--port", "PORT", "--workers", "2"),
        # On a busy machine they start in more than its 5 s, after which it begins anew, for ever.
        *("--timeout-worker-healthcheck", "60"),
    ),
    "gunicorn": (
        *("gunicorn", "APP", "-b", "127.0.0.1:PORT", "-k", "uvicorn.workers.UvicornWorker"),
        *("-w", "2"),
    ),
}
WSGI = {
    "gunicorn, WSGI": ("gunicorn", "APP", "-b", "127.0.0.1:PORT", "--threads", "2"),
    "gunicorn, preloaded": ("gunicorn", "APP", "-b", "127.0.0.1:PORT", "--preload", "-w", "2"),
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


def serve(
    here: Site,
    app: str,
    service: str,
    server: str = "uvicorn",
    module: str = "research",
    **env: Any,
) -> Served:
    command = {**SERVERS, **WSGI}[server]
    pytest.importorskip(command[0])
    (port,) = free_ports(1)
    named = {"APP": f"{APPS}.{module}:{app}", "PORT": str(port)}
    words = [each.replace("PORT", named["PORT"]).replace("APP", named["APP"]) for each in command]
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


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
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


def test_whose_request_it_is(here: Site) -> None:
    front = two(here, OTELIER_BAGGAGE="true")
    front.get("/research", question="tea", user="grace")
    over(here)
    told = {
        (span.service, span.attributes.get("user.id"), span.attributes.get("session.id"))
        for span in here.spans()
        if not is_event(span) and span.name != "GET /research"
    }
    assert told == {("front", "grace", "s-grace"), ("archive", "grace", "s-grace")}


def test_many_users_at_once(here: Site) -> None:
    front = two(here, "uvicorn, two workers", OTELIER_BAGGAGE="true")
    users = [f"user {number}" for number in range(20)]
    with ThreadPoolExecutor(len(users)) as asking:
        list(asking.map(lambda each: front.get("/research", question=each, user=each), users))
    over(here)
    assert here.drawn() == "\n".join([TWO] * len(users))
    traces: dict[bytes, set[Any]] = {}
    for span in here.spans():
        who = traces.setdefault(span.context.trace_id, set())
        if span.name == "chat gpt-4o":
            assert span.attributes["user.id"] in span.attributes["gen_ai.input.messages"]
            who.add(span.attributes["user.id"])
    assert sorted(who.pop() for who in traces.values() if len(who) == 1) == sorted(users)


@pytest.mark.parametrize("server", SERVERS)
def test_a_stream_whose_client_goes_half_way(here: Site, server: str) -> None:
    gate = Gate(hold_after=4)
    chunks = chat_chunks(chat_message("one two three four five six"))
    here.model.script(Sse(chunks, gate=gate))
    front = serve(here, "app", "front", server)
    connection = http.client.HTTPConnection("127.0.0.1", front.port)
    connection.request("GET", "/stream?question=count")
    answer = connection.getresponse()
    assert answer.read(1)
    connection.sock.close() if connection.sock else None
    answer.close()
    connection.close()
    # The model is left as well: that it is gone shows in its connection.
    gate.reached.wait(60)
    assert here.model.wait_aborts(1)
    over(here)
    # Nobody has failed.
    assert here.drawn() == tree(
        """
        front: GET /stream
          front: invoke_agent narrator
            front: chat gpt-4o
              front: POST
        """
    )
    by_name = {span.name: span.attributes for span in here.spans()}
    assert by_name["invoke_agent narrator"]["otelier.stream.end"] == "cancelled"
    assert by_name["chat gpt-4o"]["otelier.stream.end"] in ("closed", "cancelled")
    assert by_name["chat gpt-4o"]["session.id"] == "s-stream"


def streaming(request: Recorded) -> Json | Sse:
    if request.json().get("stream"):
        return Sse(chat_chunks(chat_message("at four")))
    return answered(str)(request)


def held(gate: Gate) -> Callable[[Recorded], Json]:
    """Answers that wait for a gate."""

    def answer(request: Recorded) -> Json:
        assert gate.opened.wait(60)
        return answered(str)(request)

    return answer


def test_a_task_that_outlives_its_request(here: Site) -> None:
    front = serve(here, "app", "front")
    gate = Gate()
    here.model.route("/chat/completions", held(gate))
    assert front.get("/later", question="tea") == {"answer": "later"}
    # The request is over, its task is not.
    gate.open()
    front.program.says("learned")
    over(here)
    assert here.drawn() == tree(
        """
        front: GET /later
          front: learn
            front: chat gpt-4o
              front: POST
        """
    )


def test_a_background_task_of_fastapi(here: Site) -> None:
    front = serve(here, "app", "front")
    front.get("/background", question="tea")
    front.program.says("learned")
    over(here)
    assert here.drawn() == tree(
        """
        front: GET /background
          front: BackgroundTask learn
            front: learn
              front: chat gpt-4o
                front: POST
        """
    )


@pytest.mark.parametrize("itself", [False, True], ids=["agent", "itself"])
def test_threads_of_a_request(here: Site, itself: bool) -> None:
    own: dict[str, Any] = {"agent": False, "INSTRUMENT": "1"} if itself else {}
    front = serve(here, "app", "front", **own)
    front.get("/threads", question="tea")
    front.get("/def", question="tea")
    over(here)
    assert here.drawn() == tree(
        """
        front: GET /threads
          front: invoke_workflow threads
            front: chat gpt-4o
              front: POST
            front: chat gpt-4o
              front: POST
            front: chat gpt-4o
              front: POST
        front: GET /def
          front: chat gpt-4o
            front: POST
        """
    )


def test_otelier_run_starts_the_same(here: Site, tmp_path: Path) -> None:
    run = f"{sys.executable} -m otelier.cli run --no-tree --file {tmp_path / 't.jsonl'}"
    front = two(here, agent=run)
    front.get("/research", question="tea")
    over(here)
    assert here.drawn() == TWO


@pytest.mark.parametrize(
    ("server", "itself"), list(zip(WSGI, (False, True), strict=True)), ids=["agent", "itself"]
)
def test_a_stream_of_flasks(here: Site, server: str, itself: bool) -> None:
    pytest.importorskip("opentelemetry.instrumentation.flask")
    own: dict[str, Any] = {"agent": False, "INSTRUMENT": "1"} if itself else {}
    second = serve(here, "archive", "archive", **own)
    here.model.route("/chat/completions", streaming)
    desk = serve(here, "app", "desk", server, "desk", ARCHIVE=second.url, **own)
    with opened(f"{desk.url}/ask?question=tea") as answer:
        assert answer.read() == b"at four"
    over(here)
    assert here.drawn() == tree(
        """
        desk: GET /ask
          desk: invoke_agent clerk
            desk: execute_tool look_up
              desk: GET
                archive: GET /documents
                  archive: retrieval archive
                  archive: chat gpt-4o
                    archive: POST
            desk: chat gpt-4o
              desk: POST
        """
    )
