"""An environment: everything its file says, validated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from ils_pipelines.settings.account import AwsAccount
from ils_pipelines.settings.app import App
from ils_pipelines.settings.backup import Backup
from ils_pipelines.settings.backup_vault import BackupVault
from ils_pipelines.settings.cache import Cache
from ils_pipelines.settings.certificates import Certificates
from ils_pipelines.settings.cluster import Cluster
from ils_pipelines.settings.costs import Costs
from ils_pipelines.settings.dagster import DagsterHome
from ils_pipelines.settings.database import Database
from ils_pipelines.settings.drills import Drills
from ils_pipelines.settings.encryption import Encryption
from ils_pipelines.settings.engine import EngineSettings
from ils_pipelines.settings.environment_rules import ENVIRONMENT_RULES
from ils_pipelines.settings.ephemeral import Ephemeral
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.load_balancer import LoadBalancer
from ils_pipelines.settings.monitoring import Monitoring
from ils_pipelines.settings.network import Network
from ils_pipelines.settings.notifications import Notifications
from ils_pipelines.settings.posture import PostureWaiver
from ils_pipelines.settings.problems import Finding, Severity, dotted
from ils_pipelines.settings.rules import findings, rule
from ils_pipelines.settings.schedules import Schedules
from ils_pipelines.settings.secrets import Secrets
from ils_pipelines.settings.section import EnvironmentName, Flag, Section, text
from ils_pipelines.settings.tables import Tables
from ils_pipelines.settings.tiers import TargetKind, Tier, WaivableRule, Waiver


class Environment(Section):
    """One YAML file of `environments/`, one Dagster partition."""

    name: EnvironmentName = Field(description="The name of the file without `.yaml`.", examples=["dev"])
    description: str = Field(default="", description="What the environment is for, in a sentence.")
    tier: Tier = Field(default=Tier.DEVELOPMENT, description="Which rules apply.")
    target: TargetKind = Field(default=TargetKind.SANDBOX, description="Where the environment lives.")
    protection: Flag = Field(
        default=False, description="Whether the engine refuses to delete or replace what holds data, keys included."
    )
    requires_approval: Flag = Field(
        default=False, description="Whether a change is applied only as a plan that somebody approved."
    )
    approval_hours: Annotated[int, Field(strict=True, ge=1, le=168)] = Field(
        default=24, description="How many hours an approval of a plan can be used."
    )
    approvals: (
        Annotated[
            str,
            text(
                r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?\s]*)?",
                "is not a place in S3",
                'Write for example "s3://ils-evidence/approvals".',
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Bucket and prefix where approvals are kept; by default beside Pulumi's state when that is in S3, else "
        "in the state folder of this machine.",
    )
    ephemeral: Ephemeral | None = Field(
        default=None, description="Written by `ils up NAME --from BASE --ttl TIME`; None for an environment that lasts."
    )
    waivers: tuple[Waiver, ...] = Field(default=(), description="Rules that do not hold here, with reasons.")
    posture_waivers: tuple[PostureWaiver, ...] = Field(
        default=(), description="Posture controls that do not hold here, with reasons."
    )
    layers: Annotated[tuple[Layer, ...], Field(min_length=1)] = Field(
        default=tuple(Layer),
        description="The layers that it has. What there is of another one stays as it is until `ils down`.",
    )
    dagster: DagsterHome | None = Field(
        default=None, description="Dagster itself, where it runs in this environment's cluster; None elsewhere."
    )
    aws: AwsAccount = Field(default_factory=AwsAccount, description="Account and region.")
    engine: EngineSettings = Field(
        default_factory=EngineSettings, description="How Pulumi applies an environment of target aws."
    )
    network: Network = Field(default_factory=Network, description="The VPC.")
    encryption: Encryption = Field(default_factory=Encryption, description="The encryption keys.")
    cluster: Cluster = Field(default_factory=Cluster, description="The Kubernetes cluster.")
    database: Database = Field(default_factory=Database, description="The Aurora PostgreSQL cluster.")
    cache: Cache = Field(default_factory=Cache, description="The Redis or Valkey replication group.")
    tables: Tables = Field(default_factory=Tables, description="The DynamoDB tables.")
    secrets: Secrets = Field(default_factory=Secrets, description="What Secrets Manager keeps.")
    load_balancer: LoadBalancer = Field(default_factory=LoadBalancer, description="The way in from the internet.")
    backup_vault: BackupVault = Field(
        default_factory=BackupVault, description="Where backups are kept, here and in another region."
    )
    backup: Backup = Field(default_factory=Backup, description="The nightly backup set.")
    drills: Drills = Field(default_factory=Drills, description="How disaster recovery is rehearsed.")
    monitoring: Monitoring = Field(
        default_factory=Monitoring, description="What is collected and watched, and who is told."
    )
    certificates: Certificates = Field(
        default_factory=Certificates, description="What the certificate check looks at besides."
    )
    costs: Costs = Field(default_factory=Costs, description="What the environment may cost.")
    notifications: Notifications = Field(
        default_factory=Notifications, description="Who is told of failed runs and of what scans find."
    )
    schedules: Schedules = Field(
        default_factory=Schedules, description="When the looks at it run, if not at the usual times."
    )
    app: App = Field(default_factory=App, description="The application.")

    @model_validator(mode="before")
    @classmethod
    def _default_namespace(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not _is_name(data.get("name")):
            return data
        app = data.get("app", {})
        if isinstance(app, Mapping) and "namespace" not in app:
            return {**data, "app": {"namespace": f"ils-{data['name']}", **app}}
        return data

    @model_validator(mode="after")
    def _obeys_the_rules(self, info: ValidationInfo) -> Self:
        context = info.context or {}
        errors = [
            found
            for found in _of_its_layers(
                self, findings(self, context.get("today", utc_today()), context.get("unreadable", frozenset()))
            )
            if found.severity is Severity.ERROR
        ]
        if errors:
            lines = [f"{dotted(found.location)}: {found.message}. {found.remedy}" for found in errors]
            raise PydanticCustomError(RULES_BROKEN, "{text}", {"text": "\n".join(lines), "findings": tuple(errors)})
        return self

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region in which the environment has resources, its own first."""
        return tuple(dict.fromkeys((self.aws.region, self.backup_vault.dr_region)))

    def waived(self, broken: WaivableRule, today: date) -> bool:
        """Whether a waiver of the rule `broken` holds on `today`."""
        return any(waiver.rule is broken and today <= waiver.expires for waiver in self.waivers)


