"""Sums by one dimension: SQL for the key of a row, and for the rows that are summed."""

from __future__ import annotations

from typing import Final

from otelier.questions.model import Column, Parameter

# Columns of calls.
_COLUMNS: Final = (
    "model",
    "provider",
    "user",
    "tenant",
    "session",
    "conversation",
    "service",
    "operation",
    "task",
    "day",
    "hour",
)
# Names that a call may have from a span above it.
NAMED_ABOVE: Final = ("step", "agent")
DIMENSIONS: Final = (*_COLUMNS, "tag", "prompt", *NAMED_ABOVE)
# The views that have a row for each tag of a row.
_TAGGED: Final = {"calls": "tagged", "spent": "spent_tagged"}
# More steps than this between a call and what names it are of a broken trace.
_HIGHEST: Final = 200

KEY: Final = Column("key", "text", "what the row is of: a value of what is summed by; '' for none")


def by(default: str = "model", *more: str) -> Parameter:
    """By what rows are summed."""
    choices = (*DIMENSIONS, *more)
    return Parameter("by", "text", "by what the rows are summed", default, choices=choices)


def keyed(dimension: str, view: str, columns: str = "*") -> str:
    """A WITH list that ends in ``found``: a view's rows that were asked for, each with ``key``.

    Of these rows at least the ``columns``: where a query reads them several times, SQLite keeps all
    that is named here. With tags a row is there once for each of its tags. An agent's or a step's
    name is the one that the span has itself, else the one of the nearest span above that has one.
    """
    if dimension in NAMED_ABOVE:
        return _above(dimension, view, columns)
    if dimension == "tag":
        more = ", '' AS tag" if columns == "*" else ""
        # Lists of both engines as text are '[]' where they are empty.
        return (
            f"WITH found AS (SELECT tag AS key, {columns} FROM otelier.{_TAGGED[view]} "
            f"WHERE {{filters}} UNION ALL SELECT '' AS key, {columns}{more} FROM otelier.{view} "
            "WHERE CAST(tags AS VARCHAR) = '[]' AND {filters})"
        )
    key = dimension
    if dimension == "prompt":
        key = "prompt || CASE WHEN prompt_version = '' THEN '' ELSE ' ' || prompt_version END"
    return f"WITH found AS (SELECT {key} AS key, {columns} FROM otelier.{view} WHERE {{filters}})"


def _above(name: str, view: str, columns: str) -> str:
    # All of these are kept until the end: no more of them than are needed.
    needed = dict.fromkeys(["trace_id", "span_id", "parent_id", name, *columns.split(", ")])
    kept = "*" if columns == "*" else ", ".join(needed)
    return (
        f"WITH RECURSIVE own AS (SELECT {kept} FROM otelier.{view} WHERE {{filters}}), "
        # What is below the same span has its name from the same one.
        "up AS ("
        f"SELECT trace_id, parent_id AS begun, {name} AS key, parent_id AS above, "
        f"CAST(0 AS INTEGER) AS height FROM own WHERE {name} = '' AND parent_id != '' "
        f"GROUP BY trace_id, parent_id, {name} "
        "UNION ALL "
        f"SELECT up.trace_id, up.begun, higher.{name}, higher.parent_id, "
        "CAST(up.height + 1 AS INTEGER) "
        "FROM up INNER JOIN otelier.spans AS higher "
        "ON higher.trace_id = up.trace_id AND higher.span_id = up.above "
        f"WHERE up.key = '' AND up.above != '' AND up.height < {_HIGHEST}"
        "), "
        "named AS (SELECT trace_id, begun, max(key) AS key FROM up "
        "WHERE key != '' GROUP BY trace_id, begun), "
        f"found AS (SELECT CASE WHEN own.{name} != '' THEN own.{name} "
        "ELSE coalesce(named.key, '') END AS key, own.* FROM own "
        "LEFT JOIN named ON named.trace_id = own.trace_id AND named.begun = own.parent_id)"
    )
