"""What the sandbox's engine would do is what the real Pulumi would do, whatever is edited in the environment's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, note, settings
from hypothesis import strategies as st

from ils_pipelines.engine.models import Plan, Stack
from ils_pipelines.settings.engine import EngineSettings
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.catalog import PROGRAMS
from ils_sandbox.pulumi import real_engine
from tests.real_engine.conftest import REGION, Site, shipped
from tests.support.real_pulumi import needs_pulumi

pytestmark = [pytest.mark.real_engine, pytest.mark.slow, pytest.mark.timeout(1800)]

EDITS: dict[Layer, dict[str, list[Any]]] = {
    Layer.VPC: {
        "network.nat": ["per_az", "none"],
        "network.flow_logs.retention_days": [14, 30, 365],
        "network.gateway_endpoints": [[], ["s3"]],
        "network.public_subnets": [["10.0.3.0/24", "10.0.4.0/24"], ["10.0.1.0/24", "10.0.5.0/24"]],
        "network.private_subnets": [["10.0.11.0/24", "10.0.13.0/24"]],
        "database.port": [5433],
        "cache.port": [6380],
        "app.port": [5001],
    },
    Layer.ENCRYPTION: {
        "encryption.deletion_window_days": [8, 30],
        "encryption.rotation_period_days": [90, 180],
    },
    Layer.CLUSTER: {
        "cluster.log_retention_days": [30, 90],
        "cluster.node_groups.0.max_size": [6, 9],
        "cluster.node_groups.0.desired_size": [3],
        "cluster.node_groups.0.disk_gib": [50],
        "cluster.node_groups.0.name": ["other"],
        "cluster.node_groups.0.instance_types": [["m5.large"], ["t3.large", "t3.medium"]],
        "cluster.deletion_protection": [True],
        "cluster.log_types": [["api", "audit"]],
    },
    Layer.DATABASE: {
        "database.instances": [2, 3],
        "database.instance_class": ["db.r6g.large"],
        "database.backup_retention_days": [1, 14],
        "database.backup_window": ["01:00-02:00"],
        "database.database_name": ["other"],
        "database.deletion_protection": [True],
        "database.log_retention_days": [30],
    },
    Layer.CACHE: {
        "cache.nodes": [2, 3],
        "cache.node_type": ["cache.t4g.small"],
        "cache.snapshot_retention_days": [0, 5],
        "cache.engine": ["valkey"],
    },
    Layer.TABLES: {"tables.recovery_days": [7, 35], "tables.deletion_protection": [True]},
    Layer.SECRETS: {"secrets.recovery_window_days": [7, 30]},
    Layer.LOAD_BALANCER: {
        "load_balancer.session_hours": [1, 24],
        "load_balancer.access_log_days": [30, 365],
        "load_balancer.deletion_protection": [True],
        "app.port": [5001],
        "network.nat": ["per_az"],
    },
}
EVERYWHERE: dict[str, list[Any]] = {"aws.tags": [{}, {"cost-center": "other", "team": "lenses"}], "protection": [True]}


@dataclass(frozen=True)
class Both:
    """Both engines with the same checkpoints of one AWS."""

    embedded: Site
    real: Site


@pytest.fixture(scope="module")
def both(embedded: Site) -> Both:
    needs_pulumi()
    dev = shipped("dev")
    stacks = embedded.directory / "stacks"
    real = Site(
        real_engine(stacks, EngineSettings(), {"aws:region": REGION}, embedded.server.endpoint),
        embedded.server,
        embedded.directory,
    )
    for layer in PROGRAMS:
        stack = embedded.stack(dev, layer)
        embedded.engine.up(stack)
        real.engine.import_state(stack, embedded.engine.export_state(stack))
    return Both(embedded, real)


@st.composite
def edited(draw: st.DrawFn) -> tuple[Environment, Layer]:
    """`dev` with one to three edits, and the layer that most of them are about."""
    layer = draw(st.sampled_from(sorted(EDITS)))
    candidates = {**EDITS[layer], **EVERYWHERE}
    paths = draw(st.lists(st.sampled_from(sorted(candidates)), min_size=1, max_size=3, unique=True))
    data = shipped("dev").model_dump(mode="json")
    for path in paths:
        *way, last = path.split(".")
        place = data
        for step in way:
            place = place[int(step)] if step.isdigit() else place[step]
        place[last] = draw(st.sampled_from(candidates[path]))
        note(f"{path}: {place[last]}")
    try:
        return Environment.model_validate(data), layer
    except ValueError:
        assume(False)
        raise


def comparable(plan: Plan) -> list[dict[str, Any]]:
    return [change.model_dump(mode="json") for change in sorted(plan.changes, key=lambda change: change.urn)]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(edited())
def test_both_engines_plan_the_same(both: Both, case: tuple[Environment, Layer]) -> None:
    environment, layer = case
    stack: Stack = both.embedded.stack(environment, layer)

    ours, theirs = both.embedded.engine.preview(stack), both.real.engine.preview(stack)

    event("nothing to do" if ours.empty else "changes")
    assert comparable(ours) == comparable(theirs)
    assert ours.unchanged == theirs.unchanged
