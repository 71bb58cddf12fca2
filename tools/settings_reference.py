"""`make reference`: docs/configuration.md, every key of an environment's file, from the model that reads it."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic_core import PydanticUndefined

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.section import Section

FILE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
_HEAD = """\
# Configuration: every key of an environment's file

What a key says, and what holds without it. `environments/*.yaml` have the reasons beside the numbers; `ils validate` knows
what each key takes and what to write instead. Variables are in the [operations guide](operations-guide.md#configuration).

Written by `make reference` from `ils_pipelines/settings`; `make check` holds the two together. `[]` stands for each entry of
a list.
"""


def reference() -> str:
    """The document."""
    parts = [_HEAD]
    for title, section in sections():
        rows = [
            f"| `{name}` | {_cell(field.description or '')} | {_default(field)} |"
            for name, field in section.model_fields.items()
            if _section(field.annotation) is None
        ]
        about = (section.__doc__ or "").strip().split("\n\n", maxsplit=1)[0].replace("\n    ", " ")
        if rows:
            parts.append(
                "\n".join(
                    (f"## {title}", "", about, "", "| key | what it says | default |", "| --- | --- | --- |", *rows)
                )
            )
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def sections() -> Iterator[tuple[str, type[Section]]]:
    """Every kind of section with its path in the file, the file itself first."""
    yield "The file itself", Environment
    yield from _inside(Environment, "")


def _inside(section: type[Section], path: str) -> Iterator[tuple[str, type[Section]]]:
    for name, field in section.model_fields.items():
        inner = _section(field.annotation)
        if inner is not None:
            here = f"{path}{name}{'[]' if _is_list(field.annotation) else ''}"
            yield f"`{here}`", inner
            yield from _inside(inner, f"{here}.")


def _section(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for each in get_args(annotation) if (found := _section(each)) is not None), None)


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) is tuple:
        return True
    unions = (typing.Union, types.UnionType, typing.Annotated)
    return get_origin(annotation) in unions and any(_is_list(each) for each in get_args(annotation))


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "none"
    written = yaml.safe_dump(_plain(value), default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()
    return f"`{_cell(written)}`"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value if isinstance(value, str | int | float | bool) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main(arguments: list[str]) -> None:
    if "--check" in arguments:
        if FILE.read_text(encoding="utf-8") != reference():
            sys.exit("docs/configuration.md is not what the model says. Write it anew: make reference")
    else:
        FILE.write_text(reference(), encoding="utf-8")
        sys.stdout.write(f"{FILE}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
