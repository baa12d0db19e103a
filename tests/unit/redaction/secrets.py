"""True secrets of every kind that is claimed, made as their issuers make them, in context."""

from __future__ import annotations

import json
import string
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from random import Random

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
URLSAFE = ALNUM + "-_"
HEX = DIGITS + "abcdef"

# Issuer, text with `{n:letters}` for what is drawn.
ISSUED: tuple[tuple[str, tuple[tuple[str, str, int] | str, ...]], ...] = (
    ("OpenAI", ("sk-", ("", ALNUM, 20), "T3BlbkFJ", ("", ALNUM, 20))),
    ("OpenAI", ("sk-proj-", ("", URLSAFE, 74), "T3BlbkFJ", ("", ALNUM, 74))),
    ("OpenAI", ("sk-svcacct-", ("", URLSAFE, 58), "T3BlbkFJ", ("", ALNUM, 58))),
    ("OpenAI", ("sk-admin-", ("", URLSAFE, 58), "T3BlbkFJ", ("", ALNUM, 58))),
    ("Anthropic", ("sk-ant-api03-", ("", URLSAFE, 93), "AA")),
    ("Anthropic", ("sk-ant-admin01-", ("", URLSAFE, 93), "AA")),
    ("Anthropic", ("sk-ant-oat01-", ("", URLSAFE, 93), "AA")),
    ("OpenRouter", ("sk-or-v1-", ("", HEX, 64))),
    ("DeepSeek", ("sk-", ("", HEX, 32))),
    ("DeepSeek", ("sk-", ("", ALNUM, 48))),
    ("LiteLLM", ("sk-", ("", ALNUM, 22))),
    ("Langfuse", ("sk-lf-", ("", HEX, 8), "-", ("", HEX, 4), "-", ("", HEX, 4), "-",
                  ("", HEX, 4), "-", ("", HEX, 12))),
    ("Groq", ("gsk_", ("", ALNUM, 20), "WGdyb3FY", ("", ALNUM, 24))),
    ("xAI", ("xai-", ("", ALNUM, 80))),
    ("Perplexity", ("pplx-", ("", ALNUM, 48))),
    ("Cerebras", ("csk-", ("", LOWER + DIGITS, 48))),
    ("Fireworks", ("fw_", ("", ALNUM, 22))),
    ("Hugging Face", ("hf_", ("", LOWER + UPPER, 34))),
    ("Replicate", ("r8_", ("", ALNUM, 37))),
    ("NVIDIA", ("nvapi-", ("", URLSAFE, 63), "A")),
    ("Tavily", ("tvly-dev-", ("", ALNUM, 32))),
    ("Jina", ("jina_", ("", HEX, 32), ("", ALNUM, 28))),
    ("LangSmith", ("lsv2_pt_", ("", HEX, 32), "_", ("", HEX, 10))),
    ("LangSmith", ("lsv2_sk_", ("", HEX, 32), "_", ("", HEX, 10))),
    ("Together", ("tgp_v1_", ("", URLSAFE, 42), "A")),
    ("Google", ("AIzaSy", ("", URLSAFE, 32), "A")),
    ("Google", ("ya29.a0", ("", URLSAFE, 160), "A")),
    ("Google", ("GOCSPX-", ("", URLSAFE, 27), "A")),
    ("AWS", ("AKIA", ("", UPPER + "234567", 16))),
    ("AWS", ("ASIA", ("", UPPER + "234567", 15), "7")),
    ("GitHub", ("ghp_", ("", ALNUM, 36))),
    ("GitHub", ("gho_", ("", ALNUM, 36))),
    ("GitHub", ("ghs_", ("", ALNUM, 36))),
    ("GitHub", ("github_pat_11", ("", UPPER + DIGITS, 20), "_", ("", ALNUM, 59))),
    ("GitLab", ("glpat-", ("", URLSAFE, 19), "a")),
    ("Slack", ("xoxb-", ("", DIGITS, 12), "-", ("", DIGITS, 13), "-", ("", ALNUM, 24))),
    ("Slack", ("xoxp-", ("", DIGITS, 12), "-", ("", DIGITS, 12), "-", ("", DIGITS, 12), "-",
               ("", HEX, 32))),
    ("Slack", ("xapp-1-A0", ("", UPPER + DIGITS, 9), "-", ("", DIGITS, 13), "-", ("", HEX, 64))),
    ("Stripe", ("sk_live_", ("", ALNUM, 24))),
    ("Stripe", ("rk_test_", ("", ALNUM, 99))),
    ("Stripe", ("whsec_", ("", ALNUM, 32))),
    ("SendGrid", ("SG.", ("", URLSAFE, 21), "A.", ("", URLSAFE, 42), "A")),
    ("npm", ("npm_", ("", ALNUM, 36))),
    ("PyPI", ("pypi-AgEIcHlwaS5vcmcC", ("", URLSAFE, 150), "A")),
    ("DigitalOcean", ("dop_v1_", ("", HEX, 64))),
    ("LlamaCloud", ("llx-", ("", ALNUM, 48))),
    ("Pinecone", ("pcsk_", ("", ALNUM, 5), "_", ("", ALNUM, 63))),
    ("Databricks", ("dapi", ("", HEX, 32))),
)  # fmt: skip

