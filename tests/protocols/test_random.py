"""Random JSON at every reader and request function: nothing raises, what comes out is JSON, of
the types that attributes may have, and every part is one of the conventions'.
"""

from __future__ import annotations

import ast
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from otelier import protocols, wire
from otelier.protocols import Reply, Route
from tests.schemas.model import SEMCONV, violations


def _routes() -> Iterator[tuple[str, Route]]:
    """Every route of every protocol: those in tables, and those that stand alone."""
    root = Path(protocols.__path__[0])
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        module = import_module(
            f"otelier.protocols.{name.removesuffix('__init__').rstrip('.')}".rstrip(".")
        )
        for member, value in vars(module).items():
            table = value if isinstance(value, Mapping) else {"": value}
            for key, route in table.items():
                if isinstance(route, Route):
                    yield f"{path.parent.name}.{path.stem} {member} {key}", route


def _once(routes: Iterator[tuple[str, Route]]) -> dict[str, Route]:
    seen: set[int] = set()
    return {name: r for name, r in routes if id(r) not in seen and not seen.add(id(r))}  # type: ignore[func-returns-value]


ROUTES = _once(_routes())
ROUNDS = 120

# Names and words of the wire formats, so that random data gets past the first look.
_NAMES = """
type role content parts text delta index id name model usage choices message messages input
output tool_calls function arguments custom tools finish_reason stop_reason status error code
response item items call_id tool_call_id tool_use_id source url data media_type image_url file
file_id file_data input_audio audio format transcript refusal reasoning reasoning_content
thinking summary encrypted_content result outputs action actions operation environment execution
annotations images function_call system instructions prompt conversation prompt_tokens
completion_tokens input_tokens output_tokens total_tokens prompt_tokens_details
input_tokens_details cached_tokens cache_creation cache_read_input_tokens
cache_creation_input_tokens ephemeral_5m_input_tokens cost cost_details is_byok
cost_in_usd_ticks x_groq service_tier system_fingerprint provider content_block partial_json
container incomplete_details reason embedding results flagged stream n temperature top_p top_k
max_tokens stop seed response_format output_config mcp_servers server_label server_name
description parameters input_schema functions modalities dimensions encoding_format
starting_after text_format effort version b64_json completion mime_type tool_usage web_search
num_requests phase caller status_details
"""
_WORDS = """
text message user assistant tool system stop length tool_calls completed failed incomplete
in_progress queued cancelled error function custom function_call function_call_output
custom_tool_call reasoning web_search_call mcp_call computer_call computer_call_output
shell_call shell_call_output image_generation_call compaction program_output tool_search_call
tool_search_output input_text output_text input_image input_file input_audio image_url file
refusal image document base64 url tool_use tool_result thinking redacted_thinking
server_tool_use web_search_tool_result content_block_start content_block_delta message_start
message_delta completion response.created response.completed response.failed
response.output_text.delta response.output_item.done transcript.text.delta transcript.text.done
image_generation.completed end_turn max_tokens json_schema audio auto data:image/png;base64,AAAA
https://example.com duration batch
"""


def _spoken() -> tuple[list[str], list[str]]:
    """The names and words that the protocol modules look for."""
    names, words = set(_NAMES.split()), set(_WORDS.split())
    for path in Path(protocols.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            said = node.value if isinstance(node, ast.Constant) else None
            if isinstance(said, str) and re.fullmatch(r"[A-Za-z_]{2,30}", said):
                names.add(said)
                words.add(said)
    return sorted(names), sorted(words)


NAMES, WORDS = _spoken()
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    10**30,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "\ud83d",
    "\u0000",
    "{",
    "[1]",
    [],
    {},
    [[]],
    [None],
    [{}],
)


def anything(random: random.Random, depth: int = 0) -> Any:
    """Random JSON with the wire formats' words in it."""
    kind = random.random()
    if depth > 5 or kind < 0.15:
        return random.choice(ODD)
    if kind < 0.4:
        return random.choice(WORDS)
    if kind < 0.55:
        return [anything(random, depth + 1) for _ in range(random.randrange(4))]
    return an_object(random, depth)


def an_object(random: random.Random, depth: int = 0) -> dict[str, Any]:
    """A random object; most have a type, as most on the wire do."""
    names = random.sample(NAMES, random.randrange(1, 9))
    found = {name: anything(random, depth + 1) for name in names}
    if random.random() < 0.7:
        found["type"] = random.choice(WORDS)
    return found


class Model:
    """As an SDK's typed object holds the same."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.__dict__.update(members)


def _reply(route: Route, keep: bool, feed: Callable[[Any], None]) -> Reply:
    reader = route.reader(keep)
    feed(reader)
    first = reader.reply(False)
    assert first is not None
    return reader.reply(True)


def _well_formed(reply: Reply) -> None:
    json.loads(wire.dumps(asdict(reply)))
    for name, value in reply.attributes.items():
        assert isinstance(value, str | bool | int | float | list), (name, value)
    assert all(isinstance(reason, str | None) for reason in reply.finish_reasons)
    assert reply.model is None or isinstance(reply.model, str)
    assert reply.error is None or isinstance(reply.error, str)
    _conventional("gen_ai.output.messages", reply.messages)


def _conventional(attribute: str, value: Any) -> None:
    if SEMCONV.is_dir():
        assert not violations(attribute, json.loads(wire.dumps(value))), value


def _seeds(name: str) -> Iterator[random.Random]:
    for number in range(ROUNDS):
        yield random.Random(f"{name} {number}")


@pytest.mark.parametrize("name", ROUTES)
def test_answers(name: str) -> None:
    route = ROUTES[name]
    for seed in _seeds(name):
        body = anything(seed)
        for value in (body, Model(body) if isinstance(body, dict) else body):
            for keep in (True, False):
                _well_formed(_reply(route, keep, lambda reader, v=value: reader.whole(v)))


@pytest.mark.parametrize("name", ROUTES)
def test_streams(name: str) -> None:
    route = ROUTES[name]
    for seed in _seeds(name):
        events = [
            anything(seed) if seed.random() < 0.2 else an_object(seed)
            for _ in range(seed.randrange(8))
        ]

        def feed(reader: Any, events: list[Any] = events) -> None:
            for event in events:
                reader.chunk(event)

        for keep in (True, False):
            _well_formed(_reply(route, keep, feed))


@pytest.mark.parametrize("name", ROUTES)
def test_requests(name: str) -> None:
    route = ROUTES[name]
    for seed in _seeds(name):
        body = an_object(seed)
        before = repr(body)
        for attribute, value in route.request(body).items():
            assert isinstance(value, str | bool | int | float | list), (attribute, value)
        found = route.content(body)
        assert repr(body) == before
        _conventional("gen_ai.input.messages", found.messages)
        _conventional("gen_ai.system_instructions", found.system)
        _conventional("gen_ai.tool.definitions", [_bare(tool) for tool in found.tools])


def _bare(tool: dict[str, Any]) -> dict[str, Any]:
    # What the user wrote as a description or a schema is passed on as it is.
    return {name: tool[name] for name in ("type", "name")}
