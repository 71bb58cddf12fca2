"""Every resource type the provider knows, by token."""

from __future__ import annotations

from collections.abc import Mapping

from ils_sandbox.provider.resource import ResourceType
from ils_sandbox.provider.services import ec2_network, iam, kms, logs

TYPES: Mapping[str, ResourceType] = {
    entry.name: entry for service in (ec2_network, kms, iam, logs) for entry in service.TYPES
}
