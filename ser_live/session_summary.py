"""A session in a few lines of text, from the records of its log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ser_live.emotions import EMOTIONS, State
from ser_live.tally import Tally
from ser_live.terminal_text import clock, fit, printable, signed

_MAX_CELLS = 300
"""Nothing that a log says is shown longer than this."""


def summary_lines(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """What `records` of one session add up to, one fact a line, for people.

    Works on a session that never ended, such as a log cut off by ``kill -9``: there the
    sums are of what the log holds, and the summary says so.
    """
    tally = Tally()
    about: list[str] = []
    streams: list[str] = []
    failures: list[str] = []
    ended: Mapping[str, Any] | None = None
    n_unlogged = 0
    heard_s = 0.0
    for record in records:
        tally.add(record)
        kind = record["type"]
        if kind == "session_started":
            version = _shown(record["version"])
            about.append(f"started    {_shown(record['started_at'])}, ser-live {version}")
            model, sha256 = _shown(record["model"]), _shown(record["model_sha256"][:12])
            about.append(f"model      {model} ({sha256})")
            if record.get("speaker"):
                about.append(f"speaker    {_shown(record['speaker'])}, enrolled")
        elif kind == "stream_started":
            streams.append(_shown(record["source"]))
        elif kind == "stream_ended":
            heard_s += record["duration_s"]
        elif kind == "source_failed":
            failures.append(_shown(record["message"]))
        elif kind == "log_continued":
            about.append(f"continues  {printable(record['path'])} ({printable(record['cause'])})")
        elif kind == "log_gap":
            n_unlogged += record["n_events"]
        elif kind == "session_ended":
            ended = record
    if streams:
        more = f" and {len(streams) - 1} more" if len(streams) > 1 else ""
        about.append(f"source     {streams[0]}{more}")
    if ended is None:
        about.append(
            "ended      not recorded (running still, or cut off): sums are of what the log holds"
        )
    else:
        about.append(f"ended      {_shown(ended['reason'])}")
        heard_s = ended["duration_s"]
    return [
        *about,
        *([f"heard      {clock(heard_s, tenths=True)}"] if heard_s else []),
        *tally_lines(tally, n_unlogged),
        *(f"failed     {message}" for message in failures),
    ]


def _shown(text: str) -> str:
    return fit(printable(text), _MAX_CELLS)


def tally_lines(tally: Tally, n_unlogged: int = 0) -> list[str]:
    """What was counted, one fact a line, for people."""
    return [*_sums(tally), *_losses(tally, n_unlogged)]


def _sums(tally: Tally) -> list[str]:
    lines = [f"utterances {tally.n_finals}, {tally.n_named} with an emotion"]
    shares = tally.shares()
    for emotion in sorted(EMOTIONS, key=lambda e: -shares[e]):
        n = tally.emotions[emotion]
        if n:
            lines.append(
                f"  {emotion.value:<10} {n:>4}   {shares[emotion]:>4.0%} of the named speech time"
                f" ({tally.speech_s[emotion]:.1f} s)"
            )
    affect = tally.affect()
    if affect is not None:
        lines.append(f"valence    {signed(affect[0], 2)} on average, from -1 to +1")
        lines.append(f"arousal    {signed(affect[1], 2)} on average, from -1 to +1")
    lines += [f"  {s.value:<10} {n:>4}" for s, n in tally.states.items() if s is not State.OK]
    return lines


def _losses(tally: Tally, n_unlogged: int) -> list[str]:
    lines = [f"dropped    {tally.n_dropped}", f"gaps       {tally.n_gaps} ({tally.gap_s:.2f} s)"]
    if tally.n_device_losses:
        times = "once" if tally.n_device_losses == 1 else f"{tally.n_device_losses} times"
        lines.append(f"microphone lost {times}")
    if n_unlogged:
        lines.append(f"unlogged   {n_unlogged} events that could not be written")
    median, slow = tally.latency_ms(50), tally.latency_ms(95)
    if not math.isnan(median):
        lines.append(f"latency    median {median:.0f} ms, p95 {slow:.0f} ms")
    return lines
