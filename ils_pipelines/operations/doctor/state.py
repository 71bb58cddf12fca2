"""Where Pulumi keeps an environment's state, and what encrypts the secrets in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ils_pipelines.operations.doctor.machine import unwritable
from ils_pipelines.operations.doctor.models import Diagnosis, ok, problem, warning

if TYPE_CHECKING:
    from ils_pipelines.targets.aws import AwsTarget

PASSPHRASE_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
_PROBE = b"ils doctor"


def state(target: AwsTarget) -> Iterator[Diagnosis]:
    """Whether the state can be read and written, survives a mistake, and is not open to others."""
    name, url = target.environment.name, target.environment.engine.backend or ""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        yield from _bucket(name, f"{name}: state bucket", parts.netloc, _client(target, "s3", parts.query))
        return
    folder = Path(parts.path)
    obstacle = unwritable(folder)
    expected = "a folder that can be written to"
    if obstacle is None:
        yield ok(f"{name}: state", expected, str(folder))
    else:
        remedy = f"Make {obstacle} writable for this user, or name a bucket as engine.backend."
        yield problem(f"{name}: state", expected, f"{obstacle} cannot be written to", remedy)


def logs(target: AwsTarget) -> Iterator[Diagnosis]:
    """Where Dagster lives in the environment's cluster: likewise, of the bucket of what its runs print."""
    environment = target.environment
    if environment.dagster is not None:
        yield from _bucket(
            environment.name,
            f"{environment.name}: logs bucket",
            environment.dagster.logs_bucket,
            target.state_client("s3", region=environment.aws.region),
        )


def key(target: AwsTarget) -> Iterator[Diagnosis]:
    """Whether secrets in the state can be encrypted and decrypted."""
    name, provider = target.environment.name, target.environment.engine.secrets_provider
    if provider == "passphrase":
        yield from _passphrase(name, target.environment.engine.passphrase_file)
        return
    parts = urlsplit(provider)
    key_id = (parts.netloc + parts.path).lstrip("/")
    yield from _key(name, key_id, _client(target, "kms", parts.query))


def _client(target: AwsTarget, service: str, query: str) -> Any:
    """In the region that the URL names, as Pulumi takes it."""
    return target.state_client(service, region=parse_qs(query).get("region", [target.environment.aws.region])[0])


def _bucket(name: str, subject: str, bucket: str, s3: Any) -> Iterator[Diagnosis]:
    from botocore.exceptions import BotoCoreError, ClientError

    expected = f"the bucket {bucket}, which can be read"
    try:
        s3.head_bucket(Bucket=bucket)
        s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        yield problem(subject, expected, *_bucket_refusal(name, bucket, s3, error))
        return
    except BotoCoreError as error:
        yield problem(subject, expected, f"no answer ({error})", "Check the network, and the region in the file.")
        return
    found_wrong = False
    for wanted, fails, remedy in _BUCKET_PROMISES:
        try:
            met = not fails(s3, bucket)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            met = False
            if code in {"AccessDenied", "403"}:
                found_wrong = True
                yield warning(
                    subject, wanted, "not allowed to look", "Give these credentials the policy state-read-only.json."
                )
                continue
        if not met:
            found_wrong = True
            yield problem(subject, wanted, "it is not", remedy.format(bucket=bucket, name=name))
    if not found_wrong:
        yield ok(subject, expected, "versioned, encrypted, closed to the public")


def _bucket_refusal(name: str, bucket: str, s3: Any, error: Any) -> tuple[str, str]:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status == 404:
        return "none of that name", f"Make it: ils bootstrap {name}"
    if status == 301:
        return "it is in another region", f"Write its region into the file, for the state: s3://{bucket}?region=…"
    if status == 403:
        return "no permission, or another account's bucket", (
            "Attach the policy state.json (docs/production.md), or name a bucket of this account in the file."
        )
    return f"HTTP {status} from {s3.meta.endpoint_url}", "Try again; look at the AWS health dashboard."


def _not_versioned(s3: Any, bucket: str) -> bool:
    return bool(s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled")


def _not_encrypted_by_a_key(s3: Any, bucket: str) -> bool:
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return all(each.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") != "aws:kms" for each in rules)


def _open_to_the_public(s3: Any, bucket: str) -> bool:
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return not all(blocked.values())


_BUCKET_PROMISES: tuple[tuple[str, Callable[[Any, str], bool], str], ...] = (
    (
        "every version kept",
        _not_versioned,
        "Turn versioning on: ils bootstrap {name}. Without it a mistake overwrites the only record of the resources.",
    ),
    (
        "encrypted with a KMS key",
        _not_encrypted_by_a_key,
        "Set a KMS key as its default: ils bootstrap {name}",
    ),
    ("the bucket closed to the public", _open_to_the_public, "Block public access: ils bootstrap {name}"),
)


def _key(name: str, key_id: str, kms: Any) -> Iterator[Diagnosis]:
    from botocore.exceptions import BotoCoreError, ClientError

    subject, expected = f"{name}: KMS key", f"{key_id}, with which we may encrypt and decrypt"
    try:
        state = kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]
        if state != "Enabled":
            yield problem(subject, expected, f"it is {state}", _KEY_STATES.get(state, "Wait until it is Enabled."))
            return
        sealed = kms.encrypt(KeyId=key_id, Plaintext=_PROBE)["CiphertextBlob"]
        opened = kms.decrypt(KeyId=key_id, CiphertextBlob=sealed)["Plaintext"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        remedy = _KEY_REMEDIES.get(code, "Allow kms:Encrypt and kms:Decrypt on it to these credentials.")
        yield problem(subject, expected, f"{code}: {error.response['Error']['Message']}", remedy.format(name=name))
        return
    except BotoCoreError as error:
        remedy = "Check the network, and the region in engine.secrets_provider."
        yield problem(subject, expected, f"no answer ({error})", remedy)
        return
    if opened == _PROBE:
        yield ok(subject, expected, "it does both")
    else:
        yield problem(subject, expected, "what was decrypted is not what was encrypted", "Name another key.")


_KEY_REMEDIES = {
    "NotFoundException": "Make it: ils bootstrap {name}. Or correct engine.secrets_provider, and the region in it.",
}
_KEY_STATES = {
    "Disabled": "Enable it: aws kms enable-key --key-id KEY",
    "PendingDeletion": "Take that back: aws kms cancel-key-deletion --key-id KEY, then aws kms enable-key --key-id KEY",
}


def _passphrase(name: str, file: str | None) -> Iterator[Diagnosis]:
    subject, expected = f"{name}: passphrase", "a passphrase for the secrets in the state"
    remedy = "Use a KMS key (engine.secrets_provider: awskms://…), or set " + " or ".join(PASSPHRASE_VARIABLES) + "."
    if file is not None:
        readable = os.access(file, os.R_OK) and Path(file).stat().st_size > 0
        if readable:
            yield ok(subject, expected, file)
        else:
            yield problem(subject, expected, f"nothing that can be read in {file}", remedy)
        return
    given = next((variable for variable in PASSPHRASE_VARIABLES if variable in os.environ), None)
    if given is None:
        yield problem(subject, expected, "none", remedy)
    else:
        yield ok(subject, expected, given)
