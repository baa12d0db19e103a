"""Content keeps its budget, stays valid JSON, and follows the user's choices."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from otelier import semconv
from otelier.content import Policy
from otelier.settings import Blobs, Settings


def render(
    messages: list[Any] | None = None,
    output: list[Any] | None = None,
    system: list[Any] | None = None,
    tools: list[Any] | None = None,
    settings: Settings | None = None,
    mask: Any = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    Policy(settings or Settings(), mask).render(
        messages or [], output or [], system or [], tools or [], found
    )
    return {
        name: json.loads(value) if name in semconv.CONTENT_ATTRIBUTES else value
        for name, value in found.items()
    }


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"type": "text", "content": text}]}


def test_plain_content_is_as_it_is() -> None:
    assert render([user("hi 🎉")], [user("yo")]) == {
        semconv.INPUT_MESSAGES: [user("hi 🎉")],
        semconv.OUTPUT_MESSAGES: [user("yo")],
    }


@pytest.mark.parametrize("size", [300, 1000, 5000])
@pytest.mark.parametrize(
    "text", ["x" * 20_000, "é" * 20_000, "🎉" * 20_000, '"\\\n' * 9000, "a b " * 5000]
)
def test_a_long_message_is_cut_and_marked(text: str, size: int) -> None:
    found = render([user(text), user("short")], settings=Settings(message_bytes=size))
    first, second = found[semconv.INPUT_MESSAGES]
    used = len(json.dumps(first, ensure_ascii=False, separators=(",", ":")).encode())
    assert size * 0.95 - 48 <= used <= size
    assert first["truncated"] is True
    kept, _, rest = first["parts"][0]["content"].partition("… [")
    assert text.startswith(kept)
    missing = len(text) - len(kept)
    assert rest == f"{missing:,} more characters]"
    assert found[semconv.CONTENT_TRUNCATED_CHARACTERS] == missing
    assert second == user("short")
    assert found[semconv.CONTENT_TRUNCATED] is True


def test_long_arguments_and_results_are_cut() -> None:
    message = {
        "role": "tool",
        "parts": [
            {"type": "tool_call", "name": "f", "arguments": {"rows": ["y" * 50] * 5000}},
            {"type": "tool_call_response", "response": [{"a": "z" * 90_000, "b": 1}]},
        ],
    }
    found = render([message], settings=Settings(message_bytes=2000))
    assert len(json.dumps(found[semconv.INPUT_MESSAGES])) < 3000
    assert found[semconv.INPUT_MESSAGES][0]["parts"][0]["name"] == "f"


def test_the_span_budget_drops_from_the_middle() -> None:
    messages = [user(f"{number} " + "x" * 1000) for number in range(100)]
    found = render(messages, [user("answer")], settings=Settings(span_bytes=10_000))
    kept = [message["parts"][0]["content"].split()[0] for message in found[semconv.INPUT_MESSAGES]]
    assert kept[0] == "0"
    assert kept[-1] == "99"
    assert len(kept) < 11
    assert found[semconv.CONTENT_DROPPED_MESSAGES] == 100 - len(kept)
    assert found[semconv.OUTPUT_MESSAGES] == [user("answer")]


def test_blobs_are_described() -> None:
    data = base64.b64encode(b"\x89PNG" + bytes(1000)).decode()
    part = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": data}
    found = render([{"role": "user", "parts": [part]}])
    assert found[semconv.INPUT_MESSAGES][0]["parts"] == [
        {
            "type": "blob",
            "modality": "image",
            "mime_type": "image/png",
            "content": "",
            "size": 1004,
            "sha256": hashlib.sha256(data.encode()).hexdigest(),
        }
    ]


def test_blobs_inline_and_inside_of_tool_results() -> None:
    part = {"type": "blob", "modality": "image", "content": "aGk="}
    message = {"role": "tool", "parts": [{"type": "tool_call_response", "response": [part]}]}
    inline = render([message], settings=Settings(blobs=Blobs.INLINE))
    assert inline[semconv.INPUT_MESSAGES] == [message]
    hashed = render([message])
    described = hashed[semconv.INPUT_MESSAGES][0]["parts"][0]["response"][0]
    assert described["content"] == ""
    assert described["size"] == 2


def test_blobs_are_uploaded(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    part = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "aGk="}
    settings = Settings(blobs=Blobs.UPLOAD, blob_uri=tmp_path.as_uri())
    found = render([{"role": "user", "parts": [part]}], settings=settings)
    shown = found[semconv.INPUT_MESSAGES][0]["parts"][0]
    assert shown["type"] == "uri"
    file = tmp_path / shown["uri"].rpartition("/")[2]
    for _ in range(1_000_000):  # Written by a thread; no clock is asked.
        if file.exists() and file.stat().st_size:
            break
    assert file.read_bytes() == b"hi"


def test_redaction_can_be_switched_off() -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz"
    assert secret not in json.dumps(render([user(secret)]))
    assert secret in json.dumps(render([user(secret)], settings=Settings(redact=False)))


@pytest.mark.parametrize("filler", [0, 10_000])
def test_secrets_go_from_every_place(filler: int) -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz"
    text = "x " * filler + secret
    found = render(
        [user(text)],
        [{"role": "assistant", "parts": [{"type": "tool_call", "name": "f",
                                          "arguments": {"password": "hunter2 x", "q": text}}]}],
        [{"type": "text", "content": text}],
        [{"type": "function", "name": "f", "description": text}],
    )  # fmt: skip
    assert secret not in json.dumps(found)
    assert "hunter2" not in json.dumps(found)
    again = render([user(text)])
    assert secret not in json.dumps(again)


def test_a_cut_does_not_leave_half_a_secret() -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz0123456789"
    for size in range(300, 420):
        text = "word " * 50 + secret + " word" * 5000
        found = render([user(text)], settings=Settings(message_bytes=size))
        assert "sk-abcdefg" not in json.dumps(found)


def test_masking_callback_sees_and_replaces() -> None:
    seen = []

    def mask(name: str, value: Any) -> Any:
        seen.append(name)
        return [user("masked")] if name == semconv.INPUT_MESSAGES else value

    found = render([user("private")], [user("out")], mask=mask)
    assert found[semconv.INPUT_MESSAGES] == [user("masked")]
    assert set(seen) == {semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES}


@pytest.mark.parametrize("path", ["no.such.module:f", "otelier.wire:nothing", "nonsense"])
def test_a_mask_that_is_not_there_lets_nothing_out(path: str) -> None:
    assert render([user("private")], settings=Settings(mask=path)) == {}


def test_a_mask_that_fails_lets_nothing_out() -> None:
    def mask(name: str, value: Any) -> Any:
        raise RuntimeError("no")

    assert render([user("private")], mask=mask) == {}


def test_tool_definitions_by_name_alone() -> None:
    tools = [{"type": "function", "name": "f", "description": "d", "parameters": {"a": 1}}]
    assert render(tools=tools) == {semconv.TOOL_DEFINITIONS: tools}
    assert render(tools=tools, settings=Settings(tool_definitions=False)) == {
        semconv.TOOL_DEFINITIONS: [{"type": "function", "name": "f"}]
    }


def test_odd_values_become_data() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    part = {
        "type": "tool_call",
        "name": "f",
        "arguments": {"o": Odd(), "n": float("nan"), "big": 1 << 70, "s": "\ud83d", "b": b"xx",
                      1: 2, "set": {1}, "c": cyclic},
    }  # fmt: skip
    found = render([{"role": "assistant", "parts": [part]}])
    shown = found[semconv.INPUT_MESSAGES][0]["parts"][0]["arguments"]
    assert shown["o"] == "<Odd>"
    assert shown["big"] == 1 << 70
    assert shown["b"] == {"type": "bytes", "size": 2, "sha256": hashlib.sha256(b"xx").hexdigest()}


@pytest.mark.parametrize("size", [10, 300, 6_000])
@pytest.mark.parametrize(
    "more",
    [
        {"name": "sk-proj-" + "aB3dE5gH7" * 6},
        {"finish_reason": "sk-proj-" + "aB3dE5gH7" * 6},
        {"finish_reason": ["sk-proj-" + "aB3dE5gH7" * 6]},
        {"role": "sk-proj-" + "aB3dE5gH7" * 6},
        {"password": "aB3dE5gH7"},
    ],
    ids=str,
)
def test_what_stands_beside_a_known_text_is_looked_at(more: dict[str, Any], size: int) -> None:
    policy = Policy(Settings())
    for item in (user("word " * size), {**user("word " * size), **more}):
        found: dict[str, Any] = {}
        policy.render([item], [], [], [], found)
    assert "aB3dE5gH7" not in str(found)


@pytest.mark.parametrize("budget", [60, 300, 5_000])
def test_a_mask_may_leave_nothing(budget: int) -> None:
    settings = Settings(message_bytes=budget)
    found = render([user("Hello.")], settings=settings, mask=lambda name, value: [])
    assert found[semconv.INPUT_MESSAGES] == []
