"""`python -m benchmarks [NAME[=ARGUMENT] …]`: all benchmarks, or those named, e.g. `dump=10,250`."""

import sys
from collections.abc import Callable, Mapping

from benchmarks import dump, environments, load, up

BENCHMARKS: Mapping[str, Callable[..., None]] = {
    "dump": dump.main,
    "load": load.main,
    "up": up.main,
    "environments": environments.main,
}

for each in sys.argv[1:] or BENCHMARKS:
    name, _, argument = each.partition("=")
    if name not in BENCHMARKS:
        sys.exit(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    BENCHMARKS[name](*filter(None, [argument]))
    print()
