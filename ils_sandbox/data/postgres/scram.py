"""Passwords as PostgreSQL keeps them, so that the sandbox need not keep them at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

ITERATIONS = 4096
"""PostgreSQL's own default (scram_iterations)."""


def scram_verifier(password: str) -> str:
    """The SCRAM-SHA-256 verifier of a password (RFC 5803, as PostgreSQL writes it).

    Passwords of printable ASCII only, as RDS takes them: others would have to be normalised first (SASLprep).
    """
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
