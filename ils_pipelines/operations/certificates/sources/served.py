"""Certificates as servers really send them: the way in, the cluster's API, the database, the cache, and configured ones."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.certificates.endpoint import examine_endpoint, unanswered
from ils_pipelines.operations.certificates.handshake import Address, served_by
from ils_pipelines.operations.certificates.judging import Place, examine
from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.certificates.trust import public_authorities, read_authorities
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import ApiUnavailable
from ils_pipelines.operations.scope import tags_of
from ils_pipelines.operations.view import View

_SERVER = "Give the server a certificate for its name, with its whole chain in order, and TLS 1.2 or newer alone."
_BY_AWS = "AWS makes this certificate: ask its support, and see that nothing stands between here and there."
_THUMBPRINT = "aws iam update-open-id-connect-provider-thumbprint with the thumbprint that is served."


def load_balancer(view: View) -> Iterator[Examined]:
    """The way in, at the address that AWS gave it: a name that DNS does not lead there yet would tell nothing."""
    domain = view.environment.load_balancer.domain
    component = f"https://{domain}"
    if not view.target.load_balancer_listens:
        yield Examined(component, f"unsupported in the {view.target.name}: its load balancer has an API and no traffic")
        return
    address = Address(str(view.output("dns_name")), 443, domain)
    yield from examine_endpoint(component, address, public_authorities(), _SERVER, http_port=80)


def configured(view: View) -> Iterator[Examined]:
    for each in view.environment.certificates.endpoints:
        own = x509.load_pem_x509_certificates(each.authorities.encode()) if each.authorities else []
        address = Address(each.host, each.port, each.name)
        yield from examine_endpoint(
            f"https://{address}", address, tuple(own) or public_authorities(), _SERVER, each.http_port
        )


def cluster_api(view: View) -> Iterator[Examined]:
    cluster = view.live.cluster()
    if cluster is None:
        return
    authorities = tuple(x509.load_pem_x509_certificates(b64decode(cluster["certificateAuthority"]["data"])))
    component = f"API of EKS cluster {cluster['name']}"
    for each in authorities:
        yield examine(each, Place(f"{component}, authority", _BY_AWS, datetime.now(UTC)))
    url = urlsplit(cluster["endpoint"])
    host = url.hostname or ""
    yield from examine_endpoint(component, Address(host, url.port or 443, host), authorities, _BY_AWS)


def database(view: View) -> Iterator[Examined]:
    cluster = view.described("rds", "describe_db_clusters", "DBClusters", DBClusterIdentifier=view.live.scope.name)
    if cluster is not None:
        for name, key in (("writer", "Endpoint"), ("reader", "ReaderEndpoint")):
            if host := cluster.get(key):
                address = Address(host, cluster["Port"], host, postgresql=True)
                yield from _data_endpoint(view, f"database {name} of {view.live.scope.name}", address)


def cache(view: View) -> Iterator[Examined]:
    group = view.described(
        "elasticache", "describe_replication_groups", "ReplicationGroups", ReplicationGroupId=view.live.scope.name
    )
    if group is None or not group.get("TransitEncryptionEnabled"):
        return
    for endpoint in _cache_endpoints(group):
        address = Address(endpoint["Address"], endpoint["Port"], endpoint["Address"])
        yield from _data_endpoint(view, f"cache {view.live.scope.name}", address)


def oidc_thumbprints(view: View) -> Iterator[Examined]:
    """IAM trusts an issuer whose authority no browser knows by the thumbprint of the last certificate that it sends."""
    for listed in view.live.list("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"):
        arn = listed["Arn"]
        provider = view.live.get("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
        if not _is_ours(view, provider):
            continue
        url = urlsplit(provider["Url"] if "//" in provider["Url"] else f"https://{provider['Url']}")
        component, host = f"OIDC provider {url.netloc}{url.path}", url.hostname or ""
        try:
            chain = served_by(Address(host, url.port or 443, host)).chain
        except ApiUnavailable as unavailable:
            yield unanswered(component, str(unavailable))
            continue
        place = Place(component, _BY_AWS, datetime.now(UTC))
        yield from (examine(each, place) for each in chain)
        thumbprint = hashlib.sha1(chain[-1].public_bytes(Encoding.DER), usedforsecurity=False).hexdigest()
        known = [each.lower() for each in provider.get("ThumbprintList", ())]
        if thumbprint not in known:
            found = ", ".join(known) or "none"
            finding = Finding(component, Urgency.WARNING, f"thumbprint {thumbprint}", found, _THUMBPRINT)
            yield Examined(f"{component}, thumbprint", "", findings=(finding,))


def _is_ours(view: View, provider: dict[str, Any]) -> bool:
    cluster = view.live.cluster() or {}
    issuer = cluster.get("identity", {}).get("oidc", {}).get("issuer", "")
    url = provider["Url"].removeprefix("https://")
    return url == issuer.removeprefix("https://") or view.live.scope.owns_tags(tags_of(provider.get("Tags")))


def _data_endpoint(view: View, component: str, address: Address) -> Iterator[Examined]:
    try:
        authorities = read_authorities(view.target.data_authorities())
    except (IlsError, OSError, ValueError) as error:
        yield unanswered(component, str(error))
        return
    yield from examine_endpoint(component, address, authorities, _BY_AWS)


def _cache_endpoints(group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if group.get("ConfigurationEndpoint"):
        yield group["ConfigurationEndpoint"]
        return
    for node_group in group.get("NodeGroups", ()):
        yield node_group["PrimaryEndpoint"]
