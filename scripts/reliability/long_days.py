"""A day of listening as one stream, a week's log, and a clock that is set again and again."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reliability.machinery import CACHE, DEMO, SER_LIVE, SPOILT, rss_mb, without
from reliability.row import Row
from reliability.sound_of_a_day import RATE_HZ, a_period
from ser_live.events import Drop, EmotionResult, Kind, SessionEnded, StreamEnded, StreamGap
from ser_live.records.log_entries import LogGap
from ser_live.records.session_log import read_log

TITLE = "Long days"

DIFFERS = ("started_at", "latency_ms", "latency_ms_p50", "latency_ms_p95")

N_SETTLING = 2
"""Periods after which the detectors have heard the whole day's sound."""


def run(*, short: bool, data: Path | None) -> list[Row]:
    """24 hours as 24 equal hours, or in short 25 minutes as 5 equal times of 5."""
    rows = a_day(5, 300, data) if short else a_day(24, 3600, data)
    return [*rows, a_week_of_log(1 if short else 7), clock_change()]


# -- the day


@dataclass(frozen=True)
class Reading:
    """The process after one period was fed to it."""

    memory_mb: float
    n_descriptors: int
    n_threads: int
    cpu_s: float
    wall_s: float


def a_day(n_periods: int, period_s: int, data: Path | None) -> list[Row]:
    """Pipe the periods into ser-live with its dashboard, as fast as it takes them.

    What is read after every period, and the log, stay in ``.cache/reliability``. SIGTERM ends
    the day with the period that is running; the rows are of those that were fed.
    """
    began_s = time.monotonic()
    CACHE.mkdir(parents=True, exist_ok=True)
    log, checkpoint = CACHE / "day.jsonl", CACHE / "day-readings.jsonl"
    log.unlink(missing_ok=True)
    period = a_period(period_s, data)
    readings: list[Reading] = []
    is_enough = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: is_enough.set())
    command = [*SER_LIVE, "-", "--display", "dashboard", "--log", str(log)]
    with _terminal() as terminal, checkpoint.open("w") as kept:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=terminal,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        assert process.stdin is not None
        while len(readings) < n_periods and not is_enough.is_set():
            for chunk in period:
                process.stdin.write(chunk)
            process.stdin.flush()
            readings.append(_reading(process.pid, time.monotonic() - began_s))
            kept.write(json.dumps(asdict(readings[-1])) + "\n")
            kept.flush()
        process.stdin.close()
        process.wait()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return _rows_of_a_day(readings, log, period_s, time.monotonic() - began_s)


