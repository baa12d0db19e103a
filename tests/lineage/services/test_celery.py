"""Workers of Celery's: who asks for the work, the task, and its model calls are one trace."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("celery")
pytest.importorskip("redis")
pytest.importorskip("opentelemetry.instrumentation.celery")

from tests.backends.running import free_ports, listening, until
from tests.lineage.frameworks.drawing import tree
from tests.lineage.services.sites import APPS, Program, Site, site
from tests.servers import Json

APP = f"{APPS}.sentiment"
REDIS = pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server")


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server on a free port: its address."""
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("redis")
    command = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--databases",
        "100",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "--dir", str(folder)], stdout=log, stderr=log)
        try:
            until(lambda: listening(port), "redis-server")
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


_databases = count()


@pytest.fixture
def broker(redis: str) -> dict[str, str]:
    """Where messages and results go: a database for each test."""
    database = f"{redis}/{next(_databases)}"
    return {"BROKER": database, "RESULTS": database}


# Celery's own instrumentation imports what gevent has to patch before.
PATCHED = {"OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH": "patch_all"}
POOLS = ("prefork", "threads", "gevent", "solo")


def worker(here: Site, pool: str, agent: bool | str = True, **env: Any) -> Program:
    words = ("celery", "-A", APP, "worker", "-P", pool, "-c", "2", "-l", "info")
    if pool == "gevent" and agent:
        env = {**env, **PATCHED}
    quiet = ("--without-gossip", "--without-mingle")
    started = here.run(*words, *quiet, service="worker", agent=agent, **env)
    started.says(" ready.")
    return started


def asked(here: Site, what: str, pool: str, agent: bool | str = True, **env: Any) -> Program:
    """What one program asks and one worker does, both at their end."""
    working = worker(here, pool, agent, **env)
    asking = here.run(f"{APPS}.reviews", what, service="shop", agent=agent, **env)
    asking.ends()
    working.stop()
    return asking


ONE = tree(
    f"""
    shop: invoke_workflow reviews
      shop: apply_async/{APP}.sentiment
        worker: run/{APP}.sentiment
          worker: chat gpt-4o
            worker: POST
    """
)


@REDIS
@pytest.mark.parametrize("pool", POOLS)
def test_a_task(here: Site, broker: dict[str, str], pool: str) -> None:
    asking = asked(here, "one", pool, **broker)
    assert "result about sentiment of good coffee" in asking.said
    assert here.drawn() == ONE


@REDIS
@pytest.mark.parametrize("pool", ["prefork", "gevent"])
def test_a_worker_that_instruments_itself(here: Site, broker: dict[str, str], pool: str) -> None:
    asked(here, "one", pool, agent=False, INSTRUMENT="1", **broker)
    assert here.drawn() == ONE


@REDIS
@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_tasks_side_by_side(here: Site, broker: dict[str, str], pool: str) -> None:
    asked(here, "many", pool, **broker)
    workflow, *task = ONE.splitlines()
    assert here.drawn() == "\n".join([workflow, *task * 4])
    # Each model call is beneath the task that has its words.
    by_id = {span.context.span_id: span for span in here.spans()}
    asks = [span for span in by_id.values() if span.name == "chat gpt-4o"]
    for span in asks:
        task = by_id[span.parent.span_id]
        sent = by_id[task.parent.span_id]
        assert task.attributes["messaging.message.id"] == sent.attributes["messaging.message.id"]
    assert len({span.attributes["gen_ai.input.messages"] for span in asks}) == 4


@REDIS
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_tasks_that_follow_each_other(here: Site, broker: dict[str, str], pool: str) -> None:
    asking = asked(here, "chained", pool, **broker)
    assert "result about report on about sentiment of good coffee" in asking.said
    assert here.drawn() == tree(
        f"""
        shop: invoke_workflow reviews
          shop: apply_async/{APP}.sentiment
            worker: run/{APP}.sentiment
              worker: chat gpt-4o
                worker: POST
              worker: apply_async/{APP}.report
                worker: run/{APP}.report
                  worker: invoke_agent reporter
                    worker: chat gpt-4o
                      worker: POST
        """
    )


@REDIS
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_task_that_is_tried_again(here: Site, broker: dict[str, str], pool: str) -> None:
    here.model.script(Json({"error": {"message": "busy"}}, status=500))
    asking = asked(here, "retried", pool, **broker)
    assert "result about cold coffee" in asking.said
    # The first try is no error of the task: it was asked again.
    assert here.drawn() == tree(
        f"""
        shop: invoke_workflow reviews
          shop: apply_async/{APP}.patient
            worker: run/{APP}.patient
              worker: chat gpt-4o !openai.InternalServerError
                worker: POST !error
              worker: apply_async/{APP}.patient
                worker: run/{APP}.patient
                  worker: chat gpt-4o
                    worker: POST
        """
    )


@REDIS
def test_a_task_that_fails(here: Site, broker: dict[str, str]) -> None:
    asking = asked(here, "failed", "prefork", **broker)
    assert "failed tea is no review" in asking.said
    # The one that asked has caught it.
    assert here.drawn() == tree(
        f"""
        shop: invoke_workflow reviews
          shop: apply_async/{APP}.hopeless
            worker: run/{APP}.hopeless !error
        """
    )


WHO = ("session.id", "user.id", "gen_ai.conversation.id")


def who(span: Any) -> tuple[str | None, ...]:
    return tuple(span.attributes.get(name) for name in WHO)


@REDIS
@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_whose_task_it_is(here: Site, broker: dict[str, str], pool: str) -> None:
    asked(here, "of_a_user", pool, OTELIER_BAGGAGE="true", **broker)
    assert here.drawn() == ONE
    assert {who(span) for span in here.spans()} == {("s-1", "ada", "c-1")}


@REDIS
def test_whose_task_it_is_stays_in_the_process(here: Site, broker: dict[str, str]) -> None:
    asked(here, "of_a_user", "threads", **broker)
    assert here.drawn() == ONE
    there = {who(span) for span in here.spans() if span.service == "worker"}
    assert there == {(None, None, None)}


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_a_broker_in_memory(here: Site, pool: str) -> None:
    memory = {"BROKER": "memory://", "RESULTS": "cache+memory://"}
    here.run(f"{APPS}.at_home", pool, service="shop", **memory).ends()
    assert here.drawn() == ONE.replace("worker:", "shop:")


@REDIS
def test_otelier_run_starts_the_same(here: Site, broker: dict[str, str], tmp_path: Path) -> None:
    run = f"{sys.executable} -m otelier.cli run --no-tree --file {tmp_path / 't.jsonl'}"
    asked(here, "one", "prefork", agent=run, **broker)
    assert here.drawn() == ONE
