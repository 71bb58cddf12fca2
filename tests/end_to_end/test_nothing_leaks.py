"""No secret of an environment is where somebody could read it who may not: whatever was run, in every form it could have."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.end_to_end.conftest import LocalSandbox
from tests.support.aws_inventory import client

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("up", "dev"),
    ("plan", "dev"),
    ("sandbox", "seed", "dev"),
    ("status", "dev"),
    ("health", "dev"),
    ("drift", "dev"),
    ("certs", "dev"),
    ("posture", "dev"),
    ("releases", "dev"),
    ("kubeconfig", "dev"),
    ("backup", "run", "dev"),
    ("backup", "verify", "dev"),
    ("drill", "dev"),
    ("rotate", "dev"),
    ("backup", "run", "dev"),
    ("export", "dev", "--format", "yaml"),
)
JOBS = ("drift_scan", "health_scan", "posture_report", "certificate_scan")
REGIONS = ("us-east-1", "us-west-2")
SHORTEST = 12
"""Characters of a secret; what is shorter is a name or a number."""


PLAIN = frozenset({"username", "host", "port", "dbname", "engine", "dbClusterIdentifier"})
"""What else is in the JSON of a secret."""


def secrets_of(sandbox: LocalSandbox) -> set[str]:
    """Every value in Secrets Manager: the cluster's Secrets are made of them."""
    found: set[str] = set()
    manager = client(sandbox.endpoints["aws"], "secretsmanager")
    for entry in manager.list_secrets()["SecretList"]:
        value = manager.get_secret_value(SecretId=entry["ARN"])["SecretString"]
        found |= set(_texts(json.loads(value) if value.startswith("{") else value))
    manager.close()
    return {value for value in found if len(value) >= SHORTEST and not _names_something(value)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in PLAIN:
                yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _names_something(value: str) -> bool:
    return value.startswith(("arn:", "http", "ils-"))


def forms(secret: str) -> set[bytes]:
    plain = secret.encode()
    return {plain, base64.b64encode(plain), json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode()}


def unpacked(content: bytes) -> bytes:
    """What is in it, if it is compressed as our reports and pieces are."""
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content[:1] == b"\x78":
        try:
            return zlib.decompress(content)
        except zlib.error:
            return content
    return content


def kept(sandbox: LocalSandbox) -> Iterator[tuple[str, bytes]]:
    """Every file of the state folder but the sandbox's own, and every object of every bucket."""
    emulated = sandbox.directory / "sandbox"
    for path in sandbox.directory.rglob("*"):
        if path.is_file() and emulated not in path.parents:
            yield str(path), path.read_bytes()
    for region in REGIONS:
        s3 = client(sandbox.endpoints["aws"], "s3", region)
        for bucket in s3.list_buckets()["Buckets"]:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"]):
                for version in page.get("Versions", ()):
                    got = s3.get_object(Bucket=bucket["Name"], Key=version["Key"], VersionId=version["VersionId"])
                    yield f"{bucket['Name']}/{version['Key']}", got["Body"].read()
        s3.close()


def test_no_secret_is_in_anything_that_is_printed_kept_or_recorded(sandbox: LocalSandbox) -> None:
    printed: list[tuple[str, bytes]] = []
    secrets: set[str] = set()
    for command in COMMANDS:
        done = sandbox.ils(*command)
        printed.append((" ".join(command), (done.stdout + done.stderr).encode()))
        secrets |= secrets_of(sandbox)
    printed += [(job, _execute(sandbox, job)) for job in JOBS]

    assert len(secrets) >= 4  # those of before and after their rotation
    looked = 0
    for where, content in (*printed, *kept(sandbox)):
        looked += 1
        readable = unpacked(content)
        for secret in secrets:
            for form in forms(secret):
                assert form not in readable, where
    assert looked > len(printed) + 50


def _execute(sandbox: LocalSandbox, job: str) -> bytes:
    """A run of a job in a process and an instance of its own, all of what it prints."""
    home = sandbox.directory / "dagster"
    command = [str(Path(sys.executable).with_name("dagster")), "job", "execute", "-m", "ils_pipelines.definitions"]
    command += ["--job", job, "--tags", json.dumps({"dagster/partition": "dev"})]
    environment = {**os.environ, **sandbox.env, "DAGSTER_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout + done.stderr
