"""Files and folders that only their owner can read, whatever the umask says."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

if os.name != "nt":
    import fcntl


def make_private_folder(folder: Path) -> None:
    """Make `folder` and every folder missing above it, each for its owner only.

    A folder that exists is left as it is: its maker decides who may read it.

    Raises
    ------
    OSError
        It cannot be made, or something else has its name.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for folder in reversed(missing):
        # ``Path.mkdir(parents=True)`` would leave the folders in between to the umask.
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)


def create_private_file(path: Path, *, appends: bool = False) -> int:
    """A new file for its owner only, opened for writing; returns its descriptor.

    With `appends` every write goes to its end. As long as the descriptor is open,
    `is_in_use` says so.

    Raises
    ------
    OSError
        The file exists, or cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags | (os.O_APPEND if appends else 0), 0o600)
    if os.name != "nt":
        os.fchmod(descriptor, 0o600)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def wait_for_turn(descriptor: int) -> bool:
    """Wait until no other program of this kind holds an open file; whether it still has its name.

    It is let go with the descriptor. Where there are no locks nothing is waited for.
    """
    if os.name != "nt":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    return os.name == "nt" or os.fstat(descriptor).st_nlink > 0


def is_in_use(path: Path) -> bool:
    """Whether a running program still writes a file of `create_private_file`.

    Always False on Windows, which refuses to remove an open file by itself.
    """
    if os.name == "nt":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def is_being_written(descriptor: int) -> bool | None:
    """Whether a running program still writes an open file of `create_private_file`.

    ``None`` where that cannot be told: on Windows, and on file systems without locks.
    """
    if os.name == "nt":
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
