"""Parameters of SQL as ClickHouse takes them: what names one, and what only looks like it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from otelier.store.clickhouse_sql import bound
from otelier.store.engine import StoreError


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ':x'",
        "SELECT 'it''s :x'",
        r"SELECT 'it\'s :x'",
        'SELECT ":x"',
        "SELECT `:x`",
        "SELECT 1 -- it's :x",
        "SELECT 1 # it's :x",
        "SELECT 1 /* it's\n:x */",
        "SELECT $tag$ it's :x $tag$",
        "SELECT a::x",
        "SELECT a:x",
        "SELECT {x:Int8}",
        "SELECT :y",
        "SELECT :xy",
    ],
)
def test_what_is_no_parameter_stays(sql: str) -> None:
    assert bound(sql, {"x": 1}) == (sql, {})


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("it's", "String", "it's"),
        ("\ud800", "String", "?"),
        (True, "Int64", "1"),
        (2**63 - 1, "Int64", "9223372036854775807"),
        (1e-07, "Float64", "1e-07"),
        (float("inf"), "Float64", "+inf"),
        (float("nan"), "Float64", "nan"),
        (
            datetime(2026, 11, 28, 21, 4, 5, tzinfo=UTC),
            "DateTime64(9, 'UTC')",
            "2026-11-28 21:04:05.000000000",
        ),
        (
            datetime(2026, 11, 28, 21, 4, 5, 6, tzinfo=timezone(timedelta(hours=-2))),
            "DateTime64(9, 'UTC')",
            "2026-11-28 23:04:05.000006000",
        ),
    ],
)
def test_values_have_types(value: Any, kind: str, text: str) -> None:
    sql, given = bound("SELECT 'a' -- '\n, :x, (:x)", {"x": value, "unused": "?"})
    assert sql == f"SELECT 'a' -- '\n, {{x:{kind}}}, ({{x:{kind}}})"
    assert given == {"x": text}


def test_nothing_is_null() -> None:
    assert bound("SELECT :x IS NULL; \n", {"x": None}) == ("SELECT NULL IS NULL", {})


def test_too_large_a_number_is_told() -> None:
    with pytest.raises(StoreError, match="x is too large"):
        bound("SELECT :x", {"x": 2**63})
