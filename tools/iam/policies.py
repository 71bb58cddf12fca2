"""The policies, from the calls that were recorded and the tables beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.iam import beside
from tools.iam.actions import Calls, actions
from tools.iam.recording import SCANS
from tools.iam.reference import Action, reference
from tools.iam.scoped import scoped
from tools.iam.scopes.backup import BACKUP
from tools.iam.scopes.drill import DRILL
from tools.iam.scopes.names import BECOMES_OURS, IS_OURS, NAMED, TAGGED
from tools.iam.scopes.scope import EVERYTHING
from tools.iam.seen import BACKUPS, DRILLS, HEALTH, PROVISION, READ_ONLY

Statement = dict[str, Any]
Policy = dict[str, Any]

# A managed policy may be 6,144 characters long, so that what changes things is spread over several, by service.
PARTS: Mapping[str, frozenset[str]] = {
    # Buckets are there because the policy of data stores is full.
    "network": frozenset({"acm", "ec2", "elasticloadbalancing", "route53", "s3", "wafv2"}),
    "platform": frozenset(
        {"aps", "ce", "cloudtrail", "cloudwatch", "eks", "iam", "logs", "pricing", "sns", "ssm", "tag", "xray"}
    ),
    "data": frozenset({"backup", "backup-storage", "dynamodb", "elasticache", "kms", "rds", "secretsmanager"}),
}

WEBHOOK_SECRETS = "arn:${PARTITION}:secretsmanager:*:${ACCOUNT_ID}:secret:ils-${ENVIRONMENT}-webhook-*"

EVERY_EC2 = "arn:${PARTITION}:ec2:*:${ACCOUNT_ID}:*/*"
"""All kinds at once, which a condition on tags bounds as well, in a tenth of the text."""


def policies(recorded: Mapping[str, Calls], declared: Calls, in_source: Mapping[str, Calls]) -> dict[str, Policy]:
    """Every policy by the name of its file, without `.json`. `in_source` is what scans name beside what they were seen to
    call.
    """
    reading = {reference(name) for name in _reads(recorded, declared, in_source[READ_ONLY]) - beside.CONTENTS}
    writing = {reference(name) for name in _writes(recorded, declared)} - reading
    found: dict[str, Policy] = {}
    for part, services in PARTS.items():
        looks, changes = ({each for each in kind if _prefix(each.name) in services} for kind in (reading, writing))
        found[f"{READ_ONLY}-{part}"] = _policy([*_read_statements(looks), *_BESIDE_READS.get(part, ())])
        found[f"{PROVISION}-{part}"] = _policy([*_write_statements(changes), *_BESIDE[part]])
    homeless = {each.name for each in reading | writing} - _actions_in(found)
    if homeless:
        raise ValueError(f"no policy has {sorted(homeless)}: add their service to PARTS")
    for scan in SCANS:
        looks = {reference(name) for name in actions(recorded[scan]) | actions(in_source[scan])}
        found[scan] = _policy(_read_statements(looks))
    looked = _actions_in({name: policy for name, policy in found.items() if name.startswith(READ_ONLY)})
    found |= scoped(BACKUPS, BACKUP, _needed(recorded, BACKUPS))
    found |= scoped(DRILLS, DRILL, _needed(recorded, DRILLS), elsewhere=looked)
    return {**found, **STATE, **NOTIFICATIONS}


def _needed(recorded: Mapping[str, Calls], family: str) -> frozenset[str]:
    return actions(recorded[family]) | beside.UNSEEN[family].keys()


def _actions_in(found: Mapping[str, Policy]) -> set[str]:
    return {name for policy in found.values() for statement in policy["Statement"] for name in statement["Action"]}


def _reads(recorded: Mapping[str, Calls], declared: Calls, in_source: Calls) -> frozenset[str]:
    # Who promotes or upgrades looks at the health of what there is, too.
    called = actions(recorded[READ_ONLY]) | actions(recorded[HEALTH])
    # What an interrupted run made is looked for by calls that no life without an interruption has.
    beyond = actions(recorded[PROVISION]) | actions(declared) | actions(in_source)
    called |= {each for each in beyond if reference(each).reads}
    return called | {f"{service}:{name}" for service, names in beside.PROVIDER_READS.items() for name in names}


def _writes(recorded: Mapping[str, Calls], declared: Calls) -> set[str]:
    called = actions(recorded[PROVISION]) | actions(declared)
    named = {f"{service}:{name}" for service, names in beside.PROVIDER_WRITES.items() for name in names}
    changing = {each for each in called | named if not reference(each).reads}
    return (changing | ((called | named) & beside.CONTENTS)) - set(beside.NOT_GRANTED)


def _prefix(name: str) -> str:
    return name.partition(":")[0]


def _read_statements(reading: Iterable[Action]) -> Iterator[Statement]:
    """Reads of what has a name are bound to it; of what has an id, to the account: keys and certificates that are used may
    be others' than the environment's, as AWS's own are. Descriptions of other things are not, as AWS mostly cannot.
    """
    for_all: set[str] = set()
    by_service: dict[str, tuple[set[str], set[str]]] = {}
    for each in reading:
        named = frozenset() if _lists(each) else _named(each) | _made(each) | _tagged(each)
        kinds = {(_prefix(each.name), kind.name) for kind in each.types if kind.required}
        if named and kinds <= {*NAMED, *TAGGED}:
            names, resources = by_service.setdefault(_prefix(each.name), (set(), set()))
            names.add(each.name)
            resources |= named
        else:
            for_all.add(each.name)
    if for_all:
        yield _statement("Look", for_all, [EVERYTHING])
    for service, (names, resources) in sorted(by_service.items()):
        yield _statement(f"Look{_title(service)}", names, resources)


def _lists(each: Action) -> bool:
    """Whether the call may ask for everything at once, which a policy bound to names refuses."""
    service, _, operation = each.name.partition(":")
    return service in _DESCRIBE_ALL and operation.startswith("Describe")


_DESCRIBE_ALL = frozenset({"cloudwatch", "elasticache", "logs", "rds"})


def _write_statements(writing: Iterable[Action]) -> Iterator[Statement]:
    """What has a name by its name; what has an id by its tags, or by those that it is given when it is made."""
    by_service: dict[str, list[Action]] = {}
    for each in writing:
        by_service.setdefault(_prefix(each.name), []).append(each)
    for service, found in sorted(by_service.items()):
        title = _title(service)
        named = [each for each in found if _named(each)]
        made = [each for each in found if _made(each)]
        tagged = [each for each in found if _tagged(each)]
        bare = [each for each in found if not each.types]
        if named:
            yield _statement(f"{title}ByName", _names(named), _union(map(_named, named)))
        if made:
            yield _statement(f"{title}Make", _names(made), _union(map(_made, made)), BECOMES_OURS)
        if tagged:
            resources = {EVERY_EC2} if service == "ec2" else _union(map(_tagged, tagged))
            yield _statement(f"{title}ByTag", _names(tagged), resources, IS_OURS)
        labelled = [each for each in bare if each.tags_what_it_makes]
        if labelled:
            yield _statement(f"{title}MakeTagged", _names(labelled), [EVERYTHING], BECOMES_OURS)
        unbound = [each for each in bare if not each.tags_what_it_makes]
        if unbound:
            yield _statement(f"{title}Unbound", _names(unbound), [EVERYTHING])
        lost = [each.name for each in found if each.types and not (_named(each) or _made(each) or _tagged(each))]
        if lost:
            kinds = {each.name: [kind.name for kind in each.types] for each in found if each.name in lost}
            raise ValueError(f"which resources do these change? Add their types to tools/iam/scopes.py: {kinds}")


def _named(each: Action) -> frozenset[str]:
    return _union(NAMED.get((_prefix(each.name), kind.name), ()) for kind in each.types)


def _made(each: Action) -> frozenset[str]:
    return _union(TAGGED.get((_prefix(each.name), kind.name), ()) for kind in each.types if kind.made)


def _tagged(each: Action) -> frozenset[str]:
    return _union(TAGGED.get((_prefix(each.name), kind.name), ()) for kind in each.types if not kind.made)


def _union(parts: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(each for part in parts for each in part)


def _names(found: Iterable[Action]) -> set[str]:
    return {each.name for each in found}


def _title(service: str) -> str:
    """As an id of a statement may be: of letters and digits."""
    return service.replace("-", "").capitalize()


def _statement(
    sid: str, names: Iterable[str], resources: Iterable[str], equals: Mapping[str, str] | None = None
) -> Statement:
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(set(names)),
        "Resource": sorted(set(resources)),
    }
    if equals:
        statement["Condition"] = {"StringEquals": dict(equals)}
    return statement


def _policy(statements: Iterable[Statement]) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}


_ROLES = NAMED["iam", "role"]
_GROUPS = TAGGED["ec2", "security-group"]

_BESIDE: Mapping[str, tuple[Statement, ...]] = {
    "network": (
        {
            # What is made with tags is tagged by a call of its own, which is allowed only as part of the making.
            "Sid": "TagWhatIsMade",
            "Effect": "Allow",
            "Action": ["ec2:CreateTags"],
            "Resource": [EVERY_EC2],
            "Condition": {"StringEquals": BECOMES_OURS, "Null": {"ec2:CreateAction": "false"}},
        },
        {
            # Every VPC is born with a default security group that has no tags yet. It is emptied and tagged.
            "Sid": "TakeOverDefaultGroup",
            "Effect": "Allow",
            "Action": ["ec2:CreateTags"],
            "Resource": list(_GROUPS),
            "Condition": {"StringEquals": BECOMES_OURS, "Null": {"aws:ResourceTag/environment": "true"}},
        },
        {
            "Sid": "EmptyDefaultGroup",
            "Effect": "Allow",
            "Action": ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
            "Resource": list(_GROUPS),
            "Condition": {"Null": {"aws:ResourceTag/environment": "true"}},
        },
    ),
    "platform": (
        {
            "Sid": "HandRolesToServices",
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": list(_ROLES),
            "Condition": {"StringEquals": {"iam:PassedToService": list(beside.PASSED_TO)}},
        },
        {
            # EKS refuses a launch template from whoever may not start instances with it.
            "Sid": "StartNodes",
            "Effect": "Allow",
            "Action": ["ec2:RunInstances"],
            "Resource": [EVERYTHING],
            "Condition": {"ArnLike": {"ec2:LaunchTemplate": list(TAGGED["ec2", "launch-template"])}},
        },
        {
            "Sid": "LogsOfTableImports",
            "Effect": "Allow",
            "Action": list(beside.IMPORT_LOGS),
            "Resource": [beside.IMPORT_LOG_GROUPS],
        },
        {
            "Sid": "ServicesOwnRoles",
            "Effect": "Allow",
            "Action": ["iam:CreateServiceLinkedRole"],
            "Resource": ["arn:${PARTITION}:iam::${ACCOUNT_ID}:role/aws-service-role/*"],
            "Condition": {"StringEquals": {"iam:AWSServiceName": list(beside.LINKED_SERVICES)}},
        },
        {
            "Sid": "NoOtherPolicies",
            "Effect": "Deny",
            "Action": ["iam:AttachRolePolicy"],
            "Resource": [EVERYTHING],
            "Condition": {
                "ArnNotLike": {
                    "iam:PolicyARN": [
                        *(f"arn:${{PARTITION}}:iam::aws:policy/{name}" for name in beside.ATTACHED_POLICIES),
                        *NAMED["iam", "policy"],
                    ]
                }
            },
        },
    ),
    "data": (
        {
            "Sid": "UseKeys",
            "Effect": "Allow",
            "Action": [f"kms:{name}" for name in beside.KEY_USES],
            "Resource": list(TAGGED["kms", "key"]),
            "Condition": {"StringEquals": IS_OURS},
        },
        {
            "Sid": "DatabaseDefaults",
            "Effect": "Allow",
            "Action": [
                f"rds:{name}"
                for name in (
                    "CreateDBCluster",
                    "CreateDBInstance",
                    "RestoreDBClusterFromSnapshot",
                    "RestoreDBClusterToPointInTime",
                )
            ],
            "Resource": list(beside.DATABASE_DEFAULTS),
        },
        {
            "Sid": "MasterSecret",
            "Effect": "Allow",
            "Action": ["secretsmanager:CreateSecret", "secretsmanager:RotateSecret", "secretsmanager:TagResource"],
            "Resource": [beside.MASTER_SECRETS],
        },
    ),
}

_BESIDE_READS: Mapping[str, tuple[Statement, ...]] = {
    "data": (
        {
            # The release is made from them, and drift is looked for in them.
            "Sid": "LookMasterSecret",
            "Effect": "Allow",
            "Action": [f"secretsmanager:{name}" for name in beside.MASTER_SECRET_READS],
            "Resource": [beside.MASTER_SECRETS],
            "Condition": {"StringLike": {beside.MASTER_SECRET_TAG: list(NAMED["rds", "cluster"])}},
        },
        {
            "Sid": "OpenSecrets",
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": list(TAGGED["kms", "key"]),
            "Condition": {"StringEquals": IS_OURS, "StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"}},
        },
    ),
}

_STATE_BUCKET = "arn:${PARTITION}:s3:::${STATE_BUCKET}"
_STATE_LOOKS = (
    "s3:GetBucketLocation",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:ListBucket",
)


def _state(objects: Sequence[str], key_uses: Sequence[str]) -> Policy:
    return _policy(
        (
            _statement("Bucket", _STATE_LOOKS, [_STATE_BUCKET]),
            _statement("State", objects, [f"{_STATE_BUCKET}/*"]),
            _statement("Key", key_uses, ["arn:${PARTITION}:kms:*:${ACCOUNT_ID}:key/${STATE_KEY_ID}"]),
        )
    )


# Pulumi reads and writes its state through gocloud.dev, S3 and KMS underneath; drift is looked for without a lock.
STATE: Mapping[str, Policy] = {
    "state": _state(
        ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
        ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    ),
    "state-read-only": _state(("s3:GetObject",), ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt")),
}

# What tells people: topics of ours, whose messages are encrypted with keys of ours, and the secrets that say where webhooks
# are, which are told from all others by their names: whoever only tells people reads no login.
NOTIFICATIONS: Mapping[str, Policy] = {
    "notifications": _policy(
        (
            _statement("Tell", ("sns:Publish",), NAMED["sns", "topic"]),
            _statement("FindWebhooks", ("secretsmanager:GetSecretValue",), [WEBHOOK_SECRETS]),
            {
                "Sid": "UseKeys",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": list(TAGGED["kms", "key"]),
                "Condition": {
                    "StringEquals": IS_OURS,
                    "StringLike": {"kms:ViaService": ["secretsmanager.*.amazonaws.com", "sns.*.amazonaws.com"]},
                },
            },
        )
    )
}
