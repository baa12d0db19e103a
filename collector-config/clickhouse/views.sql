-- Views over what the collector's exporter stores. It keeps attributes as text: here numbers are
-- numbers, and NULL where nothing is known (never 0); text that is not there is ''.
-- SQL SECURITY INVOKER: a view shows to whoever asks only what he may read in otel.otel_traces;
-- a definer's view would show all tenants to everyone.

CREATE DATABASE IF NOT EXISTS otelier;

-- A row for each span of otelier: model calls, tools, retrievals, agents, workflows. No content.
CREATE OR REPLACE VIEW otelier.calls SQL SECURITY INVOKER AS
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
    -- Not agents and workflows, which repeat the sums of what is below them (and of those that a
    -- provider runs the cost is not known); not counting tokens, nor reading again what is stored
    -- there: an answer (`fetch_response`), a batch's results (see otelier.batches).
    SpanKind = 'Client' AND SpanAttributes['gen_ai.operation.name'] IN (
        'chat', 'text_completion', 'generate_content', 'embeddings', 'rerank', 'ocr', 'moderation'
    ) AS model_call,
    SpanKind = 'Client' AND SpanAttributes['gen_ai.operation.name'] = 'batch_results' AS batch_read,
    SpanAttributes['otelier.batch.id'] AS batch,
    coalesce(input_tokens, output_tokens) IS NOT NULL AS told,
    -- Tokens, and no known price for them.
    (model_call OR batch_read OR operation IN ('fetch_response', 'cancel_response'))
        AND told AND cost IS NULL AS unpriced,
    -- Answered, and what it used was not told. Refused calls are in `error`.
    model_call AND NOT told AND cost IS NULL AND error = '' AND operation IN (
        'chat', 'text_completion', 'generate_content', 'embeddings'
    ) AND SpanAttributes['otelier.response.background'] != 'true' AS uncounted,
    -- A failure that tells no type has the conventions' word for it.
    multiIf(
        SpanAttributes['error.type'] != '', SpanAttributes['error.type'],
        StatusCode = 'Error', '_OTHER', ''
    ) AS error,
    Duration / 1e9 AS seconds,
    SpanAttributes['session.id'] AS session,
    SpanAttributes['gen_ai.conversation.id'] AS conversation,
    SpanAttributes['user.id'] AS user,
    SpanAttributes['otelier.metadata.tenant'] AS tenant,
    JSONExtract(SpanAttributes['otelier.tags'], 'Array(String)') AS tags,
    -- Not in otelier.kept from here on.
    SpanAttributes['otelier.metadata.task_id'] AS task,
    SpanAttributes['otelier.provider.request_id'] AS request_id,
    -- 'error'; how it was left, if it was left early ('closed', 'cancelled', 'abandoned'); or 'ok'.
    multiIf(
        error != '' OR StatusCode = 'Error', 'error',
        SpanAttributes['otelier.stream.end'] != '', SpanAttributes['otelier.stream.end'],
        'ok'
    ) AS status,
    SpanAttributes['gen_ai.prompt.name'] AS prompt,
    SpanAttributes['gen_ai.prompt.version'] AS prompt_version,
    JSONExtract(SpanAttributes['gen_ai.response.finish_reasons'], 'Array(String)') AS finish_reasons,
    toFloat64OrNull(SpanAttributes['gen_ai.response.time_to_first_chunk']) AS first_chunk,
    SpanAttributes['otelier.step.name'] AS step,
    toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_write.input_tokens']) AS cache_write_tokens,
    formatDateTime(Timestamp, '%Y-%m-%d', 'UTC') AS day,
    formatDateTime(Timestamp, '%Y-%m-%d %H:00', 'UTC') AS hour
FROM otel.otel_traces
WHERE SpanAttributes['gen_ai.operation.name'] != '';

-- A row for each batch whose results were read: of several readings the one that read most, the
-- first of these. Its model, if it had but one, is told by its answers.
CREATE OR REPLACE VIEW otelier.batches SQL SECURITY INVOKER AS
SELECT * REPLACE (if(model = '', response_model, model) AS model)
FROM otelier.calls
WHERE batch_read
ORDER BY coalesce(input_tokens, 0) + coalesce(output_tokens, 0) DESC, time
LIMIT 1 BY provider, batch;

