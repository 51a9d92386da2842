"""Checks of the ground that ser-live stands on: Python, writable folders, the terminal."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ser_live import __version__
from ser_live.doctor.check import Check, Verdict

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 13)
"""Newest Python that was tried; newer ones may work."""

MIN_FREE_BYTES = 100 << 20
"""Free space below which the doctor warns: a day of talk is a log of about 20 MB."""

DASHBOARD_SIZE = (80, 24)
"""Columns and rows that show everything."""

_LIBRARIES = (
    *("numpy", "onnxruntime", "platformdirs", "scipy"),
    *("sounddevice", "soundfile", "soxr", "webrtcvad-wheels"),
)


def check_python(found: tuple[int, int] | None = None) -> Check:
    """The interpreter and the libraries that listening needs; `found` stands in for it."""
    found = found or (sys.version_info.major, sys.version_info.minor)
    libraries = {name: _version(name) for name in _LIBRARIES}
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    measured = {
        "python": platform.python_version(),
        "ser_live": __version__,
        "system": platform.platform(),
        "libraries": libraries,
    }
    missing = [name for name, there in libraries.items() if there is None]
    supported = f"3.{OLDEST_PYTHON[1]} to 3.{NEWEST_PYTHON[1]}"
    if found < OLDEST_PYTHON:
        remedy = f"install Python {supported} and ser-live in it"
        return Check(Verdict.PROBLEM, text, remedy, measured=measured)
    if missing and missing != ["onnxruntime"]:
        return Check(
            Verdict.PROBLEM,
            f"{text}, without {', '.join(missing)}",
            "install ser-live again with its dependencies",
            measured=measured,
        )
    if missing:
        return Check(
            Verdict.WARNING,
            f"{text}, without onnxruntime",
            "install onnxruntime, or use `--model classic`, which does without",
            measured=measured,
        )
    if found > NEWEST_PYTHON:
        remedy = f"ser-live was not tried with it; if something fails, use {supported}"
        return Check(Verdict.WARNING, text, remedy, measured=measured)
    return Check(Verdict.OK, text, measured=measured)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_folder(folder: Path, verdict: Verdict, remedy: str) -> Check:
    """Whether files can be written to `folder`; nothing of the attempt stays.

    Parameters
    ----------
    folder : Path
        May be missing; then the nearest folder above it that exists is tried.
    verdict : Verdict
        What it means if they cannot.
    remedy : str
        What to do then.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    measured = {"folder": str(folder), "exists": there == folder}
    name = _short(folder)
    try:
        # Permissions say little (root, network shares, read-only disks): a folder is made.
        with tempfile.TemporaryDirectory(dir=there, prefix=".ser-live-") as tried:
            (Path(tried) / "file").write_bytes(bytes(1024))
        free_bytes = shutil.disk_usage(there).free
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return Check(verdict, f"{name} cannot be written ({why})", remedy, measured=measured)
    measured["free_bytes"] = free_bytes
    if free_bytes < MIN_FREE_BYTES:
        return Check(
            Verdict.WARNING,
            f"{name} has only {free_bytes >> 20} MB of room",
            "free space there, or remove old logs with `ser-live purge --older-than DAYS`",
            measured=measured,
        )
    made = "" if there == folder else ", made when needed"
    return Check(Verdict.OK, f"{name}{made}", measured=measured)


def _short(path: Path) -> str:
    """`path` with ``~`` for the user's home."""
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):
        return str(path)


def check_terminal() -> Check:
    """Whether the dashboard can be drawn on standard output."""
    from ser_live.outputs.dashboard.live import can_draw, shows_only_ascii
    from ser_live.terminal.console import HonestConsole, is_screen

    console = HonestConsole()
    is_terminal = is_screen(console.file)
    width, height = console.size
    only_ascii = shows_only_ascii(console)
    measured = {
        "is_terminal": is_terminal,
        "columns": width,
        "rows": height,
        "encoding": console.encoding,
        "colors": console.color_system,
        "draws_dashboard": can_draw(console),
    }
    if not is_terminal:
        return Check(Verdict.OK, "none here; plain lines are printed", measured=measured)
    size = f"{width} x {height}"
    if not can_draw(console):
        return Check(
            Verdict.WARNING,
            f"{size}, cannot be drawn on; plain lines are printed",
            "use another terminal, or set TERM to what it is, for the dashboard",
            measured=measured,
        )
    if width < DASHBOARD_SIZE[0] or height < DASHBOARD_SIZE[1]:
        return Check(
            Verdict.WARNING,
            f"{size}, too small for all of the dashboard",
            "enlarge the window to {} x {}".format(*DASHBOARD_SIZE),
            measured=measured,
        )
    signs = "ASCII only" if only_ascii else console.encoding
    return Check(
        Verdict.OK, f"{size}, {signs}, {console.color_system or 'no'} colors", measured=measured
    )
