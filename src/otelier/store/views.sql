-- The views of a local store. They have the names and columns of collector-config/clickhouse/views.sql:
-- what is asked of one is asked of the other. NULL where nothing is known (never 0); text that is not
-- there is ''. Lists are JSON. Whoever opens the file by SQLite's own tools has them, too.

-- A row for each span of otelier: model calls, tools, retrievals, agents, workflows. No content.
CREATE VIEW calls AS
SELECT
    time, trace_id, span_id, parent_id, service, operation, name, provider, model,
    response_model, response_id, agent, tool, data_source, input_tokens, output_tokens,
    cache_read_tokens, cost, cost_source, model_call, batch_read, batch, told, unpriced, uncounted,
    error, duration / 1e9 AS seconds, session, conversation, user, tenant, tags, task, request_id,
    status, prompt, prompt_version, finish_reasons, first_chunk, step, cache_write_tokens,
    substr(time, 1, 10) AS day, substr(time, 1, 13) || ':00' AS hour
FROM span
WHERE operation != '';

-- A row for each batch whose results were read: of several readings the one that read most, the
-- first of these. Its model, if it had but one, is told by its answers.
CREATE VIEW batches AS SELECT * FROM spent WHERE batch_read;

-- What was paid for: model calls, batches, and what was answered in the background, whose tokens are
-- on the span that first fetched it whole and on no other. Sums of tokens and cost are over this.
-- Where no model was asked for, it is the one that answered.
-- The plus signs keep SQLite from going through a session's or user's rows one by one: all that sums
-- are made of is in span_paid.
CREATE VIEW spent AS
SELECT
    time, trace_id, span_id, parent_id, service, operation, name, provider,
    CASE WHEN model = '' THEN response_model ELSE model END AS model,
    response_model, response_id, agent, tool, data_source, input_tokens, output_tokens,
    cache_read_tokens, cost, cost_source, model_call, batch_read, batch, told, unpriced, uncounted,
    error, duration / 1e9 AS seconds, +session AS session, +conversation AS conversation,
    +user AS user, tenant, tags, task, request_id,
    status, prompt, prompt_version, finish_reasons, first_chunk, step, cache_write_tokens,
    substr(time, 1, 10) AS day, substr(time, 1, 13) || ':00' AS hour
FROM span
WHERE paid;

-- A row for each tag of each call, one that is told twice is one.
CREATE VIEW tagged AS
SELECT calls.*, tag.value AS tag
FROM calls, json_each(calls.tags) AS tag
WHERE NOT EXISTS (
    SELECT 1 FROM json_each(calls.tags) AS earlier
    WHERE earlier.value = tag.value AND earlier.key < tag.key
);

-- The same of what was paid for.
CREATE VIEW spent_tagged AS
SELECT spent.*, tag.value AS tag
FROM spent, json_each(spent.tags) AS tag
WHERE NOT EXISTS (
    SELECT 1 FROM json_each(spent.tags) AS earlier
    WHERE earlier.value = tag.value AND earlier.key < tag.key
);

-- A row for each reason why a call ended.
CREATE VIEW reasons AS
SELECT calls.*, reason.value AS reason
FROM calls, json_each(calls.finish_reasons) AS reason;

-- A row for each span, of others' as well (of HTTP, of databases, of the program's own).
CREATE VIEW spans AS
SELECT
    time, trace_id, span_id, parent_id, name,
    CASE kind
        WHEN 1 THEN 'Internal' WHEN 2 THEN 'Server' WHEN 3 THEN 'Client'
        WHEN 4 THEN 'Producer' WHEN 5 THEN 'Consumer' ELSE 'Unspecified'
    END AS kind,
    service,
    coalesce(json_extract(scope.body, '$.name'), '') AS scope,
    CASE status_code WHEN 1 THEN 'Ok' WHEN 2 THEN 'Error' ELSE 'Unset' END AS status_code,
    status_message,
    duration / 1e9 AS seconds,
    operation, agent, step
FROM span JOIN scope ON scope.id = span.scope;

