-- A trace with its lineage: what `otelier.trace(trace_id = '…')` stands for. As in
-- collector-config/clickhouse/views.sql: spans of others (of HTTP, of the program's own) lead to what
-- is above them and are no rows; `parent` is the nearest call above.
WITH RECURSIVE
    -- From each call upwards, with what was found on the way.
    up (id, above, calls, parent, path, steps) AS (
        SELECT span_id, parent_id, 0, '', name, 0
        FROM otelier.span WHERE trace_id = {trace_id} AND operation != ''
        UNION ALL
        SELECT
            up.id, higher.parent_id, up.calls + (higher.operation != ''),
            iif(up.parent = '' AND higher.operation != '', higher.name, up.parent),
            iif(higher.operation != '', higher.name || ' > ' || up.path, up.path),
            up.steps + 1
        FROM up CROSS JOIN otelier.span AS higher
            ON higher.trace_id = {trace_id} AND higher.span_id = up.above
        -- Spans that are above themselves have no end. A span that both its ends tell of is one.
        WHERE up.steps < 1000 AND NOT EXISTS (
            SELECT 1 FROM otelier.span AS other
            WHERE other.trace_id = {trace_id} AND other.span_id = up.above
                AND (other.operation != '', -other.kind) > (higher.operation != '', -higher.kind)
        )
    ),
    -- What the last step of each knows: SQLite takes the other columns from the row of the maximum.
    lines AS (SELECT id, calls, parent, path, max(steps) AS steps FROM up GROUP BY id)
SELECT lines.calls AS depth, lines.path AS path, lines.parent AS parent, own.*
FROM lines CROSS JOIN otelier.calls AS own ON own.span_id = lines.id
WHERE own.trace_id = {trace_id} AND lines.steps < 1000
