"""clickhouse:// as a store: what is asked, whole spans, and what is said when it goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from otelier import semconv
from otelier.cli.main import main
from otelier.questions import asking
from otelier.questions.model import Question
from otelier.questions.table import QUESTIONS
from otelier.store import otlp_proto
from otelier.store.engine import StoreError
from otelier.store.opening import opened
from otelier.store.spans import StoredSpan, stored
from otelier.viewer.facts import facts
from tests.backends.behind_tls import behind_tls
from tests.backends.clickhouse_running import ACCOUNT, MISSING, copied, server
from tests.backends.clickhouse_sent import Sent, sending
from tests.backends.gateways import certificates
from tests.backends.otlp import post
from tests.backends.running import environment, free_ports, until
from tests.backends.truth import near

clickhouse_connect = pytest.importorskip("clickhouse_connect")
from otelier.store.clickhouse import ClickHouse  # noqa: E402
from otelier.store.clickhouse_place import parsed  # noqa: E402

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
TIME = datetime(2026, 11, 28, 21, 4, 5, 123456, UTC)
AWKWARD = (
    "",
    "it's",
    'a "quoted" one',
    "back\\slash",
    "tab\tand\nlines\r",
    "\\N",
    "NULL",
    "☃ \U0001f600 é",
    "\0",
    "50% of %s",
    "{x:String}",
    ":other",
    "' OR 1 = 1 --",
    "'; DROP TABLE otel.otel_traces; --",
    "\\'; DROP TABLE otel.otel_traces; --",
    "a" * 5000,
)


def url(port: int, password: str = ACCOUNT[1], database: str = "") -> str:
    return f"clickhouse://{ACCOUNT[0]}:{password}@127.0.0.1:{port}{database}"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    with sending(tmp_path_factory.mktemp("store")) as asked:
        yield asked


@pytest.fixture(scope="module")
def store(sent: Sent) -> Iterator[ClickHouse]:
    engine = opened(url(sent.port))
    assert isinstance(engine, ClickHouse)
    yield engine
    engine.close()


def one(store: ClickHouse, sql: str, **given: Any) -> Any:
    """The only value that a query finds."""
    ((value,),) = store.ask(sql, given).rows
    return value


@pytest.mark.parametrize("text", AWKWARD)
def test_a_text_arrives_as_it_is(store: ClickHouse, text: str) -> None:
    assert one(store, "SELECT :x AS x", x=text) == text
    assert one(store, "SELECT length(:x) AS x", x=text) == len(text.encode())


def test_parameters_of_each_type(store: ClickHouse) -> None:
    given = {
        "whole": -(2**63),
        "flag": True,
        "number": 1e-07,
        "nothing": None,
        "time": TIME,
        "elsewhere": TIME.astimezone(timezone(timedelta(hours=5, minutes=30))),
        "unused": object(),
    }
    found = store.ask(
        "SELECT :whole AS a, :flag AS b, :number AS c, :nothing AS d, :time AS e, :elsewhere AS f,"
        " :whole = :whole AS g",
        given,  # type: ignore[arg-type]
    )
    at = "2026-11-28 21:04:05.123456000"
    assert found.columns == tuple("abcdefg")
    assert found.rows == [(-(2**63), 1, 1e-07, None, at, at, 1)]
    with pytest.raises(StoreError, match="big is too large"):
        store.ask("SELECT :big", {"big": 2**63})


def test_what_is_no_parameter_stays(store: ClickHouse) -> None:
    sql = """
        SELECT ':x' AS a, '5'::Int8 AS b, "c" AS d, $$:x ' $$ AS e, 'it''s :x \\' :x' AS f, -- :x '
            /* :x ' */ map('k', 1)['k'] AS g, :x AS h, 'a%sb' LIKE 'a%b' AS i
        FROM (SELECT 1 AS c) # :x '
        ;
    """
    assert store.ask(sql, {"x": 7}).rows == [(":x", 5, 1, ":x ' ", "it's :x ' :x", 1, 7, True)]
    # Without any parameter, too.
    assert one(store, "SELECT '100%' || '%(x)s {x:String}' AS a") == "100%%(x)s {x:String}"


def test_values_of_each_type(store: ClickHouse) -> None:
    found = store.ask(
        "SELECT toDateTime64('2026-11-28 21:04:05.123456789', 9) AS t, [t] AS ts, map('k', t) AS m,"
        " toNullable(t) AS nt, CAST(NULL, 'Nullable(DateTime64(9))') AS no,"
        " toDateTime('2026-11-28 21:04:05', 'Asia/Tokyo') AS s, toDate('2026-11-28') AS d,"
        " toUInt64(18446744073709551615) AS u, toDecimal64('1.5', 3) AS dec,"
        " toLowCardinality('a') AS lc, [1, NULL] AS arr, (1, 'a') AS pair, true AS yes,"
        " toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS id, 0.1 AS f"
    )
    at = "2026-11-28 21:04:05.123456789"
    (row,) = found.dicts()
    assert row == {
        "t": at,
        "ts": [at],
        "m": {"k": at},
        "nt": at,
        "no": None,
        # 21:04:05 there.
        "s": "2026-11-28 12:04:05.000000000",
        "d": "2026-11-28",
        "u": 2**64 - 1,
        "dec": 1.5,
        "lc": "a",
        "arr": [1, None],
        "pair": [1, "a"],
        "yes": True,
        "id": "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
        "f": 0.1,
    }
    json.dumps(row)


def test_at_most_so_many_rows(store: ClickHouse) -> None:
    numbers = "SELECT number FROM numbers(100000) ORDER BY number"
    assert store.ask(numbers, most=3).rows == [(0,), (1,), (2,)]
    assert len(store.ask(numbers).rows) == 100_000
    assert store.ask("SELECT 1 AS a WHERE 0", most=3).columns == ("a",)


def test_a_name_means_the_column(store: ClickHouse) -> None:
    """Not what it is called in the answer: as in SQLite."""
    sql = "SELECT 'x' AS operation, count(*) AS n FROM calls WHERE operation = 'chat'"
    found = store.ask(f"{sql} GROUP BY operation").rows
    assert found == [("x", one(store, "SELECT countIf(operation = 'chat') FROM otelier.calls"))]


def test_the_views_tell_the_truth(store: ClickHouse, sent: Sent) -> None:
    found = store.ask(
        "SELECT model, sum(cost) AS cost, sum(input_tokens) AS tokens FROM otelier.spent"
        " WHERE tenant = :tenant GROUP BY model",
        {"tenant": "acme"},
    )
    calls = [row for row in sent.truth.calls if row["tenant"] == "acme"]
    costs = {row["model"]: row["cost"] for row in found.dicts() if row["cost"] is not None}
    assert costs == near(sent.truth.summed("cost", "model", rows=calls))
    tokens = {row["model"]: row["tokens"] for row in found.dicts() if row["tokens"] is not None}
    assert tokens == sent.truth.summed("input", "model", rows=calls)
    # Times, as parameters and as texts that were found.
    times = "SELECT min(time) AS a, max(time) AS b, count(*) AS n FROM otelier.calls"
    ((first, last, count),) = store.ask(times).rows
    since = datetime.fromisoformat(first[:26]).replace(tzinfo=UTC)
    until = datetime.fromisoformat(last[:26]).replace(tzinfo=UTC) + timedelta(seconds=1)
    within = f"{times} WHERE time >= :since AND time < :until"
    assert store.ask(within, {"since": since, "until": until}).rows[0][2] == count
    assert store.ask(within, {"since": until, "until": until}).rows[0][2] == 0
    assert one(store, f"SELECT n FROM ({times} WHERE time <= :last)", last=last) == count


def test_injections_change_nothing(store: ClickHouse, sent: Sent) -> None:
    there = sent.one("SELECT count() FROM otel.otel_traces")
    for text in AWKWARD[1:]:
        assert one(store, "SELECT count(*) FROM otelier.calls WHERE user = :who", who=text) == 0
    assert sent.one("SELECT count() FROM otel.otel_traces") == there > 0


def test_a_trace_through_the_view_with_a_parameter(store: ClickHouse, sent: Sent) -> None:
    trace_id = one(store, "SELECT trace_id FROM otelier.calls ORDER BY time LIMIT 1")
    first = sent.truth.rows[0]
    sql = "SELECT name, depth FROM otelier.trace(trace_id = :id) ORDER BY time"
    found = store.ask(sql, {"id": trace_id})
    assert [row[0] for row in found.rows] == [
        row["name"] for row in sent.truth.where(turn=first["turn"])
    ]


# --- whole spans ------------------------------------------------------------------------------


def told(span: StoredSpan) -> dict[str, Any]:
    """What a span says, as far as the exporter's table has it."""
    return {
        "ids": (span.trace_id, span.span_id, span.parent_id),
        "name": span.name,
        "kind": span.kind,
        "times": (span.start_ns, span.end_ns),
        "status": (span.status, span.status_message),
        "attributes": dict(span.attributes),
        "events": [(e.name, e.time_ns, dict(e.attributes)) for e in span.events],
        "links": [
            (link.trace_id, link.span_id, dict(link.attributes), link.trace_state)
            for link in span.links
        ],
        "scope": (span.scope.name, span.scope.version),
        "resource": dict(span.resource.attributes),
        "state": span.trace_state,
    }


