"""Whatever a file holds, the viewer shows it, ends, and does not let it touch the terminal."""

from __future__ import annotations

import random
import re
import time
import unicodedata
from dataclasses import replace

import pytest

from otelier.store.spans import StoredResource, StoredSpan
from otelier.viewer import text as txt
from tests.hostile import BIDI, CONTROL, ESCAPES, NAMES, ODD_VALUES

from .build import MOMENT, chat, messages, render, said, span


def _shown(*spans: StoredSpan) -> str:
    """Everything the viewer makes of the spans, checked for what would reach the terminal."""
    plain = render(spans, messages=True)
    colored = render(spans, messages=True, color=True)
    assert re.sub(r"\x1b\[(?:0|1|2|3[0-9])m", "", colored) == plain
    for character in set(plain) - {"\n"}:
        assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp"), repr(character)
        assert (
            character
            not in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
    plain.encode()
    return plain


@pytest.mark.parametrize("text", [CONTROL, ESCAPES, BIDI], ids=["control", "escapes", "bidi"])
def test_no_content_reaches_the_terminal_as_a_command(text: str) -> None:
    part = {"type": "tool_call", "name": text, "id": text, "arguments": {text: text}}
    every = dict.fromkeys(NAMES, text) | {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": [{"role": text, "parts": [{"type": text, "content": text}, part]}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [part, *said(text)]}],
        "gen_ai.response.finish_reasons": [text],
        "gen_ai.retrieval.documents": [{"id": text, "content": text}],
        "otelier.tags": [text],
        f"otelier.metadata.{text}": text,
        "gen_ai.usage.cost": 0.01,
    }
    hostile = replace(
        span("a", None, text, error=text, attributes=every),
        trace_id=text,
        resource=StoredResource({"service.name": text}),
    )
    shown = _shown(hostile, replace(hostile, span_id="b", parent_id=text))
    assert "$0.01" in shown


def test_what_was_neutralised_stays_visible() -> None:
    shown = _shown(
        chat(
            "a",
            None,
            attributes={"gen_ai.input.messages": messages("user", said("a\x1b[2Jb\u202ec"))},
        )
    )
    assert "user: a␛[2Jb\\u202ec" in shown


def test_line_ends_in_names_make_no_lines() -> None:
    forged = "chat\ntotal 1 ms · $0.00\n"
    assert len(_shown(span("a", None, forged)).splitlines()) == 3


@pytest.mark.parametrize("name", NAMES)
def test_attributes_of_any_type(name: str) -> None:
    for value in ODD_VALUES:
        _shown(chat("a", None, attributes={name: value}))
        _shown(span("a", None, "s", attributes={name: value}))


def test_random_attributes() -> None:
    dice = random.Random(7)
    for _ in range(300):
        chosen = dice.sample(NAMES, 8)
        _shown(span("a", None, "s", attributes={name: dice.choice(ODD_VALUES) for name in chosen}))


def test_broken_json_is_shown_as_it_is() -> None:
    cut = messages("user", said("hello"))[:-9]
    shown = _shown(chat("a", None, attributes={"gen_ai.input.messages": cut}))
    assert '(not messages): [{"role": "user", "parts": [{"type": "text", "con' in shown


def test_nothing_at_all() -> None:
    assert "(no name)" in _shown(StoredSpan("", "", None, ""))


@pytest.mark.parametrize("time_ns", [0, -5, 10**30, MOMENT])
def test_clocks_that_say_nothing_of_use(time_ns: int) -> None:
    odd = replace(span("a", None, "odd"), start_ns=time_ns, end_ns=time_ns - 1)
    child = replace(span("b", "a", "child"), start_ns=1, end_ns=10**30)
    shown = _shown(odd, child)
    assert "odd" in shown and "└─ child" in shown
    assert "odd · -" not in shown


def test_skewed_clocks_of_several_processes() -> None:
    parent = span("a", None, "parent", 1000, 1500)
    child = span("b", "a", "child", 0, 400, remote=True)
    shown = _shown(child, parent)
    assert "parent · 500 ms\n└─ child · 400 ms\ntotal 1.50 s" in shown


def test_orphans_and_remote_parents_are_shown_and_say_so() -> None:
    shown = _shown(
        span("a", "gone", "orphan", 0),
        span("b", "far", "served", 1, remote=True),
        span("c", "a", "child", 2),
    )
    assert re.search(r"^orphan .*parent missing\n└─ child", shown, re.M)
    assert re.search(r"^served .*parent in another process$", shown, re.M)


def test_cycles() -> None:
    circle = [span(str(n), str((n + 1) % 5), f"n{n}", n) for n in range(5)]
    selfish = span("s", "s", "selfish", 9)
    shown = _shown(*circle, selfish, span("r", None, "root"), span("k", "3", "kid", 9))
    for name in ("n0", "n1", "n2", "n3", "n4", "selfish", "root", "kid"):
        assert len(re.findall(rf"\b{name}\b", shown)) == 1


def test_ids_that_are_used_twice() -> None:
    spans = [span("a", None, "one"), span("a", None, "two", 1), span("b", "a", "child", 2)]
    shown = _shown(*spans, *spans)
    for name in ("one", "two", "child"):
        assert shown.count(name) == 1


def test_ten_thousand_spans_one_below_the_other() -> None:
    spans = [span(str(n), str(n - 1) if n else None, f"s{n}", n, 10_000) for n in range(10_000)]
    started = time.process_time()
    shown = _shown(*spans)
    assert shown.count("\n") >= 10_000
    assert "(level 9999) s9999" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert time.process_time() - started < 20


def test_ten_thousand_spans_side_by_side_and_of_ten_thousand_traces() -> None:
    wide = [span(str(n), "0" if n else None, f"s{n}", n) for n in range(10_000)]
    assert "└─ s9999" in _shown(*wide)
    many = [span("a", None, f"s{n}", n, trace=str(n)) for n in range(10_000)]
    assert _shown(*many).count("trace ") == 10_000


def test_ten_thousand_spans_that_are_their_own_parents() -> None:
    selfish = [span(str(n), str(n), f"s{n}", n) for n in range(10_000)]
    assert _shown(*selfish).count("parent missing") == 10_000


def test_wide_and_combining_characters_keep_within_the_width() -> None:
    wide = "漢字かな交じり文" * 40 + " " + "👩‍👩‍👧" * 60 + "a" + "\u0301" * 500
    attributes = {"gen_ai.input.messages": messages("user", said(wide))}
    text = _shown(
        chat("a", None, model=wide, error=wide, attributes=attributes), span("b", "a", wide, 1)
    )
    assert max(map(txt.width, text.splitlines())) <= 100
    assert "漢字" in text


def test_long_texts_say_what_is_left_out() -> None:
    long = "word " * 10_000
    shown = _shown(
        chat("a", None, attributes={"gen_ai.input.messages": messages("user", said(long))}),
    )
    assert "… (49,000 more characters)" in re.sub(r"\s+", " ", shown)
    assert len(shown) < 3000


def test_texts_of_many_lines_say_what_is_left_out() -> None:
    shown = _shown(
        chat("a", None, attributes={"gen_ai.input.messages": messages("user", said("x\n" * 400))})
    )
    assert "… (371 more lines)" in shown


def test_long_conversations_lose_their_middle() -> None:
    turns = [turn for n in range(500) for turn in ("user", said(f"turn {n}."))]
    shown = _shown(chat("a", None, attributes={"gen_ai.input.messages": messages(*turns)}))
    assert "turn 0." in shown and "turn 499." in shown and "turn 250." not in shown
    assert "(460 messages left out)" in shown


def test_a_megabyte_of_name_is_cut_quickly() -> None:
    started = time.process_time()
    shown = _shown(chat("a", None, model="ü" * 10**6), span("b", "a", "\x1b" * 10**6, 1))
    assert len(shown) < 1000
    assert time.process_time() - started < 1


def test_media_are_described_and_not_printed() -> None:
    parts = [
        {
            "type": "blob",
            "modality": "image",
            "mime_type": "image/png",
            "content": "",
            "size": 12_300,
            "sha256": "ab12cd34ef56ab12cd34ef56",
        },
        {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "QUJD" * 4000},
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        {"type": "file", "modality": "document", "file_id": "file-1"},
    ]
    shown = _shown(chat("a", None, attributes={"gen_ai.input.messages": messages("user", parts)}))
    assert "[image image/png 12.3 kB sha256 ab12cd34ef56…]" in shown
    assert "[audio audio/wav 12.0 kB]" in shown and "QUJD" not in shown
    assert "[image https://example.org/a.png]" in shown
    assert "[document file-1]" in shown


def test_content_is_no_markup_and_no_name_of_an_emoji() -> None:
    words = "[bold]loud[/bold] [/] :smile: [link=file:///x]here[/link] " * 9
    told = {"gen_ai.input.messages": messages("user", said(words))}
    shown = _shown(chat("a", None, model=words, error=words, attributes=told))
    assert re.sub(r"[\s│]+", "", shown).count(words.replace(" ", "")) == 2
