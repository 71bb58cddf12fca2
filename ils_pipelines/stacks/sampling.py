"""Which requests are traced, and the group in which X-Ray shows what they became."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.monitoring import KEPT_A_SECOND, Monitoring, traced_service
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming

_PRIORITY = 1000
"""Rules with smaller numbers come first: room for those that somebody makes by hand to look into a thing."""
_ANY = "*"


@dataclass(frozen=True)
class SamplingArgs:
    """What sampling needs."""

    naming: Naming
    settings: Monitoring


class Sampling(pulumi.ComponentResource):
    """A sampling rule and a group of traces, both of the environment's service alone: environments share an account.

    Whoever asks X-Ray what to trace hears the rule; pods are told the same rate (`ils_pipelines.release.manifests.tracing`).
    Names of both end after 32 characters; `ils-` and an environment's name have 24.
    """

    def __init__(self, name: str, args: SamplingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:monitoring:Sampling", name, None, opts)
        full_name = args.naming.name()
        service = traced_service(args.naming.environment)
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.xray.SamplingRule(
            "sampling",
            rule_name=full_name,
            priority=_PRIORITY,
            fixed_rate=args.settings.trace_percent / 100,
            reservoir_size=KEPT_A_SECOND,
            service_name=service,
            service_type=_ANY,
            host=_ANY,
            http_method=_ANY,
            url_path=_ANY,
            resource_arn=_ANY,
            version=1,
            tags=args.naming.tags(full_name),
            opts=child,
        )
        group = aws.xray.Group(
            "traces",
            group_name=full_name,
            filter_expression=f'service("{service}")',
            tags=args.naming.tags(full_name),
            opts=child,
        )
        self.register_outputs({"rule": rule.rule_name, "group": group.group_name})
