-- What is searched for words: the texts of a message without its roles and types, and what tools and
-- searches were given and gave. The full-text indexes over these are made when somebody searches.
-- JSON in a text is there as it is, and where it has letters as \u and digits, as it is read, too.
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
