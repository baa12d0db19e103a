"""The conventions' metrics, recorded once per operation.

Instruments are made on first use. Which names are written depends on the generation: the released
ones, main's, or both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from otelier import semconv
from otelier.semconv import Attributes, Generation, Instrument
from otelier.usage import Usage, split

_SHARED: Final = (
    semconv.OPERATION_NAME,
    semconv.PROVIDER_NAME,
    semconv.REQUEST_MODEL,
    semconv.SERVER_ADDRESS,
    semconv.SERVER_PORT,
)


class Recorder:
    """Instruments of one meter."""

    def __init__(self, meter: Meter, generation: Generation) -> None:
        self._meter = meter
        self._generation = generation
        self._made: dict[str, Any] = {}

    def _of(self, instrument: Instrument) -> Any:
        made = self._made.get(instrument.name)
        if made is None:
            made = self._made[instrument.name] = self._make(instrument)
        return made

    def _make(self, instrument: Instrument) -> Any:
        name, unit, text = instrument.name, instrument.unit, instrument.description
        if instrument.buckets is None:
            return self._meter.create_counter(name, unit, text)
        return self._meter.create_histogram(
            name, unit, text, explicit_bucket_boundaries_advisory=list(instrument.buckets)
        )

    def operation(
        self,
        span_attributes: Mapping[str, Any],
        response_model: str | None,
        error: str | None,
        seconds: float,
        usage: Usage | None,
        cost: float | None,
        first_chunk: float | None,
        chunk_times: Sequence[float],
        context: Context,
    ) -> None:
        """Record one finished client operation; ``seconds`` and chunk times in seconds."""
        shared: Attributes = {
            name: span_attributes[name] for name in _SHARED if name in span_attributes
        }
        if response_model:
            shared[semconv.RESPONSE_MODEL] = response_model
        inference = shared.get(semconv.OPERATION_NAME) in semconv.INFERENCE
        timed = {**shared, semconv.ERROR_TYPE: error} if error else shared
        released, latest = self._generation.released, self._generation.latest
        if released or not inference:
            self._of(semconv.OPERATION_DURATION).record(seconds, timed, context)
        if inference and latest:
            self._of(semconv.INFERENCE_DURATION).record(seconds, timed, context)
        if first_chunk is not None:
            self._streaming(first_chunk, chunk_times, shared, context)
        if usage is not None:
            if released:
                self._released_tokens(usage, shared, context)
            if inference and latest:
                self._latest_tokens(usage, shared, context)
        if cost is not None:
            self._of(semconv.OPERATION_COST).record(cost, shared, context)

    def _streaming(
        self, first: float, rest: Sequence[float], shared: Attributes, context: Context
    ) -> None:
        if self._generation.released:
            self._of(semconv.FIRST_CHUNK).record(first, shared, context)
            for seconds in rest:
                self._of(semconv.PER_CHUNK).record(seconds, shared, context)
        if self._generation.latest:
            self._of(semconv.INFERENCE_FIRST_CHUNK).record(first, shared, context)
            for seconds in rest:
                self._of(semconv.INFERENCE_PER_CHUNK).record(seconds, shared, context)

    def _released_tokens(self, usage: Usage, shared: Attributes, context: Context) -> None:
        tokens = self._of(semconv.TOKEN_USAGE)
        if usage.input is not None:
            tokens.record(usage.input, {**shared, semconv.TOKEN_TYPE: "input"}, context)
        if usage.output is not None:
            tokens.record(usage.output, {**shared, semconv.TOKEN_TYPE: "output"}, context)

    def _latest_tokens(self, usage: Usage, shared: Attributes, context: Context) -> None:
        if usage.input is not None:
            self._of(semconv.INFERENCE_INPUT).record(usage.input, shared, context)
        if usage.output is not None:
            self._of(semconv.INFERENCE_OUTPUT).record(usage.output, shared, context)
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
                self._of(instrument).add(
                    value, {**shared, semconv.TOKEN_MODALITY: modality}, context
                )

    def step(
        self, instrument: Instrument, value: float, attributes: Attributes, context: Context
    ) -> None:
        """Record one value of a step's metric."""
        self._of(instrument).record(value, attributes, context)


def measures(span: Any) -> bool:
    """Whether a foreign span's library records the conventions' metrics itself."""
    scope = getattr(span, "instrumentation_scope", None)
    name = getattr(scope, "name", "") or ""
    return name.startswith("opentelemetry.")
