"""Layer load_balancer: where people reach the application from the internet."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.load_balancer import LoadBalancer
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.access_logs import AccessLogBucket, AccessLogBucketArgs
from ils_pipelines.stacks.domain import Domain, DomainArgs
from ils_pipelines.stacks.keys import current_account_id
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import LoadBalancerOutputs, VpcOutputs
from ils_pipelines.stacks.upstream import Upstream

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3, and 1.2 with forward secrecy and authenticated ciphers."""
HEALTH_PATH = "/health"


@dataclass(frozen=True)
class EntranceArgs:
    """What the load balancer needs."""

    naming: Naming
    settings: LoadBalancer
    app_port: int
    vpc_id: pulumi.Output[str]
    subnet_ids: pulumi.Output[list[str]]
    security_group_id: pulumi.Output[str]
    logs: AccessLogBucket
    canary: bool
    """Whether there is a second target group, for new pods that are being tried."""


class Entrance(pulumi.ComponentResource):
    """HTTPS for everybody, HTTP for nobody: the load balancer with its certificate, listeners and targets."""

    balancer: aws.lb.LoadBalancer
    targets: aws.lb.TargetGroup
    canary_targets: aws.lb.TargetGroup | None
    domain: Domain
    https: aws.lb.Listener

    def __init__(self, name: str, args: EntranceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:load_balancer:Entrance", name, None, opts)
        self._args = args
        inside = pulumi.ResourceOptions(parent=self)
        full_name = args.naming.name()
        self.balancer = aws.lb.LoadBalancer(
            "entrance",
            name=full_name,
            load_balancer_type="application",
            internal=False,
            ip_address_type="ipv4",
            subnets=args.subnet_ids,
            security_groups=[args.security_group_id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_deletion_protection=args.settings.deletion_protection,
            access_logs=aws.lb.LoadBalancerAccessLogsArgs(enabled=True, bucket=args.logs.name),
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.logs.policy]),
        )
        self.targets = self._targets("app")
        # In no listener but while a release is tried: releasing puts it beside the other and takes it out again.
        self.canary_targets = self._targets("canary") if args.canary else None
        self.domain = Domain(
            "domain",
            DomainArgs(
                naming=args.naming,
                settings=args.settings,
                balancer_dns_name=self.balancer.dns_name,
                balancer_zone_id=self.balancer.zone_id,
            ),
            opts=inside,
        )
        self.https = aws.lb.Listener(
            "https",
            load_balancer_arn=self.balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=self.domain.certificate_arn,
            default_actions=[aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=self.targets.arn)],
            tags=args.naming.tags(args.naming.name("https")),
            opts=inside,
        )
        aws.lb.Listener(
            "http",
            load_balancer_arn=self.balancer.arn,
            port=80,
            protocol="HTTP",
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(
                    type="redirect",
                    redirect=aws.lb.ListenerDefaultActionRedirectArgs(
                        protocol="HTTPS", port="443", status_code="HTTP_301"
                    ),
                )
            ],
            tags=args.naming.tags(args.naming.name("http")),
            opts=inside,
        )
        if args.settings.web_acl_arn is not None:
            from ils_pipelines.stacks.aws_edge import wafv2

            wafv2.WebAclAssociation(
                "entrance", resource_arn=self.balancer.arn, web_acl_arn=args.settings.web_acl_arn, opts=inside
            )
        self.register_outputs({"dns_name": self.balancer.dns_name})

    def _targets(self, purpose: str) -> aws.lb.TargetGroup:
        args = self._args
        name = args.naming.name(purpose)
        return aws.lb.TargetGroup(
            purpose,
            name=name,
            port=args.app_port,
            protocol="HTTP",
            vpc_id=args.vpc_id,
            target_type="ip",  # pods themselves: one hop less, and a node that leaves takes no other node's requests
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                enabled=True,
                path=HEALTH_PATH,
                port="traffic-port",
                protocol="HTTP",
                matcher="200",
                interval=15,
                timeout=5,
                healthy_threshold=2,
                unhealthy_threshold=3,
            ),
            stickiness=aws.lb.TargetGroupStickinessArgs(
                enabled=True, type="lb_cookie", cookie_duration=args.settings.session_hours * 3600
            ),
            deregistration_delay=30,  # longer than a request takes, shorter than a pod's end
            tags=args.naming.tags(name),
            # Each pod is registered with a port of its own, so that this one says nothing; another would be another group,
            # which ELB refuses under the name of one that is in use.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["port"]),
        )


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of vpc."""
    vpc = VpcOutputs.read(upstream)
    naming = Naming.of(environment, Layer.LOAD_BALANCER)
    settings = environment.load_balancer
    logs = AccessLogBucket(
        "access-logs",
        AccessLogBucketArgs(
            naming=naming,
            account=environment.aws,
            account_id=current_account_id(),
            keep_days=settings.access_log_days,
        ),
    )
    entrance = Entrance(
        "entrance",
        EntranceArgs(
            naming=naming,
            settings=settings,
            app_port=environment.app.port,
            vpc_id=vpc.vpc_id,
            subnet_ids=vpc.public_subnet_ids,
            security_group_id=vpc.load_balancer_security_group_id,
            logs=logs,
            canary=environment.app.canary.by_load_balancer,
        ),
    )
    canary = entrance.canary_targets
    LoadBalancerOutputs(
        load_balancer_arn=entrance.balancer.arn,
        load_balancer_arn_suffix=entrance.balancer.arn_suffix,
        dns_name=entrance.balancer.dns_name,
        zone_id=entrance.balancer.zone_id,
        https_listener_arn=entrance.https.arn,
        target_group_arn=entrance.targets.arn,
        target_group_arn_suffix=entrance.targets.arn_suffix,
        canary_target_group_arn=canary.arn if canary else pulumi.Output.from_input(""),
        canary_target_group_arn_suffix=canary.arn_suffix if canary else pulumi.Output.from_input(""),
        vpc_id=vpc.vpc_id,
        certificate_arn=entrance.domain.certificate_arn,
        url=pulumi.Output.from_input(f"https://{settings.domain}"),
        access_log_bucket=logs.name,
    ).export()
