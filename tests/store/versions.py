"""Stores of each version that there has been, as SQL: ``tests/store/versions/N.sql``.

``python -m tests.store.versions`` writes the one of the newest version, once, when it is made.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from otelier.store import schema
from otelier.store.spans import StoredEvent, StoredLink, StoredLog, StoredSpan
from otelier.store.writer import Writer

from .made import MOMENT, RESOURCE, SCOPE, chat, span, talk

FOLDER = Path(__file__).with_name("versions")


def spans() -> list[StoredSpan]:
    """What is in each of them."""
    said = talk(3, 40)
    calls = [chat(turn, said[: 2 * turn + 2]) for turn in range(3)]
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "find",
        "gen_ai.tool.call.arguments": '{"city": "Paris"}',
        "gen_ai.tool.call.result": "sunny " * 60,
        "otelier.tags": ["a", "b"],
        "session.id": "s-1",
    }
    odd = {"bytes": b"\x00\xff", "map": {"text": 1}, "list": [1, 2.5, None], "int": 2**63 - 1}
    return [
        *calls,
        span(3, "execute_tool find", attributes=tool, parent_id=calls[0].span_id),
        span(
            4,
            "GET",
            attributes=odd,
            kind="CLIENT",
            status="ERROR",
            status_message="no",
            events=(StoredEvent("exception", MOMENT, {"exception.type": "E"}),),
            links=(StoredLink("0" * 31 + "1", "0" * 15 + "2", {"n": 1}),),
            trace_state="a=b",
            flags=0x301,
        ),
    ]


def logs() -> list[StoredLog]:
    """And the events."""
    told = {"gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": 0.5}
    return [
        StoredLog(
            time_ns=MOMENT,
            name="gen_ai.evaluation.result",
            trace_id=f"{1:032x}",
            span_id=f"{1:016x}",
            attributes=told,
            scope=SCOPE,
            resource=RESOURCE,
        )
    ]


def main() -> None:
    path = FOLDER / f"{schema.VERSION}.sql"
    assert not path.exists(), f"{path} is there: what has landed is never changed"
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        writer = Writer(Path(folder) / "t.db")
        writer.write(spans(), logs())
        writer.close()
        connection = sqlite3.connect(Path(folder) / "t.db")
        lines = [
            f"PRAGMA application_id = {schema.APPLICATION};",
            f"PRAGMA user_version = {schema.VERSION};",
            *connection.iterdump(),
        ]
        connection.close()
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
