"""Odd objects become bounded JSON data."""

from __future__ import annotations

import json
from collections import UserDict
from dataclasses import dataclass, field
from typing import Any

import pytest

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


def test_protobuf_messages_are_read_as_mappings() -> None:
    type_pb2 = pytest.importorskip("google.protobuf.type_pb2")
    struct_pb2 = pytest.importorskip("google.protobuf.struct_pb2")
    wrappers_pb2 = pytest.importorskip("google.protobuf.wrappers_pb2")
    field = type_pb2.Field(name="price", kind="TYPE_FLOAT")
    raw = wire.fields(type_pb2.Type(name="", fields=[field], syntax="SYNTAX_PROTO3"))
    assert raw.get("name") is None and "name" not in raw and "nothing" not in raw
    assert raw["syntax"] == "SYNTAX_PROTO3" and raw["fields"] == [field]
    assert dict(wire.fields(field)) == {"name": "price", "kind": "TYPE_FLOAT"}
    assert wire.plain(field) == {"name": "price", "kind": "TYPE_FLOAT"}
    # 32 bits in the digits that were written; infinity as it is.
    for number in (0.7, 0.1, 1e-7, 16777216.0, 3.4028235e38, float("inf")):
        assert wire.fields(wrappers_pb2.FloatValue(value=number))["value"] == number
    struct = struct_pb2.Struct()
    struct["a"] = "b"
    assert wire.plain(struct) == {"fields": {"a": {"string_value": "b"}}}
