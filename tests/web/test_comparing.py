"""Two traces, two steps and two sets beside each other: what a page says of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from otelier import questions
from otelier import semconv as s
from otelier.store.spans import StoredSpan
from otelier.store.sqlite import SQLite
from otelier.web.pages import alike, compare
from otelier.web.shown import aligned, contents, pair, sets, tree
from otelier.web.shown.aligned import Pair
from otelier.web.shown.measures import measure
from tests.store.made import chat, message, span, talk, written
from tests.web import comparing

A, B = (tree.nodes(list(comparing.run(number))) for number in (0, 1))


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "a", "b", "told"),
    [
        ("USD", 0.004, 0.002, ("$0.004", "$0.002", "−$0.002", "× 0.5", True)),
        ("USD", 0.002, 0.004, ("$0.002", "$0.004", "+$0.002", "× 2", False)),
        ("USD", None, 0.004, ("–", "$0.004", "", "", None)),
        ("USD", 0.0, 0.004, ("free", "$0.004", "+$0.004", "", False)),
        ("s", 1.0, 1.0, ("1.00 s", "1.00 s", "=", "", None)),
        ("s", 0.001, 1.0, ("1 ms", "1.00 s", "+999 ms", "× 1,000", False)),
        ("tokens", 100, 1234, ("100", "1,234", "+1,134", "× 12.3", None)),
        ("tokens", 5, None, ("5", "–", "", "", None)),
        ("errors", 2, 0, ("2", "0", "−2", "", True)),
        ("share", 0.1, 0.05, ("10.0%", "5.0%", "−5.0 points", "× 0.5", None)),
        ("", 3, 3, ("3", "3", "=", "", None)),
    ],
)
def test_numbers_beside_each_other(unit: str, a: Any, b: Any, told: tuple[Any, ...]) -> None:
    found = measure("it", unit, a, b)
    assert (found.a, found.b, found.difference, found.ratio, found.better) == told


def test_what_misses_a_part_makes_no_difference() -> None:
    found = measure("cost", "USD", 0.5, 0.25, partial=(False, True))
    assert (found.a, found.b, found.difference, found.ratio) == ("$0.50", "≥ $0.25", "", "")
    assert found.better is None


# --- traces -------------------------------------------------------------------------------------


def names(a: Any, b: Any) -> list[str]:
    """The steps of both, indented; what only one has is marked."""
    told = []
    for each in aligned.pairs(a, b):
        row = aligned.row(each, a, b)
        only = "" if row.a and row.b else " (A)" if row.a else " (B)"
        told.append("  " * row.depth + f"{row.label} {row.name}".strip() + only)
    return told


def test_steps_are_aligned_by_the_path_of_their_names() -> None:
    assert names(A, B) == ["workflow advise", "  chat", "  tool stock", "  tool price (B)"]
    assert names(B, A)[-1] == "  tool price (A)"
    rows = [aligned.row(each, A, B) for each in aligned.pairs(A, B)]
    chats = rows[1]
    assert chats.a and chats.b and (chats.a.model, chats.b.model) == ("small", "large")
    assert (chats.time.difference, chats.cost.a, chats.cost.difference) == ("+1.00 s", "–", "")
    assert rows[3].b and rows[3].b.error == "KeyError"


def test_sums_of_both_traces() -> None:
    told = {each.name: (each.a, each.b, each.difference) for each in aligned.sums(A, B)}
    assert told["cost"] == ("–", "$0.004", "")
    assert told["time"] == ("4.00 s", "5.00 s", "+1.00 s")
    assert told["tokens read"] == ("100", "150", "+50")
    assert told["errors"] == ("0", "1", "+1")
    assert told["calls without a known price"] == ("1", "0", "−1")
    assert told["tool calls"] == ("1", "2", "+1")
    assert "of these cached" not in told


def steps(*told: str, root: str = "root") -> Any:
    """A trace of steps below a root."""
    made = [span(0, root, attributes={s.STEP_NAME: root})]
    for number, name in enumerate(told, 1):
        below = {"trace_id": made[0].trace_id, "parent_id": made[0].span_id}
        made.append(span(number, name, attributes={s.STEP_NAME: name}, **below))
    return tree.nodes(made)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("x y z", "x y z", "x y z"),
        ("x z", "x y z", "x y(B) z"),
        ("x y", "y", "x(A) y"),
        ("x x", "x x x", "x x x(B)"),
        ("x", "w x", "w(B) x"),
        ("", "x y", "x(B) y(B)"),
        ("x y", "y x", "x y"),
        ("a b c", "d e f", "d(B) e(B) f(B) a(A) b(A) c(A)"),
    ],
)
def test_siblings_of_both(a: str, b: str, told: str) -> None:
    found = names(steps(*a.split()), steps(*b.split()))
    assert [each.strip().removeprefix("step ").replace(" ", "") for each in found[1:]] == (
        told.split()
    )


def test_two_roots_are_compared_whatever_they_are_called() -> None:
    assert names(steps("x"), steps("x", root="other")) == ["step root → other", "  step x"]


def test_very_deep_and_very_wide_traces() -> None:
    deep = [span(0)]
    for number in range(1, 3000):
        deep.append(span(number, trace_id=deep[0].trace_id, parent_id=deep[-1].span_id))
    wide = [span(0), *(replace(each, parent_id=deep[0].span_id) for each in deep[1:])]
    found = aligned.pairs(tree.nodes(deep), tree.nodes(wide))
    # All of both: the root and one below it are the same.
    assert len(found) == 2 * 3000 - 2
    assert found[0] == Pair(0, 0, 0) and max(each.depth for each in found) == 2999


# --- steps --------------------------------------------------------------------------------------


def compared(one: StoredSpan, other: StoredSpan) -> pair.Pair:
    return pair.pair((tree.nodes([one]), 0), (tree.nodes([other]), 0))


def chats() -> pair.Pair:
    return pair.pair((A, 1), (B, 1))


def test_numbers_of_two_calls() -> None:
    told = {each.name: (each.a, each.b, each.difference) for each in chats().measures}
    assert told == {
        "cost": ("–", "$0.004", ""),
        "time": ("1.50 s", "2.50 s", "+1.00 s"),
        "first chunk": ("250 ms", "250 ms", "="),
        "tokens read": ("100", "150", "+50"),
        "tokens written": ("20", "20", "="),
    }


def test_parameters_that_differ_come_first() -> None:
    found = chats().settings
    differing = [(each.name, each.a, each.b) for each in found if not each.same]
    assert differing == [
        ("model", "small", "large"),
        ("prompt.version", "1", "2"),
        ("request.temperature", "0.2", "0.9"),
    ]
    assert [each.same for each in found] == sorted(each.same for each in found)
    assert ("request.max_tokens", "500") in [(each.name, each.a) for each in found if each.same]
    found = compared(chat(1, talk(1)), chat(2, talk(1), attributes={s.REQUEST_SEED: 7})).settings
    assert ("request.seed", None, "7") in [(each.name, each.a, each.b) for each in found]


def test_prompts_and_answers_of_two_calls() -> None:
    found = chats()
    assert found.system and (found.system.found.removed, found.system.found.added) == (2, 3)
    assert [(each.title, each.only, each.found.same) for each in found.tools] == [
        ("stock", "", False),
        ("price", "b", False),
    ]
    assert found.same_tools == 1
    assert found.messages and [(each.kind, each.count) for each in found.messages.said] == [
        ("same", 2),
        ("changed", 1),
    ]
    (answer,) = found.answers.said if found.answers else ()
    assert answer.kind == "changed" and answer.role == "assistant" and answer.found
    words = "".join(piece.text for piece in answer.found.stretches[0].pieces if piece.kind == "b")
    assert words == "Shimano HG5311617.50"
    assert found.texts == ()
    tools = pair.pair((A, 2), (B, 2))
    (arguments,) = tools.texts
    assert arguments.title == "Arguments" and arguments.found.added == 1


def test_tools_are_known_by_their_names_however_they_are_defined() -> None:
    def defined(*tools: Any) -> StoredSpan:
        return chat(1, talk(1), attributes={s.TOOL_DEFINITIONS: json.dumps(tools)})

    own = {"type": "function", "function": {"name": "inner", "description": "one"}}
    other = {"type": "function", "function": {"name": "inner", "description": "two"}}
    search = {"type": "web_search"}
    found = compared(defined(own, search, search, 7), defined(other, search, "odd", own))
    assert [(each.title, each.only) for each in found.tools] == [
        ("inner", ""),
        ("web_search (2)", "a"),
        ("(no name)", ""),
        ("inner (2)", "b"),
    ]
    assert found.same_tools == 1


def said(one: Sequence[Any], other: Sequence[Any]) -> list[str]:
    spans = [
        chat(n, [], attributes={s.INPUT_MESSAGES: json.dumps(each), s.OUTPUT_MESSAGES: "[]"})
        for n, each in enumerate((one, other))
    ]
    found = compared(*spans).messages
    assert found is not None
    return [f"{each.kind} {each.count}" for each in found.said]


def test_messages_are_aligned() -> None:
    first = talk(3)
    assert said(first, first) == ["same 6"]
    # What the next call of a conversation is sent.
    assert said(first[:3], [*first[:3], *first[3:5]]) == ["same 3", "b 1", "b 1"]
    other = [*first[:2], message("user", "otherwise"), *first[3:]]
    assert said(first, other) == ["same 2", "changed 1", "same 3"]
    assert said([message("user", "x")], [message("tool", "x")]) == ["a 1", "b 1"]
    assert said([], [message("user", "x")]) == ["b 1"]


def test_lists_of_very_many_messages_are_shown_in_part() -> None:
    found = compared(
        chat(1, [message("user", f"a {n}") for n in range(5000)]),
        chat(2, [message("user", f"b {n}") for n in range(5000)]),
    ).messages
    assert found and len(found.said) == contents._MESSAGES
    assert found.left_out == 4999 - contents._MESSAGES


def test_calls_and_results_are_compared_by_their_lines() -> None:
    def part(value: Any) -> list[dict[str, Any]]:
        call = {"type": "tool_call", "name": "stock", "id": "1", "arguments": value}
        return [{"role": "assistant", "parts": [call]}, message("user", "?")]

    one = part({"part": "HG53", "place": {"row": 1}})
    other = part(json.dumps({"part": "HG53", "place": {"row": 2}}))
    spans = [chat(n, each) for n, each in enumerate((one, other))]
    found = compared(*spans).messages
    assert found and found.said[0].found
    changed = [each for each in found.said[0].found.stretches if each.kind == "changed"]
    assert [(each.lines, [piece.text for piece in each.pieces]) for each in changed] == [
        (1, ['    "row": ', "1", "2"])
    ]


@pytest.mark.parametrize("value", [7, True, None, "text", "{", [], {}, [1, [2]], {"role": 1}, b"x"])
def test_whatever_attributes_hold(value: Any) -> None:
    names = (s.INPUT_MESSAGES, s.OUTPUT_MESSAGES, s.SYSTEM_INSTRUCTIONS, s.TOOL_DEFINITIONS,
             s.TOOL_CALL_ARGUMENTS, s.RESULT, s.RETRIEVAL_DOCUMENTS, s.REQUEST_MODEL,
             s.RESPONSE_FINISH_REASONS, s.COST, s.USAGE_INPUT, s.REQUEST_SEED)  # fmt: skip
    odd = span(1, attributes={s.OPERATION_NAME: s.CHAT, **dict.fromkeys(names, value)})
    for one, other in ((odd, odd), (odd, chat(2, talk(2))), (span(3), odd)):
        compared(one, other)
        names_of = tree.nodes([one]), tree.nodes([other])
        aligned.sums(*names_of)


# --- sets ---------------------------------------------------------------------------------------


def row(**told: Any) -> Any:
    sides = {f"{side}{end}": None for side in "ab" for end in ("", "_low", "_high")}
    counts = {f"{side}_{what}": 0 for side in "ab" for what in ("n", "unpriced")}
    return SimpleNamespace(**{"measure": "it", "unit": "", **sides, **counts, **told})


def test_bars_are_where_their_numbers_are() -> None:
    told = {"a": 1.0, "a_low": 0.5, "a_high": 1.5, "b": 2.0, "b_low": 1.6, "b_high": 2.4}
    (line,) = sets.lines([row(**told)])
    whole = sets.WIDTH - 2 * sets._EDGE
    for bar, value in ((line.a, 1.0), (line.b, 2.0)):
        assert bar.at == pytest.approx(sets._EDGE + value / 2.4 * whole, abs=0.01)
    assert line.a.low and line.a.at and line.a.high and line.a.low < line.a.at < line.a.high
    assert (line.apart, line.zero, line.a.interval) == (True, None, "0.5 to 1.5")
    (line,) = sets.lines([row(**{**told, "b_low": 1.4})])
    assert not line.apart


def test_what_is_not_known_has_no_bar() -> None:
    (line,) = sets.lines([row(a=1.0)])
    assert line.b.at is line.a.low is line.b.low is None and not line.apart
    assert (line.a.value, line.b.value, line.measure.difference) == ("1", "–", "")
    (line,) = sets.lines([row(a=0.0, b=0.0)])
    assert line.a.at is None
    (line,) = sets.lines([row(a=0.0, a_low=0.0, a_high=0.75, b=0.0)])
    assert line.a.high == sets.WIDTH - sets._EDGE
    assert sets.lines([row()]) == []


def test_negative_scores_and_intervals_that_go_far() -> None:
    (line,) = sets.lines([row(a=-0.5, a_low=-0.75, a_high=-0.25, b=0.5, b_low=0.25, b_high=0.75)])
    assert line.zero == sets.WIDTH / 2 and line.a.at and line.a.at < line.zero
    (line,) = sets.lines([row(a=1.0, a_low=-90.0, a_high=92.0, b=1.0, b_low=0.9, b_high=1.1)])
    assert line.a.further and not line.b.further
    assert (line.a.low, line.a.high) == (sets._EDGE, sets.WIDTH - sets._EDGE)


def test_lines_are_those_of_the_question(tmp_path: Path) -> None:
    path = comparing.store(tmp_path / "t.db")
    found = questions.compare("1", "2", by="prompt_version", prompt="mechanic", store=path)
    lines = {line.measure.name: line for line in sets.lines(found)}
    known = [each.measure for each in found if each.a is not None or each.b is not None]
    assert list(lines) == known
    assert (lines["calls"].a.value, lines["calls"].b.value) == ("1", "1")
    assert lines["latency"].measure.difference == "+1.00 s"
    assert lines["cost"].measure.a == "–" and lines["cost"].measure.difference == ""


# --- what can be compared -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ("ab", ("ab", "")),
        (" ab/cd ", ("ab", "cd")),
        ("http://127.0.0.1:4318/traces/ab/cd?plain=1#x", ("ab", "cd")),
        ("/traces/ab", ("ab", "")),
        ("/traces/a%2Fb/c%3F", ("a/b", "c?")),
    ],
)
def test_what_a_person_writes_is_a_trace_or_a_step(told: str, place: tuple[str, str]) -> None:
    found = compare.read(told)
    assert (found.trace_id, found.span_id) == place


@pytest.mark.parametrize("told", ["", "/", "a/b/c", "traces", "/traces/", "http://x/"])
def test_what_is_neither(told: str) -> None:
    with pytest.raises(ValueError, match="is no trace"):
        compare.read(told)


def found(engine: SQLite, trace_id: str, span_id: str) -> list[alike.Alike]:
    nodes = tree.nodes(engine.trace(trace_id))
    at = next(n for n, (node, _) in enumerate(nodes) if node.span.span_id == span_id)
    return alike.earlier(engine, nodes, at)


def test_the_call_before_stands_at_the_same_place(tmp_path: Path) -> None:
    engine = SQLite(comparing.store(tmp_path / "t.db"))
    (before,) = found(engine, comparing.SECOND_RUN, f"{2:08x}{1:08x}")
    assert (before.trace_id, before.span_id) == (comparing.FIRST, f"{1:08x}{1:08x}")
    assert (before.model, before.cost, before.same_path) == ("small", None, True)
    assert not before.same_conversation and not before.same_trace
    # The first one has none, nor has a tool that never ran before.
    assert found(engine, comparing.FIRST, f"{1:08x}{1:08x}") == []
    assert found(engine, comparing.SECOND_RUN, f"{2:08x}{3:08x}") == []
    (tool,) = found(engine, comparing.SECOND_RUN, f"{2:08x}{2:08x}")
    assert tool.name == "execute_tool stock"


def test_the_nearest_of_the_same_place_and_conversation_is_before_others(tmp_path: Path) -> None:
    def made(number: int, conversation: str, above: str | None) -> list[StoredSpan]:
        trace = f"{number + 1:032x}"
        told = {s.CONVERSATION_ID: conversation}
        own = chat(number, talk(1), attributes=told, parent_id=above and f"{number + 100:016x}")
        if above is None:
            return [own]
        root = span(number + 99, above, trace_id=trace, start_ns=own.start_ns - 1)
        return [root, own]

    spans = [
        *made(1, "mine", "here"),
        *made(2, "mine", "there"),
        *made(3, "other", "here"),
        *made(4, "other", None),
        *made(5, "mine", "here"),
    ]
    engine = SQLite(written(tmp_path / "t.db", spans))
    all_of_them = found(engine, f"{6:032x}", f"{6:016x}")
    assert [each.trace_id[-1] for each in all_of_them] == ["4", "3", "2"]
    best = alike.nearest(all_of_them)
    assert best is not None and best.trace_id == f"{2:032x}"
    best = alike.nearest(each for each in all_of_them if each.trace_id != f"{2:032x}")
    assert best is not None and best.trace_id == f"{4:032x}"
    assert alike.nearest([]) is None


def test_nothing_is_before_what_has_no_time_or_is_no_call(tmp_path: Path) -> None:
    spans = [chat(1, talk(1)), chat(2, talk(1), start_ns=0, end_ns=0), span(3, "GET /")]
    engine = SQLite(written(tmp_path / "t.db", spans))
    for number in (2, 3):
        assert found(engine, f"{number + 1:032x}", f"{number + 1:016x}") == []


def test_sets_to_choose_from_are_those_of_the_store(tmp_path: Path) -> None:
    engine = SQLite(comparing.store(tmp_path / "t.db"))
    choices = list(compare._choices(compare._known(engine, None)))
    assert [(each.by, each.prompt, [name for name, _, _ in each.names]) for each in choices] == [
        ("prompt_version", "mechanic", ["2", "1"]),
        ("tag", "", ["new", "old"]),
        ("model", "", ["large", "small"]),
    ]


def test_the_newest_versions_come_first_and_what_is_used_most() -> None:
    known = [
        {"model": model, "tags": "[]", "prompt": "p", "prompt_version": version, "calls": calls}
        for model, version, calls in (
            ("a", "9", 5), ("b", "10", 1), ("c", "v2.9", 3), ("c", "v2.10", 3), ("a", "", 1),
        )
    ]  # fmt: skip
    versions, _, models = compare._choices(known)
    assert [name for name, _, _ in versions.names] == ["v2.10", "v2.9", "10", "9", ""]
    assert [(name, calls) for name, calls, _ in models.names] == [("a", 6), ("c", 6), ("b", 1)]


def test_names_that_a_form_cannot_send_are_not_to_be_chosen() -> None:
    known = [
        {"model": name, "tags": "[]", "prompt": "", "prompt_version": "", "calls": 1}
        for name in ("fine", "two\nlines", "nul\0", "", "\u202e")
    ]
    (_, models) = compare._choices(known)
    assert {name: sent for name, _, sent in models.names} == {
        "fine": True,
        "two\nlines": False,
        "nul\0": False,
        "": False,
        "\u202e": True,
    }


def test_only_so_many_calls_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier call that is too long ago is not found, and the newest are what is looked at."""
    monkeypatch.setattr(alike, "_EARLIER", alike._EARLIER.replace(f"{alike._CALLS}", "3", 1))
    spans = [chat(n, talk(1), attributes={s.CONVERSATION_ID: ""}) for n in range(6)]
    engine = SQLite(written(tmp_path / "t.db", spans))
    assert [each.trace_id for each in found(engine, f"{6:032x}", f"{6:016x}")] == [
        f"{n:032x}" for n in (5, 4, 3)
    ]
