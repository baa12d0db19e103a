-- What is searched for words: the texts of a message without its roles and types, and what tools and
-- searches were given and gave. The full-text indexes over these are made when somebody searches.
CREATE VIEW message_words AS
SELECT
    id,
    CASE
        WHEN json_valid(body) THEN (
            SELECT group_concat(leaf.atom, ' ')
            FROM json_tree(text.body) AS leaf
            WHERE leaf.type IN ('text', 'integer', 'real')
                AND leaf.key IS NOT 'role' AND leaf.key IS NOT 'type'
                AND leaf.key IS NOT 'finish_reason'
        )
        ELSE body
    END AS body
FROM text;

CREATE VIEW tool_words AS
SELECT
    span.id AS id,
    (
        SELECT group_concat(
            CASE json_type(span."values", '$[' || name.key || ']')
                WHEN 'object' THEN (
                    SELECT text.body FROM text
                    WHERE text.id = json_extract(span."values", '$[' || name.key || '].text')
                )
                ELSE json_extract(span."values", '$[' || name.key || ']')
            END,
            ' '
        )
        FROM json_each(shape.names) AS name
        WHERE name.value IN (
            'gen_ai.tool.call.arguments', 'gen_ai.tool.call.result',
            'gen_ai.retrieval.query.text', 'gen_ai.retrieval.documents'
        )
    ) AS body
FROM span JOIN shape ON shape.id = span.shape
WHERE span.operation IN ('execute_tool', 'retrieval');