-- A row for each list of messages, as a JSON list; what is no list of messages is one text in it.
CREATE VIEW lists AS
SELECT
    history.id AS id,
    CASE
        WHEN history.previous = 0 AND substr(text.body, 1, 1) != '{' THEN
            CASE
                WHEN json_valid(text.body) AND substr(text.body, 1, 1) = '[' THEN text.body
                ELSE json_array(text.body)
            END
        ELSE (
            WITH RECURSIVE one (previous, text, length) AS (
                SELECT previous, text, length FROM history AS head WHERE head.id = history.id
                UNION ALL
                SELECT before.previous, before.text, before.length
                FROM one JOIN history AS before ON before.id = one.previous
            )
            SELECT '[' || group_concat(body, ',') || ']'
            FROM (
                SELECT CASE WHEN json_valid(text.body) THEN text.body ELSE json_quote(text.body) END
                    AS body
                FROM one JOIN text ON text.id = one.text ORDER BY one.length
            )
        )
    END AS body
FROM history JOIN text ON text.id = history.text;

-- A row for each attribute of each span; lists and maps are JSON.
CREATE VIEW attributes AS
SELECT
    span.time AS time, span.trace_id AS trace_id, span.span_id AS span_id, span.name AS name,
    each.value AS key,
    CASE json_type(span."values", '$[' || each.key || ']')
        WHEN 'true' THEN 'true'
        WHEN 'false' THEN 'false'
        WHEN 'object' THEN coalesce(
            (
                SELECT text.body FROM text
                WHERE text.id = json_extract(span."values", '$[' || each.key || '].text')
            ),
            (
                SELECT lists.body FROM lists
                WHERE lists.id = coalesce(
                    json_extract(span."values", '$[' || each.key || '].history'),
                    json_extract(span."values", '$[' || each.key || '].messages')
                )
            ),
            json_extract(span."values", '$[' || each.key || '].bytesValue'),
            json_extract(span."values", '$[' || each.key || '].doubleValue'),
            json_extract(span."values", '$[' || each.key || '].kvlistValue'),
            json_extract(span."values", '$[' || each.key || ']')
        )
        ELSE coalesce(CAST(json_extract(span."values", '$[' || each.key || ']') AS TEXT), '')
    END AS value
FROM span JOIN shape ON shape.id = span.shape, json_each(shape.names) AS each;

-- A row for each message of a call: system instructions, input, output. `text` is what its text
-- parts say, `message` all of it; a list that is no JSON (cut short, say) is one row. Where agents
-- have messages, too, they repeat those of their model calls: choose by `model_call`.
CREATE VIEW messages AS
WITH
    heads AS (
        SELECT span.*, 'system' AS direction, system AS head FROM span WHERE system AND operation != ''
        UNION ALL
        SELECT span.*, 'input', input FROM span WHERE input AND operation != ''
        UNION ALL
        SELECT span.*, 'output', output FROM span WHERE output AND operation != ''
    ),
    -- System instructions are parts without a message.
    said AS (
        SELECT
            heads.*, one.key + 1 AS position,
            CASE
                WHEN heads.direction = 'system' AND one.type = 'array'
                THEN '{"role":"system","parts":' || one.value || '}'
                ELSE coalesce(CAST(one.value AS TEXT), 'null')
            END AS message
        FROM heads JOIN lists ON lists.id = heads.head, json_each(
            CASE
                WHEN heads.direction = 'system' AND json_type(lists.body, '$[0]') IS NOT 'text'
                THEN '[' || lists.body || ']'
                ELSE lists.body
            END
        ) AS one
    )
SELECT
    time, trace_id, span_id, direction, position,
    CASE WHEN json_valid(message) THEN coalesce(CAST(json_extract(message, '$.role') AS TEXT), '') ELSE '' END
        AS role,
    CASE
        WHEN json_valid(message) THEN coalesce(
            (
                SELECT group_concat(coalesce(json_extract(part.value, '$.content'), ''), char(10))
                FROM json_each(message, '$.parts') AS part
                WHERE part.type = 'object'
                    AND json_extract(part.value, '$.type') IN ('text', 'reasoning')
            ),
            ''
        )
        ELSE message
    END AS text,
    message, operation, model, model_call, cost AS call_cost, session, conversation, user, tenant
FROM said;

-- A row for each tool that was run, with what it was given and gave.
CREATE VIEW tool_calls AS
SELECT
    time, trace_id, span_id, parent_id, tool,
    coalesce((
        SELECT value FROM attributes AS a
        WHERE a.trace_id = span.trace_id AND a.span_id = span.span_id
            AND a.key = 'gen_ai.tool.call.arguments'
    ), '') AS arguments,
    coalesce((
        SELECT value FROM attributes AS a
        WHERE a.trace_id = span.trace_id AND a.span_id = span.span_id
            AND a.key = 'gen_ai.tool.call.result'
    ), '') AS result,
    error, duration / 1e9 AS seconds, session, conversation, user, tenant
