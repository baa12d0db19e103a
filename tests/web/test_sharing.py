"""A trace as a document that needs nobody: what is in it, how much of it, and what is not."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from otelier import semconv as s
from otelier.content import Policy
from otelier.settings import Settings
from otelier.store.evaluations import evaluations
from otelier.store.finding import one
from otelier.store.opening import opened
from otelier.store.redacting import Redactor
from otelier.store.spans import StoredEvent, StoredResource, StoredSpan
from otelier.web import sharing
from otelier.web.pages import rendering
from otelier.web.sharing import Bounds
from tests.browser.stores import made_in
from tests.browser.stores.hostile import everywhere
from tests.store.made import chat, message, span, talk
from tests.unit.redaction.secrets import secrets

TRACE = f"{1:032x}"
SECRETS = list(secrets())[::9]


def made(spans: Sequence[StoredSpan], **chosen: Any) -> str:
    redactor = Redactor(Policy(Settings(**chosen)))
    return sharing.document(spans, {}, redactor).encode().decode()


def read(document: str) -> str:
    """What a reader sees of it, with all that is folded."""
    body = document.partition("<body")[2].partition(">")[2]
    return html.unescape(re.sub(r"<[^>]*>", "", body))


def call(number: int, said: list[Any], **more: Any) -> StoredSpan:
    return replace(chat(number, said, **more), trace_id=TRACE)


def below(number: int, parent: int | None, **more: Any) -> StoredSpan:
    up = None if parent is None else f"{parent + 1:016x}"
    return span(number, f"step {number}", trace_id=TRACE, parent_id=up, **more)


# --- secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_no_secret_is_in_it_wherever_one_was(text: str, secret: str) -> None:
    document = made(list(everywhere(text, count(1)))[-2:])
    forms = {secret, json.dumps(secret)[1:-1], html.escape(secret), html.escape(secret, False)}
    assert not [form for form in forms if form in document or form in html.unescape(document)]


def test_evaluations_are_redacted_as_well() -> None:
    said = {f"{2:016x}": [{"evaluation": "judge", "label": "password: hunter2", "score": 0.5,
                           "explanation": "the password is hunter2"}]}  # fmt: skip
    document = str(sharing.document([call(1, talk(1))], said, Redactor(Policy(Settings()))).html)
    assert "judge" in document and "0.5" in document and "hunter2" not in document


def test_it_says_by_which_rules(tmp_path: Path) -> None:
    spans = [span(1)]
    assert "once more when this was written, by the built-in rules." in read(made(spans))
    patterns = tmp_path / "patterns"
    patterns.write_text("a+b\nc+d\n")
    assert "rules and 2 patterns of the user's own." in read(
        made(spans, redact_patterns=str(patterns))
    )
    assert "Secrets were NOT looked for" in read(made(spans, redact=False))


# --- alone ------------------------------------------------------------------------------------


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def elements(document: str) -> Elements:
    found = Elements()
    found.feed(document)
    return found


def test_its_own_policy_allows_its_own_sheet_and_nothing_else() -> None:
    document = made([call(1, talk(1))])
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', document)
    (sheet,) = re.findall(r"<style>(.*?)</style>", document, re.DOTALL)
    digest = base64.b64encode(sha256(sheet.encode()).digest()).decode()
    assert html.unescape(policy) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    found = elements(document)
    assert "script" not in found.tags and found.tags.count("style") == 1
    links = [value for _, name, value in found.attributes if name in ("href", "src")]
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert not [name for _, name, _ in found.attributes if name == "style" or name[:2] == "on"]


def test_its_sheet_holds_for_it_alone() -> None:
    sheet = re.sub(r"/\*.*?\*/", "", sharing.style(), flags=re.DOTALL)
    depth, outside = 0, ""
    for sign in sheet:
        outside += sign if depth == 0 else ""
        depth += (sign == "{") - (sign == "}")
    assert depth == 0 and re.sub(r"[{}\s]", "", outside) == ".otelier-trace.otelier-trace"
    assert ":root" not in sheet and "@import" not in sheet and "url(" not in sheet
    # Of the pages' sheet there is what content needs.
    for rule in ("--paper:", ".bubble.user", ".facts dt", ".kind.model", ".v.number", ".row {"):
        assert rule in sheet


def test_nothing_of_the_machine_is_in_it() -> None:
    document = made([call(1, talk(1))])
    assert str(Path.cwd()) not in document and str(Path.home()) not in document
    assert str(Path(rendering.__file__).parent) not in document


def test_it_is_the_same_each_time() -> None:
    spans = [call(number, talk(number + 1)) for number in range(4)]
    assert made(spans) == made(spans)


# --- where steps stand ------------------------------------------------------------------------


def test_steps_are_in_lists_in_lists() -> None:
    spans = [below(0, None), below(1, 0), below(2, 1), below(3, 0), below(4, None)]
    document = made(spans)
    assert len(re.findall(r"<li[ >]", document)) == 5 == document.count("</li>")
    # One for all, one below 0, one below 1.
    assert document.count("<ol") == 3 == document.count("</ol>")
    assert document.count("3 steps below") == 1 == document.count("1 step below")
    assert document.count("<details") == document.count("</details>")


def test_each_step_has_an_anchor_of_its_own() -> None:
    odd = ["", " ", "a b", "é" * 16, "x" * 1000, "1" * 16, "1" * 16, '"><b>']
    spans = [replace(below(n, None), span_id=id) for n, id in enumerate(odd)]
    # What the page shows of ids is another matter.
    found = elements(made(spans))
    ids = [value for _, name, value in found.attributes if name == "id" and "program" not in value]
    assert len(ids) == len(set(ids)) == len({(each.span_id, each.start_ns) for each in spans})
    assert f"span-{'1' * 16}" in ids and all(re.fullmatch(r"(span|step)-\w+", id) for id in ids)
    targets = {v[1:] for _, name, v in found.attributes if name == "href" and v[:1] == "#"}
    assert targets <= set(ids)


def test_what_is_deeper_than_browsers_go_says_its_level() -> None:
    document = made([below(n, n - 1 if n else None) for n in range(300)])
    assert document.count("<ol") == 101 and "(level 299)" in document
    assert len(re.findall(r"<li[ >]", document)) == 300 == document.count("</li>")


def test_a_long_list_is_folded_and_the_first_one_is_not() -> None:
    spans = [below(0, None), below(1, 0), *(below(n, 1) for n in range(2, 150))]
    document = made(spans)
    assert '<details class="below" open><summary><span class="unseen">149 steps' in document
    assert '<details class="below"><summary><span class="unseen">148 steps' in document


@pytest.mark.parametrize(
    ("failed", "opened"), [((), [1]), ((3,), [3]), ((2, 3), [3]), ((1, 3, 4), [1, 3, 4])]
)
def test_failures_are_seen_at_first_else_the_first_that_says_something(
    failed: tuple[int, ...], opened: list[int]
) -> None:
    def status(number: int) -> dict[str, Any]:
        return {"status": "ERROR", "status_message": "no"} if number in failed else {}

    workflow = {s.OPERATION_NAME: s.INVOKE_WORKFLOW}
    spans = [below(0, None, **status(0))]
    spans += [call(1, talk(1), parent_id=spans[0].span_id, **status(1))]
    spans += [below(2, 0, attributes=workflow, **status(2))]
    spans += [call(3, talk(1), parent_id=spans[2].span_id, **status(3))]
    spans += [call(4, talk(1), parent_id=spans[0].span_id, **status(4))]
    document = made(spans)
    found = re.findall(r'<details class="step"( open)?>.*?id="span-(\w+)"', document, re.DOTALL)
    assert [int(id, 16) - 1 for open, id in found if open] == opened


# --- what is said -----------------------------------------------------------------------------


def test_what_a_step_before_has_shown_is_folded_and_there() -> None:
    said = talk(6)
    text = made([call(n, said[: 2 * n + 2]) for n in range(6)])
    assert "10 earlier messages" in read(text) and "8 earlier messages" in read(text)
    # Whole where it was new, and once more in each of the folds behind.
    assert text.count(said[0]["parts"][0]["content"]) == 6


def test_beyond_a_bound_a_link_stands_for_what_is_shown_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing, "FILE", replace(sharing.FILE, again=0))
    said = talk(6)
    text = made([call(n, said[: 2 * n + 2]) for n in range(6)])
    for each in said:
        # The last answer is shown as an answer alone; each message is there all the same.
        assert text.count(each["parts"][0]["content"]) in (1, 2)
    assert f'10 earlier messages, shown in <a href="#span-{5:016x}">the call before' in text


def test_a_long_history_that_no_step_has_shown_is_folded() -> None:
    said = talk(30)
    text = made([call(1, said)])
    assert "58 earlier messages" in read(text)
    assert all(each["parts"][0]["content"] in text for each in said)
    called = {"type": "tool_call", "id": "c", "name": "look_up", "arguments": {}}
    found = {"type": "tool_call_response", "id": "c", "response": "found"}
    loop = [{"role": "assistant", "parts": [called]}, {"role": "tool", "parts": [found]}] * 20
    text = read(made([call(1, [message("user", "first"), *loop, message("assistant", "done")])]))
    # Each result stands beside its call, and is a message all the same.
    assert "39 earlier messages" in text and text.count("found") == 20


def test_instructions_and_tools_are_shown_once_and_linked_to() -> None:
    told = {
        s.SYSTEM_INSTRUCTIONS: '[{"type":"text","content":"Be brief."}]',
        s.TOOL_DEFINITIONS: '[{"type":"function","name":"look_up"}]',
    }
    other = {**told, s.SYSTEM_INSTRUCTIONS: '[{"type":"text","content":"Be long."}]'}
    said = talk(4)
    text = made(
        [call(n, said[: 2 * n + 2], attributes=a) for n, a in enumerate((told, other, told))]
    )
    # In the fold's line, and in the fold.
    assert text.count("Be brief.") == 2 == text.count("Be long.") and text.count("look_up") == 1
    first = f"#span-{1:016x}"
    assert f'As in a call before: <a href="{first}">tools</a>' in text
    same = f'<a href="{first}">system instructions</a>, <a href="{first}">tools</a>'
    assert f"As in a call before: {same}" in text


def test_what_is_shown_as_content_is_not_among_the_attributes() -> None:
    told = {
        s.OPERATION_NAME: s.EXECUTE_TOOL,
        s.TOOL_CALL_ARGUMENTS: '{"a": "the arguments"}',
        s.ARGUMENTS: '"other arguments"',
        s.TOOL_CALL_RESULT: '"the result"',
        s.RETRIEVAL_DOCUMENTS: '[{"id": "d", "content": "the document"}]',
    }
    text = read(made([span(1, attributes=told)]))
    # The row says what a tool was given, too.
    assert text.count("the arguments") == 2
    words = ("other arguments", "the result", "the document")
    assert [text.count(word) for word in words] == [1, 1, 1]
    mixed = {**told, s.RETRIEVAL_DOCUMENTS: '[{"id": "d"}, "no document"]'}
    assert "no document" in read(made([span(1, attributes=mixed)]))


def test_texts_that_a_page_would_cut_are_whole() -> None:
    long = " ".join(f"word{n}" for n in range(30_000))
    event = StoredEvent("exception", 1, {"exception.message": long})
    result = json.dumps({"inner": long})
    attributes = {s.OPERATION_NAME: s.EXECUTE_TOOL, s.TOOL_CALL_RESULT: result, "mine": long}
    one = call(0, [message("user", long), message("assistant", long)], attributes=attributes)
    text = made([replace(one, events=(event,))])
    assert text.count("word29999") == 5 and "more characters" not in text


def test_programs_are_told_once() -> None:
    def of(name: str) -> StoredResource:
        return StoredResource({"service.name": name, "host": f"host of {name}"})

    spans = [below(n, None, resource=of("ab"[n % 2])) for n in range(6)]
    text = made(spans)
    assert text.count("host of a") == 1 == text.count("host of b")
    assert text.count('href="#program-1"') == 3 == text.count('href="#program-2"')
    assert "#program-" not in made(spans[::2])


# --- how much ---------------------------------------------------------------------------------


def test_spans_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "FILE", replace(sharing.FILE, spans=10))
    spans = [below(0, None), *(call(n, talk(1), parent_id=f"{1:016x}") for n in range(1, 30))]
    text = made(spans)
    assert "Of 30 spans the first 10 are here." in read(text)
    assert len(re.findall(r"<li[ >]", text)) == 10 == text.count("</li>")
    # The sums are those of all.
    assert "29 model calls" in read(text) and "30 spans" in read(text)


def test_content_beyond_the_bound_is_told_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "FILE", Bounds(100, 1 << 20, 0))
    spans = [below(n, None, attributes={"x": f"{n} " * 200_000}) for n in range(6)]
    spans.append(below(6, None, attributes={"x": "the last"}))
    text = made(spans)
    assert len(text) < 1.2 * (1 << 20)
    assert "Of 4 steps only the row is here: more than 1 MB." in read(text)
    assert read(text).count("content left out") == 4 and "the last" in text
    assert len(re.findall(r"<li[ >]", text)) == 7


# --- whole stores -----------------------------------------------------------------------------


def test_all_that_nobody_should_send_becomes_a_document(tmp_path: Path) -> None:
    engine = opened(str(made_in(tmp_path, "hostile")))
    ids = [row[0] for row in engine.ask("SELECT DISTINCT trace_id FROM otelier.spans").rows]
    assert len(ids) > 200
    for trace_id in ids:
        spans = engine.trace(trace_id)
        document = sharing.document(spans, evaluations(engine, trace_id))
        data = document.encode()
        assert data.endswith(b"</html>") and document.spans == len(spans)
        assert len(data) < sharing.FILE.bytes + (10 << 20)
    engine.close()


def test_a_trace_of_ten_thousand_spans_is_whole(tmp_path: Path) -> None:
    engine = opened(str(made_in(tmp_path, "large_trace")))
    made = sharing.document(one(engine), {})
    engine.close()
    assert made.spans == 10_000 and not [note for note in made.notes if note.warns]
    assert made.html.count('<div class="content"') == 10_000 and len(made.html) < 20 << 20
