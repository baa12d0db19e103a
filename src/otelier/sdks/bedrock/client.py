"""AWS Bedrock through ``botocore`` (``boto3``) and ``aiobotocore``: all pass ``_make_api_call``.

That is the function of every AWS call: those of other services cost one look-up here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from otelier import semconv, wire
from otelier.call import Call, begin
from otelier.hooks import calling
from otelier.hooks.patching import Patches
from otelier.protocols import Route, string
from otelier.protocols.bedrock import agentcore as bedrock_agentcore
from otelier.protocols.bedrock import agents as bedrock_agents
from otelier.protocols.bedrock import converse as bedrock_converse
from otelier.protocols.bedrock import invoke as bedrock_invoke
from otelier.protocols.bedrock import vectors
from otelier.sdks.bedrock import streams as bedrock_streams

_CONVERSE: Final = Route(
    semconv.CHAT,
    bedrock_converse.request,
    bedrock_converse.content,
    bedrock_converse.Reader,
)
_AGENT: Final = Route(
    semconv.INVOKE_AGENT,
    bedrock_agents.agent_request,
    bedrock_agents.agent_content,
    bedrock_agents.AgentReader,
    named_by=semconv.AGENT_NAME,
)
_GENERATE: Final = Route(
    semconv.CHAT,
    bedrock_agents.generate_request,
    bedrock_agents.generate_content,
    bedrock_agents.GenerateReader,
)
_STREAMED: Final = {semconv.REQUEST_STREAM: True}
_MODELS, _AGENTS = "bedrock-runtime", "bedrock-agent-runtime"
_CORE = "bedrock-agentcore"
# By service and operation; None where the body tells the route.
_OPERATIONS: Final[Mapping[tuple[str, str], Route | None]] = {
    (_MODELS, "Converse"): _CONVERSE,
    (_MODELS, "ConverseStream"): replace(_CONVERSE, attributes=_STREAMED),
    (_MODELS, "InvokeModel"): None,
    (_MODELS, "InvokeModelWithResponseStream"): None,
    (_MODELS, "StartAsyncInvoke"): None,
    (_MODELS, "CountTokens"): Route(
        semconv.COUNT_TOKENS,
        bedrock_converse.served,
        bedrock_converse.count_content,
        bedrock_converse.CountReader,
    ),
    (_MODELS, "ApplyGuardrail"): Route(
        semconv.APPLY_GUARDRAIL,
        bedrock_agents.guardrail_request,
        bedrock_agents.guardrail_content,
        bedrock_agents.GuardrailReader,
        named_by_model=False,
    ),
    (_AGENTS, "InvokeAgent"): _AGENT,
    (_AGENTS, "InvokeInlineAgent"): _AGENT,
    (_AGENTS, "InvokeFlow"): Route(
        semconv.INVOKE_WORKFLOW,
        bedrock_agents.flow_request,
        bedrock_agents.flow_content,
        bedrock_agents.FlowReader,
        named_by_model=False,
    ),
    (_AGENTS, "Retrieve"): Route(
        semconv.RETRIEVAL,
        bedrock_agents.retrieve_request,
        bedrock_agents.retrieve_content,
        bedrock_agents.RetrieveReader,
        named_by=semconv.DATA_SOURCE_ID,
    ),
    (_AGENTS, "RetrieveAndGenerate"): _GENERATE,
    (_AGENTS, "RetrieveAndGenerateStream"): replace(_GENERATE, attributes=_STREAMED),
    (_CORE, "InvokeAgentRuntime"): bedrock_agentcore.RUNTIME,
    (_CORE, "InvokeHarness"): bedrock_agentcore.HARNESS,
    (_AGENTS, "Rerank"): Route(
        semconv.RERANK, vectors.rerank_request, vectors.rerank_content, vectors.RankReader
    ),
}
# Where the results of these operations hold their streams.
_STREAMS: Final = ("stream", "body", "completion", "responseStream", "response")


def patch(library: str, module: Any, patches: Patches) -> str:
    """Patch the client's module; what was patched. Raises LookupError."""
    asynchronous = module.__name__.startswith("aio")
    name = "AioBaseClient" if asynchronous else "BaseClient"
    client = getattr(module, name, None)
    if client is None or "_make_api_call" not in client.__dict__:
        raise LookupError(f"{module.__name__}.{name}._make_api_call")
    patches.wrap_inside(client, "_make_api_call", _WRAPPERS[asynchronous])
    return f"{module.__name__}.{name}._make_api_call"


def _open(client: Any, args: Any, kwargs: Any) -> tuple[Call, Route] | None:
    run = calling.running("bedrock")
    if run is None:
        return None
    operation, given = args
    # The lists are the caller's, who may go on with them while a stream is open.
    body: dict[str, Any] = {
        name: [*value] if type(value) is list else value for name, value in given.items()
    }
    route = _OPERATIONS[client._service_model.service_name, operation]
    if route is bedrock_agentcore.RUNTIME:
        if not bedrock_agentcore.is_agent(given):
            return None
        body["payload"] = calling.body_of(given.get("payload"))
    if route is None and operation == "StartAsyncInvoke":
        body["body"] = wire.fields(given.get("modelInput"))
        route = bedrock_invoke.started(string(given.get("modelId")))
    elif route is None:
        body["body"] = calling.body_of(given.get("body"))
        route = bedrock_invoke.route(string(given.get("modelId")), body["body"])
        if operation != "InvokeModel":
            route = replace(route, attributes=_STREAMED)
    identity = calling.identify(run, client.meta.endpoint_url, "aws.bedrock")
    call = begin(route, body, identity)
    return None if call is None else (call, route)


def _receive(call: Call, route: Route, result: Any) -> Any:
    call.headers = wire.fields(result.get("ResponseMetadata")).get("HTTPHeaders")
    # Without what the user reads later: it would be held by what looks at it.
    call.whole({name: value for name, value in result.items() if name not in _STREAMS})
    if call.observing:
        # An agent's own body, in whatever form it likes.
        kind = str(result.get("contentType") or "") if "response" in result else "json"
        for name in _STREAMS:
            stream = result.get(name)
            if stream is not None and bedrock_streams.observe(
                stream, call, route.large_body, kind.lower()
            ):
                return result
    call.end()
    return result


def _only_ours(seen: calling.Wrapper) -> calling.Wrapper:
    def make_api_call(wrapped: Callable[..., Any], client: Any, args: Any, kwargs: Any) -> Any:
        # Positions, as the generated methods of clients call it.
        if kwargs or (client._service_model.service_name, args[0]) not in _OPERATIONS:
            return wrapped(*args, **kwargs)
        return seen(wrapped, client, args, kwargs)

    return make_api_call


_WRAPPERS: Final = tuple(map(_only_ours, calling.around(_open, _receive)))
