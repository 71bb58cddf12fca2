"""What a file of settings may not be: nested without end, or a few lines that stand for millions of values.

Reading such a file would end midway, and not always with an exception: libyaml's parser, the copy that rules look at, a
message and the JSON of a result all go as deep as the file does.
"""

from __future__ import annotations

from typing import Any

import yaml

from ils_pipelines.settings.problems import Problem

MOST_NESTED = 50
"""Levels; an environment has six."""
MOST_VALUES = 100_000
"""With every alias written out; an environment has a few hundred."""
MOST_DIGITS = 100
"""Of a whole number. Python reads a hexadecimal one of any length and then cannot write it in decimal."""
_Mark = Any
"""Of PyYAML's or of libyaml's parser, which have no type in common."""
_INTEGER = "tag:yaml.org,2002:int"


class Unfit(Exception):
    """YAML that is valid and no settings."""

    def __init__(self, mark: _Mark, message: str, remedy: str) -> None:
        super().__init__(message)
        self.problem = Problem("", None, message, remedy, line=mark.line + 1 if mark else None)


def check_nesting(text: str, loader: type) -> None:
    """Raise `Unfit` for a text whose brackets or indents go too deep to be parsed, and what `loader` raises for no YAML."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_NESTED:
                raise _too_deep(event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def check_values(root: yaml.Node) -> None:
    """Raise `Unfit` for what aliases make of a document that is nested as far as it may be, and for endless numbers."""
    _measure(root, set(), {})


def _measure(node: yaml.Node, around: set[yaml.Node], known: dict[yaml.Node, tuple[int, int]]) -> tuple[int, int]:
    """How many levels and how many values there are. Goes no deeper than the text: an alias follows what it stands for."""
    if node in known:
        return known[node]
    if node in around:
        raise Unfit(node.start_mark, "has an alias that contains itself", "Write out what is meant.")
    if isinstance(node, yaml.ScalarNode):
        if node.tag == _INTEGER and len(node.value) > MOST_DIGITS:
            raise Unfit(
                node.start_mark, f"has a number of more than {MOST_DIGITS} digits", "Write the number you mean."
            )
        known[node] = (0, 1)
        return known[node]
    around.add(node)
    inside = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    measured = [_measure(each, around, known) for each in inside]
    around.remove(node)
    depth = 1 + max((depth for depth, _ in measured), default=0)
    values = 1 + sum(values for _, values in measured)
    if depth > MOST_NESTED:
        raise _too_deep(node.start_mark)
    if values > MOST_VALUES:
        raise Unfit(
            node.start_mark,
            f"stands for more than {MOST_VALUES} values with its aliases written out",
            "Use fewer aliases.",
        )
    known[node] = (depth, values)
    return known[node]


def _too_deep(mark: _Mark) -> Unfit:
    return Unfit(mark, f"is nested deeper than {MOST_NESTED} levels", "Write settings there, or remove it.")
