"""ACM: validation takes its time by the sandbox's clock; key algorithms, options and what uses a certificate.

The sandbox has no public DNS. A name in a public hosted zone of the account is proven by the record that ACM asks for in that
zone; of any other name a certificate is issued after that time, as if somebody had made the record elsewhere.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

CERTIFICATES = "acm.certificates"
VALID = timedelta(days=198)
"""How long ACM's public certificates live since 2026-03-15."""
_UNKNOWN_WHILE_PENDING = ("IssuedAt", "NotAfter", "NotBefore", "Serial")


def _settle(call: Call, world: World) -> None:
    """Issue what has waited long enough. moto's own wait is too long to be noticed."""
    for certificate in world.backend(call, "acm")._certificates.values():
        waited = certificate.status == "PENDING_VALIDATION" and world.lifecycles.phase(certificate.arn) is None
        if waited and not _unproven(call, certificate):
            certificate.status = "ISSUED"


def _unproven(call: Call, certificate: Any) -> bool:
    """Whether the zone of one of the certificate's names lacks the record that ACM asks for."""
    options = certificate.describe()["Certificate"].get("DomainValidationOptions", ())
    return any(
        _zone_lacks(call, option["DomainName"], option.get("ResourceRecord", {}).get("Name", "")) for option in options
    )


def _zone_lacks(call: Call, domain: str, record: str) -> bool:
    from moto.backends import get_backend

    name = domain.removeprefix("*.").rstrip(".")
    zones = [
        zone
        for zone in get_backend("route53")[call.account]["aws"].zones.values()
        if not zone.private_zone and (name == (apex := zone.name.rstrip(".")) or name.endswith(f".{apex}"))
    ]
    there = {found.name.rstrip(".") for zone in zones for found in zone.rrsets if found.type == "CNAME"}
    return bool(zones) and record.rstrip(".") not in there


def status_of(call: Call, world: World, arn: str) -> str:
    """The certificate's status; `NONE` when there is no such certificate."""
    _settle(call, world)
    certificate = world.backend(call, "acm")._certificates.get(arn)
    return "NONE" if certificate is None else str(certificate.status)


def users_of_certificate(call: Call, world: World, arn: str) -> list[str]:
    """The load balancers whose listeners serve the certificate."""
    balancers = world.backend(call, "elbv2").load_balancers.values()
    return [
        balancer.arn
        for balancer in balancers
        if any(arn in (listener.certificates or ()) for listener in balancer.listeners.values())
    ]


def request_certificate(call: Call, world: World) -> Result:
    result = world.forward(call)
    arn = result["CertificateArn"]
    if arn not in world.table(CERTIFICATES, call):
        world.table(CERTIFICATES, call)[arn] = {"KeyAlgorithm": call.params.get("KeyAlgorithm") or "RSA_2048"}
        world.lifecycles.begin(arn, "PENDING_VALIDATION", durations.ACM_VALIDATION)
    return result


def describe_certificate(call: Call, world: World) -> Result:
    _settle(call, world)
    certificate: dict[str, Any] = dict(world.forward(call)["Certificate"])
    arn = certificate["CertificateArn"]
    certificate["InUseBy"] = users_of_certificate(call, world, arn)
    if certificate["Type"] != "AMAZON_ISSUED":
        return {"Certificate": certificate}
    certificate.update(world.table(CERTIFICATES, call).get(arn, {}))
    if certificate["Status"] == "PENDING_VALIDATION":
        for member in _UNKNOWN_WHILE_PENDING:
            certificate.pop(member, None)
    else:
        certificate["NotAfter"] = certificate["NotBefore"] + VALID
        certificate["RenewalEligibility"] = "ELIGIBLE" if certificate["InUseBy"] else "INELIGIBLE"
    return {"Certificate": certificate}


def settled(call: Call, world: World) -> Result:
    _settle(call, world)
    return world.forward(call)


def update_certificate_options(call: Call, world: World) -> Result:
    arn = call.params["CertificateArn"]
    certificate = world.backend(call, "acm")._certificates.get(arn)
    if certificate is None:
        raise AwsError("ResourceNotFoundException", f"Certificate with arn {arn} not found")
    certificate.cert_options = {**certificate.cert_options, **call.params["Options"]}
    return {}


def delete_certificate(call: Call, world: World) -> Result:
    arn = call.params["CertificateArn"]
    users = users_of_certificate(call, world, arn)
    if users:
        raise AwsError("ResourceInUseException", f"Certificate {arn} is in use by {', '.join(users)}")
    result = world.forward(call)
    world.table(CERTIFICATES, call).pop(arn, None)
    world.lifecycles.forget(arn)
    return result


ROUTES: Routes = {
    "DeleteCertificate": delete_certificate,
    "DescribeCertificate": describe_certificate,
    "GetCertificate": settled,
    "ListCertificates": settled,
    "RequestCertificate": request_certificate,
    "UpdateCertificateOptions": update_certificate_options,
}
