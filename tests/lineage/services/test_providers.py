"""Where a trace leaves for a provider: what HTTP instrumentations send, and what keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("requests")
pytest.importorskip("aiohttp")
pytest.importorskip("opentelemetry.instrumentation.httpx")
pytest.importorskip("opentelemetry.instrumentation.aiohttp_client")

from tests.lineage.frameworks.drawing import tokens, tree
from tests.lineage.services.sites import APPS, Site, site
from tests.servers import Json, Sse
from tests.servers.openai_wire import chat_chunks, chat_message

APP = f"{APPS}.asking"
# By which library the program asks: an SDK over httpx2, or HTTP itself.
WAYS = ("openai", "httpx", "requests", "aiohttp")


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as made:
        yield made


def told(here: Site) -> dict[str, str | None]:
    """The headers that carry a trace, of the one request that the model has had."""
    (request,) = here.model.requests
    names = ("traceparent", "tracestate", "baggage")
    return {name: value for name in names if (value := request.header(name)) is not None}


def host(here: Site) -> str:
    return here.model.url.removeprefix("http://")


def run(here: Site, way: str, **env: Any) -> None:
    here.run(APP, way, service="shop", OTELIER_HTTP="true", **env).ends()


@pytest.mark.parametrize("way", WAYS)
def test_ids_go_to_the_provider(here: Site, way: str) -> None:
    run(here, way)
    # One model call, with its tokens once; the request is beneath it.
    assert here.drawn(tokens) == tree(
        """
        invoke_workflow ask 12+9
          chat gpt-4o 12+9
            POST
        """
    )
    sent = next(span for span in here.spans() if span.name == "POST")
    ids = f"00-{sent.context.trace_id.hex()}-{sent.context.span_id.hex()}-"
    found = told(here)
    # Ids, and nothing of who asks.
    assert found.keys() == {"traceparent"}
    assert (found["traceparent"] or "").startswith(ids)


@pytest.mark.parametrize("way", WAYS)
def test_who_asks_goes_along_with_baggage_alone(here: Site, way: str) -> None:
    run(here, way, OTELIER_BAGGAGE="true")
    found = told(here)
    assert found.keys() == {"traceparent", "baggage"}
    assert "user.id=ada" in (found["baggage"] or "")


@pytest.mark.parametrize("way", WAYS)
def test_a_provider_that_gets_nothing(here: Site, way: str) -> None:
    run(here, way, OTEL_PYTHON_EXCLUDED_URLS=host(here), OTELIER_BAGGAGE="true")
    assert told(here) == {}
    # The request to it has no span either; the call has.
    assert here.drawn(tokens) == tree(
        """
        invoke_workflow ask 12+9
          chat gpt-4o 12+9
        """
    )


def test_only_what_is_listed(here: Site) -> None:
    # The opposite: without HTTP instrumentations nobody gets anything, but for who is listed.
    off = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "httpx,httpx2"}
    run(here, "openai", **off)
    assert told(here) == {}
    here.model.requests.clear()
    run(here, "openai", OTELIER_PROPAGATE=host(here), OTELIER_BAGGAGE="true", **off)
    assert told(here).keys() == {"traceparent"}


def test_listed_and_instrumented(here: Site) -> None:
    # One header, of the request's span.
    run(here, "openai", OTELIER_PROPAGATE=host(here))
    sent = next(span for span in here.spans() if span.name == "POST")
    assert sent.context.span_id.hex() in (told(here)["traceparent"] or "")


def test_an_sdk_that_tries_again(here: Site) -> None:
    here.model.script(Json({"error": {"message": "busy"}}, status=500))
    run(here, "openai_again")
    # One call, with a request for each attempt.
    assert here.drawn(tokens) == tree(
        """
        invoke_workflow ask 12+9
          chat gpt-4o 12+9
            POST !error
            POST
        """
    )


def test_calls_side_by_side(here: Site) -> None:
    run(here, "openai_async")
    assert here.drawn(tokens) == tree(
        """
        invoke_workflow ask 24+18
          chat gpt-4o 12+9
            POST
          chat gpt-4o 12+9
            POST
        """
    )


def test_a_request_while_a_stream_is_read(here: Site) -> None:
    here.model.route("/chat/completions", Sse(chat_chunks(chat_message("one two three"))))
    here.model.route("/elsewhere", Json({}))
    run(here, "openai_streamed")
    # What the reader asks is the reader's: the stream is not current in its loop.
    assert here.drawn() == tree(
        """
        shop: invoke_workflow ask
          shop: chat gpt-4o
            shop: POST
          shop: GET
        """
    )
