"""The authorities that RDS signs the certificates of instances with, and those certificates' ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.rds.versions import CA_CERTIFICATES
from ils_sandbox.aws.overlay.world import Result, World

_BEGIN = datetime(2021, 5, 25, 22, 34, 57, tzinfo=UTC)
_END_YEARS = dict(zip(CA_CERTIFICATES, (2061, 2121, 2121), strict=True))
"""As `aws rds describe-certificates` has them in us-east-1."""
_INSTANCE_LIFETIME = timedelta(days=365)


def describe_certificates(call: Call, _world: World) -> Result:
    asked = call.params.get("CertificateIdentifier")
    certificates = [
        {
            "CertificateIdentifier": name,
            "CertificateType": "CA",
            "CertificateArn": f"arn:aws:rds:{call.region}::cert:{name}",
            "ValidFrom": _BEGIN,
            "ValidTill": _BEGIN.replace(year=year),
            "CustomerOverride": False,
        }
        for name, year in _END_YEARS.items()
        if asked in {None, name}
    ]
    return {"Certificates": certificates, "DefaultCertificateForNewLaunches": CA_CERTIFICATES[0]}


def certificate_of(instance: Result) -> Result:
    """What RDS tells of the certificate that an instance sends."""
    made = instance.get("InstanceCreateTime")
    ends = {"ValidTill": made + _INSTANCE_LIFETIME} if isinstance(made, datetime) else {}
    return {"CAIdentifier": instance["CACertificateIdentifier"], **ends}