def _rows_of_a_day(readings: list[Reading], log: Path, period_s: int, seconds: float) -> list[Row]:
    n_periods = len(readings)
    spans: list[list[tuple[Kind, int, int]]] = [[] for _ in range(n_periods)]
    latencies_ms: list[list[float]] = [[] for _ in range(n_periods)]
    n_lost = 0
    n_heard = 0
    for entry in read_log(log):
        if isinstance(entry, StreamEnded):
            n_heard = entry.n_samples
        n_lost += isinstance(entry, StreamGap | Drop | LogGap)
        if not isinstance(entry, EmotionResult):
            continue
        number = min(entry.start_sample // (period_s * RATE_HZ), n_periods - 1)
        shift = number * period_s * RATE_HZ
        spans[number].append((entry.kind, entry.start_sample - shift, entry.end_sample - shift))
        if entry.kind is Kind.FINAL:
            latencies_ms[number].append(entry.latency_ms)
    first, last = readings[0], readings[-1]
    growth = last.memory_mb / first.memory_mb - 1
    n_quarter = max(1, n_periods // 4)
    begin_ms, end_ms = (
        float(np.percentile(np.concatenate(part), 95))
        for part in (latencies_ms[:n_quarter], latencies_ms[-n_quarter:])
    )
    # Latency swings with what else the machine does; processor time hardly does.
    marks = [0.0, *(reading.cpu_s for reading in readings)]
    begin_s = marks[n_quarter] / n_quarter
    end_s = (marks[-1] - marks[-1 - n_quarter]) / n_quarter
    descriptors = {reading.n_descriptors for reading in readings}
    threads = {reading.n_threads for reading in readings}
    settled = spans[N_SETTLING:] or [[]]
    finals = [[span for span in period if span[0] is Kind.FINAL] for period in settled]
    n_same = sum(period == finals[0] for period in finals[1:])
    # webrtc's model of the background never quite comes to rest: a frame at the edge between
    # speech and none may be decided otherwise, and partial results follow it.
    n_moved = sum(len(set(period) - set(settled[0])) for period in settled[1:])
    n_finals = sum(len(part) for part in latencies_ms)
    what = f"{n_periods} x {period_s // 60} min as one stream"
    return [
        Row(
            f"{what}: memory after the last against after the first",
            f"{last.memory_mb:.1f} MB, {first.memory_mb:.1f} MB: {growth:+.1%}",
            "at most +5 %",
            growth <= 0.05,
            seconds,
        ),
        Row(
            "latency p95 of the last quarter against the first, and the work done",
            f"{end_ms:.0f} ms, {begin_ms:.0f} ms ({n_finals} utterances); {end_s:.1f} s, "
            f"{begin_s:.1f} s of processor time for each {period_s // 60} min",
            "at most +25 %; where other programs slowed it, processor time +5 %",
            end_ms <= 1.25 * begin_ms or end_s <= 1.05 * begin_s,
            seconds,
            measures_time=True,
        ),
        Row(
            "file descriptors and threads",
            f"{_range(descriptors)}, {_range(threads)}",
            "constant",
            len(descriptors) == 1 and len(threads) == 1,
            seconds,
        ),
        Row(
            "the sample clock at the end",
            f"{n_heard} of {n_periods * period_s * RATE_HZ} samples, {n_lost} gaps and drops",
            "exact, 0",
            n_heard == n_periods * period_s * RATE_HZ and n_lost == 0,
            seconds,
        ),
        Row(
            f"the same utterances, to the sample, as in period {N_SETTLING + 1} in all later ones",
            f"{n_same} of {len(settled) - 1}, {len(finals[0])} utterances each; "
            f"{n_moved} of {sum(map(len, settled[1:]))} results, partial ones included, moved",
            "all utterances",
            n_same == len(settled) - 1 > 0 and len(finals[0]) > 0,
            seconds,
        ),
    ]


def _range(values: set[int]) -> str:
    return " to ".join(str(value) for value in sorted({min(values), max(values)}))


def _reading(pid: int, wall_s: float) -> Reading:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Reading(
        memory_mb=round(rss_mb(pid), 2),
        n_descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        n_threads=int(stat[17]),
        cpu_s=(int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
        wall_s=round(wall_s, 1),
    )


@contextlib.contextmanager
def _terminal() -> Iterator[int]:
    """A pseudo terminal that somebody looks at."""
    master, slave = pty.openpty()

    def look() -> None:
        with contextlib.suppress(OSError):
            while os.read(master, 65536):
                pass

    reader = threading.Thread(target=look)
    reader.start()
    try:
        yield slave
    finally:
        os.close(slave)
        reader.join()
        os.close(master)


# -- a week's log


def a_week_of_log(n_days: int) -> Row:
    """Make a long log of the records of the day, and open it in both ways."""
    began_s = time.monotonic()
    day = CACHE / "day.jsonl"
    with tempfile.TemporaryDirectory() as name:
        short, long = Path(name) / "short.jsonl", Path(name) / "long.jsonl"
        period_s = _repeated(day, short, 3600)
        _repeated(day, long, n_days * 24 * 3600)
        peaks_mb = {
            (command, log): _peak_mb("log", command, str(log))
            for command in ("show", "export")
            for log in (short, long)
        }
        size_mb = long.stat().st_size / 1e6
    extra = {c: peaks_mb[c, long] - peaks_mb[c, short] for c in ("show", "export")}
    return Row(
        f"a log of {n_days} {'day' if n_days == 1 else 'days'} opens without being held in memory",
        f"{size_mb:.0f} MB of log; show takes {extra['show']:+.1f} MB and export "
        f"{extra['export']:+.1f} MB more than for {period_s / 60:.0f} min",
        "at most 5 MB more",
        max(extra.values()) <= 5,
        time.monotonic() - began_s,
    )


def _repeated(log: Path, longer: Path, duration_s: float) -> float:
    """Write the records of `log` again and again, shifted; how long that is, in seconds."""
    records: list[Any] = [
        entry.as_record()
        for entry in read_log(log)
        if not isinstance(entry, StreamEnded | SessionEnded)
    ]
    begin = [r for r in records if r["type"] in ("log", "session_started", "stream_started")]
    rest = [r for r in records if r not in begin]
    length_s = max(r["start_s"] for r in rest) + 60
    at_s = 0.0
    with longer.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in begin)
        while at_s < duration_s:
            for record in rest:
                moved = {
                    name: value + at_s if name in ("start_s", "end_s") else value
                    for name, value in record.items()
                }
                if moved["start_s"] > duration_s:
                    return duration_s
                file.write(json.dumps(moved) + "\n")
            at_s += length_s
    return duration_s


def _peak_mb(*arguments: str) -> float:
    """Most memory that the command needed."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *SER_LIVE, *arguments], check=True, capture_output=True
    )
    return int(result.stdout) / 1000


# -- the clock


def clock_change() -> Row:
    """Wall time that jumps by hours and days, back and forth, at every look at it."""
    began_s = time.monotonic()
    replay = ["replay", str(DEMO), "--speed", "8", "--model", "classic", "--format", "jsonl"]
    still, jumping = (
        [
            json.loads(line)
            for line in subprocess.run(
                [*command, *replay, "--no-log"], check=True, capture_output=True
            ).stdout.splitlines()
        ]
        for command in (SER_LIVE, (sys.executable, str(SPOILT), "clock"))
    )
    n_same = sum(
        without(one, *DIFFERS) == without(other, *DIFFERS)
        for one, other in zip(still, jumping, strict=False)
    )
    latencies_ms = [r["latency_ms"] for r in jumping if r["type"] == "emotion"]
    return Row(
        "a wall clock that is set anew by up to a day, again and again",
        f"{n_same} of {len(still)} events the same, latencies "
        f"{min(latencies_ms):.0f} to {max(latencies_ms):.0f} ms",
        "all the same, no latency below 0 or above a minute",
        n_same == len(still) == len(jumping)
        and min(latencies_ms) > 0
        and max(latencies_ms) < 60_000,
        time.monotonic() - began_s,
    )
