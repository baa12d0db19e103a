PRAGMA application_id = 1869900914;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- BLAKE2b of all that it says, 16 bytes: what is delivered twice is kept once.
    hash BLOB NOT NULL UNIQUE,
    time TEXT NOT NULL,
    name TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    resource INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    -- Body, severity, when it was observed, flags, counts: a JSON object, NULL for none.
    more TEXT,
    -- What views ask of evaluations; `answer` is the id of the response that was judged.
    evaluation TEXT NOT NULL,
    score REAL,
    label TEXT NOT NULL,
    answer TEXT NOT NULL,
    "values" TEXT NOT NULL
);
INSERT INTO "event" VALUES(1,X'6C9B5AE6E179330AD323B2A2E94E0111','2026-11-20 10:00:00.000000000','gen_ai.evaluation.result','00000000000000000000000000000001','0000000000000001',1,1,4,NULL,'helpful',0.5,'','','["helpful",0.5]');
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    previous INTEGER NOT NULL,
    text INTEGER NOT NULL,
    length INTEGER NOT NULL,
    used INTEGER NOT NULL,
    span INTEGER NOT NULL
);
INSERT INTO "history" VALUES(1,0,1,1,2991948,1);
INSERT INTO "history" VALUES(2,0,2,1,2991948,1);
INSERT INTO "history" VALUES(3,1,2,2,2991948,2);
INSERT INTO "history" VALUES(4,3,3,3,2991948,2);
INSERT INTO "history" VALUES(5,0,4,1,2991948,2);
INSERT INTO "history" VALUES(6,4,4,4,2991948,3);
INSERT INTO "history" VALUES(7,6,5,5,2991948,3);
INSERT INTO "history" VALUES(8,0,6,1,2991948,3);
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('pruned',0);
INSERT INTO "meta" VALUES('views','d8e1853e15b8b338');
CREATE TABLE resource (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);
INSERT INTO "resource" VALUES(1,'{"attributes":{"service.name":"shop"},"schemaUrl":"https://example.org/resource"}');
CREATE TABLE scope (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);
INSERT INTO "scope" VALUES(1,'{"name":"otelier","version":"1.0"}');
CREATE TABLE shape (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);
INSERT INTO "shape" VALUES(1,'["gen_ai.operation.name","gen_ai.provider.name","gen_ai.request.model","gen_ai.conversation.id","gen_ai.usage.input_tokens","gen_ai.usage.output_tokens","gen_ai.usage.cost","gen_ai.input.messages","gen_ai.output.messages"]');
INSERT INTO "shape" VALUES(2,'["gen_ai.operation.name","gen_ai.tool.name","gen_ai.tool.call.arguments","gen_ai.tool.call.result","otelier.tags","session.id"]');
INSERT INTO "shape" VALUES(3,'["bytes","map","list","int"]');
INSERT INTO "shape" VALUES(4,'["gen_ai.evaluation.name","gen_ai.evaluation.score.value"]');
CREATE TABLE span (
    -- Never given twice: what is sent on from here is known by it.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    time TEXT NOT NULL,
    duration INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    status_code INTEGER NOT NULL,
    status_message TEXT NOT NULL,
    resource INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    -- Names and values of attributes; the values a JSON list, see pieces.py.
    shape INTEGER NOT NULL,
    "values" TEXT NOT NULL,
    -- Events, links, trace state, counts of what was dropped: a JSON object, NULL for none.
    more TEXT,
    -- Lists of messages, as rows of history; 0 for none.
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    system INTEGER NOT NULL,
    -- From here on what views ask of GenAI's spans, as collector-config/clickhouse/views.sql has it.
    service TEXT NOT NULL,
    operation TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    response_model TEXT NOT NULL,
    response_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    tool TEXT NOT NULL,
    step TEXT NOT NULL,
    data_source TEXT NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_tokens INTEGER,
    cost REAL,
    cost_source TEXT NOT NULL,
    model_call INTEGER NOT NULL,
    batch_read INTEGER NOT NULL,
    batch TEXT NOT NULL,
    told INTEGER NOT NULL,
    -- Whether sums of tokens and cost are over it: model calls, answers of the background where they
    -- were fetched, and of each batch the reading that read most.
    paid INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    uncounted INTEGER NOT NULL,
    error TEXT NOT NULL,
    session TEXT NOT NULL,
    conversation TEXT NOT NULL,
    user TEXT NOT NULL,
    tenant TEXT NOT NULL,
    tags TEXT NOT NULL,
    task TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status TEXT NOT NULL,
    prompt TEXT NOT NULL,
    prompt_version TEXT NOT NULL,
    finish_reasons TEXT NOT NULL,
    first_chunk REAL
);
INSERT INTO "span" VALUES(1,'00000000000000000000000000000001','0000000000000001','','2026-11-20 10:00:00.000000000',500000000,'chat gpt-4o',3,0,0,'',1,1,1,'["chat","openai","gpt-4o","c-1",10,5,0.25,{"history":1},{"history":2}]',NULL,1,2,0,'shop','chat','openai','gpt-4o','','','','','','',10,5,NULL,NULL,0.25,'',1,0,'',1,1,0,0,'','','c-1','','','[]','','','ok','','','[]',NULL);
INSERT INTO "span" VALUES(2,'00000000000000000000000000000002','0000000000000002','','2026-11-20 10:00:01.000000000',500000000,'chat gpt-4o',3,0,0,'',1,1,1,'["chat","openai","gpt-4o","c-1",10,5,0.25,{"history":4},{"history":5}]',NULL,4,5,0,'shop','chat','openai','gpt-4o','','','','','','',10,5,NULL,NULL,0.25,'',1,0,'',1,1,0,0,'','','c-1','','','[]','','','ok','','','[]',NULL);
INSERT INTO "span" VALUES(3,'00000000000000000000000000000003','0000000000000003','','2026-11-20 10:00:02.000000000',500000000,'chat gpt-4o',3,0,0,'',1,1,1,'["chat","openai","gpt-4o","c-1",10,5,0.25,{"history":7},{"history":8}]',NULL,7,8,0,'shop','chat','openai','gpt-4o','','','','','','',10,5,NULL,NULL,0.25,'',1,0,'',1,1,0,0,'','','c-1','','','[]','','','ok','','','[]',NULL);
INSERT INTO "span" VALUES(4,'00000000000000000000000000000004','0000000000000004','0000000000000001','2026-11-20 10:00:03.000000000',500000000,'execute_tool find',1,0,0,'',1,1,2,'["execute_tool","find","{\"city\": \"Paris\"}",{"text":7},["a","b"],"s-1"]',NULL,0,0,0,'shop','execute_tool','','','','','','find','','',NULL,NULL,NULL,NULL,NULL,'',0,0,'',0,0,0,0,'','s-1','','','','["a","b"]','','','ok','','','[]',NULL);
INSERT INTO "span" VALUES(5,'00000000000000000000000000000005','0000000000000005','','2026-11-20 10:00:04.000000000',500000000,'GET',3,769,2,'no',1,1,3,'[{"bytesValue":"AP8="},{"kvlistValue":{"text":1}},[1,2.5,null],9223372036854775807]','{"events":[{"name":"exception","time":1795168800000000000,"attributes":{"exception.type":"E"}}],"links":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","attributes":{"n":1}}],"traceState":"a=b"}',0,0,0,'shop','','','','','','','','','',NULL,NULL,NULL,NULL,NULL,'',0,0,'',0,0,0,0,'_OTHER','','','','','[]','','','error','','','[]',NULL);
CREATE TABLE text (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL,
    used INTEGER NOT NULL,
    body TEXT NOT NULL
);
INSERT INTO "text" VALUES(1,X'12DA62617BCEB0BD0A33BBF23635D366',2991948,'{"role":"user","parts":[{"type":"text","content":"user 0 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}]}');
INSERT INTO "text" VALUES(2,X'DE412E4A95FB509BC139B5507781D4CD',2991948,'{"role":"assistant","parts":[{"type":"text","content":"assistant 0 xxxxxxxxxxxxxxxxxxxxxxxxxxxx"}]}');
INSERT INTO "text" VALUES(3,X'3A3B6F21BCD773FD60CC635C7F7E6E7E',2991948,'{"role":"user","parts":[{"type":"text","content":"user 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}]}');
INSERT INTO "text" VALUES(4,X'EEA87BAE290E5FD3441A39E8A13B4483',2991948,'{"role":"assistant","parts":[{"type":"text","content":"assistant 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxx"}]}');
INSERT INTO "text" VALUES(5,X'8FC60CCE6FAB64F82A9AF6379ADD024F',2991948,'{"role":"user","parts":[{"type":"text","content":"user 2 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}]}');
INSERT INTO "text" VALUES(6,X'76DE72EA193C1937573695E0923B8C0B',2991948,'{"role":"assistant","parts":[{"type":"text","content":"assistant 2 xxxxxxxxxxxxxxxxxxxxxxxxxxxx"}]}');
INSERT INTO "text" VALUES(7,X'420ED66D72FF071441D85F293CC9824C',2991948,'sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny sunny ');
CREATE UNIQUE INDEX text_hash ON text (hash);
CREATE INDEX text_used ON text (used);
CREATE UNIQUE INDEX history_of ON history (previous, text);
CREATE INDEX history_text ON history (text);
CREATE INDEX history_used ON history (used);
CREATE UNIQUE INDEX span_once ON span (trace_id, span_id, kind);
CREATE INDEX span_time ON span (time);
CREATE INDEX span_input ON span (input);
CREATE INDEX span_output ON span (output);
CREATE INDEX span_system ON span (system);
CREATE INDEX span_session ON span (session);
CREATE INDEX span_conversation ON span (conversation);
CREATE INDEX span_user ON span (user, time);
CREATE INDEX span_response ON span (response_id);
CREATE INDEX span_own ON span (span_id);
CREATE INDEX span_request ON span (request_id) WHERE request_id != '';
CREATE INDEX span_failed ON span (time, error, operation, model, tool) WHERE status = 'error';
CREATE INDEX span_tool ON span (
    time, tool, error, duration, session, conversation, user, tenant, service
) WHERE operation = 'execute_tool';
CREATE INDEX span_retrieval ON span (
    time, data_source, error, duration, session, conversation, user, tenant, service
) WHERE operation = 'retrieval';
CREATE INDEX span_batch ON span (provider, batch) WHERE batch_read;
CREATE INDEX span_paid ON span (
    time, model, batch_read, response_model, cost, model_call, error, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, duration, unpriced, uncounted, operation, session,
    conversation, user, tenant, provider, agent, service, prompt, prompt_version, first_chunk, paid
) WHERE paid;
CREATE INDEX event_name ON event (name, time);
CREATE INDEX event_time ON event (time);
CREATE INDEX event_trace ON event (trace_id);
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
CREATE VIEW batches AS SELECT * FROM spent WHERE batch_read;
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
CREATE VIEW tagged AS
SELECT calls.*, tag.value AS tag
FROM calls, json_each(calls.tags) AS tag
WHERE NOT EXISTS (
    SELECT 1 FROM json_each(calls.tags) AS earlier
    WHERE earlier.value = tag.value AND earlier.key < tag.key
);
CREATE VIEW spent_tagged AS
SELECT spent.*, tag.value AS tag
FROM spent, json_each(spent.tags) AS tag
WHERE NOT EXISTS (
    SELECT 1 FROM json_each(spent.tags) AS earlier
    WHERE earlier.value = tag.value AND earlier.key < tag.key
);
CREATE VIEW reasons AS
SELECT calls.*, reason.value AS reason
FROM calls, json_each(calls.finish_reasons) AS reason;
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
CREATE VIEW ago AS
SELECT
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour') || '000000' AS hour,
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 day') || '000000' AS day,
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-7 days') || '000000' AS week,
    strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days') || '000000' AS month;
