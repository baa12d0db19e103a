"""Content as the conventions' JSON: within its byte budget, without blobs and secrets.

Everything here runs once, after the call, and only for a span or event that takes content.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from otelier import errors, guard, semconv, truncation, unicode, wire
from otelier.blobs import Keeper
from otelier.known_clean import KnownClean
from otelier.redaction import Rules, patterns
from otelier.semconv import Attributes
from otelier.settings import Settings

Mask = Callable[[str, Any], Any]

# What may stand beside a text without a look at it; with anything else all is looked at.
_ROLES: Final = frozenset(["system", "developer", "user", "assistant", "tool", "model", "function"])
_REASONS: Final = frozenset(
    ["stop", "length", "content_filter", "tool_call", "tool_calls", "error", "unknown", "", None]
)
_LOST: Final = object()
_WORTH_REMEMBERING: Final = 256
_WORTH_SPLITTING: Final = 4096
_WORTH_A_PART: Final = 1024
_LOOKED_AT: Final = 16_384
_MAX_ERROR: Final = 1024


class Policy:
    """The user's choices about content, and how to render it. One per runtime."""

    def __init__(
        self,
        settings: Settings,
        mask: Mask | None = None,
        before: Policy | None = None,
        more_patterns: str = "",
    ) -> None:
        """``before``: the policy that this one tightens, by another mask and more patterns, too."""
        self._message_bytes = settings.message_bytes
        self._span_bytes = settings.span_bytes
        self._full_tools = settings.tool_definitions
        self._redact = settings.redact
        own: tuple[patterns.Pattern, ...] = ()
        masks: list[Mask] = []
        if before is not None:
            own = before._own
            masks += [before._mask] if before._mask is not None else []
        first = settings.redact_patterns if before is None or not before._redact else ""
        for path in (first, more_patterns) if self._redact else ():
            found, faults, readable = patterns.load(path)
            own += found
            for fault in faults:
                guard.say_once(fault, fault)
            if not readable:
                # A file that is not there must not let out what it would have found.
                masks.append(_refuse)
        self._own: tuple[patterns.Pattern, ...] = own
        self._rules = Rules(own, settings.redact_keep)
        if before is None and mask is None:
            mask = find_mask(settings.mask)
        if mask is not None:
            masks.append(mask)
        self._mask: Mask | None = _all_of(masks)
        self._kept = (settings.blobs, settings.blob_uri)
        same = before is not None and before._kept == self._kept
        self._blobs: Keeper = before._blobs if before is not None and same else Keeper(settings)
        self._known = KnownClean()

    def render(
        self,
        messages: list[Any],
        output: list[Any],
        system: list[Any],
        tools: list[Any],
        attributes: Attributes,
    ) -> None:
        """Write what a model call carried into ``attributes``; the newest content goes first."""
        left = self._span_bytes
        if output:
            left -= self._put(semconv.OUTPUT_MESSAGES, output, left, attributes)
        if system:
            left -= self._put(semconv.SYSTEM_INSTRUCTIONS, system, left, attributes)
        if messages:
            left -= self._put(semconv.INPUT_MESSAGES, messages, left, attributes)
        if tools:
            if not self._full_tools:
                tools = [{"type": tool.get("type"), "name": tool.get("name")} for tool in tools]
            self._put(semconv.TOOL_DEFINITIONS, tools, left, attributes)

    def _put(self, name: str, items: list[Any], budget: int, attributes: Attributes) -> int:
        if self._mask is not None:
            items = self._masked(name, items)
            if items is _LOST:
                return 0
            if not isinstance(items, list):
                items = [items]
        data = self._at_once(items, budget)
        if data is not None:
            attributes[name] = data.decode()
            return len(data)
        pieces: list[bytes] = []
        texts: list[Any] = []
        wholes: list[Any] = []
        lost: list[int] = []
        limit = min(self._message_bytes, budget)
        for item, text in zip(items, _only_texts(items), strict=True):
            parts = item.get("parts") if type(item) is dict else None
            if parts is None:
                item = self._part(item)
            elif any(part.get("type") != "text" for part in parts):
                item = {**item, "parts": [self._part(part) for part in parts]}
            piece, missing = b"", -1
            # Of a text that is too long by itself not all is written first.
            if not (len(text) > limit if type(text) is str else truncation.exceeds(item, limit)):
                piece = wire.dumps(item)
            if not piece or len(piece) > limit:
                piece, missing = truncation.shrunk(item, limit)
                text = None
            wholes.append(item)
            pieces.append(piece)
            texts.append(text)
            lost.append(missing)
        kept, room = truncation.fit([len(piece) for piece in pieces], budget)
        dropped = len(pieces) - len(kept)
        if dropped and room > _WORTH_A_PART:
            # The newest of those that do not fit, as far as it does.
            at = max(set(range(len(pieces))).difference(kept))
            pieces[at], lost[at] = truncation.shrunk(wholes[at], room - 1)
            texts[at] = None
            kept = sorted((*kept, at))
            dropped -= 1
        pieces = [pieces[at] for at in kept]
        if self._redact and sum(map(len, pieces)) > _WORTH_SPLITTING:
            pieces = [
                self._clean_piece(piece, texts[at]) for piece, at in zip(pieces, kept, strict=True)
            ]
            # A mark may be longer than what it stands for.
            pieces = [truncation.refit(piece, limit) for piece in pieces]
            again, _ = truncation.fit([len(piece) for piece in pieces], budget)
            dropped += len(pieces) - len(again)
            data = _joined([pieces[at] for at in again])
        else:
            data = _joined(pieces)
            if self._redact:
                data = self._rules.json(data)
        attributes[name] = data.decode()
        _mark(attributes, [lost[at] for at in kept], dropped)
        return len(data)

    def _at_once(self, items: list[Any], budget: int) -> bytes | None:
        """All items in one go; None where one is long, or has a blob, and needs more care."""
        limit = min(self._message_bytes, budget)
        texts: list[Any] = _only_texts(items)
        known = texts
        if None in texts:
            for text, item in zip(texts, items, strict=True):
                if text is None and _delicate(item, limit):
                    return None
            known = [text for text in texts if text is not None]
        longest = max(map(len, known), default=0)
        if longest > limit or sum(map(len, known)) > budget:
            return None
        # JSON takes at most six bytes for a character.
        if known is texts and longest <= limit // 6 - 64:
            data = self._texts(items, texts, budget)
            if data is not None:
                return data
        return self._pieces(items, texts, limit, budget)

    def _texts(self, items: list[Any], texts: list[Any], budget: int) -> bytes | None:
        """Items that are one text each; None if they do not fit, or one needs a closer look."""
        data = wire.dumps(items)
        if len(data) > budget:
            return None
        unknown = self._known.unknown(texts) if self._redact else []
        if not unknown:
            return data
        if len(data) <= _WORTH_SPLITTING:
            cleaned = self._rules.json(data)
            if cleaned is not data:
                return cleaned
        elif not self._rules.leaves(unknown):
            return None
        self._known.add(unknown)
        return data

    def _pieces(self, items: list[Any], texts: list[Any], limit: int, budget: int) -> bytes | None:
        """Items one by one, so that each is looked at once; None if they do not fit."""
        pieces = list(map(wire.dumps, items))
        data = _joined(pieces)
        if len(data) > budget or max(map(len, pieces), default=0) > limit:
            return None
        if not self._redact:
            return data
        if len(data) <= _WORTH_SPLITTING:
            return self._rules.json(data)
        # Tools are the same in every call.
        if self._known.knows(data):
            return data
        pieces = list(map(self._clean_piece, pieces, texts))
        cleaned = _joined(pieces)
        if cleaned == data:
            self._known.add((data,))
        # A mark may be longer than what it stands for.
        elif len(cleaned) > budget or max(map(len, pieces)) > limit:
            return None
        return cleaned

    def _part(self, part: Any) -> Any:
        if type(part) is not dict:
            return part
        kind = part.get("type")
        if kind == "blob":
            return self._blobs.replace(part)
        if kind == "tool_call_response" and type(part.get("response")) is list:
            return {**part, "response": [self._part(inner) for inner in part["response"]]}
        return part

    def blob(self, part: Any) -> Any:
        """What stands for an image, audio or a file (a part of type ``blob``), as chosen."""
        return self._blobs.replace(part)

    def _clean_piece(self, piece: bytes, text: Any) -> bytes:
        text = piece if text is None else text
        lasting = len(piece) >= _WORTH_REMEMBERING
        if lasting and self._known.knows(text):
            return piece
        cleaned = self._rules.json(piece)
        if lasting and cleaned is piece:
            self._known.add((text,))
        return cleaned

    def _masked(self, name: str, value: Any) -> Any:
        assert self._mask is not None
        try:
            return self._mask(name, value)
        except Exception:
            guard.failed("content.mask")
            guard.say_once("mask", "the masking callback failed; content is left out")
            return _LOST

    def again(self, name: str, value: Any) -> Any:
        """Content that is recorded already, as the program's mask has it; None: it is left out."""
        masked = value if self._mask is None else self._masked(name, value)
        return None if masked is _LOST else masked

    def value(self, name: str, value: Any, attributes: Attributes) -> None:
        """Write one value (arguments, a result, documents) as JSON."""
        if self._mask is not None:
            value = self._masked(name, value)
            if value is _LOST:
                return
        limit, missing = self._message_bytes, -1
        piece = b"" if truncation.exceeds(value, limit) else wire.dumps(value)
        if not piece or len(piece) > limit:
            piece, missing = truncation.shrunk(value, limit)
        if self._redact:
            piece = truncation.refit(self._clean_piece(piece, None), limit)
        attributes[name] = piece.decode()
        _mark(attributes, [missing], 0)

    def text(self, name: str, value: str, attributes: Attributes) -> None:
        """Write one text (a query) as it is."""
        if self._mask is not None:
            value = self._masked(name, value)
            if not isinstance(value, str):
                return
        attributes[name], missing = self.short(value, self._message_bytes)
        if missing:
            _mark(attributes, [missing], 0)

    @property
    def masks(self) -> bool:
        """Whether the program has a mask of its own."""
        return self._mask is not None

    @property
    def redacts(self) -> bool:
        """Whether secrets are taken out."""
        return self._redact

    @property
    def patterns(self) -> int:
        """How many patterns of secrets the user has."""
        return len(self._own)

    @property
    def longest(self) -> int:
        """How much of one message is kept."""
        return self._message_bytes

    def clean(self, value: str) -> str:
        """A text without secrets, that every exporter and store takes; JSON stays JSON."""
        value = unicode.clean(value)
        return self._rules.text(value.encode()).decode() if self._redact else value

    def named(self, name: str, value: str) -> str:
        """An attribute's text without secrets; none of it where the name says that it is one."""
        return self._rules.member(name, value) if self._redact else value

    def message(self, error: BaseException | str | None) -> str:
        """An error's message, short, without secrets, and the same each time it happens."""
        if error is None:
            return ""
        # Most programs have no errors.
        from otelier.steady import steady

        return self.short(steady(errors.message(error)), _MAX_ERROR)[0]

    def explanation(self, text: str) -> str:
        """A text that goes with an evaluation."""
        return self.short(text, self._message_bytes)[0]

    def short(self, text: str, size: int) -> tuple[str, int]:
        """At most ``size`` bytes of a text without secrets, and how many characters are missing."""
        # What is not kept is not looked through; secrets in the rest are whole.
        start, behind = truncation.begun(text, max(size, _LOOKED_AT))
        cut = truncation.Cut()
        return cut.text(self.clean(start), size, behind), cut.characters


