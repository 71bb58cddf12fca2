"""Logging in to what the application needs: its database and its cache, as the variables of its container name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Variables = Mapping[str, str]

_DATABASE_URL = "DATABASE_URL"
_CACHE = ("REDIS_HOST", "REDIS_PORT", "REDIS_AUTH_TOKEN")


def missing(variables: Variables, authority: Path | None, seconds: int) -> dict[str, str]:
    """Why neighbours do not let us in within `seconds`, by what they are; empty when all do. Blocks.

    `authority` is a PEM file of whom the image trusts to vouch for servers; None for whom the machine trusts. Says nothing
    of any value: not even what a client says of an address that it cannot read, which would show the password in it.
    """
    with ThreadPoolExecutor(len(_NEIGHBOURS)) as pool:
        asked = {name: pool.submit(ask, variables, authority, seconds) for name, ask in _NEIGHBOURS.items()}
        return {name: why for name, found in asked.items() if (why := found.result())}


def _database(variables: Variables, _authority: Path | None, seconds: int) -> str:
    """TLS as the address says."""
    from psycopg import Error, connect

    if not variables.get(_DATABASE_URL):
        return f"{_DATABASE_URL} is not set"
    try:
        connect(variables[_DATABASE_URL], connect_timeout=seconds, application_name="ils").close()
    except (Error, ValueError) as error:
        return type(error).__name__
    return ""


def _cache(variables: Variables, authority: Path | None, seconds: int) -> str:
    """Over TLS, the server's certificate verified."""
    from valkey import Valkey
    from valkey.exceptions import ValkeyError

    unset = [name for name in _CACHE if not variables.get(name)]
    if unset:
        return f"{', '.join(unset)} not set"
    host, port, token = (variables[name] for name in _CACHE)
    if not port.isdecimal():
        return "REDIS_PORT is not a number"
    client: Any = Valkey(  # partly untyped
        host=host,
        port=int(port),
        password=token,
        ssl=True,
        ssl_check_hostname=True,
        ssl_ca_certs=None if authority is None else str(authority),
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
    )
    try:
        client.ping()
    except (ValkeyError, OSError, ValueError) as error:
        return type(error).__name__
    finally:
        client.close()
    return ""


_NEIGHBOURS: Mapping[str, Callable[[Variables, Path | None, int], str]] = {"database": _database, "cache": _cache}