CREATE VIEW message_words AS
SELECT
    id,
    CASE
        WHEN json_valid(body) THEN (
            SELECT group_concat(
                CASE
                    WHEN leaf.type = 'text' AND instr(leaf.atom, '\u') AND json_valid(leaf.atom)
                    THEN leaf.atom || ' ' || coalesce((
                        SELECT group_concat(inner.atom, ' ') FROM json_tree(leaf.atom) AS inner
                        WHERE inner.type = 'text'
                    ), '')
                    ELSE leaf.atom
                END,
                ' '
            )
            FROM json_tree(text.body) AS leaf
            WHERE leaf.type IN ('text', 'integer', 'real')
                -- Of the message and its parts; what a tool is given may have members of these names.
                AND NOT (
                    coalesce(leaf.key, '') IN ('role', 'type', 'finish_reason')
                    AND (
                        leaf.path IS '$'
                        OR leaf.path GLOB '$.parts[[]*]' AND NOT instr(substr(leaf.path, 3), '.')
                    )
                )
        )
        ELSE body
    END AS body
FROM text;
CREATE VIEW tool_words AS
SELECT
    span.id AS id,
    (
        SELECT group_concat(
            CASE
                WHEN instr(told.body, '\u') AND json_valid(told.body)
                THEN told.body || ' ' || coalesce((
                    SELECT group_concat(leaf.atom, ' ') FROM json_tree(told.body) AS leaf
                    WHERE leaf.type = 'text'
                ), '')
                ELSE told.body
            END,
            ' '
        )
        FROM (
            SELECT
                CASE json_type(span."values", '$[' || name.key || ']')
                    WHEN 'object' THEN (
                        SELECT text.body FROM text
                        WHERE text.id = json_extract(span."values", '$[' || name.key || '].text')
                    )
                    ELSE json_extract(span."values", '$[' || name.key || ']')
                END AS body
            FROM json_each(shape.names) AS name
            WHERE name.value IN (
                'gen_ai.tool.call.arguments', 'gen_ai.tool.call.result',
                'gen_ai.retrieval.query.text', 'gen_ai.retrieval.documents'
            )
        ) AS told
    ) AS body
FROM span JOIN shape ON shape.id = span.shape
WHERE span.operation IN ('execute_tool', 'retrieval');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('text',7);
INSERT INTO "sqlite_sequence" VALUES('span',5);
INSERT INTO "sqlite_sequence" VALUES('event',1);
COMMIT;
