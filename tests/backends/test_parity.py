"""The local store and ClickHouse have the same views, and of the same run the same rows in them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from otelier.cli.main import main
from otelier.store import otlp_proto, queries, query_process
from otelier.store.engine import Engine, StoreError
from otelier.store.opening import opened
from otelier.store.spans import StoredSpan
from otelier.store.writer import Writer
from otelier.web.pages import alike as alike_calls
from otelier.web.pages import compare
from otelier.web.shown import tree
from tests.backends.clickhouse_running import ACCOUNT, MISSING
from tests.backends.clickhouse_sent import Sent, sending
from tests.backends.otlp import post
from tests.backends.running import instrumented, until
from tests.store.made import span

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


# Attributes as otelier does not write them, or seldom: a span for each.
ODD: tuple[dict[str, Any], ...] = (
    {},
    {"gen_ai.usage.input_tokens": "10", "gen_ai.usage.cost": "0.5"},
    {"gen_ai.usage.input_tokens": 10.0, "gen_ai.usage.output_tokens": 2.5},
    {"gen_ai.usage.input_tokens": -1, "gen_ai.usage.output_tokens": True},
    {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.cost": 0},
    {"gen_ai.usage.input_tokens": 2**60, "gen_ai.usage.cost": 1e-9},
    {"gen_ai.usage.cost": float("nan")},
    {"gen_ai.usage.cost": float("inf"), "gen_ai.response.time_to_first_chunk": 0.25},
    {"gen_ai.usage.cost": -0.5, "gen_ai.usage.input_tokens": 1},
    {"gen_ai.request.model": True, "gen_ai.agent.name": 7, "user.id": 1.5, "session.id": ""},
    {"otelier.tags": ["a", "a", ""], "gen_ai.response.finish_reasons": []},
    {"otelier.tags": "a", "gen_ai.response.finish_reasons": "stop"},
    {"otelier.tags": ["é\n", "b"], "otelier.step.name": "x\ty", "error.type": "Fault"},
    {"otelier.stream.end": "closed"},
    {"otelier.response.background": True},
    {"gen_ai.operation.name": "fetch_response", "gen_ai.usage.input_tokens": 3},
    {"gen_ai.operation.name": "cancel_response"},
    {"gen_ai.operation.name": "rerank"},
    {"gen_ai.operation.name": "embeddings"},
    {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": "{", "error.type": "E"},
    {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.result": "r" * 3000},
    {"gen_ai.operation.name": ""},
    {"gen_ai.operation.name": None, "http.request.method": "GET", "some": [1, 2.5, "x", True]},
    {"some": {"a": {"b": [1]}}, "bytes": b"\x00\xff", "long": "é" * 1000, "empty": "", "no": False},
    {"gen_ai.input.messages": "[]", "gen_ai.output.messages": ""},
    {"gen_ai.input.messages": "no JSON", "gen_ai.output.messages": '[{"role":"user","par'},
    {"gen_ai.input.messages": '{"role":"user","parts":[]}', "gen_ai.output.messages": '"text"'},
    {"gen_ai.input.messages": "[1, null, [3]]", "gen_ai.output.messages": "7"},
    {"gen_ai.input.messages": '[{"role":null,"parts":null},{"role":7,"parts":{"type":"text"}}]'},
    {"gen_ai.input.messages": '[ {"role" : "user", "parts" : [ {"type":"text","content":"a"} ]} ]'},
    {
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"\\u00e9\\n"},'
        '{"type":"blob","content":"b"},{"type":"reasoning","content":"c"},{"type":"text"},'
        '{"type":"text","content":null},{"type":"text","content":7}]}]'
    },
    {"gen_ai.system_instructions": '[{"type":"text","content":"be kind"}]'},
    {"gen_ai.system_instructions": "be kind"},
    {"gen_ai.system_instructions": "[]"},
)
# Results of batches, which may be read several times: whose, which, and the tokens that were told.
READ = (
    ("openai", "b-1", 5),
    ("openai", "b-1", 9),
    ("openai", "b-1", 9),
    ("anthropic", "b-1", 1),
    ("anthropic", "b-2", None),
)


def odd() -> Iterator[StoredSpan]:
    """Spans of an hour ago at most, none of which is like another."""
    given = [
        *ODD,
        *(
            {
                "gen_ai.operation.name": "batch_results",
                "gen_ai.provider.name": provider,
                "otelier.batch.id": batch,
                "gen_ai.response.model": "m",
                "gen_ai.usage.output_tokens": tokens,
            }
            for provider, batch, tokens in READ
        ),
    ]
    began = time.time_ns() - 3_000_000_000_000
    common = {"gen_ai.operation.name": "chat", "session.id": "odd", "otelier.metadata.tenant": "t"}
    for number, more in enumerate(given):
        told = {name: value for name, value in {**common, **more}.items() if value is not None}
        start = began + number * 1_000_000_001
        times = {"start_ns": start, "end_ns": start + number}
        status = ("UNSET", "OK", "ERROR")[number % 3]
        yield span(number, attributes=told, kind="CLIENT", status=status, **times)
    for number, kind in enumerate(("INTERNAL", "SERVER", "PRODUCER", "CONSUMER"), len(given)):
        times = {"start_ns": began, "end_ns": began + 1}
        yield span(number, attributes=common, kind=kind, **times)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    here = tmp_path_factory.mktemp("parity")
    exporters = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER"), "otelier,otlp")
    with sending(here, OTELIER_STORE=here / "traces.db", **exporters) as found:
        named = [row["id"] for row in found.truth.calls if row.get("id")]
        more = {"endpoint": found.into.http, "OTELIER_STORE": here / "traces.db", **exporters}
        # What is judged twice, and what nobody has.
        for score, ids in ((1.0, named), (0.25, named[:2]), (0.5, ["nobody's"])):
            instrumented("tests.backends.evaluating", score, *ids, **more)
        wanted = len(named) + 2 + 1
        until(partial(found.has, wanted, f"otel_logs WHERE EventName = '{_JUDGED}'"), _JUDGED)
        before = len(found.truth.rows)
        spans = list(odd())
        Writer(here / "traces.db").write(spans)
        assert post(found.into.http, otlp_proto.encode(spans)) == 200
        until(partial(found.has, before + len(spans), "otel_traces"), "odd spans")
        yield found


def places(sent: Sent) -> tuple[str, str]:
    """Where both stores are."""
    far = f"clickhouse://{':'.join(ACCOUNT)}@127.0.0.1:{sent.port}/otelier"
    return str(sent.folder / "traces.db"), far


@pytest.fixture(scope="module")
def stores(sent: Sent) -> Iterator[Stores]:
    engines = [opened(place) for place in places(sent)]
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
        # As the collector writes what is none.
        return float(text.removeprefix("json: unsupported value: "))
    except ValueError:
        return comparable(text)


def comparable(value: Any) -> Any:
    """A value as both engines have it: lists of SQLite are JSON, its booleans 0 and 1."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.startswith(("[", "{")):
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
    different = [
        {name: (mine[name], theirs[name]) for name in mine if mine[name] != alike(theirs[name])}
        for mine, theirs in zip(local, far, strict=False)
    ]
    assert [each for each in different if each] == []
    assert len(local) == len(far)


def alike(value: Any) -> Any:
    """What is equal to a value, but for the last digits."""
    return pytest.approx(value, rel=1e-9, abs=0, nan_ok=True) if isinstance(value, float) else value


def test_each_view_has_rows(stores: Stores) -> None:
    counts = {view: len(everything(stores["sqlite"], view)) for view in VIEWS}
    assert all(counts.values()), counts


def test_moments(stores: Stores) -> None:
    """Both compare times with moments before now."""
    for name in ("hour", "day", "week", "month"):
        query = f"SELECT count(*) FROM otelier.calls WHERE time > (SELECT {name} FROM otelier.ago)"
        assert stores["sqlite"].ask(query).rows == stores["clickhouse"].ask(query).rows


def test_lineage(stores: Stores, sent: Sent) -> None:
    """Each trace, as each of both tells it."""
    traces = stores["sqlite"].ask("SELECT DISTINCT trace_id FROM otelier.spans").rows
    assert len(traces) > sent.truth.turns
    for (trace,) in traces:
        view = f"trace(trace_id = '{trace}')"
        local, far = (everything(stores[name], view) for name in ("sqlite", "clickhouse"))
        assert local == far


def test_a_query_of_ones_own(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    """``otelier sql`` prints the same of both, and of neither a password."""
    for words, code in (
        (["SELECT model, count(*) AS calls FROM calls GROUP BY model ORDER BY model ; "], 0),
        (["SELECT trace_id FROM spans ORDER BY trace_id", "--limit", "3", "--csv"], 0),
        (["SELECT tags FROM calls WHERE operation = 'retrieval' -- x;", "--json"], 0),
        (["--csv"], 0),
        (["DROP TABLE otelier.calls"], 1),
    ):
        told = []
        for place in places(sent):
            assert main(["sql", *words, "--store", place]) == code, words
            told.append(capsys.readouterr())
        if code == 0 and "--json" not in words:
            assert told[0] == told[1]
        assert all(each.err.count("\n") <= 1 and ACCOUNT[1] not in each.err for each in told)


def test_examples_of_queries_run_on_both(stores: Stores) -> None:
    for example in queries.EXAMPLES:
        told = [
            queries.found(lambda sql, most, engine=engine: engine.ask(sql, most=most), example.sql)
            for engine in stores.values()
        ]
        assert told[0].columns == told[1].columns, example.title
        assert len(told[0].rows) == len(told[1].rows) > 0, example.title


def test_pages_find_the_same_calls_to_compare(stores: Stores) -> None:
    local, far = stores["sqlite"], stores["clickhouse"]
    found = 0
    calls = local.ask("SELECT trace_id, span_id FROM calls WHERE model_call ORDER BY time").rows
    for trace_id, span_id in calls[:: max(1, len(calls) // 12)]:
        nodes = tree.nodes(local.trace(str(trace_id)))
        at = next(n for n, (node, _) in enumerate(nodes) if node.span.span_id == span_id)
        told = [alike_calls.earlier(engine, nodes, at) for engine in (local, far)]
        assert told[0] == told[1]
        found += len(told[0])
    assert found
    known = [list(compare._choices(compare._known(engine, None))) for engine in (local, far)]
    assert known[0] == known[1] and len(known[0]) > 2


def test_a_readers_query_of_a_cluster_is_bounded_and_only_reads(sent: Sent) -> None:
    asked = query_process.asker(places(sent)[1], 1)
    rows = asked.ask("SELECT number FROM system.numbers", 7, query_process.Ending()).rows
    assert rows == [(n,) for n in range(7)]
    with pytest.raises(StoreError, match="took too long"):
        asked.ask("SELECT sum(number) FROM system.numbers", 7, query_process.Ending())
    for query in (
        "INSERT INTO otelier.calls VALUES (1)",
        "CREATE TABLE mine (a UInt8) ENGINE = Memory",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1/', 'LineAsString')",
        "SET max_execution_time = 0",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT sum(number) FROM system.numbers SETTINGS max_execution_time = 0",
    ):
        with pytest.raises(StoreError):
            asked.ask(query, 7, query_process.Ending())
