"""Cases of keys, roles, logs and secrets."""

from __future__ import annotations

import json
import uuid

from tests.sandbox.provider.bench import REGION, TRUST
from tests.sandbox.provider.case import Case, name, policy

CASES = (
    Case(
        "aws:kms/key:Key",
        lambda _: {
            "description": "database",
            "enableKeyRotation": True,
            "deletionWindowInDays": 7,
            "policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                            "Action": "kms:*",
                            "Resource": "*",
                        }
                    ],
                }
            ),
            "tags": {"Name": "key"},
        },
        edit=lambda _: {"description": "database and backups", "tags": {"Name": "renamed"}},
        replacement=lambda _: {"customerMasterKeySpec": "RSA_2048"},
        drift=lambda around, made: around.client("kms").disable_key_rotation(KeyId=made.id),
        drifted="enableKeyRotation",
    ),
    Case(
        "aws:kms/alias:Alias",
        lambda around: {"name": f"alias/{name()}", "targetKeyId": around.key},
        edit=lambda around: {"targetKeyId": around.other_key},
        replacement=lambda _: {"name": f"alias/{name()}"},
        drift=lambda around, made: around.client("kms").update_alias(AliasName=made.id, TargetKeyId=around.other_key),
        drifted="targetKeyId",
        shares_identity=True,
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda around: {"name": name(), "retentionInDays": 7, "kmsKeyId": around.key, "tags": {"team": "lens"}},
        edit=lambda _: {"retentionInDays": 30},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("logs").delete_retention_policy(logGroupName=made.id),
        drifted="retentionInDays",
    ),
    Case(
        "aws:iam/role:Role",
        lambda _: {"name": name(), "assumeRolePolicy": TRUST, "tags": {"team": "lens"}},
        edit=lambda _: {
            "assumeRolePolicy": TRUST.replace("eks.", "ec2."),
            "description": "nodes",
            "maxSessionDuration": 7200,
        },
        replacement=lambda _: {"path": "/lens/"},
        drift=lambda around, made: around.client("iam").update_role(RoleName=made.id, MaxSessionDuration=7200),
        drifted="maxSessionDuration",
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        lambda around: {"role": around.role()[0], "name": "inline", "policy": policy("logs:PutLogEvents")},
        edit=lambda _: {"policy": policy("logs:*")},
        replacement=lambda _: {"name": "another"},
        drift=lambda around, made: around.client("iam").put_role_policy(
            RoleName=made.plain["role"], PolicyName="inline", PolicyDocument=policy("*")
        ),
        drifted="policy",
        shares_identity=True,
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda around: {"role": around.role()[0], "policyArn": around.policy_arns[0]},
        replacement=lambda around: {"policyArn": around.policy_arns[1]},
        shares_identity=True,
    ),
    Case(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda _: {
            "url": f"https://oidc.eks.{REGION}.amazonaws.com/id/{uuid.uuid4().hex.upper()}",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["9" * 40],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"thumbprintLists": ["8" * 40]},
        replacement=lambda _: {"url": f"https://oidc.eks.{REGION}.amazonaws.com/id/{uuid.uuid4().hex.upper()}"},
        drift=lambda around, made: around.client("iam").update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=made.id, ThumbprintList=["7" * 40]
        ),
        drifted="thumbprintLists",
    ),
    Case(
        "aws:secretsmanager/secret:Secret",
        lambda around: {
            "name": name(),
            "description": "cache token",
            "kmsKeyId": around.key,
            "recoveryWindowInDays": 0,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"description": "the cache's token", "tags": {"team": "platform"}},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("secretsmanager").update_secret(
            SecretId=made.id, Description="drifted"
        ),
        drifted="description",
    ),
    Case(
        "aws:secretsmanager/secretVersion:SecretVersion",
        lambda around: {"secretId": around.secret(), "secretString": f"token-{uuid.uuid4().hex}"},
        replacement=lambda _: {"secretString": f"token-{uuid.uuid4().hex}"},
        survives_delete=True,
        shares_identity=True,
    ),
)
