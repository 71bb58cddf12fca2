"""What AWS charges for a resource of each type: products of the price table with their quantities, and what depends on use.

A type that is in none of the tables is unknown: an estimate names it rather than take it for free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.versions import Product, Standing, Support, classify

Properties = Mapping[str, Any]
"""Plain values by property path, e.g. `scalingConfig.desiredSize` or `instanceTypes[0]`."""

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
EKS_CLUSTER = "aws:eks/cluster:Cluster"
DATABASE_INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
REPLICATION_GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
METRIC_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
VPC_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
KUBERNETES = "kubernetes:"
"""What runs on the nodes is paid for with them."""
DISK_GIB = "blockDeviceMappings[0].ebs.volumeSize"


@dataclass(frozen=True)
class Charge:
    """So much of a product, all month."""

    product: str
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True)
class Unpriced:
    """A part of a resource that cannot be priced, and why: its price moves, or what decides it is not known."""

    reason: str


Charges = Iterator[Charge | Unpriced]

FIXED: Mapping[str, str] = {
    "aws:ec2/natGateway:NatGateway": "nat-gateway",
    "aws:ec2/eip:Eip": "public-ipv4",
    "aws:kms/key:Key": "kms-key",
    "aws:kms/replicaKey:ReplicaKey": "kms-key",
    "aws:secretsmanager/secret:Secret": "secret",
    "aws:rds/cluster:Cluster": "secret",  # the master user's, which RDS keeps
    "aws:lb/loadBalancer:LoadBalancer": "application-load-balancer",
    "aws:cloudwatch/dashboard:Dashboard": "cloudwatch/dashboard",
}
"""Types of which each resource costs the same."""

USE: Mapping[str, str] = {
    "aws:ec2/natGateway:NatGateway": "traffic through NAT gateways (0.045 USD per GB), and out to the internet",
    "aws:ec2/flowLog:FlowLog": "logs taken in and kept (CloudWatch Logs)",
    "aws:cloudwatch/logGroup:LogGroup": "logs taken in and kept (CloudWatch Logs)",
    "aws:kms/key:Key": "requests to KMS, and versions of keys that were rotated",
    "aws:kms/replicaKey:ReplicaKey": "requests to KMS, and versions of keys that were rotated",
    "aws:secretsmanager/secret:Secret": "requests to Secrets Manager",
    "aws:rds/cluster:Cluster": "Aurora storage, requests to it, and backups beyond the size of the data",
    "aws:elasticache/replicationGroup:ReplicationGroup": "cache snapshots beyond the free one",
    "aws:lb/loadBalancer:LoadBalancer": "load balancer capacity units (traffic)",
    "aws:dynamodb/table:Table": "DynamoDB requests on demand, storage, indexes and point-in-time recovery",
    "aws:s3/bucket:Bucket": "S3 storage and requests",
    "aws:s3/bucketV2:BucketV2": "S3 storage and requests",
    "aws:sns/topic:Topic": "SNS messages",
    "aws:amp/workspace:Workspace": "samples taken in, kept and asked for (Amazon Managed Service for Prometheus)",
    "aws:eks/addon:Addon": "metrics, logs and traces that agents in the cluster hand on (CloudWatch, X-Ray)",
    "aws:backup/vault:Vault": "recovery points kept in backup vaults (0.10 USD per GiB and month), and copying them",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": "copying to the other region (0.02 USD per GB)",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "the web ACL, which is not ours, and its requests",
    "aws:route53/record:Record": "DNS queries",
}
"""What depends on use, by type."""

FREE = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:backup/plan:Plan",
        "aws:backup/selection:Selection",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        LAUNCH_TEMPLATE,
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:kms/alias:Alias",
        "aws:lb/listener:Listener",
        "aws:lb/targetGroup:TargetGroup",
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:xray/group:Group",
        "aws:xray/samplingRule:SamplingRule",
    }
)


def _eks_cluster(properties: Properties, today: date) -> Charges:
    version = properties.get("version")
    if not isinstance(version, str):
        yield Unpriced("its Kubernetes version is not known, and so not whether it is in extended support")
        return
    extended = classify(Product.EKS, version, today).support is Support.EXTENDED
    yield Charge("eks/extended" if extended else "eks/standard")


def _node_group(properties: Properties, _today: date) -> Charges:
    nodes, kinds = properties.get("scalingConfig.desiredSize"), _list(properties, "instanceTypes")
    if not isinstance(nodes, int | float) or not kinds:
        yield Unpriced("its size or its instance types are not known")
        return
    if not nodes:
        return
    if properties.get("capacityType") == "SPOT":
        yield Unpriced(f"{nodes:g} spot nodes: their price moves")
    else:
        # Of several types EC2 takes the first that it has.
        yield Charge(f"ec2/{kinds[0]}", Decimal(str(nodes)))
    disk = properties.get(DISK_GIB)
    if isinstance(disk, int | float):
        yield Charge("ebs/gp3", Decimal(str(nodes)) * Decimal(str(disk)))
    else:
        yield Unpriced("the size of its nodes' disks is not known")


def _database_instance(properties: Properties, today: date) -> Charges:
    kind, version = properties.get("instanceClass"), properties.get("engineVersion")
    if not isinstance(kind, str):
        yield Unpriced("its instance class is not known")
        return
    yield Charge(f"aurora/{kind}")
    if isinstance(version, str):
        major = version.partition(".")[0]
        yield from extended_support(kind, classify(Product.AURORA_POSTGRESQL, major, today), today)


def extended_support(kind: str, standing: Standing, today: date) -> Charges:
    """What an Aurora instance costs beside its price, by the vCPUs of its class, while its version is in extended support."""
    if standing.support is not Support.EXTENDED or standing.until is None:
        return
    # Three years: the price doubles in the last one.
    last = today > standing.until.replace(year=standing.until.year - 1, day=min(standing.until.day, 28))
    vcpus = vcpus_of(kind)
    if vcpus is None:
        yield Unpriced(f"its extended support goes by vCPUs, of which {kind} has an unknown number")
    else:
        yield Charge(f"aurora-extended/{'year-3' if last else 'years-1-2'}", Decimal(vcpus))


def vcpus_of(kind: str) -> int | None:
    """Of a class of RDS instances that Aurora has: `db.r6g.2xlarge` has eight, as has every other 2xlarge."""
    size = kind.rpartition(".")[2]
    if size in ("medium", "large"):
        return 2
    times = size.removesuffix("xlarge")
    if times == size or not (times.isdigit() or not times):
        return None
    return 4 * int(times or 1)


def _replication_group(properties: Properties, _today: date) -> Charges:
    kind, nodes = properties.get("nodeType"), properties.get("numCacheClusters")
    engine = properties.get("engine", "redis")
    if isinstance(kind, str) and isinstance(nodes, int | float):
        yield Charge(f"{engine}/{kind}", Decimal(str(nodes)))
    else:
        yield Unpriced("its node type or the number of its nodes is not known")


def _metric_alarm(properties: Properties, _today: date) -> Charges:
    """Charged by the metric that it looks at."""
    queries = {path.partition("]")[0] for path in properties if path.endswith(".metric.metricName")}
    yield Charge("cloudwatch/alarm", Decimal(max(1, len(queries))))


def _vpc_endpoint(properties: Properties, _today: date) -> Charges:
    if properties.get("vpcEndpointType") != "Gateway":
        yield Unpriced("only gateway endpoints are free, and the table has no price for others")


METRICS_OF_ALARMS: Mapping[str, int] = {
    "requests-failing": 3,
    "sessions-throttled": 2,
    "analytics-throttled": 2,
    "backups-failed": 3,
}
"""Alarms that look at more than one metric."""

SIZED: Mapping[str, Callable[[Properties, date], Charges]] = {
    EKS_CLUSTER: _eks_cluster,
    NODE_GROUP: _node_group,
    DATABASE_INSTANCE: _database_instance,
    REPLICATION_GROUP: _replication_group,
    METRIC_ALARM: _metric_alarm,
    VPC_ENDPOINT: _vpc_endpoint,
}
"""Types whose price depends on their properties."""


def charges(type_token: str, properties: Properties, today: date) -> tuple[Charge | Unpriced, ...]:
    """What is charged for one resource, all month, but for its use."""
    if type_token in SIZED:
        return tuple(SIZED[type_token](properties, today))
    if type_token in FIXED:
        return (Charge(FIXED[type_token]),)
    if type_token in FREE or type_token in USE or type_token.startswith(KUBERNETES):
        return ()
    return (Unpriced("the table does not know this type"),)


def declared(environment: Environment) -> dict[tuple[str, str], Properties]:
    """What decides the price of the resources that the programs declare, by type and name.

    A plan names what it creates without its properties: these are the same, from the environment's file.
    """
    cache, database = environment.cache, environment.database
    found: dict[tuple[str, str], Properties] = {
        (EKS_CLUSTER, "cluster"): {"version": environment.cluster.version},
        (REPLICATION_GROUP, "cache"): {
            "engine": cache.engine.value,
            "nodeType": cache.node_type,
            "numCacheClusters": cache.nodes,
        },
    }
    for group in environment.cluster.node_groups:
        found[LAUNCH_TEMPLATE, group.name] = {DISK_GIB: group.disk_gib}
        found[NODE_GROUP, group.name] = {
            "capacityType": group.capacity.value.upper(),
            "scalingConfig.desiredSize": group.desired_size,
            **{f"instanceTypes[{place}]": kind for place, kind in enumerate(group.instance_types)},
        }
    for number in range(1, database.instances + 1):
        found[DATABASE_INSTANCE, f"database-{number}"] = {
            "instanceClass": database.instance_class,
            "engineVersion": database.engine_version,
        }
    for alarm, metrics in METRICS_OF_ALARMS.items():
        found[METRIC_ALARM, alarm] = {f"metricQueries[{place}].metric.metricName": "" for place in range(metrics)}
    for service in ("s3", "dynamodb"):
        found[VPC_ENDPOINT, service] = {"vpcEndpointType": "Gateway"}
    return found


def _list(properties: Properties, path: str) -> list[str]:
    found: list[str] = []
    while isinstance(value := properties.get(f"{path}[{len(found)}]"), str):
        found.append(value)
    return found
