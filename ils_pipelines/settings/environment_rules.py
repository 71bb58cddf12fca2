"""Rules over more than one section of an environment, above all those of the production tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from ils_pipelines.settings.access_rules import ACCESS_RULES
from ils_pipelines.settings.account import partition_of
from ils_pipelines.settings.backup_rules import BACKUP_RULES
from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from ils_pipelines.settings.monitoring import COLLECTORS_NAMESPACE, TRACES_SERVICE, Prometheus
from ils_pipelines.settings.network import NatMode, zone_letters
from ils_pipelines.settings.problems import Finding, Location, Severity
from ils_pipelines.settings.schedules import NEVER
from ils_pipelines.settings.tiers import TargetKind, Tier, WaivableRule
from ils_pipelines.settings.workload import TracingMode

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

# A week covers a mistake that is noticed only after the weekend.
_SHORTEST_PRODUCTION_RECOVERY_DAYS = 7
_SHORTEST_PRODUCTION_LOG_DAYS = 30
_WAIVER_EXAMPLE = "or record the reason under waivers (rule: {rule}, reason, expires)"


def _account_is_named(environment: Environment, _today: date) -> Iterator[Finding]:
    if environment.target is TargetKind.AWS and environment.aws.account_id is None:
        yield Finding(
            ("aws", "account_id"),
            None,
            "is needed for target aws, so that nothing is applied to the wrong account",
            'Add its twelve digits in quotes: "123456789012".',
        )


def _state_is_kept(environment: Environment, _today: date) -> Iterator[Finding]:
    backend = environment.engine.backend
    if environment.target is TargetKind.AWS and backend is None:
        yield Finding(
            ("engine", "backend"),
            None,
            "is needed for target aws: Pulumi keeps there what it knows of the resources",
            'Name a bucket: "s3://ils-pulumi-state?region=us-east-1&awssdk=v2".',
        )
    if environment.tier is Tier.PRODUCTION and backend is not None and backend.startswith("file:"):
        yield Finding(
            ("engine", "backend"),
            backend,
            "keeps the only record of production's resources on one machine",
            "Use a versioned S3 bucket.",
            severity=Severity.WARNING,
        )


def _external_id_has_a_role(environment: Environment, _today: date) -> Iterator[Finding]:
    if environment.aws.external_id is not None and not (environment.aws.assume_role or environment.aws.roles):
        yield Finding(
            ("aws", "external_id"),
            environment.aws.external_id,
            "is given to nobody: there is no role to assume",
            "Add aws.assume_role, or leave the external id out.",
        )


def _upgrades_are_confirmed(environment: Environment, _today: date) -> Iterator[Finding]:
    cron = environment.schedules.database_upgrade
    if environment.requires_approval and cron not in (None, NEVER):
        yield Finding(
            ("schedules", "database_upgrade"),
            cron,
            "would be refused whenever there is something to do: requires_approval wants a person's confirmation",
            f"Leave it out, and upgrade by hand: ils upgrade {environment.name} --database --confirm {environment.name}",
        )


def _zones_exist(environment: Environment, _today: date) -> Iterator[Finding]:
    zones = environment.network.availability_zones
    letters = zone_letters(environment.aws.region)
    if isinstance(zones, int) and zones > len(letters):
        yield Finding(
            ("network", "availability_zones"),
            zones,
            f"only {len(letters)} zones of {environment.aws.region} ({', '.join(letters)}) are known to be open to all",
            "Use fewer, or list the letters of the zones your account has.",
        )


def _copies_are_elsewhere(environment: Environment, _today: date) -> Iterator[Finding]:
    region, elsewhere = environment.aws.region, environment.backup_vault.dr_region
    if elsewhere == region:
        yield Finding(
            ("backup_vault", "dr_region"),
            elsewhere,
            "is the environment's own region: what takes that down takes the copies with it",
            "Use another region of the same country or union.",
        )
    elif partition_of(elsewhere) != partition_of(region):
        yield Finding(
            ("backup_vault", "dr_region"),
            elsewhere,
            f"is in another partition of AWS than {region}, and nothing can be copied there",
            f"Use another region of the partition {partition_of(region)}.",
        )


def _verifiers_are_elsewhere(environment: Environment, _today: date) -> Iterator[Finding]:
    for number, network in enumerate(environment.drills.verify_from):
        if network.overlaps(environment.network.cidr):
            yield Finding(
                ("drills", "verify_from", number),
                str(network),
                "overlaps network.cidr, so that what is live could reach what a drill restored",
                "Name the network that Dagster runs in, outside of the environment.",
            )


def _ports_differ(environment: Environment, _today: date) -> Iterator[Finding]:
    if environment.cache.port == environment.database.port:
        yield Finding(
            ("cache", "port"),
            environment.cache.port,
            "is the database's port too, so that one security rule would open both",
            "Use 6379 for the cache and 5432 for the database.",
        )


def _traces_are_taken(environment: Environment, _today: date) -> Iterator[Finding]:
    tracing = environment.app.tracing
    ours = (tracing.collector_namespace, tracing.collector_service) == (COLLECTORS_NAMESPACE, TRACES_SERVICE)
    if tracing.mode is TracingMode.COLLECTOR and ours and not environment.monitoring.tracing:
        yield Finding(
            ("app", "tracing", "mode"),
            tracing.mode.value,
            "sends traces to the collector of layer monitoring, which has none",
            "Turn monitoring.tracing on, name another collector, or use mode off.",
            severity=Severity.WARNING,
        )


def _metrics_can_be_read(environment: Environment, _today: date) -> Iterator[Finding]:
    scraped = environment.monitoring.prometheus is not Prometheus.NONE
    if scraped and COLLECTORS_NAMESPACE not in environment.app.scraping_namespaces:
        yield Finding(
            ("app", "scraping_namespaces"),
            list(environment.app.scraping_namespaces),
            "lets the collector of layer monitoring read no metrics: the network policy shuts it out",
            f"Add {COLLECTORS_NAMESPACE}, or set monitoring.prometheus to none.",
            severity=Severity.WARNING,
        )


def _production_is_protected(environment: Environment, today: date) -> Iterator[Finding]:
    switches: tuple[tuple[Location, bool], ...] = (
        (("protection",), environment.protection),
        (("cluster", "deletion_protection"), environment.cluster.deletion_protection),
        (("database", "deletion_protection"), environment.database.deletion_protection),
        (("database", "final_snapshot"), environment.database.final_snapshot),
        (("tables", "deletion_protection"), environment.tables.deletion_protection),
        (("load_balancer", "deletion_protection"), environment.load_balancer.deletion_protection),
    )
    for location, on in switches:
        if not on:
            yield from _demand(
                environment, today, WaivableRule.DELETION_PROTECTION, location, on, "must be on in production", "true"
            )
    if environment.secrets.recovery_window_days == 0:
        yield from _demand(
            environment,
            today,
            WaivableRule.DELETION_PROTECTION,
            ("secrets", "recovery_window_days"),
            0,
            "deletes production's secrets beyond recall",
            "30",
        )


def _production_spans_zones(environment: Environment, today: date) -> Iterator[Finding]:
    counts: tuple[tuple[Location, int], ...] = (
        (("database", "instances"), environment.database.instances),
        (("cache", "nodes"), environment.cache.nodes),
    )
    for location, count in counts:
        if count < 2:
            yield from _demand(
                environment,
                today,
                WaivableRule.MULTI_AZ,
                location,
                count,
                "leaves production without a second one in another zone",
                "3",
            )
    if environment.network.nat is NatMode.SINGLE:
        yield from _demand(
            environment,
            today,
            WaivableRule.MULTI_AZ,
            ("network", "nat"),
            environment.network.nat.value,
            "ties all zones of production to one NAT gateway",
            "per_az",
        )


def _production_can_recover(environment: Environment, today: date) -> Iterator[Finding]:
    reach: tuple[tuple[Location, int, str], ...] = (
        (("database", "backup_retention_days"), environment.database.backup_retention_days, "30"),
        (("tables", "recovery_days"), environment.tables.recovery_days, "35"),
    )
    for location, days, instead in reach:
        if days < _SHORTEST_PRODUCTION_RECOVERY_DAYS:
            yield from _demand(
                environment,
                today,
                WaivableRule.POINT_IN_TIME_RECOVERY,
                location,
                days,
                f"lets point-in-time recovery reach back less than {_SHORTEST_PRODUCTION_RECOVERY_DAYS} days",
                instead,
            )


def _production_keeps_logs(environment: Environment, today: date) -> Iterator[Finding]:
    kept: tuple[tuple[Location, int], ...] = (
        (("network", "flow_logs", "retention_days"), environment.network.flow_logs.retention_days),
        (("cluster", "log_retention_days"), environment.cluster.log_retention_days),
        (("database", "log_retention_days"), environment.database.log_retention_days),
        (("load_balancer", "access_log_days"), environment.load_balancer.access_log_days),
        (("monitoring", "log_retention_days"), environment.monitoring.log_retention_days),
    )
    for location, days in kept:
        if days < _SHORTEST_PRODUCTION_LOG_DAYS:
            yield from _demand(
                environment,
                today,
                WaivableRule.LOG_RETENTION,
                location,
                days,
                f"keeps production's logs less than {_SHORTEST_PRODUCTION_LOG_DAYS} days",
                "30",
            )


def _demand(
    environment: Environment,
    today: date,
    broken: WaivableRule,
    location: Location,
    value: object,
    message: str,
    instead: str,
) -> Iterator[Finding]:
    if environment.tier is Tier.PRODUCTION and not environment.waived(broken, today):
        yield Finding(location, value, message, f"Use {instead}, {_WAIVER_EXAMPLE.format(rule=broken.value)}.")


def _waivers_hold(environment: Environment, today: date) -> Iterator[Finding]:
    ends = {
        "waivers": [waiver.expires for waiver in environment.waivers],
        "posture_waivers": [waiver.expires for waiver in environment.posture_waivers],
    }
    for field, days in ends.items():
        for index, expires in enumerate(days):
            if expires < today:
                yield Finding(
                    (field, index, "expires"),
                    str(expires),
                    "is past: the waiver no longer holds",
                    "Keep the rule and remove the waiver, or decide on it anew with a later date.",
                    severity=Severity.WARNING,
                )


def _ephemeral_can_go(environment: Environment, _today: date) -> Iterator[Finding]:
    """Nobody is there when it is torn down: nothing of it may be protected, approved or missed."""
    if environment.ephemeral is None:
        return
    switches: tuple[tuple[Location, bool], ...] = (
        (("protection",), environment.protection),
        (("requires_approval",), environment.requires_approval),
        (("cluster", "deletion_protection"), environment.cluster.deletion_protection),
        (("database", "deletion_protection"), environment.database.deletion_protection),
        (("tables", "deletion_protection"), environment.tables.deletion_protection),
        (("load_balancer", "deletion_protection"), environment.load_balancer.deletion_protection),
    )
    for location, on in switches:
        if on:
            yield Finding(location, on, "would keep an ephemeral environment from being torn down", "Use false.")
    if environment.tier is Tier.PRODUCTION:
        yield Finding(
            ("tier",), environment.tier.value, "is not for environments that go away by themselves", "Use development."
        )
    if environment.ephemeral.expires <= environment.ephemeral.created:
        expires = str(environment.ephemeral.expires)
        yield Finding(("ephemeral", "expires"), expires, "is not after ephemeral.created", "Use a later moment.")


def _layers_stand_on_others(environment: Environment, _today: date) -> Iterator[Finding]:
    for index, layer in enumerate(environment.layers):
        missing = [str(needed) for needed in DEPENDS_ON[layer] if needed not in environment.layers]
        if missing:
            yield Finding(
                ("layers", index),
                str(layer),
                f"builds on {', '.join(missing)}, which the environment does not have",
                f"Add {', '.join(missing)} to layers, or leave {layer} out.",
            )


def _dagster_has_where_to_live(environment: Environment, _today: date) -> Iterator[Finding]:
    missing = [layer for layer in (Layer.CLUSTER, Layer.DATABASE) if layer not in environment.layers]
    if environment.dagster is not None and missing:
        names = ", ".join(missing)
        yield Finding(
            ("dagster",),
            environment.dagster.image,
            f"needs {names}, which the environment does not have",
            f"Add {names} to layers.",
        )


# What each rule reads, so that it is skipped when that part of a file could not be understood.
ENVIRONMENT_RULES: tuple[tuple[tuple[str, ...], Callable[[Environment, date], Iterator[Finding]]], ...] = (
    (("target", "aws.account_id"), _account_is_named),
    (("target", "tier", "engine.backend"), _state_is_kept),
    (("layers",), _layers_stand_on_others),
    (("layers", "dagster"), _dagster_has_where_to_live),
    (("aws.external_id", "aws.assume_role", "aws.roles"), _external_id_has_a_role),
    (("requires_approval", "schedules.database_upgrade"), _upgrades_are_confirmed),
    (("aws.region", "network.availability_zones"), _zones_exist),
    (("aws.region", "backup_vault.dr_region"), _copies_are_elsewhere),
    (("drills.verify_from", "network.cidr"), _verifiers_are_elsewhere),
    (("cache.port", "database.port"), _ports_differ),
    (("app.tracing", "monitoring.tracing"), _traces_are_taken),
    (("app.scraping_namespaces", "monitoring.prometheus"), _metrics_can_be_read),
    (
        (
            "tier",
            "waivers",
            "protection",
            "cluster.deletion_protection",
            "database.deletion_protection",
            "database.final_snapshot",
            "tables.deletion_protection",
            "load_balancer.deletion_protection",
            "secrets.recovery_window_days",
        ),
        _production_is_protected,
    ),
    (("tier", "waivers", "database.instances", "cache.nodes", "network.nat"), _production_spans_zones),
    (("tier", "waivers", "database.backup_retention_days", "tables.recovery_days"), _production_can_recover),
    (
        (
            "tier",
            "waivers",
            "network.flow_logs",
            "cluster.log_retention_days",
            "database.log_retention_days",
            "load_balancer.access_log_days",
            "monitoring.log_retention_days",
        ),
        _production_keeps_logs,
    ),
    (("waivers", "posture_waivers"), _waivers_hold),
    (
        (
            "ephemeral",
            "tier",
            "protection",
            "requires_approval",
            "cluster.deletion_protection",
            "database.deletion_protection",
            "tables.deletion_protection",
            "load_balancer.deletion_protection",
        ),
        _ephemeral_can_go,
    ),
    *ACCESS_RULES,
    *BACKUP_RULES,
)
