"""Which spans can be made anew, where they go, and what is told to be missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otelier import identity, semconv
from otelier.web.shown.again import Again, curl, python, requests
from otelier.web.shown.again.places import OPENAI
from tests.web.again.spans import CHAT, EMBEDDINGS, FORMATS, GEMINI, MESSAGES, RESPONSES, span


def made(attributes: dict[str, Any], **more: Any) -> Again:
    again = requests(span(attributes, **more))
    assert again is not None
    return again


def saying(attributes: dict[str, Any], *parts: Any, role: str = "user", **more: Any) -> Again:
    """A call with one message of these parts."""
    told = json.dumps([{"role": role, "parts": parts}])
    return made({**attributes, semconv.INPUT_MESSAGES: told}, **more)


# --- which spans --------------------------------------------------------------------------------


@pytest.mark.parametrize("api", FORMATS)
def test_each_format_is_told_from_what_the_span_says(api: str) -> None:
    again = made(FORMATS[api])
    assert again.api == api and again.method == "POST"
    assert curl(again).count("\ncurl ") == 1 and python(again).count("client = ") == 1


@pytest.mark.parametrize(
    "changed",
    [
        {semconv.OPERATION_NAME: ""},
        {semconv.OPERATION_NAME: "execute_tool"},
        {semconv.OPERATION_NAME: "text_completion"},
        # An answer that is fetched, tokens that are counted.
        {semconv.OPERATION_NAME: "fetch_response"},
        {semconv.OPERATION_NAME: "count_tokens"},
        # OpenAI has two endpoints for a chat.
        {semconv.OPENAI_API_TYPE: ""},
        {semconv.OPENAI_API_TYPE: "assistants"},
        {semconv.OPENAI_API_TYPE: 7},
        # An answer with a compaction, or the endpoint that does nothing else.
        {semconv.OPENAI_API_TYPE: "responses", semconv.CONVERSATION_COMPACTED: True},
        {semconv.REQUEST_MODEL: ""},
        {semconv.REQUEST_MODEL: ["m"]},
        {semconv.SERVER_ADDRESS: ""},
        {semconv.SERVER_ADDRESS: None},
        # Hosts whose requests need a project, a version or a signature.
        {semconv.SERVER_ADDRESS: "us-central1-aiplatform.googleapis.com"},
        {semconv.SERVER_ADDRESS: "bedrock-runtime.us-east-1.amazonaws.com"},
    ],
    ids=str,
)
def test_a_span_that_does_not_say_enough_is_not_made_anew(changed: dict[str, Any]) -> None:
    assert requests(span({**CHAT, **changed})) is None


@pytest.mark.parametrize(
    "changed",
    [
        # Interactions, Imagen and Veo have the same operation.
        {semconv.RESPONSE_ID: "v1_ChdMaWM4YXF2"},
        {semconv.REQUEST_PREVIOUS_RESPONSE_ID: "v1_x"},
        {semconv.REQUEST_MODEL: "imagen-4.0-generate-001"},
        {semconv.OUTPUT_TYPE: "video"},
        {semconv.PROVIDER_NAME: "gcp.vertex_ai"},
        {semconv.PROVIDER_NAME: "openai"},
    ],
    ids=str,
)
def test_other_endpoints_of_google_are_not_generate_content(changed: dict[str, Any]) -> None:
    assert requests(span(GEMINI)) is not None
    assert requests(span({**GEMINI, **changed})) is None


def test_a_library_that_speaks_to_many_providers_is_made_anew_by_who_answers() -> None:
    history = [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": '{"a":1}'}],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c", "response": {"b": 2}}],
        },
    ]
    told = {semconv.INPUT_MESSAGES: json.dumps(history)}
    assert made({**MESSAGES, **told}).body == {
        "model": "m",
        "max_tokens": 9,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c", "content": '{"b":2}'}],
            },
        ],
    }
    contents = made({**GEMINI, **told}).body["contents"]
    assert contents[2:] == [
        {"role": "model", "parts": [{"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {"b": 2}}}],
        },
    ]


# --- where they go ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "port", "url"),
    [
        ("api.openai.com", 443, "https://api.openai.com/v1/chat/completions"),
        ("api.openai.com", None, "https://api.openai.com/v1/chat/completions"),
        ("API.Groq.com", 443, "https://api.groq.com/openai/v1/chat/completions"),
        ("openrouter.ai", 443, "https://openrouter.ai/api/v1/chat/completions"),
        ("api.perplexity.ai", 443, "https://api.perplexity.ai/chat/completions"),
        ("api.anthropic.com", 443, "https://api.anthropic.com/v1/chat/completions"),
        ("x.openai.azure.com", 443, "https://x.openai.azure.com/openai/v1/chat/completions"),
        ("localhost", 11434, "http://localhost:11434/v1/chat/completions"),
        ("::1", 8000, "http://[::1]:8000/v1/chat/completions"),
        ("llm.example.com", 443, "https://llm.example.com/v1/chat/completions"),
        ("llm.example.com", 80, "http://llm.example.com/v1/chat/completions"),
        ("llm.example.com", 8443, "https://llm.example.com:8443/v1/chat/completions"),
        ("bücher.example", None, "https://xn--bcher-kva.example/v1/chat/completions"),
        ("10.0.0.1", "8000", "http://10.0.0.1/v1/chat/completions"),
        ("10.0.0.1", 1 << 16, "http://10.0.0.1/v1/chat/completions"),
    ],
)
def test_the_address_is_the_one_that_the_span_names(address: str, port: Any, url: str) -> None:
    again = made({**CHAT, semconv.SERVER_ADDRESS: address, semconv.SERVER_PORT: port})
    assert again.url == url
    known = identity.listed(address, None, {})
    assert any(again.base_url in line for line in again.missing) is not known


@pytest.mark.parametrize(
    "address",
    [
        "evil.example/v1?x=",
        "user:password@evil.example",
        "evil.example#",
        "evil.example\\",
        "evil.example:80",
        "a b",
        "$(id)",
        "`id`",
        "'",
        "{a,b}.example",
        "fe80::1%$(id)",
        "-o.example",
        "a\n.example",
        "a\0.example",
        "x" * 300,
        "\ud800",
    ],
)
def test_what_is_no_host_is_no_address(address: str) -> None:
    assert requests(span({**CHAT, semconv.SERVER_ADDRESS: address})) is None


def test_a_providers_key_is_for_its_own_hosts_alone() -> None:
    for attributes in FORMATS.values():
        # Anybody can send a span that names a provider and a host of their own.
        again = made({**attributes, semconv.SERVER_ADDRESS: "api.openai.com.evil.example"})
        assert again.variable == "API_KEY"
        text = curl(again) + python(again)
        assert not [each.variable for each in OPENAI.values() if each.variable in text.split()]
        assert "$API_KEY" in text and '=environ["API_KEY"]' in text


@pytest.mark.parametrize("provider", OPENAI)
def test_each_known_host_has_its_own_variable(provider: str) -> None:
    hosts = [host for host, named in identity.HOSTS if named == provider]
    assert hosts
    for host in hosts:
        again = made({**CHAT, semconv.SERVER_ADDRESS: host, semconv.SERVER_PORT: 443})
        assert again.url == f"https://{host}{OPENAI[provider].path}/chat/completions"
        assert "$" + OPENAI[provider].variable in curl(again)


def test_an_sdk_is_told_no_address_that_it_knows() -> None:
    for attributes, host in (
        (CHAT, "api.openai.com"),
        (MESSAGES, "api.anthropic.com"),
        (GEMINI, "generativelanguage.googleapis.com"),
    ):
        again = made({**attributes, semconv.SERVER_ADDRESS: host, semconv.SERVER_PORT: 443})
        assert host in curl(again) and host not in python(again)


def test_openai_is_asked_in_its_newer_words_and_others_in_the_older() -> None:
    asked = {**CHAT, semconv.REQUEST_MAX_TOKENS: 9}
    assert made(asked).body["max_tokens"] == 9
    own = made({**asked, semconv.SERVER_ADDRESS: "api.openai.com", semconv.SERVER_PORT: 443})
    assert own.body["max_completion_tokens"] == 9 and "max_tokens" not in own.body


# --- what is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize("api", FORMATS)
def test_members_that_no_span_has_are_told(api: str) -> None:
    assert made(FORMATS[api]).missing[-1].startswith("left out if they were set, since no span has")


def test_content_that_was_not_recorded_is_told() -> None:
    for attributes, name in (
        (CHAT, "messages"),
        (RESPONSES, "input"),
        (MESSAGES, "messages"),
        (GEMINI, "contents"),
    ):
        for told in (None, "[]", ""):
            again = made({**attributes, semconv.INPUT_MESSAGES: told})
            assert again.body[name] == []
            assert "messages are not recorded, an empty list stands in their place" in again.missing


def test_content_that_was_cut_is_told() -> None:
    cut = {
        semconv.CONTENT_TRUNCATED: True,
        semconv.CONTENT_TRUNCATED_CHARACTERS: 1234,
        semconv.CONTENT_DROPPED_MESSAGES: 2,
    }
    assert (
        "content was cut when it was recorded: 1,234 characters are missing, 2 messages are missing"
        in made({**CHAT, **cut}).missing
    )


def test_secrets_that_were_masked_are_told() -> None:
    again = saying(CHAT, {"type": "text", "content": "the key is [REDACTED]"})
    line = "secrets were masked when they were recorded: [REDACTED] stands there"
    assert line in again.missing
    assert line not in made(CHAT).missing


def test_images_are_told_with_what_is_known_of_them() -> None:
    image = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": ""}
    digests = [{**image, "size": 1200, "sha256": f"{number:064x}"} for number in range(7)]
    text = {"type": "text", "content": "Look"}
    again = saying(CHAT, text, *digests)
    assert again.body["messages"] == [{"role": "user", "content": "Look"}]
    (line,) = [line for line in again.missing if "image/png" in line]
    assert line.startswith(
        "images and files are left out where their data is not recorded: "
        "[image image/png 1.2 kB sha256 000000000000…]"
    )
    # The first letters of these digests are the same.
    uploaded = {"type": "uri", "modality": "image", "uri": "s3://b/a.png", "sha256": "a"}
    assert any("s3://b/a.png" in line for line in saying(CHAT, text, uploaded).missing)


def test_a_message_of_which_nothing_is_left_is_left_out() -> None:
    thought = {"type": "reasoning", "content": "Hm."}
    for attributes, name in ((CHAT, "messages"), (RESPONSES, "input"), (MESSAGES, "messages")):
        again = saying(attributes, thought, role="assistant")
        assert again.body[name] == []
        assert any(line.startswith("reasoning is left out") for line in again.missing)


def test_tools_by_name_alone_are_told() -> None:
    tools = json.dumps([{"type": "function", "name": "a"}, {"type": "function", "name": "b"}])
    told = "description and parameters of tools are not recorded: a, b"
    again = made({**MESSAGES, semconv.TOOL_DEFINITIONS: tools})
    assert told in again.missing
    # Anthropic takes no tool without a schema: this one lets all through.
    assert again.body["tools"][0] == {"name": "a", "input_schema": {"type": "object"}}
    again = made({**CHAT, semconv.TOOL_DEFINITIONS: tools})
    assert told in again.missing
    assert again.body["tools"][0] == {"type": "function", "function": {"name": "a"}}


def test_tools_of_the_provider_are_told() -> None:
    tools = json.dumps(
        [{"type": kind, "name": kind} for kind in ("web_search", "mcp", "googleSearch")]
    )
    for attributes, kept in (
        (CHAT, None),
        (RESPONSES, [{"type": "web_search"}]),
        (GEMINI, [{"googleSearch": {}}]),
    ):
        again = made({**attributes, semconv.TOOL_DEFINITIONS: tools})
        assert again.body.get("tools") == kept
        said = " ".join(again.missing)
        assert "mcp" in said and "web_search" in said and "googleSearch" in said


def test_a_conversation_that_openai_keeps_is_not_gone_on_with() -> None:
    again = made({**RESPONSES, semconv.CONVERSATION_ID: "conv_1"})
    assert "conversation" not in again.body
    assert any(line.endswith("conv_1") for line in again.missing)
    # A name of the program's is nothing that was sent.
    again = made({**RESPONSES, semconv.CONVERSATION_ID: "thread 7", semconv.PROMPT_NAME: "greet"})
    assert "prompt" not in again.body and not any("thread 7" in line for line in again.missing)


def test_calls_of_tools_that_openai_describes_are_left_out_with_their_results() -> None:
    call = {"type": "tool_call", "id": "c", "name": "shell", "arguments": {"action": {}}}
    result = {"type": "tool_call_response", "id": "c", "response": "done"}
    again = saying(RESPONSES, call, result, {"type": "text", "content": "Hi"})
    assert again.body["input"] == [{"role": "user", "content": "Hi"}]
    tools = json.dumps([{"type": "function", "name": "shell"}])
    own = saying({**RESPONSES, semconv.TOOL_DEFINITIONS: tools}, call, result)
    assert [each["type"] for each in own.body["input"]] == ["function_call", "function_call_output"]


def test_embeddings_have_no_texts() -> None:
    again = made({**EMBEDDINGS, semconv.EMBEDDINGS_DIMENSIONS: 256})
    assert again.body == {"model": "m", "input": ""}
    assert (
        "input is not recorded, it was 2 texts: an empty text stands in its place" in again.missing
    )
    assert (
        "whether dimensions was set is not recorded, vectors have this many: 256" in again.missing
    )


def test_long_answers_of_anthropic_are_waited_for() -> None:
    assert "timeout=3600" in python(made({**MESSAGES, semconv.REQUEST_MAX_TOKENS: 64_000}))
    streamed = {semconv.REQUEST_MAX_TOKENS: 64_000, semconv.REQUEST_STREAM: True}
    assert "timeout" not in python(made({**MESSAGES, **streamed}))
    assert "timeout" not in python(made(MESSAGES))


# --- values of any type -------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    None, True, 7, -1, 1 << 62, 0.5, float("nan"), float("inf"), b"\xff\x00", "", "x", "[", "[[[",
    "null", "7", "[1, null, [2]]", '{"role": 1}', '[{"parts": 1}]',
    '[{"role": [], "parts": [1, {}]}]',
    '[{"parts": [{"type": [], "content": {}}]}]', [], [1], ["a", "b"], [[]], {}, {"a": {"b": [1]}},
    [{"role": {}, "parts": [{"type": "text", "content": b"\xff"}]}],
    [{"role": "user", "parts": [{"type": "tool_call", "id": 1, "name": [], "arguments": [1]}]}],
    [{"role": "a", "parts": [{"type": "tool_call_response", "response": [1, [2], {"type": []}]}]}],
    [{"role": "user", "parts": [{"type": "blob", "modality": [], "content": {}, "mime_type": 7}]}],
    [{"type": "function"}], [{"type": [], "name": {}, "parameters": 7}], [{"function": []}],
    "[" * 500 + "]" * 500, '{"a":' * 900 + "1" + "}" * 900,
    '[{"role": "a", "parts": [{"type": "tool_call", "arguments": ' + "[" * 900 + "]" * 900 + "}]}]",
    '[{"type": "function", "name": "f", "parameters": ' + '{"a":' * 150 + "1" + "}" * 150 + "}]",
)  # fmt: skip


@pytest.mark.parametrize("api", FORMATS)
def test_attributes_may_hold_anything(api: str) -> None:
    names = [value for value in vars(semconv).values() if isinstance(value, str) and "." in value]
    for name in [*names, semconv.PROVIDER_PREFIX + "request_service_tier"]:
        for value in ODD:
            again = requests(span({**FORMATS[api], name: value}))
            if again is not None:
                json.loads(json.dumps(again.body, allow_nan=False))
                assert curl(again).endswith("\nJSON\n")
                compile(python(again), "program", "exec")


def test_what_is_nested_too_deeply_is_cut_with_a_note() -> None:
    deep = json.loads("[" * 300 + "]" * 300)
    again = saying(CHAT, {"type": "tool_call", "id": "c", "name": "f", "arguments": deep})
    assert "values that are nested very deeply are cut, with a mark where more was" in again.missing
    assert "…" in json.dumps(again.body, ensure_ascii=False)


def test_what_python_cannot_nest_is_read_from_json() -> None:
    schema = json.loads('{"a":' * 60 + "1" + "}" * 60)
    tools = json.dumps([{"type": "function", "name": "f", "parameters": schema}])
    again = made({**CHAT, semconv.TOOL_DEFINITIONS: tools})
    program = python(again)
    assert "import json\n" in program
    compile(program, "program", "exec")
