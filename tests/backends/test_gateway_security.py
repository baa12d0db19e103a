"""gateway: nobody without the token gets in, and nothing is sent to who has another certificate."""

from __future__ import annotations

import subprocess
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from tests.backends.gateways import HERE, TOKEN, Site, bearer, certificates, ids, trace
from tests.backends.otlp import post, request
from tests.backends.running import OTELCOL, environment, until

pytestmark = pytest.mark.skipif(OTELCOL is None, reason="no collector: make backends")
# The last differ from the right one in what HTTP trims, and in case.
WRONG = [None, "Bearer wrong", "Bearer", "Bearer ", f"Bearer {TOKEN} x", TOKEN, f"bearer {TOKEN}"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("security")) as site:
        site.gateways[0].start()
        yield site


def call(site: Site, body: bytes, authorization: str | None) -> grpc.StatusCode:
    """Export by gRPC; the status."""
    authority = (site.certificates / "ca.pem").read_bytes()
    address = f"localhost:{site.gateways[0].grpc}"
    told = [] if authorization is None else [("authorization", authorization)]
    credentials = grpc.ssl_channel_credentials(authority)
    direct = [("grpc.enable_http_proxy", 0)]
    with grpc.secure_channel(address, credentials, direct) as channel:
        try:
            TraceServiceStub(channel).Export(
                ExportTraceServiceRequest.FromString(body), metadata=told, timeout=10
            )
        except grpc.RpcError as refused:
            return refused.code()
    return grpc.StatusCode.OK


def test_the_right_token_is_let_in(site: Site) -> None:
    by_http, by_grpc = trace(), trace()
    url = f"https://localhost:{site.gateways[0].http}"
    assert post(url, request(by_http), bearer(TOKEN), site.certificates / "ca.pem") == 200
    assert call(site, request(by_grpc), f"Bearer {TOKEN}") is grpc.StatusCode.OK
    site.wait_for(ids([*by_http, *by_grpc]))


@pytest.mark.parametrize("authorization", WRONG)
def test_other_tokens_are_refused(site: Site, authorization: str | None) -> None:
    refused = trace()
    assert call(site, request(refused), authorization) is grpc.StatusCode.UNAUTHENTICATED
    url = f"https://localhost:{site.gateways[0].http}"
    token = (authorization or "").removeprefix("Bearer").strip()
    if token != TOKEN:
        assert post(url, request(refused), bearer(token), site.certificates / "ca.pem") == 401
        assert post(url, request(refused), None, site.certificates / "ca.pem") == 401
    # What is sent afterwards arrives, and these do not.
    let_in = trace()
    assert call(site, request(let_in), f"Bearer {TOKEN}") is grpc.StatusCode.OK
    site.wait_for(ids(let_in))
    assert not ids(refused) & {span["span_id"] for span in site.arrived()}


def test_nothing_is_taken_without_tls(site: Site) -> None:
    # Go's server tells who speaks plain HTTP to it.
    assert post(f"http://localhost:{site.gateways[0].http}", request(trace()), bearer(TOKEN)) == 400


@pytest.mark.parametrize("config", ["agent.yaml", "gateway.yaml"])
@pytest.mark.parametrize("token", ["", TOKEN])
def test_without_a_token_it_does_not_start(site: Site, config: str, token: str) -> None:
    checked = subprocess.run(
        [str(OTELCOL), "validate", "--config", str(HERE / config)],
        env=environment(**{**site.gateways[0].env, "GATEWAY_TOKEN": token}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode == 0) is bool(token)
    assert token or "no bearer token" in checked.stderr


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_token_file_must_not_end_in_a_newline(tmp_path: Path, end: str) -> None:
    # As the README warns of the collector. Once it is better, the warning can go.
    (tmp_path / "token").write_text(TOKEN + end)
    changed = tmp_path / "file.yaml"
    told = f'{{token: "", filename: {tmp_path / "token"}}}'
    changed.write_text(f"extensions: {{bearertokenauth: {told}}}")
    with Site(tmp_path) as site:
        site.gateways[0].configs.append(changed)
        site.gateways[0].start()
        sent = request(trace())
        assert call(site, sent, f"Bearer {TOKEN}") is grpc.StatusCode.OK
        assert call(site, sent, "Bearer wrong") is grpc.StatusCode.UNAUTHENTICATED
        empty = grpc.StatusCode.OK if end else grpc.StatusCode.UNAUTHENTICATED
        assert call(site, sent, "Bearer ") is empty


def test_an_agent_sends_nothing_to_a_gateway_of_another_authority(tmp_path: Path) -> None:
    certificates(tmp_path / "others")
    sent = trace()
    with Site(tmp_path) as site:
        site.gateways[0].start()
        site.agent.start(GATEWAY_CA=tmp_path / "others" / "ca.pem")
        assert post(f"http://localhost:{site.agent.http}", request(sent)) == 200
        until(
            lambda: "certificate signed by unknown authority" in site.agent.log or None, "refusal"
        )
        assert site.gateways[0].metric("otelcol_receiver_accepted_spans") == 0
        # Nor was it lost: with the right authority it goes.
        site.agent.kill()
        site.agent.start(GATEWAY_CA=site.certificates / "ca.pem")
        site.wait_for(ids(sent))
        assert len(site.arrived()) == len(sent)


def test_an_agent_with_a_wrong_token_loses_spans_and_says_so(tmp_path: Path) -> None:
    # As the README warns: gateways must know a new token before agents use it.
    with Site(tmp_path) as site:
        site.gateways[0].start()
        site.agent.start(GATEWAY_TOKEN="old")
        assert post(f"http://localhost:{site.agent.http}", request(trace(3))) == 200
        name = "otelcol_exporter_send_failed_spans"
        until(lambda: site.agent.metric(name) == 3 or None, "failed spans")
        assert site.gateways[0].metric("otelcol_receiver_accepted_spans") == 0


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    subprocess.run(["sh", HERE / "certificates.sh", tmp_path / "other", "elsewhere"], check=True)
    with Site(tmp_path) as site:
        made = tmp_path / "other"
        gateway = site.gateways[0]
        gateway.start(TLS_CERT=made / "gateway.pem", TLS_KEY=made / "gateway-key.pem")
        with pytest.raises(urllib.error.URLError, match=r"doesn.t match|not valid for"):
            post(
                f"https://localhost:{gateway.http}",
                request(trace()),
                bearer(TOKEN),
                made / "ca.pem",
            )