def _only_texts(items: list[Any]) -> list[str | None]:
    """The text of each message or part that has nothing else in which a secret could be."""
    found: list[str | None] = [None] * len(items)
    # A large request has hundreds: no calls of functions.
    for at, item in enumerate(items):
        try:
            part = item
            if "parts" in item:
                if type(item["role"]) is not str or item["role"] not in _ROLES:
                    continue
                if len(item) > 2:
                    reason = item["finish_reason"]
                    if len(item) > 3 or type(reason) is not str or reason not in _REASONS:
                        continue
                (part,) = item["parts"]
            # A text of a class of the program's own is not asked for its hash.
            if len(part) == 2 and part["type"] == "text" and type(part["content"]) is str:
                found[at] = part["content"]
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _delicate(item: Any, limit: int) -> bool:
    """Whether a part of an item is longer than ``limit``, or base64 data, which goes elsewhere."""
    if type(item) is not dict:
        return truncation.exceeds(item, limit)
    for part in item.get("parts") or (item,):
        kind = part.get("type")
        if kind == "blob" or (kind == "tool_call_response" and type(part.get("response")) is list):
            return True
        for name, value in part.items():
            if type(value) is str:
                long = len(value) > limit
            else:
                # Parameters of tools have many members, and are as short as providers want them.
                nested = type(value) is dict or type(value) is list
                long = nested and name != "parameters" and truncation.exceeds(value, limit)
            if long:
                return True
    return False


