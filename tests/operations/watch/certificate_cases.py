"""What can be wrong with certificates of dev, planted behind the product's back."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from ils_pipelines.operations.findings import Urgency
from ils_pipelines.settings.layers import Layer
from tests.operations.watch.site import Change, Site, calls, change
from tests.support.java_keystore import java_keystore
from tests.support.minting import Identity, root
from tests.support.tls_server import tls_server

SOON = timedelta(days=14)
"""Of the 90 days that these certificates live: a warning."""
TAGS = [{"Key": "environment", "Value": "dev"}, {"Key": "project", "Value": "ils"}]
ROOT = root()
SHORT = ROOT.issue(left=SOON)
GOOD = ROOT.issue()


@dataclass(frozen=True)
class Case:
    """`subject` is the beginning of the finding's, `found` is in what it found."""

    layer: Layer
    subject: str
    urgency: Urgency
    found: str
    breaks: Change

    def __str__(self) -> str:
        return self.subject.replace(" ", "-").replace("/", "-")


@change
def _imported(site: Site) -> Iterator[None]:
    acm = site.client("acm")
    arn = acm.import_certificate(Certificate=SHORT.pem, PrivateKey=SHORT.key_pem, Tags=TAGS)["CertificateArn"]
    try:
        yield
    finally:
        acm.delete_certificate(CertificateArn=arn)


@change
def _not_proven(site: Site) -> Iterator[None]:
    """With AWS's clock all but stopped, so that it stays in validation."""
    acm = site.client("acm")
    site.sandbox.control("settings", {"seconds_per_minute": 60.0})
    try:
        arn = acm.request_certificate(DomainName="new.ils.example.com", ValidationMethod="DNS", Tags=TAGS)
        try:
            yield
        finally:
            acm.delete_certificate(CertificateArn=arn["CertificateArn"])
    finally:
        site.sandbox.control("settings", {"seconds_per_minute": 0.0})


@change
def _in_iam(site: Site) -> Iterator[None]:
    iam, name = site.client("iam"), "ils-dev-old"
    iam.upload_server_certificate(
        ServerCertificateName=name,
        CertificateBody=SHORT.pem.decode(),
        PrivateKey=SHORT.key_pem.decode(),
        CertificateChain=ROOT.pem.decode(),
    )
    try:
        yield
    finally:
        iam.delete_server_certificate(ServerCertificateName=name)


def _secret(content: dict[str, bytes], type_: str = "Opaque") -> Change:
    @change
    def planted(site: Site) -> Iterator[None]:
        from kubernetes import client

        core, name = client.CoreV1Api(site.kubernetes()), "planted"
        body = {
            "metadata": {"name": name},
            "type": type_,
            "data": {key: b64encode(value).decode() for key, value in content.items()},
        }
        core.create_namespaced_secret("ils-dev", body)
        try:
            yield
        finally:
            core.delete_namespaced_secret(name, "ils-dev")

    return planted


@change
def _bundle(site: Site) -> Iterator[None]:
    """Two authorities, of which one is about to end: the other goes on."""
    from kubernetes import client

    core, name = client.CoreV1Api(site.kubernetes()), "planted"
    bundle = (ROOT.pem + root("Old root", left=timedelta(days=2)).pem).decode()
    core.create_namespaced_config_map("ils-dev", {"metadata": {"name": name}, "data": {"ca-bundle.pem": bundle}})
    try:
        yield
    finally:
        core.delete_namespaced_config_map(name, "ils-dev")


def _issuer(*, known: bool, identity: Identity) -> Change:
    @change
    def provider(site: Site) -> Iterator[None]:
        iam = site.client("iam")
        der = identity.certificate.public_bytes(Encoding.DER)
        thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest() if known else "0" * 40
        with tls_server(identity) as port:
            arn = iam.create_open_id_connect_provider(
                Url=f"https://127.0.0.1:{port}/id/1", ThumbprintList=[thumbprint], Tags=TAGS
            )["OpenIDConnectProviderArn"]
            try:
                yield
            finally:
                iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)

    return provider


