"""Markdown tables, for the Dagster UI and for evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LONGEST_CELL = 300


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], longest: int = LONGEST_CELL) -> str:
    """A table with a line for each row; a cell that is longer than `longest` is cut."""
    lines = [f"| {' | '.join(heads)} |", "| " + " | ".join("---" for _ in heads) + " |"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(cell, longest) for cell in row)} |" for row in rows)])


def _cell(text: str, longest: int) -> str:
    shortened = text if len(text) <= longest else text[: longest - 1] + "…"
    return shortened.replace("|", "\\|").replace("\n", " ")