-- What was paid for: model calls, batches, and what was answered in the background, whose tokens are
-- on the span that first fetched it whole and on no other. Sums of tokens and cost are over this.
-- Where no model was asked for, it is the one that answered.
CREATE OR REPLACE VIEW otelier.spent SQL SECURITY INVOKER AS
SELECT * REPLACE (if(model = '', response_model, model) AS model) FROM otelier.calls
WHERE model_call OR (told AND operation IN ('fetch_response', 'cancel_response'))
UNION ALL
SELECT * FROM otelier.batches;

-- A row for each tag of each call, one that is told twice is one.
CREATE OR REPLACE VIEW otelier.tagged SQL SECURITY INVOKER AS
SELECT *, arrayJoin(arrayDistinct(tags)) AS tag FROM otelier.calls;

-- The same of what was paid for.
CREATE OR REPLACE VIEW otelier.spent_tagged SQL SECURITY INVOKER AS
SELECT *, arrayJoin(arrayDistinct(tags)) AS tag FROM otelier.spent;

-- A row for each reason why a call ended.
CREATE OR REPLACE VIEW otelier.reasons SQL SECURITY INVOKER AS
SELECT *, arrayJoin(finish_reasons) AS reason FROM otelier.calls;

-- A row for each span, of others' as well (of HTTP, of databases, of the program's own).
CREATE OR REPLACE VIEW otelier.spans SQL SECURITY INVOKER AS
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_id,
    SpanName AS name,
    SpanKind AS kind,
    ServiceName AS service,
    ScopeName AS scope,
    StatusCode AS status_code,
    StatusMessage AS status_message,
    Duration / 1e9 AS seconds,
    SpanAttributes['gen_ai.operation.name'] AS operation,
    SpanAttributes['gen_ai.agent.name'] AS agent,
    SpanAttributes['otelier.step.name'] AS step
FROM otel.otel_traces;

-- A row for each attribute of each span; lists and maps are JSON.
CREATE OR REPLACE VIEW otelier.attributes SQL SECURITY INVOKER AS
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    SpanName AS name,
    each.1 AS key,
    each.2 AS value
FROM otel.otel_traces
ARRAY JOIN CAST(SpanAttributes, 'Array(Tuple(String, String))') AS each;

-- Moments before now: WHERE time > (SELECT day FROM otelier.ago).
CREATE OR REPLACE VIEW otelier.ago SQL SECURITY INVOKER AS
SELECT
    now64(9) - INTERVAL 1 HOUR AS hour,
    now64(9) - INTERVAL 1 DAY AS day,
    now64(9) - INTERVAL 7 DAY AS week,
    now64(9) - INTERVAL 30 DAY AS month;

-- A trace with its lineage: otelier.trace(trace_id = '…'). Spans of others (of HTTP, of the program's
-- own) lead to what is above them and are no rows. `parent` is the nearest call above; what has none
-- that is stored begins a line of its own. What was delivered twice is told once.
CREATE OR REPLACE VIEW otelier.trace SQL SECURITY INVOKER AS
WITH RECURSIVE
    spans AS (
        SELECT SpanId AS id, ParentSpanId AS above, SpanName AS name,
            SpanAttributes['gen_ai.operation.name'] != '' AS shown
        FROM otel.otel_traces
        WHERE TraceId = {trace_id:String}
        LIMIT 1 BY id
    ),
    lines AS (
        SELECT id, shown::UInt16 AS calls, '' AS parent, if(shown, name, '') AS path,
            if(shown, name, '') AS nearest
        FROM spans
        WHERE above NOT IN (SELECT id FROM spans)
        UNION ALL
        SELECT below.id, (up.calls + below.shown)::UInt16, up.nearest,
            multiIf(
                NOT below.shown, up.path,
                up.path = '', below.name,
                concat(up.path, ' > ', below.name)
            ),
            if(below.shown, below.name, up.nearest)
        FROM spans AS below
        INNER JOIN lines AS up ON below.above = up.id
    ),
    own AS (SELECT * FROM otelier.calls WHERE trace_id = {trace_id:String} LIMIT 1 BY span_id)
SELECT (lines.calls - 1)::UInt16 AS depth, lines.path AS path, lines.parent AS parent, own.*
FROM own
INNER JOIN lines ON lines.id = own.span_id;

