"""Odd objects become bounded JSON data."""

from __future__ import annotations

import json
from collections import UserDict
from dataclasses import dataclass, field
from typing import Any

import otelier
from otelier import wire
from tests.telemetry import Telemetry


@dataclass
class Node:
    name: str
    parent: Any = None
    children: list[Any] = field(default_factory=list)


def family() -> Node:
    root = Node("r")
    root.children = [Node(f"c{number}", root) for number in range(5)]
    return root


def test_what_contains_itself_ends() -> None:
    assert len(json.dumps(wire.plain(family()))) < 5_000_000


def test_a_tool_with_a_cyclic_argument_runs(telemetry: Telemetry) -> None:
    @otelier.tool
    def walk(node: Node) -> int:
        return len(node.children)

    assert walk(family()) == 5
    assert len(str(telemetry.span().attributes["gen_ai.tool.call.arguments"])) < 200_000


def test_long_lists_are_cut() -> None:
    assert len(wire.plain([[]] * 1_000_000)) < 50_000


def test_lazy_collections_are_not_read() -> None:
    class Lazy(UserDict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise AssertionError("read")

        def items(self) -> Any:
            raise AssertionError("read")

    assert wire.plain(Lazy(a=1)) == "<Lazy>"
