"""Reports on disk: for their owner only, and never over something that is there unasked."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ser_live.errors import LogError, UsageError
from ser_live.records.private_files import create_private_file
from ser_live.terminal.text import printable

_UNFINISHED = ".unfinished"


def write_private(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a whole file that its owner alone can read.

    It is written beside its place first, so that half a file never stands there.

    Raises
    ------
    UsageError
        It exists and is not to be replaced.
    LogError
        It cannot be written.
    """
    if path.exists() and not overwrite:
        raise UsageError(
            f"{printable(str(path))} exists and is not overwritten: give --output another name, "
            "or add --overwrite."
        )
    beside = path.with_name(f"{path.name}.{os.getpid()}{_UNFINISHED}")
    try:
        _write_new(beside, content)
        if overwrite:
            beside.replace(path)
        else:
            # Unlike a rename, this fails where somebody made the file meanwhile.
            try:
                os.link(beside, path)
            except FileExistsError:
                raise
            except OSError:  # a file system without hard links
                beside.replace(path)
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise LogError(
            f"{printable(str(path))} cannot be written ({cause.lower()}): give --output a writable "
            "place."
        ) from error
    finally:
        with suppress(OSError, ValueError):
            beside.unlink()


def _write_new(path: Path, content: bytes) -> None:
    with os.fdopen(create_private_file(path), "wb") as file:
        file.write(content)