-- A row for each message of a call: system instructions, input, output. `text` is what its text
-- parts say, `message` all of it; a list that is no JSON (cut short, say) is one row. Where agents
-- have messages, too, they repeat those of their model calls: choose by `model_call`.
CREATE OR REPLACE VIEW otelier.messages SQL SECURITY INVOKER AS
WITH
    SpanAttributes['gen_ai.system_instructions'] AS system,
    arrayFilter(
        each -> each.2 != '',
        [
            (
                'system',
                multiIf(
                    system = '[]', '',
                    isValidJSON(system), concat('[{"role":"system","parts":', system, '}]'),
                    system
                )
            ),
            ('input', SpanAttributes['gen_ai.input.messages']),
            ('output', SpanAttributes['gen_ai.output.messages'])
        ]
    ) AS lists,
    arrayJoin(arrayFlatten(arrayMap(
        list -> arrayMap(
            (each, number) -> (list.1, number, each),
            if(JSONType(list.2) = 'Array', JSONExtractArrayRaw(list.2), [list.2]) AS found,
            arrayEnumerate(found)
        ),
        lists
    ))) AS one
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    one.1 AS direction,
    one.2 AS position,
    JSONExtractString(one.3, 'role') AS role,
    if(
        isValidJSON(one.3),
        arrayStringConcat(
            arrayMap(
                part -> JSONExtractString(part, 'content'),
                arrayFilter(
                    part -> JSONExtractString(part, 'type') IN ('text', 'reasoning'),
                    JSONExtractArrayRaw(one.3, 'parts')
                )
            ),
            '\n'
        ),
        one.3
    ) AS text,
    one.3 AS message,
    SpanAttributes['gen_ai.operation.name'] AS operation,
    SpanAttributes['gen_ai.request.model'] AS model,
    SpanKind = 'Client' AND SpanAttributes['gen_ai.operation.name'] IN (
        'chat', 'text_completion', 'generate_content', 'embeddings', 'rerank', 'ocr', 'moderation'
    ) AS model_call,
    -- Of the whole call, on each of its messages: not to be summed here.
    toFloat64OrNull(SpanAttributes['gen_ai.usage.cost']) AS call_cost,
    SpanAttributes['session.id'] AS session,
    SpanAttributes['gen_ai.conversation.id'] AS conversation,
    SpanAttributes['user.id'] AS user,
    SpanAttributes['otelier.metadata.tenant'] AS tenant
FROM otel.otel_traces
WHERE SpanAttributes['gen_ai.operation.name'] != '';

-- A row for each tool that was run, with what it was given and gave.
CREATE OR REPLACE VIEW otelier.tool_calls SQL SECURITY INVOKER AS
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_id,
    SpanAttributes['gen_ai.tool.name'] AS tool,
    SpanAttributes['gen_ai.tool.call.arguments'] AS arguments,
    SpanAttributes['gen_ai.tool.call.result'] AS result,
    -- A failure that tells no type has the conventions' word for it.
    multiIf(
        SpanAttributes['error.type'] != '', SpanAttributes['error.type'],
        StatusCode = 'Error', '_OTHER', ''
    ) AS error,
    Duration / 1e9 AS seconds,
    SpanAttributes['session.id'] AS session,
    SpanAttributes['gen_ai.conversation.id'] AS conversation,
    SpanAttributes['user.id'] AS user,
    SpanAttributes['otelier.metadata.tenant'] AS tenant
FROM otel.otel_traces
WHERE SpanAttributes['gen_ai.operation.name'] = 'execute_tool';

-- A row for each session of a tenant. `cost` is NULL where no price at all is known.
CREATE OR REPLACE VIEW otelier.sessions SQL SECURITY INVOKER AS
SELECT
    c.tenant AS tenant,
    c.session AS session,
    min(c.time) AS first,
    max(c.time) AS last,
    groupUniqArray(c.user) AS users,
    uniqExact(c.trace_id) AS traces,
    countIf(c.model_call) AS model_calls,
    countIf(c.error != '') AS errors,
    sumIf(c.input_tokens, c.paid) AS input_tokens,
    sumIf(c.output_tokens, c.paid) AS output_tokens,
    sumIf(c.cost, c.paid) AS cost,
    countIf(c.unpriced AND c.paid) AS unpriced,
    countIf(c.uncounted) AS uncounted
