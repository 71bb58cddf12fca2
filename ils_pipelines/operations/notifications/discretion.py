"""Takes what looks like a secret out of texts that others wrote: what failed may quote what it was given."""

from __future__ import annotations

import re

MASK = "[masked]"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)",
        r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",  # AWS access keys
        r"\bxox[abprs]-[A-Za-z0-9-]{10,}",  # Slack tokens
        r"\beyJ[\w-]{10,}\.[\w-]{10,}(\.[\w-]*)?",  # JSON web tokens
        r"(?<=hooks\.slack\.com/)\S+",
        r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",  # user and password of a URL
        r"(?<=Bearer )[\w.~+/=-]{8,}",
        r"(?<=Basic )[A-Za-z0-9+/=]{8,}",
        r"(?<=[?&])(X-Amz-Signature|X-Amz-Security-Token|token|sig|key|password)=[^&\s]+",
    )
)
# `password: x`, `"auth_token": "x"`, `PGPASSWORD=x`: the name stays, so that people see what it was.
_NAMED = re.compile(
    r"""((?:[\w-]*(?:password|passwd|secret_?(?:access_?)?key|token|api_?key|credential)s?)["']?\s*[=:]\s*["']?)"""
    r"""([^\s"',;&}]{4,})""",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return _NAMED.sub(rf"\1{MASK}", text)
