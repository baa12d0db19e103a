"""A span's row in the store: the columns that questions ask for, out of its attributes.

What they mean is said once more in ``collector-config/clickhouse/views.sql``: the views of both
have the same columns with the same values.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from otelier import semconv, wire
from otelier.store.spans import StoredSpan

# Texts, by column.
TEXTS: Final = {
    "operation": semconv.OPERATION_NAME,
    "provider": semconv.PROVIDER_NAME,
    "model": semconv.REQUEST_MODEL,
    "response_model": semconv.RESPONSE_MODEL,
    "response_id": semconv.RESPONSE_ID,
    "agent": semconv.AGENT_NAME,
    "tool": semconv.TOOL_NAME,
    "step": semconv.STEP_NAME,
    "data_source": semconv.DATA_SOURCE_ID,
    "cost_source": semconv.COST_SOURCE,
    "batch": semconv.BATCH_ID,
    "error": semconv.ERROR_TYPE,
    "session": semconv.SESSION_ID,
    "conversation": semconv.CONVERSATION_ID,
    "user": semconv.USER_ID,
    "tenant": semconv.METADATA + "tenant",
    "task": semconv.METADATA + "task_id",
    "request_id": semconv.PROVIDER_REQUEST_ID,
    "prompt": semconv.PROMPT_NAME,
    "prompt_version": semconv.PROMPT_VERSION,
}
COUNTS: Final = {
    "input_tokens": semconv.USAGE_INPUT,
    "output_tokens": semconv.USAGE_OUTPUT,
    "cache_read_tokens": semconv.USAGE_CACHE_READ,
    "cache_write_tokens": semconv.USAGE_CACHE_WRITE,
}
NUMBERS: Final = {
    "cost": semconv.COST,
    "first_chunk": semconv.RESPONSE_TIME_TO_FIRST_CHUNK,
}
LISTS: Final = {
    "tags": semconv.TAGS,
    "finish_reasons": semconv.RESPONSE_FINISH_REASONS,
}
# What is computed from these.
DERIVED: Final = (
    "model_call",
    "batch_read",
    "told",
    "paid",
    "unpriced",
    "uncounted",
    "status",
    "service",
)
COLUMNS: Final = (*TEXTS, *COUNTS, *NUMBERS, *LISTS, *DERIVED)

_MODEL_CALLS: Final = frozenset(
    {
        semconv.CHAT,
        semconv.TEXT_COMPLETION,
        semconv.GENERATE_CONTENT,
        semconv.EMBEDDINGS,
        semconv.RERANK,
        semconv.OCR,
        semconv.MODERATION,
    }
)
_COUNTED: Final = semconv.PRICED
_TEXT_ITEMS: Final = tuple(TEXTS.values())
_COUNT_ITEMS: Final = tuple(COUNTS.values())
_NUMBER_ITEMS: Final = tuple(NUMBERS.values())
_LIST_ITEMS: Final = tuple(LISTS.values())
_AT: Final = {name: place for place, name in enumerate(TEXTS)}
_OPERATION: Final = _AT["operation"]
_ERROR: Final = _AT["error"]
_OTHER_ERROR: Final = "_OTHER"


def columns(span: StoredSpan) -> list[Any]:
    """The values of :data:`COLUMNS`."""
    get = span.attributes.get
    # Most are not there, and most that are there are texts.
    texts = [
        value if type(value := get(name)) is str else "" if value is None else text(value)
        for name in _TEXT_ITEMS
    ]
    counts = [
        None if (value := get(name)) is None else wire.count(_number(value))
        for name in _COUNT_ITEMS
    ]
    numbers = [
        None if (value := get(name)) is None else wire.number(_number(value))
        for name in _NUMBER_ITEMS
    ]
    cost = numbers[0]
    operation = texts[_OPERATION]
    client = span.kind == "CLIENT"
    model_call = client and operation in _MODEL_CALLS
    batch_read = client and operation == semconv.BATCH_RESULTS
    told = counts[0] is not None or counts[1] is not None
    fetched = operation in semconv.FETCHES
    # A failure that tells no type has the conventions' word for it.
    error = texts[_ERROR] or (_OTHER_ERROR if span.status == "ERROR" else "")
    texts[_ERROR] = error
    uncounted = (
        model_call
        and not told
        and cost is None
        and not error
        and operation in _COUNTED
        and get(semconv.BACKGROUND) is not True
    )
    left = text(get(semconv.STREAM_END))
    status = "error" if error else left or "ok"
    return [
        *texts,
        *counts,
        *numbers,
        *["[]" if (value := get(name)) is None else _list(value) for name in _LIST_ITEMS],
        model_call,
        batch_read,
        told,
        model_call or batch_read or (told and fetched),
        (model_call or batch_read or fetched) and told and cost is None,
        uncounted,
        status,
        text(span.resource.attributes.get("service.name")),
    ]


def text(value: Any) -> str:
    """An attribute's value as a column of text has it."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else wire.encoded(value).decode()


def _number(value: Any) -> Any:
    """The number that a text is, for ClickHouse's exporter makes texts of all; else the value."""
    return wire.measure(value) if type(value) is str else value


def _list(value: Any) -> str:
    """A list of texts as JSON."""
    if not isinstance(value, list | tuple):
        return "[]"
    return wire.encoded([each for each in value if isinstance(each, str)]).decode()


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat(" ")


def moment(nanoseconds: int) -> str:
    """A time as the store has it: UTC, nine digits of a second."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{_second(seconds)}.{rest:09}"


def nanoseconds(moment: str) -> int:
    """The time again."""
    whole, _, rest = moment.partition(".")
    passed = datetime.fromisoformat(whole) - datetime(1970, 1, 1)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000_000 + int(rest.ljust(9, "0"))


def of(time: datetime) -> str:
    """The same of a Python time; one without a zone is this machine's."""
    since = time.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    micro = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return moment(micro * 1000)
