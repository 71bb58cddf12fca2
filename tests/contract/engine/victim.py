"""A process that runs one engine operation, so that a test can kill or interrupt it.

`python -m tests.contract.engine.victim ENGINE DIRECTORY WORLD OPERATION PROGRAM`
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from ils_pipelines.engine.models import Stack
from tests.contract.engine.conftest import ENGINES
from tests.contract.engine.lab import World
from tests.contract.engine.programs import PROGRAMS


def main() -> None:
    kind, directory, world, operation, program = sys.argv[1:]
    engine = ENGINES[kind](Path(directory), World(Path(world)))
    stack = Stack("lab-project", "dev", PROGRAMS[program])
    for number in (signal.SIGTERM, signal.SIGINT):  # also where whoever started the tests ignores interrupts
        signal.signal(number, signal.default_int_handler)
    getattr(engine, operation)(stack)


if __name__ == "__main__":
    main()
