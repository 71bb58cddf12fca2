"""Who asks: EKS's tokens are presigned requests, which name the access key that signed them."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs, urlsplit

EKS_TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 a prefix, not a token


def caller_of(token: str) -> str:
    """The access key id behind a token of EKS; empty for any other token, and for one that names none."""
    encoded = token.removeprefix(EKS_TOKEN_PREFIX)
    if encoded == token:
        return ""
    try:
        url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    (credential, *_) = parse_qs(urlsplit(url).query).get("X-Amz-Credential", [""])
    return credential.partition("/")[0]
