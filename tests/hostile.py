"""What nobody should send: texts, values, ids and times that tests put wherever they can stand."""

from __future__ import annotations

import json
from typing import Any

MESSAGE = '{"role":"user","parts":[{"type":"text","content":"Where?"}]}'
YEAR_2500 = 16_725_225_600 * 10**9
INJECTION = "'; DROP TABLE span; --\"` [x] %s :a ?1 \\"
LONE = "half a pair: \ud83d"
CONTROL = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[1;31mred\x9b31m\r\x08\x7f"
BIDI = "abc\u202ecba\u2066x\u200f\u2028y\ufeff\U000e0041\ud800"
CONTENT_NAMES = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.retrieval.query.text",
    "gen_ai.retrieval.documents",
    "otelier.arguments",
    "otelier.result",
    "otelier.content.truncated",
)
NAMES = (
    *CONTENT_NAMES,
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.cost",
    "gen_ai.tool.name",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "session.id",
    "user.id",
    "otelier.tags",
    "otelier.metadata.x",
    "otelier.step.name",
    "error.type",
)
# Values of attributes, some of which OTLP does not know.
ODD_VALUES: tuple[Any, ...] = (
    None,
    "",
    "x" * 5000,
    ESCAPES,
    BIDI,
    0,
    -1,
    2**70,
    float("nan"),
    float("inf"),
    1e308,
    True,
    b"\xff",
    [],
    [None, 1, "a", [], {}],
    {},
    {"role": 1, "parts": {"type": [], "content": {}}},
    "[",
    "null",
    "[[[[]]]]",
    '[{"role":null,"parts":null}]',
    '[{"role":"user","parts":[{"type":"text"},{"type":"blob"},{"type":"tool_call"},7,null]}]',
    '{"a":' * 300 + "1" + "}" * 300,
    json.dumps(
        [{"role": "user", "parts": [{"type": kind, "content": []}]} for kind in ("uri", "x")]
    ),
)
# Lists of messages, or what stands in their place.
MESSAGES = {
    "ten megabytes": f'[{{"role":"user","content":"{"x" * 10_000_000}"}}]',
    "cut short": f"[{MESSAGE},{MESSAGE[:30]}",
    "no JSON": "[{not json}]",
    "closed twice": f"[{MESSAGE}]]",
    "two lists": f"[{MESSAGE}][{MESSAGE}]",
    "an object": MESSAGE,
    "empty list": "[]",
    "empty": "",
    "brackets": "[",
    "numbers": "[1,2,3]",
    "nothing between": f"[{MESSAGE}{MESSAGE}]",
    "commas at the ends": f"[,{MESSAGE},]",
    "spaces": f"[ {MESSAGE} , {MESSAGE} ]",
    "spaces by turns": f"[{MESSAGE}, {MESSAGE},{MESSAGE}]",
    "as json.dumps writes": json.dumps([json.loads(MESSAGE)] * 3),
    "indented": json.dumps([json.loads(MESSAGE)] * 3, indent=2),
    "escapes that need none": '[{"role":"\\u0075ser","content":"\\/ \\u00fc"}]',
    "numbers of many forms": '[{"a":1.0,"b":1e2,"c":-0,"d":0.10,"e":12345678901234567890123}]',
    "not a number": '[{"a":NaN,"b":Infinity}]',
    "a key twice": '[{"a":1,"a":2}]',
    "keys that the store has": '[{"text":1},{"history":2,"join":","},{"kvlistValue":{}}]',
    "null bytes": '[{"content":"\x00 \\u0000"}]',
    "a pair that is escaped": '[{"content":"\\ud83d\\ude00 \\ud83d"}]',
    "deep": "[" * 5000 + "]" * 5000,
    "deep objects": '[{"a":' * 3000 + "1" + "}]" * 3000,
    "line separators": '[{"content":"\u2028\u2029\x85\x0b"}]',
}
# Values of attributes that OTLP knows.
VALUES: dict[str, Any] = {
    "null bytes": "a\x00b",
    "only a null byte": "\x00",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x1b[31m",
    "SQL": INJECTION,
    "a reference": '{"text":1}',
    "reference, as a map": {"text": 1},
    "history, as a map": {"history": 1, "join": ", "},
    "messages, as a map": {"messages": 1},
    "tagged map": {"kvlistValue": {"bytesValue": "AA=="}},
    "tagged double": {"doubleValue": "NaN"},
    "empty map": {},
    "map with no name": {"": {"": ""}},
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "float like an int": 1e15,
    "negative zero": -0.0,
    "tiny": 5e-324,
    "infinite": float("-inf"),
    "no value": None,
    "all bytes": bytes(range(256)),
    "mixed list": [1, "1", 1.0, True, None, b"1", [], {}],
    "lists of lists": [[[[1.5]]]],
    "long text": "ü" * 300,
    "messages as a list": [json.loads(MESSAGE), {"text": 1}, {}],
}
IDS = ["", "0", "0" * 32, "not hex", INJECTION, "F" * 32, "\x00", "é" * 16, "1" * 10_000]
# When something began and ended, in nanoseconds since 1970.
TIMES = [
    (0, 0),
    (5, 3),
    (YEAR_2500, YEAR_2500 + 1),
    (YEAR_2500, 0),
    (0, YEAR_2500),
    (0, 2**64 - 1),
    (2**64 - 1, 0),
    (2**63, 2**63 + 1),
    (-5, -3),
    (-(2**70), 2**70),
]
