"""What is left of environments, found by tag: nothing that a checkpoint says is believed here.

After a teardown some things are left on purpose, for a time: keys and secrets that can still be taken back, last snapshots.
What else is found was made by others (a controller in the cluster, a person) or was missed, and costs money.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ils_pipelines.errors import IlsError
from ils_pipelines.targets.protocol import Target

PROJECT = "ils"
MANAGED_BY = "ils-pipelines"
"""Values of the tags `project` and `managed-by`, as in `ils_pipelines.stacks.naming`."""
EXPIRES = "expires"
_READ_THREADS = 8

_Tags = Mapping[str, str]


class LeftoversUnknown(IlsError):
    """AWS did not answer what is left."""


@dataclass(frozen=True)
class Leftover:
    """A resource that is there although its environment is not, or its time is over."""

    arn: str
    region: str
    """Empty for what belongs to no region."""
    environment: str
    expires: str = ""
    """When the environment was to end; empty for one that lasted."""
    kept: str = ""
    """Why it is left, and until when; empty when there is no reason that we know of."""

    @property
    def service(self) -> str:
        return self.arn.split(":")[2]

    @property
    def name(self) -> str:
        """The ARN without the parts that are the same for all of an account."""
        return self.arn.split(":", 5)[5]


def leftovers_of(target: Target) -> tuple[Leftover, ...]:
    """What is there of the target's environment. Raises `LeftoversUnknown`."""
    environment = target.environment
    cluster = f"{PROJECT}-{environment.name}"
    filters = (
        {"project": PROJECT, "environment": environment.name},
        # What controllers in the cluster make: volumes, load balancers.
        {f"kubernetes.io/cluster/{cluster}": ""},
        {"elbv2.k8s.aws/cluster": cluster},
    )
    return _find(target, environment.regions, filters, lambda tags: tags.get("environment", environment.name))


def leftovers_in_account(
    target: Target, regions: Sequence[str], known: Iterable[str], now: datetime | None = None
) -> tuple[Leftover, ...]:
    """What is there, in the target's account, of environments that are not `known` by name, or whose time is over.

    Raises `LeftoversUnknown`.
    """
    moment, names = now or datetime.now(UTC), frozenset(known)
    found = _find(target, regions, ({"managed-by": MANAGED_BY},), lambda tags: tags.get("environment", "unknown"))
    return tuple(each for each in found if each.environment not in names or _is_past(each.expires, moment))


def _is_past(expires: str, now: datetime) -> bool:
    try:
        return bool(expires) and datetime.fromisoformat(expires) <= now
    except ValueError:
        return False  # somebody else's tag


