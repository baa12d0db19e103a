"""What somebody types may be an id: where it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otelier.store.engine import Engine
from otelier.store.opening import opened
from otelier.web.pages import ids
from tests import hostile
from tests.questions.over_views import OverViews
from tests.store.made import chat, message, span, written

SAID = [message("user", "a"), message("assistant", "b")]
TOLD = {
    "session.id": "session-1",
    "gen_ai.conversation.id": "conv-1",
    "user.id": "ada",
    "gen_ai.response.id": "chatcmpl-1",
    "otelier.provider.request_id": "req_1",
}
TRACE, SPAN = f"{2:032x}", f"{2:016x}"


@pytest.fixture(params=["local", "any"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    same = {"session.id": "both-1", "gen_ai.conversation.id": "both-1"}
    path = written(
        tmp_path / "t.db",
        [
            chat(1, SAID, attributes=TOLD),
            chat(2, SAID, attributes=same, trace_id="abcdef01" + "0" * 24),
            chat(3, SAID, attributes={"user.id": "user 7"}, trace_id="abcdef02" + "0" * 24),
            span(4, trace_id=TRACE),
        ],
    )
    engine = opened(str(path))
    yield engine if request.param == "local" else OverViews(engine)
    engine.close()


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        (TRACE, f"/traces/{TRACE}"),
        (f"  {TRACE}\n", f"/traces/{TRACE}"),
        ("abcdef01", f"/traces/abcdef01{'0' * 24}"),
        ("ABCDEF02", f"/traces/abcdef02{'0' * 24}"),
        (SPAN, f"/traces/{TRACE}/{SPAN}"),
        # Of a span that is none of GenAI's, too.
        (f"{5:016x}", f"/traces/{TRACE}/{5:016x}"),
        ("chatcmpl-1", f"/traces/{TRACE}/{SPAN}"),
        ("req_1", f"/traces/{TRACE}/{SPAN}"),
        ("session-1", "/sessions/session-1"),
        ("conv-1", "/conversations/conv-1"),
    ],
)
def test_an_id_leads_straight_to_what_it_is_of(store: Engine, asked: str, address: str) -> None:
    assert ids.straight(ids.places(store, asked)) == address


def test_what_may_be_meant_otherwise_is_a_choice(store: Engine) -> None:
    # A user may be called by a word; a session as a conversation.
    assert [each.url for each in ids.places(store, "ada")] == ["/traces?user=ada"]
    both = ids.places(store, "both-1")
    assert [each.url for each in both] == ["/conversations/both-1", "/sessions/both-1"]
    for asked in ("ada", "both-1"):
        assert ids.straight(ids.places(store, asked)) == ""


@pytest.mark.parametrize(
    "asked",
    [
        *("", " ", "nobody", '"session-1"', "user 7", "abcdef0", "abcdef03", "f" * 32, "f" * 16),
        *("x" * 1_000_000, "'; DROP TABLE span; --", "%", "_", "\0", "\udc00"),
        *hostile.IDS,
    ],
)
def test_what_is_no_id_leads_nowhere(store: Engine, asked: str) -> None:
    assert ids.places(store, asked) == []
