"""Property paths as Pulumi writes them: `tags.Name`, `ingress[0].fromPort`, `tags["a.b"]`, with `*` for every element."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[(\*)\]')


def parse(text: str) -> Path:
    """Raises ValueError when `text` is not a property path."""
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not a property path: cannot read from character {position}")
        name, index, quoted, star = match.groups()
        if index is not None:
            steps.append(int(index))
        elif quoted is not None:
            steps.append(re.sub(r"\\(.)", r"\1", quoted))
        else:
            steps.append(star or name)
        position = match.end()
    return tuple(steps)


def lies_below(selector: str, path: str) -> bool:
    """Whether `path` lies at or below `selector`, which may hold `*`."""
    wanted, found = parse(selector), parse(path)
    return len(found) >= len(wanted) and all(w in ("*", f) for w, f in zip(wanted, found, strict=False))