def _find(
    target: Target, regions: Sequence[str], filters: Sequence[_Tags], environment_of: Callable[[_Tags], str]
) -> tuple[Leftover, ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    def of_region(region: str) -> list[tuple[str, str, _Tags]]:
        client = target.client("resourcegroupstaggingapi", region=region)
        return [(arn, region, tags) for wanted in filters for arn, tags in _tagged(client, wanted)]

    try:
        with ThreadPoolExecutor(_READ_THREADS) as pool:
            regional = pool.map(of_region, regions)
            roles = pool.submit(_roles, target.client("iam"), filters[0])
            found = {arn: (region, tags) for several in regional for arn, region, tags in several}
            found |= {arn: ("", tags) for arn, tags in roles.result()}
            verdicts = pool.map(lambda item: _verdict(target, item[0], item[1][0]), found.items())
            return tuple(
                Leftover(arn, region, environment_of(tags), tags.get(EXPIRES, ""), kept)
                for (arn, (region, tags)), kept in sorted(zip(found.items(), verdicts, strict=True))
                if kept is not None
            )
    except (BotoCoreError, ClientError) as error:
        raise LeftoversUnknown(
            f"what is left could not be found out: {error}. Check that these credentials may call tag:GetResources and "
            "iam:ListRoles, then: ils leftovers"
        ) from error


def _tagged(client: Any, wanted: _Tags) -> Iterator[tuple[str, _Tags]]:
    """ARNs with their tags; an empty value stands for any."""
    filters = [{"Key": key, "Values": [value] if value else []} for key, value in wanted.items()]
    for page in client.get_paginator("get_resources").paginate(TagFilters=filters):
        for each in page["ResourceTagMappingList"]:
            yield each["ResourceARN"], {tag["Key"]: tag["Value"] for tag in each["Tags"]}


def _roles(iam: Any, wanted: _Tags) -> list[tuple[str, _Tags]]:
    """IAM roles are the one kind of ours that the tagging API does not list."""
    prefix = "-".join((PROJECT, wanted["environment"])) if "environment" in wanted else PROJECT
    found: list[tuple[str, _Tags]] = []
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if not role["RoleName"].startswith(f"{prefix}-"):
                continue
            listed = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
            tags = {tag["Key"]: tag["Value"] for tag in listed}
            if all(tags.get(key) == value for key, value in wanted.items()):
                found.append((role["Arn"], tags))
    return found


def _verdict(target: Target, arn: str, region: str) -> str | None:
    """Why the resource is left, empty when there is no reason; None when it is gone, and only listed for a while."""
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    for known, start, look in _LOOKS:
        if service == known and resource.startswith(start):
            return look(target.client(service, region=region or None), arn, resource)
    return ""


def _key(kms: Any, arn: str, _resource: str) -> str | None:
    key = kms.describe_key(KeyId=arn)["KeyMetadata"]
    if key["KeyState"] in {"PendingDeletion", "PendingReplicaDeletion"}:
        when = key.get("DeletionDate")
        return f"deleted on {when:%Y-%m-%d}; can be taken back until then" if when else "deleted after its replicas"
    return ""


def _secret(manager: Any, arn: str, _resource: str) -> str | None:
    from botocore.exceptions import ClientError

    try:
        secret = manager.describe_secret(SecretId=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    when = secret.get("DeletedDate")
    return f"deletion asked for on {when:%Y-%m-%d}; can be taken back for a time" if when else ""


def _snapshot(_client: Any, _arn: str, resource: str) -> str | None:
    automated = resource.split(":", 1)[1].startswith(("rds:", "automatic."))
    return "an automated backup, which goes by itself" if automated else "a snapshot, kept until somebody deletes it"


def _nat_gateway(ec2: Any, _arn: str, resource: str) -> str | None:
    return _unless_gone(lambda: ec2.describe_nat_gateways(NatGatewayIds=[_id(resource)])["NatGateways"])


def _vpc_endpoint(ec2: Any, _arn: str, resource: str) -> str | None:
    return _unless_gone(lambda: ec2.describe_vpc_endpoints(VpcEndpointIds=[_id(resource)])["VpcEndpoints"])


def _id(resource: str) -> str:
    return resource.rpartition("/")[2]


def _unless_gone(describe: Callable[[], Sequence[Mapping[str, Any]]]) -> str | None:
    """EC2 goes on listing what was deleted, as deleted, for about an hour, and then does not know it any more."""
    from botocore.exceptions import ClientError

    try:
        found = describe()
    except ClientError as error:
        if "NotFound" in error.response["Error"]["Code"]:
            return None
        raise
    return None if all(each["State"].lower() in {"deleted", "deleting"} for each in found) else ""


_LOOKS: tuple[tuple[str, str, Callable[[Any, str, str], str | None]], ...] = (
    ("kms", "key/", _key),
    ("secretsmanager", "secret:", _secret),
    ("rds", "cluster-snapshot:", _snapshot),
    ("rds", "snapshot:", _snapshot),
    ("elasticache", "snapshot:", _snapshot),
    ("ec2", "natgateway/", _nat_gateway),
    ("ec2", "vpc-endpoint/", _vpc_endpoint),
)
"""By service and beginning of the resource part of an ARN."""
