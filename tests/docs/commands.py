"""The commands in a document, as a shell would see them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^ *```(\w*)( sandbox)?\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:ils|make|aws|kubectl|helm|psql) [^`]+)`")
_SUBSTITUTION = re.compile(r"\$\(([^()]+)\)")
_WORDS_BEFORE = {"do", "then", "!"}


@dataclass(frozen=True)
class Command:
    """One command and where it stands."""

    words: tuple[str, ...]
    text: str

    @property
    def program(self) -> str:
        return Path(self.words[0]).name


def blocks(document: Path, language: str) -> list[str]:
    return [body for kind, _, body in BLOCK.findall(document.read_text()) if kind == language]


def blocks_for_the_sandbox(document: Path) -> list[str]:
    """Those that say of themselves that they work there."""
    return [body for _, marked, body in BLOCK.findall(document.read_text()) if marked]


def commands(document: Path) -> Iterator[Command]:
    """Every command in the shell blocks, and those that stand in the text."""
    for block in blocks(document, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            yield from _commands_in(line)
    prose = BLOCK.sub("", document.read_text())
    for text in INLINE.findall(prose):
        yield from _commands_in(" ".join(text.split()))


def _commands_in(line: str) -> Iterator[Command]:
    for inner in _SUBSTITUTION.findall(line):
        yield from _commands_in(inner)
    words = shlex.split(_SUBSTITUTION.sub("VALUE", line), comments=True)
    while words and words[0] in _WORDS_BEFORE:
        words.pop(0)
    if words and words[0] not in {"export", "for", "done"}:
        yield Command(tuple(words), line)
