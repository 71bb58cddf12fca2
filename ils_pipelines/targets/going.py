"""What AWS still lists with its tags although it was deleted: for some minutes, or while the deletion can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Look:
    """One call, and what in its answer says that the resource goes."""

    service: str
    operation: str
    arguments: Callable[[str], Mapping[str, Any]]
    goes: Callable[[Mapping[str, Any]], bool]


_KEY = _Look(
    "kms",
    "describe_key",
    lambda id_: {"KeyId": id_},
    lambda answer: answer["KeyMetadata"]["KeyState"] in {"PendingDeletion", "PendingReplicaDeletion"},
)
_LOOKS: Mapping[str, _Look] = {
    "aws:ec2/natGateway:NatGateway": _Look(
        "ec2",
        "describe_nat_gateways",
        lambda id_: {"NatGatewayIds": [id_]},
        lambda answer: answer["NatGateways"][0]["State"] in {"failed", "deleting", "deleted"},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _Look(
        "ec2",
        "describe_vpc_endpoints",
        lambda id_: {"VpcEndpointIds": [id_]},
        lambda answer: answer["VpcEndpoints"][0]["State"].lower() in {"deleting", "deleted"},
    ),
    "aws:kms/key:Key": _KEY,
    "aws:kms/replicaKey:ReplicaKey": _KEY,
    "aws:secretsmanager/secret:Secret": _Look(
        "secretsmanager",
        "describe_secret",
        lambda id_: {"SecretId": id_},
        lambda answer: "DeletedDate" in answer,
    ),
}
"""By Pulumi's type."""


def is_going(client: Any, kind: str, id_: str, region: str | None) -> bool:
    """Whether the resource was deleted, also when AWS does not know it any more. `client` makes boto3 clients."""
    from botocore.exceptions import ClientError

    look = _LOOKS.get(kind)
    if look is None:
        return False
    try:
        answer = getattr(client(look.service, region=region), look.operation)(**look.arguments(id_))
    except ClientError as error:
        if "NotFound" in error.response["Error"]["Code"]:
            return True
        raise
    return look.goes(answer)
