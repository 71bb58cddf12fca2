"""ACM: certificates, and waiting until they are issued."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from ils_sandbox.provider.errors import NotReady, ProviderError
from ils_sandbox.provider.fields import block, collection, listing, text
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.resource import Call, Custom, Detail, FindListed, ResourceType, Scope, Tagging, Update
from ils_sandbox.provider.tagging import from_pairs, pairs
from ils_sandbox.provider.values import UNKNOWN, Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})
_IMPORTED = {"certificateBody": "Certificate", "privateKey": "PrivateKey", "certificateChain": "CertificateChain"}
_VALIDATION_TIMEOUT = timedelta(minutes=75)


def _timestamp(value: Any) -> str | None:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value is not None else None


def _request_or_import(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    if inputs.get("privateKey"):
        arn = scope.call("import_certificate", **_pem(inputs), Tags=request["Tags"])["CertificateArn"]
    else:
        arn = scope.call("request_certificate", **request)["CertificateArn"]
    return dict(scope.call("describe_certificate", CertificateArn=arn)["Certificate"])


def _pem(inputs: Plain) -> Plain:
    return {member: inputs[name].encode() for name, member in _IMPORTED.items() if inputs.get(name)}


def _import_again(scope: Scope, arn: str, _old: Plain, new: Plain) -> None:
    scope.call("import_certificate", CertificateArn=arn, **_pem(new))


def _other_names(described: Plain) -> list[str]:
    """Without the name that ACM adds by itself."""
    return [name for name in described.get("SubjectAlternativeNames", ()) if name != described.get("DomainName")]


def _problems(inputs: Plain) -> Iterator[tuple[str, str]]:
    imported = inputs.get("privateKey") is not None
    if imported == (inputs.get("domainName") is not None):
        yield "domainName", "expected either domainName, to request a certificate, or privateKey, to import one"
    if imported and inputs.get("certificateBody") is None:
        yield "certificateBody", "expected the certificate that belongs to privateKey"
    if not imported and inputs.get("validationMethod") is None:
        yield "validationMethod", "expected DNS or EMAIL for a certificate that is requested"
    if inputs.get("domainName") in [n for n in inputs.get("subjectAlternativeNames", ()) if n is not UNKNOWN]:
        yield "subjectAlternativeNames", "expected further names only: the domain name is always among them"


def _marked(scope: Scope, _inputs: Plain) -> Iterable[str]:
    """ACM's list tells neither tags nor, reliably, names: every certificate is asked for its tags."""
    mark = {"Key": MARK, "Value": mark_of(scope.urn)}
    more: Plain = {}
    while True:
        page = scope.call("list_certificates", **more)
        for summary in page["CertificateSummaryList"]:
            arn = summary["CertificateArn"]
            tags = scope.call_unless(_NOT_FOUND, "list_tags_for_certificate", CertificateArn=arn)
            if mark in (tags or {}).get("Tags", ()):
                yield arn
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _tag(scope: Scope, arn: str, _properties: Plain, tags: Any) -> None:
    scope.call("add_tags_to_certificate", CertificateArn=arn, Tags=pairs()(tags))


def _untag(scope: Scope, arn: str, _properties: Plain, names: list[str]) -> None:
    scope.call("remove_tags_from_certificate", CertificateArn=arn, Tags=[{"Key": name} for name in names])


CERTIFICATE = ResourceType(
    name="aws:acm/certificate:Certificate",
    service="acm",
    inputs=(
        text("domainName", replace=True, computed=True),
        collection("subjectAlternativeNames", replace=True, computed=True, source="@", decode=_other_names),
        text(
            "validationMethod",
            replace=True,
            computed=True,
            source="DomainValidationOptions[0].ValidationMethod",
            choices=("DNS", "EMAIL"),
        ),
        text("keyAlgorithm", replace=True, computed=True, canonical=lambda value: value.replace("-", "_")),
        block(
            "options",
            text("certificateTransparencyLoggingPreference", computed=True, choices=("ENABLED", "DISABLED")),
            text("export", computed=True, replace=True, choices=("ENABLED", "DISABLED")),
            computed=True,
        ),
        text("certificateBody", sent=False, returned=False),
        text("certificateChain", sent=False, returned=False),
        text("privateKey", sent=False, returned=False, secret=True),
    ),
    outputs=(
        text("arn", source="CertificateArn"),
        listing(
            "domainValidationOptions",
            text("domainName"),
            text("resourceRecordName", source="ResourceRecord.Name"),
            text("resourceRecordType", source="ResourceRecord.Type"),
            text("resourceRecordValue", source="ResourceRecord.Value"),
        ),
        text("notAfter", decode=_timestamp),
        text("notBefore", decode=_timestamp),
        text("renewalEligibility"),
        text("status"),
        text("type"),
        collection("validationEmails", source="DomainValidationOptions[].ValidationEmails[]"),
    ),
    tagging=Tagging("Tags", pairs(), "Tags", from_pairs(), _tag, _untag),
    create=_request_or_import,
    id="CertificateArn",
    read=Call("describe_certificate", {"CertificateArn": "$id"}, "Certificate"),
    missing=_NOT_FOUND,
    details=(Detail("Tags", Call("list_tags_for_certificate", {"CertificateArn": "$id"}, "Tags"), missing=_NOT_FOUND),),
    updates=(
        Update(frozenset({"options"}), Call("update_certificate_options", {"CertificateArn": "$id"})),
        Custom(frozenset(_IMPORTED), _import_again),
    ),
    delete=Call("delete_certificate", {"CertificateArn": "$id"}),
    find=FindListed(_marked),
    validate=_problems,
)


def _await_issue(scope: Scope, inputs: Plain, _request: Plain) -> Plain:
    """The certificate, once it is issued. Raises `ProviderError` when a record that proves a name is not declared."""
    arn = inputs["certificateArn"]
    if given := inputs.get("validationRecordFqdns"):
        described = scope.call("describe_certificate", CertificateArn=arn)["Certificate"]
        records = {option.get("ResourceRecord", {}).get("Name", "") for option in described["DomainValidationOptions"]}
        missing = sorted({name.rstrip(".") for name in records} - {name.rstrip(".") for name in given})
        if missing:
            raise ProviderError(f"{arn} cannot be issued without these DNS records: {', '.join(missing)}")

    def poll() -> Plain | None:
        certificate = scope.call("describe_certificate", CertificateArn=arn)["Certificate"]
        if certificate["Status"] not in ("PENDING_VALIDATION", "ISSUED"):
            raise NotReady(f"{arn} went into the state {certificate['Status']}")
        return dict(certificate) if certificate["Status"] == "ISSUED" else None

    return scope.wait(poll, f"{arn} to be issued", _VALIDATION_TIMEOUT)


CERTIFICATE_VALIDATION = ResourceType(
    name="aws:acm/certificateValidation:CertificateValidation",
    service="acm",
    inputs=(
        text("certificateArn", required=True, replace=True),
        collection("validationRecordFqdns", replace=True, returned=False),
    ),
    create=_await_issue,
    id="CertificateArn",
    read=Call("describe_certificate", {"CertificateArn": "$id"}, "Certificate"),
    present=lambda described: described["Status"] == "ISSUED",
    missing=_NOT_FOUND,
    delete=None,
    # It makes nothing: waiting again finds nothing and harms nothing.
    find=FindListed(lambda _scope, _inputs: ()),
)

TYPES = (CERTIFICATE, CERTIFICATE_VALIDATION)
