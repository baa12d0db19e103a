-- A trace with its lineage: what `otelier.trace(trace_id = '…')` stands for. As in
-- collector-config/clickhouse/views.sql: spans of others (of HTTP, of the program's own) lead to what
-- is above them and are no rows; `parent` is the nearest call above.
WITH RECURSIVE
    -- A span that both its ends tell of is one.
    members (id, above, name, shown) AS (
        SELECT span_id, min(parent_id), min(name), max(operation != '')
        FROM otelier.span WHERE trace_id = {trace_id} GROUP BY span_id
    ),
    lines (id, calls, parent, path, nearest) AS (
        SELECT id, shown, '', iif(shown, name, ''), iif(shown, name, '')
        FROM members
        WHERE NOT EXISTS (
            SELECT 1 FROM otelier.span AS up
            WHERE up.trace_id = {trace_id} AND up.span_id = members.above
        )
        UNION ALL
        SELECT
            below.span_id, up.calls + (below.operation != ''), up.nearest,
            CASE
                WHEN below.operation = '' THEN up.path
                WHEN up.path = '' THEN below.name
                ELSE up.path || ' > ' || below.name
            END,
            iif(below.operation != '', below.name, up.nearest)
        FROM lines AS up CROSS JOIN otelier.span AS below ON below.parent_id = up.id
        WHERE below.trace_id = {trace_id} AND NOT EXISTS (
            SELECT 1 FROM otelier.span AS other
            WHERE other.trace_id = {trace_id} AND other.span_id = below.span_id
                AND (other.operation != '', -other.kind) > (below.operation != '', -below.kind)
        )
    )
SELECT lines.calls - 1 AS depth, lines.path AS path, lines.parent AS parent, own.*
FROM lines CROSS JOIN otelier.calls AS own ON own.span_id = lines.id
WHERE own.trace_id = {trace_id}
