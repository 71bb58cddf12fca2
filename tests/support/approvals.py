"""Approvals to record, and their use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ils_pipelines.engine.models import Change, Operation, Plan
from ils_pipelines.provisioning.approval_log import Approval, Completion, Use
from ils_pipelines.provisioning.code_version import CodeVersion

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CODE = CodeVersion(package="1.0.0", commit="c" * 40, sources="a" * 64, environment_file="b" * 64)
PLAN = Plan(
    project="ils-vpc",
    stack="production",
    changes=(Change(urn="urn:vpc", type="aws:ec2/vpc:Vpc", name="vpc", operation=Operation.CREATE),),
    unchanged=0,
)


def approval(number: str = "1", environment: str = "production", at: datetime = NOW) -> Approval:
    return Approval(
        id=number,
        environment=environment,
        digest=(number * 64)[:64],
        code=CODE,
        by="alice",
        reason="CHG-1",
        at=at,
        expires=at + timedelta(hours=24),
        plans=(PLAN,),
    )


def use(number: str = "1", run: str = "run") -> Use:
    return Use(approval=number, environment="production", run=run, at=NOW)


def completion(number: str = "1", run: str = "run") -> Completion:
    return Completion(approval=number, environment="production", run=run, at=NOW)
