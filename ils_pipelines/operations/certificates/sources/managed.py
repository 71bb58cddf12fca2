"""Certificates that AWS keeps: of ACM, of IAM, and those of the database's instances."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509

from ils_pipelines.operations.certificates.judging import Place, end_findings, examine
from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.own_certificates import own_certificates
from ils_pipelines.operations.view import View

OWN_LIFETIME = timedelta(days=365)
"""Of the certificate that RDS makes for an instance: it tells when that ends, not when it began."""
_RENEW = (
    "Make the records below in DNS, so that ACM can renew it, or request another and use it: {records}. "
    "`aws acm describe-certificate` tells more."
)
_IMPORT = "Import a new one under the same ARN (aws acm import-certificate): ACM renews only what it issued itself."
_UNUSED = "Delete it, or use it: ACM renews only certificates that are in use."
_REPLACE = "Request a new certificate and have the listeners serve it; this one comes to nothing."
_IAM = "Import the certificate into ACM and have the listeners serve that one: IAM neither renews nor warns."
_AUTHORITY = (
    "Give clients the newest bundle, then move the instance to the newest authority: "
    "aws rds modify-db-instance --ca-certificate-identifier"
)
_PENDING = "Restart the instance, or wait for its maintenance window: until then it sends the old certificate."


def acm(view: View) -> Iterator[Examined]:
    """Those of the environment: named in its file, served by its listeners, or with its tags."""
    for certificate in own_certificates(view.live, [view.output("certificate_arn")]):
        yield _issued(certificate)


def _issued(certificate: Record) -> Examined:
    component = f"ACM certificate {certificate['DomainName']}"
    used_by = [arn.rpartition(":")[2] for arn in certificate.get("InUseBy", ())]
    imported, eligible = certificate["Type"] == "IMPORTED", certificate.get("RenewalEligibility", "not told")
    remedy = _IMPORT if imported else _RENEW.format(records=_records(certificate)) if used_by else _UNUSED
    place = Place(component, remedy, datetime.now(UTC))
    note = f"{certificate['Status']}, renewal {eligible.lower()}, used by {', '.join(used_by) or 'nothing'}"
    ends = certificate.get("NotAfter")
    findings = [*_status(certificate, place), *_renewal(certificate, place)]
    if ends is not None:
        findings += end_findings(component, certificate["NotBefore"].astimezone(UTC), ends.astimezone(UTC), place)
    return Examined(component, note, ends.astimezone(UTC) if ends else None, tuple(findings))


def _status(certificate: Record, place: Place) -> Iterator[Finding]:
    status = certificate["Status"]
    if status == "PENDING_VALIDATION":
        yield Finding(place.component, Urgency.WARNING, "ISSUED", f"{status}: {_records(certificate)}", place.remedy)
    elif status != "ISSUED":
        why = certificate.get("FailureReason") or certificate.get("RevocationReason")
        found = f"{status}: {why}" if why else status
        yield Finding(place.component, Urgency.CRITICAL, "ISSUED", found, _REPLACE)


def _renewal(certificate: Record, place: Place) -> Iterator[Finding]:
    """What stands in the way of the next renewal, long before there is a hurry."""
    renewal = certificate.get("RenewalSummary", {}).get("RenewalStatus")
    used = bool(certificate.get("InUseBy"))
    if renewal in {"FAILED", "PENDING_VALIDATION"}:
        urgency = Urgency.CRITICAL if renewal == "FAILED" else Urgency.WARNING
        yield Finding(place.component, urgency, "a renewal that goes by itself", f"renewal {renewal}", place.remedy)
    elif certificate["Status"] == "ISSUED" and used and certificate["Type"] == "AMAZON_ISSUED":
        if certificate.get("RenewalEligibility") == "INELIGIBLE":
            yield Finding(place.component, Urgency.WARNING, "eligible for renewal", "INELIGIBLE", place.remedy)
        pending = [each["DomainName"] for each in _validations(certificate) if each.get("ValidationStatus") == "FAILED"]
        if pending:
            found = f"validation FAILED for {', '.join(pending)}"
            yield Finding(place.component, Urgency.WARNING, "every name proven", found, place.remedy)


def _validations(certificate: Record) -> list[Record]:
    return list(certificate.get("DomainValidationOptions", ()))


def _records(certificate: Record) -> str:
    """The DNS records that prove to ACM whose the names are."""
    records = [each["ResourceRecord"] for each in _validations(certificate) if each.get("ResourceRecord")]
    return "; ".join(f"{each['Name']} {each['Type']} {each['Value']}" for each in records) or "none are told"


def iam(view: View) -> Iterator[Examined]:
    """Server certificates that are named like the environment's other things."""
    for listed in view.live.list("iam", "list_server_certificates", "ServerCertificateMetadataList"):
        name = listed["ServerCertificateName"]
        if not view.live.scope.owns_name(name):
            continue
        answer = view.live.get("iam", "get_server_certificate", ServerCertificateName=name)["ServerCertificate"]
        place = Place(f"IAM server certificate {name}", _IAM, datetime.now(UTC))
        body = answer["CertificateBody"] + "\n" + answer.get("CertificateChain", "")
        for certificate in x509.load_pem_x509_certificates(body.encode()):
            yield examine(certificate, place)


def database_authorities(view: View) -> Iterator[Examined]:
    """The authority behind each instance, and the certificate that RDS made with it."""
    known = {
        each["CertificateIdentifier"]: each for each in view.live.list("rds", "describe_certificates", "Certificates")
    }
    for instance in view.live.list("rds", "describe_db_instances", "DBInstances"):
        if instance.get("DBClusterIdentifier") == view.live.scope.name:
            yield _instance(instance, known)


def _instance(instance: Record, known: dict[str, Record]) -> Examined:
    name, authority = instance["DBInstanceIdentifier"], instance.get("CACertificateIdentifier", "none")
    component = f"database instance {name}, authority {authority}"
    place = Place(component, _AUTHORITY, datetime.now(UTC))
    findings: list[Finding] = []
    ends = instance.get("CertificateDetails", {}).get("ValidTill")
    bundle = known.get(authority)
    if bundle is None:
        findings.append(Finding(component, Urgency.CRITICAL, "an authority that RDS has", authority, _AUTHORITY))
    else:
        begins, bundle_ends = (bundle[key].astimezone(UTC) for key in ("ValidFrom", "ValidTill"))
        findings += end_findings(component, begins, bundle_ends, place)
        if ends is not None:
            own, ends = f"database instance {name}, own certificate", ends.astimezone(UTC)
            findings += end_findings(own, ends - OWN_LIFETIME, ends, place)
        ends = min(filter(None, (ends, bundle_ends)))
    pending = instance.get("PendingModifiedValues", {}).get("CACertificateIdentifier")
    if pending:
        findings.append(Finding(component, Urgency.WARNING, f"authority {pending}", f"{authority} still", _PENDING))
    return Examined(
        component, f"RDS instance in {instance.get('AvailabilityZone', 'no zone yet')}", ends, tuple(findings)
    )
