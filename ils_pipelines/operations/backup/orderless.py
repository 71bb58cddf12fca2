"""A digest of many things in whatever order they come."""

from __future__ import annotations

_BYTES = 32


class OrderlessDigest:
    """The sum of their hashes: another when one differs, is missing, or is there twice."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add_hash(self, digest: bytes) -> None:
        """Of one thing: SHA-256."""
        self._sum += int.from_bytes(digest)
        self.count += 1

    def add_all(self, count: int, checksum: str) -> None:
        """What another digest was told."""
        self._sum += int.from_bytes(bytes.fromhex(checksum))
        self.count += count

    @property
    def checksum(self) -> str:
        """Hexadecimal."""
        return (self._sum % (1 << 8 * _BYTES)).to_bytes(_BYTES).hex()
