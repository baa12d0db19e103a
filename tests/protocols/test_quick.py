"""Readers have a quick way for an SDK's models: it reads what the careful one reads."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from typing import Any

import pytest

from otelier import wire
from otelier.protocols import taking
from otelier.protocols.anthropic import messages
from otelier.protocols.openai import chat, responses

ROUNDS = 150
Choose = random.Random


# --- chat completions -------------------------------------------------------------------------


def _call(choose: Choose) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": choose.choice(['{"a"', ": 1}", "", None, ["a"]])}
    call = {"index": choose.choice([0, 0, 0, 1, None]), "function": function}
    if choose.random() < 0.3:
        call |= {"id": choose.choice(["c1", "c2", "srvtoolu_1"]), "type": "function"}
        function["name"] = "look_up"
    return call


def _delta(choose: Choose) -> Any:
    if choose.random() < 0.6:
        return {"content": choose.choice(["Hel", "lo ", "…"])}
    cited = [{"type": "url_citation", "url": "u"}]
    return choose.choice(
        [
            None,
            {},
            {"role": "assistant", "content": ""},
            {"content": None, "refusal": "I can"},
            {"content": None, "reasoning_content": "hmm"},
            {"content": "so ", "reasoning": "hmm"},
            {"content": "so ", "reasoning": None},
            {"content": [{"type": "text", "text": "a list"}]},
            {"content": "see ", "annotations": cited},
            {"annotations": cited},
            {"provider_metadata": {"gateway": {"cost": "0.1"}}},
            {"audio": {"id": "a", "transcript": "spoken"}},
            {"tool_calls": []},
            {"tool_calls": [_call(choose)]},
            {"tool_calls": [_call(choose), _call(choose)]},
            {"content": "so ", "tool_calls": [_call(choose)]},
        ]
    )


# What may be told with any piece, by some provider or other.
WITH_DELTAS: dict[str, list[Any]] = {
    "role": ["assistant", "tool", None],
    "refusal": ["no", None],
    "function_call": [{"name": "f", "arguments": "{"}, {"arguments": "}"}],
    "audio": [{"id": "a", "transcript": "spoken"}],
}
WITH_CHOICES: dict[str, list[Any]] = {
    "usage": [None, {"prompt_tokens": 7, "completion_tokens": 7}],
    "error": [None, {"code": 2}],
    "logprobs": [None],
    "text": ["legacy"],
}
WITH_CHUNKS: dict[str, list[Any]] = {
    "id": ["", None, "d"],
    "model": ["", None, "n"],
    "service_tier": ["flex", "default", None],
    "system_fingerprint": ["fp", None],
    "x_groq": [{"id": "g", "usage": {"prompt_tokens": 1}}, None],
    "error": [{"code": 1, "message": "no"}],
    "provider": ["P"],
    "usage": [None],
}


def _with(choose: Choose, told: dict[str, list[Any]], found: dict[str, Any]) -> None:
    for name, values in told.items():
        odd = choose.random()
        if odd < 0.03:
            found[name] = choose.choice(values)
        elif odd > 0.98:
            found.pop(name, None)


def _choice(choose: Choose) -> Any:
    delta = _delta(choose)
    if delta is not None:
        _with(choose, WITH_DELTAS, delta)
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    _with(choose, WITH_CHOICES, choice)
    odd = choose.random()
    if odd < 0.1:
        choice["index"] = choose.choice([1, -1, 1000, None, "0"])
    elif odd < 0.15:
        choice["finish_reason"] = choose.choice(["stop", "tool_calls", "length"])
    elif odd < 0.17:
        del choice["delta"]
    elif odd < 0.18:
        return None
    return choice


def _chat(choose: Choose) -> Any:
    choices = [_choice(choose)]
    odd = choose.random()
    if odd < 0.05:
        choices.append(_choice(choose))
    chunk: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": choices,
    }
    if 0.05 < odd < 0.1:
        chunk["choices"] = choose.choice([[], None, "no"])
    if odd > 0.95:
        chunk["usage"] = {"prompt_tokens": choose.randrange(9), "completion_tokens": 1}
    _with(choose, WITH_CHUNKS, chunk)
    return chunk


def _tell_on(chunks: list[Any]) -> None:
    """What is told beside pieces is told with those that follow, or in the end, by providers."""
    told: dict[str, Any] = {}
    for chunk in chunks:
        _keep_on(chunk, told, ("service_tier", "x_groq"))
        choices = chunk["choices"]
        for choice in choices if type(choices) is list else ():
            if type(choice) is dict:
                _keep_on(choice, told, ("usage", "error"))
                if type(choice.get("delta")) is dict:
                    _keep_on(choice["delta"], told, ("function_call",))


def _keep_on(found: dict[str, Any], told: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if found.get(name) is not None:
            told[name] = found[name]
        elif name in told:
            found[name] = told[name]


# --- responses --------------------------------------------------------------------------------


def _response(choose: Choose) -> Any:
    if choose.random() < 0.6:
        piece = choose.choice(["Hel", "lo ", "…", "Hel", "lo ", None, 3])
        return {"type": "response.output_text.delta", "delta": piece, "output_index": 0}
    kind = choose.choice(
        [
            *("created", "in_progress", "completed", "failed", "output_item.added"),
            *("output_item.done", "output_item.done", "function_call_arguments.delta"),
            *("output_text.done", "nobody.knows"),
        ]
    )
    event: dict[str, Any] = {"type": f"response.{kind}"}
    if kind.startswith("output_item"):
        said = {"type": "output_text", "text": "Hello", "annotations": []}
        event["item"] = {"type": "message", "id": "m", "role": "assistant", "content": [said]}
        if choose.random() < 0.3:
            event["item"] = {"type": "web_search_call", "id": "w", "status": "completed"}
    elif kind in ("created", "in_progress", "completed", "failed"):
        event["response"] = {"id": "r", "object": "response", "status": kind, "output": []}
    elif kind.endswith("delta"):
        event["delta"] = '{"a"'
    if choose.random() < 0.03:
        return {"type": "error", "code": "server_error", "message": "no"}
    return event


# --- messages ---------------------------------------------------------------------------------


def _message(choose: Choose) -> Any:
    index = choose.choice([0, 0, 0, 0, 1, 300, None])
    kind = choose.random()
    if kind < 0.7:
        delta = choose.choice(
            [
                *([{"type": "text_delta", "text": "Hel"}] * 3),
                *([{"type": "input_json_delta", "partial_json": '{"a"'}] * 2),
                {"type": "thinking_delta", "thinking": "hmm"},
                {"type": "signature_delta", "signature": "s"},
                {"type": "text_delta", "text": None},
                {"type": "nobody_knows", "text": "hidden"},
                {},
                None,
            ]
        )
        return {"type": "content_block_delta", "index": index, "delta": delta}
    if kind < 0.85:
        block = choose.choice(
            [
                {"type": "text", "text": ""},
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "tool_use", "id": "t", "name": "look_up", "input": {}},
                {"type": "server_tool_use", "id": "t", "name": "web_search", "input": {}},
            ]
        )
        return {"type": "content_block_start", "index": index, "content_block": block}
    usage = {"input_tokens": 3, "output_tokens": choose.randrange(9)}
    message = {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": usage}
    return choose.choice(
        [
            {"type": "message_start", "message": message},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
            {"type": "content_block_stop", "index": index},
            {"type": "message_stop"},
            {"type": "ping"},
            {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
        ]
    )


FORMATS: dict[str, tuple[Any, Callable[[Choose], Any], str, str]] = {
    "chat": (chat.Reader, _chat, "openai", "types.chat.ChatCompletionChunk"),
    "responses": (responses.Reader, _response, "openai", "types.responses.ResponseStreamEvent"),
    "messages": (messages.Reader, _message, "anthropic", "types.RawMessageStreamEvent"),
}


def _maker(sdk: str, name: str) -> Callable[[Any], Any]:
    """Makes of data what the SDK would give the program."""
    pytest.importorskip(sdk)
    models: Any = import_module(f"{sdk}._models")
    module, _, kind = name.rpartition(".")
    made = getattr(import_module(f"{sdk}.{module}"), kind)
    return lambda data: models.construct_type(type_=made, value=data)


@pytest.mark.parametrize("keep", [True, False], ids=["content", "no_content"])
@pytest.mark.parametrize("name", FORMATS)
def test_reads_the_same(name: str, keep: bool) -> None:
    reader, event, sdk, kind = FORMATS[name]
    make = _maker(sdk, kind)
    quick_ones = 0
    for number in range(ROUNDS):
        choose = random.Random(f"{name} {number}")
        data = [event(choose) for _ in range(choose.randrange(1, 30))]
        if name == "chat":
            _tell_on(data)
        models = [make(each) for each in data]
        careful, quick = reader(keep), reader(keep)
        take = taking(quick, models[0])
        quick_ones += take != quick.chunk
        for each in models:
            careful.chunk(each)
            take(each)
        for complete in (False, True):
            found, wanted = (asdict(each.reply(complete)) for each in (quick, careful))
            assert found == wanted, wire.dumps(data)
    assert quick_ones > ROUNDS / 2


@pytest.mark.parametrize("name", FORMATS)
def test_data_and_odd_models_are_read_carefully(name: str) -> None:
    reader, event, sdk, kind = FORMATS[name]
    make = _maker(sdk, kind)
    data = next(each for each in map(event, [random.Random(7)] * 100) if type(each) is dict)
    plain = type(make(data))

    class Curious(plain):  # type: ignore[misc, valid-type]
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    class Kind(type):
        def __hash__(self) -> int:
            raise AssertionError

    class Other(metaclass=Kind):
        pass

    for first in (data, None, "text", Curious.__new__(Curious), Other()):
        one = reader(True)
        assert taking(one, first) == one.chunk


def test_of_a_text_only_the_whole_is_held() -> None:
    reader, _, sdk, kind = FORMATS["chat"]
    make = _maker(sdk, kind)

    def chunk(text: str) -> Any:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
        return make({"id": "c", "model": "m", "choices": [choice]})

    one = reader(True)
    take = taking(one, chunk("0,"))
    for number in range(3000):
        take(chunk(f"{number},"))
    assert len(one._pieces) < 600
    (message,) = one.reply(True).messages
    assert message["parts"][0]["content"] == "".join(f"{number}," for number in range(3000))
