"""Copies of folders with a thousand small files, which is what an empty database server is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ils_sandbox.data.owned import DataServerError


def copy_tree(source: Path, destination: Path) -> None:
    """Copy a folder to where nothing is yet. Raises `DataServerError`.

    `cp` takes a fifth of the time of `shutil.copytree`, none of it under this process's interpreter lock, and shares
    blocks where the file system can.
    """
    command = ["cp", "-Rp", f"{source}/.", str(destination)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        message = f"{source} could not be copied to {destination}: {done.stderr.strip()[-500:]}"
        raise DataServerError(message)


def link_tree(source: Path, destination: Path) -> None:
    """A copy made of links, which will do where neither of the two ever changes."""
    shutil.copytree(source, destination, symlinks=True, copy_function=os.link)
