"""A release as one YAML file, ready for `kubectl apply`, without what is secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from ils_pipelines.release.history.models import bodies
from ils_pipelines.release.names import SECRET_NAME
from ils_pipelines.release.objects import SECRET, Manifest
from ils_pipelines.release.settings import Release

_HEAD = """\
# Environment {environment}, as `ils up {environment}` applies it.
# The Secret {namespace}/{secret} is not here: its values are in Secrets Manager and belong in no file. The pods wait for it;
# it needs {keys}.
"""


def plain_yaml(release: Release, manifests: Sequence[Manifest]) -> str:
    """All objects but the Secret, in the order in which they are applied."""
    head = _HEAD.format(
        environment=release.environment,
        namespace=release.namespace,
        secret=SECRET_NAME,
        keys=", ".join(sorted(release.secrets)),
    )
    shown = bodies([manifest for manifest in manifests if manifest.kind is not SECRET])
    return head + "".join(f"---\n{yaml.dump(each, Dumper=_Dumper, sort_keys=False)}" for each in shown)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and repeats what is the same instead of pointing at it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


_PLAIN = re.compile(r"(?![yYnN]$)[A-Za-z/][A-Za-z0-9_./-]*")


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Quoted unless it is text to every reader: what Go's YAML takes for numbers (`1e3`) and booleans (`y`) is more than
    what Python's does."""
    style = "|" if "\n" in text else None if _PLAIN.fullmatch(text) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(value: Any) -> str:
    """In the same style."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False)
