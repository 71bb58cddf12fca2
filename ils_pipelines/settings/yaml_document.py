"""Reading one YAML file strictly: with the line of every value, and with duplicate keys refused.

PyYAML keeps the last of two equal keys and says nothing, which in a file of settings hides a mistake. A key that stands
beside `<<: *block` and in the block is none: so YAML has a block used again with something else in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ils_pipelines.settings.problems import Location, Problem, dotted
from ils_pipelines.settings.yaml_limits import Unfit, check_nesting, check_values

SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: ten times faster, which every command notices."""
_MERGE = "tag:yaml.org,2002:merge"
"""Of the key `<<`."""
_EMPTY = Problem("", None, "is empty", 'Write at least "name: <the name of the file>".')


@dataclass(frozen=True)
class Document:
    """What a file says. `problems` are those of the YAML itself; `data` is None when nothing could be read."""

    data: dict[str, Any] | None
    problems: tuple[Problem, ...]
    lines: dict[Location, int]
    """Line of every key and list element, counted from 1."""

    def line(self, location: Location) -> int | None:
        """The line of a place, or of the nearest place around it that is in the file."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location)


def read_document(file: Path) -> Document:
    """Parse a file; never raises for what is in it."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return _unreadable(Problem("", None, f"is not UTF-8 text (byte {error.start})", "Save it as UTF-8."))
    except OSError as error:
        return _unreadable(Problem("", None, f"cannot be read: {error.strerror}", "Check that it is a readable file."))
    lines: dict[Location, int] = {}
    try:
        data, problems = _parse(text, lines)
    except Unfit as unfit:
        return _unreadable(unfit.problem)
    except yaml.MarkedYAMLError as error:
        return _unreadable(_syntax(_explained(text, error)))
    except yaml.YAMLError:
        return _unreadable(Problem("", None, "is not YAML: it holds control characters", "Save it as plain text."))
    except ValueError as error:  # a value that looks like a date but is none, e.g. 2026-13-01
        return _unreadable(
            Problem("", None, f"has a value that YAML cannot read: {error}", "Put that value in quotes.")
        )
    if data is None:
        return _unreadable(_EMPTY)
    if not isinstance(data, dict):
        return _unreadable(Problem("", data, "must be a mapping of keys to values", 'Start with "name: …".'))
    return Document(data, problems, lines)


def _parse(text: str, lines: dict[Location, int]) -> tuple[Any, tuple[Problem, ...]]:
    """What the one document of a text says, and what is given twice in it. Fills in `lines`."""
    check_nesting(text, SafeLoader)
    loader = SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None, ()
        check_values(root)
        # Before values are made of it, which puts what `<<` stands for among the keys beside it.
        problems = tuple(_duplicates(root, (), lines, set()))
        return loader.construct_document(root), problems
    finally:
        loader.dispose()


def _explained(text: str, error: yaml.MarkedYAMLError) -> yaml.MarkedYAMLError:
    """What PyYAML's own parser says of it, which is more than libyaml does."""
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as more:
        return more
    return error


def _unreadable(problem: Problem) -> Document:
    return Document(None, (problem,), {})


def _syntax(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
    reason = error.problem or error.context or "cannot be parsed"
    return Problem(
        "",
        None,
        f"is not valid YAML{place}: {reason}",
        "Check indentation, quotes and colons there.",
        line=None if mark is None else mark.line + 1,
    )


def _duplicates(
    node: yaml.Node, location: Location, lines: dict[Location, int], seen: set[yaml.Node]
) -> Iterator[Problem]:
    if node in seen:  # an alias: what it stands for was looked at where it was written
        return
    seen.add(node)
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # no mapping can be made of it, which is said when that is tried
            inner = (*location, key.value)
            line = key.start_mark.line + 1
            if key.value in first and key.tag != _MERGE:
                yield Problem(
                    dotted(inner),
                    value.value if isinstance(value, yaml.ScalarNode) else None,
                    f"is given twice, first in line {first[key.value]}",
                    "Remove one of the two.",
                    line=line,
                )
            first.setdefault(key.value, line)
            lines[inner] = line
            yield from _duplicates(value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, element in enumerate(node.value):
            lines[*location, index] = element.start_mark.line + 1
            yield from _duplicates(element, (*location, index), lines, seen)
