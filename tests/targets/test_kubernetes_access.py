"""Reaching the API of an EKS cluster: the same steps against an account and against the sandbox."""

import base64
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from ils_pipelines.targets import eks
from ils_pipelines.targets.eks import ClusterAccess, api_client, bearer_token
from ils_pipelines.targets.sessions import AccessKey, Clients
from ils_sandbox.tls import ensure_certificates


def decoded(token: str) -> str:
    assert token.startswith("k8s-aws-v1.")
    encoded = token.removeprefix("k8s-aws-v1.")
    assert "=" not in encoded
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


@pytest.fixture
def sts() -> object:
    return Clients(region="eu-west-1", access_key=AccessKey("AKIDEXAMPLE", "an-example")).client("sts")


def test_the_token_is_a_presigned_call_in_the_clusters_region(sts) -> None:
    url = urlsplit(decoded(bearer_token(sts, "ils-dev")))
    query = parse_qs(url.query)

    assert url.netloc == "sts.eu-west-1.amazonaws.com"
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-Expires"] == ["60"]
    assert "/eu-west-1/sts/" in query["X-Amz-Credential"][0]


def test_the_token_is_signed_for_one_cluster_alone(sts) -> None:
    def signature(cluster: str) -> tuple[list[str], list[str], list[str]]:
        query = parse_qs(urlsplit(decoded(bearer_token(sts, cluster))).query)
        return query["X-Amz-SignedHeaders"], query["X-Amz-Date"], query["X-Amz-Signature"]

    while True:  # two tokens of the same second
        headers, date, first = signature("ils-dev")
        _, other_date, second = signature("ils-staging")
        if date == other_date:
            break

    assert headers == ["host;x-k8s-aws-id"]
    assert first != second


def test_other_calls_of_the_same_client_are_left_alone(sts) -> None:
    bearer_token(sts, "ils-dev")
    url = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")

    assert parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"] == ["host"]


VERSION = {
    "major": "1",
    "minor": "35",
    "gitVersion": "v1.35.0",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "",
    "goVersion": "",
    "compiler": "gc",
    "platform": "linux/amd64",
}


class ApiServer:
    """An HTTPS server that answers /version and remembers the authorization of each request."""

    def __init__(self, folder: Path) -> None:
        self.authorizations: list[str | None] = []
        certificates = ensure_certificates(folder)
        self.authority = certificates.ca_file.read_text()
        seen = self.authorizations

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.headers.get("Authorization"))
                body = json.dumps(VERSION).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing is printed in tests."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate_file, certificates.key_file)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def access(self) -> ClusterAccess:
        return ClusterAccess("ils-dev", f"https://127.0.0.1:{self._server.server_port}", self.authority)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def api_server(tmp_path: Path) -> Iterator[ApiServer]:
    server = ApiServer(tmp_path)
    yield server
    server.stop()


def version(client: object) -> str:
    from kubernetes.client import VersionApi

    return str(VersionApi(client).get_code().git_version)


def test_the_client_trusts_the_clusters_authority_and_sends_the_token(api_server: ApiServer) -> None:
    with api_client(api_server.access, lambda: "k8s-aws-v1.first") as client:
        assert version(client) == "v1.35.0"

    assert api_server.authorizations == ["Bearer k8s-aws-v1.first"]


def test_the_client_refuses_a_server_of_another_authority(api_server: ApiServer, tmp_path: Path) -> None:
    from urllib3.exceptions import MaxRetryError

    stranger = ensure_certificates(tmp_path / "stranger").ca_file.read_text()
    access = ClusterAccess("ils-dev", api_server.access.endpoint, stranger)
    with api_client(access, lambda: "token") as client:
        client.rest_client.pool_manager.connection_pool_kw["retries"] = 0
        with pytest.raises(MaxRetryError, match="CERTIFICATE_VERIFY_FAILED"):
            version(client)


def test_a_young_token_is_used_again(api_server: ApiServer) -> None:
    tokens = iter(["first", "second"])
    with api_client(api_server.access, lambda: next(tokens)) as client:
        version(client)
        version(client)

    assert api_server.authorizations == ["Bearer first", "Bearer first"]


def test_an_old_token_is_replaced(api_server: ApiServer, monkeypatch) -> None:
    now = 1000.0
    monkeypatch.setattr(eks, "time", SimpleNamespace(monotonic=lambda: now))
    tokens = iter(["first", "second"])
    with api_client(api_server.access, lambda: next(tokens)) as client:
        version(client)
        now += eks.TOKEN_LIFETIME_SECONDS
        version(client)

    assert api_server.authorizations == ["Bearer first", "Bearer second"]
