"""Access to the Kubernetes API of an EKS cluster: where it is, whom to trust, and a token that it accepts.

The token is what `aws eks get-token` prints: a presigned STS GetCallerIdentity request that names the cluster, which the
cluster sends to STS to learn who is calling. Nothing is written to disk: no kubeconfig, no certificate file.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ils_pipelines.targets.errors import TargetUnavailable

TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 a prefix, not a secret
URL_EXPIRES_SECONDS = 60
"""What EKS asks of the presigned request. The token that holds it is accepted for about 14 minutes."""
TOKEN_LIFETIME_SECONDS = 10 * 60
"""When we make a new one: well before the 14 minutes are over, so that no long watch starts with a token about to end."""

ACCEPTED_FOR = timedelta(minutes=14)
"""What a program that asks for a token is told of its life."""

_CLUSTER_HEADER = "x-k8s-aws-id"


@dataclass(frozen=True)
class ClusterAccess:
    """How the API of one cluster is reached."""

    name: str
    endpoint: str
    certificate_authority: str
    """PEM."""


def cluster_access(eks: Any, name: str) -> ClusterAccess:
    """Ask EKS (a boto3 client) for the cluster's endpoint and certificate authority.

    Raises `TargetUnavailable` when there is no such cluster, or it has no endpoint yet.
    """
    try:
        cluster = eks.describe_cluster(name=name)["cluster"]
    except eks.exceptions.ResourceNotFoundException:
        raise TargetUnavailable(
            f"expected an EKS cluster named {name}, found none in {eks.meta.region_name}. "
            "Provision the cluster layer of this environment first."
        ) from None
    endpoint = cluster.get("endpoint")
    authority = cluster.get("certificateAuthority", {}).get("data")
    if not endpoint or not authority:
        raise TargetUnavailable(
            f"the EKS cluster {name} is {cluster.get('status', 'in an unknown state')} and has no API endpoint yet. "
            "Wait until it is ACTIVE, then try again."
        )
    return ClusterAccess(name, endpoint, base64.b64decode(authority).decode())


def bearer_token(sts: Any, cluster: str) -> str:
    """A token for the API of `cluster`, signed with the credentials of `sts` (a boto3 client). Calls nothing."""
    _name_cluster_in_presigned_requests(sts)
    url = sts.generate_presigned_url(
        "get_caller_identity",
        Params={_CLUSTER_HEADER: cluster},
        ExpiresIn=URL_EXPIRES_SECONDS,
        HttpMethod="GET",
    )
    return TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _name_cluster_in_presigned_requests(sts: Any) -> None:
    """Let GetCallerIdentity take the cluster's name as a parameter and carry it as a signed header.

    The call has no such parameter, so it is taken out before it is validated. Doing this twice changes nothing.
    """

    def take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if _CLUSTER_HEADER in params:
            context[_CLUSTER_HEADER] = params.pop(_CLUSTER_HEADER)

    def sign(request: Any, **_: Any) -> None:
        if _CLUSTER_HEADER in request.context:
            request.headers[_CLUSTER_HEADER] = request.context[_CLUSTER_HEADER]

    operation = "sts.GetCallerIdentity"
    sts.meta.events.register(f"provide-client-params.{operation}", take, unique_id="ils-eks-take")
    sts.meta.events.register(f"before-sign.{operation}", sign, unique_id="ils-eks-sign")


class _TokenSource:
    """The newest token, made anew when it has grown old. The hook of the Kubernetes client's configuration."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self._made_at = 0.0
        self._lock = threading.Lock()

    def __call__(self, configuration: Any) -> None:
        with self._lock:
            now = time.monotonic()
            if "BearerToken" not in configuration.api_key or now - self._made_at >= TOKEN_LIFETIME_SECONDS:
                configuration.api_key["BearerToken"] = self._make()
                self._made_at = now


def api_client(access: ClusterAccess, make_token: Callable[[], str]) -> Any:
    """A `kubernetes.client.ApiClient` for the cluster, which makes itself a new token whenever the last has grown old."""
    from kubernetes.client import ApiClient, Configuration

    configuration = Configuration(host=access.endpoint, api_key_prefix={"BearerToken": "Bearer"})
    refresh = _TokenSource(make_token)
    # The client asks its hook only when there is a token already.
    refresh(configuration)
    configuration.refresh_api_key_hook = refresh
    client = ApiClient(configuration)
    # The client takes the authority as the path of a file only; the connection pool underneath takes it as it is.
    client.rest_client.pool_manager.connection_pool_kw["ca_cert_data"] = access.certificate_authority
    return client
