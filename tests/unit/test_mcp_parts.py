"""What MCP requests say, without the SDK: addresses, names, codes, results."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from otelier.content import Policy
from otelier.frameworks.mcp import (
    content,
    fastmcp,
    native,
    outer,
    refusals,
    sending,
    serving,
    transports,
)
from otelier.hooks.patching import Patches
from otelier.settings import Settings


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("weather://paris?day=1", "weather://paris?day=1"),
        ("file:///etc/hosts", "file:///etc/hosts"),
        ("urn:isbn:1", "urn:isbn:1"),
        ("https://me:secret@host:8/a/b?key=1#x", "https://host:8/a/b"),
        ("HTTP://host?key=1", "HTTP://host"),
        ("postgres://me:secret@db/table", "postgres://db/table"),
        ("", None),
        (object(), None),
    ],
)
def test_addresses(uri: Any, shown: str | None) -> None:
    assert content.address(uri) == shown


@pytest.mark.parametrize(
    ("tool", "asked", "is_same"),
    [
        ("add", "add", True),
        ("calc_add", "add", True),
        ("mcp__calc__add", "add", True),
        ("calc.add-two", "add_two", True),
        ("Calc-Add", "add", True),
        ("badd", "add", False),
        ("add_two", "add", False),
        ("research", "add", False),
        (None, "add", False),
    ],
)
def test_a_frameworks_name_of_a_servers_tool(tool: Any, asked: str, is_same: bool) -> None:
    assert outer.same(tool, asked) is is_same


def test_what_was_in_no_answer() -> None:
    assert refusals.unanswered(408, "Timed out while waiting for response") == "timeout"
    assert refusals.unanswered(-32001, "Request 'tools/call' timed out") == "timeout"
    assert refusals.unanswered(-32000, "Connection closed") == "connection_closed"
    assert refusals.unanswered(-32000, "No room left") is None
    assert refusals.unanswered(-32001, "Not allowed") is None


def test_who_has_failed() -> None:
    assert refusals.fails("tools/call", -32602, serves=False)
    assert not refusals.fails("tools/call", -32602, serves=True)
    assert refusals.fails("tools/call", -32603, serves=True)
    assert not refusals.fails("server/discover", -32601, serves=False)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"content": [{"type": "text", "text": "3"}], "structuredContent": {"sum": 3}}, {"sum": 3}),
        ({"content": [{"type": "text", "text": "3"}]}, "3"),
        ({"content": []}, None),
        ({"resultType": "input_required"}, None),
        (
            {"content": [{"type": "resource_link", "uri": "https://a:b@host/x", "name": None}]},
            [{"type": "resource_link", "uri": "https://host/x"}],
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "a://b", "text": "t"}}]},
            [{"type": "resource", "uri": "a://b", "text": "t"}],
        ),
    ],
)
def test_results(given: Any, shown: Any) -> None:
    assert content.result(given, Policy(Settings())) == shown


def test_files_in_results_are_described() -> None:
    blocks = [
        {"type": "audio", "data": "QUJD", "mimeType": "audio/wav"},
        {"type": "resource", "resource": {"uri": "a://b", "blob": "QUJD", "mimeType": "x/y"}},
    ]
    shown = content.result({"content": blocks}, Policy(Settings()))
    assert "QUJD" not in str(shown) and str(shown).count("sha256") == 2
    assert shown[1]["uri"] == "a://b"


@pytest.mark.parametrize(
    ("hook", "name"),
    [
        *((sending, name) for name in sending._SEAMS),
        *((serving, name) for name in serving._SEAMS),
        *((transports, name) for name in transports._SEAMS),
        (native, "mcp.shared._otel"),
        (fastmcp, "fastmcp.telemetry"),
    ],
)
def test_a_version_without_the_seam(hook: Any, name: str) -> None:
    with pytest.raises(LookupError, match=name):
        hook.patch("mcp", ModuleType(name), Patches())
