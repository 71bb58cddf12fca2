"""Adding a load balancer and certificates as nobody should make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.site import TAGS, Case, Site, case

_ROGUE = "ils-dev-rogue"
_DOMAIN = "ils.example.com"


def _balancer(site: Site) -> Iterator[str]:
    elbv2 = site.client("elbv2")
    groups = [site.security_group("ils-dev-load-balancer")]
    made = elbv2.create_load_balancer(Name=_ROGUE, Subnets=site.subnet_ids[:2], SecurityGroups=groups)
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    try:
        yield f"load balancer {_ROGUE}"
    finally:
        elbv2.delete_load_balancer(LoadBalancerArn=arn)


def _permissive(site: Site) -> Iterator[str]:
    elbv2 = site.client("elbv2")
    for found in _balancer(site):
        elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=_arn(site),
            Attributes=[{"Key": "routing.http.desync_mitigation_mode", "Value": "monitor"}],
        )
        yield found


def _arn(site: Site) -> str:
    arn: str = site.client("elbv2").describe_load_balancers(Names=[_ROGUE])["LoadBalancers"][0]["LoadBalancerArn"]
    return arn


def _http(site: Site) -> Iterator[str]:
    elbv2 = site.client("elbv2")
    for found in _balancer(site):
        group = elbv2.create_target_group(Name=_ROGUE, Protocol="HTTP", Port=5000, VpcId=site.vpc_id)
        group_arn = group["TargetGroups"][0]["TargetGroupArn"]
        listener = elbv2.create_listener(
            LoadBalancerArn=_arn(site),
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
        )
        try:
            yield f"{found} listener 80"
        finally:
            elbv2.delete_listener(ListenerArn=listener["Listeners"][0]["ListenerArn"])
            elbv2.delete_target_group(TargetGroupArn=group_arn)


def _old_tls(site: Site) -> Iterator[str]:
    elbv2 = site.client("elbv2")
    for certificate in _imported(bits=2048, days=300)(site):
        for found in _balancer(site):
            listener = elbv2.create_listener(
                LoadBalancerArn=_arn(site),
                Protocol="HTTPS",
                Port=443,
                SslPolicy="ELBSecurityPolicy-2016-08",
                Certificates=[{"CertificateArn": _certificate_arn(site, certificate)}],
                DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            )
            try:
                yield f"{found} listener 443"
            finally:
                elbv2.delete_listener(ListenerArn=listener["Listeners"][0]["ListenerArn"])


def _certificate_arn(site: Site, certificate_id: str) -> str:
    keys = {"keyTypes": ["RSA_1024", "RSA_2048"]}
    found = site.client("acm").list_certificates(Includes=keys)["CertificateSummaryList"]
    return next(str(each["CertificateArn"]) for each in found if each["CertificateArn"].endswith(certificate_id))


def _imported(*, bits: int, days: int) -> Callable[[Site], Iterator[str]]:
    """A certificate of our own with a key of so many bits that ends in so many days."""

    def added(site: Site) -> Iterator[str]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _DOMAIN)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=300))
            .not_valid_after(now + timedelta(days=days))
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        acm = site.client("acm")
        arn = acm.import_certificate(
            Certificate=certificate.public_bytes(serialization.Encoding.PEM), PrivateKey=private, Tags=TAGS
        )["CertificateArn"]
        try:
            yield arn.rsplit("/", 1)[-1]
        finally:
            acm.delete_certificate(CertificateArn=arn)

    return added


CASES: tuple[Case, ...] = (
    case(ControlId.LOAD_BALANCER_TLS_POLICY, "TLS 1.0", _old_tls),
    case(ControlId.LOAD_BALANCER_REDIRECT, "forwards", _http),
    case(ControlId.LOAD_BALANCER_ACCESS_LOGS, "off", _balancer),
    case(ControlId.LOAD_BALANCER_INVALID_HEADERS, "kept", _balancer),
    case(ControlId.LOAD_BALANCER_DESYNC, "monitor", _permissive),
    case(ControlId.LOAD_BALANCER_DELETION_PROTECTION, "off", _balancer),
    case(ControlId.LOAD_BALANCER_WAF, "none", _balancer),
    case(ControlId.CERTIFICATE_EXPIRY, "in five days", _imported(bits=2048, days=5)),
    case(ControlId.CERTIFICATE_KEY_SIZE, "1024 bits", _imported(bits=1024, days=300)),
)
