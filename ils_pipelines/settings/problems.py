"""What can be wrong with an environment file, said so that it can be put right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Location = tuple[str | int, ...]


class Severity(StrEnum):
    ERROR = "error"
    """The file is refused."""
    WARNING = "warning"
    """The file is accepted; somebody should look at this before it becomes an error."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file: where, what was found there, why that is wrong, and what to write instead."""

    path: str
    """The place as a person writes it, e.g. `network.private_subnets[1]`; empty for the file as a whole."""
    value: Any
    """What stands there; None when nothing does."""
    message: str
    remedy: str
    severity: Severity = Severity.ERROR
    line: int | None = None
    """Counted from 1; None when the place is not in the file, e.g. a default."""

    def __str__(self) -> str:
        place = self.path or "the file"
        if self.line is not None:
            place += f" (line {self.line})"
        found = "" if self.value is None else f", found {shorten(self.value)}"
        return printable(f"{place}: {self.message}{found}. {self.remedy}")


@dataclass(frozen=True)
class Finding:
    """What a rule found in one section, before the section's own place in the file is known."""

    location: Location
    """Relative to the section the rule looked at."""
    value: Any
    message: str
    remedy: str
    severity: Severity = field(default=Severity.ERROR, kw_only=True)


def dotted(location: Sequence[str | int]) -> str:
    """`("network", "private_subnets", 1)` as `network.private_subnets[1]`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def printable(text: str) -> str:
    """A line that a terminal only shows: what would end it, or command the terminal, is written as in Python."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def shorten(value: Any, limit: int = 80) -> str:
    """A value as it may stand in a message: quoted if it is text, cut if it is long."""
    text = repr(value) if isinstance(value, (str, int, float, list, tuple, dict)) else f"'{value}'"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
