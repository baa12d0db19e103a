"""The conventions' metrics, recorded once per operation.

Instruments are made on first use. Which names are written depends on the generation: the released
ones, main's, or both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.metrics import Meter, MeterProvider

from otelier import semconv, summed
from otelier.background import Begun
from otelier.prices.arithmetic import Priced
from otelier.protocols import Reply
from otelier.semconv import Attributes, Generation, Instrument
from otelier.usage import Usage, split

_SHARED: Final = (
    semconv.OPERATION_NAME,
    semconv.PROVIDER_NAME,
    semconv.REQUEST_MODEL,
    semconv.SERVER_ADDRESS,
    semconv.SERVER_PORT,
)
# In the place of a call's context where an exemplar is not worth what it takes: one of the duration
# leads to the trace.
_NO_EXEMPLAR: Final = Context({"otelier-metrics": True})
# Of these the second has many values.
_OPENAI: Final = (semconv.OPENAI_RESPONSE_SERVICE_TIER, semconv.OPENAI_SYSTEM_FINGERPRINT)


class Recorder:
    """Instruments of one meter."""

    def __init__(
        self,
        provider: MeterProvider,
        meter: Meter,
        generation: Generation,
        fingerprint: bool = False,
    ) -> None:
        self._provider = provider
        self._meter = meter
        self._generation = generation
        self._openai = _OPENAI if fingerprint else _OPENAI[:1]
        self._made: dict[str, Any] = {}

    def _of(self, instrument: Instrument) -> Any:
        made = self._made.get(instrument.name)
        if made is None:
            made = self._made[instrument.name] = self._make(instrument)
        return made

    def _make(self, instrument: Instrument) -> Any:
        name, unit, text = instrument.name, instrument.unit, instrument.description
        if instrument.buckets is None:
            return summed.counter(self._provider, self._meter, instrument)
        return self._meter.create_histogram(
            name, unit, text, explicit_bucket_boundaries_advisory=list(instrument.buckets)
        )

    def operation(
        self,
        span_attributes: Mapping[str, Any],
        reply: Reply,
        error: str | None,
        seconds: float,
        begun: Begun | None,
        priced: Priced | None,
        first_chunk: float | None,
        chunk_times: Sequence[float],
        context: Context,
        measured: bool = False,
    ) -> None:
        """Record one finished client operation; ``seconds`` and chunk times in seconds.

        ``begun`` is what the tokens count for, None where they do not count; ``measured``: the
        span's own library records all of it but the cost.
        """
        group: Attributes = {
            name: span_attributes[name] for name in _SHARED if name in span_attributes
        }
        if reply.model:
            group[semconv.RESPONSE_MODEL] = reply.model
        shared = group
        if group.get(semconv.PROVIDER_NAME) == "openai":
            # What the conventions recommend of its answers.
            told = reply.attributes
            for name in self._openai:
                if name in told:
                    shared = {**shared, name: told[name]}
        operation = group.get(semconv.OPERATION_NAME)
        if not measured:
            own = semconv.DURATIONS.get(str(operation))
            timed = {**shared, semconv.ERROR_TYPE: error} if error else shared
            if self._generation.released or own is None:
                self._of(semconv.OPERATION_DURATION).record(seconds, timed, context)
            if own is not None and self._generation.latest:
                self._of(own).record(seconds, timed, context)
            if first_chunk is not None:
                self._streaming(first_chunk, chunk_times, group)
        if begun is None:
            return
        if begun.operation != operation:
            # A fetched answer's: the conventions count them for what generated it.
            shared = {**shared, semconv.OPERATION_NAME: begun.operation}
            if begun.model:
                shared[semconv.REQUEST_MODEL] = begun.model
        usage = reply.usage
        if usage is not None and not measured:
            if self._generation.released:
                self._released_tokens(usage, shared)
            if self._generation.latest:
                self._latest(begun.operation, usage, shared)
        if priced is not None:
            if priced.partial:  # Sums can leave it out, or say that they are the least.
                shared = {**shared, semconv.COST_PARTIAL: True}
            self._of(semconv.OPERATION_COST).add(priced.total, shared)

    def _latest(self, operation: str, usage: Usage, shared: Attributes) -> None:
        if operation in semconv.INFERENCE:
            self._latest_tokens(usage, shared)
        elif operation == semconv.EMBEDDINGS and usage.input is not None:
            self._of(semconv.EMBEDDINGS_INPUT).record(usage.input, shared, _NO_EXEMPLAR)

    def _streaming(self, first: float, rest: Sequence[float], shared: Attributes) -> None:
        if self._generation.released:
            self._of(semconv.FIRST_CHUNK).record(first, shared, _NO_EXEMPLAR)
            for seconds in rest:
                self._of(semconv.PER_CHUNK).record(seconds, shared, _NO_EXEMPLAR)
        if self._generation.latest:
            self._of(semconv.INFERENCE_FIRST_CHUNK).record(first, shared, _NO_EXEMPLAR)
            for seconds in rest:
                self._of(semconv.INFERENCE_PER_CHUNK).record(seconds, shared, _NO_EXEMPLAR)

    def _released_tokens(self, usage: Usage, shared: Attributes) -> None:
        tokens = self._of(semconv.TOKEN_USAGE)
        if usage.input is not None:
            tokens.record(usage.input, {**shared, semconv.TOKEN_TYPE: "input"}, _NO_EXEMPLAR)
        if usage.output is not None:
            tokens.record(usage.output, {**shared, semconv.TOKEN_TYPE: "output"}, _NO_EXEMPLAR)

    def _latest_tokens(self, usage: Usage, shared: Attributes) -> None:
        if usage.input is not None:
            self._of(semconv.INFERENCE_INPUT).record(usage.input, shared, _NO_EXEMPLAR)
        if usage.output is not None:
            self._of(semconv.INFERENCE_OUTPUT).record(usage.output, shared, _NO_EXEMPLAR)
        for instrument, total, parts in (
            (
                semconv.USED_INPUT,
                usage.input,
                (
                    ("text", usage.text_input),
                    ("image", usage.image_input),
                    ("audio", usage.audio_input),
                ),
            ),
            (
                semconv.USED_OUTPUT,
                usage.output,
                (
                    ("text", usage.text_output),
                    ("image", usage.image_output),
                    ("audio", usage.audio_output),
                ),
            ),
            (
                semconv.USED_CACHE_READ,
                usage.cache_read,
                (
                    ("text", usage.text_cache_read),
                    ("image", usage.image_cache_read),
                    ("audio", usage.audio_cache_read),
                ),
            ),
            (semconv.USED_CACHE_WRITE, usage.cache_write, ()),
            (semconv.USED_REASONING, usage.reasoning, ()),
        ):
            for modality, value in split(total, parts):
                self._of(instrument).add(value, {**shared, semconv.TOKEN_MODALITY: modality})

    def step(
        self, instrument: Instrument, value: float, attributes: Attributes, context: Context
    ) -> None:
        """Record one value of a step's metric."""
        self._of(instrument).record(value, attributes, context)

    def cost(self, usd: float, attributes: Attributes) -> None:
        """Add what a step cost by itself, in USD."""
        self._of(semconv.OPERATION_COST).add(usd, attributes)
