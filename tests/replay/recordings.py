"""The recorded traffic: what was asked, and what the provider sent back, as bytes and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.conftest import RECORDINGS
from tests.servers import Chunked, ProviderServer, Raw, Recorded, Reply

SDKS = ("openai", "anthropic")
# Of the connection, not of the answer; and cookies, which would change the next request.
_NOT_REPLAYED = frozenset(
    {
        "content-encoding",
        "content-length",
        "transfer-encoding",
        "connection",
        "date",
        "server",
        "set-cookie",
    }
)


@dataclass(frozen=True)
class Interaction:
    """One request and its answer."""

    sdk: str
    url: str
    asked: Mapping[str, Any]
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return 443

    @property
    def path(self) -> str:
        parts = urlsplit(self.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def streamed(self) -> bool:
        return "event-stream" in self.headers.get("content-type", "")

    @cached_property
    def answer(self) -> dict[str, Any]:
        """The body, where it is one JSON object."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The data of the body's server-sent events, without OpenAI's terminator."""
        found = []
        for block in self.body.decode().replace("\r\n", "\n").split("\n\n"):
            data = [line[5:] for line in block.split("\n") if line.startswith("data:")]
            if data and data != [" [DONE]"]:
                found.append(json.loads("\n".join(data)))
        return found

    def reply(self, server: ProviderServer, request: Recorded) -> Reply:
        """The recorded answer, with no header that was not recorded."""
        unset = dict.fromkeys(server.defaults.headers(request))
        headers = {**unset, **self.headers}
        kind = headers.pop("content-type", None) or ""
        if not self.streamed:
            return Raw(self.body, kind, self.status, headers)
        cut = self.body.split(b"\n\n")
        parts = [piece + b"\n\n" for piece in cut[:-1]] + [cut[-1]]
        return Chunked([part for part in parts if part], kind, headers)


@dataclass(frozen=True)
class Recording:
    """One file."""

    sdk: str
    name: str
    interactions: tuple[Interaction, ...]

    def serve(self, server: ProviderServer) -> None:
        """Let ``server`` answer the recorded requests, in their order."""

        def answer(interaction: Interaction) -> Any:
            return lambda request: interaction.reply(server, request)

        server.clear()
        server.script(*map(answer, self.interactions))


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _interaction(sdk: str, raw: Any) -> Interaction:
    request, response = raw["request"], raw["response"]
    return Interaction(
        sdk,
        request["uri"],
        json.loads(request["body"] or "{}"),
        response["status"]["code"],
        {
            name.lower(): _first(value)
            for name, value in response["headers"].items()
            if name.lower() not in _NOT_REPLAYED
        },
        response["body"]["string"].encode(),
    )


@cache
def load(sdk: str, name: str) -> Recording:
    """A file of the recordings, read once."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw = yaml.load((RECORDINGS / sdk / name).read_text(), loader)
    return Recording(sdk, name, tuple(_interaction(sdk, part) for part in raw["interactions"]))


def files(*sdks: str) -> list[Path]:
    """All files of these SDKs."""
    return [path for sdk in sdks for path in sorted((RECORDINGS / sdk).glob("*.yaml"))]


ABSENT = pytest.param(
    None, marks=pytest.mark.skip(f"no recordings in {RECORDINGS}"), id="recordings are absent"
)
