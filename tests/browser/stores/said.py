"""What is said in a long conversation: ten kinds of turns, over and over."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from tests.browser.stores.pictures import described, inline, png

Part = dict[str, Any]

SYSTEM: Final = (
    "You help people who repair bicycles. Answer briefly, with tables where they help. "
    "Prices are in euros. Look parts up; never guess what is in stock."
)
TOOLS: Final = [
    {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": {argument: {"type": "string"}},
            "required": [argument],
        },
    }
    for name, description, argument in (
        ("find_part", "Parts that fit a description.", "description"),
        ("stock", "How many of a part there are, and where.", "part"),
    )
]
TABLE: Final = """\
Three chains fit **turn {n}**:

| Chain | Speeds | Links | Price |
|---|---:|---:|---:|
| KMC X9 | 9 | 114 | 19.90 € |
| Shimano HG53 | 9 | 116 | 17.50 € |
| SRAM PC 971 | 9 | 114 | 21.00 € |

The second one is the cheapest; *none* of them needs a new cassette."""
CODE: Final = """\
A gear's development in metres, for number {n}:

```python
def development(front: int, back: int, circumference: float = 2.1) -> float:
    \"\"\"Metres for one turn of the crank.\"\"\"
    return front / back * circumference  # 44 / 16 * 2.1 < 6 && more
```

Call it as `development(44, 16)`."""
LINKS: Final = """\
# Where to read more ({n})

1. [Sheldon Brown on chains](https://www.sheldonbrown.com/chains.html)
2. The maker's own table: <https://www.kmcchain.com/en/catalog>
   - page 4 has the lengths,
   - page 5 the tools.

> Measure over twelve links: 305 mm is new, 308 mm is worn."""
LONG: Final = "Then check the next one, and write down what you find before you go on. " * 12


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn brings: a question, tools that are called, and the answer."""

    question: list[Part]
    answer: list[Part]
    # Name, arguments and result of each call; all of them are asked for at once.
    calls: tuple[tuple[str, Any, Any], ...] = ()
    # What is said beside the calls.
    first: list[Part] = field(default_factory=list)
    json: bool = False
    # Whether the first try fails.
    fails: bool = False


def text(content: str) -> list[Part]:
    """One text."""
    return [{"type": "text", "content": content}]


def thought(content: str) -> list[Part]:
    """What a model thought."""
    return [{"type": "reasoning", "content": content}]


def turn(n: int) -> Turn:
    """The turn with this number; ten follow each other in kind."""
    ask = f"Question {n}: "
    part = {"part": f"HG53-{n}", "stock": n % 7, "shelf": {"row": n % 4, "box": f"B{n}"}}
    kinds = (
        Turn(text(f"{ask}does it matter?"), text(f"Answer {n}: it does, a little.")),
        Turn(
            text(f"{ask}is it in stock?"),
            text(f"Answer {n}: there are {n % 7} of it."),
            (("stock", {"part": f"HG53-{n}"}, part),),
        ),
        Turn(text(f"{ask}which chains fit?"), text(TABLE.format(n=n))),
        Turn(text(f"{ask}how do I compute it?"), text(CODE.format(n=n))),
        Turn(
            [*text(f"{ask}what is this?"), inline(png(24, 16, n))],
            text(f"Answer {n}: a worn chainring."),
        ),
        Turn(
            text(f"{ask}and if I need two?"),
            text(f"Answer {n}: take one of each."),
            (
                ("find_part", {"description": f"ring of {n} teeth"}, [{"part": f"R-{n}"}, part]),
                ("stock", {"part": f"R-{n}"}, f"no part R-{n} here; closest: R-{n + 1}"),
            ),
            [*thought(f"Both have to be looked up for {n}."), *text("I look both up.")],
        ),
        Turn(
            text(f"{ask}why does it slip?"),
            [
                *thought(f"Thought {n}: worn teeth or a stiff link. A stiff link slips regularly."),
                *text(f"Answer {n}: if it slips *regularly*, look for a stiff link."),
            ],
        ),
        Turn(
            text(f"{ask}give me that as JSON."),
            text(json.dumps({"turn": n, "parts": [part, {**part, "stock": None}], "ok": True})),
            json=True,
        ),
        Turn(
            [*text(f"{ask}and this one?"), described(png(48, 32, n))],
            text(LINKS.format(n=n)),
        ),
        Turn(text(f"{ask}tell me all of it."), text(f"Answer {n}: {LONG}"), fails=True),
    )
    return kinds[n % len(kinds)]
