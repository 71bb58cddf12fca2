"""Encryption of the checkpoint's secrets, in the format of Pulumi's passphrase secrets provider.

AES-256-GCM under a key that PBKDF2-HMAC-SHA256 derives from a passphrase with 1,000,000 rounds (pulumi/pulumi
sdk/go/common/resource/config/crypt.go), so that `pulumi stack import` can read what the sandbox wrote.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import threading
from pathlib import Path

from ils_pipelines.engine.errors import EngineError

_ROUNDS = 1_000_000
_SALT_BYTES = 8
_NONCE_BYTES = 12


class PassphraseCrypter:
    """Encrypts and decrypts one sandbox's secrets. The same plaintext keeps its ciphertext for the life of the object,
    so that writing a checkpoint again does not change it."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)
        self._salt = salt
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def encrypt(self, plaintext: str) -> str:
        with self._lock:
            if plaintext not in self._known:
                nonce = os.urandom(_NONCE_BYTES)
                sealed = self._cipher.encrypt(nonce, plaintext.encode(), None)
                self._known[plaintext] = f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"
            return self._known[plaintext]

    def decrypt(self, ciphertext: str) -> str:
        """Raises ValueError when the ciphertext is not of this key or was changed."""
        from cryptography.exceptions import InvalidTag

        try:
            version, nonce, sealed = ciphertext.split(":")
            if version != "v1":
                raise ValueError(f"expected a v1 ciphertext, found {version[:8]!r}")
            plaintext = self._cipher.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        except InvalidTag as error:
            raise ValueError("a secret does not decrypt: it was encrypted with another key, or changed") from error
        with self._lock:
            self._known.setdefault(plaintext, ciphertext)
        return plaintext

    def state(self) -> dict[str, str]:
        """What Pulumi needs besides the passphrase: the salt, and a known text to check the passphrase by."""
        return {"salt": f"v1:{base64.b64encode(self._salt).decode()}:{self.encrypt('pulumi')}"}

    def __repr__(self) -> str:
        return "PassphraseCrypter()"


def open_crypter(path: Path) -> PassphraseCrypter:
    """The crypter of the key file at `path` (mode 0600), made at first use.

    The derived key is kept beside the passphrase, which is no less secret: deriving takes a quarter of a second that
    every run would pay again.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        text = _create(path)
    try:
        stored = json.loads(text)
        return PassphraseCrypter(base64.b64decode(stored["key"]), base64.b64decode(stored["salt"]))
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"the key file {path} is damaged ({type(error).__name__}); without it the secrets in the checkpoints beside "
            "it cannot be read. Put it back from a copy, or start over with `ils sandbox reset`."
        ) from None


def _create(path: Path) -> str:
    passphrase, salt = secrets.token_urlsafe(32), os.urandom(_SALT_BYTES)
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, _ROUNDS, dklen=32)
    text = json.dumps(
        {
            "passphrase": passphrase,
            "salt": base64.b64encode(salt).decode(),
            "key": base64.b64encode(key).decode(),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        os.link(draft, path)  # fails when another process was first, whose key then counts
    except FileExistsError:
        return path.read_text()
    finally:
        draft.unlink()
    return text
