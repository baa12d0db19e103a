-- How long what is kept. The exporter's tables carry its `ttl` (30 days), content and all; what it
-- needs no content for (cost, tokens, latency, errors) outlives them here, 400 days long.
-- Run it after views.sql; it may be run again.

-- The columns of otelier.calls: those alone, so that what is new in spans does not get in unseen.
CREATE TABLE IF NOT EXISTS otelier.kept
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (tenant, time)
TTL toDateTime(time) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1
EMPTY AS SELECT * FROM otelier.calls;

-- Filled with every insert into otel.otel_traces. Nothing here can fail on what spans hold: a
-- failing view would refuse the insert. It writes as whoever runs this file, not as the collector.
CREATE MATERIALIZED VIEW IF NOT EXISTS otelier.kept_mv TO otelier.kept
DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_id,
    ServiceName AS service,
    SpanAttributes['gen_ai.operation.name'] AS operation,
    SpanName AS name,
    SpanAttributes['gen_ai.provider.name'] AS provider,
    SpanAttributes['gen_ai.request.model'] AS model,
    SpanAttributes['gen_ai.response.model'] AS response_model,
    SpanAttributes['gen_ai.response.id'] AS response_id,
    SpanAttributes['gen_ai.agent.name'] AS agent,
    SpanAttributes['gen_ai.tool.name'] AS tool,
    SpanAttributes['gen_ai.data_source.id'] AS data_source,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.input_tokens']) AS input_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.output_tokens']) AS output_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_read.input_tokens']) AS cache_read_tokens,
    toFloat64OrNull(SpanAttributes['gen_ai.usage.cost']) AS cost,
    SpanAttributes['otelier.cost.source'] AS cost_source,
    SpanAttributes['gen_ai.operation.name'] IN (
        'chat', 'text_completion', 'generate_content', 'embeddings', 'rerank', 'ocr'
    ) AS model_call,
    model_call AND cost IS NULL AND error = '' AS unpriced,
    SpanAttributes['error.type'] AS error,
    Duration / 1e9 AS seconds,
    SpanAttributes['session.id'] AS session,
    SpanAttributes['gen_ai.conversation.id'] AS conversation,
    SpanAttributes['user.id'] AS user,
    SpanAttributes['otelier.metadata.tenant'] AS tenant,
    JSONExtract(SpanAttributes['otelier.tags'], 'Array(String)') AS tags
FROM otel.otel_traces
WHERE SpanAttributes['gen_ai.operation.name'] != '';

-- What was there before, once.
INSERT INTO otelier.kept
SELECT * FROM otelier.calls
WHERE (trace_id, span_id) NOT IN (SELECT trace_id, span_id FROM otelier.kept);

-- By hand, as needed. The exporter's `ttl` is of tables that it makes; to change one that is there:
--   ALTER TABLE otel.otel_traces MODIFY TTL toDateTime(Timestamp) + INTERVAL 7 DAY;
--   ALTER TABLE otel.otel_logs MODIFY TTL TimestampTime + INTERVAL 7 DAY;
-- To forget a person, logs first: they know of the user by their trace alone.
--   DELETE FROM otel.otel_logs WHERE TraceId IN
--     (SELECT TraceId FROM otel.otel_traces WHERE SpanAttributes['user.id'] = 'ada');
--   DELETE FROM otel.otel_traces WHERE SpanAttributes['user.id'] = 'ada';
--   DELETE FROM otelier.kept WHERE user = 'ada';
