"""What collects logs, metrics and traces inside the cluster, and where it puts them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from ils_pipelines.settings.monitoring import COLLECTORS_NAMESPACE, TRACES_SERVICE, Monitoring, Prometheus
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.addons import ServiceAccount
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.pod_identities import PodIdentity, PodIdentityArgs

AGENT, COLLECTOR, CERTIFICATES = "amazon-cloudwatch-observability", "adot", "cert-manager"
OTLP_ENDPOINT = f"http://{TRACES_SERVICE}.{COLLECTORS_NAMESPACE}:4318"
"""Where pods send traces, OTLP over HTTP."""
_AGENT_GROUPS = ("application", "dataplane", "host", "performance")
_PROMETHEUS_GROUP = "prometheus"


@dataclass(frozen=True)
class PodRole:
    """The AWS role of one service account of an add-on."""

    account: ServiceAccount
    managed_policies: tuple[str, ...]


@dataclass(frozen=True)
class TelemetryArgs:
    """What telemetry needs."""

    naming: Naming
    settings: Monitoring
    partition: str
    cluster_name: pulumi.Output[str]
    addon_versions: Mapping[str, str]
    """By add-on; EKS's default for the cluster's version where there is none."""
    logs_key_arn: pulumi.Output[str]


class Telemetry(pulumi.ComponentResource):
    """Agents as EKS add-ons, each with a role of its own by pod identity, and the log groups they write to.

    Agents would make the groups themselves, without end of retention and without a key: so the groups come first.
    """

    log_groups: pulumi.Output[list[str]]
    addons: pulumi.Output[list[str]]
    prometheus_endpoint: pulumi.Output[str]
    """Of the workspace; empty where there is none."""

    def __init__(self, name: str, args: TelemetryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:monitoring:Telemetry", name, None, opts)
        self._args = args
        settings = args.settings
        self.prometheus_endpoint = pulumi.Output.from_input("")
        groups = {each: self._group(each) for each in self._group_names()}
        made = []
        if settings.container_insights:
            kept = [groups[each] for each in _AGENT_GROUPS]
            account = PodRole(ServiceAccount("amazon-cloudwatch", "cloudwatch-agent"), ("CloudWatchAgentServerPolicy",))
            made.append(self._addon(AGENT, kept, pulumi.Output.from_input(_AGENT_CONFIGURATION), (account,)))
        if settings.tracing or settings.prometheus is not Prometheus.NONE:
            # The operator of the collectors gets the certificate of its webhook from there.
            certificates = self._addon(CERTIFICATES, (), None)
            made.append(certificates)
            made.append(self._collectors([certificates, *groups.values()]))
        self.log_groups = pulumi.Output.all(*(group.name for group in groups.values()))
        self.addons = pulumi.Output.all(*(addon.addon_name for addon in made))
        self.register_outputs({"addons": self.addons})

    def _group_names(self) -> tuple[str, ...]:
        settings = self._args.settings
        return (
            *(_AGENT_GROUPS if settings.container_insights else ()),
            *((_PROMETHEUS_GROUP,) if settings.prometheus is Prometheus.CLOUDWATCH else ()),
        )

    def _group(self, purpose: str) -> aws.cloudwatch.LogGroup:
        args = self._args
        return aws.cloudwatch.LogGroup(
            purpose,
            name=args.cluster_name.apply(lambda cluster: f"/aws/containerinsights/{cluster}/{purpose}"),
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=args.logs_key_arn,
            tags=args.naming.tags(args.naming.name(purpose)),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _collectors(self, after: Sequence[pulumi.Resource]) -> aws.eks.Addon:
        """One collector for each kind, as the add-on has them."""
        settings, roles = self._args.settings, []
        configuration: dict[str, Any] = {}
        if settings.tracing:
            configuration["otlpIngest"] = {"pipelines": {"traces": {"xray": {"enabled": True}}}}
            roles.append(
                PodRole(ServiceAccount(COLLECTORS_NAMESPACE, "adot-col-otlp-ingest"), ("AWSXrayWriteOnlyAccess",))
            )
        endpoint = self.prometheus_endpoint
        if settings.prometheus is Prometheus.CLOUDWATCH:
            configuration["prometheusMetrics"] = {"pipelines": {"metrics": {"emf": {"enabled": True}}}}
            roles.append(
                PodRole(ServiceAccount(COLLECTORS_NAMESPACE, "adot-col-prom-metrics"), ("CloudWatchAgentServerPolicy",))
            )
        if settings.prometheus is Prometheus.MANAGED:
            configuration["prometheusMetrics"] = {"pipelines": {"metrics": {"amp": {"enabled": True}}}}
            roles.append(
                PodRole(
                    ServiceAccount(COLLECTORS_NAMESPACE, "adot-col-prom-metrics"),
                    ("AmazonPrometheusRemoteWriteAccess",),
                )
            )
            endpoint = self.prometheus_endpoint = self._workspace().prometheus_endpoint
        return self._addon(
            COLLECTOR, after, endpoint.apply(lambda found: {"collector": _writing_to(configuration, found)}), roles
        )

    def _workspace(self) -> aws.amp.Workspace:
        args = self._args
        full_name = args.naming.name()
        return aws.amp.Workspace(
            "prometheus",
            alias=full_name,
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _addon(
        self,
        name: str,
        after: Sequence[pulumi.Resource],
        configuration: pulumi.Output[Mapping[str, Any]] | None,
        roles: Sequence[PodRole] = (),
    ) -> aws.eks.Addon:
        args = self._args
        identities = [self._identity(name, role) for role in roles]
        return aws.eks.Addon(
            name,
            cluster_name=args.cluster_name,
            addon_name=name,
            addon_version=args.addon_versions.get(name),
            configuration_values=(
                None if configuration is None else configuration.apply(lambda found: json.dumps(found, sort_keys=True))
            ),
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=args.naming.tags(args.naming.name(name)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after, *identities]),
        )

    def _identity(self, addon: str, role: PodRole) -> PodIdentity:
        args = self._args
        return PodIdentity(
            role.account.name,
            PodIdentityArgs(
                naming=args.naming,
                description=f"Lets {role.account.name} of the add-on {addon} hand on what it collects",
                cluster_name=args.naming.name(),
                cluster=args.cluster_name,
                account=role.account,
                partition=args.partition,
                managed_policies=role.managed_policies,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


_AGENT_CONFIGURATION: Mapping[str, Any] = {
    "agent": {"config": {"logs": {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}}}}
}


def _writing_to(configuration: Mapping[str, Any], endpoint: str) -> Mapping[str, Any]:
    if not endpoint:
        return configuration
    exporters = {"prometheusremotewrite": {"endpoint": f"{endpoint}api/v1/remote_write"}}
    return {**configuration, "prometheusMetrics": {**configuration["prometheusMetrics"], "exporters": exporters}}
