"""Ends that nobody asked for: kill -9 at any moment, full disks, vanished folders."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reliability.machinery import DEMO, SER_LIVE, SPOILT, without
from reliability.row import Row
from ser_live.errors import LogError
from ser_live.events import EndReason, SessionEnded
from ser_live.records.session_log import read_log

TITLE = "Crashes"

CHEAP = ("--model", "classic", "--vad-confirm", "off")
"""Fast model: the log is written the same way with any, and there are many processes."""

DIFFERS = ("started_at", "latency_ms", "latency_ms_p50", "latency_ms_p95")


def run(*, short: bool, data: Path | None) -> list[Row]:
    """Kill, fill, remove and break."""
    del data
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [
            kills(folder, 10 if short else 200),
            vanished_folder(folder),
            full_disk(folder),
            defects(folder),
        ]


def kills(folder: Path, n: int) -> Row:
    """``kill -9`` at random moments of a replay: most while it writes, some while it starts."""
    began_s = time.monotonic()
    whole = folder / "whole.jsonl"
    command = [*SER_LIVE, "replay", str(DEMO), "--speed", "0", *CHEAP, "--format", "jsonl"]
    subprocess.run([*command, "--log", str(whole)], check=True, capture_output=True)
    expected = [without(record, *DIFFERS) for record in _records(whole)]
    rng = random.Random(20)  # noqa: S311  moments, not secrets
    n_good = n_cut = n_before = n_after = 0
    faults: list[str] = []
    for number in range(n):
        log = folder / f"killed-{number}.jsonl"
        # How far the log has grown, then a moment more: as random on a busy machine as on an
        # idle one. Every tenth process is killed while it starts.
        n_bytes = 0 if number % 10 == 9 else rng.randrange(1, whole.stat().st_size)
        delay_s = rng.uniform(0.0, 1.0 if n_bytes == 0 else 0.03)
        shown = _killed([*command, "--log", str(log)], log, n_bytes, delay_s)
        fault, was_cut = _fault(log, expected, shown)
        n_good += fault is None
        n_cut += was_cut
        n_before += not log.exists()
        n_after += log.exists() and b'"session_ended"' in log.read_bytes()
        if fault is not None:
            faults.append(f"{delay_s:.4f} s after {n_bytes} bytes: {fault}")
            print(f"    {faults[-1]}", flush=True)
        log.unlink(missing_ok=True)
        if number % 20 == 19:
            print(f"    {number + 1} kills, {n_good} logs as they should be", flush=True)
    return Row(
        "kill -9 at random moments: the log loads and holds what was shown, unchanged",
        f"{n_good} of {n} ({n_before} before there was a log, {n_after} after its end, "
        f"{n_cut} with a last line cut)" + "".join(f"; {fault}" for fault in faults[:3]),
        f"{n} of {n}",
        n_good == n,
        time.monotonic() - began_s,
    )


def _records(log: Path, on_cut: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
    """Records of the log, read and checked, in the form in which they were shown."""
    return [entry.as_record() for entry in read_log(log, on_cut=on_cut)]


def _killed(command: list[str], log: Path, n_bytes: int, delay_s: float) -> list[dict[str, Any]]:
    """Kill `command` when its log has grown so far; the whole lines that it showed."""
    with tempfile.TemporaryFile() as stdout:
        with subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and n_bytes > 0:
                with contextlib.suppress(FileNotFoundError):
                    if log.stat().st_size >= n_bytes:
                        break
                time.sleep(0.002)
            time.sleep(delay_s)
            process.kill()
        stdout.seek(0)
        return [json.loads(line) for line in stdout if line.endswith(b"\n")]


def _fault(
    log: Path, expected: list[dict[str, Any]], shown: list[dict[str, Any]]
) -> tuple[str | None, bool]:
    """Fault of the log, if any, and whether its last line was cut."""
    cuts: list[str] = []
    if not log.exists():
        return ("shown, but not logged" if shown else None), False
    try:
        found = _records(log, on_cut=cuts.append)
    except LogError as error:
        # Between the file's making and its first line there is nothing to load yet.
        return (None if log.stat().st_size == 0 and not shown else str(error)), False
    if found[1 : len(shown) + 1] != shown:
        return "what was shown is not what was logged", bool(cuts)
    if [without(record, *DIFFERS) for record in found] != expected[: len(found)]:
        return "a line differs from the undisturbed run", bool(cuts)
    return None, bool(cuts)


def vanished_folder(folder: Path) -> Row:
    """Delete the folder of the log in the middle of the session."""
    began_s = time.monotonic()
    gone = folder / "gone"
    gone.mkdir()
    log, state = gone / "log.jsonl", folder / "state"
    command = [*SER_LIVE, "replay", str(DEMO), "--speed", "8", *CHEAP, "--format", "jsonl"]
    with subprocess.Popen(
        [*command, "--log", str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    ) as process:
        while process.poll() is None and not (log.exists() and '"final"' in log.read_text()):
            time.sleep(0.02)
        n_before = len(log.read_text().splitlines()) - 1
        shutil.rmtree(gone)
        stdout, stderr = process.communicate()
    shown = [json.loads(line) for line in stdout.splitlines()]
    others = list(state.rglob("*.jsonl"))
    after = _records(others[0])[4:] if others else []
    n_lost = len(shown) - n_before - len(after)
    said = b"it goes on in" in stderr
    return Row(
        "the folder of the log is deleted: it goes on elsewhere and says so",
        f"{n_lost} of {len(shown)} events unlogged, {'said' if said else 'not said'}, "
        f"exit code {process.returncode}",
        # Between counting the lines and deleting them one more may have been written.
        "at most 1 event, said, exit code 0",
        n_lost <= 1 and said and process.returncode == 0 and bool(after),
        time.monotonic() - began_s,
    )


def full_disk(folder: Path) -> Row:
    """Write the log to a disk of 16 kB, mounted for the process alone."""
    began_s = time.monotonic()
    claim = "the disk of the log is full: it goes on on another one and says so"
    disk, state = folder / "disk", folder / "state of full disk"
    disk.mkdir()
    log, kept = disk / "log.jsonl", folder / "kept.jsonl"
    script = (
        "import shutil; from ser_live.cli import main\n"
        "try: main()\n"
        f"finally: shutil.copy({str(log)!r}, {str(kept)!r})"
    )
    mount = 'mount -t tmpfs -o size=16k tmpfs "$0" && exec "$@"'
    result = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(disk), sys.executable,
         "-c", script, "replay", str(DEMO), "--speed", "0", *CHEAP, "--format", "jsonl",
         "--log", str(log)],
        capture_output=True,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    )  # fmt: skip
    if not kept.exists():
        why = (result.stderr.decode().strip().splitlines() or ["no message"])[-1]
        return Row(claim, f"not measured: {why}", "0 events unlogged", False, 0.0)
    shown = [json.loads(line) for line in result.stdout.splitlines()]
    others = list(state.rglob("*.jsonl"))
    logged = _records(kept)[1:] + (_records(others[0])[4:] if others else [])
    said = b"no space left on device): it goes on in" in result.stderr
    return Row(
        claim,
        f"{len(shown) - len(logged)} of {len(shown)} events unlogged, "
        f"{'said' if said else 'not said'}, exit code {result.returncode}",
        "0 events, said, exit code 0",
        logged == shown and said and bool(others) and result.returncode == 0,
        time.monotonic() - began_s,
    )


def defects(folder: Path) -> Row:
    """A defect in either thread of a running session."""
    began_s = time.monotonic()
    n_good = 0
    faults = ("worker=3", "segmenter=100")
    for fault in faults:
        log = folder / f"{fault}.jsonl"
        result = subprocess.run(
            [sys.executable, str(SPOILT), fault, "replay", str(DEMO), "--speed", "8", *CHEAP,
             "--log", str(log)],
            capture_output=True,
            check=False,
        )  # fmt: skip
        stderr = result.stderr.decode()
        last = list(read_log(log))[-1]
        n_good += (
            result.returncode == 70
            and stderr.count("ser-live: ") == 1
            and "Traceback" not in stderr
            and isinstance(last, SessionEnded)
            and last.reason is EndReason.ERROR
        )
    return Row(
        "a defect in either thread: one sentence, exit code 70, the log closed",
        f"{n_good} of {len(faults)}",
        f"{len(faults)} of {len(faults)}",
        n_good == len(faults),
        time.monotonic() - began_s,
    )
