"""Sessions, conversations and what was said in them: which way they are looked up, and edges."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from otelier import questions
from otelier.store.writer import Writer
from tests.questions.over_views import OverViews
from tests.store.made import chat, message, span, talk
from tests.store.test_plans import Planned

WHOSE = {"session.id": "s-1", "user.id": "ada", "otelier.metadata.tenant": "north"}


@pytest.mark.parametrize(
    ("name", "given", "index"),
    [
        ("sessions", {}, "span_time"),
        ("sessions", {"since": "2026-01-01"}, "span_time"),
        ("sessions", {"user": "ada"}, "span_user"),
        ("sessions", {"session": "s-1"}, "span_session"),
        ("conversations", {}, "span_time"),
        ("conversations", {"session": "s-1"}, "span_session"),
        ("conversations", {"conversation": "c-1"}, "span_conversation"),
        ("conversation", {"id": "c-1"}, "span_conversation"),
        ("conversation", {"id": "s-1", "session": "s-1", "tenant": "north"}, "span_session"),
    ],
    ids=str,
)
def test_no_more_is_read_than_these(
    name: str, given: dict[str, str], index: str, tmp_path: Path
) -> None:
    Writer(tmp_path / "t.db").write([chat(n, talk(2), attributes=WHOSE) for n in range(1, 41)])
    engine = Planned(tmp_path / "t.db")
    try:
        assert getattr(questions, name)(store=engine, **given)
        first, *others = engine.plans.values()
        assert any(f"span USING INDEX {index}" in step for step in first), first
        for steps in others:
            assert not [step for step in steps if re.match("SCAN (otelier|span|link|text)", step)]
            assert not [step for step in steps if "span_paid" in step], steps
    finally:
        engine.close()


def test_sessions_of_many_calls_hide_none(written: Any) -> None:
    """The newest one has more calls than are looked at first."""
    busy = [span(n, attributes=_tool("busy")) for n in range(2_000, 4_500)]
    quiet = [span(n, attributes=_tool(f"quiet-{n}")) for n in range(3)]
    store = written(*busy, *quiet)
    found = questions.sessions(store=store)
    assert [row.session for row in found] == ["busy", "quiet-2", "quiet-1", "quiet-0"]
    assert [row.traces for row in found] == [2_500, 1, 1, 1]
    assert [row.session for row in questions.sessions(limit=2, skip=1, store=store)] == [
        "quiet-2",
        "quiet-1",
    ]


def test_sessions_whose_calls_began_at_once_are_each_there_once(written: Any) -> None:
    spans = [
        span(0, attributes=_tool(f"s-{n % 700}"), trace_id=f"{n:032x}", span_id=f"{n:016x}")
        for n in range(1, 1_500)
    ]
    store = written(*spans)
    found = [row.session for row in questions.sessions(limit=1_000, store=store)]
    assert len(found) == len(set(found)) == 700
    page = [row.session for row in questions.sessions(limit=100, skip=600, store=store)]
    assert page == found[600:]


def _tool(session: str) -> dict[str, str]:
    return {"gen_ai.operation.name": "execute_tool", "session.id": session}


def test_a_session_tells_what_was_said_first_its_models_and_how_long_it_took(written: Any) -> None:
    about = {"session.id": "s-1"}
    other = {**about, "gen_ai.request.model": "gpt-4o-mini"}
    said = [message("user", "one"), message("assistant", "two")]
    more = [*said, message("user", "three"), message("assistant", "four")]
    store = written(
        span(0, attributes=_tool("s-1")),
        chat(1, said, attributes=about),
        chat(60, more, attributes=other),
    )
    for engine in (store, OverViews(store)):
        (row,) = questions.sessions(store=engine)
        assert (row.text, row.models, row.seconds) == ("one", ("gpt-4o", "gpt-4o-mini"), 60.5)


def test_a_conversation_tells_of_failures_and_whose_it_is(written: Any) -> None:
    said = [message("user", "one"), message("assistant", "two")]
    failed = {
        "gen_ai.output.messages": None,
        "gen_ai.agent.name": "planner",
        "error.type": "RateLimitError",
        "session.id": "s-1",
    }
    trace = {"trace_id": "ab" * 16}
    store = written(
        chat(1, said, status="ERROR", attributes=failed, **trace),
        chat(2, said, attributes={"session.id": "s-2"}, **trace),
    )
    found = questions.conversation("c-1", store=store)
    assert [(row.role, row.status, row.error, row.agent, row.seconds) for row in found] == [
        ("user", "error", "RateLimitError", "planner", 0.5),
        ("assistant", "ok", "", "", 0.5),
    ]
    assert [(row.session, row.conversation) for row in found] == [("s-1", "c-1"), ("s-2", "c-1")]
    one = questions.conversation("c-1", session="s-2", store=store)
    assert [row.text for row in one] == ["one", "two"]
    assert questions.conversation("s-2", conversation="s-2", store=store) == []
