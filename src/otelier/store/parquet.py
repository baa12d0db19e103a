"""Spans as a Parquet file: a row each, the columns of the view ``calls``, and all attributes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any, Final

import pyarrow  # type: ignore[import-not-found, import-untyped]
from pyarrow import parquet  # type: ignore[import-not-found, import-untyped]

from otelier import wire
from otelier.store import pieces, rows
from otelier.store.otlp import INT64
from otelier.store.portions import portions
from otelier.store.spans import StoredSpan

# Rows that are in memory at once, and their characters.
_GROUP: Final = 10_000
_CHARACTERS: Final = 8 << 20

_TEXT: Final = pyarrow.string()
_YES: Final = pyarrow.bool_()
_INTEGER: Final = pyarrow.int64()
_NUMBER: Final = pyarrow.float64()
_LIST: Final = pyarrow.list_(pyarrow.string())

# In the order of the view.
SCHEMA: Final = pyarrow.schema(
    [
        ("time", pyarrow.timestamp("ns", tz="UTC")),
        *((name, _TEXT) for name in ("trace_id", "span_id", "parent_id", "service", "operation")),
        *((name, _TEXT) for name in ("name", "provider", "model", "response_model")),
        *((name, _TEXT) for name in ("response_id", "agent", "tool", "data_source")),
        *((name, _INTEGER) for name in ("input_tokens", "output_tokens", "cache_read_tokens")),
        ("cost", _NUMBER),
        ("cost_source", _TEXT),
        ("model_call", _YES),
        ("batch_read", _YES),
        ("batch", _TEXT),
        *((name, _YES) for name in ("told", "unpriced", "uncounted")),
        ("error", _TEXT),
        ("seconds", _NUMBER),
        *((name, _TEXT) for name in ("session", "conversation", "user", "tenant")),
        ("tags", _LIST),
        *((name, _TEXT) for name in ("task", "request_id", "status", "prompt", "prompt_version")),
        ("finish_reasons", _LIST),
        ("first_chunk", _NUMBER),
        ("step", _TEXT),
        ("cache_write_tokens", _INTEGER),
        ("day", _TEXT),
        ("hour", _TEXT),
        # JSON: a map of the values by name, as the store has them.
        ("attributes", _TEXT),
    ]
)


def write(file: IO[bytes], spans: Iterable[StoredSpan]) -> int:
    """Write the spans, a group of rows after the other; how many they were."""
    count = 0
    with parquet.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for portion in portions(enumerate(spans), _GROUP, _CHARACTERS):
            made = [_row(span) for _, span in portion]
            writer.write_table(pyarrow.Table.from_pylist(made, SCHEMA))
            count += len(made)
    return count


def _row(span: StoredSpan) -> dict[str, Any]:
    found = dict(zip(rows.COLUMNS, rows.columns(span), strict=True))
    time = rows.moment(span.start_ns)
    return {
        **{name: _fitting(value) for name, value in found.items()},
        "time": span.start_ns if span.start_ns in INT64 else None,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id or "",
        "name": span.name,
        "seconds": (span.end_ns - span.start_ns) / 1e9,
        "tags": wire.loads(found["tags"]),
        "finish_reasons": wire.loads(found["finish_reasons"]),
        "day": time[:10],
        "hour": f"{time[:13]}:00",
        "attributes": wire.encoded(pieces.tagged(dict(span.attributes))).decode(),
    }


def _fitting(value: Any) -> Any:
    """A count that Parquet cannot hold is not there."""
    return None if type(value) is int and value not in INT64 else value
