"""A case of the provider's contract: how to make a resource, edit it, replace it and change it behind our back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sandbox.provider.bench import Made, Surroundings

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What the contract needs to know of one resource type.

    `edit` and `replacement` are laid over the inputs; None in them takes a property out.
    """

    token: str
    inputs: Callable[[Surroundings], Inputs]
    replacement: Callable[[Surroundings], Inputs]
    edit: Callable[[Surroundings], Inputs] | None = None
    drift: Callable[[Surroundings, Made], object] | None = None
    drifted: str = ""
    """How the path of the property that the drift is seen in starts."""
    survives_delete: bool = False
    """Deleting it only lets go of it: AWS keeps it as long as what it belongs to."""
    shares_identity: bool = False
    """It is known by what it connects: a second one like it is the same."""
    repaired_by_replacement: bool = False
    """What others change of it cannot be changed back in place."""
    makes_nothing: bool = False
    """Creating it only waits for something: there is nothing to be found."""


def name() -> str:
    return f"thing-{uuid.uuid4().hex[:8]}"


def policy(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