for _reads, _check in ENVIRONMENT_RULES:
    rule(Environment, *_reads)(_check)

RULES_BROKEN = "rules_broken"
"""Type of the pydantic error whose context carries the findings."""


_SECTIONS: Mapping[str, Layer] = {"network": Layer.VPC, "app": Layer.APP_RELEASE} | {
    str(layer): layer for layer in Layer if layer not in (Layer.VPC, Layer.APP_RELEASE)
}
"""The section that says how a layer is."""


def _of_its_layers(environment: Environment, found: Iterable[Finding]) -> Iterator[Finding]:
    """What is found of a layer that the environment does not have is no finding."""
    for finding in found:
        layer = _SECTIONS.get(str(finding.location[0])) if finding.location else None
        if layer is None or layer in environment.layers:
            yield finding


_NAME = TypeAdapter[str](EnvironmentName)


def _is_name(value: Any) -> bool:
    try:
        _NAME.validate_python(value)
    except ValidationError:
        return False
    return True


def utc_today() -> date:
    """The day on which versions and waivers are judged."""
    return datetime.now(UTC).date()


def warnings(environment: Environment, today: date | None = None) -> tuple[Finding, ...]:
    """What is accepted today but deserves a look."""
    found = _of_its_layers(environment, findings(environment, today or utc_today()))
    return tuple(finding for finding in found if finding.severity is Severity.WARNING)
