"""The index of the history, killed while it is made: the next one is that of the logs."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from reliability.row import Row

TITLE = "History"

_N_LOGS = 60
_N_UTTERANCES = 12
_INDEX = """
from ser_live.history.index import HistoryIndex
from ser_live.history import refreshing
refreshing._BATCH_S = 0.01
with HistoryIndex() as index:
    print("begun", flush=True)
    refreshing.refresh(index)
"""
"""Batches so short that a kill falls into and between many of them."""


def run(*, short: bool, data: Path | None) -> list[Row]:
    """Kill the making of an index."""
    del data
    with tempfile.TemporaryDirectory() as name:
        return [kills(Path(name), 12 if short else 200)]


def kills(folder: Path, n: int) -> Row:
    """``kill -9`` at random moments; logs grow, come and go between two of them."""
    began_s = time.monotonic()
    rng = random.Random(21)  # noqa: S311  moments, not secrets
    state = folder / "state" / "ser-live"
    sessions = state / "sessions"
    sessions.mkdir(parents=True)
    index = state / "history.sqlite3"
    logs = [_log(sessions, number) for number in range(_N_LOGS)]
    whole_s = _indexed(folder, None)
    n_good = n_half = n_before = 0
    for number in range(n):
        if rng.random() < 0.3:
            index.unlink(missing_ok=True)
        _disturb(logs, rng)
        took_s = _indexed(folder, rng.uniform(0.0, whole_s or 1.0))
        n_before += took_s is None
        n_half += (state / "history.sqlite3-journal").exists()
        _indexed(folder, None)
        found = contents(index)
        index.rename(folder / "mended")
        _indexed(folder, None)
        n_good += found == contents(index)
        (folder / "mended").rename(index)
        if number % 20 == 19:
            print(f"    {number + 1} kills, {n_good} as a fresh index", flush=True)
    return Row(
        "kill -9 while logs are indexed: the next run equals a fresh index",
        f"{n_good} of {n} ({n_half} with a transaction half done, {n_before} before it began)",
        f"{n} of {n}",
        n_good == n,
        time.monotonic() - began_s,
    )


def contents(index: Path) -> list[str]:
    """Everything that an index says, without the numbers that SQLite gave its rows."""
    database = sqlite3.connect(index)
    try:
        names = [row[1] for row in database.execute("PRAGMA table_info(log)") if row[1] != "id"]
        parts = [
            row[1]
            for row in database.execute("PRAGMA table_info(part)")
            if row[1] not in ("id", "log_id")
        ]
        labels = [row[1] for row in database.execute("PRAGMA table_info(label)")][1:]
        queries = (
            f"SELECT {', '.join(names)} FROM log",  # noqa: S608  names of columns
            f"SELECT path, {', '.join(f'part.{name}' for name in parts)} FROM part "  # noqa: S608
            "JOIN log ON log.id = log_id",
            f"SELECT path, hour, {', '.join(f'label.{name}' for name in labels)} FROM label "  # noqa: S608
            "JOIN part ON part.id = part_id JOIN log ON log.id = log_id",
        )
        return [str(row) for query in queries for row in sorted(map(str, database.execute(query)))]
    finally:
        database.close()


def _indexed(folder: Path, kill_after_s: float | None) -> float | None:
    """Bring the index up to date, or be killed meanwhile; ``None`` where that came too early."""
    with subprocess.Popen(
        [sys.executable, "-c", _INDEX],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state"), "TMPDIR": str(folder)},
        text=True,
    ) as process:
        assert process.stdout is not None
        has_begun = process.stdout.readline() == "begun\n"
        began_s = time.monotonic()
        if kill_after_s is None:
            process.wait()
        else:
            time.sleep(kill_after_s)
            process.kill()
        return time.monotonic() - began_s if has_begun else None


def _log(sessions: Path, number: int) -> Path:
    """A log of a session without its end, so that it may grow."""
    began_at = datetime(2026, 1, 1, 9, tzinfo=timezone.utc) + timedelta(hours=number)
    path = sessions / f"{began_at:%Y-%m-%dT%H%M%S}.jsonl"
    at = began_at.isoformat()
    head = [
        {"type": "log", "schema": "ser-live-session", "schema_version": 1},
        {"type": "session_started", "started_at": at, "version": "0", "model": "m",
         "model_sha256": "0", "speaker": "anna"},
        {"type": "stream_started", "source": "headset", "sample_rate": 16000, "n_channels": 1,
         "started_at": at, "file": None, "stream": 1},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in head))
    _grow(path, _N_UTTERANCES, random.Random(number))  # noqa: S311  numbers, not secrets
    return path


def _grow(path: Path, n: int, rng: random.Random) -> None:
    with path.open("a") as file:
        for number in range(n):
            record = {
                "type": "emotion", "id": number, "kind": "final", "start_s": float(number),
                "end_s": number + 0.9, "emotion": "happy", "state": "ok", "confidence": 0.8,
                "probabilities": {"happy": 0.8, "sad": 0.2}, "valence": rng.uniform(-1, 1),
                "arousal": rng.uniform(-1, 1), "n_past": 0, "speech_s": rng.uniform(0.1, 5),
                "level_dbfs": -20.0, "snr_db": 20.0, "latency_ms": 1.0, "reasons": [],
                "file": None, "stream": 1,
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")


def _disturb(logs: list[Path], rng: random.Random) -> None:
    """Let some logs grow, and delete one and make it again."""
    for path in rng.sample(logs, 10):
        _grow(path, rng.randint(1, 3), rng)
    gone = rng.choice(logs)
    number = logs.index(gone)
    gone.unlink()
    logs[number] = _log(gone.parent, number)
