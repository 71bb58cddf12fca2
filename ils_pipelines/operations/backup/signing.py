"""Signatures over documents, by an asymmetric key of KMS that never leaves it.

KMS signs up to 4096 bytes. What is signed is therefore a short statement that names the document and its SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

from ils_pipelines.operations.backup.details import Record
from ils_pipelines.operations.backup.errors import SignatureInvalid

ALGORITHM = "ECDSA_SHA_256"


class Signature(Record):
    """What is kept beside a document."""

    key_arn: str
    algorithm: str = ALGORITHM
    sha256: str
    """Of the document."""
    signature: str
    """base64."""
    signed: datetime


def sign(kms: Any, key_arn: str, subject: str, content: bytes) -> Signature:
    """Sign `content`, which is of `subject`, e.g. the set `dev/2026-11-25T043000Z`. `kms` is a boto3 client of the key's
    region. Raises botocore's ClientError.
    """
    digest = hashlib.sha256(content).hexdigest()
    answer = kms.sign(KeyId=key_arn, Message=_statement(subject, digest), MessageType="RAW", SigningAlgorithm=ALGORITHM)
    signature = base64.b64encode(answer["Signature"]).decode()
    return Signature(key_arn=key_arn, sha256=digest, signature=signature, signed=datetime.now(UTC))


def verify(kms: Any, key_arn: str, subject: str, content: bytes, signature: Signature) -> None:
    """Check `content` against `signature` with the key `key_arn`, which whoever asks trusts: the environment's own, of
    either region. Raises `SignatureInvalid`; botocore's ClientError when KMS cannot be asked.
    """
    if _key_id(signature.key_arn) != _key_id(key_arn):
        raise SignatureInvalid(
            f"expected {subject} to be signed with the environment's key {key_arn}, found {signature.key_arn}. "
            "Trust nothing in it; use another set."
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != signature.sha256:
        raise SignatureInvalid(
            f"expected {subject} to have the SHA-256 {signature.sha256} that was signed, found {digest}: it was changed "
            "after it was signed. Look for an earlier version of the object, or use the copy in the other region."
        )
    if not _holds(kms, key_arn, _statement(subject, digest), signature):
        raise SignatureInvalid(
            f"expected a signature of {subject} by {key_arn}, found one that does not hold. "
            "Look for an earlier version of the object, or use the copy in the other region."
        )


def _holds(kms: Any, key_arn: str, statement: bytes, signature: Signature) -> bool:
    try:
        raw = base64.b64decode(signature.signature, validate=True)
    except ValueError:
        return False
    try:
        answer = kms.verify(
            KeyId=key_arn, Message=statement, MessageType="RAW", Signature=raw, SigningAlgorithm=ALGORITHM
        )
    except kms.exceptions.KMSInvalidSignatureException:
        return False
    return bool(answer["SignatureValid"])


def _statement(subject: str, digest: str) -> bytes:
    """The subject stands in it, so that no signed document can be passed off as another."""
    return f"ils-pipelines signed document\n{subject}\nsha256:{digest}\n".encode()


def _key_id(arn: str) -> str:
    """A multi-region key has one id in all its regions."""
    return arn.rsplit("/", 1)[-1]
