"""`python -m ils_sandbox.kubernetes.container FD COMMAND ARGUMENT…`: run a command, and end it with the server.

FD is the reading end of a pipe whose writing end only the server holds. When the server ends, however it ends, the pipe
closes and the command is killed with everything it started. The exit code is the command's, 128 + N when signal N ended it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType


def main() -> int:
    descriptor, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(descriptor, False)
    process = subprocess.Popen(command, start_new_session=True)

    def forward(number: int, _frame: FrameType | None) -> None:
        end(number)

    def end(number: int) -> None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return  # it has ended by itself

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        end(signal.SIGKILL)

    signal.signal(signal.SIGTERM, forward)
    threading.Thread(target=watch, name="end-with-server", daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
