-- How long what is kept. The exporter's tables carry its `ttl` (30 days), content and all; what it
-- needs no content for (cost, tokens, latency, errors) outlives them here, 400 days long.
-- Run it after views.sql; it may be run again.

-- The columns of otelier.calls, but for those that name a person or lead to one (user, session,
-- conversation, response, request, task), and those at its end, which are newer than this table:
-- those alone, so that what is new in spans does not get in unseen.
CREATE TABLE IF NOT EXISTS otelier.kept
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (tenant, time)
TTL toDateTime(time) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1
EMPTY AS SELECT * EXCEPT (
    response_id, session, conversation, user, task, request_id,
    status, prompt, prompt_version, finish_reasons, first_chunk,
    step, cache_write_tokens, day, hour
) FROM otelier.calls;

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
    SpanAttributes['gen_ai.agent.name'] AS agent,
    SpanAttributes['gen_ai.tool.name'] AS tool,
    SpanAttributes['gen_ai.data_source.id'] AS data_source,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.input_tokens']) AS input_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.output_tokens']) AS output_tokens,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_read.input_tokens']) AS cache_read_tokens,
    toFloat64OrNull(SpanAttributes['gen_ai.usage.cost']) AS cost,
    SpanAttributes['otelier.cost.source'] AS cost_source,
    SpanKind = 'Client' AND SpanAttributes['gen_ai.operation.name'] IN (
        'chat', 'text_completion', 'generate_content', 'embeddings', 'rerank', 'ocr', 'moderation'
    ) AS model_call,
    SpanKind = 'Client' AND SpanAttributes['gen_ai.operation.name'] = 'batch_results' AS batch_read,
    SpanAttributes['otelier.batch.id'] AS batch,
    coalesce(input_tokens, output_tokens) IS NOT NULL AS told,
    (model_call OR batch_read OR operation IN ('fetch_response', 'cancel_response'))
        AND told AND cost IS NULL AS unpriced,
    model_call AND NOT told AND cost IS NULL AND error = '' AND operation IN (
        'chat', 'text_completion', 'generate_content', 'embeddings'
    ) AND SpanAttributes['otelier.response.background'] != 'true' AS uncounted,
    -- A failure that tells no type has the conventions' word for it.
    multiIf(
        SpanAttributes['error.type'] != '', SpanAttributes['error.type'],
        StatusCode = 'Error', '_OTHER', ''
    ) AS error,
    Duration / 1e9 AS seconds,
    SpanAttributes['otelier.metadata.tenant'] AS tenant,
    JSONExtract(SpanAttributes['otelier.tags'], 'Array(String)') AS tags
FROM otel.otel_traces
WHERE SpanAttributes['gen_ai.operation.name'] != '';

-- What was there before, once: what is older than all that is kept. Spans of one time are not
-- stored at one time: of the first day that is kept it is looked up which are there, of that alone.
INSERT INTO otelier.kept (
    time, trace_id, span_id, parent_id, service, operation, name, provider, model,
    response_model, agent, tool, data_source, input_tokens, output_tokens, cache_read_tokens,
    cost, cost_source, model_call, batch_read, batch, told, unpriced, uncounted, error,
    seconds, tenant, tags
)
WITH
    (SELECT if(count() = 0, toDateTime64('2200-01-01 00:00:00', 9), min(time)) FROM otelier.kept)
        AS oldest,
    oldest + INTERVAL 1 DAY AS soon
SELECT
    time, trace_id, span_id, parent_id, service, operation, name, provider, model,
    response_model, agent, tool, data_source, input_tokens, output_tokens, cache_read_tokens,
    cost, cost_source, model_call, batch_read, batch, told, unpriced, uncounted, error,
    seconds, tenant, tags
FROM otelier.calls
WHERE time < oldest OR (
    time < soon
    AND (trace_id, span_id) NOT IN (SELECT trace_id, span_id FROM otelier.kept WHERE time < soon)
);

-- As otelier.spent: sums of tokens and cost are over this.
CREATE OR REPLACE VIEW otelier.kept_spent SQL SECURITY INVOKER AS
SELECT * REPLACE (if(model = '', response_model, model) AS model) FROM otelier.kept
WHERE model_call OR (told AND operation IN ('fetch_response', 'cancel_response'))
UNION ALL
SELECT * FROM (
    SELECT * REPLACE (if(model = '', response_model, model) AS model)
    FROM otelier.kept
    WHERE batch_read
    ORDER BY coalesce(input_tokens, 0) + coalesce(output_tokens, 0) DESC, time
    LIMIT 1 BY provider, batch
);

-- By hand, as needed. The exporter's `ttl` is of tables that it makes; to change one that is there:
--   ALTER TABLE otel.otel_traces MODIFY TTL toDateTime(Timestamp) + INTERVAL 7 DAY;
--   ALTER TABLE otel.otel_logs MODIFY TTL TimestampTime + INTERVAL 7 DAY;
-- To forget a person, logs first: they know of the user by their trace alone. What is kept longer
-- knows of nobody; its trace ids lead to nothing any more.
--   DELETE FROM otel.otel_logs WHERE TraceId IN
--     (SELECT TraceId FROM otel.otel_traces WHERE SpanAttributes['user.id'] = 'ada');
--   DELETE FROM otel.otel_traces WHERE SpanAttributes['user.id'] = 'ada';
