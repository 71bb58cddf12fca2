"""`python -m ils_sandbox.launch FD MODULE ARGUMENT…`: run a module, and end with the process that started it.

FD is the reading end of a pipe whose writing end only the parent holds. When the parent ends, however it ends, the pipe
closes: the module gets SIGTERM and, if that does not end it, is killed. Works the same on Linux and macOS.
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import sys
import threading

SECONDS_TO_END = 10.0


def end_with_parent(descriptor: int) -> None:
    """Wait in the background for the pipe to close, then end this process."""

    def watch() -> None:
        # Nothing is ever written: the read returns when the other end is closed.
        while os.read(descriptor, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(SECONDS_TO_END)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def main() -> None:
    descriptor, module = int(sys.argv[1]), sys.argv[2]
    sys.argv[1:] = sys.argv[3:]
    os.set_inheritable(descriptor, False)
    # What a server imports stays: looking through it for garbage time and again is a part of its start and of its answers.
    gc.set_threshold(100_000, 50, 50)
    end_with_parent(descriptor)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