TYPED = {
    semconv.OPERATION_NAME: "chat",
    semconv.USAGE_INPUT: 2**53 + 1,
    semconv.USAGE_REASONING: 0,
    semconv.COST: 1.23e-07,
    semconv.REQUEST_TEMPERATURE: 1.0,
    semconv.REQUEST_STREAM: True,
    semconv.COST_PARTIAL: False,
    semconv.RESPONSE_FINISH_REASONS: ["stop", 'it\'s "so"\n☃'],
    semconv.TAGS: [],
    semconv.INPUT_MESSAGES: '[{"role":"user","parts":[{"type":"text","content":"12 ☃ \\n"}]}]',
    semconv.METADATA + "task_id": "007",
    semconv.SERVER_PORT: 443,
}
# A program's own, of which no convention tells the type: as the exporter writes them.
OWN = {"own.count": (5, "5"), "own.flag": (True, "true"), "own.list": ([1, 2], "[1,2]")}


def test_whole_spans_are_what_the_program_made(store: ClickHouse, sent: Sent) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "by hand", "version": "1 ☃"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("of the test", "1.2.3")
    state = TraceState([("a", "1"), ("b", "2")])
    far = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), state)
    with tracer.start_as_current_span("outer ' \\ ☃", kind=SpanKind.SERVER) as outer:
        outer.set_attributes({name: given for name, (given, _) in OWN.items()})
        with tracer.start_as_current_span(
            "chat m", kind=SpanKind.CLIENT, attributes=TYPED, links=[Link(far, {"why": "it's"})]
        ) as inner:
            inner.add_event("first", {"gen_ai.usage.input_tokens": 3, "text": "a\tb"}, 1)
            inner.add_event("second", timestamp=1_764_363_845_123_456_789)
            inner.set_status(StatusCode.ERROR, "no\nway '☃'")
    provider.shutdown()
    made = sorted(map(stored, kept.get_finished_spans()), key=lambda span: span.start_ns)
    # The SDK's exporter leaves out what links carry.
    assert post(sent.into.http, otlp_proto.encode(made)) == 200
    trace_id = made[0].trace_id
    found = until(partial(whole, store, trace_id, len(made)), "the spans")
    wanted = [told(span) for span in made]
    wanted[0]["attributes"] = {name: text for name, (_, text) in OWN.items()}
    wanted[1]["attributes"][semconv.RESPONSE_FINISH_REASONS] = ["stop", 'it\'s "so"\n☃']
    wanted[1]["attributes"][semconv.TAGS] = []
    for span, want in zip(found, wanted, strict=True):
        for part, value in told(span).items():
            assert value == want[part], part
    types = {name: type(value) for name, value in found[1].attributes.items()}
    assert types == {name: type(value) for name, value in TYPED.items()}
    seen, meant = facts(found[1]), facts(made[1])
    assert (seen.tokens, seen.cost, seen.finish_reasons) == (
        meant.tokens,
        meant.cost,
        meant.finish_reasons,
    )


