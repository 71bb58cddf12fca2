"""Who may take on the roles."""

from __future__ import annotations

from typing import Any

_PEOPLE = {"AWS": "${TRUSTED_PRINCIPAL}"}


def trusts() -> dict[str, dict[str, Any]]:
    """Trust policies by what they are for: people and build servers; Dagster's pods in an EKS cluster."""
    return {
        "people": _trust(_PEOPLE, ["sts:AssumeRole"], {"StringEquals": {"sts:ExternalId": "${EXTERNAL_ID}"}}),
        "dagster": _trust(
            {"Service": "pods.eks.amazonaws.com"},
            ["sts:AssumeRole", "sts:TagSession"],
            {"StringEquals": {"aws:SourceAccount": "${ACCOUNT_ID}"}},
        ),
    }


def _trust(principal: dict[str, str], actions: list[str], condition: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions, "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}
