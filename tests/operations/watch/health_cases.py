"""Ways in which each component of dev can be unwell, brought about behind the product's back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ils_pipelines.operations.health.catalog import PROBES
from ils_pipelines.operations.health.models import HealthStatus
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from tests.operations.watch.site import Change, Site, calls, change, until, without_addon, without_alarm

CLUSTER = NAMESPACE = "ils-dev"
LB = next(probe.speaks_for for probe in PROBES if probe.components == "load balancers")


@dataclass(frozen=True)
class Case:
    """`component` is the beginning of its name; `found` is in what was found."""

    layer: Layer
    component: str
    status: HealthStatus
    found: str
    breaks: Change

    def __str__(self) -> str:
        return f"{self.component}-{self.status}-{self.found}".replace(" ", "-").replace("/", "-")


def _set_clock(site: Site, seconds_per_minute: float) -> None:
    site.sandbox.control("settings", {"seconds_per_minute": seconds_per_minute})


def _slowly(function: Change) -> Change:
    """With AWS's clock all but stopped, so that what is begun stays under way until it is to be undone."""

    @change
    def slow(site: Site) -> Iterator[None]:
        _set_clock(site, 60.0)
        try:
            with function(site):
                try:
                    yield
                finally:
                    _set_clock(site, 0.0)
        finally:
            _set_clock(site, 0.0)

    return slow


@change
def _updated_node_group(site: Site) -> Iterator[None]:
    names = {"clusterName": CLUSTER, "nodegroupName": "general"}
    site.client("eks").update_nodegroup_config(**names, updateConfig={"maxUnavailable": 1})
    yield


@change
def _another_gateway(site: Site) -> Iterator[None]:
    ec2 = site.client("ec2")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    subnet = site.output(Layer.VPC, "public_subnet_ids")[1]
    gateway = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    try:
        yield
    finally:
        ec2.delete_nat_gateway(NatGatewayId=gateway)
        until(lambda: _is_released(ec2, address), "the address of the gateway to be released")


