"""The local store and ClickHouse have the same views, and of the same run the same rows in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from otelier.store.engine import Engine
from otelier.store.opening import opened
from tests.backends.clickhouse_running import ACCOUNT, MISSING
from tests.backends.clickhouse_sent import Sent, sending
from tests.backends.running import instrumented, until
from tests.backends.truth import near

pytest.importorskip("clickhouse_connect")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

# Views of one store alone, and why.
ALONE = {
    "sqlite": {
        "lists": "messages are stored once, and joined here",
        "message_words": "what its full-text index is made of",
        "tool_words": "what its full-text index is made of",
    },
    "clickhouse": {
        "trace": "SQLite has no views with arguments: store/sqlite.py expands it",
    },
}
VIEWS = (
    "calls",
    "batches",
    "spent",
    "tagged",
    "spent_tagged",
    "reasons",
    "spans",
    "attributes",
    "messages",
    "tool_calls",
    "sessions",
    "costs",
    "evaluations",
    "ago",
)
# What tells the time of the query.
_NOW = "ago"
# What both give in an order of their own.
_SETS = {"users"}
# Texts that may be numbers, which each spells in its own way: 1.6e-07, 1.6e-7.
_SPELLED = {("attributes", "value")}

_JUDGED = "gen_ai.evaluation.result"
Stores = dict[str, Engine]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    here = tmp_path_factory.mktemp("parity")
    exporters = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER"), "otelier,otlp")
    with sending(here, OTELIER_STORE=here / "traces.db", **exporters) as found:
        found.views()
        named = [row["id"] for row in found.truth.calls if row.get("id")]
        more = {"endpoint": found.into.http, "OTELIER_STORE": here / "traces.db", **exporters}
        # What is judged twice, and what nobody has.
        for score, ids in ((1.0, named), (0.25, named[:2]), (0.5, ["nobody's"])):
            instrumented("tests.backends.evaluating", score, *ids, **more)
        wanted = len(named) + 2 + 1
        until(partial(found.has, wanted, f"otel_logs WHERE EventName = '{_JUDGED}'"), _JUDGED)
        yield found


@pytest.fixture(scope="module")
def stores(sent: Sent) -> Iterator[Stores]:
    places = (
        str(sent.folder / "traces.db"),
        f"clickhouse://{':'.join(ACCOUNT)}@127.0.0.1:{sent.port}/otelier",
    )
    engines = [opened(place) for place in places]
    yield {engine.dialect: engine for engine in engines}
    for engine in engines:
        engine.close()


def everything(engine: Engine, view: str) -> list[dict[str, Any]]:
    """The rows of a view, in an order that does not depend on the engine."""
    found = engine.ask(f"SELECT * FROM otelier.{view}")
    rows = [
        {
            name: spelled(value) if (view, name) in _SPELLED else comparable(value)
            for name, value in row.items()
        }
        for row in found.dicts()
    ]
    for row in rows:
        row.update({name: sorted(row[name]) for name in _SETS & row.keys()})
    # The last digits of floats depend on the order in which an engine adds.
    return sorted(
        rows, key=lambda row: [str(each) for each in row.values() if not isinstance(each, float)]
    )


def spelled(text: str) -> Any:
    """The number that a text is; else the text."""
    try:
        return float(text)
    except ValueError:
        return comparable(text)


def comparable(value: Any) -> Any:
    """A value as both engines have it: lists of SQLite are JSON, its booleans 0 and 1."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError):
            return json.loads(value)
    return value


def test_names(sent: Sent, stores: Stores) -> None:
    local = stores["sqlite"].ask("SELECT name FROM otelier.sqlite_master WHERE type = 'view'")
    far = sent.ask("SELECT name FROM system.tables WHERE database = 'otelier' AND engine = 'View'")
    assert {name for (name,) in local.rows} == {*VIEWS, *ALONE["sqlite"]}
    # What is kept longer than spans is of ClickHouse alone: a store of one's own keeps what it has.
    names = {row["name"] for row in far if not row["name"].startswith("kept")}
    assert names == {*VIEWS, *ALONE["clickhouse"]}


@pytest.mark.parametrize("view", VIEWS)
def test_columns(view: str, stores: Stores) -> None:
    query = f"SELECT * FROM otelier.{view} LIMIT 0"
    local, far = (stores[name].ask(query).columns for name in ("sqlite", "clickhouse"))
    assert local == far


@pytest.mark.parametrize("view", [view for view in VIEWS if view != _NOW])
def test_rows(view: str, stores: Stores) -> None:
    local, far = (everything(stores[name], view) for name in ("sqlite", "clickhouse"))
    assert len(local) == len(far)
    for mine, theirs in zip(local, far, strict=True):
        assert mine == {
            name: near(value) if isinstance(value, float) else value
            for name, value in theirs.items()
        }


def test_each_view_but_batches_has_rows(stores: Stores) -> None:
    counts = {view: len(everything(stores["sqlite"], view)) for view in VIEWS}
    assert [view for view, count in counts.items() if not count] == ["batches"]


def test_moments(stores: Stores) -> None:
    """Both compare times with moments before now."""
    for name in ("hour", "day", "week", "month"):
        query = f"SELECT count(*) FROM otelier.calls WHERE time > (SELECT {name} FROM otelier.ago)"
        assert stores["sqlite"].ask(query).rows == stores["clickhouse"].ask(query).rows


def test_lineage(stores: Stores, sent: Sent) -> None:
    """Each trace, as each of both tells it."""
    traces = stores["sqlite"].ask("SELECT DISTINCT trace_id FROM otelier.spans").rows
    assert len(traces) == sent.truth.turns
    for (trace,) in traces:
        view = f"trace(trace_id = '{trace}')"
        local, far = (everything(stores[name], view) for name in ("sqlite", "clickhouse"))
        assert local == far
