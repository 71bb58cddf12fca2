"""Arguments that many commands of `ils` have."""

from __future__ import annotations

from typing import Annotated

import typer

EnvironmentArgument = Annotated[str, typer.Argument(help="Name of the environment, e.g. dev.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output.")]