def whole(store: ClickHouse, trace_id: str, count: int) -> list[StoredSpan] | None:
    found = store.trace(trace_id)
    return found if len(found) == count else None


def test_the_workloads_traces_are_whole(store: ClickHouse, sent: Sent) -> None:
    ids = "SELECT trace_id FROM otelier.spans GROUP BY trace_id ORDER BY min(time)"
    spans = [span for (each,) in store.ask(ids).rows for span in store.trace(each)]
    told = {row["name"] for row in sent.truth.rows}
    seen = [facts(span) for span in spans if span.name in told and span.kind == "CLIENT"]
    calls = [fact for fact in seen if fact.counted and fact.provider]
    costs = sum(fact.cost for fact in calls if fact.cost is not None)
    assert costs == near(sum(row["cost"] for row in sent.truth.calls if row["cost"] is not None))
    read = sum(fact.tokens.input for fact in calls if fact.tokens.input is not None)
    assert read == sum(row["input"] for row in sent.truth.calls if row["input"] is not None)
    assert sum(fact.failed for fact in calls) == sum(
        row["error"] is not None for row in sent.truth.calls
    )


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_question_is_answered(store: ClickHouse, sent: Sent, question: Question) -> None:
    """As it stands, and with what most can be told."""
    sql = (
        "SELECT trace_id, span_id AS id, conversation FROM otelier.calls"
        " WHERE model_call AND conversation != '' ORDER BY time LIMIT 1"
    )
    (one,) = store.ask(sql).dicts()
    needed = {
        "trace": {"trace_id": one["trace_id"]},
        "call": {"id": one["id"]},
        "conversation": {"id": one["conversation"]},
        "compare": {"a": "1", "b": "2", "by": "prompt_version"},
        "search": {"text": sent.truth.rare_question},
    }.get(question.name, {})
    names = {parameter.name for parameter in question.parameters}
    told: dict[str, Any] = {
        "since": "24h",
        "tenant": "acme",
        "tag": "beta",
        "model": "gpt-4o",
        "limit": 3,
    }
    more = {name: value for name, value in told.items() if name in names}
    assert asking.ask(question, store, **needed)
    found = asking.ask(question, store, **needed, **more)
    assert "limit" not in more or len(found) <= told["limit"]


