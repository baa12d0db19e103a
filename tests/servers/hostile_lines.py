"""Hostile SSE: the chat events are good, the lines that carry them are odd."""

from __future__ import annotations

from .openai_chat import chat_chunks
from .replies import encode_json

_CHUNKS = [encode_json(chunk).decode() for chunk in chat_chunks(include_usage=True)]
_PLAIN = [line for chunk in _CHUNKS for line in (f"data: {chunk}", "")]
_DONE = ["data: [DONE]", ""]


def _in_two_lines(chunk: str) -> list[str]:
    place = chunk.index(",") + 1
    return [f"data: {chunk[:place]}", f"data: {chunk[place:]}", ""]


HOSTILE_RAW_LINES: dict[str, list[str]] = {
    "comments between": [x for line in _PLAIN for x in (": OPENROUTER PROCESSING", line)] + _DONE,
    "comment first": [": ping", "", *_PLAIN, *_DONE],
    "no space after the colon": [line.replace("data: ", "data:", 1) for line in _PLAIN] + _DONE,
    "two spaces after the colon": [line.replace("data: ", "data:  ", 1) for line in _PLAIN] + _DONE,
    "CRLF": [f"{line}\r" for line in [*_PLAIN, *_DONE]],
    "data in two lines": [x for chunk in _CHUNKS for x in _in_two_lines(chunk)] + _DONE,
    "ids and retries": [
        x for chunk in _CHUNKS for x in ("id: 1", "retry: 100", f"data: {chunk}", "")
    ]
    + _DONE,
    "retry not a number": ["retry: soon", "", *_PLAIN, *_DONE],
    "event names": [x for chunk in _CHUNKS for x in ("event: message", f"data: {chunk}", "")]
    + _DONE,
    "unknown field": ["mood: fine", *_PLAIN, *_DONE],
    "field without colon": ["data", "", *_PLAIN, *_DONE],
    "many blank lines": [x for line in _PLAIN for x in (line, "", "")] + _DONE,
    "byte order mark": ["\ufeff" + _PLAIN[0], *_PLAIN[1:], *_DONE],
    "done missing": list(_PLAIN),
    "done without a blank line": [*_PLAIN, "data: [DONE]"],
    "done with more after it": [*_PLAIN, "data: [DONE] bye", ""],
    "last event without a blank line": _PLAIN[:-1],
    "only comments": [": ping", "", ": ping", ""],
    "only blank lines": ["", "", ""],
    "nothing": [],
    "HTML": ["<html><body>502 Bad Gateway</body></html>"],
    "JSON error without SSE": ['{"error": {"message": "overloaded"}}'],
}