def _joined(pieces: list[bytes]) -> bytes:
    """A list of values that are JSON already."""
    return b"[" + b",".join(pieces) + b"]"


def _mark(attributes: Attributes, lost: list[int], dropped: int) -> None:
    """Say that something is missing: ``lost`` characters of each that was cut, others -1."""
    cut = [characters for characters in lost if characters >= 0]
    if not cut and not dropped:
        return
    attributes[semconv.CONTENT_TRUNCATED] = True
    for name, number in (
        (semconv.CONTENT_TRUNCATED_CHARACTERS, sum(cut)),
        (semconv.CONTENT_DROPPED_MESSAGES, dropped),
    ):
        if number:
            before = attributes.get(name, 0)
            attributes[name] = number + (before if type(before) is int else 0)


def _all_of(masks: list[Mask]) -> Mask | None:
    """One mask that is all of them, one after the other."""
    if len(masks) < 2:
        return masks[0] if masks else None

    def mask(name: str, value: Any) -> Any:
        for each in masks:
            value = each(name, value)
        return value

    return mask


def find_mask(path: str) -> Mask | None:
    """The callback named ``module:function``; None, with one warning, where there is none.

    A wrong name must not let content out unmasked: then all of it is left out.
    """
    if not path:
        return None
    module, _, name = path.partition(":")
    try:
        found = getattr(import_module(module), name)
        if callable(found):
            return found  # type: ignore[no-any-return]
    except Exception:
        guard.failed("content.find_mask")
    guard.say_once("mask", "OTELIER_MASK does not name a function; content is left out")
    return _refuse


def usable_mask(path: str) -> bool:
    """Whether a masking callback of that name is there."""
    return find_mask(path) is not _refuse


def _refuse(name: str, value: Any) -> Any:
    raise LookupError("no masking callback")
