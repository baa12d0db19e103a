-- The store: everything that is kept of spans, each text once. Times of `time` columns are texts in
-- UTC with nanoseconds (2026-11-28 21:04:05.123456789), which sort as they are; durations are
-- nanoseconds. Texts that are not there are '', numbers that are not there are NULL, never 0.

-- What the store itself knows: `pruned` counts the times when texts were deleted, `views` is the
-- digest of the views that are there.
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('pruned', 0), ('views', '');

-- What spans have in common: JSON, see reading.py. Each is there once.
CREATE TABLE resource (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);
CREATE TABLE scope (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE);
-- The names of a span's attributes, in their order: a JSON list.
CREATE TABLE shape (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);

-- Messages and other long texts, each once. `hash` is BLAKE2b of `body`, 16 bytes. `used`: in which
-- stretch of 600 seconds since 1970 the newest span that has it began; see prune.py.
CREATE TABLE text (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL,
    used INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX text_hash ON text (hash);
CREATE INDEX text_used ON text (used);

-- A list of messages is its last message and the list before it (0: none). Two calls of one
-- conversation share the rows of what both were sent. `span` is the first one that had the list, of
-- those in the stretch of time in which it was used last.
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    previous INTEGER NOT NULL,
    text INTEGER NOT NULL,
    length INTEGER NOT NULL,
    used INTEGER NOT NULL,
    span INTEGER NOT NULL
);
CREATE UNIQUE INDEX history_of ON history (previous, text);
CREATE INDEX history_text ON history (text);
CREATE INDEX history_used ON history (used);

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
-- What is delivered twice is kept once.
CREATE UNIQUE INDEX span_once ON span (trace_id, span_id, kind);
CREATE INDEX span_time ON span (time);
-- Which calls were sent, or gave, a list in which something is found.
CREATE INDEX span_input ON span (input);
CREATE INDEX span_output ON span (output);
CREATE INDEX span_system ON span (system);
-- What lists are chosen by. Of all spans, not of those alone that have it: SQLite would not know that
-- it may use them; nor of otelier's alone: it would walk through them where it is to read all calls.
CREATE INDEX span_session ON span (session);
CREATE INDEX span_conversation ON span (conversation);
CREATE INDEX span_user ON span (user, time);
CREATE INDEX span_response ON span (response_id);
-- A span, or a request, by an id that somebody has read somewhere.
CREATE INDEX span_own ON span (span_id);
CREATE INDEX span_request ON span (request_id) WHERE request_id != '';
CREATE INDEX span_failed ON span (time, error, operation, model, tool) WHERE status = 'error';
-- Tools and searches, which are few among all spans: sums over them are made of these alone.
CREATE INDEX span_tool ON span (
    time, tool, error, duration, session, conversation, user, tenant, service
) WHERE operation = 'execute_tool';
CREATE INDEX span_retrieval ON span (
    time, data_source, error, duration, session, conversation, user, tenant, service
) WHERE operation = 'retrieval';
CREATE INDEX span_batch ON span (provider, batch) WHERE batch_read;
-- Sums of what was paid are made of this alone.
CREATE INDEX span_paid ON span (
    time, model, batch_read, response_model, cost, model_call, error, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, duration, unpriced, uncounted, operation, session,
    conversation, user, tenant, provider, agent, service, prompt, prompt_version, first_chunk, paid
) WHERE paid;

-- Events that belong to calls: evaluations (gen_ai.evaluation.result) and others of GenAI.
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
CREATE INDEX event_name ON event (name, time);
CREATE INDEX event_time ON event (time);
CREATE INDEX event_trace ON event (trace_id);
