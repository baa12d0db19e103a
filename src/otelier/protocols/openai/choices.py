"""One choice of a stream of chat completions, put together from its deltas."""

from __future__ import annotations

from typing import Any, Final

from otelier import wire
from otelier.protocols import Message, Part, Texts, tool_call
from otelier.protocols.openai.parts import part, thought
from otelier.wire import Wire

# What a delta may tell beside its role, its text and its calls.
SELDOM: Final = frozenset(
    {"reasoning_content", "reasoning", "refusal", "images", "audio", "function_call"}
)


class Choice:
    """One choice of a stream, put together from its deltas."""

    __slots__ = ("called", "calls", "finish", "others", "reasoning", "refusal", "role", "text")

    def __init__(self) -> None:
        self.role: str | None = None
        self.finish: str | None = None
        # Whether the application is asked to run a tool.
        self.called = False
        self.text: Texts | None = None
        self.reasoning: Texts | None = None
        self.refusal: Texts | None = None
        self.calls: dict[Any, list[Any]] | None = None  # index -> [id, name, pieces, custom]
        self.others: list[Part] = []

    def delta(self, raw: Wire) -> None:
        """Take one more delta."""
        piece = raw.get("content")
        if piece:
            if type(piece) is str:
                if self.text is None:
                    self.text = Texts()
                self.text.add(piece)
            else:  # Mistral streams a list of parts.
                self._list(piece)
        calls = raw.get("tool_calls")
        if calls:
            self._calls(calls)
        if not SELDOM.isdisjoint(raw):
            self._rare(raw)
        if self.role is None:
            self.role = wire.text(raw.get("role"))

    def _rare(self, raw: Wire) -> None:
        reasoning = raw.get("reasoning_content") or raw.get("reasoning")
        if isinstance(reasoning, str):
            if self.reasoning is None:
                self.reasoning = Texts()
            self.reasoning.add(reasoning)
        refusal = raw.get("refusal")
        if isinstance(refusal, str):
            if self.refusal is None:
                self.refusal = Texts()
            self.refusal.add(refusal)
        if raw.get("images") is not None:
            self.others += [part(each) for each in wire.items(raw["images"])]
        audio = raw.get("audio")
        if audio is not None:
            transcript = wire.fields(audio).get("transcript")
            if isinstance(transcript, str):
                self.text = self.text or Texts()
                self.text.add(transcript)
        function = raw.get("function_call")
        if function is not None:
            self._calls([{"index": "function_call", "function": function}])

    def _list(self, piece: Any) -> None:
        for each in wire.items(piece):
            raw = wire.fields(each)
            if raw.get("type") == "thinking":
                self._rare({"reasoning": thought(raw)})
            elif isinstance(raw.get("text"), str):
                self.text = self.text or Texts()
                self.text.add(raw["text"])
            elif len(raw) > 1:
                self.others.append(part(each))

    def _calls(self, calls: Any) -> None:
        known = self.calls
        if known is None:
            known = self.calls = {}
        for call in wire.items(calls):
            raw = wire.fields(call)
            call_id = wire.text(raw.get("id"))
            index = raw.get("index")
            # Some servers leave the index out: an id starts a call, its absence goes on with it.
            if type(index) is not int and index != "function_call":
                if call_id and not any(held[0] == call_id for held in known.values()):
                    index = ("call", len(known))
                else:
                    index = next(
                        (key for key, held in known.items() if call_id and held[0] == call_id),
                        next(reversed(known), ("call", 0)),
                    )
            held = known.get(index)
            if held is None:
                held = known[index] = [None, None, Texts()]
            held[0] = held[0] or call_id
            inner = raw.get("function")
            function = wire.fields(raw.get("custom") if inner is None else inner)
            held[1] = held[1] or wire.text(function.get("name"))
            piece = function.get("arguments")
            if piece is None:
                piece = function.get("input")
            if isinstance(piece, str) and piece:
                held[2].add(piece)

    def go_on(self, calls: Any) -> bool:
        """Take one more piece of a call's arguments; False where it is more than that."""
        (call,) = calls
        function = call.function
        piece = function.arguments
        if call.id is not None or function.name is not None or type(piece) is not str:
            return False
        held = self.calls[call.index] if self.calls is not None else None
        if held is None:
            return False
        held[2].add(piece)
        return True

    def message(self) -> Message:
        """What it says, as far as it came."""
        parts: list[Part] = []
        if self.reasoning:
            parts.append({"type": "reasoning", "content": str(self.reasoning)})
        if self.text:
            parts.append({"type": "text", "content": str(self.text)})
        if self.refusal:
            parts.append({"type": "refusal", "content": str(self.refusal)})
        parts += self.others
        for call_id, name, pieces in (self.calls or {}).values():
            parts.append(tool_call(name, call_id, str(pieces)))
        return {"role": self.role or "assistant", "parts": parts}