FROM (
    SELECT
        *,
        model_call OR (told AND operation IN ('fetch_response', 'cancel_response')) AS paid
    FROM otelier.calls
    UNION ALL
    -- Beside all readings of a batch, which are spans of the session as well.
    SELECT * REPLACE ('' AS error), 1 AS paid FROM otelier.batches
) AS c
WHERE c.session != ''
GROUP BY c.tenant, c.session;

-- A row for each day (UTC), tenant and model.
CREATE OR REPLACE VIEW otelier.costs SQL SECURITY INVOKER AS
SELECT
    c.day AS day,
    c.tenant AS tenant,
    c.model AS model,
    countIf(c.model_call) AS model_calls,
    countIf(c.batch_read) AS batches,
    countIf(c.error != '') AS errors,
    sum(c.input_tokens) AS input_tokens,
    sum(c.output_tokens) AS output_tokens,
    sum(c.cost) AS cost,
    countIf(c.unpriced) AS unpriced,
    countIf(c.uncounted) AS uncounted
FROM otelier.spent AS c
GROUP BY c.day, c.tenant, c.model;

-- A row for each evaluation, with the call that it is of: the span that it names, or, where it names
-- none of these, the answer: of several calls that showed it, the one that gave it; of several that
-- gave one of this id (Ollama has but 999 of them), the last before the evaluation. `call` is '' where
-- that is not stored. An explanation is content. It reads otel.otel_logs, too.
CREATE OR REPLACE VIEW otelier.evaluations SQL SECURITY INVOKER AS
WITH
    said AS (
        -- What was delivered twice was said once.
        SELECT DISTINCT
            Timestamp AS time,
            LogAttributes['gen_ai.evaluation.name'] AS evaluation,
            toFloat64OrNull(LogAttributes['gen_ai.evaluation.score.value']) AS score,
            LogAttributes['gen_ai.evaluation.score.label'] AS label,
            LogAttributes['gen_ai.evaluation.explanation'] AS explanation,
            LogAttributes['gen_ai.response.id'] AS answer,
            TraceId AS named_trace,
            SpanId AS named_span,
            (named_trace, named_span) IN (SELECT trace_id, span_id FROM otelier.calls) AS names_call
        FROM otel.otel_logs
        WHERE EventName = 'gen_ai.evaluation.result'
    ),
    answers AS (
        SELECT response_id, trace_id, span_id, time AS began
        FROM otelier.calls
        WHERE response_id != '' AND response_id IN (
            SELECT LogAttributes['gen_ai.response.id']
            FROM otel.otel_logs
            WHERE EventName = 'gen_ai.evaluation.result'
        )
        QUALIFY model_call OR (
            NOT max(model_call) OVER (PARTITION BY response_id)
            AND row_number() OVER (PARTITION BY response_id ORDER BY time) = 1
        )
    ),
    found AS (
        SELECT
            said.*,
            if(names_call, named_trace, answers.trace_id) AS found_trace,
            if(names_call, named_span, answers.span_id) AS found_span
        FROM said
        LEFT JOIN answers ON answers.response_id = said.answer
        ORDER BY answers.began <= said.time DESC, abs(answers.began - said.time)
        LIMIT 1 BY
            said.time, evaluation, score, label, explanation, said.answer, named_trace, named_span
    )
SELECT
    found.time AS time,
    found.evaluation AS evaluation,
    found.score AS score,
    found.label AS label,
    found.explanation AS explanation,
    c.name AS call,
    c.trace_id AS trace_id,
    c.span_id AS span_id,
    c.response_id AS response_id,
    c.operation AS operation,
    c.model AS model,
    c.agent AS agent,
    c.prompt AS prompt,
    c.prompt_version AS prompt_version,
    c.cost AS cost,
    if(c.span_id = '', NULL, c.seconds) AS seconds,
    c.session AS session,
    c.conversation AS conversation,
    c.user AS user,
    c.tenant AS tenant,
    c.task AS task
FROM found
LEFT ANY JOIN otelier.calls AS c
    ON c.trace_id = found.found_trace AND c.span_id = found.found_span;
