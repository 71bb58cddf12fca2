"""`python -m benchmarks [NAME …]`: all benchmarks, or those named."""

import sys

from benchmarks import load, up

BENCHMARKS = {"load": load.main, "up": up.main}

for name in sys.argv[1:] or BENCHMARKS:
    if name not in BENCHMARKS:
        sys.exit(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    BENCHMARKS[name]()
    print()