FROM span
WHERE operation = 'execute_tool';

-- A row for each session of a tenant. `cost` is NULL where no price at all is known. `users` is JSON.
CREATE VIEW sessions AS
SELECT
    tenant, session, min(time) AS first, max(time) AS last,
    json_group_array(DISTINCT user) AS users,
    count(DISTINCT trace_id) AS traces,
    sum(model_call) AS model_calls,
    sum(error != '') AS errors,
    coalesce(sum(CASE WHEN paid THEN input_tokens END), 0) AS input_tokens,
    coalesce(sum(CASE WHEN paid THEN output_tokens END), 0) AS output_tokens,
    sum(CASE WHEN paid THEN cost END) AS cost,
    sum(unpriced AND paid) AS unpriced,
    sum(uncounted) AS uncounted
FROM span
WHERE session != '' AND operation != ''
GROUP BY tenant, session;

-- A row for each day (UTC), tenant and model.
CREATE VIEW costs AS
SELECT
    day, tenant, model,
    sum(model_call) AS model_calls,
    sum(batch_read) AS batches,
    sum(error != '') AS errors,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cost) AS cost,
    sum(unpriced) AS unpriced,
    sum(uncounted) AS uncounted
FROM spent
GROUP BY day, tenant, model;

-- A row for each evaluation, with the call that was judged where it is known: the span that it names,
-- or else the model call that gave the answer, of several the last one before it. An answer that no
-- model call gave was fetched: by the first span that has it. (`+`: not by the index of times.)
CREATE VIEW evaluations AS
WITH
    found AS (
        SELECT
            event.*,
            coalesce(
                (
                    SELECT named.id FROM span AS named
                    WHERE named.trace_id = event.trace_id AND named.span_id = event.span_id
                        AND named.operation != ''
                ),
                (
                    SELECT gave.id FROM span AS gave
                    WHERE event.answer != '' AND gave.response_id = event.answer
                        AND gave.operation != '' AND gave.model_call
                        AND +gave.time <= event.time
                    ORDER BY +gave.time DESC LIMIT 1
                ),
                (
                    SELECT gave.id FROM span AS gave
                    WHERE event.answer != '' AND gave.response_id = event.answer
                        AND gave.operation != ''
                    ORDER BY gave.model_call DESC, gave.time LIMIT 1
                )
            ) AS judged
        FROM event
        WHERE event.name = 'gen_ai.evaluation.result'
    )
SELECT
    found.time AS time, found.evaluation AS evaluation, found.score AS score, found.label AS label,
    coalesce((
        SELECT
            CASE json_type(found."values", '$[' || each.key || ']')
                WHEN 'object' THEN (
                    SELECT text.body FROM text
                    WHERE text.id = json_extract(found."values", '$[' || each.key || '].text')
                )
                ELSE json_extract(found."values", '$[' || each.key || ']')
            END
        FROM shape, json_each(shape.names) AS each
        WHERE shape.id = found.shape AND each.value = 'gen_ai.evaluation.explanation'
    ), '') AS explanation,
    coalesce(call.name, '') AS call,
    coalesce(call.trace_id, '') AS trace_id,
    coalesce(call.span_id, '') AS span_id,
    coalesce(call.response_id, '') AS response_id,
    coalesce(call.operation, '') AS operation,
    coalesce(call.model, '') AS model,
    coalesce(call.agent, '') AS agent,
    coalesce(call.prompt, '') AS prompt,
    coalesce(call.prompt_version, '') AS prompt_version,
    call.cost AS cost,
    call.duration / 1e9 AS seconds,
    coalesce(call.session, '') AS session,
    coalesce(call.conversation, '') AS conversation,
    coalesce(call.user, '') AS user,
    coalesce(call.tenant, '') AS tenant,
    coalesce(call.task, '') AS task
FROM found LEFT JOIN span AS call ON call.id = found.judged;

-- Moments before now: WHERE time > (SELECT day FROM otelier.ago).
CREATE VIEW ago AS
SELECT
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour') || '000000' AS hour,
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 day') || '000000' AS day,
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-7 days') || '000000' AS week,
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days') || '000000' AS month;
