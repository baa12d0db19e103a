"""Questions to a ClickHouse that the collector fills: the answers that the local store gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otelier.questions.asking import ask
from otelier.questions.table import BY_NAME
from otelier.store.engine import Engine
from otelier.store.opening import opened
from tests.backends.clickhouse_running import ACCOUNT, MISSING
from tests.backends.clickhouse_sent import Sent, sending
from tests.questions.checks import CHECKS
from tests.questions.test_edges import NASTY, NEEDED, takes_any

pytest.importorskip("clickhouse_connect")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    with sending(tmp_path_factory.mktemp("questions")) as found:
        yield found


@pytest.fixture(scope="module")
def store(sent: Sent) -> Iterator[Engine]:
    engine = opened(f"clickhouse://{':'.join(ACCOUNT)}@127.0.0.1:{sent.port}/otelier")
    yield engine
    engine.close()


@pytest.mark.parametrize("name", CHECKS)
def test_answers_are_the_truth(name: str, store: Engine, sent: Sent) -> None:
    CHECKS[name](store, sent.truth)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_nobody_did(name: str, store: Engine) -> None:
    """All conditions at once, with texts that are no SQL."""
    question = BY_NAME[name]
    given = {p.name: NASTY for p in question.parameters if takes_any(p)}
    more = {**NEEDED.get(name, {}), **given, "since": "30d", "until": "2999-01-01"}
    known = {p.name for p in question.parameters}
    rows = ask(question, store, **{key: each for key, each in more.items() if key in known})
    assert all(row.a is None for row in rows) if name == "compare" else rows == []


@pytest.mark.parametrize("by", ["hour", "step", "agent", "prompt", "service", "operation", "task"])
@pytest.mark.parametrize("name", ["costs", "latency", "cache"])
def test_every_dimension(name: str, by: str, store: Engine) -> None:
    assert ask(BY_NAME[name], store, by=by)
