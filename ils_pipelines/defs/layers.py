"""One asset per layer, one partition per environment: what to say about each, and how it is materialized."""

from collections.abc import Mapping
from dataclasses import dataclass

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.metadata import outputs_version, report_metadata
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.steps import work_on_layer
from ils_pipelines.provisioning.progress import Action
from ils_pipelines.settings.layers import DEPENDS_ON, Layer

OWNERS = ("team:platform",)


@dataclass(frozen=True)
class Card:
    """What the UI says about a layer."""

    description: str
    kinds: frozenset[str]
    """At most three; Dagster shows an icon for each that it knows."""
    group: str = "infrastructure"


CARDS: Mapping[Layer, Card] = {
    Layer.VPC: Card(
        "The network: VPC, public and private subnets, internet and NAT gateways, routes, endpoints, flow logs, and the "
        "security groups of every layer inside it.",
        frozenset({"pulumi", "aws", "vpc"}),
    ),
    Layer.ENCRYPTION: Card(
        "The customer-managed KMS keys, with rotation, with which the other layers encrypt what they keep.",
        frozenset({"pulumi", "aws", "kms"}),
    ),
    Layer.CLUSTER: Card(
        "EKS: control plane with its logs, managed node groups, IAM roles, OIDC provider for service accounts.",
        frozenset({"pulumi", "aws", "eks"}),
    ),
    Layer.DATABASE: Card(
        "Aurora PostgreSQL with the database `ilsdb`; RDS keeps the master password in Secrets Manager.",
        frozenset({"pulumi", "aws", "postgresql"}),
    ),
    Layer.CACHE: Card(
        "ElastiCache for Redis: in-transit and at-rest encryption, with its token in Secrets Manager.",
        frozenset({"pulumi", "aws", "redis"}),
    ),
    Layer.TABLES: Card(
        "DynamoDB: `sessions` and `analytics`, whose items expire, billed by request and encrypted with a key of their own.",
        frozenset({"pulumi", "aws", "dynamodb"}),
    ),
    Layer.SECRETS: Card(
        "Secrets Manager: places for what only people know (database login, sign-in provider, LIMS); they fill them in.",
        frozenset({"pulumi", "aws", "secretsmanager"}),
    ),
    Layer.LOAD_BALANCER: Card(
        "The application load balancer: HTTPS with a certificate of ACM, redirect from HTTP, targets, access-log bucket.",
        frozenset({"pulumi", "aws", "elb"}),
    ),
    Layer.BACKUP_VAULT: Card(
        "Where backups are kept: a vault with a nightly plan for the tables, a locked bucket for backup sets, their key, and "
        "the copies of all three in another region.",
        frozenset({"pulumi", "aws", "backup"}),
    ),
    Layer.MONITORING: Card(
        "What is watched: log groups of pods and nodes, collectors of metrics and traces, a dashboard, and alarms to an "
        "encrypted topic.",
        frozenset({"pulumi", "aws", "cloudwatch"}),
    ),
    Layer.APP_RELEASE: Card(
        "The ILS application on the cluster: namespace, configuration, secrets, service account, deployment, service.",
        frozenset({"kubernetes"}),
        group="application",
    ),
}


def asset_key(layer: Layer) -> AssetKey:
    """Layers have no prefix: what is made from them (backups, reports) will have one of its own."""
    return AssetKey([str(layer)])


def _layer_asset(layer: Layer) -> AssetsDefinition:
    card = CARDS[layer]

    @asset(
        key=asset_key(layer),
        deps=[asset_key(needed) for needed in DEPENDS_ON[layer]],
        partitions_def=ENVIRONMENTS,
        description=card.description,
        kinds=set(card.kinds),
        group_name=card.group,
        owners=list(OWNERS),
        tags={"ils/layer": str(layer)},
    )
    def provisioned(context: AssetExecutionContext, targets: EnvironmentTargets) -> MaterializeResult:  # type: ignore[type-arg]
        report = work_on_layer(context, targets, layer, Action.UP)
        return MaterializeResult(
            metadata=report_metadata(report),
            data_version=outputs_version(report.outputs),
        )

    return provisioned


LAYER_ASSETS: tuple[AssetsDefinition, ...] = tuple(_layer_asset(layer) for layer in Layer)
