"""How much tools were given and gave, in a local store: without reading what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otelier import semconv
from otelier.store.engine import Engine, Parameter

# Where a span has an attribute depends on its shape alone, and there are few of these.
_SIZES: Final = f"""
WITH
    places AS MATERIALIZED (
        SELECT shape.id AS shape, name.value AS key, '$[' || name.key || ']' AS at
        FROM otelier.shape AS shape, json_each(shape.names) AS name
        WHERE name.value IN ('{semconv.TOOL_CALL_ARGUMENTS}', '{semconv.TOOL_CALL_RESULT}')
    ),
    told AS (
        SELECT span.tool AS tool, places.key AS key,
            json_type(span."values", places.at) AS type,
            json_extract(span."values", places.at) AS value
        FROM otelier.span AS span JOIN places ON places.shape = span.shape
        WHERE span.operation = '{semconv.EXECUTE_TOOL}' AND {{where}}
    ),
    sizes AS (
        SELECT tool, key, CASE type
            WHEN 'object' THEN coalesce(
                (
                    SELECT length(CAST(text.body AS BLOB)) FROM otelier.text AS text
                    WHERE text.id = json_extract(told.value, '$.text')
                ),
                length(CAST(coalesce(json_extract(told.value, '$.kvlistValue'), value) AS BLOB))
            )
            ELSE length(CAST(value AS BLOB))
        END AS bytes
        FROM told
    )
SELECT tool AS of,
    avg(CASE WHEN key = '{semconv.TOOL_CALL_ARGUMENTS}' THEN bytes END) AS argument_bytes,
    avg(CASE WHEN key = '{semconv.TOOL_CALL_RESULT}' THEN bytes END) AS result_bytes,
    max(CASE WHEN key = '{semconv.TOOL_CALL_RESULT}' THEN bytes END) AS largest
FROM sizes WHERE bytes > 0 GROUP BY tool
"""


def sizes(store: Engine, where: str, given: Mapping[str, Parameter]) -> Iterator[dict[str, Any]]:
    """Bytes by tool (``of``): means of arguments and of results, and the largest result.

    ``where``: conditions on spans, in SQL.
    """
    return store.ask(_SIZES.format(where=where), given).dicts()
