"""`ils`: the same jobs from a terminal."""

import typer

app = typer.Typer(no_args_is_help=True, help="Provision and operate the Integrated Lens System on AWS.")


@app.callback()
def root() -> None:
    """Provision and operate the Integrated Lens System on AWS."""


def main() -> None:
    app()