def _is_released(ec2: Any, address: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        ec2.release_address(AllocationId=address)
    except ClientError as error:
        return "NotFound" in error.response["Error"]["Code"]
    return True


@change
def _node_down(site: Site) -> Iterator[None]:
    from kubernetes import client

    core = client.CoreV1Api(site.kubernetes())
    node = core.list_node().items[0].metadata.name

    def report(ready: str, message: str) -> None:
        condition = {"type": "Ready", "status": ready, "reason": "Kubelet", "message": message}
        core.patch_node_status(node, {"status": {"conditions": [condition]}})

    report("False", "container runtime is down")
    try:
        yield
    finally:
        report("True", "kubelet is posting ready status")


@change
def _without_instance(site: Site) -> Iterator[None]:
    """The only instance of dev, and so its writer."""
    rds = site.client("rds")
    before = rds.describe_db_instances(DBInstanceIdentifier="ils-dev-1")["DBInstances"][0]
    rds.delete_db_instance(DBInstanceIdentifier="ils-dev-1", SkipFinalSnapshot=True)
    try:
        yield
    finally:
        kept = (
            *("DBInstanceIdentifier", "DBClusterIdentifier", "DBInstanceClass", "Engine", "PubliclyAccessible"),
            *("PromotionTier", "MonitoringInterval", "MonitoringRoleArn", "PreferredMaintenanceWindow"),
            *("PerformanceInsightsRetentionPeriod", "CopyTagsToSnapshot", "AutoMinorVersionUpgrade"),
        )
        rds.create_db_instance(
            **{member: before[member] for member in kept if member in before},
            EnablePerformanceInsights=before.get("PerformanceInsightsEnabled", False),
            PerformanceInsightsKMSKeyId=before["PerformanceInsightsKMSKeyId"],
            Tags=before["TagList"],
        )


def _image(tag: str) -> Change:
    @change
    def patched(site: Site) -> Iterator[None]:
        from kubernetes import client

        apps = client.AppsV1Api(site.kubernetes())
        container = apps.read_namespaced_deployment("ils", NAMESPACE).spec.template.spec.containers[0].name
        body = {"spec": {"template": {"spec": {"containers": [{"name": container, "image": f"ils/app:{tag}"}]}}}}
        apps.patch_namespaced_deployment("ils", NAMESPACE, body, field_manager="kubectl-edit")
        until(lambda: _app(site) != "healthy", "the new pods to fail")
        try:
            yield
        finally:
            apps.delete_namespaced_deployment("ils", NAMESPACE)
            layer_work(site.target, Layer.APP_RELEASE).up()

    return patched


def _app(site: Site) -> str:
    return str(site.health(Layer.APP_RELEASE).layers[0].says)


@change
def _without_deployment(site: Site) -> Iterator[None]:
    from kubernetes import client

    client.AppsV1Api(site.kubernetes()).delete_namespaced_deployment("ils", NAMESPACE)
    try:
        yield
    finally:
        layer_work(site.target, Layer.APP_RELEASE).up()


@change
def _without_targets(site: Site) -> Iterator[None]:
    """No pod is left that the controller could register."""
    with _without_deployment(site):
        group = site.output(Layer.LOAD_BALANCER, "target_group_arn")
        until(lambda: not _targets(site, group), "the pods to be deregistered")
        yield
    until(lambda: len(_targets(site, group)) == 3, "the pods to be registered again")


def _targets(site: Site, group: str) -> list[Any]:
    return list(site.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"])


@change
def _none_can_start(site: Site) -> Iterator[None]:
    """The old pods are gone, and the new image cannot be pulled."""
    from kubernetes import client

    apps, core = client.AppsV1Api(site.kubernetes()), client.CoreV1Api(site.kubernetes())
    with _image("does-not-exist")(site):
        apps.patch_namespaced_deployment_scale("ils", NAMESPACE, {"spec": {"replicas": 0}})
        until(lambda: not core.list_namespaced_pod(NAMESPACE).items, "the pods to be gone")
        apps.patch_namespaced_deployment_scale("ils", NAMESPACE, {"spec": {"replicas": 3}})
        until(lambda: "pod" in _found(site), "new pods to fail")
        yield


def _found(site: Site) -> str:
    return site.health(Layer.APP_RELEASE).findings[0].found.partition("(")[2]


_STOPPED = calls(
    "rds",
    ("stop_db_cluster", {"DBClusterIdentifier": CLUSTER}),
    ("start_db_cluster", {"DBClusterIdentifier": CLUSTER}),
)
_KEY_OFF = calls(
    "kms",
    ("disable_key", {}),
    ("enable_key", {}),
    KeyId=lambda site: site.id(Layer.ENCRYPTION, "Key", "database"),
)
_AUDIT = {"types": ["audit"]}
_LOGS_CHANGED = calls(
    "eks",
    ("update_cluster_config", {"name": CLUSTER, "logging": {"clusterLogging": [{**_AUDIT, "enabled": False}]}}),
    ("update_cluster_config", {"name": CLUSTER, "logging": {"clusterLogging": [{**_AUDIT, "enabled": True}]}}),
)
_COREDNS = {"clusterName": CLUSTER, "addonName": "coredns"}
_ADDON_CHANGED = calls(
    "eks",
    ("update_addon", {**_COREDNS, "configurationValues": '{"replicaCount": 3}'}),
    ("update_addon", {**_COREDNS, "configurationValues": ""}),
)
_CACHE_CHANGED = calls(
    "elasticache",
    (
        "modify_replication_group",
        {"ReplicationGroupId": CLUSTER, "SnapshotRetentionLimit": 2, "ApplyImmediately": True},
    ),
    (
        "modify_replication_group",
        {"ReplicationGroupId": CLUSTER, "SnapshotRetentionLimit": 1, "ApplyImmediately": True},
    ),
)
_WRITER_CHANGED = calls(
    "rds",
    ("modify_db_instance", {"DBInstanceIdentifier": "ils-dev-1", "PromotionTier": 1, "ApplyImmediately": True}),
    ("modify_db_instance", {"DBInstanceIdentifier": "ils-dev-1", "PromotionTier": 0, "ApplyImmediately": True}),
)


def _balanced(targets: int, *, listening: bool) -> Change:
    """A load balancer of somebody's in the VPC."""

    @change
    def added(site: Site) -> Iterator[None]:
        elb = site.client("elbv2")
        vpc, subnets = site.output(Layer.VPC, "vpc_id"), site.output(Layer.VPC, "public_subnet_ids")
        balancer = elb.create_load_balancer(Name="by-hand", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        group = elb.create_target_group(Name="by-hand", Protocol="HTTP", Port=5000, VpcId=vpc, TargetType="ip")
        group = group["TargetGroups"][0]["TargetGroupArn"]
        forward = [{"Type": "forward", "TargetGroupArn": group}]
        listeners = []
        if listening:
            made = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
            listeners = [listener["ListenerArn"] for listener in made["Listeners"]]
        addresses = [{"Id": f"10.0.11.{number}", "Port": 5000} for number in range(10, 10 + targets)]
        elb.register_targets(TargetGroupArn=group, Targets=addresses)
        try:
            yield
        finally:
            for listener in listeners:
                elb.delete_listener(ListenerArn=listener)
            elb.delete_target_group(TargetGroupArn=group)
            elb.delete_load_balancer(LoadBalancerArn=balancer)

    return added


_BUCKET = "ils-dev-backups-123456789012-us-east-1"


def _vault_gone(name: str, region: str) -> Change:
    @change
    def gone(site: Site) -> Iterator[None]:
        backup = site.target.client("backup", region=region)
        before = backup.describe_backup_vault(BackupVaultName=name)
        tags = backup.list_tags(ResourceArn=before["BackupVaultArn"])["Tags"]
        backup.delete_backup_vault(BackupVaultName=name)
        try:
            yield
        finally:
            backup.create_backup_vault(
                BackupVaultName=name, EncryptionKeyArn=before["EncryptionKeyArn"], BackupVaultTags=tags
            )

    return gone


@change
def _copying_gone(site: Site) -> Iterator[None]:
    s3 = site.client("s3")
    before = s3.get_bucket_replication(Bucket=_BUCKET)["ReplicationConfiguration"]
    s3.delete_bucket_replication(Bucket=_BUCKET)
    try:
        yield
    finally:
        s3.put_bucket_replication(Bucket=_BUCKET, ReplicationConfiguration=before)


_COLLECTOR = {"clusterName": CLUSTER, "addonName": "adot"}
_COLLECTOR_CHANGED = calls("eks", ("update_addon", _COLLECTOR), ("describe_addon", _COLLECTOR))
_DR_KEY_OFF = calls(
    "kms",
    ("disable_key", {}),
    ("enable_key", {}),
    region="us-west-2",
    KeyId=lambda site: site.id(Layer.BACKUP_VAULT, "ReplicaKey", "backup-copies"),
)


@change
def _alarm_off(site: Site) -> Iterator[None]:
    cloudwatch, name = site.client("cloudwatch"), "ils-dev-database-cpu"
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="91 % for a quarter of an hour")
    try:
        yield
    finally:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="12 %")


_DEGRADED, _UNHEALTHY = HealthStatus.DEGRADED, HealthStatus.UNHEALTHY

CASES: tuple[Case, ...] = (
    Case(Layer.VPC, "NAT gateway nat-", _DEGRADED, "pending", _slowly(_another_gateway)),
    Case(Layer.ENCRYPTION, "KMS key database", _UNHEALTHY, "Disabled", _KEY_OFF),
    Case(Layer.CLUSTER, "EKS cluster ils-dev", _DEGRADED, "UPDATING", _slowly(_LOGS_CHANGED)),
    Case(Layer.CLUSTER, "add-on coredns", _DEGRADED, "UPDATING", _slowly(_ADDON_CHANGED)),
    Case(Layer.CLUSTER, "add-on vpc-cni", _UNHEALTHY, "not there", without_addon("vpc-cni")),
    Case(Layer.CLUSTER, "node group general", _DEGRADED, "UPDATING", _slowly(_updated_node_group)),
    Case(Layer.CLUSTER, "nodes of group general", _DEGRADED, "container runtime is down", _node_down),
    Case(Layer.DATABASE, "database cluster ils-dev", _UNHEALTHY, "stopped", _STOPPED),
    Case(Layer.DATABASE, "database instance ils-dev-1", _DEGRADED, "modifying", _slowly(_WRITER_CHANGED)),
    Case(Layer.DATABASE, "database instance ils-dev-1", _UNHEALTHY, "not there", _without_instance),
    Case(Layer.DATABASE, "database writer of ils-dev", _UNHEALTHY, "none", _without_instance),
    Case(Layer.CACHE, "cache ils-dev", _DEGRADED, "modifying", _slowly(_CACHE_CHANGED)),
    Case(LB, "load balancer by-hand", _DEGRADED, "provisioning", _slowly(_balanced(1, listening=True))),
    Case(LB, "target group ils-dev-app", _UNHEALTHY, "none registered", _without_targets),
    Case(LB, "listeners of by-hand", _UNHEALTHY, "none", _balanced(1, listening=False)),
    Case(Layer.BACKUP_VAULT, "KMS key dr backup", _UNHEALTHY, "Disabled", _DR_KEY_OFF),
    Case(Layer.BACKUP_VAULT, "backup vault ils-dev in", _UNHEALTHY, "not there", _vault_gone("ils-dev", "us-east-1")),
    Case(
        Layer.BACKUP_VAULT,
        "backup vault ils-dev-copies in",
        _UNHEALTHY,
        "not there",
        _vault_gone("ils-dev-copies", "us-west-2"),
    ),
    Case(Layer.BACKUP_VAULT, "copying from", _UNHEALTHY, "not there", _copying_gone),
    Case(Layer.MONITORING, "alarm ils-dev-database-cpu", _UNHEALTHY, "ALARM: 91 %", _alarm_off),
    Case(
        Layer.MONITORING, "alarm ils-dev-requests-slow", _UNHEALTHY, "not there", without_alarm("ils-dev-requests-slow")
    ),
    Case(Layer.MONITORING, "add-on adot", _DEGRADED, "UPDATING", _slowly(_COLLECTOR_CHANGED)),
    Case(Layer.APP_RELEASE, "deployment ils-dev/ils", _DEGRADED, "ImagePull", _image("does-not-exist")),
    Case(Layer.APP_RELEASE, "deployment ils-dev/ils", _DEGRADED, "CrashLoopBackOff", _image("crash")),
    Case(Layer.APP_RELEASE, "deployment ils-dev/ils", _UNHEALTHY, "0 of 3 pods", _none_can_start),
    Case(Layer.APP_RELEASE, "deployment ils-dev/ils", _UNHEALTHY, "not there", _without_deployment),
)

REFUSED: tuple[tuple[str, str, str, str], ...] = (
    # server, service, operation, the components that nothing is then known of
    ("aws", "ec2", "DescribeNatGateways", "NAT gateways"),
    ("aws", "kms", "DescribeKey", "KMS keys"),
    ("aws", "eks", "DescribeCluster", "EKS cluster"),
    ("aws", "eks", "DescribeAddon", "add-ons"),
    ("aws", "eks", "DescribeNodegroup", "node groups"),
    ("kubernetes", "kubernetes", "list nodes", "nodes"),
    ("aws", "rds", "DescribeDBClusters", "database cluster"),
    ("aws", "rds", "DescribeDBInstances", "database instances"),
    ("aws", "elasticache", "DescribeReplicationGroups", "cache"),
    ("aws", "elasticache", "DescribeCacheClusters", "cache nodes"),
    ("aws", "elbv2", "DescribeLoadBalancers", "load balancers"),
    ("aws", "elbv2", "DescribeTargetGroups", "target groups"),
    ("aws", "kms", "DescribeKey", "backup keys"),
    ("aws", "backup", "ListBackupVaults", "backup vaults"),
    ("aws", "backup", "GetBackupPlan", "backup plan"),
    ("aws", "s3", "GetBucketVersioning", "backup buckets"),
    ("aws", "s3", "GetBucketReplication", "copying of backup sets"),
    ("aws", "cloudwatch", "DescribeAlarms", "alarms"),
    ("aws", "sns", "GetTopicAttributes", "alarm topic"),
    ("aws", "eks", "DescribeAddon", "telemetry add-ons"),
    ("kubernetes", "kubernetes", "list deployments", "deployment"),
)
