"""Everything that is looked at, in the order in which a person would put it right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from ils_pipelines.operations.doctor import account, files, machine, state
from ils_pipelines.operations.doctor.models import Diagnosis, Verdict, ok, problem
from ils_pipelines.operations.doctor.pulumi import pulumi
from ils_pipelines.settings.environment import Environment, utc_today
from ils_pipelines.settings.loading import FileReport
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.targets import open_target
from ils_pipelines.targets.aws import AwsTarget
from ils_pipelines.targets.errors import TargetUnavailable

ACCOUNT_CHECKS: tuple[Callable[[AwsTarget], Iterator[Diagnosis]], ...] = (
    account.region,
    account.data_authorities,
    state.state,
    state.logs,
    state.key,
)


def examine(reports: Sequence[FileReport], today: date | None = None) -> Iterator[Diagnosis]:
    """Look at this machine, and at the files and targets of the environments that were read."""
    environments = [report.environment for report in reports if report.environment is not None]
    yield from machine.python()
    yield from machine.packages()
    for version in _distinct(environment.cluster.version for environment in environments):
        yield from machine.kubectl(version)
    yield from machine.state_folder()
    yield from machine.dagster_home()
    yield from files.calendar(today or utc_today())
    for report in reports:
        yield from files.environment_file(report)
    yield from _sandbox([each for each in environments if each.target is TargetKind.SANDBOX])
    in_accounts = [each for each in environments if each.target is TargetKind.AWS]
    for version in _distinct(environment.engine.pulumi_version for environment in in_accounts):
        yield from pulumi(version)
    for environment in in_accounts:
        yield from _account(AwsTarget(environment))


def _sandbox(environments: Sequence[Environment]) -> Iterator[Diagnosis]:
    """One sandbox for all the environments that live there."""
    if not environments:
        return
    subject, expected = "sandbox", f"up, for {', '.join(environment.name for environment in environments)}"
    try:
        open_target(environments[0]).preflight()
    except TargetUnavailable as error:
        found, _, remedy = str(error).partition(". ")
        yield problem(subject, expected, found, remedy or "Start it with: ils sandbox start")
    else:
        yield ok(subject, expected, "up")


def _account(target: AwsTarget) -> Iterator[Diagnosis]:
    """Everything in the account, unless it lets nobody in or is another one: then the rest says nothing."""
    identity = list(account.identity(target))
    yield from identity
    if any(each.verdict is Verdict.PROBLEM for each in identity):
        return
    for check in ACCOUNT_CHECKS:
        yield from check(target)


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