# Where keys stand; what is around them has to stay.
FRAMES = (
    "{}",
    "My key is {}, can you see why it fails?",
    "use {} for this",
    "It said: Incorrect API key provided: {}. You can find yours at https://example.com/keys.",
    "OPENAI_API_KEY={}",
    "export TOKEN='{}'",
    'client = Client(api_key="{}", timeout=30)',
    "const key = `{}`;",
    'curl https://api.example.com/v1/models -H "x-api-key: {}"',
    "curl -H 'Authorization: Bearer {}' https://api.example.com",
    "https://api.example.com/v1?alt=sse&key={}&page=2",
    "2024-05-01T10:00:00Z ERROR auth failed key={} status=401",
    "auth:\n  key: {}\n  retries: 3",
    '{{"model": "m", "note": "{}", "n": 3}}',
    "[client]\nkey = {}\n",
    "| name | key |\n| ada | {} |",
    "<key>{}</key>",
    "- {}\n- next",
    "({})",
    "tool(args={{'q': '{}'}})",
    "line one\\n{}\\nline three",
)

# A name, a value that people choose, and where it stands.
CHOSEN = (
    "hunter2", "Tr0ub4dor&3", "p4ssw0rd!", "S3cure#2024", "xK9-vv2-Qq1", "letme1n", "a1b2c3d4",
    "Summer2023!", "qwerty123", "9f8e7d6c5b4a",
)  # fmt: skip
NAMED = (
    "my password is {}",
    "My password is {}, but I cannot log in.",
    "Hi! The password is {} and the user is ada.",
    "our wifi password is {}.",
    'password is "{}"',
    "Password: {}",
    "**Password:** {}\n**User:** ada",
    "user: ada\npassword: {}\n",
    "Login with user ada and password: {}.",
    "DB_PASSWORD={}",
    "export PGPASSWORD={}",
    "ENV MYSQL_ROOT_PASSWORD={}",
    'POSTGRES_PASSWORD="{}"',
    "password = '{}'",
    'self.password = "{}"',
    'connect(host="db", user="ada", password="{}")',
    'password: str = "{}"',
    'String password = "{}";',
    'password := "{}"',
    "$config['password'] = '{}';",
    '{{"user": "ada", "password": "{}", "n": 1}}',
    "{{'user': 'ada', 'passwd': '{}', 'n': None}}",
    '{{"a": "{{\\"passphrase\\": \\"{}\\", \\"n\\": null}}"}}',
    'I sent {{"password": "{}"}} and got 401',
    "https://example.com/login?user=ada&pwd={}&next=home",
    "mysql --user ada --password {} db",
    "login --password={} --verbose",
    "<user>ada</user><password>{}</password>",
    "level=info msg=login user=ada password={} ok=true",
    "Server=db;User Id=sa;Password={};Encrypt=true",
    "postgres://ada:{}@db.internal:5432/app",
    "redis://:{}@cache:6379/0",
)

MADE = (
    'api_key="{}"',
    "API_KEY={}",
    "api-key: {}",
    "my API key is {}",
    '{{"apiKey": "{}", "n": 1}}',
    '{{"headers": {{"X-API-Key": "{}"}}}}',
    "X-Api-Key: {}",
    "aws_secret_access_key = {}",
    "AWS_SECRET_ACCESS_KEY={}",
    '{{"clientSecret": "{}"}}',
    "client_secret={}",
    "?access_token={}&x=1",
    "refresh_token: {}",
    '"session_token": "{}",',
    "JWT_SECRET={}",
    "webhook_secret: '{}'",
    'os.environ["SERVICE_API_KEY"] = "{}"',
    "token: {}",
    "GITHUB_TOKEN={}",
    "Authorization: Bearer {}",
    'headers = {{"Authorization": "Bearer {}"}}',
    "curl -H 'Authorization: token {}' https://example.com",
    "--api-key {} --json",
    "AccountKey={};EndpointSuffix=core",
)


def _drawn(random: Random, letters: str, size: int) -> str:
    return "".join(random.choices(letters, k=size))


def _key(random: Random, parts: tuple[tuple[str, str, int] | str, ...]) -> str:
    return "".join(
        part if isinstance(part, str) else _drawn(random, part[1], part[2]) for part in parts
    )


def _web_token(random: Random) -> str:
    def piece(data: object) -> str:
        return urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    claims = {"sub": _drawn(random, DIGITS, 10), "name": "Ada", "iat": 1516239022}
    return ".".join(
        (piece({"alg": "HS256", "typ": "JWT"}), piece(claims), _drawn(random, URLSAFE, 42) + "A")
    )


def _pem(random: Random, kind: str) -> str:
    lines = [_drawn(random, ALNUM + "+/", 64) for _ in range(4)]
    lines.append(_drawn(random, ALNUM, 20) + "==")
    return "\n".join(
        (f"-----BEGIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----")
    )


def secrets() -> Iterator[tuple[str, str]]:
    """Pairs of a text and the secret in it, always the same ones."""
    random = Random(20_240_501)
    for number, (_, parts) in enumerate(ISSUED):
        for step in range(8):
            key = _key(random, parts)
            yield FRAMES[(number * 5 + step * 3) % len(FRAMES)].format(key), key
    for frame in FRAMES:
        key = _web_token(random)
        yield frame.format(key), key
    for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "):
        key = _pem(random, kind)
        yield f"here it is:\n{key}\nthanks", key
        yield json.dumps({"text": key, "n": 1}), json.dumps(key)[1:-1]
        yield f'KEY = """{key}"""', key
    for number, frame in enumerate(NAMED):
        for step in range(4):
            chosen = CHOSEN[(number + 3 * step) % len(CHOSEN)]
            yield frame.format(chosen), chosen
    for frame in MADE:
        for letters in (ALNUM, HEX, LOWER + DIGITS):
            made = _drawn(random, letters, 38) + "4f"
            yield frame.format(made), made
    for user in ("ada", "admin", "service"):
        basic = b64encode(f"{user}:{_drawn(random, ALNUM, 12)}".encode()).decode()
        yield f"Authorization: Basic {basic}", basic
        yield f"curl -H 'Authorization: Basic {basic}' https://example.com", basic
        yield f'{{"Authorization": "Basic {basic}"}} was sent', basic
