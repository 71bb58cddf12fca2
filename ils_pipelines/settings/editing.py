"""Changing single values of an environment's file, with the rest, comments included, left as a person wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ils_pipelines.settings.errors import EnvironmentFileError
from ils_pipelines.settings.loading import read_environment
from ils_pipelines.settings.yaml_document import read_document


def set_values(file: Path, section: str, values: Mapping[str, str]) -> None:
    """Set texts of one section, each in a line of its own; what is not there yet is added at the section's beginning.

    Raises `EnvironmentFileError`, the file as it was, when it would not be valid afterwards.
    """
    before = file.read_text(encoding="utf-8")
    lines = before.splitlines()
    document = read_document(file)
    missing = []
    for name, value in values.items():
        number = document.lines.get((section, name))
        if number is None:
            missing.append(f"  {name}: {_quoted(value)}")
        else:
            lines[number - 1] = _replaced(lines[number - 1], name, value)
    head = document.lines.get((section,))
    if missing and head is None:
        lines += ["", f"{section}:", *missing]
    elif missing and head is not None:
        lines[head:head] = missing
    beside = file.with_suffix(".tmp")  # no .yaml: nobody takes it for an environment
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    beside.replace(file)
    problems = read_environment(file).problems
    if problems:
        file.write_text(before, encoding="utf-8")
        raise EnvironmentFileError(file, problems)


def _replaced(line: str, name: str, value: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    comment = re.search(r"\s+#\s.*$", line)
    return f"{indent}{name}: {_quoted(value)}{comment.group() if comment else ''}"


def _quoted(value: str) -> str:
    """As a person would write it: quoted only where YAML could take it for something else."""
    plain = re.fullmatch(r"[A-Za-z][\w./:@-]*[\w]", value)
    return value if plain else "'" + value.replace("'", "''") + "'"