def test_a_trace_that_is_not_there_is_empty(store: ClickHouse) -> None:
    assert store.trace("0" * 32) == []
    assert store.trace("' OR 1 = 1 --") == []


# --- who may what, and what goes wrong --------------------------------------------------------


def test_a_tenant_reads_his_own(sent: Sent, tmp_path: Path) -> None:
    """Who may set nothing: it goes without."""
    with copied(sent, sent.folder, tmp_path, "tenant_acme") as asked:
        store = opened(url(asked.port))
        try:
            tenants = store.ask("SELECT tenant FROM otelier.calls GROUP BY tenant", most=9).rows
            assert tenants == [("acme",)]
            (trace_id,) = store.ask("SELECT max(trace_id) FROM otelier.calls").rows[0]
            tenant = {s.attributes[semconv.METADATA + "tenant"] for s in store.trace(trace_id)}
            assert tenant == {"acme"}
            with pytest.raises(StoreError, match=r"privileges|only reading"):
                store.ask("SELECT * FROM otel.otel_logs")
        finally:
            store.close()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE otel.more (x Int8) ENGINE = Memory",
        "DROP TABLE otel.otel_traces",
        "INSERT INTO otel.otel_traces (TraceId) VALUES ('x')",
        "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')",
        "SELECT 1 AS a SETTINGS readonly = 0",
    ],
)
def test_only_reading_is_possible(store: ClickHouse, sent: Sent, sql: str) -> None:
    before = sent.ask("SELECT name, total_rows FROM system.tables WHERE database = 'otel'")
    with pytest.raises(StoreError):
        store.ask(sql)
    assert sent.ask("SELECT name, total_rows FROM system.tables WHERE database = 'otel'") == before


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELEC 1", "Syntax error"),
        ("SELECT nope FROM otelier.calls", "nope"),
        ("SELECT * FROM otelier.nope", "views.sql"),
        ("SELECT :nope", "Syntax error"),
        ("SELECT 1 FORMAT JSON", "Syntax error"),
        (" ; ", "no query"),
        ("SELECT throwIf(1, 'one\nand\ttwo')", "one and two"),
    ],
)
def test_what_is_wrong_with_a_query_is_one_line(store: ClickHouse, sql: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as problem:
        store.ask(sql)
    line = str(problem.value)
    assert "\n" not in line and len(line) < 700 and "DB::Exception" not in line
    # It goes on.
    assert one(store, "SELECT 1") == 1


def test_a_query_that_takes_too_long_is_ended(sent: Sent) -> None:
    hurried = ClickHouse(url(sent.port), seconds=1)
    endless = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
    with pytest.raises(StoreError, match="took too long"):
        hurried.ask(endless)
    hurried.close()


def refused(place: str) -> str:
    with pytest.raises(StoreError) as problem:
        opened(place)
    line = str(problem.value)
    assert "\n" not in line and "secretword" not in line and "wordpass" not in line
    return line


def test_who_is_not_let_in_is_told_so(sent: Sent) -> None:
    line = refused(url(sent.port, "secretword"))
    assert (
        line == f"clickhouse://otelier@127.0.0.1:{sent.port}/otelier refuses this user or password"
    )
    assert "refuses" in refused(f"clickhouse://127.0.0.1:{sent.port}")


def test_a_database_that_is_not_there(sent: Sent) -> None:
    line = refused(url(sent.port, database="/elsewhere"))
    assert "elsewhere does not exist" in line and "views.sql" in line


def test_without_the_views(tmp_path: Path) -> None:
    with server(tmp_path) as engine:
        assert "made by collector-config/clickhouse/views.sql" in refused(url(engine.port))
        engine.ask("CREATE DATABASE otelier")
        store = opened(url(engine.port))
        with pytest.raises(StoreError, match=r"views\.sql"):
            store.ask("SELECT * FROM otelier.calls")
        with pytest.raises(StoreError, match="the tables by the collector"):
            store.trace("0" * 32)
        store.close()


def test_nobody_there(capfd: pytest.CaptureFixture[str]) -> None:
    place = f"clickhouse://ada:secretword@127.0.0.1:{free_ports(1)[0]}/otelier?verify=false"
    line = refused(place)
    assert line.endswith("cannot be reached: Connection refused")
    assert line.startswith("clickhouse://ada@127.0.0.1:")
    # The client's own words about it are not for the terminal.
    assert capfd.readouterr() == ("", "")


def test_no_tls_where_it_is_asked_for(sent: Sent) -> None:
    line = refused(url(sent.port).replace("clickhouse://", "clickhouses://"))
    assert "cannot be reached" in line and "SSL" in line


def test_tls(sent: Sent, tmp_path: Path) -> None:
    certificates(tmp_path)
    pem, key = tmp_path / "gateway.pem", tmp_path / "gateway-key.pem"
    with behind_tls(sent.port, pem, key) as port:
        place = f"clickhouses://{ACCOUNT[0]}:{ACCOUNT[1]}@localhost:{port}/otelier"
        # A CA that nobody knows.
        assert "certificate verify failed" in refused(place).lower()
        store = opened(f"{place}?ca_cert={tmp_path / 'ca.pem'}")
        assert store.place == f"clickhouses://{ACCOUNT[0]}@localhost:{port}/otelier"
        assert store.ask("SELECT count(*) AS n FROM otelier.calls").rows[0][0] > 0
        store.close()


@pytest.mark.parametrize(
    "place",
    [
        "clickhouse://",
        "clickhouse://ada:secretword@host:port",
        "clickhouse://ada:secretword@host/one/two",
        "clickhouse://ada:secretword@[::1/otelier",
        "clickhouse://ada:12/secretword@host",
        "clickhouse://ada:12#secretword@host/otelier",
    ],
)
def test_an_address_that_is_none(place: str) -> None:
    assert "write clickhouse://user:password@host:8123/otelier" in refused(place)


def test_an_option_that_is_none() -> None:
    assert "knows no 'secure'" in refused("clickhouse://ada:secretword@host/otelier?secure=1")


def test_a_certificate_is_left_unchecked_by_no_slip() -> None:
    def said(word: str) -> object:
        return parsed(f"clickhouses://host/otelier?verify={word}").options["verify"]

    assert {said(word) for word in ("true", "TRUE", "on", "yes", "1")} == {"true"}
    assert {said(word) for word in ("false", "off", "no", "0")} == {"false"}
    assert "verify=true or verify=false" in refused("clickhouses://a:secretword@host?verify=treu")


def test_passwords_with_any_character() -> None:
    from otelier.store.clickhouse_place import parsed

    place = parsed("clickhouses://ada%40home:p%40ss%2F%3A@db.example:9443/")
    assert (place.user, place.password) == ("ada@home", "p@ss/:")
    assert (place.host, place.port, place.tls, place.database) == (
        "db.example",
        9443,
        True,
        "otelier",
    )
    assert "p@ss" not in repr(place) and "p@ss" not in place.shown


def test_without_the_client(tmp_path: Path) -> None:
    """Where the extra is not installed."""
    program = (
        "import sys; sys.modules['clickhouse_connect'] = None\n"
        "from otelier.store.opening import opened\n"
        "from otelier.store.engine import StoreError\n"
        "try: opened('clickhouse://ada:secretword@127.0.0.1/otelier')\n"
        "except StoreError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "pip install 'otelier[clickhouse]'" in done.stdout and done.stderr == ""


def test_a_verb(sent: Sent) -> None:
    """The terminal, over this store."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "otelier",
            "calls",
            "--tenant",
            "acme",
            "--limit",
            "5",
            "--json",
            "--store",
            url(sent.port),
        ],
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = [row["name"] for row in json.loads(done.stdout)]
    assert names == [row["name"] for row in sent.truth.where(tenant="acme")[:-6:-1]]


def test_its_traces_are_shown(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--store", url(sent.port)]
    assert main(["trace", *place]) == 0
    (newest,) = traces_of(capsys.readouterr().out)
    assert main(["trace", newest[:12], *place]) == 0
    assert traces_of(capsys.readouterr().out) == [newest]
    assert main(["trace", "--errors", *place]) == 0
    failed = traces_of(capsys.readouterr().out)
    assert len(failed) > 2
    assert main(["trace", "--errors", "--last", "2", *place]) == 0
    assert set(traces_of(capsys.readouterr().out)) < set(failed)


def traces_of(shown: str) -> list[str]:
    """The ids of the traces that are shown."""
    return [line.split()[1] for line in shown.splitlines() if line.startswith("trace ")]
