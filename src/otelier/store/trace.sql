-- A trace with its lineage: what `otelier.trace(trace_id = '…')` stands for. As in
-- collector-config/clickhouse/views.sql: spans of others (of HTTP, of the program's own) lead to what
-- is above them and are no rows; `parent` is the nearest call above.
WITH RECURSIVE
    members (id, above, name, shown) AS (
        SELECT span_id, min(parent_id), min(name), max(operation != '')
        FROM otelier.span WHERE trace_id = {trace_id} GROUP BY span_id
    ),
    lines (id, calls, parent, path, nearest) AS (
        SELECT id, shown, '', iif(shown, name, ''), iif(shown, name, '')
        FROM members WHERE above NOT IN (SELECT id FROM members)
        UNION ALL
        SELECT
            below.id, up.calls + below.shown, up.nearest,
            CASE
                WHEN NOT below.shown THEN up.path
                WHEN up.path = '' THEN below.name
                ELSE up.path || ' > ' || below.name
            END,
            iif(below.shown, below.name, up.nearest)
        FROM lines AS up JOIN members AS below ON below.above = up.id
    )
SELECT lines.calls - 1 AS depth, lines.path AS path, lines.parent AS parent, own.*
FROM otelier.calls AS own JOIN lines ON lines.id = own.span_id
WHERE own.trace_id = {trace_id}
