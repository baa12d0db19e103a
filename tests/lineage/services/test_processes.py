"""Work that is handed to other processes: whose child it is, forked and spawned."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("openai")

from tests.lineage.frameworks.drawing import tree
from tests.lineage.services.sites import APPS, Site, site

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
METHODS = ("fork", "spawn", "forkserver")
BELOW = tree(
    """
    work: invoke_workflow work
      work: chat gpt-4o
    """
)
APART = tree(
    """
    work: invoke_workflow work
    work: chat gpt-4o
    """
)
# These tests are about processes: no request of theirs is shown.
ALONE = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "httpx,httpx2"}


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as made:
        yield made


def who(span: Any) -> tuple[Any, Any]:
    return span.attributes.get("session.id"), span.attributes.get("user.id")


def run(here: Site, *words: str, itself: bool = False, **env: Any) -> str:
    said = here.run(
        f"{APPS}.processes",
        *words,
        *(["itself"] if itself else ()),
        service="work",
        agent=not itself,
        **ALONE,
        **env,
    )
    return said.ends()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["process", "executor"])
def test_a_process(here: Site, how: str, method: str) -> None:
    run(here, how, method)
    assert here.drawn() == BELOW
    # Each process has sent its own.
    assert len(here.receiver.bodies("/v1/traces")) == 2


def test_a_process_of_a_loop(here: Site) -> None:
    run(here, "loop", "spawn")
    assert here.drawn() == BELOW


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("how", ["process", "executor"])
def test_a_program_that_instruments_itself(here: Site, how: str, method: str) -> None:
    run(here, how, method, itself=True)
    assert here.drawn() == BELOW


@pytest.mark.parametrize("method", METHODS)
def test_a_pool(here: Site, method: str) -> None:
    run(here, "pool", method)
    assert here.drawn() == f"{BELOW}\n  work: chat gpt-4o"


WITHOUT = [
    *(("bare", "fork"), ("bare", "spawn"), ("bare", "forkserver")),
    *(("plain", "fork"), ("plain", "spawn"), ("early", "fork"), ("early", "spawn")),
]


@pytest.mark.parametrize(("how", "method"), WITHOUT)
def test_without_a_carrier(here: Site, how: str, method: str) -> None:
    run(here, how, method)
    assert here.drawn() == BELOW
    assert {who(span) for span in here.spans()} == {("s-1", "ada")}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_mapped_without_a_carrier(here: Site, method: str) -> None:
    run(here, "mapped", method)
    assert here.drawn() == BELOW + "\n  work: chat gpt-4o" * 2
    assert {who(span) for span in here.spans()} == {("s-1", "ada")}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_that_began_in_the_work_of_another(here: Site, method: str) -> None:
    run(here, "lasting", method)
    assert here.drawn() == tree(
        """
        work: invoke_workflow other
        work: chat gpt-4o
        work: invoke_workflow work
          work: chat gpt-4o
        """
    )
    alone, asked = [span for span in here.spans() if span.name == "chat gpt-4o"]
    assert (who(alone), who(asked)) == ((None, None), ("s-1", "ada"))


@pytest.mark.parametrize(
    ("how", "method"), [("bare", "fork"), ("bare", "spawn"), ("early", "fork")]
)
def test_without_the_setting(here: Site, how: str, method: str) -> None:
    run(here, how, method, OTELIER_THREADS="false")
    # A fork has what its parent had.
    assert here.drawn() == (BELOW if (how, method) == ("bare", "fork") else APART)
