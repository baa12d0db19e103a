"""The floor: one model call instrumented by hand, as little code as the same telemetry takes.

One span with the attributes that otelier writes, given in two goes; messages as JSON by the
standard library; the context attached around the SDK's call only; three histogram records
(duration, input and output tokens; a stream's first chunk is a fourth); a generator around a stream
that reads two members of a chunk. No error handling worth the name, no redaction, no budget.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from time import perf_counter
from typing import Any

from opentelemetry.context import attach, detach
from opentelemetry.trace import Span, SpanKind, set_span_in_context

from otelier import semconv as s

_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_FINISH = {"tool_calls": "tool_call", "end_turn": "stop", "tool_use": "tool_call"}
Found = dict[str, Any]


class Floor:
    """Instruments the calls that are made through it; ``cost_record`` adds otelier's own metric."""

    def __init__(
        self, tracer_provider: Any, meter_provider: Any, content: bool, cost_record: bool = False
    ) -> None:
        self.tracer = tracer_provider.get_tracer("floor")
        self.content = content
        self.duration: Any = None
        self.tokens: Any = None
        self.first: Any = None
        self.cost: Any = None
        if meter_provider is not None:
            meter = meter_provider.get_meter("floor")
            for field, of in (
                ("duration", s.OPERATION_DURATION),
                ("tokens", s.TOKEN_USAGE),
                ("first", s.FIRST_CHUNK),
            ):
                made = meter.create_histogram(
                    of.name, of.unit, explicit_bucket_boundaries_advisory=list(of.buckets or ())
                )
                setattr(self, field, made)
            if cost_record:
                self.cost = meter.create_counter(s.OPERATION_COST.name, s.OPERATION_COST.unit)

    # --- calls ------------------------------------------------------------------------------

    def call(self, api: str, create: Callable[..., Any], request: Found) -> Any:
        """One synchronous call."""
        start = perf_counter()
        before, finish, stream, _ = _APIS[api]
        attributes = before(request)
        span = self.tracer.start_span(
            "chat " + request["model"], kind=SpanKind.CLIENT, attributes=attributes
        )
        token = attach(set_span_in_context(span))
        try:
            result = create(**request)
        finally:
            detach(token)
        if not span.is_recording() and self.duration is None:
            span.end()
            return result
        if "stream" in request:
            return stream(self, result, span, attributes, request, start)
        finish(self, span, attributes, request, result, start)
        return result

    async def acall(self, api: str, create: Callable[..., Awaitable[Any]], request: Found) -> Any:
        """One asynchronous call."""
        start = perf_counter()
        before, finish, _, stream = _APIS[api]
        attributes = before(request)
        span = self.tracer.start_span(
            "chat " + request["model"], kind=SpanKind.CLIENT, attributes=attributes
        )
        token = attach(set_span_in_context(span))
        try:
            result = await create(**request)
        finally:
            detach(token)
        if not span.is_recording() and self.duration is None:
            span.end()
            return result
        if "stream" in request:
            return stream(self, result, span, attributes, request, start)
        finish(self, span, attributes, request, result, start)
        return result

    def end(self, span: Span, attributes: Found, late: Found, start: float) -> None:
        """Attributes, end, three records."""
        seconds = perf_counter() - start
        taken, made = late[s.USAGE_INPUT], late[s.USAGE_OUTPUT]
        span.set_attributes(late)
        span.end()
        if self.duration is None:
            return
        shared = {
            s.OPERATION_NAME: "chat",
            s.PROVIDER_NAME: attributes[s.PROVIDER_NAME],
            s.REQUEST_MODEL: attributes[s.REQUEST_MODEL],
            s.SERVER_ADDRESS: attributes[s.SERVER_ADDRESS],
            s.SERVER_PORT: 443,
            s.RESPONSE_MODEL: late[s.RESPONSE_MODEL],
        }
        context = set_span_in_context(span)
        group = shared
        tier = late.get(s.OPENAI_RESPONSE_SERVICE_TIER)
        if tier is not None:
            shared = {**shared, s.OPENAI_RESPONSE_SERVICE_TIER: tier}
        self.duration.record(seconds, shared, context)
        self.tokens.record(taken, {**shared, s.TOKEN_TYPE: "input"}, context)
        self.tokens.record(made, {**shared, s.TOKEN_TYPE: "output"}, context)
        if s.RESPONSE_TIME_TO_FIRST_CHUNK in late:
            self.first.record(late[s.RESPONSE_TIME_TO_FIRST_CHUNK], group, context)
        if self.cost is not None:
            self.cost.add(late[s.COST], shared, context)

    # --- chat completions -------------------------------------------------------------------

    def chat_end(
        self, span: Span, attributes: Found, request: Found, result: Any, start: float
    ) -> None:
        usage, choice = result.usage, result.choices[0]
        late = _late(result, [_FINISH.get(choice.finish_reason, choice.finish_reason)])
        late[s.OPENAI_SYSTEM_FINGERPRINT] = result.system_fingerprint
        late[s.OPENAI_RESPONSE_SERVICE_TIER] = result.service_tier
        late[s.PROVIDER_REQUEST_ID] = result._request_id
        _tokens(late, usage.prompt_tokens, usage.completion_tokens)
        if self.content:
            _chat_content(request, late)
            late[s.OUTPUT_MESSAGES] = _said(
                [{"type": "text", "content": choice.message.content}], late
            )
        self.end(span, attributes, late, start)

    def chat_stream(
        self, stream: Any, span: Span, attributes: Found, request: Found, start: float
    ) -> Iterator[Any]:
        keep, pieces, finish, usage, first, chunk = self.content, [], None, None, None, None
        calls: dict[int, list[Any]] = {}
        for chunk in stream:
            if first is None:
                first = perf_counter() - start
                head = chunk
            if chunk.choices:
                choice = chunk.choices[0]
                if choice.finish_reason is not None:
                    finish = choice.finish_reason
                if keep:
                    delta = choice.delta
                    if delta.content:
                        pieces.append(delta.content)
                    elif delta.tool_calls:
                        for call in delta.tool_calls:
                            if call.id:
                                calls[call.index] = [call.id, call.function.name, []]
                            calls[call.index][2].append(call.function.arguments)
            if chunk.usage is not None:
                usage = chunk.usage
            yield chunk
        self._chat_streamed(
            stream, span, attributes, request, start, head, first, finish, usage, pieces, calls
        )

    async def chat_astream(
        self, stream: Any, span: Span, attributes: Found, request: Found, start: float
    ) -> AsyncIterator[Any]:
        keep, pieces, finish, usage, first, chunk = self.content, [], None, None, None, None
        calls: dict[int, list[Any]] = {}
        async for chunk in stream:
            if first is None:
                first = perf_counter() - start
                head = chunk
            if chunk.choices:
                choice = chunk.choices[0]
                if choice.finish_reason is not None:
                    finish = choice.finish_reason
                if keep:
                    delta = choice.delta
                    if delta.content:
                        pieces.append(delta.content)
            if chunk.usage is not None:
                usage = chunk.usage
            yield chunk
        self._chat_streamed(
            stream, span, attributes, request, start, head, first, finish, usage, pieces, calls
        )

    def _chat_streamed(
        self,
        stream: Any,
        span: Span,
        attributes: Found,
        request: Found,
        start: float,
        head: Any,
        first: Any,
        finish: Any,
        usage: Any,
        pieces: list[str],
        calls: dict[int, list[Any]],
    ) -> None:
        late = _late(head, [_FINISH.get(finish, finish)])
        late[s.OPENAI_SYSTEM_FINGERPRINT] = head.system_fingerprint
        late[s.OPENAI_RESPONSE_SERVICE_TIER] = head.service_tier
        late[s.PROVIDER_REQUEST_ID] = stream.response.headers["x-request-id"]
        late[s.RESPONSE_TIME_TO_FIRST_CHUNK] = first
        _tokens(late, usage.prompt_tokens, usage.completion_tokens)
        if self.content:
            _chat_content(request, late)
            parts: list[Found] = [
                {
                    "type": "tool_call",
                    "name": name,
                    "id": id,
                    "arguments": json.loads("".join(texts)),
                }
                for id, name, texts in calls.values()
            ]
            if pieces:
                parts.insert(0, {"type": "text", "content": "".join(pieces)})
            late[s.OUTPUT_MESSAGES] = _said(parts, late)
        self.end(span, attributes, late, start)

    # --- responses --------------------------------------------------------------------------

    def responses_end(
        self,
        span: Span,
        attributes: Found,
        request: Found,
        result: Any,
        start: float,
        first: float | None = None,
        request_id: str | None = None,
    ) -> None:
        usage = result.usage
        late = _late(result, ["stop"])
        late[s.OPENAI_RESPONSE_SERVICE_TIER] = result.service_tier
        late[s.PROVIDER_REQUEST_ID] = request_id or result._request_id
        if first is not None:
            late[s.RESPONSE_TIME_TO_FIRST_CHUNK] = first
        _tokens(late, usage.input_tokens, usage.output_tokens)
        if self.content:
            late[s.SYSTEM_INSTRUCTIONS] = _json(
                [{"type": "text", "content": request["instructions"]}]
            )
            late[s.INPUT_MESSAGES] = _json(_turns(request["input"]))
            if "tools" in request:
                late[s.TOOL_DEFINITIONS] = _json([_definition(tool) for tool in request["tools"]])
            late[s.OUTPUT_MESSAGES] = _said(
                [{"type": "text", "content": result.output[0].content[0].text}], late
            )
        self.end(span, attributes, late, start)

    def responses_stream(
        self, stream: Any, span: Span, attributes: Found, request: Found, start: float
    ) -> Iterator[Any]:
        keep, pieces, first, last = self.content, [], None, None
        for event in stream:
            if first is None:
                first = perf_counter() - start
            kind = event.type
            if kind == "response.output_text.delta":
                if keep:
                    pieces.append(event.delta)
            elif kind == "response.completed":
                last = event.response
            yield event
        request_id = stream.response.headers["x-request-id"]
        self.responses_end(span, attributes, request, last, start, first, request_id)

    async def responses_astream(
        self, stream: Any, span: Span, attributes: Found, request: Found, start: float
    ) -> AsyncIterator[Any]:
        keep, pieces, first, last = self.content, [], None, None
        async for event in stream:
            if first is None:
                first = perf_counter() - start
            kind = event.type
            if kind == "response.output_text.delta":
                if keep:
                    pieces.append(event.delta)
            elif kind == "response.completed":
                last = event.response
            yield event
        request_id = stream.response.headers["x-request-id"]
        self.responses_end(span, attributes, request, last, start, first, request_id)

    # --- messages ---------------------------------------------------------------------------

    def messages_end(
        self, span: Span, attributes: Found, request: Found, result: Any, start: float
    ) -> None:
        text = result.content[0].text
        usage = result.usage
        self._message_end(
            span, attributes, request, start, result, usage, result.stop_reason, text,
            result._request_id, None,
        )  # fmt: skip

    def _message_end(
        self,
        span: Span,
        attributes: Found,
        request: Found,
        start: float,
        message: Any,
        usage: Any,
        reason: Any,
        text: str,
        request_id: Any,
        first: float | None,
    ) -> None:
        late = _late(message, [_FINISH.get(reason, reason)])
        late[s.PROVIDER_SERVICE_TIER] = message.usage.service_tier
        late[s.PROVIDER_PREFIX + "inference_geo"] = message.usage.inference_geo
        late[s.PROVIDER_REQUEST_ID] = request_id
        if first is not None:
            late[s.RESPONSE_TIME_TO_FIRST_CHUNK] = first
        _tokens(late, message.usage.input_tokens, usage.output_tokens, 2.0, 10.0)
        if self.content:
            late[s.SYSTEM_INSTRUCTIONS] = _json([{"type": "text", "content": request["system"]}])
            late[s.INPUT_MESSAGES] = _json(_turns(request["messages"]))
            if "tools" in request:
                late[s.TOOL_DEFINITIONS] = _json([_definition(tool) for tool in request["tools"]])
            late[s.OUTPUT_MESSAGES] = _said([{"type": "text", "content": text}], late)
        self.end(span, attributes, late, start)

    def messages_stream(
        self, stream: Any, span: Span, attributes: Found, request: Found, start: float
    ) -> Iterator[Any]:
        keep, pieces, first, message, usage, reason = self.content, [], None, None, None, None
        for event in stream:
            if first is None:
                first = perf_counter() - start
            kind = event.type
            if kind == "content_block_delta":
                if keep:
                    delta = event.delta
                    if delta.type == "text_delta":
                        pieces.append(delta.text)
                    elif delta.type == "input_json_delta":
                        pieces.append(delta.partial_json)
            elif kind == "message_start":
                message = event.message
            elif kind == "message_delta":
                usage, reason = event.usage, event.delta.stop_reason
            yield event
        self._message_end(
            span, attributes, request, start, message, usage, reason, "".join(pieces),
            stream.response.headers["x-request-id"], first,
        )  # fmt: skip

    async def messages_astream(
        self, stream: Any, span: Span, attributes: Found, request: Found, start: float
    ) -> AsyncIterator[Any]:
        keep, pieces, first, message, usage, reason = self.content, [], None, None, None, None
        async for event in stream:
            if first is None:
                first = perf_counter() - start
            kind = event.type
            if kind == "content_block_delta":
                if keep:
                    delta = event.delta
                    if delta.type == "text_delta":
                        pieces.append(delta.text)
                    elif delta.type == "input_json_delta":
                        pieces.append(delta.partial_json)
            elif kind == "message_start":
                message = event.message
            elif kind == "message_delta":
                usage, reason = event.usage, event.delta.stop_reason
            yield event
        self._message_end(
            span, attributes, request, start, message, usage, reason, "".join(pieces),
            stream.response.headers["x-request-id"], first,
        )  # fmt: skip


