"""The name that people open: its certificate, and its records where a zone is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.settings.load_balancer import LoadBalancer
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming

_VALIDATION_TTL_SECONDS = 300


@dataclass(frozen=True)
class DomainArgs:
    """What the name needs."""

    naming: Naming
    settings: LoadBalancer
    balancer_dns_name: pulumi.Output[str]
    balancer_zone_id: pulumi.Output[str]


class Domain(pulumi.ComponentResource):
    """A certificate that listeners may take, and the records of a zone, if the file names one."""

    certificate_arn: pulumi.Output[str]
    """Of an issued certificate: what uses it waits until it is."""

    def __init__(self, name: str, args: DomainArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:load_balancer:Domain", name, None, opts)
        self._args = args
        self._inside = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        zone = None if settings.zone is None else _zone_id(settings.zone)
        if zone is not None:
            self._point_at_the_balancer(zone)
        if settings.certificate_arn is not None:
            self.certificate_arn = pulumi.Output.from_input(settings.certificate_arn)
        else:
            self.certificate_arn = self._issued(zone)
        self.register_outputs({"certificate_arn": self.certificate_arn})

    def _point_at_the_balancer(self, zone: pulumi.Output[str]) -> None:
        from ils_pipelines.stacks.aws_edge import route53

        # The balancer has IPv4 addresses alone; the AAAA record answers once it has others, and nothing until then.
        for kind in ("A", "AAAA"):
            route53.Record(
                f"domain-{kind.lower()}",
                zone_id=zone,
                name=self._args.settings.domain,
                type=kind,
                aliases=[
                    route53.RecordAliasArgs(
                        name=self._args.balancer_dns_name,
                        zone_id=self._args.balancer_zone_id,
                        evaluate_target_health=True,
                    )
                ],
                opts=self._inside,
            )

    def _issued(self, zone: pulumi.Output[str] | None) -> pulumi.Output[str]:
        naming = self._args.naming
        certificate = aws.acm.Certificate(
            "entrance",
            domain_name=self._args.settings.domain,
            validation_method="DNS",
            tags=naming.tags(naming.name()),
            opts=self._inside,
        )
        records = []
        if zone is not None:
            from ils_pipelines.stacks.aws_edge import route53

            # One name, and so one record. It is the same for every certificate of this account for this name: it may be
            # there already, from the certificate that this one takes the place of.
            asked = certificate.domain_validation_options.apply(lambda options: options[0])
            proof = route53.Record(
                "proof",
                zone_id=zone,
                name=asked.apply(lambda option: str(option.resource_record_name)),
                type=asked.apply(lambda option: str(option.resource_record_type)),
                records=[asked.apply(lambda option: str(option.resource_record_value))],
                ttl=_VALIDATION_TTL_SECONDS,
                allow_overwrite=True,
                opts=self._inside,
            )
            records = [proof.fqdn]
        # Ends when ACM has found the record that it asks for in DNS: a listener takes no certificate before.
        issued = aws.acm.CertificateValidation(
            "entrance",
            certificate_arn=certificate.arn,
            validation_record_fqdns=records or None,
            opts=self._inside,
        )
        arn: pulumi.Output[str] = issued.certificate_arn
        return arn


def _zone_id(name: str) -> pulumi.Output[str]:
    """The public zone of that name: one read-only call, which fails where there is no such zone."""
    from ils_pipelines.stacks.aws_edge import route53

    found: pulumi.Output[Any] = route53.get_zone_output(name=name, private_zone=False)
    id_: pulumi.Output[str] = found.apply(lambda zone: str(zone.zone_id))
    return id_
