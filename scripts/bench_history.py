"""Speed of the history with 10,000 sessions; `bench.py` prints it, and it runs by itself too.

python scripts/bench_history.py [N]
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

_PER_DAY = 8
_N_UTTERANCES = 12
_N_PARTIALS = 3
_LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def measure(n_sessions: int = 10_000) -> dict[str, Any]:
    """Seconds of the first reading, then of list and trend as commands and inside a process."""
    with tempfile.TemporaryDirectory() as name:
        state = Path(name) / "ser-live"
        n_bytes = make_logs(state / "sessions", n_sessions)
        os.environ.update(XDG_STATE_HOME=name, TMPDIR=name)
        tempfile.tempdir = name
        try:
            return {
                "n_sessions": n_sessions,
                "n_utterances": n_sessions * _N_UTTERANCES,
                "n_bytes": n_bytes,
                "index_s": _seconds(_indexed),
                "index_bytes": (state / "history.sqlite3").stat().st_size,
                "list_s": [_seconds(_listed) for _ in range(5)],
                "trend_s": [_seconds(_trended) for _ in range(3)],
                "list_command_s": [_command_s("history") for _ in range(5)],
                "trend_command_s": [_command_s("history", "trend") for _ in range(3)],
            }
        finally:
            tempfile.tempdir = None


def _seconds(work: Any) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _indexed() -> None:
    from ser_live.history.index import HistoryIndex
    from ser_live.history.refreshing import refresh

    with HistoryIndex() as index:
        refresh(index)


def _listed() -> None:
    """Everything the list does but start a process: logs looked at, rows found and laid out."""
    _run("history")


def _trended() -> None:
    _run("history", "trend")


def _run(*arguments: str) -> None:
    from ser_live.cli import cli

    with contextlib.redirect_stdout(open(os.devnull, "w")):  # noqa: PTH123  written once
        cli(list(arguments), standalone_mode=False)


def _command_s(*arguments: str) -> float:
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ser_live", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began_s


def make_logs(folder: Path, n_sessions: int) -> int:
    """Write logs as sessions do, partial results among them; returns their bytes."""
    folder.mkdir(parents=True)
    rng = random.Random(10)  # noqa: S311  numbers, not secrets
    first = datetime(2023, 1, 1, 8, tzinfo=timezone(timedelta(hours=1)))
    n_bytes = 0
    for number in range(n_sessions):
        day, place = divmod(number, _PER_DAY)
        began_at = first + timedelta(days=day, minutes=75 * place)
        text = _log(began_at, rng)
        (folder / f"{began_at:%Y-%m-%dT%H%M%S}.jsonl").write_text(text)
        n_bytes += len(text)
    return n_bytes


def _log(began_at: datetime, rng: random.Random) -> str:
    at = began_at.isoformat()
    tail = {"file": None, "stream": 1, "channel": None, "role": None}
    records: list[dict[str, object]] = [
        {"type": "log", "schema": "ser-live-session", "schema_version": 1},
        {"type": "session_started", "started_at": at, "version": "0.1.0", "model": "ear",
         "model_sha256": "9f2c41d07be3", "labels": list(_LABELS), "settings": {"adapt": True},
         "speaker": "anna", "audio_folder": None},
        {"type": "stream_started", "source": "headset", "sample_rate": 48_000, "n_channels": 1,
         "started_at": at, **tail},
    ]  # fmt: skip
    for number in range(1, _N_UTTERANCES + 1):
        weights = [rng.random() for _ in _LABELS]
        shares = {
            label: round(weight / sum(weights), 4)
            for label, weight in zip(_LABELS, weights, strict=True)
        }
        emotion = max(shares, key=lambda label: shares[label])
        for kind in ["partial"] * _N_PARTIALS + ["final"]:
            records.append(  # noqa: PERF401  a list of records reads better
                {"type": "emotion", "id": number, "kind": kind, "start_s": number * 5.0,
                 "end_s": number * 5.0 + 4, "emotion": emotion, "state": "ok",
                 "confidence": shares[emotion], "probabilities": shares,
                 "valence": round(rng.gauss(0, 0.2), 3), "arousal": round(rng.gauss(0, 0.2), 3),
                 "n_past": number, "speech_s": 3.2, "level_dbfs": -23.1, "snr_db": 31.4,
                 "latency_ms": 11.8, "reasons": [], **tail}
            )  # fmt: skip
    records += [
        {"type": "stream_ended", "duration_s": 70.0, "n_utterances": _N_UTTERANCES, **tail},
        {"type": "session_ended", "reason": "end", "duration_s": 70.0,
         "n_utterances": _N_UTTERANCES, "n_dropped": 0, "n_gaps": 0, "emotions": {}, "states": {},
         "latency_ms_p50": 19.3, "latency_ms_p95": 36.3},
    ]  # fmt: skip
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """What was measured, its worst and its bar, for the table of `bench.py`."""
    n = found["n_sessions"]
    rate = found["n_utterances"] / found["index_s"]
    megabytes = found["n_bytes"] / found["index_s"] / 1e6

    def row(name: str, key: str, bar: str) -> tuple[str, str, str, str]:
        times = sorted(found[key])
        return (name, f"{times[len(times) // 2]:.2f} s", f"{times[-1]:.2f} s", bar)

    return [
        (f"history: {n} logs indexed", f"{found['index_s']:.0f} s", f"{megabytes:.1f} MB/s",
         f"{rate:.0f} utterances/s"),
        row("history: list", "list_s", "<= 0.3 s"),
        row("history: trend", "trend_s", "<= 2 s"),
        row("history: list, with the start of the program", "list_command_s", ""),
        row("history: trend, with the start of the program", "trend_command_s", ""),
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
