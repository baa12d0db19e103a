"""Makes a small value that fits a JSON schema: tool arguments and structured output."""

from __future__ import annotations

from typing import Any

_SCALARS: dict[str, Any] = {
    "string": "Paris",
    "integer": 42,
    "number": 21.5,
    "boolean": True,
    "null": None,
}


def example_of(schema: Any, root: Any = None) -> Any:
    """A value for the schema; an object for a schema that says nothing."""
    if not isinstance(schema, dict):
        return {}
    root = schema if root is None else root
    if "$ref" in schema:
        return example_of(_resolve(schema["$ref"], root), root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], root)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "array":
        return [example_of(schema.get("items"), root)]
    if kind in _SCALARS:
        return _SCALARS[kind]
    return {name: example_of(part, root) for name, part in schema.get("properties", {}).items()}


def _resolve(ref: str, root: Any) -> Any:
    for step in ref.lstrip("#/").split("/"):
        root = root.get(step) if isinstance(root, dict) else None
    return root if root is not None else {}
