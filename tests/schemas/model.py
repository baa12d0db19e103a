"""The conventions' model, read from its YAML: attributes, span types, metrics and events.

The files stay where they are; without them the tests that need them are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from tests.conftest import RECORDINGS

SEMCONV = RECORDINGS.parent / "semconv"
needs_model = pytest.mark.skipif(not SEMCONV.is_dir(), reason=f"no conventions in {SEMCONV}")

# Attributes that the GenAI model refers to and other registries define.
ELSEWHERE = {
    "server.address": "string",
    "server.port": "int",
    "error.type": "string",
    "exception.type": "string",
    "exception.message": "string",
    "exception.stacktrace": "string",
    "process.exit.code": "int",
    "openai.api.type": "string",
    "openai.request.service_tier": "string",
    "openai.response.service_tier": "string",
    "openai.response.system_fingerprint": "string",
    "azure.resource_provider.namespace": "string",
    "aws.bedrock.guardrail.id": "string",
    "aws.bedrock.knowledge_base.id": "string",
}
PYTHON = {"string": str, "int": int, "double": float, "boolean": bool}


@dataclass(frozen=True)
class Attribute:
    """What a span type, metric or event says about one attribute."""

    name: str
    required: bool
    sampling: bool


Attributes = Mapping[str, Attribute]


@dataclass(frozen=True)
class Metric:
    """A metric: how it is measured, and with what attributes."""

    instrument: str
    unit: str
    attributes: Attributes


@cache
def _files() -> tuple[Any, ...]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    folder = SEMCONV / "model" / "gen-ai"
    return tuple(yaml.load(path.read_text(), loader) for path in sorted(folder.glob("*.yaml")))


def _listed(section: str) -> Iterator[Any]:
    for file in _files():
        yield from file.get(section, ())


@cache
def registry() -> Mapping[str, Any]:
    """Attribute name -> its type as the registry writes it."""
    return {each["key"]: each["type"] for each in _listed("attributes")} | ELSEWHERE


@cache
def _groups() -> Mapping[str, Any]:
    named = {each["id"]: each["attributes"] for each in _listed("attribute_groups")}
    # An event takes over a span type's attributes under this name.
    return named | {f"span.{each['type']}": each["attributes"] for each in _listed("spans")}


def _expand(refs: Any) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for ref in refs:
        if "ref_group" in ref:
            found |= _expand(_groups()[ref["ref_group"]])
            continue
        name = ref["ref"]
        held = found.get(name, Attribute(name, False, False))
        level = ref.get("requirement_level")
        required = held.required if level is None else level == "required"
        sampling = ref.get("sampling_relevant", held.sampling)
        found[name] = Attribute(name, required, sampling)
    return found


def _refined(section: str, base: Mapping[str, Any], key: str, value: str) -> Any:
    """Attributes of a refinement together with those of what it refines."""
    for refinement in _listed(section):
        if refinement[key] == value:
            return [*base[refinement["ref"]], *refinement["attributes"]]
    return None


@cache
def span_type(name: str) -> Attributes:
    """Attributes of a span type or of a refinement of one."""
    spans = {each["type"]: each["attributes"] for each in _listed("spans")}
    return _expand(spans.get(name) or _refined("span_refinements", spans, "id", name))


@cache
def span_kind(name: str) -> str:
    """The kind that spans of a type have."""
    return str(next(each["kind"] for each in _listed("spans") if each["type"] == name))


@cache
def event(name: str) -> Attributes:
    """Attributes of an event."""
    return _expand(next(each for each in _listed("events") if each["name"] == name)["attributes"])


@cache
def metrics(provider: str) -> Mapping[str, Metric]:
    """All metrics, with what a provider's refinements add."""
    found = {}
    for each in _listed("metrics"):
        attributes = list(each["attributes"])
        for refinement in _listed("metric_refinements"):
            if refinement["ref"] == each["name"] and refinement["id"].startswith(provider):
                attributes += refinement["attributes"]
        found[each["name"]] = Metric(each["instrument"], each["unit"], _expand(attributes))
    return found


def operations() -> frozenset[str]:
    """The well-known operation names."""
    members = registry()["gen_ai.operation.name"]["members"]
    return frozenset(member["value"] for member in members)


def well_typed(name: str, value: Any) -> bool:
    """Whether a span's value is of the type that the registry gives its attribute."""
    kind = registry()[name]
    if isinstance(kind, dict):  # An open list of words.
        return isinstance(value, str)
    if kind == "any":
        return isinstance(value, str) and isinstance(json.loads(value), dict | list)
    if kind == "string[]":
        return isinstance(value, tuple) and all(type(each) is str for each in value)
    return type(value) is PYTHON[kind]


@cache
def _schema(attribute: str) -> Any:
    file = attribute.replace("gen_ai", "gen-ai", 1).replace(".", "-").replace("_", "-")
    return json.loads((SEMCONV / "schemas" / f"{file}.json").read_text())


@cache
def validator(attribute: str, definition: str | None = None) -> Any:
    """The validator of a content attribute's JSON schema, or of one definition in it."""
    schema = _schema(attribute)
    if definition is not None:
        schema = {"$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}
    return jsonschema.Draft202012Validator(schema)


def violations(attribute: str, value: Any) -> list[str]:
    """How ``value`` breaks its attribute's JSON schema.

    The schemas let every object with a type pass as a generic part; here a part of a well-known
    type must be one.
    """
    found = [f"{e.json_path}: {e.message}" for e in validator(attribute).iter_errors(value)]
    for part in _parts(value):
        definition = _definitions(attribute).get(part.get("type"))
        if definition is not None:
            errors = validator(attribute, definition).iter_errors(part)
            found += [f"{definition}{e.json_path[1:]}: {e.message}" for e in errors]
    return found


@cache
def _definitions(attribute: str) -> Mapping[Any, str]:
    return {
        each["properties"]["type"]["const"]: name
        for name, each in _schema(attribute).get("$defs", {}).items()
        if "const" in each.get("properties", {}).get("type", {})
    }


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Parts of messages, and parts in tools' responses, wherever they are."""
    if isinstance(value, list):
        for each in value:
            yield from _parts(each)
    elif isinstance(value, dict):
        if "parts" in value:
            yield from _parts(value["parts"])
        elif "type" in value:
            yield value
            if isinstance(value.get("response"), list):
                yield from _parts(value["response"])
