"""Environments whose file says `requires_approval` are changed only as a plan that somebody looked at and approved.

What is approved is the plan of the whole environment, by its digest: layers that do not exist yet are planned against
unknown outputs of the layers below them, so the plan of one layer alone changes while those are being made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target

SHOWN_DIGITS = 16
"""Of a digest of 64 hexadecimal digits; enough to name one, and as many as an approval must give."""


class NotApproved(IlsError):
    """What would be done has not been approved. Nothing was changed."""


def environment_digest(digests: Mapping[Layer, str]) -> str:
    """SHA-256, in hex, over the digests of all layers' plans."""
    lines = "".join(f"{layer} {digests[layer]}\n" for layer in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def check_approval(target: Target, approved: str) -> None:
    """Raise `NotApproved` unless the target's environment may be provisioned now.

    `approved` is the digest that was approved, or its first sixteen digits or more; empty when there is none. The plan is
    made anew, so that what is approved is what is done. Where there is nothing to change nothing needs approval.
    """
    environment = target.environment
    if not environment.requires_approval:
        return
    with ThreadPoolExecutor(len(Layer)) as pool:
        plans = dict(zip(Layer, pool.map(lambda layer: layer_work(target, layer).preview(), Layer), strict=True))
    if all(plan.empty for plan in plans.values()):
        return
    actual = environment_digest({layer: plan.digest for layer, plan in plans.items()})
    if len(approved) >= SHOWN_DIGITS and actual.startswith(approved):
        return
    changes = sum(len(plan.changes) for plan in plans.values())
    found = f"found approval of {approved}" if approved else "found none"
    raise NotApproved(
        f"{environment.name} is changed only as a plan that somebody approved (requires_approval in its file): expected "
        f"approval of plan {actual[:SHOWN_DIGITS]} with {changes} changes, {found}. Nothing was changed. Look at the plan "
        f"with `ils plan {environment.name}`, then apply exactly that: "
        f"ils up {environment.name} --approve {actual[:SHOWN_DIGITS]}"
    )
