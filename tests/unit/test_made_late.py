"""What a runtime makes when it is first asked for, and what at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from otelier import guard
from otelier.content import Policy
from otelier.runtime import Runtime
from otelier.setting_texts import Blobs
from otelier.settings import Settings

LATE = {"policy", "prices", "events"}


def test_nothing_of_it_is_made_before_it_is_asked_for() -> None:
    run = Runtime(Settings())
    assert not LATE.intersection(vars(run))
    policy = run.policy
    assert LATE.issubset(vars(run))
    assert run.policy is policy


def test_what_can_be_wrong_is_made_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guard.reset()
    missing = str(tmp_path / "none")
    assert LATE.issubset(vars(Runtime(Settings(redact_patterns=missing))))
    assert "OTELIER_REDACT_PATTERNS names no file" in caplog.text
    assert LATE.issubset(vars(Runtime(Settings(blobs=Blobs.UPLOAD))))
    assert "needs OTELIER_BLOB_URI" in caplog.text
    Runtime(Settings(mask="nothing:here"))
    assert "OTELIER_MASK does not name a function" in caplog.text
    guard.reset()


def test_prices_are_none_where_nobody_wants_them() -> None:
    assert Runtime(Settings(cost=False)).prices is None


def test_all_threads_have_the_same() -> None:
    run = Runtime(Settings())
    ready = threading.Barrier(8)
    found: list[Policy] = []

    def ask() -> None:
        ready.wait(60)
        found.append(run.policy)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8 and len({id(each) for each in found}) == 1


def test_what_tightens_before_it_is_asked_for() -> None:
    run = Runtime(Settings())
    run.tighten({"redact": True, "message_bytes": 512})
    assert run.policy.longest == 512
    masked = Runtime(Settings())
    masked.tighten({}, lambda name, value: value)
    assert masked.policy.masks


def test_what_is_not_there() -> None:
    with pytest.raises(AttributeError):
        Runtime(Settings()).polices  # type: ignore[attr-defined]  # noqa: B018
