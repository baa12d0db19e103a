"""A ClickHouse that OpenTelemetry's collector fills, open for reading.

What is asked for is in the views that ``collector-config/clickhouse/views.sql`` makes; whole spans
are in the table that the collector's exporter makes, ``otel.otel_traces``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

from otelier.store import clickhouse_spans, clickhouse_sql, clickhouse_values
from otelier.store.clickhouse_place import Place, parsed
from otelier.store.clickhouse_told import told
from otelier.store.engine import Answer, Parameter, StoreError
from otelier.store.spans import StoredSpan

_SECONDS: Final = 60
_CONNECTING: Final = 10
# What each query is run with, where whoever asks may say so and nobody has: see ``access.sql``.
_SETTINGS: Final = {
    # `SELECT lower(model) AS model … WHERE model = 'X'` means the column, as in SQLite.
    "prefer_column_name_to_alias": "1",
    # What a text says that is compared with a time.
    "session_timezone": "UTC",
    # No functions that read or write elsewhere, either.
    "readonly": "1",
}
_UNSET: Final = ("", "0")


class ClickHouse:
    """A ClickHouse at a URL. Its methods may be called by any thread, one after the other."""

    dialect = "clickhouse"

    def __init__(self, url: str, seconds: int = _SECONDS) -> None:
        """Connect: ``clickhouse://user:password@host:port/database``, TLS by ``clickhouses://``.

        ``seconds``: how long a query may take. Raises StoreError.
        """
        self._place = parsed(url)
        self.place = self._place.shown
        self._lock = threading.Lock()
        self._client = _connected(self._place, seconds)
        for name, value in {"max_execution_time": str(seconds), **_SETTINGS}.items():
            if self._may_set(name):
                self._client.set_client_setting(name, value)

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        most: int | None = None,
    ) -> Answer:
        """Run a query; at most ``most`` rows. Raises StoreError with what the engine says."""
        query, given = clickhouse_sql.bound(sql, parameters or {})
        if not query:
            raise StoreError("it is no query: only reading is possible here")
        with self._lock, told(self._place):
            found = self._query(query, given, self._at_most(most))
            rows = found.result_rows if most is None else found.result_rows[:most]
            names = found.column_names or self._names(query, given)
            return Answer(tuple(names), clickhouse_values.table(found.column_types, rows))

    def trace(self, trace_id: str) -> list[StoredSpan]:
        """All spans of a trace, each once, in order of start; none where it is not stored."""
        found = self.ask(clickhouse_spans.TRACE, {"trace_id": trace_id})
        return [clickhouse_spans.span(row) for row in found.dicts()]

    def close(self) -> None:
        """Let go of it."""
        self._client.close()

    def _query(self, sql: str, given: dict[str, str], settings: dict[str, str]) -> Any:
        return self._client.query(
            sql,
            # With none at all it would take `%` in the SQL for places of parameters.
            parameters=given or None,
            settings=settings,
            query_formats=clickhouse_values.FORMATS,
        )

    def _names(self, sql: str, given: dict[str, str]) -> list[str]:
        """The columns of a query that found nothing: the server does not tell them then."""
        found = self._query(f"DESCRIBE TABLE (\n{sql}\n)", given, {})
        return [str(row[0]) for row in found.result_rows]

    def _at_most(self, most: int | None) -> dict[str, str]:
        """Settings that end a query that has found enough; it may find somewhat more."""
        wanted = {"max_result_rows": str(most), "result_overflow_mode": "break"}
        if most is None or not most or not all(map(self._may_set, wanted)):
            return {}
        return wanted

    def _may_set(self, name: str) -> bool:
        found = self._client.server_settings.get(name)
        if found is None or found.readonly:
            return False
        return found.value in _UNSET or name == "result_overflow_mode"


def _connected(place: Place, seconds: int) -> Any:
    try:
        import clickhouse_connect  # type: ignore[import-not-found]
    except ImportError:
        raise StoreError(
            "reading a ClickHouse needs a client: pip install 'otelier[clickhouse]'"
        ) from None
    # What it logs beside its exceptions is for programs that want logs.
    logging.getLogger(clickhouse_connect.__name__).addHandler(logging.NullHandler())
    with told(place):
        return clickhouse_connect.get_client(
            host=place.host,
            port=place.port,
            username=place.user,
            password=place.password,
            database=place.database,
            interface="https" if place.tls else "http",
            secure=place.tls,
            connect_timeout=_CONNECTING,
            send_receive_timeout=seconds + _CONNECTING,
            # Several may ask at once; no query needs what another left behind.
            autogenerate_session_id=False,
            show_clickhouse_errors=True,
            client_name="otelier",
            **place.options,
        )
