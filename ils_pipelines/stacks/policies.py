"""IAM and key policies as JSON text, with sorted keys so that the same policy is the same text in every run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

VERSION = "2012-10-17"


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": VERSION, "Statement": list(statements)}, sort_keys=True)


def assumable_by(service: str, condition: dict[str, Any] | None = None) -> str:
    """A trust policy for one AWS service."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if condition:
        statement["Condition"] = condition
    return document(statement)


def managed_policy(partition: str, name: str) -> str:
    """ARN of a policy AWS maintains."""
    return f"arn:{partition}:iam::aws:policy/{name}"


def owned_by_account(partition: str, account_id: str) -> dict[str, Any]:
    """Key statement: identities of the account may use the key as far as their own policies say so.

    Without it a key that nobody can administer any more is possible.
    """
    return {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def used_through(partition: str, account_id: str, region: str, services: Sequence[str]) -> dict[str, Any]:
    """Key statement: identities of the account may use the key when one of `services` calls KMS for them."""
    return {
        "Sid": "AccountUsesThroughServices",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
        "Action": [
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": account_id,
                "kms:ViaService": [f"{service}.{region}.amazonaws.com" for service in services],
            }
        },
    }


def used_by_log_groups(partition: str, account_id: str, region: str, prefix: str) -> dict[str, Any]:
    """Key statement: CloudWatch Logs may encrypt the log groups of this account whose names start with `prefix`."""
    return {
        "Sid": "LogGroupsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": [
            "kms:Decrypt*",
            "kms:Describe*",
            "kms:Encrypt*",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": f"arn:{partition}:logs:{region}:{account_id}:log-group:{prefix}*"
            }
        },
    }


def used_by_services(account_id: str, services: Sequence[str]) -> dict[str, Any]:
    """Key statement: these services may publish what is encrypted with the key, for this account."""
    return {
        "Sid": "ServicesForThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }
