"""The program in a process that notes every file it opens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from watched_session import first_on_path

_HOOK = """
import os, sys
_note = os.open(os.environ["OPENED_FILES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def _hear(event, arguments):
    if event in ("open", "os.remove", "os.rename", "os.mkdir", "os.link", "os.symlink"):
        os.write(_note, (repr(arguments[0]) + chr(10)).encode("utf-8", "backslashreplace"))
sys.addaudithook(_hear)
"""


def opened_files(
    folder: Path, *arguments: object, **environment: str
) -> tuple[subprocess.CompletedProcess[bytes], str]:
    """Run ``ser-live``; gives how it ended and every path it opened, made, moved or removed.

    Python tells of each before it happens (audit events), and tells of those that fail too.
    """
    hook, note = folder / "hook", folder / "opened"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(_HOOK)
    note.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "ser_live", *map(str, arguments)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=240,
        env={
            **os.environ,
            "PYTHONPATH": first_on_path(hook),
            "OPENED_FILES": str(note),
            **environment,
        },
    )
    return done, note.read_text()