def _pkcs12(identity: Identity) -> bytes:
    key: Any = identity.key
    return serialize_key_and_certificates(b"web", key, identity.certificate, None, NoEncryption())


_INSTANCE: dict[str, Any] = {"DBInstanceIdentifier": "ils-dev-1"}
_AUTHORITY_GONE = calls(
    "rds",
    ("modify_db_instance", {**_INSTANCE, "CACertificateIdentifier": "rds-ca-2019", "ApplyImmediately": True}),
    ("modify_db_instance", {**_INSTANCE, "CACertificateIdentifier": "rds-ca-rsa2048-g1", "ApplyImmediately": True}),
)
_TLS = "kubernetes.io/tls"

CASES: tuple[Case, ...] = (
    Case(Layer.LOAD_BALANCER, "ACM certificate web.example.com", Urgency.WARNING, "in 13 days", _imported),
    Case(Layer.LOAD_BALANCER, "ACM certificate new.ils", Urgency.WARNING, "CNAME", _not_proven),
    Case(Layer.LOAD_BALANCER, "IAM server certificate ils-dev-old", Urgency.WARNING, "in 13 days", _in_iam),
    Case(Layer.DATABASE, "database instance ils-dev-1, authority", Urgency.CRITICAL, "rds-ca-2019", _AUTHORITY_GONE),
    Case(
        Layer.CLUSTER,
        "TLS secret ils-dev/planted, tls.crt: web.example.com",
        Urgency.WARNING,
        "in 13 days",
        _secret({"tls.crt": SHORT.pem + ROOT.pem, "tls.key": SHORT.key_pem}, _TLS),
    ),
    Case(
        Layer.CLUSTER,
        "TLS secret ils-dev/planted, tls.key",
        Urgency.CRITICAL,
        "the key of another",
        _secret({"tls.crt": GOOD.pem, "tls.key": SHORT.key_pem}, _TLS),
    ),
    Case(
        Layer.CLUSTER,
        "secret ils-dev/planted, web.p12: web.example.com",
        Urgency.WARNING,
        "in 13 days",
        _secret({"web.p12": _pkcs12(SHORT)}),
    ),
    Case(
        Layer.CLUSTER,
        "secret ils-dev/planted, web.jks: web.example.com",
        Urgency.WARNING,
        "in 13 days",
        _secret({"web.jks": java_keystore(("web", (SHORT.certificate, ROOT.certificate), b"encrypted"))}),
    ),
    Case(
        Layer.CLUSTER,
        "secret ils-dev/planted, web.keystore",
        Urgency.UNKNOWN,
        "damaged, or whose password",
        _secret({"web.keystore": b"\x00\x00\x00\x02BouncyCastle's own"}),
    ),
    Case(
        Layer.CLUSTER,
        "config map ils-dev/planted, ca-bundle.pem: Old root",
        Urgency.WARNING,
        "in 47 hours",
        _bundle,
    ),
    Case(Layer.CLUSTER, "OIDC provider 127.0.0.1", Urgency.WARNING, "0000", _issuer(known=False, identity=GOOD)),
    Case(Layer.CLUSTER, "OIDC provider 127.0.0.1", Urgency.WARNING, "in 13 days", _issuer(known=True, identity=SHORT)),
)

REFUSED: tuple[tuple[str, str, str, str], ...] = (
    # server, service, operation, what nothing is then known of
    ("aws", "eks", "DescribeCluster", "API of the cluster"),
    ("aws", "iam", "ListOpenIDConnectProviders", "OIDC providers"),
    ("kubernetes", "kubernetes", "list secrets", "secrets of the cluster"),
    ("kubernetes", "kubernetes", "list configmaps", "config maps of the cluster"),
    ("aws", "rds", "DescribeCertificates", "authorities of the database"),
    ("aws", "rds", "DescribeDBClusters", "endpoints of the database"),
    ("aws", "elasticache", "DescribeReplicationGroups", "endpoint of the cache"),
    ("aws", "resourcegroupstaggingapi", "GetResources", "ACM certificates"),
    ("aws", "iam", "ListServerCertificates", "IAM server certificates"),
)
NO_API = frozenset({"the way in", "configured endpoints"})
"""They are reached, not asked for."""
