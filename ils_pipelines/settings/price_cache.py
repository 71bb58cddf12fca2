"""Prices that were read from AWS on this machine, for the environments of one target and region; else the bundled ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.folders import state_directory
from ils_pipelines.settings.prices import PriceTable, price_table


def price_file(environment: Environment) -> Path:
    """Where prices that were refreshed are kept. What a sandbox answered counts for environments in the sandbox alone."""
    return state_directory() / "prices" / f"{environment.target}-{environment.aws.region}.json"


def prices_for(environment: Environment) -> PriceTable:
    """The refreshed table; the bundled one where there is none, or none that can be read: every row says its own source."""
    try:
        return PriceTable.model_validate_json(price_file(environment).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return price_table()


def keep_prices(environment: Environment, table: PriceTable) -> Path:
    """Keep a refreshed table; a reader sees the old one or the new one."""
    path = price_file(environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(table.model_dump_json(indent=1))
    Path(temporary).replace(path)
    return path