def _chat_before(request: Found) -> Found:
    attributes = {
        s.OPERATION_NAME: "chat",
        s.PROVIDER_NAME: "openai",
        s.REQUEST_MODEL: request["model"],
        s.REQUEST_MAX_TOKENS: request["max_completion_tokens"],
        s.REQUEST_TEMPERATURE: request["temperature"],
        s.REQUEST_TOP_P: request["top_p"],
        s.REQUEST_FREQUENCY_PENALTY: request["frequency_penalty"],
        s.REQUEST_SEED: request["seed"],
        s.OPENAI_API_TYPE: "chat_completions",
        s.SERVER_ADDRESS: "api.openai.com",
        s.SERVER_PORT: 443,
    }
    if "stream" in request:
        attributes[s.REQUEST_STREAM] = True
    return attributes


def _responses_before(request: Found) -> Found:
    attributes = {
        s.OPERATION_NAME: "chat",
        s.PROVIDER_NAME: "openai",
        s.REQUEST_MODEL: request["model"],
        s.REQUEST_MAX_TOKENS: request["max_output_tokens"],
        s.REQUEST_TEMPERATURE: request["temperature"],
        s.REQUEST_TOP_P: request["top_p"],
        s.OPENAI_API_TYPE: "responses",
        s.SERVER_ADDRESS: "api.openai.com",
        s.SERVER_PORT: 443,
    }
    if "stream" in request:
        attributes[s.REQUEST_STREAM] = True
    return attributes


