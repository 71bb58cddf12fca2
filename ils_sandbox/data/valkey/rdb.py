"""Files as Valkey and Redis dump them (RDB), as far as one is told from another file."""

from __future__ import annotations

EMPTY = b"REDIS0011\xff" + bytes(8)
"""Of a server without a key: version 11, the end, and no checksum."""
_MAGIC = (b"REDIS", b"VALKEY")


def is_dump(content: bytes) -> bool:
    """Whether it begins as one does."""
    return content.startswith(_MAGIC)
