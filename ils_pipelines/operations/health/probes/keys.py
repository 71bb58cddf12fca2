"""KMS keys: a disabled one makes what is encrypted with it unreadable."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.health.judging import States, judged
from ils_pipelines.operations.health.models import HealthFinding
from ils_pipelines.operations.view import View

_STATES = States("Enabled", frozenset({"Updating"}))
_REMEDY = (
    "Enable the key, or cancel its deletion (aws kms cancel-key-deletion, then enable-key), before it is too late."
)
_SUFFIX = "_key_arn"


def keys(view: View) -> Iterator[HealthFinding]:
    for name, output in sorted(view.outputs.items()):
        if name.endswith(_SUFFIX):
            region = str(output.value).split(":")[3]
            key = view.in_region(region).described("kms", "describe_key", "KeyMetadata", KeyId=output.value)
            yield judged(f"KMS key {name.removesuffix(_SUFFIX).replace('_', ' ')}", key, "KeyState", _STATES, _REMEDY)