def _messages_before(request: Found) -> Found:
    attributes = {
        s.OPERATION_NAME: "chat",
        s.PROVIDER_NAME: "anthropic",
        s.REQUEST_MODEL: request["model"],
        s.REQUEST_MAX_TOKENS: request["max_tokens"],
        s.SERVER_ADDRESS: "api.anthropic.com",
        s.SERVER_PORT: 443,
    }
    if "stream" in request:
        attributes[s.REQUEST_STREAM] = True
    return attributes


def _late(result: Any, finish: list[Any]) -> Found:
    return {
        s.RESPONSE_ID: result.id,
        s.RESPONSE_MODEL: result.model,
        s.RESPONSE_FINISH_REASONS: finish,
    }


def _tokens(
    late: Found, taken: int, made: int, price_in: float = 0.15, price_out: float = 0.6
) -> None:
    late[s.USAGE_INPUT] = taken
    late[s.USAGE_OUTPUT] = made
    cost_in, cost_out = taken * price_in * 1e-6, made * price_out * 1e-6
    late[s.COST] = cost_in + cost_out
    late[s.COST_SOURCE] = "prices"
    late[s.COST_INPUT] = cost_in
    late[s.COST_OUTPUT] = cost_out


def _said(parts: list[Found], late: Found) -> str:
    reason = late[s.RESPONSE_FINISH_REASONS][0]
    return _json([{"role": "assistant", "parts": parts, "finish_reason": reason}])


def _turns(messages: list[Found]) -> list[Found]:
    return [
        {
            "role": message["role"],
            "parts": [{"type": "text", "content": message["content"]}],
        }
        for message in messages
    ]


def _definition(tool: Found) -> Found:
    return {
        "type": "function",
        "name": tool["name"],
        "description": tool["description"],
        "parameters": tool["parameters"] if "parameters" in tool else tool["input_schema"],
    }


def _chat_content(request: Found, late: Found) -> None:
    late[s.INPUT_MESSAGES] = _json(_turns(request["messages"]))
    if "tools" in request:
        late[s.TOOL_DEFINITIONS] = _json(
            [_definition(tool["function"]) for tool in request["tools"]]
        )


_APIS: dict[str, tuple[Any, Any, Any, Any]] = {
    "chat": (_chat_before, Floor.chat_end, Floor.chat_stream, Floor.chat_astream),
    "responses": (
        _responses_before,
        Floor.responses_end,
        Floor.responses_stream,
        Floor.responses_astream,
    ),
    "messages": (
        _messages_before,
        Floor.messages_end,
        Floor.messages_stream,
        Floor.messages_astream,
    ),
}
