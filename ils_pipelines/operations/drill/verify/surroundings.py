"""What a restore needs beside data: keys that can be used, secrets and certificates that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ils_pipelines.operations.drill.models import Check, check
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

_DATA_KEY = "AES_256"


def key_checks(target: Target, keys: Iterable[tuple[str, str]]) -> Iterator[Check]:
    """Each of the keys, by what it is for and its ARN, encrypts and decrypts for whoever restores."""
    from botocore.exceptions import BotoCoreError, ClientError

    for purpose, arn in keys:
        kms = target.client("kms", region=arn.split(":")[3])
        subject = f"key of {purpose} ({arn})"
        try:
            made = kms.generate_data_key(KeyId=arn, KeySpec=_DATA_KEY)
            opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], KeyId=arn)["Plaintext"]
            same = opened == made["Plaintext"]
            yield check(subject, "decrypts", "what it encrypted", "that" if same else "something else", passed=same)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            why = "the grant or permission is missing" if "AccessDenied" in code else error.response["Error"]["Message"]
            yield check(subject, "decrypts", "what it encrypted", f"{code}: {why}", passed=False)
        except BotoCoreError as error:
            yield check(subject, "decrypts", "what it encrypted", error, passed=False)


def secret_checks(target: Target) -> Iterator[Check]:
    """Every secret of the environment has a current value, which is not read."""
    from botocore.exceptions import ClientError

    manager = target.client("secretsmanager")
    for layer in (Layer.SECRETS, Layer.CACHE, Layer.DATABASE):
        for name, output in (layer_work(target, layer).outputs() or {}).items():
            if not name.endswith("secret_arn"):
                continue
            subject = f"secret {output.value}"
            try:
                found = manager.describe_secret(SecretId=output.value)
            except ClientError as error:
                yield check(subject, "is there", "a secret", error.response["Error"]["Code"], passed=False)
                continue
            current = any("AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values())
            going = found.get("DeletedDate")
            state = f"deleted on {going:%Y-%m-%d}" if going else "no current value" if not current else "a value"
            yield check(subject, "has a value", "a value", state)


def certificate_checks(target: Target) -> Iterator[Check]:
    """The load balancer's certificate is issued and holds."""
    from botocore.exceptions import ClientError

    output = (layer_work(target, Layer.LOAD_BALANCER).outputs() or {}).get("certificate_arn")
    if output is None:
        return
    subject = f"certificate {output.value}"
    try:
        found = target.client("acm").describe_certificate(CertificateArn=output.value)["Certificate"]
    except ClientError as error:
        yield check(subject, "is there", "a certificate", error.response["Error"]["Code"], passed=False)
        return
    yield check(subject, "is issued", "ISSUED", found["Status"])
    until = found.get("NotAfter")
    if until is not None:
        now = datetime.now(UTC)
        yield check(subject, "holds", f"after {now:%Y-%m-%d}", f"{until:%Y-%m-%d}", passed=until > now)
