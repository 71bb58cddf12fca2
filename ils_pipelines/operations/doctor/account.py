"""An environment's AWS account: credentials, account, clock, region."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.doctor.models import Diagnosis, ok, problem, warning
from ils_pipelines.targets.aws import AUTHORITIES_VARIABLE
from ils_pipelines.targets.errors import TargetUnavailable

if TYPE_CHECKING:
    from ils_pipelines.targets.aws import AwsTarget

CLOCK_WARNING = timedelta(seconds=60)
CLOCK_PROBLEM = timedelta(minutes=4)
"""AWS refuses signatures that are more than five minutes away from its own clock."""


def identity(target: AwsTarget) -> Iterator[Diagnosis]:
    """Credentials, the account they are of, and this machine's clock: all in one call."""
    name, wanted = target.environment.name, target.environment.aws.account_id
    try:
        caller = target.caller()
    except TargetUnavailable as error:
        # The message is complete: what was expected, found, and what to do.
        yield problem(f"{name}: credentials", "an identity that AWS knows", *_found_and_remedy(error))
        yield from clock(name, _answered_at(error.__cause__), datetime.now(UTC))
        return
    yield ok(f"{name}: credentials", "an identity that AWS knows", caller.arn)
    if caller.account_id == wanted:
        yield ok(f"{name}: account", f"account {wanted}", caller.account_id)
    else:
        yield problem(
            f"{name}: account",
            f"account {wanted}",
            f"account {caller.account_id}",
            f"Use a profile or role of {wanted} (aws.profile, aws.assume_role, or AWS_PROFILE), or correct aws.account_id.",
        )
    yield from clock(name, caller.answered_at, datetime.now(UTC))


def clock(name: str, theirs: datetime | None, ours: datetime) -> Iterator[Diagnosis]:
    """How far this machine's clock is from the one of AWS. Says nothing when AWS did not tell the time."""
    if theirs is None:
        return
    away = abs(ours - theirs)
    expected = f"within {int(CLOCK_WARNING.total_seconds())} s of AWS"
    found = f"{int(away.total_seconds())} s {'ahead' if ours > theirs else 'behind'}"
    remedy = "Set the clock by NTP (e.g. `timedatectl set-ntp true`): AWS refuses signatures five minutes away."
    if away > CLOCK_PROBLEM:
        yield problem(f"{name}: clock", expected, found, remedy)
    elif away > CLOCK_WARNING:
        yield warning(f"{name}: clock", expected, found, remedy)
    else:
        yield ok(f"{name}: clock", expected, found)


def region(target: AwsTarget) -> Iterator[Diagnosis]:
    """Whether the region exists and is enabled in the account."""
    from botocore.exceptions import BotoCoreError, ClientError

    name, wanted = target.environment.name, target.environment.aws.region
    expected = f"{wanted} enabled in the account"
    try:
        # Every account has us-east-1 or its partition's counterpart; a region that is off does not answer at all.
        found = target.client("ec2", region=_home_region(wanted)).describe_regions(AllRegions=True)["Regions"]
    except (BotoCoreError, ClientError) as error:
        remedy = "Allow ec2:DescribeRegions to these credentials."
        yield warning(f"{name}: region", expected, f"no answer ({error})", remedy)
        return
    states = {each["RegionName"]: each["OptInStatus"] for each in found}
    if wanted not in states:
        yield problem(f"{name}: region", expected, "no such region", f"Use one of {', '.join(sorted(states))}.")
    elif states[wanted] == "not-opted-in":
        remedy = f"Enable it: aws account enable-region --region-name {wanted}"
        yield problem(f"{name}: region", expected, "not enabled", remedy)
    else:
        yield ok(f"{name}: region", expected, states[wanted])


def data_authorities(target: AwsTarget) -> Iterator[Diagnosis]:
    """Whether this machine can tell the environment's database and cache from impostors: who works with them needs it."""
    subject, expected = (
        f"{target.environment.name}: data authorities",
        "a file with the authorities of RDS and ElastiCache",
    )
    try:
        file = target.data_authorities()
    except TargetUnavailable as error:
        _, _, remedy = str(error).partition(". ")
        yield warning(subject, expected, f"none that {AUTHORITIES_VARIABLE} names", remedy)
    else:
        yield ok(subject, expected, str(file))


def _home_region(region: str) -> str:
    partition = next((prefix for prefix in ("cn-", "us-gov-") if region.startswith(prefix)), "")
    return {"": "us-east-1", "cn-": "cn-north-1", "us-gov-": "us-gov-west-1"}[partition]


def _found_and_remedy(error: TargetUnavailable) -> tuple[str, str]:
    """The message of an error as its two halves: the first sentence says what was found."""
    text = str(error)
    _, _, found = text.partition("found ")
    sentence, dot, remedy = (found or text).partition(". ")
    return sentence, remedy if dot else "Log in, then try again."


def _answered_at(cause: Any) -> datetime | None:
    headers = (getattr(cause, "response", None) or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return parsedate_to_datetime(headers["date"]) if "date" in headers else None
