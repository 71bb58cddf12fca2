"""The load balancer of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.section import Days, Flag, Section, text


def _dns_name(longest: int) -> object:
    return text(
        r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        "is not a DNS name",
        'Write lower-case labels with dots between, for example "ils.example.com".',
        longest,
    )


_LONGEST_COMMON_NAME = 64
"""That a certificate may have."""
_LONGEST_NAME = 253
"""That DNS allows."""


class LoadBalancer(Section):
    """An application load balancer that answers the internet over HTTPS alone."""

    domain: Annotated[str, _dns_name(_LONGEST_COMMON_NAME)] = Field(
        default="ils.example.com", description="The name people open."
    )
    zone: Annotated[str, _dns_name(_LONGEST_NAME)] | None = Field(
        default=None,
        description="Public Route 53 zone of this account that holds the domain: its record and those that prove to ACM "
        "whose it is are made there. None leaves DNS to people.",
        examples=["example.com"],
    )
    certificate_arn: (
        Annotated[
            str,
            text(
                r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+",
                "is not the ARN of an ACM certificate",
                'Write for example "arn:aws:acm:us-east-1:123456789012:certificate/12345678-…".',
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Certificate that was issued already and covers the domain; None makes one, for which DNS has to hold "
        "a record: that is done by itself in the zone.",
    )
    web_acl_arn: (
        Annotated[
            str,
            text(
                r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/.+/.+",
                "is not the ARN of a regional WAF web ACL",
                'Write for example "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/ils/12345678-…"; those of '
                "CloudFront (global) guard no load balancer.",
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="WAF web ACL that guards the load balancer; None lets every request reach the application.",
    )
    access_log_days: Days = Field(default=30, description="Days that the log of requests is kept in its bucket.")
    deletion_protection: Flag = Field(default=False, description="Whether AWS itself refuses to delete it.")
    session_hours: Annotated[int, Field(strict=True, ge=1, le=168)] = Field(
        default=24, description="Hours that the requests of one browser keep going to the same pod."
    )


@rule(LoadBalancer, "domain", "zone")
def _domain_in_zone(balancer: LoadBalancer, _today: date) -> Iterator[Finding]:
    zone = balancer.zone
    if zone is not None and balancer.domain != zone and not balancer.domain.endswith(f".{zone}"):
        yield Finding(
            ("zone",),
            zone,
            f"does not hold {balancer.domain}: a zone has its own name and the names that end in it",
            f"Write the zone that {balancer.domain} is in, or another domain.",
        )
